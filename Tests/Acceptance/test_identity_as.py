"""Identity in the words of other conventions: every backend finds the trace's end user where it looks."""

import gzip
import json
import signal
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from support import config, grpcservers, metric_names
from support.backends import BACKENDS, METADATA, SESSION, SOURCES, USER, carried, lookups, pairs
from support.client import Client
from support.collector import Collector, Metrics, free_port
from support.making import body, new_trace, request, span, trace_of
from support.otlpjson import parse
from support.servers import Backend, Reply, serving
from support.spans import any_value, key_values
from support.waiting import wait_until

REPOSITORY = Path(__file__).parents[2]
WHO = {USER: "ada lovelace", SESSION: "s-1"}
PLAN = {"plan": "pro", "seats": 41, "trial": False, "quota": 2.5, "tags": ["a", {"b": None}], "größe": "XL"}
AS = "identity_as: openinference"
# What a span below the root says itself, wherever some backend looks: none of it may be found.
MALLORY = {
    **{key: "mallory" for backend in BACKENDS.values() for key in backend.users if not (backend.inside or backend.of_resource)},
    **{key: "another" for backend in BACKENDS.values() for key in backend.sessions if not backend.inside},
    **{
        f"{backend.metadata[1]}plan": "free"
        for backend in BACKENDS.values()
        if backend.metadata and backend.metadata[0] in ("json", "plain")
    },
    "neatlogs.end_user.metadata": '{"plan": "free"}',
    "metadata": '{"plan": "free", "step": 7}',
    "braintrust.metadata": '{"user_id": "mallory", "session_id": "another", "plan": "free", "step": 7}',
}


def said(source):
    """The attributes that the application sets."""
    said = {source.user: WHO[USER]}
    if source.session:
        said[source.session] = WHO[SESSION]
    if source.metadata:
        said[source.metadata] = json.dumps(PLAN)
    return said


def made(source):
    """A trace of that source: a child that says nothing, one that says much, the root, and a late child; what is to be sent
    first, and what when that has left."""
    trace = new_trace()
    root = span(trace, "root", attributes={} if source.on_resource else said(source))
    child, mallory, late = [
        span(trace, name, parent=root.span_id, attributes=attributes)
        for name, attributes in [("plain", {}), ("mallory", MALLORY), ("late", {"own": "stays"})]
    ]
    # A resource speaks where no span does, so there it must have spoken before another does.
    first, then = ([child, root], [mallory, late]) if source.on_resource else ([child, mallory, root], [late])
    around = {"resource": {"service.name": "made", **said(source)}} if source.on_resource else {}
    return trace.hex(), *([request(each, **around) for each in part] for part in (first, then))


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """All sources, sent once; what came, by convention and trace: `told(convention, source)`."""
    folder, port = tmp_path_factory.mktemp("told"), free_port()
    combined = ", ".join(BACKENDS)
    with serving(Backend()) as backend:
        exporters = {
            f"otlp_http/{name}": f"traces_endpoint: '{backend.endpoint}/{name}/v1/traces', identity_as: [{conventions}]"
            for name, conventions in [*((name, name) for name in BACKENDS), ("all", combined)]
        }
        exporters["otlp_http/plain"] = f"traces_endpoint: '{backend.endpoint}/plain/v1/traces'"
        file = folder / "config.yaml"
        file.write_text(config.pipeline(port, exporters))
        with Collector("--config", file, port=port, cwd=folder), Client(port) as client:
            traces, later = {}, []

            def send(requests):
                for each in requests:
                    assert client.send(each.SerializeToString()).status == 200

            for source in SOURCES:
                traces[source.name], first, then = made(source)
                send(first)
                later += then
            backend.wait_for((4 * len(SOURCES) - len(later)) * len(exporters))
            send(later)
            backend.wait_for(4 * len(SOURCES) * len(exporters))

            def came(name, source):
                found = [
                    place
                    for got in backend.received
                    if got.path == f"/{name}/v1/traces"
                    for place in got.places
                    if place.trace == traces[source.name]
                ]
                assert sorted(place.span.name for place in found) == ["late", "mallory", "plain", "root"]
                return {place.span.name: place for place in found}

            yield came


def check(backend, source, places, what):
    """Whether the backend finds all that is to be told, and nothing that a child says instead."""
    for name, each in places.items():
        if backend.root_only and name != "root":
            continue
        if USER in what:
            assert backend.user(each) == WHO[USER], (source.name, name)
        if SESSION in what:
            assert backend.session(each) == WHO[SESSION], (source.name, name)
        if METADATA in what:
            found = backend.end_user_metadata(each)
            expected = dict(PLAN)
            if backend.metadata[0] == "plain":
                # What an attribute cannot say but as text is JSON text; Vercel's tags are no metadata.
                expected["tags"] = json.dumps(PLAN["tags"], separators=(",", ":"))
            if backend.metadata[1].startswith("ai.telemetry."):
                del expected["tags"]
            assert {key: found.get(key) for key in expected} == expected, (source.name, name)


