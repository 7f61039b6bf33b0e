"""SIGTERM and SIGINT: nothing that was accepted is lost, and the process ends. What waits in memory is released; what waits
on disk is the subject of test_durability."""

import os
import signal
import subprocess
import time

import pytest

from support import config
from support.client import Client
from support.collector import answers, binary, free_port
from support.making import body, new_trace, span, trace_of
from support.outputs import json_lines, spans_of
from support.waiting import PATIENCE, wait_until


@pytest.fixture
def write_config(tmp_path):
    def to(text):
        path = tmp_path / "config.yaml"
        path.write_text(text)
        return path

    return to


def send(running, *spans):
    with Client(running.port) as client:
        client.send(body(*spans)).response


def orphans(count):
    """Spans that wait for a root which never comes."""
    return [span(new_trace(), "orphan", parent=b"12345678") for _ in range(count)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_waits_for_its_root_is_released_everywhere(collector, backend, tmp_path, number):
    out = tmp_path / "spans.jsonl"
    exporters = {"file": config.file_exporter(out), "otlp_http": config.http_exporter(backend.endpoint)}
    running = collector(exporters, durability="memory")
    waiting = orphans(20)
    send(running, *waiting)

    running.stop(number)

    sent = {each.span_id for each in waiting}
    assert {place.span.span_id for place in spans_of(json_lines(out))} == sent
    assert {place.span.span_id for place in backend.spans} == sent
    assert len(backend.spans) == len(sent)


def test_an_identity_that_waits_to_speak_speaks_then(collector, backend):
    running = collector({"otlp_http": config.http_exporter(backend.endpoint)}, durability="memory")
    trace = new_trace()
    top = span(trace, "top", parent=b"12345678", attributes={"enduser.id": "ada"})
    send(running, top, span(trace, "below", parent=top.span_id))

    running.stop()

    assert {place.span.name: place.attribute("enduser.id") for place in backend.spans} == {"top": "ada", "below": "ada"}


def test_a_terminal_that_nobody_reads_stops_neither_the_work_nor_the_end(write_config, tmp_path):
    """Standard error is a pipe that is full."""
    port, out = free_port(), tmp_path / "spans.jsonl"
    exporters = {"file": config.file_exporter(out), "debug": "verbosity: detailed, sampling_initial: 100000"}
    path = write_config(config.pipeline(port, exporters))
    reading, writing = os.pipe()
    process = subprocess.Popen([binary(), "--config", path], stdin=subprocess.DEVNULL, stderr=writing, cwd=tmp_path)
    try:
        wait_until(lambda: answers(port), "the collector")
        traces = set()
        with Client(port) as client:
            for _ in range(20):
                spans, trace = trace_of(identity={"enduser.id": "ada" * 5_000})
                traces.add(trace)
                client.send(body(*spans)).response
        wait_until(lambda: {place.trace for place in spans_of(json_lines(out))} == traces, "everything in the file")
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        os.close(reading)
        os.close(writing)


def test_what_lies_in_a_batch_or_queue_is_delivered(collector, backend, tmp_path):
    backend.open.clear()
    running = collector({"otlp_http": config.http_exporter(backend.endpoint, "sending_queue: {num_consumers: 1}")})
    traces = set()
    for _ in range(20):
        spans, trace = trace_of()
        traces.add(trace)
        send(running, *spans)
    wait_until(lambda: backend.waiting, "a request at the backend")

    running.terminate()
    wait_until(lambda: not answers(running.port), "the receiver to close")
    backend.open.set()

    assert running.wait() == 0
    assert {place.trace for place in backend.spans} == traces


def test_a_second_signal_ends_it_at_once(collector, backend):
    backend.open.clear()
    running = collector(
        {"otlp_http": config.http_exporter(backend.endpoint)},
        service="shutdown_timeout: 600s",
    )
    send(running, *trace_of()[0])
    wait_until(lambda: backend.waiting, "a request at the backend")

    running.terminate()
    wait_until(lambda: not answers(running.port), "the receiver to close")
    assert running.process.poll() is None

    def ends():
        running.terminate()
        try:
            running.process.wait(0.2)
        except subprocess.TimeoutExpired:
            return False
        return True

    wait_until(ends, "the end")


def test_two_signals_in_one_moment_are_one(collector, backend):
    """make passes SIGTERM on to the collector, so that whoever signals the whole group signals it twice."""
    running = collector({"otlp_http": config.http_exporter(backend.endpoint)}, durability="memory")
    waiting = orphans(20)
    send(running, *waiting)

    running.terminate()
    time.sleep(0.01)
    running.terminate()

    assert running.wait() == 0
    assert {place.span.span_id for place in backend.spans} == {each.span_id for each in waiting}


def test_a_backend_that_never_answers_is_given_up_after_the_timeout(collector, backend):
    backend.open.clear()
    running = collector({"otlp_http": config.http_exporter(backend.endpoint)}, service="shutdown_timeout: 500ms")
    send(running, *trace_of()[0])
    wait_until(lambda: backend.waiting, "a request at the backend")

    running.stop()
