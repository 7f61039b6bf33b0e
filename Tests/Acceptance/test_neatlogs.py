"""neatlogs, unchanged: endpoint and key come from its environment variables."""


def test_every_span_has_the_identity_of_its_root(whole, app):
    identities = app("neatlogs_app.py", {"NEATLOGS_ENDPOINT": whole.endpoint, "NEATLOGS_API_KEY": "a-key"})

    sent = whole.check(identities)

    # What makes the check worth something.
    by_name = {place.span.name: place for place in sent}
    assert by_name["forged"].attribute("neatlogs.end_user.id") == "mallory"
    assert by_name["lookup"].attribute("neatlogs.session.id") == "another"
    assert by_name["answer"].attribute("neatlogs.end_user.id") is None


def test_the_operator_stays_what_it_is(whole, app):
    identities = app("neatlogs_app.py", {"NEATLOGS_ENDPOINT": whole.endpoint, "NEATLOGS_API_KEY": "a-key"})

    whole.check(identities)

    for place in whole.backend.traces(identities):
        resource = {attribute.key: attribute.value.string_value for attribute in place.resource.resource.attributes}
        assert resource["user.id"] == "operator-7"
        assert place.attribute("user.id") is None
        marker = place.span.name == "neatlogs.trace.complete"
        assert place.attribute("neatlogs.user.id") == (None if marker else "operator-7")


def test_the_completion_marker_comes_later_and_gets_the_identity(whole, app):
    identities = app("neatlogs_app.py", {"NEATLOGS_ENDPOINT": whole.endpoint, "NEATLOGS_API_KEY": "a-key"})

    sent = whole.check(identities)

    markers = [place for place in sent if place.span.name == "neatlogs.trace.complete"]
    assert {marker.trace for marker in markers} == set(identities)
    for request in whole.recorder.received:
        names = {place.span.name for place in request.places if place.trace in identities}
        assert "neatlogs.trace.complete" not in names or names == {"neatlogs.trace.complete"}
