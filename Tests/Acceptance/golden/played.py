"""The scenario after it was sent: what must be known, and who is asked."""

import os
import random
from contextlib import closing

from golden import views
from golden.ledger_oracle import LedgerOracle
from golden.playing import ENDUSER, play, sent_places
from golden.schedule import schedule
from support.ledger import Ledgered
from support.openapi import OpenAPI
from support.waiting import PATIENCE, wait_until

# After how many acknowledged requests the process is killed; the last one is another each time, and the same in all processes
# of one run.
CHANCE = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID"))
KILLS = [None, 3, 30, CHANCE.randrange(1, len(schedule()))]

NAMES = {"users": "end_user_id", "sessions": "session_id", "traces": "trace_id"}
FORMS = {"users": views.user, "sessions": views.session, "traces": views.trace}


def named(view, rows):
    return [row[NAMES[view]] for row in rows]


class Played:
    def __init__(self, life):
        self.api, self.life = life.api, life
        self.oracle = LedgerOracle(life.places())
        self.openapi = OpenAPI(life.api.get("openapi.json"))

    def entities(self, view):
        return getattr(self.oracle, view)

    def rows(self, view):
        """What a list must have, by name."""
        return {name: FORMS[view](entity) for name, entity in self.entities(view).items()}


def playing(folder, kill_after, make=Ledgered):
    """Yields the scenario played in this folder, to what `make` makes."""
    with closing(make(folder, enduser=ENDUSER)) as life:
        play(life.begin(), kill_after)
        whole = LedgerOracle(sent_places().values()).everything.observations

        def observations():
            return sum(row["observations"] for row in life.api.every("traces"))

        try:
            wait_until(lambda: observations() >= whole, "the ledger", patience=PATIENCE / 2, step=0.1)
        except AssertionError:
            pass  # the comparisons tell more
        yield Played(life)
        life.end()
