"""The collector under test, as a process."""

import fcntl
import os
import re
import secrets
import signal
import socket
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from support.waiting import PATIENCE, wait_until

REPOSITORY = Path(__file__).resolve().parents[3]
# Several test processes run beside one another. Each locks the byte of every port that it was given, for as long as it lives.
CLAIMS = (Path(tempfile.gettempdir()) / "heirloom-test-ports").open("w")
GIVEN = set()
# Not those that the system gives whoever asks for none, such as every server of the unit tests, which run beside these.
ASSIGNED = range(*map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()))
PORTS = [port for port in range(10_000, 60_000) if port not in ASSIGNED] or range(10_000, 60_000)


def binary():
    """The path of the executable. The tests fail, rather than being skipped, where it was not built."""
    path = Path(os.environ.get("HEIRLOOM_BINARY", REPOSITORY / ".build/release/heirloom"))
    assert path.exists(), f"{path} does not exist: build it (make build), or name it in HEIRLOOM_BINARY"
    return str(path.absolute())


def free_port():
    """A port that nobody listens on at this moment, and that no test process beside this one has been given."""
    while True:
        port = secrets.choice(PORTS)
        if port in GIVEN:
            continue
        try:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
            fcntl.lockf(CLAIMS, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            continue
        GIVEN.add(port)
        return port


def is_free(port):
    with socket.socket() as probe:
        # The collector sets this too: what is left of closed connections does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(port):
    with socket.socket() as probe:
        probe.settimeout(PATIENCE)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def run(*arguments, cwd=None, env=None):
    """A command that ends by itself, such as `validate`: its result, with `stdout` and `stderr` as text."""
    return subprocess.run(
        [binary(), *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


class Collector:
    """A running collector. `port` is where it receives. What it says goes to files, which `stdout` and `stderr` read."""

    # Those that a failing test may want to quote.
    instances = []

    def __init__(self, *arguments, port, cwd, env=None, command=None):
        self.port = port
        self._output = {name: tempfile.TemporaryFile() for name in ("stdout", "stderr")}
        self._final = {}
        self.process = subprocess.Popen(
            command or [binary(), *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            **self._output,
            # Signals to a test run's group are not meant for the collector, and the other way round.
            start_new_session=True,
        )
        self.instances.append(self)
        try:
            wait_until(self._is_up, lambda: f"the collector on port {port}\n{self.stderr}")
        except BaseException:
            self.kill()
            self._close()
            raise

    def _is_up(self):
        assert self.process.poll() is None, f"the collector ended with {self.process.returncode}\n{self.stderr}"
        return answers(self.port)

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def stdout(self):
        return self._text("stdout")

    @property
    def stderr(self):
        return self._text("stderr")

    @property
    def said(self):
        return self.stdout + self.stderr

    def _text(self, name):
        if name in self._final:
            return self._final[name]
        # The child shares the file's offset: read without moving it.
        return os.pread(self._output[name].fileno(), 1 << 24, 0).decode(errors="replace")

    def _close(self):
        self._final = {name: self._text(name) for name in self._output}
        for file in self._output.values():
            file.close()

    def terminate(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self):
        """The exit status, once it has ended."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the collector did not end\n{self.stderr}") from None

    def stop(self, number=signal.SIGTERM):
        """Ends it as an operator would; everything that it took must be out, and nothing amiss."""
        self.terminate(number)
        status = self.wait()
        assert status == 0, f"the collector ended with {status}\n{self.stderr}"

    def reload(self, succeeds=True):
        """Has it read its configuration again, and waits until it has."""
        words = ["the configuration was reloaded"] if succeeds else ["old one goes on", "from before runs again"]

        def count():
            return sum(self.stderr.count(each) for each in words)

        before = count()
        self.terminate(signal.SIGHUP)
        wait_until(lambda: count() > before, lambda: f"the reload\n{self.stderr}")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None and self.process.poll() is None:
                self.stop()
        finally:
            self.kill()
            self._close()

    def listening(self):
        """The addresses and ports on which the process listens for TCP."""
        return set(self.listening_sockets())

    def listening_sockets(self):
        """The same, with the number that the kernel gave each socket."""
        inodes = set()
        for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                inodes.update(re.findall(r"socket:\[(\d+)\]", os.readlink(descriptor)))
            except FileNotFoundError:
                pass  # closed since it was listed
        listening = "0A"
        result = {}
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{self.process.pid}/net/{table}").read_text().splitlines()[1:]:
                row = line.split()
                if row[3] == listening and row[9] in inodes:
                    address, port = row[1].split(":")
                    # Four bytes as the machine's own number, or sixteen, which are nobody's loopback here.
                    number = bytes.fromhex(address)[::-1]
                    result[".".join(map(str, number)), int(port, 16)] = row[9]
        return result


class Metrics:
    """One look at a Prometheus endpoint."""

    def __init__(self, port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
            self.content_type = answer.headers["Content-Type"]
            self.text = answer.read().decode()
        self.samples = [
            (name, dict(re.findall(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"', labels or "")), float(value))
            for name, labels, value in re.findall(r"^([a-zA-Z_:]\w*)(?:\{(.*)\})? (\S+)$", self.text, re.MULTILINE)
        ]

    def total(self, name, **labels):
        """The sum of a metric's series that have these labels; the collector's exposition may add `_total` to counters."""
        found = [
            value
            for sample, its, value in self.samples
            if sample in (name, f"{name}_total") and labels.items() <= its.items()
        ]
        assert found, f"no metric {name} {labels}\n{self.text}"
        return sum(found)
