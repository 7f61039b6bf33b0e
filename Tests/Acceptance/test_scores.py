"""Scores by every way in, and whose they are when they are asked for."""

import gzip
import json
import signal
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from opentelemetry import _logs as logs_api
from opentelemetry import trace as trace_api
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from golden.views import assert_same
from support import config
from support.ledger import Ledgered
from support.waiting import PATIENCE, wait_until

SCORES = "/api/public/scores"
RELEVANCE = {
    "gen_ai.evaluation.name": "Relevance",
    "gen_ai.evaluation.score.value": 0.5,
    "gen_ai.evaluation.score.label": "partly",
    "gen_ai.evaluation.explanation": "half of it",
    "gen_ai.response.id": "chatcmpl-1",
}


class Scored(Ledgered):
    """A collector with a ledger, fed by a pipeline of traces and one of logs."""

    durability = "buffered"

    def config(self):
        text = super().config().replace("durability: buffered", f"durability: {self.durability}")
        logs = config.file_exporter(self.folder / "logs.jsonl", "append: true")
        text = text.replace("exporters:\n", f"exporters:\n  file/logs: {{{logs}}}\n", 1)
        return text + "    logs: {receivers: [otlp], processors: [enduser], exporters: [file/logs]}\n"

    def scores(self, *place):
        """What is known of a user, a session or a trace, by the scores' names."""
        return {row["name"]: row for row in self.api.every(*place, "scores")}

    def wait_for_scores(self, *place, names):
        def are_there():
            status, _ = self.api.ask(*place)
            return status == 200 and set(self.scores(*place)) >= set(names)

        wait_until(are_there, f"scores {names} of {place}")
        return self.scores(*place)

    def post(self, body, path=SCORES, **headers):
        """The status and the document of the answer to a body, which is JSON unless it is bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint}{path}", data, {"Content-Type": "application/json", **headers})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


@contextmanager
def scored(folder, durability="buffered", **parts):
    life = Scored(folder, **parts)
    life.durability = durability
    life.configure()
    life.begin()
    try:
        yield life
    finally:
        life.close()


@pytest.fixture
def life(tmp_path):
    with scored(tmp_path) as life:
        yield life
        life.end()


@pytest.fixture(scope="module")
def langfuse(tmp_path_factory, run_app):
    """What Langfuse's SDK has sent: the collector, and the ids."""
    with scored(tmp_path_factory.mktemp("langfuse")) as life:
        keys = {"LANGFUSE_BASE_URL": life.endpoint, "LANGFUSE_PUBLIC_KEY": "pk-test", "LANGFUSE_SECRET_KEY": "sk-test"}
        ids = run_app("scores_langfuse.py", keys)
        life.wait_for_scores("users", "lena", names=["early", "exact", "tone", "review", "happy", "polite"])
        yield life, ids
        life.end()


def test_langfuse_scores_are_those_of_the_user(langfuse):
    life, ids = langfuse
    scores = life.scores("users", "lena")
    assert set(scores) == {"early", "exact", "tone", "helpful", "review", "happy", "polite"}
    of_trace = {"trace_id": ids["trace"], "end_user_id": "lena", "source": "api", "environment": "staging"}
    exact = {**of_trace, "span_id": ids["answer"], "value": 1.0, "label": None, "data_type": "boolean"}
    assert_same(exact, scores["exact"], "exact")
    tone = {**of_trace, "span_id": ids["answer"], "value": None, "label": "dry", "data_type": "categorical"}
    assert_same({**tone, "comment": "no smile", "metadata": {"by": ["x", 1]}}, scores["tone"], "tone")
    review = {**of_trace, "span_id": None, "label": "Too long by half.", "data_type": "text"}
    assert_same({**review, "timestamp": "2026-11-21T09:30:00.000Z"}, scores["review"], "review")


def test_a_score_that_came_before_its_trace_is_the_users(langfuse):
    life, ids = langfuse
    assert_same({"trace_id": ids["early"], "value": 3.0, "score_id": "early-1"}, life.scores("users", "lena")["early"], "")


