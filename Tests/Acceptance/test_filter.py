"""The `filter` processor, and routing with it, as the example does it."""

import pytest

from support import config, metric_names
from support.client import Client
from support.collector import REPOSITORY, Collector, Metrics, free_port, run
from support.making import body, new_trace, request, span
from support.outputs import json_lines, spans_of
from support.waiting import wait_until

EXAMPLE = REPOSITORY / "examples/routing.yaml"


def trace_of_plan(plan, *, encoding="neatlogs"):
    """A root with two children that say nothing of the plan; the children come first."""
    trace = new_trace()
    if encoding == "neatlogs":
        identity = {"neatlogs.end_user.id": f"user of {plan}", "neatlogs.end_user.metadata": f'{{"plan": "{plan}"}}'}
    else:
        identity = {"langfuse.user.id": f"user of {plan}", "langfuse.trace.metadata.plan": plan}
    root = span(trace, "root", attributes=identity)
    return [span(trace, f"child {n}", parent=root.span_id) for n in range(2)] + [root]


def keys(spans):
    return {(each.trace_id, each.span_id) for each in spans}


@pytest.fixture
def routing(tmp_path, backend):
    port, metrics = free_port(), free_port()
    arguments = ["--config", EXAMPLE]
    for setting in [
        f"receivers.otlp.protocols.http.endpoint=127.0.0.1:{port}",
        f"exporters.otlp_http/pro.endpoint={backend.endpoint}",
        "exporters.file/others.flush_interval=50ms",
        f"service.telemetry.metrics.address=127.0.0.1:{metrics}",
    ]:
        arguments += ["--set", setting]
    with Collector(*arguments, port=port, cwd=tmp_path) as running:
        yield running, backend, tmp_path / "heirloom-data/others.jsonl", lambda: Metrics(metrics)


def test_each_trace_goes_where_its_user_belongs(routing):
    running, backend, file, metrics = routing
    pro = trace_of_plan("pro") + trace_of_plan("pro", encoding="langfuse")
    others = trace_of_plan("free") + trace_of_plan("PRO") + [span(new_trace(), "nobody's")]
    with Client(running.port) as client:
        for each in [*pro, *others]:
            assert not client.send(body(each)).response.HasField("partial_success")

    came = backend.wait_for(len(pro), {each.trace_id.hex() for each in pro})
    assert keys(place.span for place in came) == keys(pro)
    wait_until(lambda: len(spans_of(json_lines(file))) == len(others), "the others in the file")
    assert keys(place.span for place in spans_of(json_lines(file))) == keys(others)

    def dropped(name):
        return metrics().total(metric_names.FILTERED, filter=name)

    wait_until(lambda: (dropped("filter/pro"), dropped("filter/others")) == (len(others), len(pro)), "all are counted")


def test_what_was_dropped_does_not_come_again_after_a_restart(tmp_path, backend):
    port = free_port()
    file = tmp_path / "config.yaml"
    text = config.pipeline(port, {"otlp_http": config.http_exporter(backend.endpoint)})
    assert "  enduser:" in text and "[enduser]" in text
    text = text.replace("  enduser:", "  filter: {drop: name contains secret}\n  enduser:")
    file.write_text(text.replace("[enduser]", "[enduser, filter]"))
    kept = span(new_trace(), "plain", attributes={"enduser.id": "ada"})
    dropped = span(new_trace(), "a secret", attributes={"enduser.id": "ada"})
    with Collector("--config", file, port=port, cwd=tmp_path) as running:
        with Client(port) as client:
            client.send(request(dropped, kept).SerializeToString()).response
        backend.wait_for(1, {kept.trace_id.hex()})
    # Without the filter, all that is left of an earlier run leaves.
    file.write_text(text)
    last = span(new_trace(), "last", attributes={"enduser.id": "ada"})
    with Collector("--config", file, port=port, cwd=tmp_path) as running:
        with Client(port) as client:
            client.send(body(last)).response
        backend.wait_for(1, {last.trace_id.hex()})
    came = backend.wait_for(2, {each.trace_id.hex() for each in (kept, dropped, last)})
    assert keys(place.span for place in came) == keys([kept, last])


def test_a_fault_in_a_filter_is_shown_in_its_text(tmp_path):
    file = tmp_path / "config.yaml"
    processor = "  filter:\n    keep: end_user is ada and cost > cheap\n  enduser:"
    text = config.pipeline(4318, {"debug": ""}).replace("  enduser:", processor)
    file.write_text(text.replace("[enduser]", "[enduser, filter]"))
    result = run("validate", "--config", file)
    assert result.returncode == 1
    line = text.splitlines().index("    keep: end_user is ada and cost > cheap") + 1
    assert f"config.yaml:{line}:11: error: processors.filter.keep: expected a number, found “cheap”" in result.stderr
    lines = result.stderr.splitlines()
    shown = next(each for each in lines if each.strip() == "end_user is ada and cost > cheap")
    assert lines[lines.index(shown) + 1] == " " * shown.index("cheap") + "^"
