"""The second of two services: continues the trace that its caller names, and has no identity to tell."""

import sys

import neatlogs

neatlogs.init(workflow_name="tool", user_id="operator-9", flush_interval=0.2)

with neatlogs.extract_trace_context({"traceparent": sys.argv[1]}, end_user_id="dropped by the SDK"):
    with neatlogs.trace("handle", kind="AGENT"):
        with neatlogs.trace("answer", kind="LLM"):
            pass

neatlogs.flush()
neatlogs.shutdown()
