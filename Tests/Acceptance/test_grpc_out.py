"""What an OTLP/gRPC backend that is not ours (grpcio) sees of the otlp_grpc exporter, and what becomes of spans when it has
trouble."""

import json
import os
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
from grpc import StatusCode
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from support import config
from support.client import Client
from support.collector import Metrics, free_port
from support.grpcservers import Backend, Refusal, serving
from support.making import body, span, trace_of
from support.relay import Relay
from support.waiting import PATIENCE, wait_until

EAGER_RETRY = "retry_on_failure: {initial_interval: 20ms, max_interval: 100ms}"
# Of the specification. RESOURCE_EXHAUSTED is one of them only with a RetryInfo.
RETRYABLE = [
    StatusCode.CANCELLED,
    StatusCode.DEADLINE_EXCEEDED,
    StatusCode.ABORTED,
    StatusCode.OUT_OF_RANGE,
    StatusCode.UNAVAILABLE,
    StatusCode.DATA_LOSS,
]
FINAL = [
    StatusCode.UNKNOWN,
    StatusCode.NOT_FOUND,
    StatusCode.ALREADY_EXISTS,
    StatusCode.FAILED_PRECONDITION,
    StatusCode.UNIMPLEMENTED,
    StatusCode.INTERNAL,
]


@pytest.fixture
def backend():
    with serving(Backend()) as server:
        yield server


@pytest.fixture
def served():
    """`served(**parts)` gives a backend with those parts, running until the end of the test."""
    with ExitStack() as stack:
        yield lambda **parts: stack.enter_context(serving(Backend(**parts)))


def send(collector, spans):
    with Client(collector.port) as client:
        client.send(body(*spans)).response


def plain(backend, *settings):
    return config.grpc_exporter(backend.endpoint, *settings)


def observed(collector, backend, *settings):
    """A collector before the backend, and a function that reads its exporter's metrics."""
    port = free_port()
    running = collector(
        {"otlp_grpc": plain(backend, EAGER_RETRY, *settings)},
        telemetry=f"{{metrics: {{address: '127.0.0.1:{port}'}}}}",
    )
    return running, lambda name: Metrics(port).total(name, exporter="otlp_grpc")


@pytest.mark.parametrize("compression", ["gzip", "none", None])
def test_how_a_call_looks(collector, backend, compression):
    settings = ["headers: {X-Api-Key: 's3cret', x-tenant: blue, trace-bin: 'a b'}", "timeout: 33s"]
    running = collector(
        {"otlp": plain(backend, *settings, *([f"compression: {compression}"] if compression else []))},
    )
    spans, trace = trace_of(identity={"enduser.id": "ada"})

    send(running, spans)

    came = backend.wait_for(2, {trace})
    assert {place.attribute("enduser.id") for place in came} == {"ada"}
    [call] = backend.received
    assert call.metadata["x-api-key"] == "s3cret" and call.metadata["x-tenant"] == "blue"
    assert call.metadata["trace-bin"] == b"a b"
    assert call.metadata["user-agent"].lower().startswith("heirloom")
    assert 20 < call.deadline <= 33
    assert call.authority == backend.endpoint


def test_many_calls_share_one_connection(collector, backend):
    backend.open.clear()
    running = collector({"otlp_grpc": plain(backend, "sending_queue: {num_consumers: 8}", "timeout: 30s")})
    traces = set()
    for count in range(1, 9):
        spans, trace = trace_of()
        send(running, spans)
        traces.add(trace)
        wait_until(lambda: backend.waiting == count, f"{count} calls under way")
    backend.open.set()
    backend.wait_for(16, traces)
    assert len({call.peer for call in backend.received}) == 1


def test_requests_of_megabytes_arrive_whole(collector, served):
    backend = served(options=[("grpc.max_receive_message_length", 256 << 20)])
    running = collector({"otlp_grpc": plain(backend, "compression: none", "timeout: 30s")})
    sent = {}
    for _ in range(6):
        spans, trace = trace_of(children=300, padding="".join(chr(97 + n % 26) for n in range(8000)))
        send(running, spans)
        sent[trace] = {each.span_id for each in spans}
    came = backend.wait_for(6 * 301, set(sent))
    assert len(came) == 6 * 301
    assert {trace: {place.span.span_id for place in came if place.trace == trace} for trace in sent} == sent


