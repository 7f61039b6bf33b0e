"""Two turns with neatlogs, for one user in one session; a tool of the second one fails. Prints nothing of interest."""

import json

import neatlogs

neatlogs.init(workflow_name="desk", user_id="operator-7", tags=["prod"], flush_interval=0.2)


@neatlogs.span(kind="TOOL")
def search(fails):
    if fails:
        raise KeyError("order")


for fails in (False, True):
    with neatlogs.trace("turn", end_user_id="nora", end_user_metadata={"plan": "pro", "seats": 3}, session_id="desk-1"):
        with neatlogs.trace("plan", kind="AGENT"):
            with neatlogs.trace("answer", kind="LLM") as span:
                span.set_attribute("gen_ai.request.model", "gpt-4o-mini")
                span.set_attribute("gen_ai.provider.name", "openai")
                span.set_attribute("gen_ai.usage.input_tokens", 1000)
                span.set_attribute("gen_ai.usage.cache_read.input_tokens", 200)
                span.set_attribute("gen_ai.usage.output_tokens", 100)
            try:
                search(fails)
            except KeyError:
                pass

neatlogs.flush()
# The completion markers are made once the roots were accepted.
neatlogs.shutdown()
print(json.dumps({}))
