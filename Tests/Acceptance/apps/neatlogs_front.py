"""The first of two services with neatlogs: opens the trace, knows the end user, and calls the second, which is a process
of its own. That one has sent its spans before this one ends any.

Prints, by trace id, the identity that the root was given.
"""

import json
import subprocess
import sys
from pathlib import Path

import neatlogs

neatlogs.init(workflow_name="front", flush_interval=0.2)

with neatlogs.trace("request", end_user_id="ada", end_user_metadata={"plan": "pro"}, session_id="s-1"):
    with neatlogs.trace("call", kind="TOOL"):
        headers = {}
        neatlogs.inject_trace_context(headers)
        tool = Path(__file__).with_name("neatlogs_tool.py")
        subprocess.run([sys.executable, tool, headers["traceparent"]], check=True, stdout=sys.stderr)

neatlogs.flush()
neatlogs.shutdown()
identity = {
    "neatlogs.end_user.id": "ada",
    "neatlogs.end_user.metadata": '{"plan":"pro"}',
    "neatlogs.session.id": "s-1",
}
print(json.dumps({headers["traceparent"].split("-")[1]: identity}))
