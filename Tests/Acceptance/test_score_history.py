"""Scores over time: whose they are and what they come to, in whatever order they and their traces come, against a calculation
of its own over what was sent."""

import json
import random
import signal
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

import pytest

from support.ledger import Ledgered
from support.openapi import OpenAPI
from support.waiting import PATIENCE, wait_until

MIDNIGHT = 1_795_219_200 * 10**9  # 2026-11-21
HOUR = 3600 * 10**9
USERS, SESSIONS = ["ada", "bob", None], ["s1", "s2", "s3", None]
NAMES, LABELS = ["helpful", "is it right?", "verdict"], ["good", "bad"]


@dataclass
class Trace:
    id: str
    start: int
    user: str | None
    session: str | None
    spans: list[str]

    def requests(self):
        """A body for each span, the root's last."""
        for span in reversed(self.spans):
            attributes = {"enduser.id": self.user, "session.id": self.session} if span == self.spans[0] else {}
            yield {
                "traceId": self.id,
                "spanId": span,
                "parentSpanId": "" if span == self.spans[0] else self.spans[0],
                "name": "turn",
                "startTimeUnixNano": str(self.start),
                "endTimeUnixNano": str(self.start + 10**9),
                "attributes": [
                    {"key": key, "value": {"stringValue": value}} for key, value in attributes.items() if value is not None
                ],
            }


@dataclass
class Scenario:
    """Traces of a few users and sessions, and scores of them; what is sent, in its order."""

    seed: int
    traces: dict[str, Trace] = field(default_factory=dict)
    scores: dict[str, dict] = field(default_factory=dict)
    messages: list = field(default_factory=list)

    def __post_init__(self):
        chance = random.Random(self.seed)
        for number in range(14):
            spans = [f"{chance.getrandbits(64):016x}" for _ in range(chance.randint(1, 3))]
            trace = Trace(
                f"{chance.getrandbits(128):032x}", MIDNIGHT + number * HOUR, chance.choice(USERS), chance.choice(SESSIONS), spans
            )
            self.traces[trace.id] = trace
            self.messages += [("/v1/traces", span) for span in trace.requests()]
        for _ in range(60):
            self.messages.append(("/api/public/scores", self.score(chance)))
        # Those before and behind their traces, those of one id in any order; some of all comes twice.
        chance.shuffle(self.messages)
        for message in chance.sample(self.messages, 20):
            place = self.messages.index(message)
            self.messages.insert(place + 1, message)
        for path, body in self.messages:
            if path == "/api/public/scores":
                self.scores[body["id"]] = body

    def score(self, chance):
        score = {"id": f"score-{chance.randrange(40)}", "name": chance.choice(NAMES)}
        if score["name"] == "verdict":
            score |= {"value": chance.choice(LABELS), "dataType": "CATEGORICAL"}
        else:
            score |= {"value": chance.randrange(11) / 10, "dataType": "NUMERIC"}
        score["timestamp"] = f"2026-11-{chance.randint(18, 23)}T{chance.randrange(24):02}:30:00Z"
        if chance.random() < 0.3:
            return score | {"sessionId": chance.choice(SESSIONS[:-1])}
        trace = chance.choice(list(self.traces.values()))
        score["traceId"] = trace.id
        return score | ({"observationId": chance.choice(trace.spans)} if chance.random() < 0.5 else {})

    # What is expected.

    def session_user(self, session):
        naming = [trace for trace in self.traces.values() if trace.session == session and trace.user]
        return max(naming, key=lambda trace: trace.start).user if naming else None

    def owners(self, score):
        """The trace, session and user that a score belongs to."""
        if trace := self.traces.get(score.get("traceId")):
            return trace.id, trace.session, trace.user or (self.session_user(trace.session) if trace.session else None)
        known = any(trace.session == score["sessionId"] for trace in self.traces.values())
        return None, score["sessionId"] if known else None, self.session_user(score["sessionId"])

    def of(self, place, owner):
        return [score for score in self.scores.values() if self.owners(score)[place] == owner]


