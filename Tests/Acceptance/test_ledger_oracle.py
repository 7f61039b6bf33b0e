"""The independent calculation itself, by cases that were computed by hand. Where it is wrong, agreeing with it is worth
nothing."""

from decimal import Decimal

import pytest

from golden.conventions import GenAI, Langfuse, NeatLogs, OpenInference, Traceloop, key_value_list
from golden.filters import FILTERS
from golden.ledger_oracle import LedgerOracle, timestamp
from golden.pricing import price
from golden.scenario import SCENARIO
from golden.schedule import schedule
from support.making import new_trace, request, span
from support.spans import places

SECOND = 1_000_000_000
NOON = 1_795_176_000 * SECOND  # 2026-11-20T12:00:00Z


def oracle(*spans, scope="made", resource=None):
    return LedgerOracle(places(request(*spans, scope=scope, resource=resource)))


def only(*spans, **around):
    """The one trace of these spans."""
    (trace,) = oracle(*spans, **around).traces.values()
    return trace


def lone(*parts, **fields):
    attributes = {}
    for part in parts:
        attributes |= part
    return span(new_trace(), attributes=attributes, **fields)


@pytest.mark.parametrize(
    ("attributes", "tokens"),
    [
        (GenAI.usage(100, 20, cache_read=60, reasoning=5), (100, 20, 120, 60, None, 5)),
        # Anthropic's own figures leave the cached parts out.
        (GenAI.usage(10, 20, cache_read=60, cache_write=5), (75, 20, 95, 60, 5, None)),
        (OpenInference.usage("m", 100, 20, cache_read=60, cache_write=7), (100, 20, 120, 60, 7, None)),
        (OpenInference.usage("m", 100), (100, None, 100, None, None, None)),
        # Each figure stands there twice.
        (NeatLogs.usage("m", 100, 20, cache_read=60, reasoning=8), (100, 20, 120, 60, None, 8)),
        (
            Langfuse.observation(
                "generation", usage={"input": 40, "input_cached_tokens": 60, "output": 12, "output_reasoning_tokens": 8}
            ),
            (100, 20, 120, 60, None, 8),
        ),
        (Traceloop.usage("m", 100, 20, cache_read=30), (100, 20, 120, 30, None, None)),
        (NeatLogs.anthropic_usage("m", 100, 20, 60, 7), (167, 20, 187, 60, 7, None)),
        (
            Langfuse.observation(
                "generation",
                usage={"input": 40, "input_cached_tokens": 60, "cache_read_input_tokens": 60, "output": 20, "total": 120},
            ),
            (100, 20, 120, 60, None, None),
        ),
        # Told, and not the sum of both.
        (GenAI.usage(100, 20) | {"gen_ai.usage.total_tokens": 130}, (100, 20, 130, None, None, None)),
        ({"gen_ai.request.model": "m"}, (None,) * 6),
    ],
)
def test_tokens_of_each_convention(attributes, tokens):
    assert tuple(only(lone(attributes)).tokens.values()) == tokens


def test_a_sum_is_not_counted_beside_its_parts():
    trace = new_trace()
    root = span(trace, "agent", attributes=GenAI.usage(300, 30))
    outer = span(trace, "proxy", parent=root.span_id, attributes=GenAI.usage(101, 10))
    inner = span(trace, "call", parent=outer.span_id, attributes=GenAI.usage(100, 10))
    other = span(trace, "call", parent=root.span_id, attributes=GenAI.usage(200, 20))
    found = only(inner, outer, other, root)
    assert (found.tokens["input"], found.tokens["output"]) == (300, 30)
    assert found.counted.keys() == {inner.span_id.hex(), other.span_id.hex()}


def test_a_sum_is_counted_where_nothing_below_tells():
    trace = new_trace()
    root = span(trace, "agent", attributes=GenAI.usage(300, 30))
    found = only(span(trace, "call", parent=root.span_id), root)
    assert found.tokens["input"] == 300


def test_what_nobody_told_is_unknown():
    trace = only(lone({"gen_ai.request.model": "gpt-4o"}))
    assert trace.tokens == dict.fromkeys(("input", "output", "total", "cache_read", "cache_write", "reasoning"))
    assert trace.cost is None and not trace.unpriced


def test_a_cost_that_was_told_wins():
    told = only(lone(OpenInference.usage("gpt-4o", 1000, 100), OpenInference.cost(0.5, 0.25)))
    assert told.cost == Decimal("0.75")
    parts = Langfuse.observation("generation", "gpt-4o", {"input": 5}, {"input": 0.5, "output": 0.125})
    assert only(lone(parts)).cost == Decimal("0.625")


