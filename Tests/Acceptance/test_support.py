"""What the other tests stand on: would they notice?"""

import gzip
import http.client
import json
from copy import deepcopy

import pytest

from support import otlpjson
from support.captures import trace_requests
from support.client import Client
from support.making import body, new_trace, request, span
from support.outputs import framed_messages, json_lines
from support.servers import Backend, Recorder, Reply, serving
from support.spans import Place, any_value, assert_inherited, places
from support.waiting import wait_until
from test_captures import IDENTITIES

IDENTITY = {"enduser.id": "ada", "session.id": "s-1"}


@pytest.fixture
def sent():
    """A root and a child that has much to lose."""
    trace = new_trace()
    root = span(trace, "root", attributes={**IDENTITY, "user.id": "u-1"})
    attributes = {"a": 1, "b": "x", "enduser.pseudo.id": "p", "session.id": "other", "user.id": "u-2"}
    child = span(trace, "child", parent=root.span_id, attributes=attributes)
    child.events.add(name="event", time_unix_nano=1)
    return places(request(child, root))


@pytest.fixture
def received(sent):
    """What must come out."""
    child, root = (copy(place) for place in sent)
    kept = [attribute for attribute in child.span.attributes if attribute.key in ("a", "b", "user.id")]
    identity = list(root.span.attributes[:2])
    del child.span.attributes[:]
    child.span.attributes.extend([*kept, *identity])
    return [child, root]


def copy(place):
    return Place(*map(deepcopy, (place.span, place.resource, place.scope)))


def check(sent, received):
    assert_inherited(sent, received, {sent[0].trace: IDENTITY})


def test_what_must_come_out_is_accepted(sent, received):
    check(sent, received)
    check(sent, received[::-1])


def put(place, key, value):
    place.span.attributes.add(key=key).value.CopyFrom(any_value(value))


def attribute_of(place, key):
    return next(attribute for attribute in place.span.attributes if attribute.key == key)


FAULTS = {
    "a span is missing": lambda out: out.pop(),
    "a span is there twice": lambda out: out.append(out[0]),
    "another's id": lambda out: attribute_of(out[0], "enduser.id").value.CopyFrom(any_value("grace")),
    "an id of another type": lambda out: attribute_of(out[0], "enduser.id").value.CopyFrom(any_value(4)),
    "no id": lambda out: out[0].span.attributes.remove(attribute_of(out[0], "enduser.id")),
    "no session": lambda out: out[0].span.attributes.remove(attribute_of(out[0], "session.id")),
    "the id twice": lambda out: put(out[0], "enduser.id", "ada"),
    "a second end user": lambda out: put(out[0], "langfuse.user.id", "grace"),
    "an attribute too much": lambda out: put(out[0], "c", 1),
    "an attribute is gone": lambda out: out[0].span.attributes.remove(attribute_of(out[0], "a")),
    "attributes in another order": lambda out: out[0].span.attributes.reverse(),
    "the operator is gone": lambda out: out[0].span.attributes.remove(attribute_of(out[0], "user.id")),
    "an event is gone": lambda out: out[0].span.ClearField("events"),
    "a field unknown to us is gone": lambda out: out[0].span.DiscardUnknownFields(),
    "another name": lambda out: setattr(out[0].span, "name", "other"),
    "a status": lambda out: out[0].span.status.SetInParent(),
    "a changed root": lambda out: put(out[1], "c", 1),
    "another resource": lambda out: out[0].resource.resource.attributes.pop(),
    "another schema": lambda out: setattr(out[0].resource, "schema_url", "x"),
    "another scope": lambda out: setattr(out[0].scope.scope, "name", "x"),
    "another schema of the scope": lambda out: setattr(out[0].scope, "schema_url", "x"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_noticed(sent, received, fault):
    for place in (sent[0], received[0]):
        place.span.MergeFromString(b"\xfa\x3f\x02hi")  # field 1023
    check(sent, received)
    FAULTS[fault](received)
    with pytest.raises(AssertionError):
        check(sent, received)


@pytest.mark.parametrize("key, value", [("enduser.id", "ada"), ("c", 1)])
def test_a_trace_without_identity_must_not_be_touched(sent, key, value):
    received = [copy(place) for place in sent]
    assert_inherited(sent, received, {sent[0].trace: {}})
    put(received[0], key, value)
    with pytest.raises(AssertionError):
        assert_inherited(sent, received, {sent[0].trace: {}})


def test_every_captured_request_is_read():
    spans = [place for name in ("neatlogs", "otel", "openinference") for r in trace_requests(name) for place in r.places]
    assert len({place.key for place in spans}) == len(spans) == 42
    assert {place.trace for place in spans} == set(IDENTITIES)
    # The table of identities names nothing that no span of the trace says.
    for trace, identity in IDENTITIES.items():
        said = {(a.key, a.value.string_value) for p in spans if p.trace == trace for a in p.span.attributes}
        assert set(identity.items()) <= said


GOOD_SPAN = {"traceId": "0" * 31 + "1", "spanId": "ab" * 8, "startTimeUnixNano": "1", "kind": 2, "status": {}}


def line(**fields):
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{**GOOD_SPAN, **fields}]}]}]})


