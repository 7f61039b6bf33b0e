#!/usr/bin/env python3
"""The power is cut under load: the file system forgets what was not synced (an ext4 that is shut down without a flush),
and the collector is killed. With `fsync` everything acknowledged arrives; with `buffered` all but what was acknowledged
in about the last sync_interval. Takes root."""

import time

from support.disks import Disk
from support.script import Script

script = Script(
    __doc__,
    durability="fsync",
    rounds=((2, 30), "how often the power is cut"),
    seconds=((3.0, 3.0), "of a round"),
)
arguments = script.arguments
# A sync takes its time, too.
unsafe_seconds = 0 if arguments.durability == "fsync" else 0.3 + 1
taken, cuts = [], []


def unsafe():
    """By trace: a mask of the spans that were acknowledged shortly before a cut."""
    masks = {}
    for when, parts in taken:
        if any(cut - unsafe_seconds < when < cut + 1 for cut in cuts):
            for trace, first, end in parts:
                masks[trace] = masks.get(trace, 0) | (1 << end) - (1 << first)
    return masks


with Disk(1024, power=True) as disk, script.scene(storage=disk.path, sync_interval="300ms") as scene:
    if unsafe_seconds:
        scene.load.observer = lambda parts: taken.append((time.monotonic(), parts))
    scene.start()
    for _ in range(arguments.rounds):
        scene.play(arguments.seconds)
        cuts.append(time.monotonic())
        disk.cut_power()
        # A collector that goes on without a disk must not say 200.
        time.sleep(0.2)
        scene.collector.kill()
        disk.restore_power()
        scene.collector.start()
    excused = unsafe()
    # What was sent when the power failed comes again.
    scene.finish(excused=lambda trace: excused.get(trace, 0), duplicates_percent=100)
    ledger, arrived = scene.load.ledger, scene.board.arrived
    script.figures["lost_in_the_unsafe_seconds"] = sum(
        (mask & ledger.acknowledged[trace] & ~arrived[trace]).bit_count() for trace, mask in excused.items()
    )
script.figures["rounds"] = arguments.rounds
script.end()
