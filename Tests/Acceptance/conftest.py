"""Fixtures that tests of several subjects share."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from golden.played import KILLS, playing
from support import config
from support.collector import Collector, free_port
from support.servers import Backend, Recorder, serving
from support.waiting import PATIENCE
from support.whole import Whole

APPS = Path(__file__).parent / "apps"
LOOPBACK = "127.0.0.1,localhost"


@pytest.fixture
def backend():
    with serving(Backend()) as server:
        yield server
        server.open.set()


@pytest.fixture
def collector(tmp_path, backend):
    """Starts collectors: `collector(exporters, …)` with the arguments of `config.pipeline`. Each is stopped at the end of
    the test, before the backend is, and must then end cleanly."""
    with ExitStack() as stack:

        def start(exporters, env=None, **parts):
            port = free_port()
            file = tmp_path / f"config-{port}.yaml"
            file.write_text(config.pipeline(port, exporters, **parts))
            return stack.enter_context(Collector("--config", file, port=port, cwd=tmp_path, env=env))

        yield start


@contextmanager
def whole_in(folder, **parts):
    """A collector with every kind of output, a recorder before it and a backend behind it."""
    port = free_port()
    json_file, proto_file = folder / "spans.jsonl", folder / "spans.binpb"
    with serving(Backend()) as backend, serving(Recorder(port)) as recorder:
        exporters = {
            "file/json": config.file_exporter(json_file),
            "file/proto": config.file_exporter(proto_file, "format: proto"),
            "otlp_http": config.http_exporter(backend.endpoint),
        }
        file = folder / "config.yaml"
        file.write_text(config.pipeline(port, exporters, **parts))
        with Collector("--config", file, port=port, cwd=folder) as collector:
            yield Whole(collector, recorder, backend, json_file, proto_file)


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """One for all tests that tell their traces apart by id."""
    with whole_in(tmp_path_factory.mktemp("whole")) as shared:
        yield shared


@pytest.fixture
def fresh_whole(tmp_path):
    """`fresh_whole()` gives a new one each time, as a context manager."""

    def start(**parts):
        folder = tmp_path / str(free_port())
        folder.mkdir()
        return whole_in(folder, **parts)

    return start


@pytest.fixture(scope="session", params=KILLS, ids=lambda kill: f"killed-after-{kill}" if kill else "undisturbed")
def played(request, tmp_path_factory):
    """The golden scenario in a collector with a ledger; in one of its lives, or in two."""
    yield from playing(tmp_path_factory.mktemp("golden"), request.param)


@pytest.fixture(scope="session")
def run_app():
    """Runs one of apps/ to its end: `run_app(name, env)`. Returns what it printed, which is JSON."""

    def run(name, env):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "NEATLOGS_"))}
        result = subprocess.run(
            [sys.executable, APPS / name],
            # A proxy of the machine must not come between an application and the collector beside it.
            env={**inherited, "NO_PROXY": LOOPBACK, "no_proxy": LOOPBACK, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
        )
        assert result.returncode == 0, f"{name} failed\n{result.stdout}\n{result.stderr}"
        return json.loads(result.stdout.splitlines()[-1])

    return run


@pytest.fixture
def app(run_app):
    return run_app


def pytest_runtest_setup(item):
    Collector.instances[:] = [collector for collector in Collector.instances if collector.process.poll() is None]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what the collectors of the test had to say."""
    report = yield
    if report.failed:
        for collector in Collector.instances:
            report.sections.append((f"collector on port {collector.port}", collector.said[-8192:]))
    return report
