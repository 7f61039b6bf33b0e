"""OTLP/gRPC servers in the life of a collector: health, limits on connections, reload, and the end."""

import signal
import socket

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from support import config
from support.collector import Collector, Metrics, answers, free_port, run
from support.grpcclient import TRACES, Calls, Frames
from support.making import body, trace_of
from support.waiting import PATIENCE, wait_until

Status = health_pb2.HealthCheckResponse
SERVICE = TRACES.split("/")[1]


class Reloadable:
    """A collector whose gRPC settings can be written anew."""

    def __init__(self, folder, backend):
        self.http_port, self.port = free_port(), free_port()
        self.exporters = {"otlp_http": config.http_exporter(backend.endpoint)}
        self.file = folder / "config.yaml"
        self.write()

    def write(self, *settings, port=None, enduser="", grpc=True):
        settings = ", ".join([f"endpoint: '127.0.0.1:{port or self.port}'", *settings])
        self.file.write_text(
            config.pipeline(
                self.http_port, self.exporters, enduser=enduser, grpc=settings if grpc else None, durability="memory"
            )
        )

    def start(self):
        return Collector("--config", self.file, port=self.http_port, cwd=self.file.parent)


@pytest.fixture
def reloadable(tmp_path, backend):
    return Reloadable(tmp_path, backend)


def good():
    return body(*trace_of()[0])


def request(service=""):
    return health_pb2.HealthCheckRequest(service=service)


def test_health_is_served_as_a_whole_and_by_service(reloadable):
    with reloadable.start(), Calls(reloadable.port) as calls:
        health = health_pb2_grpc.HealthStub(calls.channel)
        for service in ["", SERVICE, SERVICE.replace("trace.v1.Trace", "logs.v1.Logs")]:
            assert health.Check(request(service), timeout=PATIENCE).status == Status.SERVING
        with pytest.raises(grpc.RpcError) as refused:
            health.Check(request("another"), timeout=PATIENCE)
        assert refused.value.code() == grpc.StatusCode.NOT_FOUND
        assert next(health.Watch(request("another"), timeout=PATIENCE)).status == Status.SERVICE_UNKNOWN


def test_whoever_watches_hears_of_the_end(reloadable):
    with reloadable.start() as running:
        with Calls(reloadable.port) as calls, Calls(reloadable.port) as others:
            watch = health_pb2_grpc.HealthStub(calls.channel).Watch(request(), timeout=PATIENCE)
            assert next(watch).status == Status.SERVING
            given_up = health_pb2_grpc.HealthStub(others.channel).Watch(request(SERVICE), timeout=PATIENCE)
            assert next(given_up).status == Status.SERVING
            given_up.cancel()
            running.terminate()
            assert next(watch).status == Status.NOT_SERVING
            with pytest.raises(grpc.RpcError) as ended:
                next(watch)
            assert ended.value.code() == grpc.StatusCode.UNAVAILABLE
        assert running.wait() == 0


def test_a_call_under_way_at_the_end_is_answered_and_its_spans_arrive(reloadable, backend):
    spans, trace = trace_of(children=100)
    message = body(*spans)
    metrics = free_port()
    reloadable.file.write_text(
        reloadable.file.read_text().replace("{metrics: {level: none}}", f"{{metrics: {{address: '127.0.0.1:{metrics}'}}}}")
    )
    with reloadable.start() as running, Frames(reloadable.port) as frames:
        assert frames.call(good()) == b""
        frames.begin()
        frames.send(frames.prefix(len(message)) + message[:100])
        wait_until(lambda: Metrics(metrics).total("otelcol_receiver_requests", transport="grpc") == 2, "the call to begin")
        running.terminate()
        wait_until(lambda: not answers(reloadable.port), "the receiver to close")
        frames.send(message[100:], ends=True)
        assert frames.answer() == b""
        assert running.wait() == 0
    assert len(backend.traces({trace})) == len(spans)


def test_a_client_that_never_ends_its_call_does_not_hold_up_the_end(reloadable):
    reloadable.file.write_text(
        reloadable.file.read_text().replace("service:\n", "service:\n  shutdown_timeout: 1s\n")
    )
    with reloadable.start() as running, Frames(reloadable.port) as frames:
        frames.begin()
        frames.send(frames.prefix(1000) + b"\0")
        running.terminate()
        assert running.wait() == 0


def test_a_reload_keeps_the_connections_of_a_server_that_stays_as_it_is(reloadable):
    with reloadable.start() as running, Frames(reloadable.port) as frames:
        for wait in ["400ms", "500ms", "600ms"]:
            assert frames.call(good()) == b""
            reloadable.write(enduser=f"fallback_wait: {wait}")
            running.reload()
        assert frames.call(good()) == b""


def test_a_reload_can_take_a_server_away_change_it_and_bring_it_back(reloadable):
    with reloadable.start() as running:
        with Frames(reloadable.port) as frames:
            assert frames.call(good()) == b""
            reloadable.write(grpc=False)
            running.reload()
            assert not answers(reloadable.port)
        reloadable.write()
        running.reload()
        with Calls(reloadable.port) as calls:
            calls.send(good())
        reloadable.write("max_recv_msg_size_mib: 1")
        running.reload()
        with Calls(reloadable.port) as calls:
            calls.refusal(bytes(1 << 20 | 1), grpc.StatusCode.RESOURCE_EXHAUSTED)
        other = free_port()
        reloadable.write(port=other)
        running.reload()
        with Calls(other) as calls:
            calls.send(good())
        assert not answers(reloadable.port)


def test_connections_above_the_limit_are_closed_and_there_is_room_again_when_others_go(reloadable):
    reloadable.write("max_connections: 2")
    with reloadable.start():
        with Frames(reloadable.port) as first:
            with Frames(reloadable.port) as second:
                assert first.call(good()) == second.call(good()) == b""
                with pytest.raises(ConnectionError), Frames(reloadable.port) as third:
                    third.call(good())
                assert first.call(good()) == second.call(good()) == b""

            def there_is_room():
                try:
                    with Frames(reloadable.port) as another:
                        return another.call(good()) == b""
                except ConnectionError:
                    return False

            wait_until(there_is_room, "the connection that has gone to be noticed")


def test_a_port_in_use_is_told_with_its_place(reloadable, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        reloadable.write(port=port)
        ended = run("--config", reloadable.file, cwd=tmp_path)
    assert ended.returncode == 1
    assert f"{reloadable.file}:5:" in ended.stderr
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in ended.stderr


def test_the_default_configuration_listens_for_grpc_on_this_machine_only(tmp_path):
    printed = run("print-config", cwd=tmp_path)
    assert "endpoint: 127.0.0.1:4317" in printed.stdout


def test_without_http_it_runs_as_well(reloadable, tmp_path, backend):
    file = tmp_path / "alone.yaml"
    text = reloadable.file.read_text()
    file.write_text("".join(line for line in text.splitlines(keepends=True) if " http: " not in line))
    with Collector("--config", file, port=reloadable.port, cwd=tmp_path) as running:
        with Calls(reloadable.port) as calls:
            spans, trace = trace_of()
            calls.send(body(*spans))
        running.stop(signal.SIGINT)
    assert len(backend.traces({trace})) == len(spans)
