"""Filters, orders and pages of the ledger's views, over the golden scenario, against the same conditions in Python."""

import pytest

from golden import views
from golden.filters import FILTERS, WRONG
from golden.ledger_oracle import timestamp
from golden.played import FORMS, NAMES, named

DAY = 86_400 * 10**9
NINETEENTH = 1_795_046_400 * 10**9  # 2026-11-19


@pytest.mark.parametrize("view", NAMES)
def test_filters(played, view):
    wrong = []
    for text, known, holds in FILTERS:
        if view not in known:
            continue
        expected = sorted(name for name, entity in played.entities(view).items() if holds(entity))
        status, answer = played.api.ask(view, filter=text, limit=1000)
        found = sorted(named(view, answer[view])) if status == 200 else answer
        if found != expected:
            wrong.append(f"{text}: {found}, should be {expected}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("view", NAMES)
def test_the_command_line_filters_likewise(played, view):
    text = "metadata:plan is pro and cost > 0.001"
    rows = played.api.get(view, filter=text, limit=1000)[view]
    assert rows and played.life.command(view, "--all", "--filter", text)[view] == rows


@pytest.mark.parametrize(("text", "place"), WRONG)
def test_a_wrong_filter_is_refused_at_the_character(played, text, place):
    status, answer = played.api.ask("users", filter=text)
    assert status == 400
    assert answer["error"]["position"] == place, answer


@pytest.mark.parametrize("view", NAMES)
def test_pages_are_the_whole_list_in_its_order(played, view):
    for sort in (None, "cost", "tokens:asc", "id", "id:desc"):
        whole = named(view, played.api.get(view, sort=sort, limit=1000)[view])
        assert len(whole) == len(played.entities(view))
        for limit in (1, 2, 7):
            assert named(view, played.api.every(view, sort=sort, limit=limit)) == whole, sort


@pytest.mark.parametrize("view", NAMES)
def test_pages_of_a_filtered_list(played, view):
    whole = named(view, played.api.get(view, filter="end_user exists", sort="cost", limit=1000)[view])
    assert named(view, played.api.every(view, filter="end_user exists", sort="cost", limit=2)) == whole


COMMON = {
    "observations": lambda row: row["observations"],
    "errors": lambda row: row["errors"],
    "tokens": lambda row: row["tokens"]["total"],
    "cost": lambda row: row["cost_usd"],
}
OWNERS = COMMON | {
    "last_event": lambda row: row["last_event"],
    "first_event": lambda row: row["first_event"],
    "traces": lambda row: row["traces"],
    "latency": lambda row: row["latency_ms"]["p95"],
}
SORTS = {
    "users": OWNERS | {"sessions": lambda row: row["sessions"]},
    "sessions": OWNERS | {"duration": lambda row: row["duration_ms"]},
    "traces": COMMON | {"timestamp": lambda row: row["timestamp"], "latency": lambda row: row["latency_ms"]},
}
DEFAULTS = {"users": "last_event", "sessions": "last_event", "traces": "timestamp"}


@pytest.mark.parametrize("view", NAMES)
def test_the_largest_come_first_or_last_and_the_unknown_at_the_end(played, view):
    for sort, key in SORTS[view].items():
        for direction, reverse in ((None, True), ("desc", True), ("asc", False)):
            rows = played.api.every(view, sort=f"{sort}:{direction}" if direction else sort, limit=5)
            values = [key(row) for row in rows]
            known = [value for value in values if value is not None]
            assert values == sorted(known, reverse=reverse) + [None] * (len(values) - len(known)), (sort, direction)


@pytest.mark.parametrize("view", NAMES)
def test_the_latest_come_first_unless_told_otherwise(played, view):
    values = [SORTS[view][DEFAULTS[view]](row) for row in played.api.every(view, limit=5)]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("view", NAMES)
def test_since_and_until_choose_what_was_active(played, view):
    since, until = NINETEENTH, NINETEENTH + DAY
    if view == "traces":
        active = {name for name, trace in played.oracle.traces.items() if since <= trace.start < until}
    else:
        groups = played.entities(view).items()
        active = {name for name, group in groups if group.last_event >= since and group.first_event < until}
    rows = played.api.every(view, since=timestamp(since), until=timestamp(until))
    assert set(named(view, rows)) == active
    assert 0 < len(active) < len(played.entities(view)) or view == "users"
    for row in rows:
        whole = FORMS[view](played.entities(view)[row[NAMES[view]]])
        views.assert_same(whole, row, "the totals are not cut")


@pytest.mark.parametrize("parameter", ["limit=0", "limit=1001", "sort=nonsense", "since=yesterday", "cursor=abc"])
def test_what_makes_no_sense_is_refused(played, parameter):
    name, value = parameter.split("=")
    status, answer = played.api.ask("users", **{name: value})
    assert status == 400 and answer["error"]["message"], answer
