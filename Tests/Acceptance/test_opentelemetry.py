"""The OpenTelemetry SDK for Python, unchanged, told by environment variables to send here."""

import pytest


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_every_span_has_the_identity_of_its_root(whole, app, compression):
    identities = app(
        "opentelemetry_app.py",
        {"OTEL_EXPORTER_OTLP_ENDPOINT": whole.endpoint, "OTEL_EXPORTER_OTLP_COMPRESSION": compression, "PAUSE": "0"},
    )

    whole.check(identities)

    requests = [r for r in whole.recorder.received if any(place.trace in identities for place in r.places)]
    assert {request.headers.get("content-encoding", "none") for request in requests} == {compression}


def test_a_root_that_ends_long_after_its_children_were_sent(whole, app):
    identities = app("opentelemetry_app.py", {"OTEL_EXPORTER_OTLP_ENDPOINT": whole.endpoint, "PAUSE": "0.8"})

    whole.check(identities)

    arrivals = [place.span.name for place in whole.recorder.traces(identities) if place.span.name in SLOW]
    assert arrivals == SLOW
    assert request_count(whole, "step 0", "slow", identities) == 2


SLOW = ["step 0", "step 1", "step 2", "slow"]


def request_count(whole, first, second, identities):
    """In how many requests these two spans came."""
    return sum(
        any(place.trace in identities and place.span.name in (first, second) for place in request.places)
        for request in whole.recorder.received
    )
