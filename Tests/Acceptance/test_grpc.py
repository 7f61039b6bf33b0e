"""OTLP/gRPC: a real SDK, and what a sender is told by the rules of OTLP and of gRPC."""

import gzip as gzip_format

import grpc
import pytest

from support import config
from support.client import Client
from support.collector import Metrics, free_port
from support.grpcclient import LOGS, METRICS, TRACES, Calls, Frames, Recorder, retry_info
from support.making import body, new_trace, span, trace_of
from support.outputs import json_lines, spans_of
from support.spans import assert_inherited
from support.waiting import wait_until
from test_http_limits import of_size
from test_http_replies import MALFORMED, nested

MEBIBYTE = 1 << 20


class Receiving:
    """A collector with both protocols, and with the least limit on messages."""

    def __init__(self, collector, backend, folder, **parts):
        self.backend = backend
        self.out = folder / "spans.jsonl"
        self.port, self.metrics_port = free_port(), free_port()
        self.collector = collector(
            {"otlp_http": config.http_exporter(backend.endpoint), "file": config.file_exporter(self.out)},
            grpc=f"endpoint: '127.0.0.1:{self.port}', max_recv_msg_size_mib: 1",
            telemetry=f"{{metrics: {{address: '127.0.0.1:{self.metrics_port}'}}}}",
            **parts,
        )

    def metric(self, name, **labels):
        return Metrics(self.metrics_port).total(name, receiver="otlp", transport="grpc", **labels)


@pytest.fixture
def receiving(collector, backend, tmp_path):
    return Receiving(collector, backend, tmp_path)


@pytest.fixture
def calls(receiving):
    with Calls(receiving.port) as calls:
        yield calls


def good():
    return body(*trace_of()[0])


