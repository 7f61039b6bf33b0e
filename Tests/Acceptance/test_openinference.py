"""OpenInference: the user is bound below a root that knows nobody."""


def test_the_topmost_span_with_a_user_speaks_for_the_trace(whole, app):
    identities = app("openinference_app.py", {"OTEL_EXPORTER_OTLP_ENDPOINT": whole.endpoint})

    sent = whole.check(identities)

    root = next(place for place in sent if place.span.name == "POST /chat")
    assert root.attribute("user.id") is None
    came_out = next(place for place in whole.backend.traces(identities) if place.span.name == "POST /chat")
    assert came_out.attribute("user.id") == "ada"
    # What the trace's identity does not name is each span's own.
    tool = next(place for place in whole.backend.traces(identities) if place.span.name == "tool")
    assert tool.attribute("metadata") == '{"plan": "pro"}'