@pytest.mark.parametrize("code", RETRYABLE)
def test_a_code_that_will_pass_is_tried_again(collector, backend, code):
    backend.answers = [Refusal(code, "not now"), Refusal(code, "not now", retry_delay=0)]
    running, metric = observed(collector, backend)
    spans, trace = trace_of()
    send(running, spans)
    backend.wait_for(2, {trace})
    assert len(backend.refused) == 2
    wait_until(lambda: metric("otelcol_exporter_sent_spans") == 2, "two spans counted as sent")
    assert metric("otelcol_exporter_send_failed_spans") == 0


@pytest.mark.parametrize("code", FINAL)
def test_a_code_that_is_final_is_counted_and_said(collector, backend, code, tmp_path):
    backend.answers = [Refusal(code, "the dog ate it: 100% söre\nly", retry_delay=0)]
    letters = tmp_path / "dead.jsonl"
    running, metric = observed(collector, backend, f"dead_letter: {{path: '{letters}'}}")
    send(running, trace_of(children=2)[0])
    wait_until(lambda: metric("otelcol_exporter_send_failed_spans") == 3, "three spans counted as failed")
    assert len(backend.refused) == 1 and not backend.received
    letter = json.loads(letters.read_text())
    assert (letter["status"], letter["spans"]) == (code.value[0], 3)
    assert letter["reason"] == f"gRPC {code.name}: the dog ate it: 100% söre\nly"
    # The next is none the worse.
    spans, trace = trace_of()
    send(running, spans)
    backend.wait_for(2, {trace})


def test_an_exhausted_server_that_says_when_is_tried_again_then(collector, backend):
    backend.answers = [Refusal(StatusCode.RESOURCE_EXHAUSTED, "later", retry_delay=3)]
    running, metric = observed(collector, backend)
    (first, first_trace), (second, second_trace) = (trace_of(identity={"enduser.id": "ada"}) for _ in range(2))
    send(running, first)
    wait_until(lambda: backend.refused, "the refusal")
    send(running, second)
    backend.wait_for(4, {first_trace, second_trace})
    # The backoff alone (20 ms) would have brought the first back before the second had left its batch (200 ms).
    assert [{place.trace for place in call.places} for call in backend.received] == [{second_trace}, {first_trace}]
    assert metric("otelcol_exporter_send_failed_spans") == 0


def test_what_is_too_large_for_the_server_is_cut_until_it_fits(collector, served):
    backend = served(options=[("grpc.max_receive_message_length", 64 << 10)])
    running, metric = observed(collector, backend, "compression: none")
    spans, trace = trace_of(children=63, padding="x" * 4000)
    send(running, spans)
    came = backend.wait_for(64, {trace})
    assert len({place.key for place in came}) == len(came) == 64
    assert len(backend.received) >= 4
    wait_until(lambda: metric("otelcol_exporter_sent_spans") == 64, "64 spans counted as sent")
    assert metric("otelcol_exporter_send_failed_spans") == 0


def test_what_is_far_too_large_is_refused_and_not_tried_for_ever(collector, served):
    backend = served(options=[("grpc.max_receive_message_length", 1 << 10)])
    running, metric = observed(collector, backend, "compression: none")
    send(running, trace_of(children=1, padding="x" * 2_000_000)[0])
    wait_until(lambda: metric("otelcol_exporter_send_failed_spans") == 1, "the child counted as failed")
    wait_until(lambda: metric("otelcol_exporter_sent_spans") == 1, "the root counted as sent")
    assert "RESOURCE_EXHAUSTED" in running.stderr


def test_a_bad_span_costs_its_neighbours_nothing(collector, backend):
    refusal = Refusal(StatusCode.INVALID_ARGUMENT, "the poison is bad")
    backend.judge = lambda call: refusal if any(p.span.name == "poison" for p in call.places) else None
    running, metric = observed(collector, backend)
    spans, trace = trace_of(children=98)
    poison = span(bytes.fromhex(trace), "poison", parent=spans[-1].span_id)
    send(running, [*spans[:40], poison, *spans[40:]])
    backend.wait_for(99, {trace})
    wait_until(lambda: metric("otelcol_exporter_sent_spans") == 99, "99 spans counted as sent")
    assert metric("otelcol_exporter_send_failed_spans") == 1


