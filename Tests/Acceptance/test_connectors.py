"""The `sessions` connector: what it tells of sessions and end users is what the ledger says."""

import json
import signal
from contextlib import closing
from functools import partial

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE

from golden.played import playing
from support import config
from support.client import Client
from support.collector import run
from support.making import START, body, new_trace, span
from support.servers import Backend, serving
from support.spans import exact
from support.told import QUICKLY, Told
from support.waiting import wait_until

TOKENS = {
    "gen_ai.usage.input_tokens": "input",
    "gen_ai.usage.output_tokens": "output",
    "gen_ai.usage.total_tokens": "total",
    "gen_ai.usage.cache_read.input_tokens": "cache_read",
    "gen_ai.usage.cache_creation.input_tokens": "cache_write",
    "gen_ai.usage.reasoning.output_tokens": "reasoning",
}


OVERFLOW = {"otel.metric.overflow": True}


def seconds(milliseconds):
    # The API rounds to the microsecond.
    return pytest.approx(milliseconds / 1000, abs=6e-7)


def event_of(row):
    """The attributes of an event that says what a row of /api/v1/sessions does."""
    told = {
        "session.id": row["session_id"],
        "enduser.id": row["end_user_id"],
        "session.conflicting_end_users": row["conflicting_end_users"],
        "session.first_event": row["first_event"],
        "session.last_event": row["last_event"],
        "session.duration": seconds(row["duration_ms"]),
        "session.traces": row["traces"],
        "session.observations": row["observations"],
        "session.errors": row["errors"],
        **{name: row["tokens"][kind] for name, kind in TOKENS.items()},
        "gen_ai.usage.cost": row["cost_usd"],
        **{f"session.trace.duration.{each}": seconds(row["latency_ms"][each]) for each in ("p50", "p95", "p99")},
        "session.models": row["models"],
        "session.workflows": row["workflows"],
        "session.tags": row["tags"],
        "enduser.metadata": row["metadata"] or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def read_metadata(event):
    return event | ({"enduser.metadata": json.loads(event["enduser.metadata"])} if "enduser.metadata" in event else {})


def latest(life, name="session.update"):
    """The last event of each session."""
    return {event["session.id"]: read_metadata(event) for event in life.events(name)}


def wait_until_told(life):
    """Until the last event of each session is what the API says of it: these events, and the rows."""
    rows = {row["session_id"]: row for row in life.api.every("sessions")}
    expected = {name: event_of(row) for name, row in rows.items()}
    try:
        wait_until(lambda: latest(life) == expected, "what the ledger says", step=0.1)
    except AssertionError:
        pass  # the comparison tells more
    assert latest(life) == expected
    return expected


def figures(life, attributes):
    """The latest figures of one user's series, under the API's names."""

    def value(name, **more):
        point = life.point(name, attributes | ({"gen_ai.token.type": more["type"]} if more else {}))
        return point and (point.as_int if point.HasField("as_int") else point.as_double)

    return {
        "traces": value("enduser.traces"),
        "sessions": value("enduser.sessions"),
        "observations": value("enduser.observations"),
        "errors": value("enduser.errors"),
        "tokens": {
            "input": value("enduser.token.usage", type="input"),
            "output": value("enduser.token.usage", type="output"),
            "total": value("enduser.token.total"),
            "cache_read": value("enduser.token.cache_read"),
            "cache_write": value("enduser.token.cache_creation"),
            "reasoning": value("enduser.token.reasoning"),
        },
        "cost_usd": value("enduser.cost"),
    }


def same_figures(row):
    return {
        name: row[name] for name in ("traces", "sessions", "observations", "errors", "tokens", "cost_usd")
    }


def wait_for_figures(life, expected, attributes):
    try:
        wait_until(lambda: figures(life, attributes) == expected, "the figures", step=0.1)
    except AssertionError:
        pass  # the comparison tells more
    assert figures(life, attributes) == expected


def send(life, *, user=None, session=None, latency=1_000_000, tokens=None, number=0):
    """A trace of one span."""
    attributes = {"enduser.id": user, "session.id": session, "gen_ai.usage.input_tokens": tokens}
    attributes |= {"gen_ai.request.model": "m", "gen_ai.operation.name": "chat"} if tokens else {}
    attributes = {key: value for key, value in attributes.items() if value is not None}
    start = START + number * 1_000_000_000
    one = span(
        new_trace(), attributes=attributes, start_time_unix_nano=start, end_time_unix_nano=start + latency
    )
    with Client(life.port) as client:
        assert client.send(body(one)).status == 200


@pytest.fixture(scope="module", params=[None, 30], ids=["undisturbed", "killed"])
def golden(request, tmp_path_factory):
    with serving(Backend()) as backend:
        yield from playing(
            tmp_path_factory.mktemp("told"), request.param, partial(Told, backend=backend, connector=QUICKLY)
        )


@pytest.fixture
def told(tmp_path, backend):
    lives = []

    def start(**parts):
        lives.append(Told(tmp_path, backend=backend, **parts))
        return lives[-1].begin()

    yield start
    for life in lives:
        life.close()


def test_the_last_event_of_each_session_is_its_row(golden):
    assert len(wait_until_told(golden.life)) >= 5


def test_the_figures_of_each_user_are_those_of_the_list(golden):
    rows = golden.api.every("users")
    assert len(rows) >= 3
    for row in rows:
        wait_for_figures(golden.life, same_figures(row), {"enduser.id": row["end_user_id"]})
    nobodys = len(golden.api.every("traces")) - sum(row["traces"] for row in rows)
    assert golden.life.point("enduser.traces", {}).as_int == nobodys > 0


def test_all_series_together_are_the_overview(golden):
    rows = golden.api.every("traces")
    wait_until(
        lambda: sum(point.as_int for (name, _), (_, point) in golden.life.points.items() if name == "enduser.traces")
        == len(rows),
        "all traces",
        step=0.1,
    )
    points = golden.life.points

    def total(wanted):
        return sum(
            point.as_int if point.HasField("as_int") else point.as_double
            for (name, _), (_, point) in points.items()
            if name == wanted
        )

    assert total("enduser.observations") == sum(row["observations"] for row in rows)
    assert total("enduser.errors") == sum(row["errors"] for row in rows)
    assert total("enduser.token.total") == sum(row["tokens"]["total"] or 0 for row in rows)
    assert total("enduser.cost") == pytest.approx(sum(row["cost_usd"] or 0 for row in rows), abs=1e-9)
    assert total("enduser.sessions") == len(golden.api.every("sessions"))


def test_durations_are_in_the_buckets_of_their_traces(golden):
    for row in golden.api.every("users"):
        durations = [each["latency_ms"] / 1000 for each in golden.api.every("users", row["end_user_id"], "traces")]
        point = wait_until(
            lambda: (found := golden.life.point("enduser.trace.duration", {"enduser.id": row["end_user_id"]}))
            and found.count == len(durations)
            and found,
            "the histogram",
        )
        assert sum(point.bucket_counts) == point.count
        assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
        assert point.sum == pytest.approx(sum(durations), rel=0.0101)
        for place, bound in enumerate(point.explicit_bounds):
            below = sum(point.bucket_counts[: place + 1])
            least, most = (sum(each <= bound * leeway for each in durations) for leeway in (0.99, 1.01))
            assert least <= below <= most, (row["end_user_id"], bound)


def test_it_is_otlp_as_it_should_be(golden):
    life = golden.life
    wait_until(lambda: life.points and life.records, "something")
    names = {}
    for (name, key), (metric, point) in life.points.items():
        kind = metric.WhichOneof("data")
        assert (kind == "histogram") == (name == "enduser.trace.duration")
        data = getattr(metric, kind)
        assert data.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE
        assert kind == "histogram" or data.is_monotonic == (name != "enduser.sessions")
        assert metric.unit and metric.description
        assert point.start_time_unix_nano < point.time_unix_nano
        names.setdefault(name, set()).add(metric.unit)
    assert all(len(units) == 1 for units in names.values())
    for record in life.records:
        assert record.event_name in ("session.update", "session.end")
        assert record.severity_number == 9 and record.observed_time_unix_nano >= record.time_unix_nano > 0
        assert not record.trace_id and not record.span_id
    for message in life.came("/v1/logs"):
        for resource in message.resource_logs:
            assert {each.key: each.value.string_value for each in resource.resource.attributes}["service.name"] == "heirloom"


def test_the_start_of_a_series_stays_over_restarts(golden):
    """Of one that has never become less."""
    starts = {}
    for message in golden.life.came("/v1/metrics"):
        for metric in message.resource_metrics[0].scope_metrics[0].metrics:
            if metric.name == "enduser.traces":
                for point in metric.sum.data_points:
                    starts.setdefault(str(point.attributes), []).append((point.start_time_unix_nano, point.as_int))
    assert starts
    for series in starts.values():
        values = [value for _, value in series]
        if values == sorted(values) and len(set(values)) > 1:
            break
    else:
        pytest.fail("no series that only grew")
    assert len({start for start, _ in series}) == 1


def test_the_file_has_the_same_as_lines_of_json(golden):
    life = golden.life
    wait_until_told(life)

    def in_file(kind, key):
        return [json_format.ParseDict(line, kind()) for line in life.told_lines if key in line]

    def records(messages):
        return sorted(
            exact(record)
            for message in messages
            for resource in message.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        )

    wait_until(
        lambda: set(records(life.came("/v1/logs"))) <= set(records(in_file(ExportLogsServiceRequest, "resourceLogs"))),
        "what the backend has",
    )
    metrics = [exact(message) for message in life.came("/v1/metrics")]
    wait_until(
        lambda: set(metrics) <= {exact(each) for each in in_file(ExportMetricsServiceRequest, "resourceMetrics")},
        "what the backend has",
    )


def test_a_session_ends_once_and_again_when_it_went_on(told):
    life = told(connector="update_interval: 100ms, idle_timeout: 1s", signals=("logs",))
    send(life, user="ada", session="s-1", tokens=5)
    (event,) = wait_until(lambda: life.events("session.end"), "the end")
    assert event == event_of(life.api.every("sessions")[0])
    send(life, user="ada", session="s-2")
    wait_until(lambda: "s-2" in latest(life, "session.end"), "the end of another one")
    life.end()
    life.begin()
    send(life, user="ada", session="s-1", tokens=7, number=1)
    wait_until(lambda: len(life.events("session.end")) >= 3, "the end after it went on")
    told_of = [(event["session.id"], event["session.traces"]) for event in life.events("session.end")]
    assert told_of == [("s-1", 1), ("s-2", 1), ("s-1", 2)]
    assert life.events("session.end")[-1]["gen_ai.usage.input_tokens"] == 12


def test_an_end_that_came_while_nothing_ran_is_told_by_the_next_run(told):
    life = told(signals=("logs",))
    send(life, user="ada", session="s-1")
    wait_until(lambda: life.events("session.update"), "the update")
    life.end(signal.SIGKILL)
    assert not life.events("session.end")
    life.connector = "update_interval: 100ms, idle_timeout: 100ms"
    life.configure()
    life.begin()
    wait_until(lambda: life.events("session.end"), "the end")
    life.end()
    assert [event["session.id"] for event in life.events("session.end")] == ["s-1"]


def test_what_there_was_no_time_for_is_told_at_the_end(told):
    life = told(connector="update_interval: 1h, metrics_interval: 1h")
    send(life, user="ada", session="s-1", tokens=3)
    send(life, user="ada", session="s-1", tokens=4, number=1)
    life.end()
    (event,) = life.events("session.update")
    assert (event["session.traces"], event["gen_ai.usage.input_tokens"]) == (2, 7)
    assert figures(life, {"enduser.id": "ada"})["tokens"]["input"] == 7


def test_users_beyond_the_limit_are_told_together(told):
    life = told(connector=QUICKLY + ", aggregation_cardinality_limit: 2")
    for number, user in enumerate(["ada", "grace", "joan", "joan", "mary", None]):
        send(life, user=user, tokens=10**number, number=number)
        wait_until(lambda: len(life.api.every("traces")) == number + 1, "the trace")
    wait_until(lambda: (point := life.point("enduser.traces", OVERFLOW)) and point.as_int == 3, "3")
    assert figures(life, OVERFLOW)["tokens"]["input"] == 11100
    assert figures(life, {"enduser.id": "ada"})["tokens"]["input"] == 1
    assert figures(life, {"enduser.id": "grace"})["tokens"]["input"] == 10
    wait_until(lambda: life.point("enduser.traces", {}), "what is nobody's")
    assert figures(life, {})["tokens"]["input"] == 100_000
    users = {dict(key).get("enduser.id") for _, key in life.points}
    assert users == {"ada", "grace", None}


def test_a_backend_that_takes_nothing_gets_the_latest_when_it_does(told, backend):
    life = told(exporters="[otlp_http]")
    backend.open.clear()
    for number in range(5):
        send(life, user="ada", session="s-1", number=number)
        wait_until(lambda: len(life.api.every("traces")) == number + 1, "the trace")
    backend.open.set()
    wait_until_told(life)
    wait_for_figures(life, same_figures(life.api.every("users")[0]), {"enduser.id": "ada"})


def test_what_applications_log_may_go_the_same_way(told):
    """Through the identity processor, where log records of a trace wait for it."""
    life = told(exporters="[otlp_http], processors: [enduser]", signals=("logs",))
    text = life.config_file.read_text().replace("receivers: [sessions]", "receivers: [otlp, sessions]")
    life.end()
    life.config_file.write_text(text)
    life.begin()
    send(life, user="ada", session="s-1")
    wait_until_told(life)


def test_erasing_a_user_ends_the_series(told):
    life = told()
    for user in ("ada", "grace"):
        send(life, user=user, session=f"of {user}")
    wait_until(lambda: life.point("enduser.traces", {"enduser.id": "ada"}) and len(latest(life)) == 2, "both")
    assert run("users", "forget", "ada", "--yes", "--ledger", life.database, cwd=life.folder).returncode == 0
    before = len(list(life.came("/v1/metrics")))
    wait_until(lambda: len(list(life.came("/v1/metrics"))) > before + 2, "metrics after that")
    assert b"ada" not in list(life.came("/v1/metrics"))[-1].SerializeToString()
    send(life, user="grace", session="of grace", number=1)
    wait_until(lambda: latest(life)["of grace"]["session.traces"] == 2, "it goes on")


def test_reloading_changes_what_is_told(told):
    life = told(connector="update_interval: 1h, metrics_interval: 1h")
    send(life, user="ada", session="s-1")
    life.connector = QUICKLY
    life.configure()
    life.running.reload()
    # What there was to tell has been told by the old one.
    assert [event["session.id"] for event in life.events("session.update")] == ["s-1"]
    send(life, user="ada", session="s-1", number=1)
    wait_until(lambda: latest(life)["s-1"]["session.traces"] == 2, "the next update")


def test_a_pipeline_may_end_in_the_connector(told):
    life = told()
    life.end()
    text = life.config_file.read_text().replace("exporters: [file, sessions]", "exporters: [sessions]")
    life.config_file.write_text(text)
    life.begin()
    send(life, user="ada", session="s-1")
    wait_until(lambda: latest(life), "the update")
    life.end()
    assert not life.places()
    life.begin()
    assert "replaying" not in life.running.stderr, "nobody wants the span any more"


def test_what_is_wrong_with_a_connector_is_told_with_its_place(tmp_path, backend):
    with closing(Told(tmp_path, backend=backend)) as life:
        text = life.config_file.read_text()
        for part, by, complaint in [
            ("extensions: [ledger]", "extensions: []", "service.extensions names no ledger"),
            ("processors: [enduser]", "processors: []", "needs an enduser processor"),
            ("receivers: [otlp]", "receivers: [otlp, sessions]", "hands on logs and metrics, not traces"),
            ("exporters: [file, sessions]", "exporters: [file]", "has to be in the exporters of one"),
            ("[otlp_http, file/told]", "[otlp_http, sessions]", "takes traces, not logs"),
            ("idle_timeout: 1h", "idle_timeout: never", "expected a duration"),
        ]:
            assert part in text, part
            file = tmp_path / "wrong.yaml"
            file.write_text(text.replace(part, by))
            result = run("validate", "--config", file, cwd=tmp_path)
            assert result.returncode == 1
            assert complaint in result.stderr and "wrong.yaml:" in result.stderr
