"""`make run`: signals reach the collector, and its end is make's."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from support import config
from support.client import Client
from support.collector import REPOSITORY, Collector, binary, free_port
from support.making import body, new_trace, span
from support.outputs import json_lines, spans_of


@pytest.fixture
def project(tmp_path):
    """The Makefile with nothing left to install or build."""
    folder = tmp_path / "project"
    (folder / "scripts").mkdir(parents=True)
    (folder / ".build/release").mkdir(parents=True)
    (folder / "bin").mkdir()
    shutil.copy(REPOSITORY / "Makefile", folder)
    (folder / ".build/release/heirloom").symlink_to(binary())
    for nothing in ("scripts/install-deps", "bin/swift"):
        (folder / nothing).write_text("#!/bin/sh\n")
        (folder / nothing).chmod(0o755)
    return folder


@pytest.fixture
def started(project):
    """make with a collector in which a span waits for its root, and the file where it must end up."""
    port, out = free_port(), project / "spans.jsonl"
    file = project / "config.yaml"
    file.write_text(config.pipeline(port, {"file": config.file_exporter(out)}, durability="memory"))
    with make(project, f"--config {file}", port) as running:
        with Client(port) as client:
            client.send(body(span(new_trace(), parent=b"12345678"))).response
        yield running, lambda: len(spans_of(json_lines(out)))


def make(project, arguments, port):
    environment = {
        "PATH": f"{project / 'bin'}:{os.environ['PATH']}",
        # This test may itself be run by make.
        "MAKEFLAGS": "",
        "MAKELEVEL": "0",
    }
    return Collector(port=port, cwd=project, env=environment, command=["make", "run", f"ARGS={arguments}"])


def child_of(process):
    [child] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(child)


def test_what_make_starts_becomes_the_collector(started):
    running, _ = started
    assert Path(f"/proc/{child_of(running.process)}/exe").resolve() == Path(binary()).resolve()
    running.terminate()
    running.wait()


def test_a_signal_to_make_ends_the_collector_in_peace(started):
    running, written = started
    running.terminate()
    running.wait()
    assert written() == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_at_once_ends_the_collector_in_peace(started, number):
    """As timeout, systemd and a terminal do it. make passes SIGTERM on, so the collector hears it twice in one moment."""
    running, written = started
    os.killpg(running.process.pid, number)
    running.wait()
    assert written() == 1


def test_a_signal_to_the_collector_ends_make_with_success(started):
    running, written = started
    os.kill(child_of(running.process), signal.SIGTERM)
    assert running.wait() == 0
    assert written() == 1


def test_a_collector_that_fails_fails_make(project):
    (project / "config.yaml").write_text("nonsense: true\n")
    port = free_port()
    with pytest.raises(AssertionError, match="ended with 2") as failure:
        make(project, "--config config.yaml", port)
    assert "config.yaml:1:1: error: " in str(failure.value)
