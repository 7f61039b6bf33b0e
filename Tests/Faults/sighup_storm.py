#!/usr/bin/env python3
"""SIGHUP ten times a second under load, while the configuration changes between two valid ones and a broken one: no
span is lost, no connection refused and no request left without an answer."""

import time

from support.script import Script

script = Script(__doc__, seconds=((8.0, 120.0), "of load"), signals=((10, 10), "a second"))
arguments = script.arguments
with script.scene() as scene:
    scene.start()
    texts = [scene.config(root_wait=50), "receivers: [otlp\n", scene.config()]
    sent = 0
    end = time.monotonic() + arguments.seconds
    while time.monotonic() < end:
        scene.collector.configure(texts[sent % len(texts)])
        if not scene.collector.note_unasked_end():
            raise AssertionError("the collector ended by itself")
        scene.collector.hang_up()
        sent += 1
        time.sleep(1 / arguments.signals)
    counts = scene.load.counts
    script.check(not counts["not connected"], f"{counts['not connected']} connections were refused")
    script.check(not counts["broken"], f"{counts['broken']} requests were left without an answer")
    scene.finish()
script.figures["signals"] = sent
script.end()
