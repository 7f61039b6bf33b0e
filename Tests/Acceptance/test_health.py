"""The health_check extension, as a load balancer sees it."""

import http.client
import json
import signal
import socket
from contextlib import closing
from datetime import datetime, timezone

import pytest

from support import config
from support.client import Client
from support.collector import Collector, answers, free_port
from support.making import body, trace_of
from support.waiting import PATIENCE, wait_until


def ask(port, path="/", method="GET"):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type"), response.read()


@pytest.fixture
def health_port():
    return free_port()


@pytest.fixture
def start(collector, health_port):
    def start(keys="", **parts):
        settings = f"endpoint: '127.0.0.1:{health_port}'{config.comma(keys)}"
        return collector({"debug": "verbosity: basic"}, extensions={"health_check": settings}, **parts)

    return start


def is_ready(port):
    return answers(port) and ask(port)[0] == 200


def test_it_is_well_while_requests_are_taken(start, health_port):
    started = start()
    wait_until(lambda: is_ready(health_port), "health")
    status, kind, content = ask(health_port)
    assert (status, kind) == (200, "application/json")
    report = json.loads(content)
    assert report["status"] == "Server available"
    since = datetime.fromisoformat(report["upSince"])
    assert since <= datetime.now(timezone.utc)
    assert report["uptime"].endswith("s")
    assert ask(health_port, method="HEAD")[0] == 200
    assert ask(health_port, "/elsewhere")[0] == 404
    with Client(started.port) as client:
        client.send(body(*trace_of()[0])).response


def test_own_words_and_an_own_path(start, health_port):
    start("path: /health, response_body: {healthy: fine, unhealthy: 'not fine'}")
    wait_until(lambda: answers(health_port) and ask(health_port, "/health")[0] == 200, "health")
    assert ask(health_port, "/health")[2] == b"fine"
    assert ask(health_port)[0] == 404


def test_it_is_unwell_before_the_replay_is_done_and_while_it_drains(tmp_path, health_port):
    """The backend never answers: without a disk, the drain takes all of its time."""
    port, silent = free_port(), free_port()
    with socket.create_server(("127.0.0.1", silent)):
        file = tmp_path / "config.yaml"
        file.write_text(
            config.pipeline(
                port,
                {"otlp_http": f"endpoint: 'http://127.0.0.1:{silent}', timeout: 60s"},
                durability="memory",
                service="shutdown_timeout: 3s",
                extensions={"health_check": f"endpoint: '127.0.0.1:{health_port}'"},
            )
        )
        with Collector("--config", file, port=port, cwd=tmp_path) as running:
            wait_until(lambda: is_ready(health_port), "health")
            with Client(port) as client:
                client.send(body(*trace_of(identity={"enduser.id": "ada"})[0])).response
            running.terminate(signal.SIGTERM)
            seen = wait_until(lambda: ask(health_port) if ask(health_port)[0] != 200 else None, "the drain")
            assert seen[0] == 503
            assert json.loads(seen[2])["status"] == "Server not available"
            assert running.process.poll() is None
            running.wait()


def test_it_goes_on_over_a_reload_and_follows_the_configuration(tmp_path, health_port):
    port, other = free_port(), free_port()
    file = tmp_path / "config.yaml"

    def write(health):
        extensions = {"health_check": f"endpoint: '127.0.0.1:{health}'"} if health else None
        file.write_text(config.pipeline(port, {"debug": "verbosity: basic"}, extensions=extensions))

    write(health_port)
    with Collector("--config", file, port=port, cwd=tmp_path) as running:
        wait_until(lambda: is_ready(health_port), "health")
        before = running.listening_sockets()[("127.0.0.1", health_port)]
        since = json.loads(ask(health_port)[2])["upSince"]
        running.reload()
        assert running.listening_sockets()[("127.0.0.1", health_port)] == before
        assert json.loads(ask(health_port)[2])["upSince"] == since
        write(other)
        running.reload()
        assert is_ready(other) and not answers(health_port)
        write(None)
        running.reload()
        assert not answers(other)
