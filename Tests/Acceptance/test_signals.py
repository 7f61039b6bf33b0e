"""Logs and metrics: forwarded verbatim, and log records with the identity of their trace."""

import os
import signal

import pytest
from opentelemetry import _logs as api
from opentelemetry.context import get_current
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from support import config
from support.client import Client
from support.collector import Collector, free_port
from support.making import body, new_trace, span
from support.signals import came, log_records
from support.spans import key_values
from support.waiting import wait_until

ADA = {"enduser.id": "ada"}


def pipelines(port, exporters, logs=None, metrics=None, **parts):
    """The usual configuration, with pipelines of logs and metrics."""
    text = config.pipeline(port, exporters, **parts)
    for name, processors, used in [("logs", "[enduser]", logs), ("metrics", "[]", metrics)]:
        used = used or exporters
        text += f"    {name}: {{receivers: [otlp], processors: {processors}, exporters: [{', '.join(used)}]}}\n"
    return text


class Life:
    """A collector with all signals, and the backend behind it."""

    def __init__(self, folder, backend, **parts):
        self.folder, self.backend, self.port = folder, backend, free_port()
        self.file = folder / "config.yaml"
        parts = {"exporters": {"otlp_http": config.http_exporter(backend.endpoint)}, **parts}
        self.file.write_text(pipelines(self.port, **parts))
        self.begin()

    def begin(self):
        self.running = Collector("--config", self.file, port=self.port, cwd=self.folder)
        wait_until(lambda: "Everything is ready" in self.running.stderr, lambda: self.running.stderr)

    def again(self, number):
        self.running.terminate(number)
        self.running.wait()
        self.running.__exit__(None, None, None)
        self.begin()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def send(self, message, path="/v1/logs"):
        with Client(self.port) as client:
            return client.send(message.SerializeToString(), path=path)

    def send_spans(self, *spans):
        with Client(self.port) as client:
            client.send(body(*spans)).response

    def came(self, path):
        return came(self.backend, path)

    @property
    def records(self):
        return log_records(self.backend)

    def wait_for_records(self, count):
        wait_until(lambda: len(self.records) >= count, lambda: f"{count} log records, not {len(self.records)}")
        return self.records


@pytest.fixture
def life(tmp_path, backend):
    lives = []

    def start(**parts):
        lives.append(Life(tmp_path, backend, **parts))
        return lives[-1]

    yield start
    for each in lives:
        each.running.__exit__(None, None, None)


def log_record(text, trace=b"", attributes=None, **fields):
    record = LogRecord(
        time_unix_nano=1_700_000_000_000_000_000, trace_id=trace, attributes=key_values(attributes or {}), **fields
    )
    record.body.string_value = text
    return record


def logs(*records):
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.extend(key_values({"service.name": "made"}))
    scope = resource.scope_logs.add()
    scope.scope.name = "logger"
    scope.log_records.extend(records)
    return request


def identity(record):
    return {pair.key: pair.value.string_value for pair in record.attributes if pair.key in ADA}


def without_identity(record):
    """The record as its bytes were before it was given an identity."""
    copy = LogRecord.FromString(record.SerializeToString())
    kept = [pair for pair in copy.attributes if pair.key not in ADA]
    del copy.attributes[:]
    copy.attributes.extend(kept)
    return copy.SerializeToString(deterministic=True)


