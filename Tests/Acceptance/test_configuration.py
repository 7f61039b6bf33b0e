"""How a configuration comes together, and what is said about one that is wrong: before anything starts."""

import re
import socket

import pytest

from support import config
from support.client import Client
from support.collector import Collector, free_port, run
from support.making import body, trace_of
from support.outputs import json_lines, spans_of
from support.waiting import wait_until

GOOD = """\
receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:4318
processors:
  enduser:
    fallback_wait: 300ms
exporters:
  debug:
    verbosity: basic
service:
  telemetry:
    metrics:
      level: none
  pipelines:
    traces:
      receivers: [otlp]
      processors: [enduser]
      exporters: [debug]
"""

# What is wrong: the line to replace, what to write for it, and what the message must contain.
WRONG = {
    "a key that is none": ("fallback_wait: 300ms", "fallback_wiat: 300ms", ["fallback_wiat", "fallback_wait"]),
    "a key at the top that is none": ("exporters:", "exportres:", ["exportres", "exporters"]),
    "a component that is none": ("  otlp:", "  oltp:", ["oltp", "otlp"]),
    "a duration that is none": ("fallback_wait: 300ms", "fallback_wait: soon", ["soon", "fallback_wait"]),
    "a list where a text belongs": ("verbosity: basic", "verbosity: [basic]", ["verbosity"]),
    "a word that is no choice": ("verbosity: basic", "verbosity: loud", ["loud", "detailed"]),
    "a text where a map belongs": ("  debug:\n    verbosity: basic", "  debug: loud", ["debug"]),
    "an endpoint without a port": ("endpoint: 127.0.0.1:4318", "endpoint: 127.0.0.1", ["127.0.0.1"]),
    "an exporter that nobody defined": ("exporters: [debug]", "exporters: [debug, file/mine]", ["file/mine"]),
    "a processor that nobody defined": ("processors: [enduser]", "processors: [batch]", ["batch"]),
    "a pipeline without receivers": ("receivers: [otlp]", "receivers: []", ["receiver"]),
    "a URL without a host": ("  debug:\n    verbosity: basic", "  debug:\n  otlp_http: {endpoint: 'http://'}", ["http://"]),
    "a URL with a user": (
        "  debug:\n    verbosity: basic", "  debug:\n  otlp_http: {endpoint: 'ada:s3cret@host:1'}", ["[REDACTED]@host:1"],
    ),
    "a file that is not there": (
        "  debug:\n    verbosity: basic",
        "  debug:\n  otlp_http: {endpoint: 'https://host', tls: {ca_file: /no/such/ca.pem}}",
        ["/no/such/ca.pem"],
    ),
    "a header in two lines": (
        "  debug:\n    verbosity: basic",
        '  debug:\n  otlp_http: {endpoint: "https://host", headers: {X-Key: "a\\nb"}}',
        ["X-Key"],
    ),
    "no YAML": ("verbosity: basic", "verbosity: {basic", []),
    "a key twice": ("verbosity: basic", "verbosity: basic\n    verbosity: normal", ["verbosity"]),
}


