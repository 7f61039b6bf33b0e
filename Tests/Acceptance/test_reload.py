"""SIGHUP: another configuration in the place of the one that runs, while requests come."""

import socket
import threading

import pytest

from support import config
from support.client import Client
from support.collector import Collector, answers, free_port
from support.making import body, new_trace, span, trace_of
from support.outputs import json_lines, spans_of
from support.waiting import PATIENCE, wait_until

DURABILITIES = ["memory", "buffered", "fsync"]


class Reloadable:
    """A collector whose configuration can be written anew."""

    def __init__(self, folder, exporters, **parts):
        self.port = free_port()
        self.exporters = exporters
        self.parts = parts
        self.file = folder / "config.yaml"
        self.write()
        self.running = Collector("--config", self.file, port=self.port, cwd=folder)

    def write(self, port=None, exporters=None, **parts):
        self.file.write_text(
            config.pipeline(port or self.port, exporters or self.exporters, **{**self.parts, **parts})
        )

    def reload(self, succeeds=True, **changes):
        self.write(**changes)
        self.running.reload(succeeds)


@pytest.fixture
def reloadable(tmp_path):
    started = []

    def start(exporters, **parts):
        started.append(Reloadable(tmp_path, exporters, **parts))
        started[-1].running.__enter__()
        return started[-1]

    yield start
    for each in started:
        each.running.__exit__(None, None, None)


def send(port, *spans):
    with Client(port) as client:
        return client.send(body(*spans))


class Load:
    """Senders, each over one connection that must never be closed, until the end of a `with`."""

    def __init__(self, port, count=6):
        self.traces = []
        self.failures = []
        self.isOver = False
        self.threads = [threading.Thread(target=self.run, args=(port,)) for _ in range(count)]

    def run(self, port):
        try:
            with Client(port) as client:
                while not self.isOver:
                    spans, trace = trace_of(children=3, identity={"enduser.id": "ada"})
                    # The root comes last, and alone: the trace may be cut in two by a reload.
                    client.send(body(*spans[:-1])).response
                    client.send(body(spans[-1])).response
                    self.traces.append(trace)
        except Exception as failure:
            self.failures.append(repr(failure))

    def wait_for(self, more):
        target = len(self.traces) + more
        wait_until(lambda: self.failures or len(self.traces) >= target, lambda: f"{more} more traces")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.isOver = True
        for thread in self.threads:
            thread.join(PATIENCE)


@pytest.mark.parametrize("durability", DURABILITIES)
def test_under_load_nothing_is_lost_and_no_connection_closed(reloadable, tmp_path, durability):
    out = tmp_path / "spans.jsonl"
    # Of a trace that is cut in two, in memory mode, nobody knows the user: what counts here is that all of it arrives.
    each = reloadable({"file": config.file_exporter(out, "append: true")}, durability=durability)
    listening = each.running.listening_sockets()

    with Load(each.port) as load:
        for keys in ("[user.id]", "[enduser.id]") * 4:
            load.wait_for(20)
            each.reload(enduser=f"{config.QUICK}, id_keys: {keys}")
        load.wait_for(20)
    assert not load.failures

    assert each.running.listening_sockets() == listening
    each.running.stop()
    came = {}
    for place in spans_of(json_lines(out)):
        came.setdefault(place.trace, []).append(place.key)
    assert came.keys() == set(load.traces)
    assert all(len(set(keys)) == 4 for keys in came.values())
    assert all(len(keys) == 4 for keys in came.values()), "spans came twice"


@pytest.mark.parametrize("durability", ["buffered", "fsync"])
def test_what_waits_goes_on_waiting(reloadable, tmp_path, durability):
    out, after = tmp_path / "spans.jsonl", tmp_path / "after.jsonl"
    each = reloadable({"file": config.file_exporter(out)}, durability=durability)
    trace = new_trace()
    root = span(trace, "root", attributes={"enduser.id": "ada"})
    assert send(each.port, span(trace, "child", parent=root.span_id)).status == 200

    each.reload(exporters={"file": config.file_exporter(after)})
    assert send(each.port, root).status == 200

    came = wait_until(lambda: [p for p in [spans_of(json_lines(after))] if len(p) == 2], "both spans")[0]
    assert {place.attribute("enduser.id") for place in came} == {"ada"}
    assert not spans_of(json_lines(out))


def test_other_keys_hold_on_the_connection_that_was_open(reloadable, backend):
    each = reloadable({"otlp_http": config.http_exporter(backend.endpoint)})
    with Client(each.port) as client:
        spans, before = trace_of(identity={"enduser.id": "ada", "login": "ben"})
        client.send(body(*spans)).response
        backend.wait_for(2, {before})
        each.reload(enduser=f"{config.QUICK}, id_keys: [login]")
        spans, after = trace_of(identity={"login": "ben"})
        client.send(body(*spans)).response
    assert {place.attribute("enduser.id") for place in backend.wait_for(2, {before})} == {"ada"}
    assert {place.attribute("login") for place in backend.wait_for(2, {after})} == {"ben"}