def test_an_agents_cost_is_counted_where_nothing_below_tells():
    trace = new_trace()
    root = span(trace, "agent", attributes={"neatlogs.agent.cost_usd": 0.04})
    child = span(trace, "call", parent=root.span_id)
    assert only(child, root).cost == Decimal("0.04")
    told = span(trace, "call", parent=root.span_id, attributes={"gen_ai.usage.cost": 0.03})
    assert only(told, root).cost == Decimal("0.03")
    known = GenAI.operation("chat", "gpt-4o") | GenAI.usage(1000, 100)
    priced = span(trace, "call", parent=root.span_id, attributes=known)
    assert only(priced, root).cost == Decimal("0.0035")
    assert only(told, priced, root).cost == Decimal("0.0335")
    unknown = GenAI.operation("chat", "house") | GenAI.usage(1000, 100)
    unpriced = span(trace, "call", parent=root.span_id, attributes=unknown)
    assert (only(unpriced, root).cost, only(unpriced, root).unpriced) == (Decimal("0.04"), {})
    assert (only(unpriced, priced, root).cost, only(unpriced, priced, root).unpriced) == (
        Decimal("0.0035"),
        {"house": 1},
    )


def test_a_calls_cost_stands_for_the_same_call_below():
    trace = new_trace()
    call = GenAI.operation("chat", "gpt-4o")
    outer = span(trace, "call", attributes=call | GenAI.usage(1000, 90) | {"gen_ai.usage.cost": 0.05})
    inner = span(trace, "call", parent=outer.span_id, attributes=call | GenAI.usage(1001, 90))
    found = only(inner, outer)
    assert (found.cost, found.tokens["input"]) == (Decimal("0.05"), 1001)


def test_prices():
    # 1000 tokens in at 2.5 a million, of which 600 were cached, at 1.25; 100 out at 10.
    tokens = {"input": 1000, "output": 100, "cache_read": 600}
    assert price("gpt-4o", "openai", NOON, tokens) == Decimal("0.00275")
    assert price("gpt-4o-2024-08-06", None, NOON, tokens) == Decimal("0.00275")
    assert price("house-llm-7b", None, NOON, tokens) is None
    # Cheaper a year ago: 0.1 and 0.3 then, 0.15 and 0.6 now.
    million = {"input": 1_000_000, "output": 1_000_000}
    assert price("mistral-small-latest", "mistral_ai", NOON - 365 * 86_400 * SECOND, million) == Decimal("0.4")
    assert price("mistral-small-latest", "mistral_ai", NOON, million) == Decimal("0.75")


def test_a_sum_over_calls_is_priced_as_if_they_were_short():
    # gemini-2.5-pro: 1.25 in, 10 out, 0.125 cached for a million; above 200,000 in 2.5, 15 and 0.25.
    tokens = {"input": 300_000, "output": 1000, "cache_read": 100_000}
    assert price("gemini-2.5-pro", "google", NOON, tokens) == Decimal("0.54")
    assert price("gemini-2.5-pro", "google", NOON, tokens, is_one_call=False) == Decimal("0.2725")
    assert price("house-llm-7b", None, NOON, tokens, is_one_call=False) is None


def test_a_traces_name_is_told_anywhere_and_a_time_is_never_zero():
    trace = new_trace()
    root = span(trace, "root", attributes={"gen_ai.workflow.name": "work"}, start_time_unix_nano=NOON)
    told = span(trace, "told", parent=root.span_id, attributes={"langfuse.trace.name": "told"})
    told.start_time_unix_nano = told.end_time_unix_nano = 0
    assert (only(root).name, only(root, told).name, only(root, told).start) == ("work", "told", NOON)


def test_unknown_models_are_counted_by_name():
    found = oracle(*(lone(GenAI.operation("chat", "house"), GenAI.usage(1, 1)) for _ in range(3)))
    assert found.unpriced == {"house": 3}
    assert found.everything.cost is None


@pytest.mark.parametrize(
    "attributes",
    [
        NeatLogs.root(metadata={"plan": "pro", "seats": 3}),
        OpenInference.bound(metadata={"plan": "pro", "seats": 3}),
        Langfuse.bound(metadata={"plan": "pro", "seats": 3}),
        Traceloop.associated(user_id="ada", plan="pro", seats=3),
        {"metadata": key_value_list(plan="pro", seats=3)},
    ],
)
def test_metadata_in_each_encoding(attributes):
    assert only(lone(attributes)).metadata == {"plan": "pro", "seats": 3}


@pytest.mark.parametrize("tags", [["a", "b"], "a,b", "a, b"])
def test_tags_are_a_list_or_a_text(tags):
    assert only(lone({"neatlogs.tags": tags})).tags == {"a", "b"}


def test_the_root_speaks_then_a_local_root_then_the_topmost():
    trace = new_trace()
    root = span(trace, "root")
    agent = span(trace, "agent", parent=root.span_id, attributes={"user.id": "ada", "session.id": "s"})
    tool = span(trace, "tool", parent=agent.span_id, attributes={"user.id": "service"})
    assert only(tool, agent, root).own_user == "ada"
    local = span(trace, "local", parent=b"far away", flags=0x300, attributes={"user.id": "grace"})
    assert only(tool, agent, root, local).own_user == "grace"
    named = span(trace, "named", attributes={"user.id": 4711})
    assert (only(tool, agent, local, named).own_user, only(tool, agent, local, named).session) == ("4711", "s")


