"""Spans that wait beyond the memory for them: they wait on disk, and what is on disk can be told."""

import pytest

from support import config, metric_names
from support.client import Client
from support.collector import Metrics, free_port
from support.making import body, new_trace, span
from support.waiting import wait_until

COUNT = 40
PADDING = {"padding": "x" * 100_000}


class Watched:
    """A collector with 1 MiB for what waits, and a trace of far more in it that waits for its root."""

    def __init__(self, collector, backend, folder):
        self.metrics = free_port()
        self.running = collector(
            {"otlp_http": config.http_exporter(backend.endpoint, "retry_on_failure: {initial_interval: 50ms}")},
            enduser=f"{config.QUICK}, max_buffered_mib: 1",
            telemetry=f"{{metrics: {{address: '127.0.0.1:{self.metrics}'}}}}",
            storage="sync_interval: 50ms",
        )
        self.spool = folder / f"spool-{self.running.port}" / "pipelines" / "traces" / "requests"
        self.trace = new_trace()
        self.root = span(self.trace, "root", attributes={"enduser.id": "ada"})
        self.children = [
            span(self.trace, f"child {n}", parent=self.root.span_id, attributes=PADDING) for n in range(COUNT)
        ]
        for child in self.children:
            self.send(child)

    def send(self, *spans):
        with Client(self.running.port) as client:
            assert client.send(body(*spans)).status == 200

    def total(self, name, **labels):
        return Metrics(self.metrics).total(name, **labels)


@pytest.fixture
def watched(collector, backend, tmp_path):
    return Watched(collector, backend, tmp_path)


def test_what_memory_does_not_hold_waits_on_disk(watched, backend):
    assert watched.total(metric_names.WAITING_SPANS) == COUNT
    assert watched.total(metric_names.WAITING_BYTES) <= 1 << 20
    assert COUNT - 10 <= watched.total(metric_names.WAITING_ON_DISK) < COUNT
    assert not backend.spans

    watched.send(watched.root)
    came = backend.wait_for(COUNT + 1, {watched.trace.hex()})
    assert sorted(place.span.name for place in came) == sorted(each.name for each in [*watched.children, watched.root])
    assert {place.attribute("enduser.id") for place in came} == {"ada"}
    assert all(place.attribute("padding") == PADDING["padding"] for place in came if place.span.name != "root")
    wait_until(lambda: watched.total(metric_names.WAITING_ON_DISK) == 0, "no span to wait on disk")
    assert watched.total(metric_names.UNREADABLE_SPANS) == 0


def test_the_spool_in_numbers(watched, backend):
    labels = {"pipeline": "traces", "log": "requests"}
    assert watched.total(metric_names.SPOOL_RECORDS, **labels) == COUNT
    assert watched.total(metric_names.SPOOL_BYTES, **labels) > COUNT * len(PADDING["padding"])

    watched.send(watched.root)
    backend.wait_for(COUNT + 1, {watched.trace.hex()})
    wait_until(lambda: watched.total(metric_names.SPOOL_RECORDS, **labels) == 0, "an empty spool")
    # The identity of one trace, told apart from what the requests take.
    identities = watched.total(metric_names.SPOOL_BYTES, pipeline="traces", log="identities")
    assert 0 < identities < 10_000
    assert watched.total(metric_names.SPOOL_CORRUPT) == 0
    assert watched.total(metric_names.UNREADABLE_IDENTITIES) == 0


def test_what_the_disk_does_not_give_back_is_counted_and_costs_no_neighbour(watched, backend):
    lost = watched.children[0]
    [log] = watched.spool.glob("*.log")
    at = log.read_bytes().index(lost.span_id)
    with log.open("r+b") as file:
        file.seek(at)
        file.write(bytes(len(lost.span_id)))

    watched.send(watched.root)
    came = backend.wait_for(COUNT, {watched.trace.hex()})
    assert {place.span.name for place in came} == {each.name for each in [*watched.children[1:], watched.root]}
    wait_until(lambda: watched.total(metric_names.UNREADABLE_SPANS) == 1, "the lost span counted")
    said = "waiting spans can't be read back and are lost"
    wait_until(lambda: said in watched.running.stderr, "a line in the log")
