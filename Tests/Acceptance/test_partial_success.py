"""Spans that nobody could store or forward are left out and reported; their neighbours are not harmed."""

import pytest

from support.client import Client
from support.making import body, new_trace, request, span

# Stands for text that is not UTF-8, which Python's protobuf refuses to write; replaced in the finished bytes.
HOLE = "@@@@@@@@"
NOT_UTF8 = b"ok \xc3\x28 \xff\x80"


def bad_span(**fields):
    return span(new_trace(), "bad", **fields)


def with_event(name, attributes=None):
    result = bad_span()
    event = result.events.add(name=name, time_unix_nano=1)
    for key, value in (attributes or {}).items():
        event.attributes.add(key=key).value.string_value = value
    return result


BAD = {
    "no trace id": bad_span(trace_id=b""),
    "a trace id of zeros": bad_span(trace_id=bytes(16)),
    "a short trace id": bad_span(trace_id=b"\1" * 8),
    "a long trace id": bad_span(trace_id=b"\1" * 17),
    "no span id": bad_span(span_id=b""),
    "a span id of zeros": bad_span(span_id=bytes(8)),
    "a short span id": bad_span(span_id=b"\1" * 7),
    "a long span id": bad_span(span_id=b"\1" * 16),
    "a parent id of four bytes": bad_span(parent=b"\1" * 4),
    "a parent id of nine bytes": bad_span(parent=b"\1" * 9),
    "a name that is not UTF-8": span(new_trace(), HOLE),
    "an attribute's key that is not UTF-8": bad_span(attributes={HOLE: "value"}),
    "an attribute's value that is not UTF-8": bad_span(attributes={"key": HOLE}),
    "a value in an array that is not UTF-8": bad_span(attributes={"key": ["fine", HOLE]}),
    "an event's name that is not UTF-8": with_event(HOLE),
    "an event's attribute that is not UTF-8": with_event("event", {"key": HOLE}),
    "a trace state that is not UTF-8": bad_span(trace_state=HOLE),
}


def with_holes_filled(message):
    return message.SerializeToString().replace(HOLE.encode(), NOT_UTF8)


@pytest.fixture
def client(whole):
    with Client(whole.collector.port) as client:
        yield client


def neighbours():
    trace = new_trace()
    root = span(trace, "root", attributes={"enduser.id": "ada"})
    return trace.hex(), [span(trace, "before", parent=root.span_id), root]


def check_neighbours(whole, trace):
    came = whole.backend.wait_for(2, {trace})
    assert sorted(place.span.name for place in came) == ["before", "root"]
    assert [place.attribute("enduser.id") for place in came] == ["ada", "ada"]


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_span_is_left_out_and_its_neighbours_stay(whole, client, fault):
    trace, [before, root] = neighbours()

    partial = client.send(with_holes_filled(request(before, BAD[fault], root))).response.partial_success

    assert partial.rejected_spans == 1
    assert partial.error_message.strip()
    check_neighbours(whole, trace)


def test_all_of_them_at_once_are_counted(whole, client):
    trace, [before, root] = neighbours()

    partial = client.send(with_holes_filled(request(before, *BAD.values(), root))).response.partial_success

    assert partial.rejected_spans == len(BAD)
    assert partial.error_message.strip()
    check_neighbours(whole, trace)


def test_a_request_of_bad_spans_only_is_answered_the_same_way(client):
    partial = client.send(with_holes_filled(request(*BAD.values()))).response.partial_success
    assert partial.rejected_spans == len(BAD)


def test_none_of_them_ever_comes_out(whole, client):
    client.send(with_holes_filled(request(*BAD.values()))).response
    trace, spans = neighbours()
    client.send(body(*spans)).response
    check_neighbours(whole, trace)
    assert "bad" not in {place.span.name for place in whole.backend.spans}


@pytest.mark.parametrize("parent", [b"", bytes(8)])
def test_an_empty_parent_and_one_of_zeros_both_make_a_root(whole, client, parent):
    trace = new_trace()
    root = span(trace, "root", parent=parent, attributes={"enduser.id": "ada"})
    child = span(trace, "before", parent=root.span_id)

    answer = client.send(body(child, root))

    assert not answer.response.HasField("partial_success")
    check_neighbours(whole, trace.hex())