@pytest.mark.parametrize("code", [StatusCode.UNAUTHENTICATED, StatusCode.PERMISSION_DENIED])
def test_data_is_held_until_the_credentials_are_right(collector, backend, code):
    backend.answers = [Refusal(code, "who are you")] * 3
    running, metric = observed(collector, backend)
    spans, trace = trace_of()
    send(running, spans)
    backend.wait_for(2, {trace})
    assert len(backend.refused) == 3
    assert any(f"{code.name}: who are you" in line and "held" in line for line in running.stderr.splitlines())
    wait_until(lambda: metric("otelcol_exporter_sent_spans") == 2, "two spans counted as sent")
    assert metric("otelcol_exporter_send_failed_spans") == 0


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
def test_spans_that_the_server_left_out_are_counted_and_told(collector, served, compression):
    backend = served(compression=compression)
    partial = ExportTraceServiceResponse()
    partial.partial_success.rejected_spans = 2
    partial.partial_success.error_message = "two were bad " + "indeed " * 100
    backend.answers = [partial]
    running, metric = observed(collector, backend)
    send(running, trace_of(children=4)[0])
    wait_until(lambda: metric("heirloom_exporter_rejected_spans") == 2, "two spans counted as rejected")
    wait_until(lambda: metric("otelcol_exporter_sent_spans") == 3, "three spans counted as sent")
    assert "two were bad indeed" in running.stderr


def test_a_server_that_is_too_slow_is_tried_again(collector, backend):
    backend.open.clear()
    running, metric = observed(collector, backend, "timeout: 300ms")
    spans, trace = trace_of()
    send(running, spans)
    wait_until(lambda: len(backend.refused) >= 2, "two calls that ran out of time")
    backend.open.set()
    backend.wait_for(2, {trace})
    wait_until(lambda: metric("otelcol_exporter_sent_spans") == 2, "two spans counted as sent")
    assert metric("otelcol_exporter_send_failed_spans") == 0


def test_a_server_that_is_not_there_yet_or_goes_away_is_tried_again(collector):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
        running = collector({"otlp_grpc": config.grpc_exporter(f"127.0.0.1:{port}", EAGER_RETRY)})
        spans, trace = trace_of()
        send(running, spans)
        nobody.settimeout(PATIENCE)
        nobody.accept()[0].close()

    for _ in range(2):
        with serving(Backend(f"127.0.0.1:{port}")) as late:
            late.wait_for(2, {trace})
            spans, trace = trace_of()
            # Under way when the server ends.
            late.open.clear()
            send(running, spans)
    with serving(Backend(f"127.0.0.1:{port}")) as late:
        late.wait_for(2, {trace})


def test_connections_that_the_server_ends_by_and_by_cost_nothing(collector, served):
    # grpcio sends GOAWAY when a connection has its age, and cuts it soon after.
    backend = served(options=[("grpc.max_connection_age_ms", 150), ("grpc.max_connection_age_grace_ms", 100)])
    running, metric = observed(collector, backend)
    traces = set()

    def several_connections():
        spans, trace = trace_of()
        traces.add(trace)
        send(running, spans)
        backend.wait_for(2, {trace})
        return len({call.peer for call in backend.received}) >= 4

    wait_until(several_connections, "the fourth connection")
    came = backend.wait_for(2 * len(traces), traces)
    assert len(came) == 2 * len(traces)
    wait_until(lambda: metric("otelcol_exporter_sent_spans") == len(came), "all spans counted as sent")
    assert metric("otelcol_exporter_send_failed_spans") == 0


def test_a_connection_that_is_never_answered_is_given_up(collector, backend):
    # As when a load balancer has it lead to a server that hangs: a new one leads to another.
    with Relay(lambda connection: None if relay.accepted == 1 else backend.port) as relay:
        settings = ["timeout: 500ms", EAGER_RETRY]
        running = collector({"otlp_grpc": config.grpc_exporter(f"127.0.0.1:{relay.port}", *settings)})
        spans, trace = trace_of()
        send(running, spans)
        backend.wait_for(2, {trace})
        assert relay.accepted == 2
        running.stop()


