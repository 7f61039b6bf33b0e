"""Two letters written with Langfuse, for one user in one session: one with a cost, one that has to be priced, whose check
fails. Prints nothing of interest."""

import json

from langfuse import Langfuse, propagate_attributes

client = Langfuse()


def write(usage, cost, fails):
    with propagate_attributes(
        user_id="lena",
        session_id="letters",
        metadata={"plan": "pro", "team": "blue"},
        tags=["draft"],
        trace_name="letter",
    ):
        with client.start_as_current_observation(name="write", as_type="agent"):
            with client.start_as_current_observation(name="answer", as_type="generation", model="gpt-4o") as answer:
                answer.update(usage_details=usage, cost_details=cost)
            with client.start_as_current_observation(name="check", as_type="guardrail") as check:
                if fails:
                    check.update(level="ERROR", status_message="too long")


# 400 in, 100 of them cached; 50 out.
write(
    {"input": 300, "input_cached_tokens": 100, "output": 50}, {"input": 0.001, "output": 0.002, "total": 0.003}, False
)
write({"input": 300, "input_cached_tokens": 100, "output": 50}, None, True)

client.shutdown()
print(json.dumps({}))
