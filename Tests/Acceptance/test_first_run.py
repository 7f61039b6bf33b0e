"""`heirloom` without a configuration: what somebody sees who has just built it."""

import pytest

from support.client import Client
from support.collector import Collector, is_free, run
from support.grpcclient import Calls
from support.making import body, trace_of
from support.outputs import json_lines, spans_of
from support.waiting import wait_until

OTLP, OTLP_GRPC, LEDGER, METRICS, HEALTH = PORTS = 4318, 4317, 4319, 8888, 13133


@pytest.fixture
def start(tmp_path):
    for port in PORTS:
        if not is_free(port):
            pytest.skip(f"somebody else listens on port {port}")
    return lambda: Collector(port=OTLP, cwd=tmp_path)


IDENTITY = {
    "neatlogs.end_user.id": "user-ada",
    "neatlogs.session.id": "session-1",
    "neatlogs.end_user.metadata": '{"plan":"pro"}',
}


def send(spans):
    with Client(OTLP) as client:
        client.send(body(*spans)).response


def test_enriched_spans_are_kept_from_run_to_run(start, tmp_path):
    file = tmp_path / "heirloom-data/spans.jsonl"
    sent = []
    for _ in range(2):
        with start() as running:
            spans, _ = trace_of(children=3, identity=IDENTITY)
            send(spans)
            sent += spans
            wait_until(lambda: len(spans_of(json_lines(file))) == len(sent), "the spans in the file")
            running.stop()

    came = spans_of(json_lines(file))
    assert {place.span.span_id for place in came} == {span.span_id for span in sent}
    assert all(place.attribute(key) == value for place in came for key, value in IDENTITY.items())


def test_grpc_feeds_the_same_file(start, tmp_path):
    with start() as running:
        spans, _ = trace_of(children=3, identity=IDENTITY)
        with Calls(OTLP_GRPC) as calls:
            calls.send(body(*spans))
        wait_until(lambda: len(spans_of(json_lines(tmp_path / "heirloom-data/spans.jsonl"))) == len(spans), "the spans")
        running.stop()


def test_a_resolved_trace_is_a_line_on_the_console(start):
    spans, _ = trace_of(children=3, identity=IDENTITY)
    with start() as running:
        send(spans)
        line = wait_until(
            lambda: next((line for line in running.said.splitlines() if "user-ada" in line), None),
            lambda: f"a line about the trace in\n{running.said}",
        )
    assert "session-1" in line
    # The root and its three children.
    assert "4" in line.replace("user-ada", "").replace("session-1", "")


def test_the_ledger_knows_the_user(start, tmp_path):
    spans, _ = trace_of(children=3, identity=IDENTITY)
    with start() as running:
        send(spans)
        running.stop()
    table = run("users", cwd=tmp_path)
    assert table.returncode == 0 and "user-ada" in table.stdout, table.stderr


def test_it_listens_on_loopback_only(start):
    with start() as running:
        wait_until(lambda: "Everything is ready" in running.stderr, lambda: running.stderr)
        assert running.listening() == {("127.0.0.1", port) for port in PORTS}
