"""The collector under test as a process that is killed, stopped and started again on the same port and storage."""

import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
PATIENCE = 60


def binary():
    path = Path(os.environ.get("HEIRLOOM_BINARY", REPOSITORY / ".build/release/heirloom")).absolute()
    if not path.exists():
        raise SystemExit(f"{path} does not exist: build it (make build), or name it in HEIRLOOM_BINARY")
    return str(path)


def free_port():
    """A port that nobody listens on at this moment; not one that the system may give somebody else while the collector is
    dead."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(10_000, lowest if lowest > 20_000 else 60_000)
        try:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port


def config(
    port,
    upstream,
    durability,
    *,
    root_wait="60s",
    max_spool_mib=None,
    sync_interval=None,
    limit_mib=None,
    max_buffered_mib=None,
    enduser="",
    metrics_port=None,
    ledger_port=None,
    batch_timeout=None,
):
    """A traces pipeline to `upstream` (a port). `durability` None leaves all keys of durability out; `enduser` is more
    of that processor's keys, in YAML's flow style. With `ledger_port` there is a ledger, which answers there."""
    limiter = [f"  memory_limiter: {{check_interval: 200ms, limit_mib: {limit_mib}}}"] if limit_mib else []
    names = ["memory_limiter", "enduser"] if limit_mib else ["enduser"]
    batch = [f"  batch: {{timeout: {batch_timeout}}}"] if batch_timeout else []
    names += ["batch"] if batch_timeout else []
    waits = f"fallback_wait: 300ms, local_root_wait: 60s, root_wait: {root_wait}"
    waits += f", max_buffered_mib: {max_buffered_mib}" if max_buffered_mib else ""
    waits += f", {enduser}" if enduser else ""
    extensions, service = [], []
    if ledger_port:
        extensions = ["extensions:", f"  ledger: {{path: ledger.db, endpoint: '127.0.0.1:{ledger_port}'}}"]
        service.append("  extensions: [ledger]")
    if durability:
        service.append(f"  durability: {durability}")
        storage = ["directory: spool"]
        storage += [f"max_spool_mib: {max_spool_mib}"] if max_spool_mib else []
        storage += [f"sync_interval: {sync_interval}"] if sync_interval else []
        if durability != "memory":
            service.append(f"  storage: {{{', '.join(storage)}}}")
    metrics = f"{{address: '127.0.0.1:{metrics_port}'}}" if metrics_port else "{level: none}"
    return "\n".join(
        [
            *extensions,
            "receivers:",
            "  otlp:",
            "    protocols:",
            f"      http: {{endpoint: '127.0.0.1:{port}'}}",
            "processors:",
            *limiter,
            *batch,
            f"  enduser: {{{waits}}}",
            "exporters:",
            "  otlp_http:",
            f"    endpoint: http://127.0.0.1:{upstream}",
            "    compression: none",
            # Quick, and never giving up: a script has no minutes to wait for the next attempt.
            "    retry_on_failure: {initial_interval: 100ms, max_interval: 1s, max_elapsed_time: 0}",
            "    timeout: 10s",
            "service:",
            f"  telemetry: {{metrics: {metrics}}}",
            *service,
            "  pipelines:",
            f"    traces: {{receivers: [otlp], processors: [{', '.join(names)}], exporters: [otlp_http]}}",
            "",
        ]
    )


class Collector:
    """`folder` is where it runs: its configuration, its log and, below `spool`, its storage are there."""

    def __init__(self, folder, port, environment=None, launcher=()):
        """`launcher` is a command that becomes the one behind it."""
        self.folder, self.port = Path(folder), port
        self.environment, self.launcher = environment or {}, launcher
        self.log = self.folder / "collector.log"
        self.process = None
        # How often it ended without having been told to, and with what.
        self.unasked_ends = []
        # The process number of each start.
        self.numbers = []

    @property
    def storage(self):
        return self.folder / "spool"

    def configure(self, text):
        """In one step, so that nobody reads half of it."""
        new = self.folder / "config.new"
        new.write_text(text)
        new.replace(self.folder / "config.yaml")

    def start(self, wait=True, patience=PATIENCE):
        """Starts it; with `wait`, returns when it receives: the seconds that took."""
        self._write(f"---- start {len(self.numbers)}\n")
        begun = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.launcher, binary(), "--config", "config.yaml"],
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Signals to a test run's group are not meant for the collector.
                start_new_session=True,
            )
        self.numbers.append(self.process.pid)
        if wait:
            self.wait_until_receiving(patience)
        return time.monotonic() - begun

    def wait_until_receiving(self, patience=PATIENCE):
        deadline = time.monotonic() + patience
        while not self.receives():
            if self.process.poll() is not None:
                raise AssertionError(f"the collector ended with {self.process.returncode} at its start")
            if time.monotonic() > deadline:
                raise AssertionError(f"the collector did not receive within {patience} s")
            time.sleep(0.02)

    def receives(self):
        with socket.socket() as probe:
            probe.settimeout(5)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def note_unasked_end(self):
        """To be called where it should be running. Returns whether it does."""
        if self.process is None or self.process.poll() is None:
            return self.process is not None
        self.unasked_ends.append(self.process.returncode)
        self.process = None
        return False

    def kill(self):
        """kill -9, at once."""
        if self.note_unasked_end():
            self.process.kill()
            self.process.wait()
            self.process = None

    def terminate(self, patience=PATIENCE):
        """SIGTERM: the seconds until it had ended. Any other end than a clean one counts as unasked for."""
        if not self.note_unasked_end():
            return 0.0
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.unasked_ends.append("did not end")
            self.process.kill()
            status = self.process.wait()
        if status:
            self.unasked_ends.append(status)
        self.process = None
        return time.monotonic() - begun

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    @property
    def resident_bytes(self):
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def stored_bytes(self):
        """What its storage takes on the disk."""
        total = 0
        for folder, _, names in os.walk(self.storage):
            for name in names:
                try:
                    total += os.stat(os.path.join(folder, name)).st_blocks * 512
                except FileNotFoundError:
                    pass  # forgotten since it was listed
        return total

    def said(self, limit=6000):
        """The end of its log."""
        if not self.log.exists():
            return ""
        with open(self.log, "rb") as log:
            log.seek(max(0, self.log.stat().st_size - limit))
            return log.read().decode(errors="replace")

    def _write(self, text):
        with open(self.log, "a") as log:
            log.write(text)
