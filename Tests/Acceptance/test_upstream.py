"""What the backend sees of the otlp_http exporter, and what becomes of spans when it has trouble."""

import json
import socket
import urllib.request

import pytest
from google.rpc.status_pb2 import Status

from support import config
from support.client import UNAVAILABLE, Client
from support.collector import Metrics, free_port
from support.making import body, new_trace, span, trace_of
from support.otlpjson import parse
from support.servers import PROTOBUF, Backend, Reply, serving
from support.waiting import PATIENCE, wait_until

EAGER_RETRY = "retry_on_failure: {initial_interval: 20ms, max_interval: 100ms}"


def send(collector, spans):
    with Client(collector.port) as client:
        client.send(body(*spans)).response


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none", None])
def test_how_a_request_looks(collector, backend, compression):
    settings = ["headers: {X-Api-Key: 's3cret', x-tenant: blue}"] + ([f"compression: {compression}"] if compression else [])
    running = collector({"otlp_http": config.http_exporter(backend.endpoint, *settings)})
    spans, trace = trace_of(identity={"enduser.id": "ada"})

    send(running, spans)

    backend.wait_for(2, {trace})
    [request] = backend.received
    assert (request.method, request.path) == ("POST", "/v1/traces")
    assert request.headers["content-type"] == PROTOBUF
    assert request.headers["content-length"] == str(len(request.body))
    assert request.headers["x-api-key"] == "s3cret" and request.headers["x-tenant"] == "blue"
    assert request.headers["user-agent"].lower().startswith("heirloom")
    assert "expect" not in request.headers and "transfer-encoding" not in request.headers
    if compression == "none":
        assert request.headers.get("content-encoding", "identity") == "identity"
    else:
        assert request.headers["content-encoding"] == (compression or "gzip")


@pytest.mark.parametrize("compression, levels", [("gzip", [-1, 9]), ("zstd", [1, 22])])
def test_a_higher_level_makes_requests_smaller(collector, compression, levels):
    trace = new_trace()
    spans = [span(trace, f"span {n}", attributes={"text": " ".join(str(n * k) for k in range(200))}) for n in range(100)]
    sizes = []
    for level in levels:
        with serving(Backend()) as backend:
            settings = [f"compression: {compression}", f"compression_params: {{level: {level}}}"]
            running = collector({"otlp_http": config.http_exporter(backend.endpoint, *settings)})
            send(running, spans)
            backend.wait_for(100, {trace.hex()})
            running.stop()
            sizes.append(sum(len(request.body) for request in backend.received))
    assert sizes[1] < sizes[0]


def test_one_connection_serves_many_requests(collector, backend):
    running = collector({"otlp_http": config.http_exporter(backend.endpoint, "sending_queue: {num_consumers: 1}")})
    for _ in range(5):
        spans, trace = trace_of()
        send(running, spans)
        backend.wait_for(2, {trace})
    assert len(backend.received) > 1
    assert len({request.connection for request in backend.received}) == 1


def test_an_endpoint_for_traces_is_taken_as_it_is(collector, backend):
    exporter = f"traces_endpoint: '{backend.endpoint}/api/public/otel/v1/traces'"
    running = collector({"otlphttp": exporter})
    spans, trace = trace_of()
    send(running, spans)
    backend.wait_for(2, {trace})
    assert {request.path for request in backend.received} == {"/api/public/otel/v1/traces"}


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_refusal_that_will_pass_is_tried_again(collector, backend, status):
    backend.answers = [Reply(status, headers=(("Retry-After", "0"),)), Reply(status)]
    running = collector({"otlp_http": config.http_exporter(backend.endpoint, EAGER_RETRY)})
    spans, trace = trace_of()

    send(running, spans)

    backend.wait_for(2, {trace})
    assert len(backend.refused) == 2
    assert {place.key for request in backend.refused for place in request.places} == {
        place.key for place in backend.spans
    }


def test_a_backend_that_is_not_there_yet_is_tried_again(collector):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
        running = collector({"otlp_http": config.http_exporter(f"http://127.0.0.1:{port}", EAGER_RETRY)})
        spans, trace = trace_of()
        send(running, spans)
        nobody.settimeout(PATIENCE)
        nobody.accept()[0].close()

    with serving(Backend(port)) as late:
        late.wait_for(2, {trace})


@pytest.mark.parametrize("status", [404, 405, 500, 501])
def test_a_refusal_for_good_is_counted_and_said(collector, backend, status):
    message = Status(code=3, message="the dog ate it").SerializeToString()
    backend.answers = [Reply(status, message)]
    metrics = free_port()
    running = collector(
        {"otlp_http": config.http_exporter(backend.endpoint, EAGER_RETRY)},
        telemetry=f"{{metrics: {{address: '127.0.0.1:{metrics}'}}}}",
    )

    send(running, trace_of(children=2)[0])

    wait_until(lambda: "the dog ate it" in running.stderr, "the backend's message in the log")
    failed = lambda: Metrics(metrics).total("otelcol_exporter_send_failed_spans", exporter="otlp_http") == 3
    wait_until(failed, "three spans counted as failed")
    # It was not tried again, and the next is none the worse.
    spans, trace = trace_of()
    send(running, spans)
    backend.wait_for(2, {trace})
    assert len(backend.refused) == 1
    # The backend has them before the collector has read its answer, and counts them.
    sent = lambda: Metrics(metrics).total("otelcol_exporter_sent_spans", exporter="otlp_http") == 2
    wait_until(sent, "two spans counted as sent")


