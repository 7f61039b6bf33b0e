"""Why a trace is whose it is: what `heirloom trace --why` says agrees with the spans that left, which tell by themselves what
was handed down, replaced and removed."""

import datetime
import time

import pytest

from support.client import Client
from support.collector import run
from support.ledger import ledgered
from support.making import new_trace, request, span
from support.openapi import OpenAPI
from support.spans import places, plain
from support.waiting import wait_until

# By the key that names the end user: whose words it is, and a key for the session that goes with it.
CONVENTIONS = {
    "neatlogs.end_user.id": ("neatlogs", "neatlogs.session.id"),
    "langfuse.user.id": ("langfuse", "langfuse.session.id"),
    "langwatch.user.id": ("langwatch", "gen_ai.conversation.id"),
    "enduser.id": ("otel", "session.id"),
    "traceloop.association.properties.user_id": ("traceloop", "traceloop.association.properties.session_id"),
    "user.id": ("openinference", "session.id"),
    "langsmith.metadata.user_id": ("langsmith", "langsmith.metadata.session_id"),
    "ai.telemetry.metadata.userId": ("vercel", "ai.telemetry.metadata.sessionId"),
    "gen_ai.user": ("otel", "gen_ai.conversation.id"),
    "enduser.pseudo.id": ("otel", "session.id"),
}
REMOTE = 0x300


@pytest.fixture(scope="module", params=["topmost", "none"])
def life(request, tmp_path_factory):
    waits = "fallback_wait: 300ms, local_root_wait: 500ms, root_wait: 1s"
    with ledgered(tmp_path_factory.mktemp("why"), enduser=f"{waits}, fallback: {request.param}") as life:
        life.has_fallback = request.param == "topmost"
        life.openapi = OpenAPI(life.api.get("openapi.json"))
        yield life


def sent(life, *requests, before=()):
    """Sends requests one after the other, waits for the spans and the ledger, and checks what is said against what left. Those
    `before` were sent before."""
    trace, originals = None, {place.key: place for message in before for place in places(message)}
    for message in requests:
        with Client(life.port) as client:
            assert client.send(message.SerializeToString()).status == 200
        for place in places(message):
            originals[place.key] = place
            trace = place.trace
    life.wait_for_spans(set(originals))
    wait_until(lambda: observations(life, trace) == len(originals), "the ledger")
    why = asked(life, trace)
    assert_agreement(why, originals, {place.key: place for place in life.places() if place.trace == trace})
    return why


def observations(life, trace):
    status, document = life.api.ask("traces", trace)
    return document["observations"] if status == 200 else 0


def asked(life, trace):
    """The same from the collector and the command line, and as the document describes it."""
    answer = life.api.get("traces", trace, why="true")
    assert not life.openapi.faults(f"/api/v1/traces/{trace}?why=true", 200, answer)
    assert life.command("trace", trace, "--why") == answer
    assert life.command("trace", trace, "--why", url=True) == answer
    return answer["why"] | {"end_user_id": answer["end_user_id"], "session_id": answer["session_id"]}


def assert_agreement(why, originals, came):
    """Every attribute that is gone or another is told, with what is there now; and nothing else is."""
    found = {}
    for key, before in originals.items():
        after = came[key]
        for attribute in before.span.attributes:
            value = after.attribute(attribute.key)
            if value != plain(attribute.value):
                found[key[1], attribute.key] = value if value is None else str(value)
    told = {(each["span_id"], each["key"]): each["replacement"] for each in why["replaced"]}
    assert told == found
    for each in why["replaced"]:
        before = originals[next(key for key in originals if key[1] == each["span_id"])].attribute(each["key"])
        assert each["value"] == (str(before) if isinstance(before, (str, int)) and not isinstance(before, bool) else None)
    origin = why["end_user"]
    if origin and origin["source"] != "session":
        for place in came.values():
            assert str(place.attribute(origin["key"])) == why["end_user_id"]
    # Whom no span names, no span that left has.
    if not origin or origin["source"] == "session":
        assert why["unattributed"]
        for key, place in came.items():
            assert user_keys(place) == user_keys(originals[key])


