"""Bodies in every encoding that is taken, packed by libraries that are not the collector's own."""

import gzip
import zlib
from pathlib import Path

import pytest
import zstandard

from support.client import INVALID_ARGUMENT, Client
from support.making import body, trace_of


def bare_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def streamed_zstd(data):
    """Frames that do not say how much they hold."""
    packer = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return packer.compress(data) + packer.flush()


def in_pieces(pack):
    """What was packed in two pieces, one after the other."""
    return lambda data: pack(data[: len(data) // 2]) + pack(data[len(data) // 2 :])


zstd = zstandard.ZstdCompressor().compress

GOOD = {
    "gzip": ("gzip", gzip.compress),
    "gzip members": ("gzip", in_pieces(gzip.compress)),
    "gzip and nothing": ("gzip, identity", gzip.compress),
    "zlib": ("zlib", zlib.compress),
    "deflate": ("deflate", zlib.compress),
    "deflate by mistake": ("Deflate", bare_deflate),
    "zstd": ("zstd", zstd),
    "zstd frames": ("zstd", in_pieces(zstd)),
    "zstd stream": ("ZSTD", streamed_zstd),
}


@pytest.mark.parametrize("case", GOOD)
def test_every_encoding_is_taken(whole, case):
    encoding, pack = GOOD[case]
    spans, trace = trace_of(identity={"enduser.id": "ada"})
    with Client(whole.collector.port) as client:
        client.send(pack(body(*spans)), Content_Encoding=encoding).response
    assert [p.attribute("enduser.id") for p in whole.backend.wait_for(2, {trace})] == ["ada"] * 2


@pytest.mark.parametrize("case", GOOD)
@pytest.mark.parametrize("damage", [lambda packed: packed[:-3], lambda packed: packed + b"garbage"], ids=["cut", "more"])
def test_what_is_not_intact_is_refused_whole(whole, case, damage):
    encoding, pack = GOOD[case]
    with Client(whole.collector.port) as client:
        error = client.send(damage(pack(body(*trace_of()[0]))), Content_Encoding=encoding).error(400)
        assert error.code == INVALID_ARGUMENT
        client.send(body(*trace_of()[0])).response


@pytest.mark.parametrize("case", ["gzip", "zlib", "deflate by mistake", "zstd", "zstd stream"])
def test_a_bomb_is_refused_and_takes_no_memory(collector, backend, case):
    encoding, pack = GOOD[case]
    started = collector({"otlp_http": f"endpoint: '{backend.endpoint}'"}, receiver="max_request_body_size: 8388608")
    bomb = pack(bytes(256 << 20))

    def peak():
        status = Path(f"/proc/{started.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) << 10

    with Client(started.port) as client:
        client.send(body(*trace_of()[0])).response
        before = peak()
        for _ in range(5):
            assert client.send(bomb, Content_Encoding=encoding).error(413)
        # What the limit allows, the bomb itself, and what a buffer leaves behind when it grows.
        assert peak() - before < 3 * (8 << 20)
        client.send(body(*trace_of()[0])).response


def test_only_what_is_listed_is_taken(collector, backend):
    started = collector(
        {"otlp_http": f"endpoint: '{backend.endpoint}'"}, receiver="compression_algorithms: ['', zstd]"
    )
    with Client(started.port) as client:
        client.send(zstd(body(*trace_of()[0])), Content_Encoding="zstd").response
        client.send(body(*trace_of()[0])).response
        answer = client.send(gzip.compress(body(*trace_of()[0])), Content_Encoding="gzip")
        assert "zstd" in answer.error(415).message
        assert answer.headers["Accept-Encoding"] == "identity, zstd"
