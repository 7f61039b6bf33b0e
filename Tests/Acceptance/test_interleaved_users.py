"""Fifty users at the same time, their spans interleaved in requests and over connections."""


def test_nobody_gets_anybody_elses_identity(whole, app):
    identities = app("users_app.py", {"OTEL_EXPORTER_OTLP_ENDPOINT": whole.endpoint})

    sent = whole.check(identities)

    assert len({identity["enduser.id"] for identity in identities.values()}) == 50
    requests = [r for r in whole.recorder.received if any(place.trace in identities for place in r.places)]
    assert len({request.connection for request in requests}) >= 4
    # Traces share requests, and are spread over several.
    spread = [sum(any(p.trace == trace for p in request.places) for request in requests) for trace in identities]
    assert max(spread) > 1
    assert max(len({place.trace for place in request.places}) for request in requests) > 1
    assert len(sent) == 7 * len(identities)