@pytest.mark.parametrize("convention", BACKENDS)
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_every_backend_finds_what_the_root_said(told, source, convention):
    what = carried(source, convention)
    assert USER in what
    check(BACKENDS[convention], source, told(convention, source), what)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_one_exporter_can_speak_to_all_of_them(told, source):
    places = told("all", source)
    for name, backend in BACKENDS.items():
        check(backend, source, places, carried(source, name))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_the_exporter_beside_it_gets_what_it_would_have_got(told, source):
    places = told("plain", source)
    assert {each.key for each in places["plain"].span.attributes} == set(said(source))
    assert {"user.id", "session.id", "metadata"} <= {each.key for each in places["mallory"].span.attributes}
    on_resource = {each.key for each in places["plain"].resource.resource.attributes}
    assert on_resource == {"service.name"} | (set(said(source)) if source.on_resource else set())


@pytest.mark.parametrize("convention", BACKENDS)
def test_what_a_span_says_beside_it_stays(told, convention):
    for source in SOURCES:
        places = told(convention, source)
        assert places["late"].attribute("own") == "stays"
        for key in ("metadata", "braintrust.metadata"):
            assert json.loads(places["mallory"].attribute(key))["step"] == 7


def test_the_documentation_has_both_tables():
    text = (REPOSITORY / "docs/conventions.md").read_text()
    assert lookups() in text
    assert pairs() in text


def test_a_trace_without_an_identity_leaves_as_it_came(collector, backend):
    running = collector(
        {"otlp_http": config.http_exporter(backend.endpoint, f"identity_as: [{', '.join(BACKENDS)}]")},
        enduser="fallback: none",
    )
    spans, trace = trace_of(metadata='{"step": 7}', **{"user.id": "op"})
    with Client(running.port) as client:
        client.send(body(*spans)).response
    came = backend.wait_for(2, {trace})
    assert sorted(place.span.SerializeToString() for place in came) == sorted(each.SerializeToString() for each in spans)


# Every exporter


def test_over_grpc(collector):
    with grpcservers.serving(grpcservers.Backend()) as upstream:
        running = collector({"otlp_grpc": config.grpc_exporter(upstream.endpoint, "identity_as: langfuse")})
        spans, trace = trace_of(identity={"enduser.id": "ada"})
        with Client(running.port) as client:
            client.send(body(*spans)).response
        came = upstream.wait_for(2, {trace})
        assert {place.attribute("langfuse.user.id") for place in came} == {"ada"}


def test_in_a_file_and_on_the_screen(collector, tmp_path):
    path = tmp_path / "spans.jsonl"
    running = collector(
        {
            "file": config.file_exporter(path, "identity_as: [otel, braintrust]"),
            "debug": "verbosity: detailed, identity_as: vercel",
        }
    )
    spans, trace = trace_of(identity={"user.id": 4711})
    with Client(running.port) as client:
        client.send(body(*spans)).response
    lines = wait_until(lambda: path.exists() and path.read_text().splitlines(), "a line")
    messages = [parse(line.encode()) for line in lines]
    written = [each for message in messages for group in message.resource_spans for each in group.scope_spans[0].spans]
    assert len(written) == 2
    for each in written:
        attributes = {attribute.key: attribute.value for attribute in each.attributes}
        assert attributes["enduser.id"] == any_value("4711")
        assert attributes["user.id"] == any_value(4711)
        assert json.loads(attributes["braintrust.metadata"].string_value) == {"user_id": "4711"}
    wait_until(lambda: running.stderr.count("ai.telemetry.metadata.userId") == 2, lambda: running.stderr)


# The other signals


def test_log_records_tell_it_too_and_metrics_stay_as_they_are(tmp_path, backend):
    port = free_port()
    exporters = {"otlp_http": config.http_exporter(backend.endpoint, "identity_as: [langfuse, openinference]")}
    text = config.pipeline(port, exporters)
    text += "    logs: {receivers: [otlp], processors: [enduser], exporters: [otlp_http]}\n"
    text += "    metrics: {receivers: [otlp], exporters: [otlp_http]}\n"
    file = tmp_path / "config.yaml"
    file.write_text(text)

    spans, trace = trace_of(identity={"enduser.id": "ada", "session.id": "s-1"})
    logs = ExportLogsServiceRequest()
    scope = logs.resource_logs.add().scope_logs.add()
    own = key_values({"user.id": "op", "own": "stays"})
    scope.log_records.append(LogRecord(trace_id=bytes.fromhex(trace), attributes=own))
    scope.log_records.append(LogRecord(attributes=own))
    metrics = ExportMetricsServiceRequest()
    gauge = metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="load").gauge
    gauge.data_points.add(as_int=1, attributes=own)

    def came(path, kind):
        bodies = [got.body for got in list(backend.received) if got.path == path]
        return [kind.FromString(gzip.decompress(each)) for each in bodies]

    with Collector("--config", file, port=port, cwd=tmp_path), Client(port) as client:
        for path, message in [("/v1/logs", logs), ("/v1/metrics", metrics)]:
            assert client.send(message.SerializeToString(), path=path).status == 200
        client.send(body(*spans)).response

        def records():
            messages = came("/v1/logs", ExportLogsServiceRequest)
            scopes = [scope for message in messages for group in message.resource_logs for scope in group.scope_logs]
            found = [record for scope in scopes for record in scope.log_records]
            return found if len(found) == 2 else None

        found = wait_until(records, "both log records")
        [of_trace] = [record for record in found if record.trace_id]
        [of_none] = [record for record in found if not record.trace_id]
        attributes = {each.key: each.value.string_value for each in of_trace.attributes}
        assert attributes == {
            **dict.fromkeys(["enduser.id", "langfuse.user.id", "user.id"], "ada"),
            **dict.fromkeys(["session.id", "langfuse.session.id"], "s-1"),
            "own": "stays",
        }
        assert list(of_none.attributes) == own
        wait_until(lambda: came("/v1/metrics", ExportMetricsServiceRequest) == [metrics], "the metrics as they were")


