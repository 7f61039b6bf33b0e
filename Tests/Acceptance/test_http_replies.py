"""What a sender is told over OTLP/HTTP, by the rules of OTLP and of HTTP."""

import pytest

from support.client import INVALID_ARGUMENT, Client
from support.making import body, new_trace, span, trace_of
from support.servers import PROTOBUF


@pytest.fixture
def client(whole):
    with Client(whole.collector.port) as client:
        yield client


def good():
    return body(*trace_of()[0])


def still_works(client):
    """A refusal must not cost the connection."""
    return client.send(good()).status == 200


def test_a_good_request_is_accepted_without_remarks(client):
    answer = client.send(good())
    assert not answer.response.HasField("partial_success")


def test_a_request_without_spans_is_accepted(client):
    assert not client.send(b"").response.HasField("partial_success")
    assert still_works(client)


@pytest.mark.parametrize(
    "content_type",
    [PROTOBUF, "Application/X-Protobuf", f"{PROTOBUF}; charset=utf-8", f"{PROTOBUF};messageType=x", f"{PROTOBUF} ; a=b"],
)
def test_a_content_type_may_have_any_case_and_parameters(client, content_type):
    client.send(good(), Content_Type=content_type).response


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/octet-stream", f"{PROTOBUF}2", "nonsense"])
def test_another_content_type_is_refused_naming_what_is_accepted(client, content_type):
    error = client.send(good(), Content_Type=content_type).error(415)
    assert PROTOBUF in error.message
    assert still_works(client)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_refused_naming_the_one_allowed(client, method):
    answer = client.send(None if method == "GET" else good(), method=method)
    assert answer.status == 405
    assert "POST" in [allowed.strip() for allowed in answer.headers["Allow"].split(",")]
    assert still_works(client)


@pytest.mark.parametrize("path", ["/", "/v1/trace", "/v1/traces/more", "/v2/traces"])
def test_another_path_is_not_found(client, path):
    assert client.send(good(), path=path).status == 404
    assert still_works(client)


def nested(depth):
    """A request with an attribute of arrays within arrays. Each of them is two messages deep."""
    a_span = span(new_trace())
    value = a_span.attributes.add(key="deep").value
    for _ in range(depth):
        value = value.array_value.values.add()
    value.string_value = "bottom"
    return body(a_span)


def field(number, wire_type):
    return bytes([number << 3 | wire_type])


LENGTH_DELIMITED, START_GROUP, END_GROUP = 2, 3, 4

MALFORMED = {
    "text": b"this is no protobuf",
    "cut off": good()[:-3],
    "a tag without its value": good() + field(1, LENGTH_DELIMITED),
    "a length beyond the end": field(1, LENGTH_DELIMITED) + b"\x7f\x0a",
    "a length beyond 64 bits": field(1, LENGTH_DELIMITED) + b"\xff" * 10 + b"\x01",
    "field number 0": b"\x02\x00" + good(),
    "wire type 6": field(15, 6) + good(),
    "a group": field(1, START_GROUP) + field(1, END_GROUP),
    "the end of a group": field(1, END_GROUP),
    "resource_spans as a number": field(1, 0) + b"\x01",
    "a hundred levels of nesting": nested(50),
}


@pytest.mark.parametrize("fault", MALFORMED)
def test_malformed_protobuf_is_refused(client, fault):
    error = client.send(MALFORMED[fault]).error(400)
    assert error.code == INVALID_ARGUMENT
    assert still_works(client)


def test_nesting_within_the_limit_is_accepted(client):
    client.send(nested(25)).response


def test_one_connection_takes_many_requests(whole, client):
    traces = {}
    for _ in range(100):
        spans, trace = trace_of()
        traces[trace] = spans
        client.send(body(*spans)).response
    whole.backend.wait_for(200, traces)
