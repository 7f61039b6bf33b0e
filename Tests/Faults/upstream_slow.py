#!/usr/bin/env python3
"""A backend that takes up to two seconds for each answer: nothing is lost, and the senders are served as long as there
is room."""

from support.script import Script

script = Script(
    __doc__,
    seconds=((6.0, 120.0), "of load"),
    milliseconds=((2000, 2000), "that an answer takes at most"),
)
arguments = script.arguments
with script.scene() as scene:
    scene.board.slow_milliseconds = arguments.milliseconds
    scene.start()
    scene.play(arguments.seconds)
    scene.finish()
script.end()