# What is kept


class Durable:
    """A collector whose backend may not be there; one life after another."""

    def __init__(self, folder, **parts):
        self.folder, self.port, self.metrics, self.upstream = folder, free_port(), free_port(), free_port()
        self.file = folder / "config.yaml"
        self.parts = parts

    def begin(self, *settings):
        exporter = config.http_exporter(
            f"http://127.0.0.1:{self.upstream}", "retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}", *settings
        )
        telemetry = f"{{metrics: {{address: '127.0.0.1:{self.metrics}'}}}}"
        self.file.write_text(
            config.pipeline(
                self.port, {"otlp_http": exporter}, telemetry=telemetry, storage="sync_interval: 100ms", **self.parts
            )
        )
        return Collector("--config", self.file, port=self.port, cwd=self.folder)

    def send(self):
        spans, trace = trace_of(identity={"enduser.id": "ada"}, children=5, **{"user.id": "op"})
        with Client(self.port) as client:
            client.send(body(*spans)).response
        return trace

    def wait_until_stored(self):
        empty = lambda: Metrics(self.metrics).total(metric_names.SPOOL_RECORDS, pipeline="traces") == 0
        wait_until(empty, "everything in the queue")

    @property
    def stored(self):
        """What is on disk of the queue."""
        files = (self.folder / f"spool-{self.port}" / "exporters").rglob("*")
        return b"".join(file.read_bytes() for file in files if file.is_file())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("durability", ["buffered", "fsync"])
def test_what_waits_on_disk_is_as_it_will_leave(tmp_path, durability, number):
    durable = Durable(tmp_path, durability=durability)
    with durable.begin(AS) as running:
        trace = durable.send()
        durable.wait_until_stored()
        assert b"user.id" in durable.stored and b"mallory" not in durable.stored
        running.terminate(number)
        running.wait()
    with serving(Backend(durable.upstream)) as backend, durable.begin(AS):
        came = backend.wait_for(6, {trace}, distinct=True)
        assert {place.attribute("user.id") for place in came} == {"ada"}
        # The names of what was done are no part of the message.
        [first, *_] = backend.received
        assert gzip.decompress(first.body)[:1] == b"\x0a"


def test_what_is_replayed_from_the_spool_is_told_again(tmp_path):
    durable = Durable(tmp_path, durability="buffered")
    with durable.begin(AS) as running:
        trace = durable.send()
        running.terminate(signal.SIGKILL)
        running.wait()
    with serving(Backend(durable.upstream)) as backend, durable.begin(AS):
        came = backend.wait_for(6, {trace}, distinct=True)
        assert {place.attribute("user.id") for place in came} == {"ada"}


@pytest.mark.parametrize("before, after", [("", AS), (AS, "")])
def test_a_queue_of_another_configuration_leaves_as_it_was_stored(tmp_path, before, after):
    durable = Durable(tmp_path, durability="buffered")
    with durable.begin(*filter(None, [before])) as running:
        trace = durable.send()
        durable.wait_until_stored()
        running.terminate()
        running.wait()
    with serving(Backend(durable.upstream)) as backend, durable.begin(*filter(None, [after])):
        came = backend.wait_for(6, {trace}, distinct=True)
        children = {place.attribute("user.id") for place in came if not place.is_root}
        assert children == ({"ada"} if before else {"op"})
        assert {gzip.decompress(got.body)[:1] for got in backend.received} == {b"\x0a"}


def test_dead_letters_are_as_they_would_have_left(tmp_path):
    durable = Durable(tmp_path)
    letters = tmp_path / "letters.jsonl"
    with serving(Backend(durable.upstream)) as backend:
        backend.judge = lambda request: Reply(413)
        with durable.begin(AS, f"dead_letter: {{path: '{letters}'}}"):
            durable.send()
            wait_until(lambda: letters.exists() and letters.read_text().count('"traceId"') == 6, "six dead letters")
    text = letters.read_text()
    assert '"op"' not in text
    assert text.count('"key":"user.id","value":{"stringValue":"ada"}') == 6