def test_the_sdks_logs_and_metrics(life):
    alive = life()
    tracing, loggers = TracerProvider(), LoggerProvider()
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{alive.endpoint}/v1/metrics"), 3_600_000)
    meters = MeterProvider([reader])
    tracing.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{alive.endpoint}/v1/traces")))
    loggers.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{alive.endpoint}/v1/logs")))
    log = loggers.get_logger("app")

    def say(text):
        log.emit(api.LogRecord(timestamp=1, body=text, severity_text="WARN", context=get_current()))

    try:
        say("of no trace")
        with tracing.get_tracer("app").start_as_current_span("root", attributes=ADA) as root:
            say("while root runs")
        meters.get_meter("app").create_counter("answers").add(7, {"kind": "short"})
        meters.get_meter("app").create_histogram("seconds").record(0.25)
        assert meters.force_flush()
    finally:
        for provider in (meters, loggers, tracing):
            provider.shutdown()

    came = {record.body.string_value: record for record in alive.wait_for_records(2)}
    assert identity(came["while root runs"]) == ADA
    assert came["while root runs"].span_id == root.get_span_context().span_id.to_bytes(8, "big")
    assert identity(came["of no trace"]) == {}
    wait_until(lambda: alive.came("/v1/metrics"), "the metrics")
    metrics = {
        metric.name: metric
        for message in alive.came("/v1/metrics")
        for resource in message.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert metrics["answers"].sum.data_points[0].as_int == 7
    assert metrics["seconds"].histogram.data_points[0].count == 1


def test_records_leave_as_they_came_but_for_the_identity(life):
    alive, trace = life(), new_trace()
    records = [
        log_record("known", trace, {"n": "1"}, severity_text="WARN", severity_number=13, event_name="e", flags=1),
        log_record("forged", trace, {"enduser.id": "mallory"}),
        log_record("free", attributes={"enduser.id": "bob"}),
    ]
    records[0].body.kvlist_value.values.extend(key_values({"deep": "er"}))
    alive.send_spans(span(trace, "root", attributes=ADA))
    assert alive.send(logs(*records)).status == 200

    came = alive.wait_for_records(3)
    # What stands in one request is ordered by trace.
    assert sorted(map(without_identity, came)) == sorted(map(without_identity, records))
    by_identity = {without_identity(record): identity(record) for record in came}
    assert [by_identity[without_identity(record)] for record in records] == [ADA, ADA, {"enduser.id": "bob"}]


def test_metrics_pass_untouched(life):
    alive = life()
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add(schema_url="https://example.org/schema")
    resource.resource.attributes.extend(key_values({"service.name": "made"}))
    scope = resource.scope_metrics.add()
    gauge = scope.metrics.add(name="gauge", unit="1")
    gauge.gauge.data_points.add(as_double=1.5, attributes=key_values({"enduser.id": "mallory"}))
    histogram = scope.metrics.add(name="histogram").histogram
    point = histogram.data_points.add(count=3, bucket_counts=[1, 2], explicit_bounds=[0.5])
    point.exemplars.add(as_int=-1, trace_id=os.urandom(16), span_id=os.urandom(8))
    scope.metrics.add(name="none")
    assert alive.send(request, "/v1/metrics").status == 200

    wait_until(lambda: alive.came("/v1/metrics"), "the metrics")
    assert alive.came("/v1/metrics") == [request]


@pytest.mark.parametrize("durability", ["buffered", "fsync"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_records_wait_for_their_root_over_a_restart(life, durability, number):
    alive, trace, known = life(durability=durability), new_trace(), new_trace()
    alive.send_spans(span(known, "root", attributes=ADA))
    for n in range(3):
        assert alive.send(logs(log_record(f"waiting {n}", trace), log_record("free"))).status == 200
    alive.again(number)
    assert alive.send(logs(log_record("known", known))).status == 200
    alive.wait_for_records(4)
    alive.again(number)
    assert not [record for record in alive.records if record.trace_id == trace]
    alive.send_spans(span(trace, "root", attributes=ADA))

    wait_until(lambda: len({r.body.string_value for r in alive.records if r.trace_id == trace}) == 3, "what waited")
    assert all(identity(record) == ADA for record in alive.records if record.trace_id)


def test_waiting_records_that_memory_has_no_room_for(life):
    enduser = f"{config.QUICK}, max_buffered_mib: 1"
    alive, trace = life(enduser=enduser), new_trace()
    for n in range(30):
        records = [log_record(f"{n} {m} {'x' * 2000}", trace) for m in range(50)]
        assert alive.send(logs(*records)).status == 200
    alive.send_spans(span(trace, "child", parent=b"12345678"))
    assert not alive.records
    alive.send_spans(span(trace, "root", attributes=ADA))

    came = alive.wait_for_records(1500)
    assert len({record.body.string_value for record in came}) == 1500
    assert all(identity(record) == ADA for record in came)


def test_a_backend_that_comes_back_gets_each_signal_at_its_path(life, backend):
    backend.open.clear()
    alive, trace = life(service="shutdown_timeout: 2s"), new_trace()
    alive.send_spans(span(trace, "root", attributes=ADA))
    assert alive.send(logs(log_record("kept", trace))).status == 200
    metrics = ExportMetricsServiceRequest()
    metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="kept").gauge.data_points.add(as_int=1)
    assert alive.send(metrics, "/v1/metrics").status == 200
    wait_until(lambda: backend.waiting >= 3, "three requests at the backend")
    alive.running.terminate(signal.SIGKILL)
    alive.running.wait()
    backend.open.set()
    alive.running.__exit__(None, None, None)
    backend.received.clear()
    alive.begin()
    assert {record.body.string_value for record in alive.wait_for_records(1)} == {"kept"}
    wait_until(lambda: alive.came("/v1/metrics") and backend.wait_for(1, {trace.hex()}), "metrics and spans")


def test_one_file_for_all_signals(life, tmp_path):
    path = tmp_path / "all.jsonl"
    alive, trace = life(exporters={"file": config.file_exporter(path)}), new_trace()
    alive.send_spans(span(trace, "root", attributes=ADA))
    assert alive.send(logs(log_record("in a file", trace))).status == 200
    metrics = ExportMetricsServiceRequest()
    metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="m").gauge.data_points.add(as_int=1)
    assert alive.send(metrics, "/v1/metrics").status == 200
    kinds = ["resourceSpans", "resourceLogs", "resourceMetrics"]
    wait_until(lambda: path.exists() and all(kind in path.read_text() for kind in kinds), "all three in the file")
    line = next(line for line in path.read_text().splitlines() if "resourceLogs" in line)
    assert '"key":"enduser.id"' in line and trace.hex() in line


def test_a_signal_that_no_pipeline_takes_is_not_found(tmp_path, backend):
    port = free_port()
    file = tmp_path / "config.yaml"
    file.write_text(config.pipeline(port, {"otlp_http": config.http_exporter(backend.endpoint)}))
    with Collector("--config", file, port=port, cwd=tmp_path), Client(port) as client:
        error = client.send(logs(log_record("x")).SerializeToString(), path="/v1/logs").error(404)
    assert "logs" in error.message