def observed(collector, backend, *settings):
    """A collector before the backend, and a function that reads its exporter's metrics."""
    port = free_port()
    running = collector(
        {"otlp_http": config.http_exporter(backend.endpoint, EAGER_RETRY, *settings)},
        telemetry=f"{{metrics: {{address: '127.0.0.1:{port}'}}}}",
    )
    return running, lambda name: Metrics(port).total(name, exporter="otlp_http")


def refuse(status, message, condition):
    """A judge that refuses the requests of which the condition holds."""
    reply = Reply(status, Status(code=3, message=message).SerializeToString())
    return lambda request: reply if condition([place.span.name for place in request.places]) else None


def test_a_bad_span_costs_its_neighbours_nothing_and_can_be_sent_again(collector, backend, tmp_path):
    backend.judge = refuse(400, "the poison is bad", lambda names: "poison" in names)
    letters = tmp_path / "letters" / "dead.jsonl"
    running, metric = observed(collector, backend, f"dead_letter: {{path: '{letters}'}}")
    spans, trace = trace_of(children=98, identity={"enduser.id": "ada"})
    poison = span(bytes.fromhex(trace), "poison", parent=spans[-1].span_id)

    send(running, [*spans[:40], poison, *spans[40:]])

    backend.wait_for(99, {trace})
    wait_until(lambda: metric("heirloom_exporter_dead_letter_spans") == 1, "the dead letter")
    wait_until(lambda: metric("otelcol_exporter_sent_spans") == 99, "99 spans counted as sent")
    assert metric("otelcol_exporter_send_failed_spans") == 1
    assert {place.span.name for place in backend.spans}.isdisjoint({"poison"}) and len(backend.spans) == 99
    wait_until(lambda: "the poison is bad" in running.stderr, "a line in the log")
    [line] = letters.read_text().splitlines()
    letter = json.loads(line)
    assert (letter["exporter"], letter["status"], letter["spans"]) == ("otlp_http", 400, 1)
    assert letter["reason"] == "HTTP 400: the poison is bad" and letter["time"].endswith("Z")

    backend.judge = lambda request: None
    again = parse(json.dumps(letter["request"])).SerializeToString()
    target = urllib.request.Request(f"{backend.endpoint}/v1/traces", again, {"Content-Type": PROTOBUF})
    urllib.request.urlopen(target, timeout=PATIENCE).close()
    [came] = [place for place in backend.spans if place.span.name == "poison"]
    assert came.span.span_id == poison.span_id and came.attribute("enduser.id") == "ada"


def test_what_is_too_large_is_cut_until_it_fits(collector, backend):
    backend.judge = refuse(413, "too much", lambda names: len(names) > 10)
    running, metric = observed(collector, backend)
    spans, trace = trace_of(children=63)
    send(running, spans)
    came = backend.wait_for(64, {trace})
    assert len({place.key for place in came}) == len(came) == 64
    wait_until(lambda: metric("otelcol_exporter_sent_spans") == 64, "64 spans counted as sent")
    assert metric("otelcol_exporter_send_failed_spans") == 0


@pytest.mark.parametrize("status", [401, 403])
def test_data_is_held_until_the_credentials_are_right(collector, backend, status):
    backend.answers = [Reply(status, Status(code=16, message="who are you").SerializeToString())] * 3
    running, metric = observed(collector, backend)
    spans, trace = trace_of()
    send(running, spans)
    backend.wait_for(2, {trace})
    assert len(backend.refused) == 3
    assert any(f"HTTP {status}: who are you" in line and "held" in line for line in running.stderr.splitlines())
    wait_until(lambda: metric("otelcol_exporter_sent_spans") == 2, "two spans counted as sent")
    assert metric("otelcol_exporter_send_failed_spans") == 0


def test_a_backend_that_refuses_everything_is_not_asked_for_each_span(collector, backend):
    backend.judge = refuse(400, "never", lambda names: True)
    running, metric = observed(collector, backend)
    send(running, trace_of(children=3999)[0])
    wait_until(lambda: metric("otelcol_exporter_send_failed_spans") == 4000, "4000 spans counted as failed")
    # Refused and cut, and each part once.
    assert len(backend.refused) <= 2 * 32


def test_a_full_queue_is_said_to_the_sender_who_may_try_again(collector, backend):
    backend.open.clear()
    metrics = free_port()
    settings = ["sending_queue: {queue_size: 2, num_consumers: 1}", EAGER_RETRY]
    running = collector(
        {"otlp_http": config.http_exporter(backend.endpoint, *settings)},
        telemetry=f"{{metrics: {{address: '127.0.0.1:{metrics}'}}}}",
    )
    accepted, refusal = set(), None
    with Client(running.port) as client:
        for _ in range(2000):
            spans, trace = trace_of(children=50, padding="x" * 500)
            answer = client.send(body(*spans))
            if answer.status != 200:
                refusal = answer
                break
            accepted.add(trace)
    assert refusal, "the queue never filled"
    assert refusal.error(503).code == UNAVAILABLE
    assert int(refusal.headers["Retry-After"]) >= 0

    # What was accepted arrives, all of it, when the backend takes requests again.
    backend.open.set()
    backend.wait_for(51 * len(accepted), accepted)
    assert Metrics(metrics).total("otelcol_exporter_enqueue_failed_spans", exporter="otlp_http") == 0


def test_a_slow_backend_delays_no_other_exporter(collector, backend, tmp_path):
    backend.open.clear()
    out = tmp_path / "spans.jsonl"
    running = collector(
        {"otlp_http": config.http_exporter(backend.endpoint), "file": config.file_exporter(out)},
    )
    spans, trace = trace_of()
    send(running, spans)
    wait_until(lambda: out.exists() and trace in out.read_text(), "the trace in the file")
    assert not backend.received
    backend.open.set()
    backend.wait_for(2, {trace})
