"""Four SDKs feed one collector, each on behalf of another user: what the ledger then says of each."""

import pytest

from golden.views import Between, Unordered, assert_same
from support.ledger import ledgered
from support.waiting import wait_until

# What each application's user comes to: computed by hand from the application.
LENA = {
    "traces": 2,
    "observations": 6,
    "sessions": 1,
    "errors": 1,
    "tokens": {"input": 800, "output": 100, "total": 900, "cache_read": 200, "cache_write": None, "reasoning": None},
    # One was told; the other: 300 in at 2.5 a million, 100 cached at 1.25, 50 out at 10.
    "cost_usd": 0.003 + 0.001375,
    "metadata": {"plan": "pro", "team": "blue"},
    "models": ["gpt-4o"],
    "tags": ["draft"],
}
NORA = {
    "traces": 2,
    "observations": 8,
    "sessions": 1,
    "errors": 1,
    "tokens": {"input": 2000, "output": 200, "total": 2200, "cache_read": 400, "cache_write": None, "reasoning": None},
    # Each: 800 in at 0.15 a million, 200 cached at 0.075, 100 out at 0.6.
    "cost_usd": 2 * 0.000195,
    "metadata": {"plan": "pro", "seats": 3},
    "models": ["gpt-4o-mini"],
    "tags": ["prod"],
}
OLGA = {
    "traces": 2,
    "observations": 10,
    "sessions": 1,
    "errors": 2,
    # The agents' sums are no tokens of their own.
    "tokens": {"input": 2800, "output": 140, "total": 2940, "cache_read": 2000, "cache_write": None, "reasoning": None},
    # Four calls: 200 in at 3 a million, 500 cached at 0.3, 35 out at 15.
    "cost_usd": 4 * 0.001275,
    "metadata": {"plan": "free"},
    "models": ["claude-sonnet-4-6"],
    "tags": ["rag", "q0", "q1"],
}
TARA = {
    "traces": 2,
    "observations": 8,
    "sessions": 1,
    "errors": 0,
    "tokens": {"input": 1200, "output": 80, "total": 1280, "cache_read": None, "cache_write": None, "reasoning": None},
    # One call: 600 in at 2.5 a million, 40 out at 10. The other model has no price.
    "cost_usd": 0.0019,
    "metadata": {"plan": "team"},
    "models": ["gpt-4o", "house-llm-7b"],
    "tags": [],
}
USERS = {"lena": LENA, "nora": NORA, "olga": OLGA, "tara": TARA}
SESSIONS = {"lena": "letters", "nora": "desk-1", "olga": "ask-1", "tara": "reports"}
WORKFLOWS = {"lena": "letter", "nora": "desk", "olga": "POST /ask", "tara": "report"}


@pytest.fixture(scope="module")
def fed(tmp_path_factory, run_app):
    with ledgered(tmp_path_factory.mktemp("sdks")) as life:
        run_app(
            "ledger_langfuse.py",
            # As it is: the path is the SDK's own.
            {"LANGFUSE_BASE_URL": life.endpoint, "LANGFUSE_PUBLIC_KEY": "pk-test", "LANGFUSE_SECRET_KEY": "sk-test"},
        )
        run_app("ledger_neatlogs.py", {"NEATLOGS_ENDPOINT": life.endpoint, "NEATLOGS_API_KEY": "a-key"})
        run_app("ledger_openinference.py", {"OTEL_EXPORTER_OTLP_ENDPOINT": life.endpoint})
        run_app(
            "ledger_traceloop.py",
            {"ENDPOINT": life.endpoint, "TRACELOOP_METRICS_ENABLED": "false", "TRACELOOP_TELEMETRY": "false"},
        )
        # A marker that comes last changes nothing, so there is nothing to wait for it by: the file has it.
        whole = sum(user["observations"] for user in USERS.values())
        wait_until(lambda: sum(row["observations"] for row in life.api.every("traces")) >= whole, "the ledger")
        wait_until(lambda: sum(p.span.name == "neatlogs.trace.complete" for p in life.places()) == 2, "markers")
        yield life
        life.end()


def test_nobody_else_is_known(fed):
    assert sorted(row["end_user_id"] for row in fed.api.every("users")) == sorted(USERS)
    assert all(row["end_user_id"] in USERS for row in fed.api.every("traces"))


@pytest.mark.parametrize("name", USERS)
def test_each_user_has_what_his_application_told(fed, name):
    expected = dict(USERS[name])
    for list_name in ("models", "tags"):
        expected[list_name] = Unordered(expected[list_name])
    expected["cost_usd"] = Between(expected["cost_usd"] - 1e-8, expected["cost_usd"] + 1e-8)
    assert_same(expected, fed.api.get("users", name), name)


@pytest.mark.parametrize("name", USERS)
def test_each_user_has_one_session_with_both_traces(fed, name):
    (session,) = fed.api.every("users", name, "sessions")
    expected = {
        "session_id": SESSIONS[name],
        "end_user_id": name,
        "conflicting_end_users": False,
        "traces": 2,
        "workflows": [WORKFLOWS[name]],
        "tokens": USERS[name]["tokens"],
    }
    assert_same(expected, session, name)
    assert {row["session_id"] for row in fed.api.every("users", name, "traces")} == {SESSIONS[name]}


def test_a_model_without_a_price_is_told(fed):
    traces = {row["models"][0]: row["cost_usd"] for row in fed.api.every("users", "tara", "traces")}
    assert traces["house-llm-7b"] is None and traces["gpt-4o"] > 0


def test_what_the_file_and_the_ledger_say_is_the_same(fed):
    """The ledger knows a trace when it is accepted, the file when it has left."""
    known = {row["trace_id"] for row in fed.api.every("traces")}
    wait_until(lambda: {place.trace for place in fed.places()} == known, "the file")
