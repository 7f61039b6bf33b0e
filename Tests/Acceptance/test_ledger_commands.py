"""The commands that ask the ledger: what they show a person, and what they give to a program."""

import csv
import io
import json
import re
import subprocess
import unicodedata
import urllib.request

import pytest

from support.client import Client
from support.collector import binary, run
from support.ledger import ledgered
from support.making import START, body, new_trace, span
from support.pseudoterminal import on_terminal
from support.waiting import PATIENCE, wait_until

EVIL = "evil\x1b[2J\x07\u202eid\n\x9b"
WIDE = "漢字ユーザー"
SECOND = 10**9
DAY = 86_400 * SECOND
ERROR = 2
COLOUR = re.compile(r"\x1b\[\d*m")


def conversation(user, session, start, **answer):
    """A trace of four spans, with a model call that tells tokens."""
    trace = new_trace()
    root = span(
        trace,
        "chat",
        attributes={"enduser.id": user, "session.id": session},
        start_time_unix_nano=start,
        end_time_unix_nano=start + 4 * SECOND,
    )
    search = span(trace, "search", parent=root.span_id, start_time_unix_nano=start, end_time_unix_nano=start + SECOND)
    embed = span(trace, "embed", parent=search.span_id, start_time_unix_nano=start, end_time_unix_nano=start + 1000)
    model = span(
        trace,
        "answer",
        parent=root.span_id,
        start_time_unix_nano=start + 2 * SECOND,
        end_time_unix_nano=start + 4 * SECOND,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 12_000,
            "gen_ai.usage.output_tokens": 500,
        },
        **answer,
    )
    return [model, embed, search, root]


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A ledger with a few conversations, and more traces of nobody than a pipe holds."""
    failed = {"status": {"code": ERROR, "message": "rate limited:\n\x1b[31mlater"}}
    traces = [
        conversation("ada", "s-1", START),
        conversation("ada", "s-1", START + DAY, **failed),
        conversation("ada", "s-2", START + 2 * DAY),
        conversation(EVIL, "s-3", START),
        conversation(WIDE, "s-4", START),
        conversation("a/b c", "s-5", START),
        *[[span(new_trace(), f"lonely {number}")] for number in range(700)],
    ]
    with ledgered(tmp_path_factory.mktemp("commands")) as life:
        with Client(life.port) as client:
            assert client.send(body(*[each for trace in traces for each in trace])).status == 200
        wait_until(lambda: life.api.get("overview")["totals"]["traces"] == len(traces), "all traces in the ledger")
        life.trace = traces[1][0].trace_id.hex()
        yield life


@pytest.fixture
def ask(asked):
    """Asks the file; returns the finished command."""
    return lambda *arguments, **parts: run(*arguments, "--ledger", asked.database, cwd=asked.folder, **parts)


def width(text):
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text
    )


CHOICES = [
    (["--filter", "model is gpt-4o"], ["answer"]),
    (["--filter", "error or cost > 1"], ["answer"]),
    # What counts of a span, whoever told it; and what its trace hands down.
    (["--filter", "cost > 0.03 and end_user is ada and session is s-1"], ["answer"]),
    (["--filter", "latency <= 1s"], ["search", "embed"]),
    (["--filter", "not model exists"], ["chat", "search", "embed"]),
    (["--filter", "end_user is bob"], []),
    (["--sort", "latency"], ["chat", "answer", "search", "embed"]),
    (["--sort", "latency:asc", "--limit", "2"], ["embed", "search"]),
    (["--sort", "tokens"], ["answer", "chat", "search", "embed"]),
    (["--sort", "name"], ["answer", "chat", "embed", "search"]),
    (["--since", "2023-11-15T22:13:21Z"], ["answer"]),
    (["--until", "2023-11-15T22:13:21Z"], ["chat", "search", "embed"]),
]

COMMANDS = [["users"], ["user", "ada"], ["sessions"], ["session", "s-1"], ["traces"], ["trace", None], ["overview"]]


def command(words, asked):
    return [asked.trace if word is None else word for word in words]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_the_file_and_the_collector_give_the_same(asked, ask, words):
    words = command(words, asked)
    for form in [[], ["--json"]]:
        from_file = ask(*words, *form)
        from_collector = run(*words, *form, "--url", asked.api.endpoint)
        assert from_file.returncode == from_collector.returncode == 0, from_file.stderr + from_collector.stderr
        assert from_file.stdout == from_collector.stdout != ""


def test_json_is_the_answer_of_the_api(asked, ask):
    for words, path in [
        (["users", "--limit", "2"], "users?limit=2"),
        (["user", "a/b c"], "users/a%2Fb%20c"),
        (["trace", asked.trace], f"traces/{asked.trace}"),
        (["overview"], "overview"),
    ]:
        with urllib.request.urlopen(f"{asked.api.endpoint}/api/v1/{path}", timeout=PATIENCE) as answer:
            assert ask(*words, "--json").stdout == answer.read().decode() + "\n"


def test_a_table_says_what_the_ledger_knows(ask):
    lines = ask("users", "--filter", "end_user is ada").stdout.splitlines()
    titles = "USER TRACES SESSIONS TOKENS COST ERRORS P95 LAST EVENT MODELS"
    assert lines[0].split() == titles.split()
    last_event = ask("users", "--json", "--filter", "end_user is ada").stdout.split('"last_event":"')[1][:24]
    # gpt-4o: 2.50 and 10 dollars a million.
    assert lines[1].split() == ["ada", "3", "2", "37.5k", "$0.1050", "1", "4.0", "s", last_event, "gpt-4o"]
    assert len(lines) == 2


@pytest.mark.parametrize("columns", [200, 80, 60, 45])
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_tables_fit_the_terminal(asked, words, columns):
    shown = on_terminal(*command(words, asked), "--ledger", asked.database, width=columns)
    assert shown.status == 0
    lines = [COLOUR.sub("", line) for line in shown.lines]
    in_table = [line for line in lines if not line.startswith("(the first")]
    assert in_table and all(width(line) <= columns for line in in_table), in_table


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"]], ids=["table", "json", "csv"])
@pytest.mark.parametrize(
    "words",
    [["users"], ["user", EVIL], ["sessions"], ["session", "s-3"], ["traces", "--limit", "1000"], ["trace", None]],
    ids=lambda words: words[0],
)
def test_nothing_that_was_sent_gives_a_terminal_orders(asked, words, form):
    shown = on_terminal(*command(words, asked), *form, "--ledger", asked.database, env={"NO_COLOR": "1"})
    assert shown.status == 0
    orders = [each for each in shown.text if unicodedata.category(each) in ("Cc", "Cf") and each not in "\r\n"]
    assert not orders


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_colours_are_for_terminals_that_want_them(asked, ask, env):
    words = ["trace", asked.trace]
    assert COLOUR.search(on_terminal(*words, "--ledger", asked.database).text)
    assert "\x1b" not in on_terminal(*words, "--ledger", asked.database, env=env).text
    assert "\x1b" not in ask(*words).stdout


def test_a_trace_is_a_tree(asked, ask):
    lines = ask("trace", asked.trace).stdout.splitlines()
    assert lines[0] == f"{asked.trace}  chat"
    assert any(re.fullmatch(r"  end user +ada", line) for line in lines)
    tree = lines[lines.index("SPANS") + 2 :]
    for line, start in zip(tree, ["chat  ", "├─ search  ", "│  └─ embed  ", "└─ answer  "], strict=True):
        assert line.startswith(start)
    figures = ["llm", "2.0", "s", "██████████", "12.5k", "$0.0350", "gpt-4o"]
    assert tree[3].split()[2:] == [*figures, "error:", "rate", r"limited:\n\u{1b}[31mlater"]


@pytest.mark.parametrize("words, names", CHOICES, ids=lambda each: " ".join(each))
def test_spans_of_a_trace_are_chosen(asked, ask, words, names):
    text = ask("trace", asked.trace, *words).stdout
    lines = text.splitlines()
    titles = [place for place, line in enumerate(lines) if line.startswith("SPANS")]
    found = [line.split()[0] for line in lines[titles[0] + 2 :]] if titles else []
    # Two spans of this trace start together, and the smaller id is first.
    together = {"chat", "search", "embed"} if "--filter" in words or "--until" in words or "tokens" in words else set()
    order = [name for name in found if name not in together], sorted(found)
    assert order == ([name for name in names if name not in together], sorted(names))
    assert run("trace", asked.trace, *words, "--url", asked.api.endpoint).stdout == text
    rows = list(csv.DictReader(io.StringIO(ask("trace", asked.trace, *words, "--csv").stdout, newline="")))
    assert [row["name"] for row in rows] == found and {row["depth"] for row in rows} <= {"0"}
    if "--limit" not in words:
        spans = json.loads(ask("trace", asked.trace, *words, "--json").stdout)["spans"]
        assert [each["name"] for each in spans] == found and not any(each["children"] for each in spans)


def test_what_no_span_has_is_said_with_its_place(asked, ask):
    result = ask("trace", asked.trace, "--filter", "error and sessions > 3")
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.splitlines()[1:] == ["  error and sessions > 3", "            ^"]
    result = ask("trace", asked.trace, "--sort", "sessions")
    assert result.returncode == 1 and "there are timestamp, latency, tokens, cost, name" in result.stderr


def test_the_turns_of_a_session_are_in_order(ask):
    rows = list(csv.DictReader(io.StringIO(ask("session", "s-1", "--csv").stdout, newline="")))
    assert [row["timestamp"] for row in rows] == ["2023-11-14T22:13:20.000Z", "2023-11-15T22:13:20.000Z"]


def test_csv_has_what_json_has(asked, ask):
    for words in [["users"], ["sessions"], ["traces", "--limit", "1000"]]:
        rows = json.loads(ask(*words, "--json").stdout)[words[0]]
        # Without the translation of line ends that text files get.
        output = subprocess.run(
            [binary(), *words, "--csv", "--ledger", str(asked.database)],
            capture_output=True,
            timeout=PATIENCE,
            check=True,
        ).stdout.decode()
        found = list(csv.reader(io.StringIO(output, newline=""), strict=True))
        assert len(found) == len(rows) + 1
        for row, fields in zip(rows, found[1:]):
            for name, field in zip(found[0], fields, strict=True):
                assert field == as_field(value_of(row, name)), name


def value_of(row, name):
    """tokens_cache_read is row["tokens"]["cache_read"]."""
    if name in row:
        return row[name]
    group = next(key for key in row if name.startswith(key + "_") and isinstance(row[key], dict))
    return row[group][name.removeprefix(group + "_")]


def as_field(value):
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case list() | dict():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        case _:
            return f"{value:.9f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def test_times_choose(ask):
    def found(*bounds):
        rows = json.loads(ask("traces", "--filter", "end_user is ada", "--json", *bounds).stdout)["traces"]
        return [row["timestamp"][:10] for row in rows]

    assert found() == ["2023-11-16", "2023-11-15", "2023-11-14"]
    assert found("--since", "2023-11-15") == ["2023-11-16", "2023-11-15"]
    assert found("--until", "2023-11-15T22:13:20Z") == ["2023-11-14"]
    assert found("--since", "2023-11-15T23:13:20+01:00", "--until", "2023-11-16") == ["2023-11-15"]
    assert found("--since", "7d") == []
    assert len(found("--since", "10000d")) == 3


@pytest.mark.parametrize("place", ["file", "collector"])
def test_a_wrong_filter_is_shown_with_the_place(asked, place):
    where = ["--ledger", asked.database] if place == "file" else ["--url", asked.api.endpoint]
    for text, caret in [("cost > 0.5 and end_user iss ada", 24), ("sessions > 3", 0)]:
        result = run("traces", "--filter", text, *where)
        assert result.returncode == 1 and result.stdout == ""
        lines = result.stderr.splitlines()
        assert lines[0].startswith("heirloom: filter: ")
        assert lines[1:] == ["  " + text, "  " + " " * caret + "^"]


@pytest.mark.parametrize("place", ["file", "collector"])
def test_the_place_is_shown_in_its_column(asked, place):
    where = ["--ledger", asked.database] if place == "file" else ["--url", asked.api.endpoint]
    for value, columns in [("日本語", 6), ("\u202e", 8), ("é😀", 3), ("a\tb", 3)]:
        text = f'end_user is "{value}" and cost > cheap'
        lines = run("traces", "--filter", text, *where).stderr.splitlines()
        assert lines[1].startswith('  end_user is "') and lines[1].endswith('" and cost > cheap')
        assert lines[2] == " " * (2 + 13 + columns + 13) + "^"
    shown = on_terminal("traces", "--filter", f'end_user is {"日" * 2000} and cost > cheap', *where, width=40)
    line, caret = shown.lines[-2:]
    assert width(line) <= 40 and line.endswith("日 and cost > cheap")
    assert caret == " " * width(line.removesuffix("cheap")) + "^"


@pytest.mark.parametrize("words", [["user", "nobody"], ["session", "none"], ["trace", "0" * 32], ["trace", "x"]])
def test_what_is_not_there_is_named(ask, words):
    result = ask(*words)
    assert result.returncode == 1 and result.stdout == ""
    assert f'knows no {"end user" if words[0] == "user" else words[0]} "{words[1]}"' in result.stderr


MISUSES = ["user", "users ada", "users --limit 0", "trace a --filter b --why", "users --since x", "users --json --csv"]


@pytest.mark.parametrize("words", [misuse.split() for misuse in MISUSES], ids=MISUSES)
def test_misuse_is_told_apart(ask, words):
    result = ask(*words)
    assert result.returncode == 2 and result.stdout == "" and result.stderr.startswith("heirloom: ")


ORDERS = "a\x1b[31m\u202e\u009b\n\tb"
QUOTED = ["%", "--%", "traces %", "traces --%", "traces --since %", "traces --ledger %"]


@pytest.mark.parametrize("words", [quoted.split() for quoted in QUOTED], ids=QUOTED)
def test_an_argument_that_is_quoted_gives_a_terminal_no_orders(words):
    shown = on_terminal(*(word.replace("%", ORDERS) for word in words), width=200)
    assert shown.status != 0 and "a\\u{1b}[31m\\u{202e}\\u{9b}" in shown.text
    assert not [each for each in shown.text if unicodedata.category(each) in ("Cc", "Cf") and each not in "\r\n"]


def test_the_longest_filter_and_a_longer_one(asked):
    start = "end_user is not "
    for length, status, says in [((65536 - len(start)) // 3, 0, ""), (22_000, 1, "65536"), (43_000, 1, "shorter")]:
        result = run("users", "--limit", "1", "--filter", start + "€" * length, "--url", asked.api.endpoint)
        assert result.returncode == status and says in result.stderr, result.stderr[:300]


def test_a_reader_that_has_enough_ends_it_silently(asked):
    words = [binary(), "traces", "--all", "--csv", "--ledger", str(asked.database)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b"trace_id,")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 0


def test_all_of_a_list(ask):
    assert len(ask("traces").stdout.splitlines()) == 51
    assert "--all" in ask("traces").stderr
    assert len(ask("traces", "--all").stdout.splitlines()) == 707
    assert ask("traces", "--all").stderr == ""


def test_the_ledger_of_the_configuration(asked, tmp_path):
    expected = run("users", "--json", "--ledger", asked.database).stdout
    assert run("users", "--json", "--config", asked.config_file, cwd=tmp_path).stdout == expected
    missing = run("users", cwd=tmp_path)
    assert missing.returncode == 1
    for word in ["heirloom-data/ledger.db", "--ledger", "--config", "--url"]:
        assert word in missing.stderr
    (tmp_path / "heirloom-data").mkdir()
    (tmp_path / "heirloom-data/ledger.db").symlink_to(asked.database)
    assert run("users", "--json", cwd=tmp_path).stdout == expected


def test_a_collector_with_a_token(tmp_path):
    with ledgered(tmp_path, ledger="token: open-sesame") as life:
        words = ["users", "--url", life.api.endpoint]
        refused = run(*words)
        assert refused.returncode == 1 and "--token" in refused.stderr and "HEIRLOOM_LEDGER_TOKEN" in refused.stderr
        assert run(*words, "--token", "open-says-me").returncode == 1
        assert run(*words, "--token", "open-sesame").returncode == 0
        assert run(*words, env={"HEIRLOOM_LEDGER_TOKEN": "open-sesame"}).returncode == 0
        # The file asks for nothing: whoever may read it may read it.
        assert run("users", "--ledger", life.database).returncode == 0


def test_what_is_no_ledger_is_left_alone(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("not a ledger, but long enough to be looked at\n" * 100)
    for words in [["users"], ["users", "forget", "ada", "--yes"]]:
        result = run(*words, "--ledger", file)
        assert result.returncode == 1 and "not a ledger" in result.stderr
    assert file.read_text().startswith("not a ledger") and list(tmp_path.iterdir()) == [file]


def test_every_command_has_a_help():
    for words in [["help", "users"], ["trace", "--help"]]:
        result = run(*words)
        assert result.returncode == 0 and result.stdout.startswith("usage: heirloom ")
