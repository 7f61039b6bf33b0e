"""What Heirloom tells of itself in Prometheus' format."""

import json

import pytest

from support import config, metric_names
from support.client import Client
from support.collector import Metrics, free_port
from support.making import body, new_trace, span, trace_of
from support.waiting import wait_until


@pytest.fixture
def watched(collector, backend):
    port = free_port()
    running = collector(
        {"otlp_http": config.http_exporter(backend.endpoint)},
        enduser="fallback_wait: 50ms, root_wait: 500ms",
        telemetry=f"{{metrics: {{address: '127.0.0.1:{port}'}}}}",
        # A queue that may go to disk has no capacity of its own to tell.
        durability="memory",
    )
    return running, backend, lambda: Metrics(port)


def send(running, *spans):
    with Client(running.port) as client:
        return client.send(body(*spans))


def test_the_collectors_names_for_what_comes_and_goes(watched):
    running, backend, metrics = watched
    spans, trace = trace_of(children=3, identity={"enduser.id": "ada"})
    send(running, *spans)
    backend.wait_for(4, {trace})

    wait_until(lambda: metrics().total("otelcol_exporter_sent_spans", exporter="otlp_http") == 4, "four spans counted")
    now = metrics()
    assert now.content_type.startswith("text/plain")
    assert now.total("otelcol_receiver_accepted_spans", receiver="otlp", transport="http") == 4
    for name in ["otelcol_exporter_queue_size", "otelcol_exporter_queue_capacity"]:
        assert now.total(name, exporter="otlp_http") >= 0
    for name in ["otelcol_process_uptime", "otelcol_process_cpu_seconds", "otelcol_process_memory_rss"]:
        assert now.total(name) >= 0


def test_what_is_refused_is_counted(watched):
    running, _, metrics = watched
    send(running, span(b"", "no trace id"), *trace_of()[0]).response
    assert metrics().total("otelcol_receiver_refused_spans", receiver="otlp") == 1


def test_identity_in_numbers(watched):
    running, backend, metrics = watched
    identity = {"enduser.id": "ada"}
    spans, known = trace_of(children=3, identity=identity, **{"enduser.id": "mallory"})
    send(running, *spans)
    send(running, span(spans[-1].trace_id, "late", parent=spans[-1].span_id))
    send(running, span(spans[-1].trace_id, "another root", attributes={"enduser.id": "grace"}))
    anonymous, unknown = trace_of()
    send(running, *anonymous)
    send(running, span(new_trace(), "orphan", parent=b"12345678"))
    backend.wait_for(9)

    now = metrics()
    assert now.total(metric_names.RESOLVED) >= 1
    assert now.total(metric_names.UNATTRIBUTED) == 2
    reasons = {labels["reason"] for name, labels, _ in now.samples if name.startswith(metric_names.UNATTRIBUTED)}
    assert len(reasons) >= 2
    assert now.total(metric_names.REPLACED) >= 3
    assert now.total(metric_names.CONFLICTING) == 1
    assert now.total(metric_names.LATE) >= 1


def test_what_waits_is_shown_while_it_waits(collector, backend):
    port = free_port()
    running = collector(
        {"otlp_http": config.http_exporter(backend.endpoint)},
        telemetry=f"{{metrics: {{address: '127.0.0.1:{port}'}}}}",
    )
    trace = new_trace()
    root = span(trace, "root", attributes={"enduser.id": "ada"})
    send(running, *(span(trace, "child", parent=root.span_id) for _ in range(3)))

    now = Metrics(port)
    assert now.total(metric_names.WAITING_TRACES) == 1
    assert now.total(metric_names.WAITING_SPANS) == 3
    assert now.total(metric_names.WAITING_BYTES) > 0

    send(running, root)
    backend.wait_for(4, {trace.hex()})
    wait_until(lambda: Metrics(port).total(metric_names.WAITING_SPANS) == 0, "no span to wait")


def test_level_none_opens_no_port(collector):
    running = collector({"debug": ""}, telemetry="{metrics: {level: none}}")
    assert running.listening() == {("127.0.0.1", running.port)}


@pytest.mark.parametrize("encoding", ["console", "json"])
def test_logs_have_a_level_and_an_encoding(collector, encoding):
    running = collector({"debug": ""}, telemetry=f"{{metrics: {{level: none}}, logs: {{level: info, encoding: {encoding}}}}}")
    running.stop()
    lines = running.stderr.splitlines()
    assert lines
    for line in lines:
        if encoding == "json":
            assert {"ts", "level", "msg"} <= set(json.loads(line))
        else:
            assert not line.startswith("{")
