#!/usr/bin/env python3
"""No backend, and the spool's disk fills; then it returns. Senders must get a 503 with Retry-After when there is no
room left, and everything that they got a 200 for arrives. Twice: with a file system that is full, and with
`max_spool_mib` reached. The first takes root; --no-mount leaves it out."""

from support.disks import Disk
from support.script import Script

script = Script(
    __doc__,
    mib=((24, 256), "that the disk has, and the spool may take"),
    no_mount=((False, False), "only with max_spool_mib"),
)
arguments = script.arguments
# Whoever is refused waits for some seconds: with many senders, many are refused in a short time.
LOAD = {"span_bytes": 1000, "senders": 10}


def fill(scene):
    scene.board.down = 1
    scene.start()
    for _ in range(60 + arguments.mib):
        if scene.load.counts[503] >= 20:
            break
        scene.play(1)
    # Full for a while, and asked again and again.
    scene.play(2)
    counts = scene.load.counts
    scene.check(counts[503] >= 20, "hardly anybody was refused")
    scene.check(not counts["broken"], f"{counts['broken']} requests were not answered")
    scene.figure("stored_mib", round(scene.collector.stored_bytes / (1 << 20), 1))
    scene.board.down = 0
    scene.finish()


if not arguments.no_mount:
    with Disk(arguments.mib) as disk:
        with script.scene("full_disk", storage=disk.path, load=LOAD) as scene:
            fill(scene)
with script.scene("max_spool_mib", max_spool_mib=arguments.mib, load=LOAD) as scene:
    fill(scene)
script.end()
