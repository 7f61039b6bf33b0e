"""The files that the file exporter writes."""

import json

from support import config, otlpjson
from support.client import Client
from support.making import START, body, new_trace, request, span, trace_of
from support.outputs import framed_messages, json_lines, spans_of
from support.spans import exact, places
from support.waiting import wait_until


def send(running, content):
    with Client(running.port) as client:
        client.send(content).response


def everything():
    """A span in which every field of OTLP has a value."""
    trace = new_trace()
    values = {"text": 'grüße "🌍"\n\x01', "int": -(2**63), "double": 0.1, "yes": True, "no": False, "empty": "", "list": [1, "a"]}
    result = span(
        trace,
        "everything",
        attributes={"enduser.id": "ada", **values},
        trace_state="a=1",
        flags=0x101,
        kind=2,
        end_time_unix_nano=START + 2**60,
        dropped_attributes_count=1,
        dropped_events_count=2,
        dropped_links_count=3,
    )
    result.attributes.add(key="bytes").value.bytes_value = bytes(range(256))
    result.attributes.add(key="map").value.kvlist_value.values.add(key="k").value.int_value = 2**53 + 1
    result.attributes.add(key="nothing").value.SetInParent()
    event = result.events.add(name="event", time_unix_nano=START + 1, dropped_attributes_count=4)
    event.attributes.add(key="k").value.double_value = -1e300
    link = result.links.add(trace_id=trace, span_id=b"\xff" * 8, trace_state="b=2", flags=0x100, dropped_attributes_count=5)
    link.attributes.add(key="k").value.string_value = "v"
    result.status.code = 2
    result.status.message = "failed"
    return result


def complete_request():
    result = request(everything(), resource={"service.name": "complete", "n": 1})
    resource_spans = result.resource_spans[0]
    resource_spans.schema_url = "https://example.org/resource"
    resource_spans.resource.dropped_attributes_count = 6
    scope_spans = resource_spans.scope_spans[0]
    scope_spans.schema_url = "https://example.org/scope"
    scope_spans.scope.version = "1.2"
    scope_spans.scope.dropped_attributes_count = 7
    scope_spans.scope.attributes.add(key="k").value.string_value = "v"
    return result


def test_json_and_proto_tell_everything_there_is(collector, tmp_path):
    json_file, proto_file = tmp_path / "spans.jsonl", tmp_path / "spans.binpb"
    running = collector(
        {
            "file/json": config.file_exporter(json_file),
            "file/proto": config.file_exporter(proto_file, "format: proto"),
        }
    )
    sent = complete_request()

    send(running, sent.SerializeToString())
    running.stop()

    [original] = places(sent)
    for [place] in (spans_of(json_lines(json_file)), spans_of(framed_messages(proto_file))):
        for part in ("span", "resource", "scope"):
            assert exact(getattr(place, part)) == exact(getattr(original, part))


def test_each_line_of_json_is_a_request(collector, tmp_path):
    file = tmp_path / "spans.jsonl"
    # What waits for the end of fallback_wait is in the file at the end, and not on disk for the next start.
    running = collector({"file": config.file_exporter(file)}, durability="memory")

    send(running, body(*trace_of(children=3)[0]))
    running.stop()

    content = file.read_text()
    assert content.endswith("\n")
    for line in content.splitlines():
        assert list(json.loads(line)) == ["resourceSpans"]
    assert len(spans_of(map(otlpjson.parse, content.splitlines()))) == 4


def test_a_file_is_begun_anew_unless_told_to_append(collector, tmp_path):
    fresh, growing = tmp_path / "fresh.jsonl", tmp_path / "growing.jsonl"
    exporters = {"file/fresh": config.file_exporter(fresh), "file/growing": config.file_exporter(growing, "append: true")}
    for _ in range(2):
        running = collector(exporters, durability="memory")
        send(running, body(*trace_of()[0]))
        running.stop()
    assert len(spans_of(json_lines(fresh))) == 2
    assert len(spans_of(json_lines(growing))) == 4


def test_a_folder_is_made_when_asked_for(collector, tmp_path):
    file = tmp_path / "a/b/spans.jsonl"
    running = collector({"file": config.file_exporter(file, "create_directory: true")})
    send(running, body(*trace_of()[0]))
    wait_until(lambda: len(spans_of(json_lines(file))) == 2, "two spans in the file")


def test_full_files_make_room(collector, tmp_path):
    file = tmp_path / "spans.jsonl"
    rotated = config.file_exporter(file, "rotation: {max_megabytes: 1, max_backups: 100}")
    running = collector({"file": rotated}, durability="memory")
    sent = set()
    with Client(running.port) as client:
        for _ in range(5):
            spans, trace = trace_of(children=50, padding="x" * 10_000)
            sent.add(trace)
            client.send(body(*spans)).response
    running.stop()

    files = sorted(tmp_path.glob("spans*.jsonl"))
    assert len(files) > 1
    assert {place.trace for name in files for place in spans_of(json_lines(name))} == sent
