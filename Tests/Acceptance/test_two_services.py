"""One trace through two services: the second knows nothing of the user, and its spans come first, on another connection."""

import pytest


@pytest.mark.parametrize("sdk", ["neatlogs", "opentelemetry"])
def test_the_second_service_has_the_identity_of_the_first(whole, app, sdk):
    identities = app(
        f"{sdk}_front.py",
        {
            "NEATLOGS_ENDPOINT": whole.endpoint,
            "NEATLOGS_API_KEY": "a-key",
            "OTEL_EXPORTER_OTLP_ENDPOINT": whole.endpoint,
        },
    )

    sent = whole.check(identities)

    [trace] = identities
    names = [place.span.name for place in sent]
    assert names.index("answer") < names.index("call") and names.index("handle") < names.index("request")
    requests = [r for r in whole.recorder.received if any(place.trace == trace for place in r.places)]
    assert len({request.connection for request in requests}) == 2
    services = {place.resource.resource.SerializeToString(deterministic=True) for place in sent}
    assert len(services) == 2
