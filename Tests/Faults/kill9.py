#!/usr/bin/env python3
"""kill -9 at random moments under load, and at once a new start on the same port and storage: what was acknowledged
arrives. Some kills hit the start itself."""

from support.script import Script

script = Script(__doc__, rounds=((4, 100), "how often it is killed"), seconds=((3.0, 3.0), "of a round, about"))
arguments = script.arguments
with script.scene(batch_timeout=script.batch_timeout, load={"late_root": 2 * arguments.seconds}) as scene:
    scene.start()
    scene.kill_at_random(arguments.rounds, arguments.seconds)
    scene.finish()
script.figures["rounds"] = arguments.rounds
script.end()