def test_a_score_of_the_same_id_replaces_the_one_before(langfuse):
    life, _ = langfuse
    found = [row for row in life.api.every("users", "lena", "scores") if row["name"] == "helpful"]
    assert [row["value"] for row in found] == [0.75]


def test_a_score_of_a_session_is_its_users(langfuse):
    life, _ = langfuse
    happy = {"trace_id": None, "session_id": "letters", "end_user_id": "lena", "value": 5.0}
    assert_same(happy, life.scores("users", "lena")["happy"], "happy")


def test_the_sdk_tells_what_was_refused_and_the_rest_is_kept(langfuse):
    life, ids = langfuse
    (line,) = ids["heard"]
    assert "accepted 1 and rejected 2 of 3 scores" in line
    assert "dataset runs" in line and "traceId" in line
    assert life.scores("users", "lena")["polite"]["value"] == 4.0


def test_evaluations_are_events_of_spans_and_log_records(life):
    traces, logs = TracerProvider(), LoggerProvider()
    traces.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{life.endpoint}/v1/traces")))
    logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{life.endpoint}/v1/logs")))
    logger = logs.get_logger("judge")
    with traces.get_tracer("app").start_as_current_span("root", attributes={"enduser.id": "ada"}) as root:
        root.add_event("gen_ai.evaluation.result", RELEVANCE, timestamp=1_795_253_400_000_000_000)
        root.add_event("gen_ai.evaluation.result", {"gen_ai.evaluation.name": "nothing"})
        context = trace_api.set_span_in_context(root)
        judged = {"gen_ai.evaluation.name": "Fluency", "gen_ai.evaluation.score.label": "fluent"}
        logger.emit(
            logs_api.LogRecord(
                event_name="gen_ai.evaluation.result", timestamp=1_795_253_401_000_000_000, context=context, attributes=judged
            )
        )
        logger.emit(logs_api.LogRecord(body="not a score", context=context, attributes={"gen_ai.evaluation.name": "no"}))
    traces.shutdown()
    logs.shutdown()

    scores = life.wait_for_scores("users", "ada", names=["Relevance", "Fluency"])

    assert set(scores) == {"Relevance", "Fluency"}
    ids = {"trace_id": f"{root.context.trace_id:032x}", "span_id": f"{root.context.span_id:016x}", "source": "evaluation"}
    relevance = {"value": 0.5, "label": "partly", "comment": "half of it", "metadata": {"gen_ai.response.id": "chatcmpl-1"}}
    assert_same({**ids, **relevance, "timestamp": "2026-11-21T09:30:00.000Z"}, scores["Relevance"], "event")
    fluency = {"value": None, "label": "fluent", "data_type": "categorical", "timestamp": "2026-11-21T09:30:01.000Z"}
    assert_same({**ids, **fluency}, scores["Fluency"], "log record")


def test_openinference_feedback_is_of_its_span_its_trace_or_its_session(life):
    from openinference.semconv.trace import AnnotationAttributes, EvaluationAttributes, SpanAttributes

    def feedback(place, names, **fields):
        return {f"{place}.0.{getattr(names[0], f'{names[1]}_{field.upper()}')}": value for field, value in fields.items()}

    annotation, evaluation = (AnnotationAttributes, "ANNOTATION"), (EvaluationAttributes, "EVALUATION")
    attributes = {
        "user.id": "olga",
        "session.id": "ask-1",
        **feedback(SpanAttributes.ANNOTATIONS, annotation, name="tone", score=0.5, annotator_kind="HUMAN"),
        **feedback(SpanAttributes.TRACE_EVALUATIONS, evaluation, name="exact", label="yes", explanation="it is"),
        **feedback(SpanAttributes.SESSION_ANNOTATIONS, annotation, name="happy", score=4, metadata='{"team": "red"}'),
    }
    traces = TracerProvider()
    traces.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{life.endpoint}/v1/traces")))
    with traces.get_tracer("app").start_as_current_span("root", attributes=attributes) as root:
        pass
    traces.shutdown()

    scores = life.wait_for_scores("users", "olga", names=["tone", "exact", "happy"])

    trace, span = f"{root.context.trace_id:032x}", f"{root.context.span_id:016x}"
    assert_same({"trace_id": trace, "span_id": span, "value": 0.5, "source": "annotation"}, scores["tone"], "span")
    exact = {"trace_id": trace, "span_id": None, "label": "yes", "comment": "it is", "source": "evaluation"}
    assert_same(exact, scores["exact"], "trace")
    happy = {"trace_id": None, "session_id": "ask-1", "value": 4.0, "metadata": {"team": "red"}}
    assert_same(happy, scores["happy"], "session")