def test_waiting_for_a_server_that_takes_no_more_costs_next_to_nothing(collector):
    settings, acknowledgement = b"\0\0\0\4\0\0\0\0\0", b"\0\0\0\4\1\0\0\0\0"
    taken = 0

    def take_what_needs_no_leave(connection):
        nonlocal taken
        connection.sendall(settings + acknowledgement)
        while data := connection.recv(1 << 16):
            taken += len(data)

    with Relay(take_what_needs_no_leave) as server:
        exporter = config.grpc_exporter(f"127.0.0.1:{server.port}", "compression: none", "timeout: 60s")
        running = collector({"otlp_grpc": exporter})
        send(running, trace_of(children=100, padding="x" * 5000)[0])
        # The window of a connection that was never widened.
        wait_until(lambda: taken >= 65535, "a window full")

        def processor_time():
            fields = (Path("/proc") / str(running.process.pid) / "stat").read_text().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        before, since = processor_time(), time.monotonic()
        time.sleep(2)
        # libcurl by itself takes all of one core.
        assert processor_time() - before < 0.25 * (time.monotonic() - since)
        running.kill()


def test_a_proxy_of_the_environment_is_tunneled_through(collector, backend):
    asked = []

    def connect(connection):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1)
        asked.append(head.split(b"\r\n")[0].decode())
        connection.sendall(b"HTTP/1.1 200 Go on\r\n\r\n")
        return backend.port

    with Relay(connect) as proxy:
        running = collector(
            {"otlp_grpc": config.grpc_exporter("traces.test:4317")},
            env={"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": "", "no_proxy": ""},
        )
        for _ in range(3):
            spans, trace = trace_of()
            send(running, spans)
            backend.wait_for(2, {trace})
        assert asked == ["CONNECT traces.test:4317 HTTP/1.1"]
        running.stop()


def test_an_encoding_that_the_server_does_not_know_is_said(collector, backend):
    running, metric = observed(collector, backend, "compression: zstd")
    send(running, trace_of()[0])
    wait_until(lambda: metric("otelcol_exporter_send_failed_spans") == 2, "two spans counted as failed")
    # Which code that is differs between servers; each names the header or the encoding.
    assert "gRPC INTERNAL" in running.stderr and "grpc-encoding" in running.stderr


def test_a_unix_socket_will_do(collector, served, tmp_path):
    path = tmp_path / "grpc.sock"
    backend = served(address=f"unix:{path}")
    running = collector({"otlp_grpc": config.grpc_exporter(f"unix://{path}")})
    spans, trace = trace_of()
    send(running, spans)
    backend.wait_for(2, {trace})
    assert backend.received[0].authority == "localhost"


@pytest.mark.parametrize("form", ["http://{}", "dns:///{}"])
def test_other_forms_of_an_endpoint(collector, backend, form):
    exporter = config.grpc_exporter(form.format(backend.endpoint), "authority: 'traces.test:99'")
    running = collector({"otlp_grpc": exporter})
    spans, trace = trace_of()
    send(running, spans)
    backend.wait_for(2, {trace})
    assert backend.received[0].authority == "traces.test:99"


def test_a_server_of_another_kind_costs_no_spans(collector):
    # It understands nothing of HTTP/2; when the right one stands in its place, all arrives.
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        metrics = free_port()
        running = collector(
            {"otlp_grpc": config.grpc_exporter(f"127.0.0.1:{port}", EAGER_RETRY)},
            telemetry=f"{{metrics: {{address: '127.0.0.1:{metrics}'}}}}",
        )
        spans, trace = trace_of()
        send(running, spans)
        other.settimeout(PATIENCE)
        for _ in range(2):
            connection, _ = other.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    with serving(Backend(f"127.0.0.1:{port}")) as right:
        right.wait_for(2, {trace})
    assert Metrics(metrics).total("otelcol_exporter_send_failed_spans", exporter="otlp_grpc") == 0
