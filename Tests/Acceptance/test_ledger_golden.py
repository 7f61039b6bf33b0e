"""The golden scenario: every number of every view of the ledger against an independent calculation over what the file
exporter wrote; also when the collector was killed in the middle."""

import pytest

from golden import views
from golden.ledger_oracle import DAY, timestamp
from golden.played import NAMES, named


@pytest.mark.parametrize("view", NAMES)
def test_every_number_of_every_row(played, view):
    expected = played.rows(view)
    actual = played.api.every(view)
    assert sorted(named(view, actual)) == sorted(expected)
    for row in actual:
        views.assert_same(expected[row[NAMES[view]]], row, f"{view} {row[NAMES[view]]}")


@pytest.mark.parametrize("view", NAMES)
def test_one_of_them_alone(played, view):
    for name, row in played.rows(view).items():
        views.assert_same(row, played.api.get(view, name), f"{view} {name}")


def test_a_user_by_days(played):
    for name, user in played.oracle.users.items():
        expected = [views.day(day, group) for day, group in played.oracle.days(user.traces).items()]
        views.assert_same(expected, played.api.get("users", name)["days"], f"days of {name}")
        half = user.traces[len(user.traces) // 2].start // DAY * DAY
        later = [day for day in expected if day["date"] >= timestamp(half)[:10]]
        views.assert_same(later, played.api.get("users", name, since=timestamp(half))["days"], f"later days of {name}")


def test_what_belongs_to_a_user(played):
    for name, user in played.oracle.users.items():
        traces = played.api.every("users", name, "traces")
        assert sorted(named("traces", traces)) == sorted(trace.id for trace in user.traces)
        sessions = played.api.every("users", name, "sessions")
        assert sorted(named("sessions", sessions)) == sorted(session.name for session in user.sessions)
        for row in traces:
            views.assert_same(played.rows("traces")[row["trace_id"]], row, row["trace_id"])
        for row in sessions:
            views.assert_same(played.rows("sessions")[row["session_id"]], row, row["session_id"])


def test_the_turns_of_a_session(played):
    for name, session in played.oracle.sessions.items():
        turns = played.api.get("sessions", name)["turns"]
        assert named("traces", turns) == [trace.id for trace in session.traces]


def test_the_tree_of_each_trace(played):
    for trace_id, trace in played.oracle.traces.items():
        views.assert_same(views.tree(trace), played.api.get("traces", trace_id)["spans"], f"trace {trace.name}")


def test_the_overview(played):
    overview = played.api.get("overview")
    views.assert_same(views.overview(played.oracle), overview, "overview")
    for name, distribution in overview["distribution"].items():
        expected, known = views.in_buckets(played.oracle, name, distribution["buckets"])
        assert distribution["buckets"] == expected, name
        assert sum(bucket["users"] for bucket in expected) == known == len(played.oracle.users), name


def test_the_keys_of_metadata(played):
    keys = played.api.get("metadata", "keys")["keys"]
    views.assert_same(views.metadata_keys(played.oracle), keys, "metadata keys")
    plan = next(each for each in keys if each["key"] == "plan")
    assert sorted(plan["examples"]) == ["free", "pro", "team"]


@pytest.mark.parametrize("view", NAMES)
def test_the_command_line_says_the_same(played, view):
    """From the ledger's file, beside the collector that writes it, and from the running collector."""
    rows = played.api.get(view, limit=1000)[view]
    assert played.life.command(view, "--all")[view] == rows
    assert played.life.command(view, "--all", url=True)[view] == rows
    for name in played.entities(view):
        alone = played.life.command(view.removesuffix("s"), name, "--all" if view == "traces" else "--limit=1000")
        views.assert_same(played.rows(view)[name], alone, f"{view} {name}")


def test_every_answer_is_as_the_document_says(played):
    faults = []
    played.api.check = lambda path, answer: faults.extend(played.openapi.faults(f"/api/v1/{path}", 200, answer))
    try:
        for view in NAMES:
            played.api.every(view, limit=7)
            for name in played.entities(view):
                played.api.get(view, name)
        for name in played.oracle.users:
            played.api.get("users", name, "traces")
            played.api.get("users", name, "sessions")
        played.api.get("overview")
        played.api.get("metadata", "keys")
    finally:
        played.api.check = lambda path, answer: None
    assert not faults, "\n".join(faults)
