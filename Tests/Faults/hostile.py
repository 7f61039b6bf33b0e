#!/usr/bin/env python3
"""Strangers beside healthy senders: mutated requests, broken HTTP, resets in the middle of bodies, slow and deaf clients,
thousands of idle connections; over gRPC broken frames, floods, calls that are given up or never end. The healthy ones lose nothing, and their latency stays within ten times that of a quiet
collector, measured before in the same run under the same load."""

import json
import resource
import statistics
import subprocess
import sys
import time
import urllib.request

from support.collector import free_port
from support.oracle import Load
from support.script import FOLDER, Script

# The 99th percentile may grow by this factor. A quiet one of 3 ms would leave 30 ms, which four processes on two cores
# wait for one another now and then without any stranger: below the floor the machine is judged and not the collector.
FACTOR, FLOOR_MILLISECONDS = 10, 50
# Short, so that a short run sees them at work; the healthy senders never come near.
TIMEOUTS = "read_header_timeout: 2s, read_timeout: 3s, write_timeout: 2s, idle_timeout: 10m"
WARM_UP = 2


class TimedLoad(Load):
    """Notes when each request was answered with a 200, and how many seconds after it was first sent."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.latencies = []

    def _until_acknowledged(self, connection, body):
        begun = time.monotonic()
        acknowledged = super()._until_acknowledged(connection, body)
        now = time.monotonic()
        if acknowledged:
            self.latencies.append((now, now - begun))
        return acknowledged

    def milliseconds(self, since, until):
        """The median and the 99th percentile of what was answered in that time."""
        found = [seconds for moment, seconds in self.latencies if since <= moment < until]
        if len(found) < 100:
            raise AssertionError(f"only {len(found)} requests were acknowledged in {until - since:.0f} s")
        parts = statistics.quantiles(found, n=100)
        return round(parts[49] * 1000, 2), round(parts[98] * 1000, 2)


def with_strangers(text, port, other, grpc, connections):
    """The configuration with limits to reach, and with a second receiver whose spans never meet the healthy ones."""
    limits = f"{TIMEOUTS}, max_connections: {connections}"
    second = f"{{protocols: {{http: {{endpoint: '127.0.0.1:{other}', {TIMEOUTS}}}}}}}"
    for before, after in (
        (f"'127.0.0.1:{port}'}}", f"'127.0.0.1:{port}', {limits}}}\n      grpc: {{endpoint: '127.0.0.1:{grpc}'}}"),
        ("receivers:\n", f"receivers:\n  otlp/other: {second}\n"),
        ("exporters:\n", "exporters:\n  file: {path: strangers.jsonl, rotation: {max_megabytes: 20, max_backups: 1}}\n"),
        (
            "  pipelines:\n",
            "  pipelines:\n    traces/other: {receivers: [otlp/other], processors: [enduser], exporters: [file]}\n",
        ),
    ):
        assert before in text, f"no {before!r} in the configuration"
        text = text.replace(before, after, 1)
    return text


def metrics(port, name):
    """The metric's series: labels as text, and the value."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return {line.split()[0].removeprefix(name): float(line.split()[1]) for line in lines if line.startswith(name + "{")}


def closed(port):
    """How many connections of the healthy senders' receiver were ended, by reason."""
    series = metrics(port, "heirloom_receiver_closed_connections")
    return {
        labels.split('reason="')[1].split('"')[0]: int(count)
        for labels, count in series.items()
        if 'receiver="otlp"' in labels and 'transport="http"' in labels
    }


def connections(port):
    """Of the healthy senders' receiver, by transport."""
    series = metrics(port, "heirloom_receiver_connections")
    return {
        labels.split('transport="')[1].split('"')[0]: int(count)
        for labels, count in series.items()
        if 'receiver="otlp"' in labels
    }


def main():
    script = Script(
        __doc__,
        rate=5_000,
        quiet=((5.0, 30.0), "seconds to measure without strangers"),
        seconds=((10.0, 120.0), "with them"),
        idle=((2_000, 10_000), "idle connections"),
        slow=((40, 200), "slow clients at once"),
    )
    arguments = script.arguments
    # The collector and the strangers each have as many descriptors as this process may have at most.
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    idle = min(arguments.idle, descriptors - arguments.slow - 1000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    numbers, other, grpc = free_port(), free_port(), free_port()

    with script.scene(metrics_port=numbers) as scene:
        port, plain = scene.collector.port, scene.config
        scene.config = lambda **changes: with_strangers(plain(**changes), port, other, grpc, idle + arguments.slow + 500)
        scene.load = load = TimedLoad(port, scene.run, arguments.rate, seed=arguments.seed, request_spans=50)
        scene.start()
        scene.play(WARM_UP)
        begun = time.monotonic()
        scene.play(arguments.quiet)
        quiet = load.milliseconds(begun, time.monotonic())

        strangers = subprocess.Popen(
            [
                sys.executable, "-m", "support.strangers",
                *map(str, (arguments.seed, idle, arguments.slow, port, other, grpc)),
            ],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            begun = time.monotonic()
            script.check(strangers.stdout.readline() == "gathered\n", "the strangers found no way in")
            resident = 0

            def watch():
                nonlocal resident
                resident = max(resident, scene.collector.resident_bytes)

            scene.play(arguments.seconds, watch)
            hostile = load.milliseconds(begun, time.monotonic())
            strangers.stdin.close()
            seen = json.loads(strangers.stdout.readline() or '{"counts": {}, "complaints": ["they ended badly"]}')
        finally:
            strangers.kill()
            strangers.wait()

        counts, ended = seen["counts"], closed(numbers)
        bound = max(FACTOR * quiet[1], FLOOR_MILLISECONDS)
        script.figures |= {
            "quiet_p50_ms": quiet[0],
            "quiet_p99_ms": quiet[1],
            "hostile_p50_ms": hostile[0],
            "hostile_p99_ms": hostile[1],
            "p99_bound_ms": round(bound, 2),
            "strangers": ", ".join(f"{name}: {count:,}" for name, count in counts.items()),
            "closed_connections": ", ".join(f"{reason}: {count:,}" for reason, count in ended.items() if count),
            "resident_mib": resident >> 20,
        }
        script.check(hostile[1] <= bound, f"the 99th percentile is {hostile[1]} ms, more than {bound:.0f} ms")
        script.check(not seen["complaints"], f"strangers were answered wrongly: {'; '.join(seen['complaints'])}")
        kept = counts.get("idle connections kept", 0)
        script.check(kept == idle, f"of {idle} idle connections {kept} were still open")
        script.check(counts.get("gRPC: refused"), "no stranger was refused over gRPC")
        for reason in ("read_header_timeout", "read_timeout", "write_timeout"):
            script.check(ended.get(reason), f"nobody was ended by {reason}")
        deadline = time.monotonic() + 20
        while sum((left := connections(numbers)).values()) > 4:
            if not script.check(time.monotonic() < deadline, f"connections stayed when the strangers had gone: {left}"):
                break
            time.sleep(0.2)
        scene.finish()
    script.end()


if __name__ == "__main__":
    main()
