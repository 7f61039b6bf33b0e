"""The limit on a request's size, of the body as sent and of what it inflates to."""

import gzip

import pytest

from support import config
from support.client import PATH, Client, Wire
from support.collector import Collector, free_port
from support.making import body, new_trace, span
from support.servers import PROTOBUF

LIMIT = 65536


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    folder = tmp_path_factory.mktemp("limits")
    port = free_port()
    file = folder / "config.yaml"
    exporters = {"file": config.file_exporter(folder / "spans.jsonl")}
    file.write_text(config.pipeline(port, exporters, receiver=f"max_request_body_size: {LIMIT}"))
    with Collector("--config", file, port=port, cwd=folder):
        yield port


def of_size(size):
    """A valid request of exactly that many bytes, which gzip makes small."""
    padding = size
    while True:
        content = body(span(new_trace(), attributes={"padding": "x" * padding}))
        if len(content) == size:
            return content
        padding -= len(content) - size


def works(port):
    with Client(port) as client:
        return client.send(of_size(1000)).status == 200


@pytest.mark.parametrize("compress", [False, True])
def test_a_request_of_the_very_limit_is_accepted(port, compress):
    with Client(port) as client:
        (client.send_gzip if compress else client.send)(of_size(LIMIT)).response


def test_a_query_of_hundreds_of_parameters_keeps_nobody_waiting(port):
    query = "&".join(f"a{number}=1" for number in range(700))
    with Client(port) as client:
        client.send(of_size(1000), path=f"{PATH}?{query}").response


def test_one_byte_more_is_refused(port):
    with Client(port) as client:
        assert str(LIMIT) in client.send(of_size(LIMIT + 1)).error(413).message


def test_it_is_refused_by_its_announced_length_before_the_body_is_sent(port):
    with Wire(port) as wire:
        wire.head(f"Content-Type: {PROTOBUF}", f"Content-Length: {LIMIT + 1}")
        wire.read().error(413)
    assert works(port)


def test_a_client_that_asks_first_is_told_not_to_send(port):
    with Wire(port) as wire:
        wire.head(f"Content-Type: {PROTOBUF}", f"Content-Length: {1 << 40}", "Expect: 100-continue")
        wire.read().error(413)
    assert works(port)


def test_a_client_that_sends_all_of_it_first_still_sees_the_answer(port):
    content = of_size(LIMIT + (1 << 20))
    with Wire(port) as wire:
        wire.head(f"Content-Type: {PROTOBUF}", f"Content-Length: {len(content)}")
        wire.write(content)
        wire.read().error(413)
    assert works(port)


def test_chunks_that_add_up_to_too_much_are_refused(port):
    chunk = b"%x\r\n%s\r\n" % (LIMIT, b"\0" * LIMIT)
    with Wire(port) as wire:
        wire.head(f"Content-Type: {PROTOBUF}", "Transfer-Encoding: chunked")
        wire.write(chunk + chunk + b"0\r\n\r\n")
        wire.read().error(413)
    assert works(port)


def test_what_inflates_to_one_byte_more_is_refused(port):
    with Client(port) as client:
        client.send_gzip(of_size(LIMIT + 1)).error(413)
        client.send(of_size(1000)).response


def test_a_bomb_is_refused(port):
    bomb = gzip.compress(b"\0" * (32 << 20))
    assert len(bomb) < LIMIT
    with Client(port) as client:
        client.send(bomb, Content_Encoding="gzip").error(413)
        client.send(of_size(1000)).response


@pytest.mark.parametrize("length", ["-1", "abc", "18446744073709551616"])
def test_a_length_that_is_none_does_no_harm(port, length):
    with Wire(port) as wire:
        wire.head(f"Content-Type: {PROTOBUF}", f"Content-Length: {length}")
        # libmicrohttpd refuses what is no HTTP by itself, without a body of ours.
        assert wire.read().status in (400, 413)
    assert works(port)
