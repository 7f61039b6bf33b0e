#!/usr/bin/env python3
"""A disk that refuses every write for a while under load: senders get a 503 (never a 200 for what is not kept), and are
served again when it takes writes again. And a start on a file system that is read-only: the collector says so and ends,
or takes nothing; afterwards it starts where it stopped. The second takes root; --no-mount leaves it out.

(A file system cannot be made read-only while somebody writes to it: the system says EBUSY. So the running collector
meets a limit of 0 bytes for what it writes, RLIMIT_FSIZE, instead.)"""

import time

from support.disks import Disk, refuse_writes
from support.script import Script

script = Script(
    __doc__,
    rounds=((2, 20), "how often the disk refuses"),
    seconds=((2.0, 5.0), "that it refuses, and that it works again"),
    no_mount=((False, False), "without the start on a read-only file system"),
)
arguments = script.arguments

with script.scene("refused_writes") as scene:
    scene.start()
    for _ in range(arguments.rounds):
        scene.play(arguments.seconds)
        refused = scene.load.counts[503]
        refuse_writes(scene.collector.process.pid)
        scene.play(arguments.seconds)
        if script.is_durable:
            script.check(scene.load.counts[503] > refused, "nobody was refused while nothing could be written")
        refuse_writes(scene.collector.process.pid, refuse=False)
        taken = scene.load.counts[200]
        scene.play(arguments.seconds)
        # Those that were refused were told to wait longer.
        for _ in range(10):
            if scene.load.counts[200] > taken:
                break
            scene.play(1)
        script.check(scene.load.counts[200] > taken, "nothing was taken when the disk worked again")
    scene.finish()

if not arguments.no_mount:
    with Disk(256) as disk, script.scene("start", storage=disk.path) as scene:
        scene.board.down = 1
        scene.start()
        scene.play(2)
        scene.collector.kill()
        disk.protect()
        scene.collector.start(wait=False)
        time.sleep(3)
        process = scene.collector.process
        ended = process.poll()
        scene.figure("when_read_only", "runs" if ended is None else f"ends with {ended}")
        script.check(ended in (None, 1), f"a start on a read-only file system ended with {ended}")
        if script.is_durable:
            said = scene.collector.said().rpartition("---- start")[2].lower()
            script.check("read-only" in said, "a start on a read-only file system did not say what is wrong")
        if ended is None:
            scene.collector.kill()
        scene.collector.process = None
        disk.protect(read_only=False)
        scene.collector.start()
        scene.board.down = 0
        # Two seconds' load and a kill: what was being recorded then is much of that.
        scene.finish(duplicates_percent=50)
script.end()
