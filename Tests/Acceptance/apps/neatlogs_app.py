"""A chat server with neatlogs, which learns from environment variables where to send and with which key.

Prints, by trace id, the identity that its root was given.
"""

import json

import neatlogs

neatlogs.init(workflow_name="chat-server", user_id="operator-7", tags=["prod"], flush_interval=0.2)
identities = {}


def known(**identity):
    names = {"id": "neatlogs.end_user.id", "metadata": "neatlogs.end_user.metadata", "session": "neatlogs.session.id"}
    headers = {}
    neatlogs.inject_trace_context(headers)
    identities[headers["traceparent"].split("-")[1]] = {names[name]: value for name, value in identity.items()}


with neatlogs.trace("turn 1", end_user_id="ada", end_user_metadata={"plan": "pro", "seats": 3}, session_id="s-1"):
    known(id="ada", metadata='{"plan":"pro","seats":3}', session="s-1")
    with neatlogs.trace("think", kind="AGENT"):
        # Of a nested span the SDK itself drops the end user.
        with neatlogs.trace("answer", kind="LLM", end_user_id="mallory") as span:
            span.set_attribute("gen_ai.usage.input_tokens", 12)
    # A child with a session of its own: the SDK mirrors it under its own key. The root's goes to every span.
    with neatlogs.trace("lookup", kind="TOOL") as span:
        span.set_attribute("session.id", "another")
    # An end user that was forced onto a child by hand.
    with neatlogs.trace("forged", kind="TOOL") as span:
        span.set_attribute("neatlogs.end_user.id", "mallory")
        span.set_attribute("neatlogs.end_user.metadata", '{"plan":"free"}')


@neatlogs.span(kind="TOOL")
def search(query):
    return [query]


@neatlogs.span(kind="WORKFLOW", end_user_id="grace", session_id="s-2", tags=["vip"])
def handle(message):
    known(id="grace", session="s-2")
    return search(message)


handle("hello")

with neatlogs.identify(end_user_id="joan", session_id="s-3"):
    with neatlogs.trace("turn 2"):
        known(id="joan", session="s-3")
        with neatlogs.trace("answer", kind="LLM"):
            pass

# The operator is nobody's end user, and what a child says has no effect.
with neatlogs.trace("anonymous"):
    known()
    with neatlogs.trace("child", kind="TOOL", end_user_id="mallory") as span:
        span.set_attribute("neatlogs.end_user.id", "mallory")

neatlogs.flush()
# The completion markers are made once the roots were accepted.
neatlogs.shutdown()
print(json.dumps(identities))