@pytest.mark.parametrize("compression", [{"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}, {}], ids=["gzip", "plain"])
def test_an_sdk_sends_and_every_span_has_the_identity_of_its_root(receiving, app, compression):
    with Recorder(receiving.port) as recorder:
        identities = app(
            "opentelemetry_app.py",
            {
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{recorder.port}",
                "PAUSE": "0",
                **compression,
            },
        )
        sent = recorder.traces(identities)
    assert {place.trace for place in sent} == set(identities)
    assert_inherited(sent, receiving.backend.wait_for(len(sent), identities), identities)


def test_an_sdk_sends_to_the_collector_itself(receiving, app):
    identities = app(
        "opentelemetry_app.py",
        {
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiving.port}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "PAUSE": "0",
        },
    )
    for trace, identity in identities.items():
        wait_until(
            lambda trace=trace: any(place.is_root for place in receiving.backend.traces({trace})), f"the trace {trace}"
        )
        for place in receiving.backend.traces({trace}):
            assert place.attribute("enduser.id") == identity.get("enduser.id")


@pytest.mark.parametrize("gzip", [False, True])
def test_a_good_request_is_accepted_without_remarks(receiving, calls, gzip):
    spans, trace = trace_of(children=200)
    assert not calls.send(body(*spans), gzip=gzip).HasField("partial_success")
    assert not calls.send(b"").HasField("partial_success")
    receiving.backend.wait_for(len(spans), {trace})
    assert receiving.metric("otelcol_receiver_accepted_spans") == len(spans)


def test_both_protocols_feed_the_same_traces(receiving, calls):
    """The children come by one, the root by the other."""
    spans, trace = trace_of(children=3, identity={"enduser.id": "ada"})
    calls.send(body(*spans[:-1]))
    with Client(receiving.collector.port) as client:
        client.send(body(spans[-1])).response
    assert {place.attribute("enduser.id") for place in receiving.backend.wait_for(4, {trace})} == {"ada"}


@pytest.mark.parametrize("gzip", [False, True])
def test_a_message_of_the_very_limit_is_accepted(calls, gzip):
    calls.send(of_size(MEBIBYTE), gzip=gzip)


@pytest.mark.parametrize("gzip", [False, True])
@pytest.mark.parametrize("size", [MEBIBYTE + 1, 20 * MEBIBYTE])
def test_a_larger_one_is_refused_for_good(receiving, calls, size, gzip):
    error = calls.refusal(of_size(size), grpc.StatusCode.RESOURCE_EXHAUSTED, gzip=gzip)
    assert str(MEBIBYTE) in error.details()
    assert retry_info(error) is None, "it would be sent again and again"
    calls.send(good())
    assert receiving.metric("heirloom_receiver_refused_requests") == 1


@pytest.mark.parametrize("fault", MALFORMED)
def test_malformed_protobuf_is_refused_for_good(calls, fault):
    error = calls.refusal(MALFORMED[fault], grpc.StatusCode.INVALID_ARGUMENT)
    assert retry_info(error) is None
    calls.send(nested(25))


@pytest.mark.parametrize(
    "content",
    [b"", b"\x1f\x8b", gzip_format.compress(good())[:-1], gzip_format.compress(good()) + b"more", b"no gzip at all"],
)
def test_broken_gzip_is_refused_for_good(receiving, content):
    with Frames(receiving.port) as frames:
        frames.begin(encoding="gzip")
        frames.send(frames.prefix(len(content), compressed=True) + content, ends=True)
        assert frames.answer() is None
        assert frames.call(good()) == b""
    assert receiving.metric("heirloom_receiver_refused_requests") == 1
    assert receiving.metric("otelcol_receiver_requests") == 2


def test_a_span_that_is_of_no_use_is_told_in_the_reply(receiving, calls):
    spans, trace = trace_of()
    broken = span(new_trace(), span_id=b"short")
    partial = calls.send(body(broken, *spans)).partial_success
    assert partial.rejected_spans == 1
    assert "span id" in partial.error_message
    receiving.backend.wait_for(len(spans), {trace})


@pytest.mark.parametrize("method", ["/a.B/C", TRACES[:-1], TRACES.replace("v1", "v2"), LOGS, METRICS])
def test_what_nobody_serves_is_unimplemented(calls, method):
    calls.refusal(b"", grpc.StatusCode.UNIMPLEMENTED, method=method)
    calls.send(good())


def test_another_compression_is_unimplemented(calls):
    calls.refusal(good() * 100, grpc.StatusCode.UNIMPLEMENTED, compression=grpc.Compression.Deflate)
    calls.send(good())


def test_a_call_without_a_message_is_answered(receiving):
    with Frames(receiving.port) as frames:
        frames.begin(ends=True)
        assert frames.answer() is None
        assert frames.call(good()) == b""


def test_a_call_that_is_given_up_halfway_leaves_nothing_behind(receiving, calls):
    for number in range(10):
        with Frames(receiving.port) as frames:
            frames.begin()
            frames.send(frames.prefix(MEBIBYTE) + bytes(1000))
            # One that ends before anybody has seen it never was.
            wait_until(lambda: receiving.metric("otelcol_receiver_requests") > number, "the call to begin")
    wait_until(
        lambda: receiving.metric("heirloom_receiver_refused_requests") == 10, "the end of the calls that were given up"
    )
    calls.send(good())


def test_a_full_queue_is_said_to_the_sender_who_is_told_when_to_come_again(collector, backend):
    backend.open.clear()
    port = free_port()
    settings = ["sending_queue: {queue_size: 2, num_consumers: 1}"]
    collector(
        {"otlp_http": config.http_exporter(backend.endpoint, *settings)}, grpc=f"endpoint: '127.0.0.1:{port}'"
    )
    accepted, refusal = set(), None
    with Calls(port) as calls:
        for _ in range(2000):
            spans, trace = trace_of(children=50, padding="x" * 500)
            try:
                calls.send(body(*spans))
                accepted.add(trace)
            except grpc.RpcError as error:
                refusal = error
                break
    assert refusal, "the queue never filled"
    assert refusal.code() == grpc.StatusCode.UNAVAILABLE
    assert "queue" in refusal.details()
    assert 0 < retry_info(refusal).retry_delay.seconds <= 60

    backend.open.set()
    backend.wait_for(51 * len(accepted), accepted)


@pytest.mark.parametrize("durability", ["memory", "fsync"])
def test_many_connections_at_once(collector, backend, tmp_path, durability):
    """With fsync their replies come from other threads than those that read."""
    receiving = Receiving(collector, backend, tmp_path, durability=durability)
    from concurrent.futures import ThreadPoolExecutor

    def run(_):
        traces = {}
        with Calls(receiving.port) as calls:
            for _ in range(30):
                spans, trace = trace_of(identity={"enduser.id": "ada"})
                calls.send(body(*spans))
                traces[trace] = len(spans)
        return traces

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(run, range(16)))
    traces = {trace: count for each in results for trace, count in each.items()}
    receiving.backend.wait_for(sum(traces.values()), traces)
    wait_until(lambda: receiving.metric("heirloom_receiver_connections") == 0, "the end of the connections")
    wait_until(lambda: len(list(spans_of(json_lines(receiving.out)))) == sum(traces.values()), "the file")
