#!/usr/bin/env python3
"""kill -9 at random moments under load, and at once a new start on the same port, storage and ledger: at the end the ledger
has every acknowledged span of every end user once, although requests were repeated, and its file is whole. Some kills
hit the start itself."""

import time

from support.accounts import differences, integrity, owed, told
from support.collector import free_port
from support.script import Script

script = Script(
    __doc__,
    rate=10_000,
    rounds=((4, 100), "how often it is killed"),
    seconds=((2.0, 3.0), "of a round, about"),
    patience=((30.0, 120.0), "seconds until the ledger must have what it is owed"),
)
arguments = script.arguments
port = free_port()


def settle(load):
    """Waits until the ledger has what it is owed; returns how many users' accounts are wrong, and which."""
    expected, deadline = owed(load), time.monotonic() + arguments.patience
    while True:
        found = differences(expected, told(port))
        if not found[0] or time.monotonic() > deadline:
            return found
        time.sleep(0.5)


parts = {"load": {"late_root": 2 * arguments.seconds, "usage": True}, "batch_timeout": script.batch_timeout}
with script.scene(ledger_port=port, **parts) as scene:
    scene.start()
    scene.kill_at_random(arguments.rounds, arguments.seconds)
    scene.finish()
    scene.collector.start()
    wrong, words = settle(scene.load)
    scene.collector.terminate()
    state = integrity(scene.folder / "ledger.db")
    expected = owed(scene.load)
    script.figures |= {
        "users": len(expected),
        "ledger_observations": sum(account.observations for account in expected.values()),
        "wrong_accounts": wrong,
        "integrity": state,
    }
    script.check(expected, "nobody is owed anything")
    script.check(not wrong, f"{wrong} accounts are wrong: {words}")
    script.check(state == "ok", f"the ledger's file is damaged: {state}")
script.figures["rounds"] = arguments.rounds
script.end()
