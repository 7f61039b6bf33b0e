"""Traceloop: association properties that are set in the middle of a workflow."""


def test_spans_from_before_the_call_have_the_user_too(whole, app):
    identities = app(
        "traceloop_app.py",
        {"ENDPOINT": whole.endpoint, "TRACELOOP_METRICS_ENABLED": "false", "TRACELOOP_TELEMETRY": "false"},
    )

    sent = whole.check(identities)

    key = "traceloop.association.properties.user_id"
    before = next(place for place in sent if place.span.name == "before.task")
    assert before.attribute(key) is None
    assert all(place.attribute(key) == "ada" for place in whole.backend.traces(identities))
    # Not an identity: stays where the SDK put it.
    plan = "traceloop.association.properties.plan"
    after = {place.span.name: place.attribute(plan) for place in whole.backend.traces(identities)}
    assert after == {"before.task": None, "answer.workflow": "pro", "after.task": "pro"}