def test_older_sdks_send_batches_of_events(life):
    body = {"id": "s1", "sessionId": "s", "name": "helpful", "value": 1, "dataType": "BOOLEAN"}
    event = {"id": "e1", "type": "score-create", "timestamp": "2026-11-21T09:30:00.000Z", "body": body}
    status, answer = life.post({"batch": [event, {"id": "e2", "type": "trace-create"}]}, "/api/public/ingestion")
    assert status == 207
    assert answer["successes"] == [{"id": "e1", "status": 201}]
    assert_same([{"id": "e2", "status": 400}], answer["errors"], "errors")


def evaluation(name, session):
    """A request with an evaluation of a session as a log record."""
    attributes = [
        {"key": "gen_ai.evaluation.name", "value": {"stringValue": name}},
        {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 0.5}},
        {"key": "session.id", "value": {"stringValue": session}},
    ]
    record = {"eventName": "gen_ai.evaluation.result", "timeUnixNano": "1795253400000000000", "attributes": attributes}
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}


@pytest.mark.parametrize("durability", ["buffered", "fsync"])
def test_what_was_accepted_outlives_a_kill(tmp_path, durability):
    with scored(tmp_path, durability) as life:
        accepted = []
        for number in range(30):
            score = {"id": f"s{number}", "name": "n", "value": number, "sessionId": "letters"}
            assert life.post([score])[0] == 202
            assert life.post(evaluation(f"e{number}", "letters"), "/v1/logs") == (200, {})
            accepted += [score["id"], f"evaluation/session letters/e{number}"]
        life.end(signal.SIGKILL)
        life.begin()
        # A trace, for the session to be there.
        traces = TracerProvider()
        traces.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{life.endpoint}/v1/traces")))
        owner = {"enduser.id": "ada", "session.id": "letters"}
        with traces.get_tracer("app").start_as_current_span("root", attributes=owner):
            pass
        traces.shutdown()
        known = lambda: {row["score_id"] for row in life.api.every("users", "ada", "scores")}
        wait_until(lambda: life.api.ask("users", "ada")[0] == 200 and known() == set(accepted), "all scores")
        life.end()


def test_bodies_may_be_compressed(life):
    score = {"name": "n", "value": 1, "sessionId": "s"}
    status, answer = life.post(gzip.compress(json.dumps([score]).encode()), **{"Content-Encoding": "gzip"})
    assert (status, answer) == (202, {"message": "Accepted"})
    status, answer = life.post(score)
    assert (status, answer) == (200, {"id": "api/session s/n"})


def test_errors_say_why(life):
    for body, expected, word in [
        (b"[", 400, "JSON"),
        ({"name": "n", "value": 1}, 400, "traceId"),
        (b" " * (6 << 20), 413, "max_scores_body_size"),
    ]:
        status, answer = life.post(body)
        assert status == expected and word in answer["message"], answer


def test_without_a_ledger_nobody_takes_scores(tmp_path):
    from support.collector import Collector, free_port

    port = free_port()
    file = tmp_path / "config.yaml"
    file.write_text(config.pipeline(port, {"file": config.file_exporter(tmp_path / "spans.jsonl")}))
    with Collector("--config", file, port=port, cwd=tmp_path) as collector:
        wait_until(lambda: "Everything is ready" in collector.stderr, lambda: collector.stderr)
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{SCORES}", b"[]", {"Content-Type": "application/json"}, method="POST"
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=PATIENCE)
        assert refused.value.code == 404
        assert "ledger" in json.loads(refused.value.read())["message"]