def test_neatlogs_keys_bind_to_roots_and_its_operator_is_nobody():
    trace = new_trace()
    root = span(trace, "root", attributes={"user.id": "operator", "neatlogs.internal": True})
    child = span(trace, "child", parent=root.span_id, attributes=NeatLogs.root("mallory", "s", {"plan": "none"}))
    found = only(child, root)
    assert (found.own_user, found.session, found.metadata) == (None, None, None)


def in_session(user, hours, **attributes):
    named = {"enduser.id": user} if user else {}
    start = NOON + hours * 3600 * SECOND
    return lone(
        {"session.id": "s"} | named, attributes, start_time_unix_nano=start, end_time_unix_nano=start + 2 * SECOND
    )


def test_a_session_gives_its_user_to_those_that_name_nobody():
    found = oracle(in_session(None, 1), in_session("ada", 0))
    assert len(found.users["ada"].traces) == 2
    session = found.sessions["s"]
    assert (session.user, session.disagrees, session.duration) == ("ada", False, 3602 * SECOND)


def test_a_session_whose_roots_disagree_keeps_the_latest():
    found = oracle(in_session("grace", 2), in_session("ada", 0), in_session(None, 1))
    assert found.sessions["s"].user == "grace" and found.sessions["s"].disagrees
    assert {name: (len(user.traces), len(user.sessions)) for name, user in found.users.items()} == {
        "grace": (2, 1),
        "ada": (1, 0),
    }


def test_what_comes_twice_is_counted_once_and_markers_are_nothing():
    trace = new_trace()
    root = span(trace, "root", attributes=GenAI.usage(10, 1))
    marker = span(trace, "neatlogs.trace.complete", parent=root.span_id, end_time_unix_nano=NOON)
    again = span(trace, "again", attributes=GenAI.usage(99, 9))
    again.span_id = root.span_id
    found = only(root, marker, root, again)
    assert (len(found.observations), found.tokens["input"], found.latency) == (1, 10, 1_000_000)


def test_errors_are_statuses_and_langfuses_level():
    trace = new_trace()
    failed = span(trace, "failed")
    failed.status.code = 2
    warned = [span(trace, level, attributes={"langfuse.observation.level": level}) for level in ("ERROR", "WARNING")]
    assert only(failed, *warned).errors == 2


def test_quantiles_lie_between_neighbours():
    spans = []
    for seconds in (1, 2, 3, 4):
        spans.append(lone({"enduser.id": "ada"}, end_time_unix_nano=NOON + seconds * SECOND, start_time_unix_nano=NOON))
    least, most = oracle(*spans).users["ada"].latency(0.5)
    assert (least, most) == (2 * SECOND * 0.985, 3 * SECOND * 1.015)


def test_times_have_milliseconds():
    assert timestamp(NOON + 999_999) == "2026-11-20T12:00:00.000Z"
    assert timestamp(NOON + 45_000_000) == "2026-11-20T12:00:00.045Z"


def test_the_scenario_has_what_it_should():
    """Three users, five sessions, forty traces, and each of the cases that it is there for."""
    assert len(SCENARIO) == 40
    assert [step.body for step in schedule()] == [step.body for step in schedule()], "not the same bytes twice"
    sent = LedgerOracle([place for trace in SCENARIO for place in places_of(trace)])
    assert set(sent.users) == {"ada", "grace@example.com", "4711"}
    assert set(sent.sessions) == {"s-1", "s-2", "s-3", "s-4", "s/5 ü"}
    assert [name for name, session in sent.sessions.items() if session.disagrees] == ["s/5 ü"]
    assert any(trace.inherited_user and not trace.own_user for trace in sent.traces.values())
    assert any(trace.user is None for trace in sent.traces.values())
    assert any(trace.cost is None and trace.tokens["total"] for trace in sent.traces.values())
    assert sent.unpriced
    # What a ledger would count that sums everything up.
    naive = sum(each.tokens.get("input", 0) for trace in sent.traces.values() for each in trace.observations)
    assert sent.everything.tokens["input"] < naive


@pytest.mark.parametrize(("text", "views", "holds"), FILTERS, ids=lambda value: value if isinstance(value, str) else "")
def test_each_filter_tells_some_from_others(text, views, holds):
    """A condition that holds for all or for none proves little."""
    sent = LedgerOracle([place for trace in SCENARIO for place in places_of(trace)])
    found = [sum(bool(holds(each)) for each in getattr(sent, view).values()) for view in views]
    some = any(0 < count < len(getattr(sent, view)) for view, count in zip(views, found, strict=True))
    assert some or text == "end_user is nobody-at-all"


def places_of(trace):
    return [place for sent in trace.spans for place in places(request(sent.span, scope=sent.source.scope))]
