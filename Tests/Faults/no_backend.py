#!/usr/bin/env python3
"""10,000 spans a second and no backend at all: the resident memory stays under the memory limiter's limit throughout.
When the backend comes, everything acknowledged arrives."""

from support.script import Script

script = Script(
    __doc__,
    rate=10_000,
    seconds=((20.0, 600.0), "without a backend"),
    limit_mib=((128, 256), "of memory"),
)
arguments = script.arguments
largest = 0


def look():
    global largest
    largest = max(largest, scene.collector.resident_bytes)


with script.scene(limit_mib=arguments.limit_mib, load={"span_bytes": 700}) as scene:
    scene.board.down = 1
    scene.start()
    scene.play(arguments.seconds, look)
    ledger = scene.load.ledger
    taken = sum(ledger.acknowledged[trace].bit_count() for trace in range(ledger.traces))
    script.figures["taken_without_backend"] = taken
    script.figures["refused_without_backend"] = scene.load.counts[503]
    script.figures["stored_mib"] = round(scene.collector.stored_bytes / (1 << 20), 1)
    script.check(taken, "nothing was taken")
    scene.board.down = 0
    scene.play(1, look)
    scene.finish()
script.figures["largest_resident_mib"] = round(largest / (1 << 20), 1)
script.figures["limit_mib"] = arguments.limit_mib
script.check(largest <= arguments.limit_mib << 20, "the resident memory exceeded the limit")
script.end()
