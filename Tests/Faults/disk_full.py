#!/usr/bin/env python3
"""No backend, and the spool's disk fills; then it returns. Senders must get a 503 with Retry-After when there is no room
left, and everything that they got a 200 for arrives. Twice: with a file system that is full, and with `max_spool_mib`
reached. The first takes root; --no-mount leaves it out."""

from support.disks import Disk
from support.script import Script

script = Script(
    __doc__,
    mib=((24, 256), "that the disk has, and the spool may take"),
    no_mount=((False, False), "only with max_spool_mib"),
)
arguments = script.arguments


def fill(scene, form):
    scene.board.down = 1
    scene.start()
    full = lambda: scene.load.counts[503] >= 50
    for _ in range(60 + arguments.mib):
        if full():
            break
        scene.play(1)
    script.check(full(), f"{form}: nobody was refused")
    # Full for a while, and asked again and again.
    scene.play(2)
    counts = scene.load.counts
    script.figures[f"{form}_stored_mib"] = round(scene.collector.stored_bytes / (1 << 20), 1)
    script.check(not counts["refused without Retry-After"], f"{form}: a 503 without Retry-After")
    script.check(not counts["broken"], f"{form}: {counts['broken']} requests were not answered")
    scene.board.down = 0
    scene.finish()
    script.figures[f"{form}_lost"] = script.figures["lost"]


if not arguments.no_mount:
    with Disk(arguments.mib) as disk, script.scene(storage=disk.path, load={"span_bytes": 1000}) as scene:
        fill(scene, "full_disk")
with script.scene(max_spool_mib=arguments.mib, load={"span_bytes": 1000}) as scene:
    fill(scene, "max_spool_mib")
script.end()
