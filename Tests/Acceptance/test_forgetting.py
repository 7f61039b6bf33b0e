"""`heirloom users forget ID`, with a collector running, through its file and its endpoint."""

import json

import pytest

from support.client import Client
from support.collector import run
from support.ledger import ledgered
from support.making import body, trace_of
from support.pseudoterminal import on_terminal
from support.waiting import wait_until


@pytest.fixture
def life(tmp_path):
    with ledgered(tmp_path) as life:
        send(life, "ada", "grace")
        yield life


def send(life, *users):
    """A trace of three spans for each, and waits for the last of them."""
    traces = [trace_of(2, {"enduser.id": user, "session.id": f"session of {user}"})[0] for user in users]
    with Client(life.port) as client:
        for trace in traces:
            assert client.send(body(*trace)).status == 200
    wait_until(lambda: users[-1] in known(life), f"a trace of {users[-1]}")


def known(life):
    return {user["end_user_id"]: user["traces"] for user in life.api.get("users")["users"]}


def place(life, way):
    return ["--config", life.config_file] if way == "file" else ["--url", life.api.endpoint]


@pytest.mark.parametrize("way", ["file", "collector"])
def test_a_user_is_erased_and_stays_so(life, way):
    result = run("users", "forget", "ada", "--yes", *place(life, way), cwd=life.folder)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Erased of ada: 1 traces, 1 sessions, 3 observations.\n")
    for copy in [f"spool-{life.port}: ", f"{life.spans_file}: "]:
        assert copy in result.stdout
    assert known(life) == {"grace": 1}
    assert run("user", "ada", *place(life, way), cwd=life.folder).returncode == 1
    assert run("session", "session of ada", *place(life, way), cwd=life.folder).returncode == 1
    # Later spans are taken, handed on, and not counted.
    send(life, "ada", "hopper")
    assert known(life) == {"grace": 1, "hopper": 1}
    for file in life.folder.glob("ledger.db*"):
        assert b"session of ada" not in file.read_bytes(), file


def test_without_a_terminal_it_wants_to_be_sure(life):
    result = run("users", "forget", "ada", *place(life, "file"), cwd=life.folder)
    assert result.returncode == 2 and "--yes" in result.stderr and result.stdout == ""
    assert known(life) == {"ada": 1, "grace": 1}


@pytest.mark.parametrize(("typed", "status", "left"), [("y\n", 0, {"grace": 1}), ("n\n", 1, {"ada": 1, "grace": 1})])
def test_a_person_is_asked(life, typed, status, left):
    shown = on_terminal("users", "forget", "ada", *place(life, "file"), typed=typed, cwd=life.folder)
    assert shown.status == status
    assert "1 traces, 1 sessions, 3 observations of ada" in shown.text and "[y/N]" in shown.text
    assert known(life) == left


def test_json_says_what_went(life):
    result = run("users", "forget", "ada", "--yes", "--json", *place(life, "collector"), cwd=life.folder)
    report = json.loads(result.stdout)
    assert {key: report[key] for key in ("end_user_id", "traces", "sessions", "observations", "pseudonym")} == {
        "end_user_id": "ada",
        "traces": 1,
        "sessions": 1,
        "observations": 3,
        "pseudonym": None,
    }
    assert len(report["copies"]) >= 2