@pytest.fixture
def write(tmp_path):
    def to(text, name="config.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return to


def line_of(text, part):
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize("command", ["validate", "run"])
@pytest.mark.parametrize("fault", WRONG)
def test_what_is_wrong_is_said_with_its_place(write, fault, command):
    good, bad, words = WRONG[fault]
    assert GOOD.count(good + "\n") == 1 or fault == "a key at the top that is none"
    text = GOOD.replace(good, bad, 1)
    path = write(text)

    result = run(command, "--config", path)

    assert result.returncode > 0
    places = [
        int(line) for line in re.findall(rf"^{re.escape(str(path))}:(\d+):\d+: error: ", result.stderr, re.MULTILINE)
    ]
    assert places, result.stderr
    last = bad.splitlines()[-1].strip()
    if fault == "no YAML":
        # Found out only where something follows that cannot.
        assert min(places) >= line_of(text, last)
    else:
        assert line_of(text, last) in places, result.stderr
    for word in words:
        assert word in result.stderr


def test_all_that_is_wrong_is_said_at_once(write):
    text = GOOD.replace("fallback_wait", "fallback_wiat").replace("basic", "loud")
    result = run("validate", "--config", write(text))
    assert result.returncode > 0
    assert "fallback_wiat" in result.stderr and "loud" in result.stderr


def test_a_file_that_is_not_there_is_named(tmp_path):
    result = run("validate", "--config", tmp_path / "missing.yaml")
    assert result.returncode > 0
    assert "missing.yaml" in result.stderr


def test_a_port_in_use_is_said_with_its_place_before_anything_starts(write, tmp_path):
    out = tmp_path / "spans.jsonl"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = config.pipeline(port, {"file": config.file_exporter(out)})
        path = write(text)
        result = run("--config", path)
    assert result.returncode > 0
    assert f"{path}:{line_of(text, 'endpoint')}:" in result.stderr
    assert str(port) in result.stderr
    assert not out.exists() or not out.read_bytes()


def test_a_key_of_the_collectors_that_is_not_supported_yet_is_a_warning(write):
    exporter = "endpoint: 'http://127.0.0.1:1', write_buffer_size: 524288"
    result = run("validate", "--config", write(config.pipeline(4318, {"otlp_http": exporter})))
    assert result.returncode == 0, result.stderr
    assert "write_buffer_size" in result.stderr and "warning" in result.stderr


def test_keys_of_the_collectors_processors_are_accepted(write):
    text = GOOD.replace(
        "processors:\n  enduser:",
        "processors:\n"
        "  batch: {send_batch_size: 8192, timeout: 200ms, send_batch_max_size: 0}\n"
        "  memory_limiter: {check_interval: 1s, limit_mib: 4000, spike_limit_mib: 800}\n"
        "  enduser:",
    ).replace("[enduser]", "[memory_limiter, enduser, batch]")
    result = run("validate", "--config", write(text))
    assert result.returncode == 0, result.stderr


def starts(tmp_path, port, *arguments, **env):
    return Collector(*arguments, port=port, cwd=tmp_path, env=env)


def writes_to(running, file):
    """Whether a trace sent to this collector ends up in this file."""
    spans, trace = trace_of()
    with Client(running.port) as client:
        client.send(body(*spans)).response
    wait_until(lambda: trace in {place.trace for place in spans_of(json_lines(file))}, f"the trace in {file}")
    return True


def test_the_environment_and_files_fill_in(write, tmp_path):
    port, out = free_port(), tmp_path / "cost$5.jsonl"
    (tmp_path / "wait.txt").write_text("50ms\n")
    text = config.pipeline("${env:OTLP_PORT}", {"file": "path: '${env:FOLDER:-nowhere}/${env:NAME:-cost$$5.jsonl}'"})
    path = write(text.replace("300ms", f"'${{file:{tmp_path}/wait.txt}}'"))
    with starts(tmp_path, port, "--config", path, OTLP_PORT=str(port), FOLDER=str(tmp_path)) as running:
        assert writes_to(running, out)


def test_a_variable_that_is_not_set_is_named_where_it_is_needed(write):
    path = write(GOOD.replace("127.0.0.1:4318", "${env:HEIRLOOM_NO_SUCH_VARIABLE}"))
    result = run("validate", "--config", path)
    assert result.returncode > 0
    assert f"{path}:5:" in result.stderr


def test_several_files_are_merged_and_the_later_one_wins(write, tmp_path):
    port, first, second = free_port(), tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    base = write(config.pipeline(port, {"file": config.file_exporter(first)}), "base.yaml")
    over = write(f"exporters: {{file: {{path: '{second}'}}}}", "over.yaml")
    with starts(tmp_path, port, "--config", base, "--config", over) as running:
        assert writes_to(running, second)
    assert not first.exists()


def test_set_has_the_last_word(write, tmp_path):
    port, other, file = free_port(), free_port(), tmp_path / "set.jsonl"
    path = write(config.pipeline(other, {"file": config.file_exporter(tmp_path / "config.jsonl")}))
    endpoint = f"receivers.otlp.protocols.http.endpoint=127.0.0.1:{port}"
    arguments = ["--config", path, "--set", endpoint, "--set", f"exporters.file.path={file}"]
    with starts(tmp_path, port, *arguments) as running:
        assert writes_to(running, file)


def test_another_path_for_traces(write, tmp_path):
    port, file = free_port(), tmp_path / "spans.jsonl"
    text = config.pipeline(
        port,
        {"file": config.file_exporter(file)},
        receiver="traces_url_path: /api/public/otel/v1/traces",
        durability="memory",
    )
    spans, trace = trace_of()
    with starts(tmp_path, port, "--config", write(text)) as running, Client(port) as client:
        assert client.send(body(*spans)).status == 404
        client.send(body(*spans), path="/api/public/otel/v1/traces").response
        running.stop()
    assert len(spans_of(json_lines(file))) == 2
