"""What the ledger's settings change, by the golden scenario and the same calculation."""

import sqlite3
from contextlib import contextmanager
from decimal import Decimal

import pytest

from golden import views
from golden.building import moment
from golden.ledger_oracle import LedgerOracle
from golden.played import FORMS, NAMES, named
from golden.playing import ENDUSER, play, sent_places
from support.client import Client
from support.collector import run
from support.ledger import LedgerAPI, Ledgered, ledgered
from support.making import body, new_trace, span
from support.waiting import wait_until

GRACE = "grace@example.com"


@contextmanager
def played(folder, ledger=""):
    """A collector with these settings of the ledger, which got the scenario."""
    life = Ledgered(folder, enduser=ENDUSER, ledger=ledger).begin()
    try:
        play(life)
        whole = LedgerOracle(sent_places().values()).everything.observations
        wait_until(lambda: life.api.get("overview")["totals"]["observations"] >= whole, "the ledger")
        yield life
        life.end()
    finally:
        life.close()


def assert_knows(life, oracle):
    """Every row, and the sums over them."""
    for view in NAMES:
        expected = {name: FORMS[view](entity) for name, entity in getattr(oracle, view).items()}
        rows = life.api.every(view)
        assert sorted(named(view, rows)) == sorted(expected), view
        for row in rows:
            views.assert_same(expected[row[NAMES[view]]], row, f"{view} {row[NAMES[view]]}")
    views.assert_same(views.overview(oracle), life.api.get("overview"), "overview")
    keys = life.api.get("metadata", "keys")["keys"]
    views.assert_same(views.metadata_keys(oracle), keys, "metadata keys")


def test_a_trace_without_a_user_stays_nobodys(tmp_path):
    with played(tmp_path, "inherit_session_user: false") as life:
        oracle = LedgerOracle(life.places(), inherits_session_user=False)
        assert_knows(life, oracle)
        assert life.api.get("overview")["totals"]["anonymous_traces"] == 5


def test_a_trace_without_a_session_is_one_of_its_own(tmp_path):
    with played(tmp_path, "traces_are_sessions: true") as life:
        oracle = LedgerOracle(life.places())
        alone = {name for name, trace in oracle.traces.items() if trace.session is None}
        sessions = {row["session_id"]: row for row in life.api.every("sessions")}
        assert alone and set(sessions) == alone | set(oracle.sessions)
        for name in alone:
            assert sessions[name]["traces"] == 1
            assert sessions[name]["end_user_id"] == oracle.traces[name].user


@pytest.mark.parametrize(
    "match", ["model: house-llm-7b", "model: house-, match: prefix", "model: '^house-.*b$', match: regex"]
)
def test_a_price_of_ones_own(tmp_path, match):
    settings = f"prices: {{models: [{{{match}, input: 10, output: 100, cache_read: 1}}]}}"
    with played(tmp_path, settings) as life:
        overview = life.api.get("overview")
        assert overview["unpriced_models"] == []
        oracle = LedgerOracle(life.places())
        # 700 in and 120 out; 70 in and 12 out.
        more = Decimal("0.019") + Decimal("0.0019")
        views.assert_same(views.dollars(oracle.everything.cost + more, 200), overview["totals"]["cost_usd"], "cost")


def test_the_oldest_go_when_there_are_too_many(tmp_path):
    with played(tmp_path) as life:
        life.end()
        life.ledger = "dedup_window: 0s, retention: {max_traces: 15}"
        life.configure()
        life.begin()
        wait_until(lambda: life.api.get("overview")["totals"]["traces"] <= 15, "the old ones' leaving")
        kept = {trace.id for trace in LedgerOracle(life.places()).everything.traces[-15:]}
        assert_knows(life, LedgerOracle([place for place in life.places() if place.trace in kept]))


def test_what_is_too_old_goes(tmp_path):
    with played(tmp_path) as life:
        life.end()
        # Of the scenario one price's trace is from before all others, by months.
        life.ledger = "dedup_window: 0s, retention: {max_age: 87600h}"
        life.configure()
        life.begin()
        assert_knows(life, LedgerOracle(life.places()))
        old = span(new_trace(), "old", attributes={"enduser.id": "ada"})
        old.start_time_unix_nano, old.end_time_unix_nano = moment("2001-01-01T00:00:00"), moment("2001-01-01T00:00:01")
        with Client(life.port) as client:
            assert client.send(body(old)).status == 200
        known = old.trace_id.hex()
        wait_until(lambda: known in {place.trace for place in life.places()}, "the span in the file")
        wait_until(lambda: life.api.ask("traces", known)[0] == 404, "the old trace's leaving")
        assert_knows(life, LedgerOracle([place for place in life.places() if place.trace != known]))


