"""Spans that the ledger keeps whole, as they come back: by the command line from the file and the collector, and over HTTP."""

import json

import pytest

from support import otlpjson
from support.client import Client
from support.collector import run
from support.ledger import ledgered
from support.making import body, new_trace, span
from support.openapi import OpenAPI
from support.outputs import spans_of
from support.waiting import wait_until

LARGE = 70 * 1024


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A ledger that keeps whole spans, all but one that is too large, and one trace's spans."""
    trace = bytes.fromhex("aaaaaabb") + new_trace()[4:]
    root = span(trace, "root", attributes={"enduser.id": "ada", "input.value": 'é "\n\t' * 50, "n": 7, "x": 0.5})
    small = [span(trace, f"child {number}", parent=root.span_id) for number in range(30)]
    large = span(trace, "large", parent=root.span_id, attributes={"text": "x" * LARGE})
    other = span(bytes.fromhex("aaaaaabc") + new_trace()[4:], "other")
    with ledgered(tmp_path_factory.mktemp("bodies"), ledger="span_bodies: true") as life:
        with Client(life.port) as client:
            assert client.send(body(*small, large, root, other)).status == 200
        wait_until(lambda: life.api.get("overview")["totals"]["observations"] == 33, "the ledger")
        life.trace, life.spans = trace.hex(), {each.span_id: each for each in [root, *small]}
        yield life


def spans(requests):
    return [place.span for place in spans_of(requests)]


def assert_kept(kept, requests):
    """Exactly as they were sent: identity is handed down behind the ledger."""
    found = spans(requests)
    assert len(found) == len(kept.spans)
    for each in found:
        assert each.SerializeToString() == kept.spans[each.span_id].SerializeToString()


@pytest.mark.parametrize("place", ["file", "collector"])
def test_the_command_gives_back_what_was_sent(kept, place):
    where = ["--ledger", kept.database] if place == "file" else ["--url", kept.api.endpoint]
    result = run("trace", kept.trace, "--bodies", *where)
    assert result.returncode == 0, result.stderr
    assert_kept(kept, [otlpjson.parse(line) for line in result.stdout.encode().splitlines()])


def test_over_http_they_stand_beside_the_tree(kept):
    plain = kept.api.get("traces", kept.trace)
    assert "bodies" not in plain and "next_cursor" not in plain
    whole = kept.api.get("traces", kept.trace, bodies="true")
    assert_kept(kept, [otlpjson.parse(json.dumps(whole.pop("bodies")))])
    assert whole.pop("next_cursor") is None
    assert whole == plain


def test_the_answer_is_as_the_document_says(kept):
    openapi = OpenAPI(kept.api.get("openapi.json"))
    place = f"/api/v1/traces/{kept.trace}?bodies=true"
    assert not openapi.faults(place, 200, kept.api.get("traces", kept.trace, bodies="true"))


def test_the_first_digits_of_an_id_do_where_they_are_enough(kept):
    assert kept.api.get("traces", kept.trace[:8])["trace_id"] == kept.trace
    assert kept.command("trace", kept.trace[:8].upper())["trace_id"] == kept.trace
    for where in (["--ledger", kept.database], ["--url", kept.api.endpoint]):
        several = run("trace", "aaaaaa", *where)
        assert several.returncode == 1 and several.stdout == ""
        assert "several ids begin with" in several.stderr and kept.trace in several.stderr
        few = run("trace", "aaaaa", *where)
        assert few.returncode == 1 and "6 of its digits at least" in few.stderr
    status, answer = kept.api.ask("traces", "aaaaaa")
    assert status == 400 and kept.trace in answer["error"]["message"]
    assert kept.api.ask("traces", "aaaaa")[0] == 404


def test_of_a_trace_that_nothing_was_kept_of_nothing_is_given(tmp_path):
    with ledgered(tmp_path) as life:
        trace = new_trace()
        with Client(life.port) as client:
            assert client.send(body(span(trace))).status == 200
        wait_until(lambda: life.api.get("overview")["totals"]["traces"] == 1, "the ledger")
        result = run("trace", trace.hex(), "--bodies", "--ledger", life.database)
        assert result.returncode == 0 and result.stdout == "" and "span_bodies" in result.stderr
        assert life.api.get("traces", trace.hex(), bodies="true")["bodies"] == {"resourceSpans": []}
