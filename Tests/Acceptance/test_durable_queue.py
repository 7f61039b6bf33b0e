"""The otlp_http exporter's queue on disk: what a backend that is away, or a collector that is killed, costs. Nothing."""

import json
import signal

import pytest
from google.rpc.status_pb2 import Status

from support import metric_names
from support.client import Client
from support.collector import Collector, Metrics, free_port
from support.making import body, trace_of
from support.servers import Backend, Reply, serving
from support.waiting import wait_until

DISKS = ["buffered", "fsync"]


class Durable:
    """A collector without `enduser`, before a backend that may not be there; one life after another."""

    def __init__(self, folder, durability, *settings):
        self.folder, self.port, self.metrics, self.upstream = folder, free_port(), free_port(), free_port()
        exporter = ", ".join([f"endpoint: 'http://127.0.0.1:{self.upstream}'", *settings])
        self.file = folder / "config.yaml"
        self.file.write_text(
            f"""
            receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:{self.port}'}}}}}}}}
            exporters:
              otlp_http/up: {{{exporter}, retry_on_failure: {{initial_interval: 50ms, max_interval: 200ms}}}}
            service:
              durability: {durability}
              storage: {{directory: spool, sync_interval: 100ms}}
              telemetry: {{metrics: {{address: '127.0.0.1:{self.metrics}'}}}}
              pipelines: {{traces: {{receivers: [otlp], exporters: [otlp_http/up]}}}}
            """
        )
        self.sent = {}

    def begin(self):
        return Collector("--config", self.file, port=self.port, cwd=self.folder)

    def send(self, count, **making):
        with Client(self.port) as client:
            for _ in range(count):
                spans, _ = trace_of(**making)
                # A disk that is slower than the sender is no fault.
                wait_until(lambda: client.send(body(*spans)).status == 200, "the request taken")
                self.sent.update({(each.trace_id.hex(), each.span_id.hex()): each for each in spans})

    def metric(self, name, **labels):
        return Metrics(self.metrics).total(name, **labels)

    def wait_until_stored(self):
        """The exporter's queue has all, and the pipeline has nothing to keep."""
        wait_until(lambda: self.metric(metric_names.SPOOL_RECORDS, pipeline="traces") == 0, "everything in the queue")


@pytest.mark.parametrize("durability", DISKS)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_waits_for_a_backend_outlives_the_collector(tmp_path, durability, number):
    durable = Durable(tmp_path, durability)
    with durable.begin() as running:
        durable.send(20, children=5)
        durable.wait_until_stored()
        running.terminate(number)
        assert running.wait() == (0 if number == signal.SIGTERM else -number)
        assert "spans were lost" not in running.stderr
    with serving(Backend(durable.upstream)) as backend, durable.begin():
        came = backend.wait_for(len(durable.sent))
        wait_until(lambda: durable.metric(metric_names.SPOOL_RECORDS, exporter="otlp_http/up") == 0, "an empty queue")
        assert sorted(place.key for place in came) == sorted(durable.sent)
        assert len(backend.spans) == len(durable.sent)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_not_stored_yet_comes_again_too(tmp_path, number):
    durable = Durable(tmp_path, "buffered")
    with durable.begin() as running:
        durable.send(20)
        running.terminate(number)
        running.wait()
    with serving(Backend(durable.upstream)) as backend, durable.begin():
        keys = lambda: {place.key for place in backend.spans}
        wait_until(lambda: keys() >= durable.sent.keys(), "every span")


def test_a_backlog_larger_than_the_memory_is_taken_and_delivered(tmp_path):
    durable = Durable(tmp_path, "buffered", "sending_queue: {max_mib: 1}", "compression: none")
    with durable.begin():
        durable.send(60, children=10, padding="x" * 20_000)
        durable.wait_until_stored()
        assert durable.metric("otelcol_exporter_queue_size", exporter="otlp_http/up") > 0
        with serving(Backend(durable.upstream)) as backend:
            came = backend.wait_for(len(durable.sent))
            assert sorted(place.key for place in came) == sorted(durable.sent)
            empty = lambda: durable.metric("otelcol_exporter_queue_size", exporter="otlp_http/up") == 0
            wait_until(empty, "an empty queue")
            assert durable.metric("otelcol_exporter_send_failed_spans", exporter="otlp_http/up") == 0


def test_what_is_refused_lies_below_the_storage_directory(tmp_path):
    durable = Durable(tmp_path, "fsync")
    with serving(Backend(durable.upstream)) as backend, durable.begin() as running:
        backend.judge = lambda request: Reply(404, Status(code=5, message="no traces here").SerializeToString())
        durable.send(1, children=2)
        failed = lambda: durable.metric("heirloom_exporter_dead_letter_spans", exporter="otlp_http/up") == 3
        wait_until(failed, "three spans among the dead letters")
        durable.wait_until_stored()
        [line] = (tmp_path / "spool" / "dead_letter" / "otlp_http@up.jsonl").read_text().splitlines()
        assert (json.loads(line)["status"], json.loads(line)["spans"]) == (404, 3)
        wait_until(lambda: "written to the dead letters" in running.stderr, "a line in the log")