def user_keys(place):
    return {attribute.key for attribute in place.span.attributes} & set(CONVENTIONS)


def source(why):
    return why["end_user"]["source"], bytes.fromhex(why["end_user"]["span_id"]), why["end_user"]["key"]


@pytest.mark.parametrize("key", CONVENTIONS)
def test_a_late_root_of_every_convention(life, key):
    trace, begun = new_trace(), time.time()
    convention, session = CONVENTIONS[key]
    root = span(trace, "root", attributes={key: "ada", session: "s-1"})
    early = span(trace, "early", parent=root.span_id, attributes={"enduser.id": "mallory", "session.id": "s-9"})
    plain_child = span(trace, "child", parent=early.span_id)
    why = sent(life, request(early), request(plain_child), request(root))
    assert source(why) == ("root", root.span_id, key)
    assert why["end_user"]["convention"] == convention and why["end_user_id"] == "ada"
    assert why["session"]["key"] == session and why["session_id"] == "s-1"
    accepted = datetime.datetime.fromisoformat(why["end_user"]["accepted_at"]).timestamp()
    assert begun - 1 <= accepted <= time.time() + 1


def test_conflicts_on_children(life):
    trace = new_trace()
    root = span(trace, "root", attributes={"enduser.id": "ada", "session.id": "s-1", "user.id": "account 7"})
    child = span(
        trace,
        "child",
        parent=root.span_id,
        attributes={"enduser.id": 4711, "langfuse.user.id": "m", "enduser.pseudo.id": [1], "user.id": "op", "session.id": "s-9"},
    )
    same = span(trace, "same", parent=root.span_id, attributes={"enduser.id": "ada", "session.id": "s-1"})
    usurper = span(trace, "usurper", attributes={"enduser.id": "grace"})
    why = sent(life, request(root, child, same), request(usurper))
    assert source(why) == ("root", root.span_id, "enduser.id")
    values = {each["key"]: each["value"] for each in why["replaced"] if each["span_id"] == child.span_id.hex()}
    assert values == {"enduser.id": "4711", "langfuse.user.id": "m", "enduser.pseudo.id": None, "session.id": "s-9"}
    assert [each["value"] for each in why["replaced"] if each["span_id"] == usurper.span_id.hex()] == ["grace"]
    assert {(each["value"], each["reason"]) for each in why["unused"]} == {("account 7", "later_key"), ("op", "kept")}


def test_the_topmost_under_a_root_that_names_nobody(life):
    trace = new_trace()
    # Nobody else's: a session brings its traces its end user.
    session = f"s-{trace.hex()}"
    root = span(trace, "root", attributes={"langfuse.session.id": session})
    agent = span(trace, "agent", parent=root.span_id, attributes={"user.id": "ada", "langfuse.session.id": "s-2"})
    tool = span(trace, "tool", parent=agent.span_id, attributes={"user.id": "service"})
    why = sent(life, request(root, agent, tool))
    if life.has_fallback:
        assert source(why) == ("topmost", agent.span_id, "user.id")
        assert why["unattributed"] is None
    else:
        assert why["end_user"] is None and why["unattributed"] == "fallback_none"
        assert {(each["value"], each["reason"]) for each in why["unused"]} == {("ada", "fallback_none"), ("service", "fallback_none")}
    assert why["session"]["span_id"] == root.span_id.hex() and why["session_id"] == session


def test_a_local_root_and_no_root(life):
    trace = new_trace()
    local = span(trace, "handle", parent=b"\x77" * 8, flags=REMOTE, attributes={"neatlogs.end_user.id": "ada"})
    step = span(trace, "step", parent=local.span_id, attributes={"enduser.id": "mallory"})
    why = sent(life, request(step, local))
    assert source(why) == ("local_root", local.span_id, "neatlogs.end_user.id")
    assert not why["has_root"]