def numbers(scores):
    return [Fraction(str(score["value"])) for score in scores if score["name"] != "verdict"]


def mean(scores):
    found = numbers(scores)
    return float(sum(found) / len(found)) if found else None


def by_name(scores):
    found = defaultdict(list)
    for score in scores:
        found[score["name"]].append(score)
    return found


def summaries(scores):
    """Of each name the mean, how many, and what the latest may be: times may be equal."""
    result = {}
    for name, found in by_name(scores).items():
        last = max(score["timestamp"] for score in found)
        result[name] = (mean(found), len(found), {score["value"] for score in found if score["timestamp"] == last})
    return result


def assert_summed(shown, scores, what):
    expected = summaries(scores)
    assert shown.keys() == expected.keys(), what
    for name, (average, count, latest) in expected.items():
        assert shown[name]["mean"] == (None if average is None else pytest.approx(average, abs=1e-9)), (what, name)
        assert shown[name]["count"] == count and shown[name]["latest"] in latest, (what, name)


class Scored(Ledgered):
    def send(self, messages):
        for path, body in messages:
            document = {"resourceSpans": [{"scopeSpans": [{"spans": [body]}]}]} if path == "/v1/traces" else [body]
            request = urllib.request.Request(
                f"{self.endpoint}{path}", json.dumps(document).encode(), {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                assert answer.status in (200, 202)

    def is_through(self, scenario):
        """Whether the ledger has all of it: then nothing changes any more."""
        traces = {row["trace_id"]: row for row in self.api.every("traces")}
        spans = {trace.id: len(trace.spans) for trace in scenario.traces.values()}
        if {trace: row["observations"] for trace, row in traces.items()} != spans:
            return False
        known = {row["score_id"]: row for row in self.api.every("scores")}
        return known.keys() == scenario.scores.keys() and all(
            known[id]["name"] == score["name"] and score["value"] in (known[id]["value"], known[id]["label"])
            for id, score in scenario.scores.items()
        )


@pytest.fixture(scope="module", params=[None, 1, 2, 3])
def sent(request, tmp_path_factory):
    """The collector that has been sent a scenario, which it was killed in the middle of, but for the first time."""
    scenario = Scenario(request.param or 0)
    life = Scored(tmp_path_factory.mktemp("scores")).begin()
    try:
        if request.param:
            life.send(scenario.messages[: len(scenario.messages) // 2])
            life.end(signal.SIGKILL)
            life.begin()
        # Whoever sends does not know what has arrived, and begins anew.
        life.send(scenario.messages)
        openapi = OpenAPI(life.api.get("openapi.json"))

        def check(path, document):
            assert not openapi.faults(f"/api/v1/{path}", 200, document)

        life.api.check = check
        wait_until(lambda: life.is_through(scenario), "traces and scores", step=0.1)
        yield life, scenario
        life.end()
    finally:
        life.close()


def test_a_users_score_history_is_right_in_whatever_order_things_come(sent):
    life, scenario = sent
    users = [row["end_user_id"] for row in life.api.every("users")]
    assert users
    for user in users:
        scores = scenario.of(2, user)
        rows = life.api.every("users", user, "scores")
        assert {row["score_id"] for row in rows} == {score["id"] for score in scores}
        assert [row["timestamp"] for row in rows] == sorted((row["timestamp"] for row in rows), reverse=True)
        detail = life.api.get("users", user)
        assert_summed(detail["scores"], scores, user)
        days = defaultdict(list)
        for score in scores:
            days[score["timestamp"][:10]].append(score)
        assert [day["date"] for day in detail["score_days"]] == sorted(days)
        for day in detail["score_days"]:
            found = by_name(days[day["date"]])
            assert {name: shown["count"] for name, shown in day["scores"].items()} == {
                name: len(each) for name, each in found.items()
            }
            for name, shown in day["scores"].items():
                average = mean(found[name])
                assert shown["mean"] == (None if average is None else pytest.approx(average, abs=1e-9))
        since = life.api.get("users", user, since="2026-11-20", until="2026-11-22")
        assert since["score_days"] == [day for day in detail["score_days"] if day["date"] in ("2026-11-20", "2026-11-21")]


def test_so_are_those_of_sessions_and_traces(sent):
    life, scenario = sent
    for view, place, key in (("sessions", 1, "session_id"), ("traces", 0, "trace_id")):
        for row in life.api.every(view):
            scores = scenario.of(place, row[key])
            assert_summed(row["scores"], scores, row[key])
            assert life.api.get(view, row[key])["scores"] == row["scores"]
            found = {each["score_id"] for each in life.api.every(view, row[key], "scores")}
            assert found == {score["id"] for score in scores}
    # An id may be cut here as well.
    trace = next(iter(scenario.traces))
    assert life.api.get("traces", trace[:8], "scores") == life.api.get("traces", trace, "scores")
    assert life.api.ask("traces", "0" * 32, "scores")[0] == 404


def test_each_score_tells_whose_it_is(sent):
    life, scenario = sent
    for row in life.api.every("scores"):
        score = scenario.scores[row["score_id"]]
        _, session, user = scenario.owners(score)
        assert (row["end_user_id"], row["session_id"]) == (user, session or score.get("sessionId")), row
        assert (row["trace_id"], row["span_id"]) == (score.get("traceId"), score.get("observationId")), row
        assert row["timestamp"] == score["timestamp"].replace("Z", ".000Z"), row


FILTERS = {
    "score:helpful >= 0.5": lambda found: mean(found["helpful"]) is not None and mean(found["helpful"]) >= 0.5,
    'score:"is it right?" < 0.5': lambda found: mean(found["is it right?"]) is not None and mean(found["is it right?"]) < 0.5,
    "score:verdict is good": lambda found: any(score["value"] == "good" for score in found["verdict"]),
    "not score:helpful exists": lambda found: not found["helpful"],
}


@pytest.mark.parametrize("text", FILTERS)
def test_filters_ask_for_means_and_labels(sent, text):
    life, scenario = sent
    for view, place, key in (("users", 2, "end_user_id"), ("sessions", 1, "session_id"), ("traces", 0, "trace_id")):
        everyone = [row[key] for row in life.api.every(view)]
        expected = {owner for owner in everyone if FILTERS[text](by_name(scenario.of(place, owner)))}
        assert {row[key] for row in life.api.every(view, filter=text)} == expected, view
        assert {row[key] for row in life.api.every(view, filter=text, sort="cost", limit=2)} == expected, view
    if not text.startswith("not"):
        single = {score["id"] for score in scenario.scores.values() if FILTERS[text](by_name([score]))}
        assert {row["score_id"] for row in life.api.every("scores", filter=text)} == single


def test_the_command_line_says_the_same(sent):
    life, scenario = sent
    assert life.command("scores", "--all", url=True)["scores"] == life.api.get("scores", limit=1000)["scores"]
    text = "end_user is ada and score:helpful > 0.3"
    chosen = life.api.get("scores", filter=text, sort="value", limit=1000)["scores"]
    assert chosen and life.command("scores", "--all", "--filter", text, "--sort", "value")["scores"] == chosen
    assert [row["value"] for row in chosen] == sorted((row["value"] for row in chosen), reverse=True)
    pages = life.api.every("scores", filter=text, sort="value", limit=2)
    assert pages == chosen


def test_a_filter_processor_cannot_ask_for_scores(tmp_path):
    from support.collector import run

    file = tmp_path / "config.yaml"
    file.write_text(
        "receivers: {otlp: {protocols: {http: {}}}}\nprocessors:\n  filter:\n    keep: error or score:helpful >= 0.8\n"
        "exporters: {debug: {}}\nservice:\n  pipelines: {traces: {receivers: [otlp], processors: [filter], exporters: [debug]}}\n"
    )
    result = run("validate", "--config", file, cwd=tmp_path)
    assert result.returncode != 0
    assert "a span has no “score:helpful”" in result.stderr + result.stdout
