#!/usr/bin/env python3
"""SIGTERM under full load, a new start on the same port and storage, again and again: a stop loses nothing, ends with
status 0 and within its time."""

import random

from support.script import Script

script = Script(__doc__, rounds=((3, 30), "how often it is stopped"), seconds=((2.0, 4.0), "of a round"))
arguments = script.arguments
chance = random.Random(arguments.seed)
slowest_stop = slowest_start = 0.0
with script.scene() as scene:
    scene.start()
    for _ in range(arguments.rounds):
        scene.play(arguments.seconds * (0.5 + chance.random()))
        slowest_stop = max(slowest_stop, scene.collector.terminate())
        slowest_start = max(slowest_start, scene.collector.start())
    scene.finish()
script.figures |= {
    "rounds": arguments.rounds,
    "slowest_stop_seconds": round(slowest_stop, 2),
    "slowest_start_seconds": round(slowest_start, 2),
}
# shutdown_timeout is 10 s.
script.check(slowest_stop < 15, f"a stop took {slowest_stop:.1f} s")
script.end()
