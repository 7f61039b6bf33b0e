"""Langfuse's SDK, with its export path set to ours by environment variable."""


def test_spans_from_outside_the_binding_have_the_user_too(whole, app):
    identities = app(
        "langfuse_app.py",
        {
            "LANGFUSE_BASE_URL": whole.endpoint,
            "LANGFUSE_PUBLIC_KEY": "pk-test",
            "LANGFUSE_SECRET_KEY": "sk-test",
            "LANGFUSE_OTEL_TRACES_EXPORT_PATH": "/v1/traces",
        },
    )

    sent = whole.check(identities)

    without = {place.span.name for place in sent if place.attribute("user.id") is None}
    assert without == {"early", "late"}
    assert all(place.attribute("user.id") == "ada" for place in whole.backend.traces(identities))
