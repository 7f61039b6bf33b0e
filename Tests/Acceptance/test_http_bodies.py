"""The ways in which HTTP may carry a body."""

import gzip
import struct
import zlib

import pytest

from support.client import INVALID_ARGUMENT, Client, Wire
from support.making import body, trace_of
from support.servers import PROTOBUF

IDENTITY = {"enduser.id": "ada"}


@pytest.fixture
def client(whole):
    with Client(whole.collector.port) as client:
        yield client


def arrives(whole, trace, count=2):
    """Both spans come out, with their identity."""
    return [place.attribute("enduser.id") for place in whole.backend.wait_for(count, {trace})] == ["ada"] * count


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "GZip"])
def test_gzip_in_any_letter_case(whole, client, encoding):
    spans, trace = trace_of(identity=IDENTITY)
    client.send(gzip.compress(body(*spans)), Content_Encoding=encoding).response
    assert arrives(whole, trace)


@pytest.mark.parametrize("encoding", ["identity", "Identity", None])
def test_no_encoding_named_or_not(whole, client, encoding):
    spans, trace = trace_of(identity=IDENTITY)
    client.send(body(*spans), Content_Encoding=encoding).response
    assert arrives(whole, trace)


def broken_gzips():
    whole = gzip.compress(body(*trace_of()[0]))
    checksum, size = struct.unpack("<II", whole[-8:])
    return {
        "no gzip": b"no gzip at all",
        "nothing": b"",
        "only a header": whole[:10],
        "truncated": whole[:-12],
        "without its trailer": whole[:-8],
        "wrong checksum": whole[:-8] + struct.pack("<II", checksum ^ 1, size),
        "wrong size": whole[:-8] + struct.pack("<II", checksum, size + 1),
        "broken in the middle": whole[: len(whole) // 2] + b"\xff" * 8 + whole[len(whole) // 2 + 8 :],
        "zlib": zlib.compress(body(*trace_of()[0])),
        "gzip of no protobuf": gzip.compress(b"no protobuf"),
    }


@pytest.mark.parametrize("fault", broken_gzips())
def test_broken_gzip_is_refused(client, fault):
    error = client.send(broken_gzips()[fault], Content_Encoding="gzip").error(400)
    assert error.code == INVALID_ARGUMENT
    client.send(body(*trace_of()[0])).response


def test_an_unknown_encoding_is_refused_naming_what_is_accepted(client):
    error = client.send(body(*trace_of()[0]), Content_Encoding="br").error(415)
    assert "gzip" in error.message
    client.send(body(*trace_of()[0])).response


@pytest.mark.parametrize("piece", [1, 7, 1000])
@pytest.mark.parametrize("compress", [False, True])
def test_a_body_in_chunks(whole, piece, compress):
    spans, trace = trace_of(identity=IDENTITY)
    content = body(*spans)
    headers = [f"Content-Type: {PROTOBUF}", "Transfer-Encoding: chunked"]
    if compress:
        content = gzip.compress(content)
        headers.append("Content-Encoding: gzip")
    with Wire(whole.collector.port) as wire:
        wire.head(*headers)
        for start in range(0, len(content), piece):
            chunk = content[start : start + piece]
            wire.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        wire.write(b"0\r\n\r\n")
        wire.read().response
    assert arrives(whole, trace)


def test_a_body_that_comes_byte_by_byte(whole):
    spans, trace = trace_of(identity=IDENTITY)
    content = body(*spans)
    with Wire(whole.collector.port) as wire:
        wire.head(f"Content-Type: {PROTOBUF}", f"Content-Length: {len(content)}")
        for byte in content:
            wire.write(bytes([byte]))
        wire.read().response
    assert arrives(whole, trace)


def test_a_client_that_asks_before_it_sends(whole):
    spans, trace = trace_of(identity=IDENTITY)
    content = body(*spans)
    with Wire(whole.collector.port) as wire:
        wire.head(f"Content-Type: {PROTOBUF}", f"Content-Length: {len(content)}", "Expect: 100-continue")
        assert wire.read().status == 100
        wire.write(content)
        wire.read().response
    assert arrives(whole, trace)


def test_a_client_that_goes_away_in_the_middle_leaves_nothing_behind(whole, client):
    spans, trace = trace_of(identity=IDENTITY)
    content = body(*spans)
    with Wire(whole.collector.port) as wire:
        wire.head(f"Content-Type: {PROTOBUF}", f"Content-Length: {len(content)}")
        wire.write(content[:-1])
    later, later_trace = trace_of(identity=IDENTITY)
    client.send(body(*later)).response
    assert arrives(whole, later_trace)
    assert not whole.backend.traces({trace})
