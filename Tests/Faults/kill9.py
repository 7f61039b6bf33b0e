#!/usr/bin/env python3
"""kill -9 at random moments under load, and at once a new start on the same port and storage: what was acknowledged
arrives. Some kills hit the start itself."""

import random
import time

from support.script import Script

script = Script(__doc__, rounds=((4, 100), "how often it is killed"), seconds=((3.0, 3.0), "of a round, about"))
arguments = script.arguments
chance = random.Random(arguments.seed)
with script.scene(load={"late_root": 2 * arguments.seconds}) as scene:
    scene.start()
    for round in range(arguments.rounds):
        # One in four hits a collector that is still reading what the one before left.
        early = round % 4 == 3
        time.sleep(chance.uniform(0, 0.3) if early else arguments.seconds * chance.uniform(0.5, 1.5))
        scene.collector.kill()
        scene.collector.start(wait=False)
    scene.collector.wait_until_receiving()
    scene.finish()
script.figures["rounds"] = arguments.rounds
script.end()
