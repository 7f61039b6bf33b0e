#!/usr/bin/env python3
"""A backend that refuses most calls (429, 502, 503, 504; half of them with Retry-After), and warns in some of those
that it takes: everything acknowledged arrives all the same."""

from support.script import Script

script = Script(
    __doc__, seconds=((6.0, 120.0), "of load"), percent=((70, 70), "of the calls that are refused")
)
arguments = script.arguments
with script.scene() as scene:
    scene.board.refuse_percent = arguments.percent
    # Half of the refusals say so: a second's wait.
    scene.board.retry_after = 1
    scene.board.partial_percent = 20
    scene.start()
    scene.play(arguments.seconds)
    # It goes on refusing to the end.
    scene.finish()
    script.check(scene.board.refused > 0, "the backend refused nothing")
script.end()