@pytest.mark.parametrize("forgotten", ["refuse", "pseudonym"])
def test_who_is_forgotten_leaves_no_trace(tmp_path, forgotten):
    with played(tmp_path, f"forgotten: {forgotten}") as life:
        oracle = LedgerOracle(life.places())
        hers = {trace.id for trace in oracle.users[GRACE].traces}
        erased = life.command("users", "forget", GRACE, "--yes", url=True)
        assert (erased["traces"], erased["observations"]) == (len(hers), oracle.users[GRACE].observations)
        assert any(str(life.spans_file) in copy for copy in erased["copies"])
        rest = [place for place in life.places() if place.trace not in hers]
        assert_knows(life, LedgerOracle(rest))
        assert life.api.ask("users", GRACE)[0] == 404

        # She comes back: refused, or somebody without a name. Others are taken as before.
        again = span(new_trace(), "again", attributes={"enduser.id": GRACE, "session.id": "new"})
        other = span(new_trace(), "other", attributes={"enduser.id": "heidi"})
        with Client(life.port) as client:
            assert client.send(body(again, other)).status == 200
        wait_until(lambda: life.api.ask("users", "heidi")[0] == 200, "somebody else")
        status, row = life.api.ask("traces", again.trace_id.hex())
        assert status == (404 if forgotten == "refuse" else 200)
        if forgotten == "pseudonym":
            assert row["end_user_id"] == erased["pseudonym"] != GRACE
        assert life.api.ask("users", GRACE)[0] == 404

        life.end()
        for file in life.folder.glob("ledger.db*"):
            assert GRACE.encode() not in file.read_bytes(), f"{file.name} still names her"
        life.begin()
        assert life.api.ask("users", GRACE)[0] == 404


def test_a_token_is_asked_for(tmp_path):
    with ledgered(tmp_path, token="a-secret") as life:
        assert life.api.get("users") == {"users": [], "next_cursor": None}
        for wrong in (None, "another", "a-secre", "a-secrets"):
            stranger = LedgerAPI(life.api_port, wrong)
            status, answer = stranger.ask("users")
            assert status == 401 and answer["error"]["message"], wrong
        result = run("users", "--url", life.api.endpoint, "--token", "a-secret", "--json")
        assert result.returncode == 0, result.stderr
        result = run("users", "--url", life.api.endpoint, "--json")
        assert result.returncode != 0 and "token" in result.stderr
        life.end()


def test_a_span_that_two_pipelines_have_counts_once(tmp_path):
    life = Ledgered(tmp_path)
    text = life.config()
    line = text[text.index("    traces:") :].splitlines()
    second = ["    traces/second:"] + [each for each in line[1:] if each.startswith("      ")]
    life.config_file.write_text(text.replace("    traces:", "\n".join(second) + "\n    traces:", 1))
    life.begin()
    try:
        trace = new_trace()
        root = span(trace, attributes={"enduser.id": "ada", "gen_ai.usage.input_tokens": 5})
        with Client(life.port) as client:
            assert client.send(body(root, span(trace, parent=root.span_id))).status == 200
        wait_until(lambda: len(life.places()) == 4, "the spans of both pipelines")
        # At its end the ledger has what both have fed.
        life.end()
        [ada] = life.command("users")["users"]
        assert (ada["traces"], ada["observations"], ada["tokens"]["input"]) == (1, 2, 5)
    finally:
        life.close()


def size(path):
    return path.stat().st_size if path.exists() else 0


@pytest.mark.parametrize("durability", ["fsync", "buffered"])
def test_a_ledger_that_cannot_write_does_not_fill_the_spool(tmp_path, durability):
    life = Ledgered(tmp_path)
    text = life.config().replace("durability: buffered", f"durability: {durability}")
    life.config_file.write_text(text.replace("storage: {", "storage: {max_spool_mib: 16, "))
    life.begin()
    try:
        # Somebody who writes, and does not end it.
        other = sqlite3.connect(life.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        prompt = "x" * 500_000
        with Client(life.port) as client:
            for number in range(40):
                root = span(new_trace(), attributes={"enduser.id": "ada", "input.value": prompt, "number": number})
                wait_until(lambda root=root: client.send(body(root)).status == 200, f"request {number}", step=0.2)
                # So what fills the spool is what stays in it for the ledger.
                wait_until(lambda count=number + 1: size(life.spans_file) > count * len(prompt), "the span")
        other.execute("ROLLBACK")
        other.close()
        wait_until(lambda: life.api.get("overview")["totals"]["traces"] == 40, "the ledger")
        assert life.api.get("users", "ada")["traces"] == 40
        life.end()
    finally:
        life.close()


def test_without_the_extension_there_is_no_ledger(tmp_path):
    life = Ledgered(tmp_path)
    life.config_file.write_text(life.config().replace("  extensions: [ledger]\n", ""))
    life.begin()
    try:
        assert not life.database.exists()
        result = run("users", "--ledger", life.database)
        assert result.returncode != 0 and "ledger.db" in result.stderr
        life.end()
    finally:
        life.close()
