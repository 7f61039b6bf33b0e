"""The golden scenario: every number of every view of the ledger against an independent calculation over what the file
exporter wrote; also when the collector was killed in the middle."""

import random
from contextlib import closing

import pytest

from golden import views
from golden.filters import FILTERS, WRONG
from golden.ledger_oracle import LedgerOracle, timestamp
from golden.playing import ENDUSER, play, sent_places
from golden.schedule import schedule
from support.ledger import Ledgered
from support.waiting import PATIENCE, wait_until

# After how many acknowledged requests the process is killed; the last one is another each time.
KILLS = [None, 3, 30, random.randrange(1, len(schedule()))]


class Played:
    """The scenario after it was sent: what must be known, and who is asked."""

    def __init__(self, life):
        self.api, self.life = life.api, life
        self.oracle = LedgerOracle(life.places())

    def entities(self, view):
        return getattr(self.oracle, view)

    def rows(self, view):
        """What a list must have, by name."""
        form = {"users": views.user, "sessions": views.session, "traces": views.trace}[view]
        return {name: form(entity) for name, entity in self.entities(view).items()}


NAMES = {"users": "end_user_id", "sessions": "session_id", "traces": "trace_id"}


def named(view, rows):
    return [row[NAMES[view]] for row in rows]


@pytest.fixture(scope="module", params=KILLS, ids=lambda kill: f"killed after {kill}" if kill else "undisturbed")
def played(request, tmp_path_factory):
    with closing(Ledgered(tmp_path_factory.mktemp("golden"), enduser=ENDUSER)) as life:
        play(life.begin(), request.param)
        whole = sum(len(trace.observations) for trace in LedgerOracle(sent_places().values()).traces.values())

        def observations():
            return sum(row["observations"] for row in life.api.every("traces"))

        try:
            wait_until(lambda: observations() >= whole, "the ledger", patience=PATIENCE / 2, step=0.1)
        except AssertionError:
            pass  # the comparisons tell more
        yield Played(life)
        life.end()


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
        actual = [day for day in played.api.get("users", name)["days"] if day["traces"]]
        views.assert_same(expected, actual, f"days of {name}")


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
    views.assert_same(views.overview(played.oracle), played.api.get("overview"), "overview")


def test_the_keys_of_metadata(played):
    views.assert_same(views.metadata_keys(played.oracle), played.api.get("metadata", "keys"), "metadata keys")


@pytest.mark.parametrize(
    ("text", "view", "holds"),
    [(text, view, holds) for text, known, holds in FILTERS for view in known],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_filters(played, text, view, holds):
    expected = sorted(name for name, entity in played.entities(view).items() if holds(entity))
    assert sorted(named(view, played.api.every(view, filter=text))) == expected


@pytest.mark.parametrize(("text", "place"), WRONG)
def test_a_wrong_filter_is_refused_at_the_character(played, text, place):
    status, answer = played.api.ask("users", filter=text)
    assert status == 400
    assert answer["error"]["position"] == place, answer


@pytest.mark.parametrize("view", NAMES)
def test_pages_are_the_whole_list_in_its_order(played, view):
    whole = named(view, played.api.get(view, limit=1000)[view])
    for limit in (1, 2, 7):
        assert named(view, played.api.every(view, limit=limit)) == whole


def test_since_and_until_choose_what_was_active(played):
    since, until = timestamp(1_795_046_400 * 10**9), timestamp(1_795_132_800 * 10**9)  # 2026-11-19 to 20
    for view in ("users", "sessions"):
        expected = {
            name
            for name, group in played.entities(view).items()
            if timestamp(group.last_event) >= since and timestamp(group.first_event) < until
        }
        assert set(named(view, played.api.every(view, since=since, until=until))) == expected
        views_of = played.rows(view)
        for row in played.api.every(view, since=since, until=until):
            views.assert_same(views_of[row[NAMES[view]]], row, "totals are not cut")
    expected = {name for name, trace in played.oracle.traces.items() if since <= timestamp(trace.start) < until}
    assert set(named("traces", played.api.every("traces", since=since, until=until))) == expected
