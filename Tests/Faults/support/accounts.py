"""What a ledger must know after a load, by end user, and what it says it does."""

import json
import sqlite3
import urllib.request
from collections import defaultdict
from dataclasses import dataclass

from support.spans import Plan

PAGE = 1000


@dataclass
class Account:
    traces: int = 0
    observations: int = 0
    input: int = 0
    output: int = 0


def owed(load):
    """By end user (None: nobody), from the spans that were acknowledged, each once. A root's tokens are not counted beside
    those of what is below it."""
    accounts = defaultdict(Account)
    for trace in range(load.ledger.traces):
        acknowledged = load.ledger.acknowledged[trace]
        if not acknowledged:
            continue
        account = accounts[Plan(trace).user if acknowledged & 1 else None]
        account.traces += 1
        account.observations += acknowledged.bit_count()
        for index in range(1 if acknowledged > 1 else 0, acknowledged.bit_length()):
            if acknowledged >> index & 1:
                tokens_in, tokens_out = load.maker.tokens(trace, index)
                account.input += tokens_in
                account.output += tokens_out
    return dict(accounts)


def told(port):
    """By end user, as the ledger's endpoint says; under None what is nobody's, by the difference to the whole."""
    accounts, cursor = {}, None
    while True:
        page = _get(port, f"/users?limit={PAGE}" + (f"&cursor={cursor}" if cursor else ""))
        for user in page["users"]:
            accounts[user["end_user_id"]] = _account(user)
        cursor = page["next_cursor"]
        if not cursor:
            break
    whole = _account(_get(port, "/overview")["totals"])
    named = list(accounts.values())
    rest = {name: total - sum(getattr(each, name) for each in named) for name, total in vars(whole).items()}
    return accounts | ({None: Account(**rest)} if any(rest.values()) else {})


def _get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1{path}", timeout=60) as answer:
        return json.load(answer)


def _account(row):
    tokens = row["tokens"]
    return Account(row["traces"], row["observations"], tokens["input"] or 0, tokens["output"] or 0)


def differences(owed, told):
    """How many users have other accounts than they should, and the first of them in words."""
    wrong = [user for user in owed.keys() | told.keys() if owed.get(user) != told.get(user)]
    words = [f"{user}: {told.get(user)} instead of {owed.get(user)}" for user in sorted(wrong, key=str)[:3]]
    return len(wrong), "; ".join(words)


def integrity(database):
    """What SQLite says of a ledger's file: `ok`, or what is wrong with it."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return "; ".join(row[0] for row in connection.execute("PRAGMA integrity_check"))
