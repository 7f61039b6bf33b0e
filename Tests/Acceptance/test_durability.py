"""What was acknowledged outlives the process, however it ends."""

import signal
import subprocess
import time

import pytest

from support import config
from support.client import UNAVAILABLE, Client
from support.collector import Collector, binary, free_port
from support.making import body, new_trace, span, trace_of
from support.outputs import json_lines, spans_of
from support.waiting import PATIENCE, wait_until

ADA = {"enduser.id": "ada"}
DISKS = ["buffered", "fsync"]
ENDS = [signal.SIGTERM, signal.SIGKILL]


class Lives:
    """A collector with one life after another: the same configuration, the same directory."""

    def __init__(self, folder, exporters, **parts):
        self.folder = folder
        self.port = free_port()
        self.file = folder / "config.yaml"
        self.file.write_text(config.pipeline(self.port, exporters, **parts))
        self.running = None

    def begin(self):
        self.running = Collector("--config", self.file, port=self.port, cwd=self.folder)
        wait_until(lambda: "Everything is ready" in self.running.stderr, lambda: self.running.stderr)
        return self.running

    def end(self, number=signal.SIGTERM):
        self.running.terminate(number)
        status = self.running.wait()
        self.running.__exit__(None, None, None)
        assert status == (0 if number == signal.SIGTERM else -number), self.running.stderr

    def again(self, number=signal.SIGTERM):
        self.end(number)
        return self.begin()

    def send(self, *spans):
        with Client(self.port) as client:
            return client.send(body(*spans))


@pytest.fixture
def lives(tmp_path, backend):
    started = []

    def start(exporters=None, **parts):
        exporters = exporters or {"otlp_http": config.http_exporter(backend.endpoint)}
        started.append(Lives(tmp_path, exporters, **parts))
        started[-1].begin()
        return started[-1]

    yield start
    for each in started:
        each.running.__exit__(None, None, None)


@pytest.mark.parametrize("durability", DISKS)
@pytest.mark.parametrize("number", ENDS)
def test_children_wait_for_their_root_over_a_restart(lives, backend, durability, number):
    life, trace = lives(durability=durability), new_trace()
    root = span(trace, "root", attributes=ADA)
    children = [span(trace, f"child {n}", parent=root.span_id) for n in range(3)]
    for child in children[:2]:
        assert life.send(child).status == 200
    life.again(number)
    assert life.send(children[2]).status == 200
    assert not backend.spans
    life.again(number)
    assert life.send(root).status == 200

    came = backend.wait_for(4, {trace.hex()})
    assert sorted(place.span.name for place in came) == ["child 0", "child 1", "child 2", "root"]
    assert {place.attribute("enduser.id") for place in came} == {"ada"}


@pytest.mark.parametrize("durability", DISKS)
@pytest.mark.parametrize("number", ENDS)
def test_a_late_child_knows_whose_it_is_after_a_restart(lives, backend, durability, number):
    life, trace = lives(durability=durability), new_trace()
    root = span(trace, "root", attributes=ADA)
    assert life.send(root).status == 200
    backend.wait_for(1, {trace.hex()})
    life.again(number)
    assert life.send(span(trace, "late", parent=root.span_id)).status == 200
    came = backend.wait_for(2, {trace.hex()}, distinct=True)
    assert [place.attribute("enduser.id") for place in came if place.span.name == "late"] == ["ada"]


@pytest.mark.parametrize("number", ENDS)
def test_a_wait_goes_on_with_the_time_that_is_left(lives, backend, number):
    """Each life is shorter than the wait. Were it to begin anew, it would never end."""
    life = lives(enduser="root_wait: 3s, local_root_wait: 3s, fallback: none")
    assert life.send(span(new_trace(), "orphan", parent=b"12345678")).status == 200

    def has_come():
        life.again(number)
        time.sleep(0.5)
        return backend.spans

    wait_until(has_come, "the orphan")
    assert {place.span.name for place in backend.spans} == {"orphan"}


def test_in_memory_what_waits_is_released(lives, backend):
    life, trace = lives(durability="memory"), new_trace()
    root = span(trace, "root", attributes=ADA)
    assert life.send(span(trace, "child", parent=root.span_id)).status == 200
    life.end()
    assert [place.span.name for place in backend.spans] == ["child"]
    assert not list(life.folder.glob("spool-*"))


@pytest.mark.parametrize("number", ENDS)
def test_what_a_backend_did_not_take_comes_after_the_restart(lives, backend, number):
    backend.open.clear()
    life = lives(service="shutdown_timeout: 2s")
    traces = set()
    for _ in range(10):
        spans, trace = trace_of(identity=ADA)
        traces.add(trace)
        assert life.send(*spans).status == 200
    wait_until(lambda: backend.waiting, "a request at the backend")
    life.end(number)
    backend.open.set()
    life.begin()
    came = backend.wait_for(20, traces, distinct=True)
    assert {place.trace for place in came} == traces
    assert {place.attribute("enduser.id") for place in came} == {"ada"}


def test_under_load_a_kill_loses_nothing_that_was_acknowledged(lives, tmp_path):
    out = tmp_path / "spans.jsonl"
    life = lives({"file": config.file_exporter(out, "append: true")})
    acknowledged = set()
    for _ in range(3):
        with Client(life.port) as client:
            for _ in range(200):
                spans, trace = trace_of(identity=ADA)
                client.send(body(*spans)).response
                acknowledged.add(trace)
        life.again(signal.SIGKILL)
    life.end()
    came = {}
    for place in spans_of(json_lines(out)):
        came.setdefault(place.trace, set()).add(place.key)
    assert came.keys() == acknowledged
    assert all(len(keys) == 2 for keys in came.values())


def test_two_processes_do_not_share_a_directory(lives, tmp_path):
    life, port = lives(), free_port()
    other = tmp_path / "other.yaml"
    other.write_text(config.pipeline(port, {"debug": ""}).replace(f"spool-{port}", f"spool-{life.port}"))
    result = subprocess.run(
        [binary(), "--config", other], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE
    )
    assert result.returncode == 1
    assert f"another process uses spool-{life.port}" in result.stderr
    # The one that was there has not noticed.
    assert life.send(*trace_of()[0]).status == 200


def test_a_full_spool_refuses_until_there_is_room(lives, backend):
    waits = "root_wait: 3s, local_root_wait: 3s, fallback: none"
    life = lives(enduser=waits, storage="max_spool_mib: 4, sync_interval: 50ms")
    accepted = set()

    def send():
        orphan = span(new_trace(), "orphan", parent=b"12345678", attributes={"padding": "x" * 100_000})
        answer = life.send(orphan)
        if answer.status == 200:
            accepted.add(orphan.span_id)
        return answer

    answer = wait_until(lambda: next((a for a in [send()] if a.status != 200), None), "a refusal")
    assert answer.error(503).code == UNAVAILABLE
    assert int(answer.headers["Retry-After"]) > 0
    assert "spool is full" in answer.error(503).message

    # Those that waited too long leave, and make room for others.
    wait_until(lambda: send().status == 200, "room")
    wait_until(lambda: len(backend.spans) >= len(accepted), "all that was accepted")
    assert {place.span.span_id for place in backend.spans} == accepted
