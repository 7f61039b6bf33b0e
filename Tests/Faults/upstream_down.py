#!/usr/bin/env python3
"""A backend that is gone for a while, as nobody listens on its port, and returns: everything that was acknowledged
before, meanwhile and afterwards arrives, and the senders are served as long as there is room."""

from support.script import Script

script = Script(
    __doc__, rate=15_000, seconds=((2.0, 15.0), "of load before and after"), down=((8.0, 300.0), "seconds without it")
)
arguments = script.arguments
with script.scene() as scene:
    scene.start()
    scene.play(arguments.seconds)
    scene.board.down = 1
    before = scene.load.counts[200]
    scene.play(arguments.down)
    script.figures["requests_taken_without_backend"] = scene.load.counts[200] - before
    script.check(scene.load.counts[200] > before, "nothing was taken while the backend was gone")
    scene.board.down = 0
    scene.play(arguments.seconds)
    scene.finish()
script.end()