def test_a_bad_configuration_is_told_and_changes_nothing(reloadable, backend):
    each = reloadable({"otlp_http": config.http_exporter(backend.endpoint)})
    with Client(each.port) as client:
        each.reload(succeeds=False, enduser="root_wiat: 5s")
        each.running.reload(succeeds=False)
        each.file.write_text("receivers: [")
        each.running.reload(succeeds=False)
        each.file.unlink()
        each.running.reload(succeeds=False)
        spans, trace = trace_of(identity={"enduser.id": "ada"})
        client.send(body(*spans)).response
    backend.wait_for(2, {trace})
    wait_until(lambda: f"cannot read the file {each.file}" in each.running.stderr, "the last problem told")
    problem = 'error: unknown key "root_wiat" in processors.enduser (did you mean "root_wait"?)'
    assert f"{each.file}:6:13: {problem}" in each.running.stderr


def test_a_port_in_use_is_told_and_changes_nothing(reloadable, backend):
    each = reloadable({"otlp_http": config.http_exporter(backend.endpoint)})
    with socket.socket() as other, Client(each.port) as client:
        other.bind(("127.0.0.1", 0))
        other.listen()
        each.reload(succeeds=False, port=other.getsockname()[1])
        spans, trace = trace_of()
        client.send(body(*spans)).response
        backend.wait_for(2, {trace})
    assert "Address already in use" in each.running.stderr


def test_what_can_not_start_makes_room_for_what_ran(reloadable, backend, tmp_path):
    each = reloadable({"otlp_http": config.http_exporter(backend.endpoint)})
    with Client(each.port) as client:
        exporter = {"file": config.file_exporter(tmp_path / "missing" / "spans.jsonl")}
        each.reload(succeeds=False, exporters=exporter)
        spans, trace = trace_of()
        client.send(body(*spans)).response
        backend.wait_for(2, {trace})
    assert "exporters.file: " in each.running.stderr


def test_another_port_is_opened_and_the_old_one_closed(reloadable, backend):
    each = reloadable({"otlp_http": config.http_exporter(backend.endpoint)})
    port = free_port()
    each.reload(port=port)
    assert not answers(each.port)
    spans, trace = trace_of()
    assert send(port, *spans).status == 200
    backend.wait_for(2, {trace})


def test_what_is_substituted_is_read_again(tmp_path, backend):
    port, key = free_port(), tmp_path / "key"
    key.write_text("one")
    exporter = config.http_exporter(backend.endpoint, f"headers: {{x-key: '${{file:{key}}}'}}")
    environment = {"CONFIG": config.pipeline(port, {"otlp_http": exporter})}
    with Collector("--config", "env:CONFIG", port=port, cwd=tmp_path, env=environment) as running:
        for value in ("one", "two"):
            key.write_text(value)
            running.reload()
            spans, trace = trace_of()
            assert send(port, *spans).status == 200
            backend.wait_for(2, {trace})
            assert backend.received[-1].headers["x-key"] == value


def test_a_storm_of_signals_is_weathered(reloadable, backend):
    each = reloadable({"otlp_http": config.http_exporter(backend.endpoint)})
    with Load(each.port, count=2) as load:
        for _ in range(200):
            each.running.terminate(1)
        each.running.reload()
        load.wait_for(5)
    assert not load.failures
    backend.wait_for(4 * len(load.traces), set(load.traces))
    assert each.running.stderr.count("the configuration was reloaded") <= 201


def test_the_end_comes_also_during_a_reload(reloadable, backend):
    backend.open.clear()
    each = reloadable({"otlp_http": config.http_exporter(backend.endpoint)}, durability="memory")
    assert send(each.port, *trace_of()[0]).status == 200
    wait_until(lambda: backend.waiting, "a request at the backend")
    each.running.terminate(1)
    wait_until(lambda: "received SIGHUP" in each.running.stderr, "the reload")
    each.running.terminate()
    wait_until(lambda: "received SIGTERM" in each.running.stderr, "the end")
    backend.open.set()
    assert each.running.wait() == 0


@pytest.mark.parametrize("is_abstract", [False, True])
def test_the_service_manager_is_told(reloadable, backend, tmp_path, monkeypatch, is_abstract):
    name = f"@heirloom-{free_port()}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if is_abstract else name)
        manager.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        each = reloadable({"otlp_http": config.http_exporter(backend.endpoint)})
        status = f"STATUS=receiving on 127.0.0.1:{each.port}"
        assert manager.recv(4096).decode().split("\n") == ["READY=1", status]
        assert send(each.port, *trace_of()[0]).status == 200
        each.reload()
        first, moment, _ = manager.recv(4096).decode().split("\n")
        assert first == "RELOADING=1"
        assert moment.startswith("MONOTONIC_USEC=")
        assert manager.recv(4096).decode().split("\n") == ["READY=1", status]
        each.running.stop()
        assert manager.recv(4096).decode().startswith("STOPPING=1\n")