def test_a_process_for_one_user(life):
    trace = new_trace()
    root = span(trace, "root")
    child = span(trace, "child", parent=root.span_id)
    why = sent(life, request(child, root, resource={"posthog.distinct_id": "ada", "user.id": "op"}))
    assert source(why) == ("resource", root.span_id, "posthog.distinct_id")


def test_a_root_that_never_comes(life):
    trace = new_trace()
    child = span(trace, "child", parent=b"\x77" * 8, attributes={"langfuse.user.id": "ada"})
    grandchild = span(trace, "grandchild", parent=child.span_id, attributes={"enduser.id": "mallory"})
    why = sent(life, request(grandchild, child))
    assert not why["has_root"]
    if life.has_fallback:
        assert source(why) == ("topmost", child.span_id, "langfuse.user.id")
    else:
        assert (why["end_user"], why["unattributed"]) == (None, "fallback_none")


@pytest.mark.parametrize(
    "reason, root, child, faults",
    [
        ("nobody_named", {}, {"input.value": "hello"}, set()),
        ("below_root", {}, {"neatlogs.end_user.id": "ada"}, {"below_root"}),
        ("unusable_value", {"enduser.id": ""}, {"user.id": True, "langfuse.user.id": "x" * 70_000}, {"empty", "wrong_type", "too_long"}),
        ("only_operator", {"neatlogs.span.kind": "agent", "user.id": "op"}, {}, {"operator"}),
    ],
)
def test_nobody(life, reason, root, child, faults):
    trace = new_trace()
    root = span(trace, "root", attributes=root)
    why = sent(life, request(span(trace, "child", parent=root.span_id, attributes=child), root))
    assert why["end_user"] is None and why["unattributed"] == reason and why["has_root"]
    assert {each["reason"] for each in why["unused"]} == faults
    assert why["replaced"] == []


def test_an_end_user_that_the_session_brings(life):
    session = f"s-{new_trace().hex()}"
    named, unnamed = new_trace(), new_trace()
    sent(life, request(span(named, "first turn", attributes={"enduser.id": "ada", "session.id": session})))
    why = sent(life, request(span(unnamed, "second turn", attributes={"session.id": session})))
    assert why["end_user_id"] == "ada" and why["unattributed"] == "nobody_named"
    assert why["end_user"]["source"] == "session" and why["end_user"]["trace_id"] == named.hex()


def test_for_a_person(life):
    trace = new_trace()
    root = span(trace, "root", attributes={"enduser.id": "ada"})
    child = span(trace, "child", parent=root.span_id, attributes={"enduser.id": "mallory"})
    sent(life, request(child, root))
    result = run("trace", trace.hex()[:16], "--why", "--ledger", life.database)
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["REPLACED"] in lines
    assert [child.span_id.hex(), "child", "enduser.id", "mallory", "ada"] in lines
    assert f"ada, from the root, {root.span_id.hex()} root, enduser.id (otel), accepted 20" in result.stdout


def test_it_is_known_after_a_restart(tmp_path):
    """What came before is told from the file; and what is read back later was accepted when it came."""
    with ledgered(tmp_path) as life:
        life.openapi = OpenAPI(life.api.get("openapi.json"))
        trace = new_trace()
        root = span(trace, "root", attributes={"enduser.id": "ada"})
        first = request(root)
        before = sent(life, first)
        life.end()
        life.begin()
        assert asked(life, trace.hex()) == before
        late = span(trace, "late", parent=root.span_id, attributes={"enduser.id": "mallory"})
        why = sent(life, request(late), before=[first])
        assert why["end_user"] == before["end_user"]
        assert [each["value"] for each in why["replaced"]] == ["mallory"]
