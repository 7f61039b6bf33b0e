"""A chat with Langfuse, whose user is bound inside the root.

Prints, by trace id, the identity that its root was given.
"""

import json

from langfuse import Langfuse, propagate_attributes

client = Langfuse()
identities = {}

with client.start_as_current_observation(name="chat", as_type="agent") as root:
    identities[root.trace_id] = {"user.id": "ada", "session.id": "s-1"}
    with client.start_as_current_observation(name="early", as_type="tool"):
        pass
    with propagate_attributes(user_id="ada", session_id="s-1", metadata={"plan": "pro"}, tags=["a"]):
        with client.start_as_current_observation(name="answer", as_type="generation", model="gpt-4o") as answer:
            answer.update(usage_details={"input": 12, "output": 3})
    with client.start_as_current_observation(name="late", as_type="span"):
        pass

client.shutdown()
print(json.dumps(identities))