def test_json_is_read():
    value = {"arrayValue": {"values": [{"intValue": "-5"}, {"bytesValue": "AQI="}, {}]}}
    [place] = places(otlpjson.parse(line(attributes=[{"key": "k", "value": value}])))
    assert place.span.trace_id == bytes(15) + b"\1" and place.span.kind == 2
    values = place.span.attributes[0].value.array_value.values
    assert [v.WhichOneof("value") for v in values] == ["int_value", "bytes_value", None]


@pytest.mark.parametrize(
    "fields",
    [
        {"traceId": "AAAAAAAAAAAAAAAAAAAAAQ=="},
        {"spanId": "AB" * 8},
        {"startTimeUnixNano": 1},
        {"kind": "SPAN_KIND_SERVER"},
        {"end_time_unix_nano": "1"},
        {"surprise": 1},
        {"attributes": [{"key": "k", "value": {"intValue": 5}}]},
    ],
)
def test_json_of_another_form_is_refused(fields):
    with pytest.raises(Exception):
        otlpjson.parse(line(**fields))


def test_an_unfinished_end_of_a_file_is_left_for_later(tmp_path):
    lines, frames = tmp_path / "lines", tmp_path / "frames"
    message = body(span(new_trace()))
    frame = len(message).to_bytes(4, "big") + message
    lines.write_text(line() + "\n" + line()[:20])
    frames.write_bytes(frame + frame[:-1])
    assert len(json_lines(lines)) == len(framed_messages(frames)) == 1


def test_a_recorder_passes_on_and_keeps_what_was_accepted(backend):
    backend.answers = [Reply(503, b"later", (("Retry-After", "3"),))]
    content = body(span(new_trace(), "one"))
    with serving(Recorder(backend.server_port)) as recorder, Client(recorder.server_port) as client:
        refused = client.send_gzip(content)
        assert (refused.status, refused.body, refused.headers["Retry-After"]) == (503, b"later", "3")
        assert not recorder.received
        client.send_gzip(content, X_Api_Key="k").response
        [recorded], [request] = recorder.received, backend.received
        assert gzip.decompress(recorded.body) == gzip.decompress(request.body) == content
        assert recorded.headers["x-api-key"] == request.headers["x-api-key"] == "k"
        assert [place.span.name for place in recorder.spans] == ["one"]


def test_a_backend_that_is_closed_answers_later(backend):
    backend.open.clear()
    with Client(backend.server_port) as client:
        client.connection.request("POST", "/v1/traces", b"")
        wait_until(lambda: backend.waiting == 1, "the request")
        backend.open.set()
        assert client.answer(client.connection.getresponse()).status == 200


def test_a_client_notices_that_the_connection_was_closed(backend):
    with Client(backend.server_port) as client:
        client.connection.close()
        with pytest.raises(http.client.NotConnected):
            client.send(b"")


def test_waiting_ends_with_what_was_waited_for():
    with pytest.raises(AssertionError, match="the moon"):
        wait_until(lambda: False, "the moon", patience=0.02)


def test_applications_reach_this_machine_whatever_proxy_there_is(app, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("no_proxy", "example.com")
    script = tmp_path / "proxies.py"
    script.write_text(
        "import json, urllib.request\n"
        "print(json.dumps([bool(urllib.request.proxy_bypass(host)) for host in ('127.0.0.1', 'localhost')]))\n"
    )
    assert app(script, {}) == [True, True]
