#!/usr/bin/env python3
"""A backend that resets the connection in the middle of many bodies: nothing is lost."""

from support.script import Script

script = Script(
    __doc__, seconds=((6.0, 120.0), "of load"), percent=((50, 50), "of the requests that are cut off")
)
arguments = script.arguments
with script.scene() as scene:
    scene.board.reset_percent = arguments.percent
    scene.start()
    scene.play(arguments.seconds)
    scene.finish()
    script.check(scene.board.reset > 0, "the backend reset nothing")
script.end()
