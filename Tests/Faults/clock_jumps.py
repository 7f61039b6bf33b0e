#!/usr/bin/env python3
"""The wall clock jumps a day forward and a day back while spans wait for their roots, and across a restart. No wait
ends early (its spans would leave without their user), and none hangs: a trace whose root never comes leaves when
`root_wait` is over. The collector runs with libfaketime, which changes the wall clock alone."""

import time
from pathlib import Path

from support.script import Script
from support.verdict import owed

DAY = 86_400
# A wait of `root_wait` may end so much later: the sweeper's step, the batch, the way to the backend on a busy machine.
SLACK = 6.0

libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
if not libraries:
    raise SystemExit("libfaketime is not installed: scripts/install-test-deps does it")
script = Script(
    __doc__, rate=5_000, jumps=((5, 60), "of the clock"), seconds=((1.2, 5.0), "between two jumps")
)
arguments = script.arguments
process = {
    "environment": {
        "LD_PRELOAD": str(libraries[0]),
        # In the collector's folder.
        "FAKETIME_TIMESTAMP_FILE": "clock",
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        # A remedy for old C libraries. With today's, it ends every wait for a condition at once.
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
    },
    # libfaketime adds a variable to the environment of the first process that it is loaded into, and with that moves it
    # in memory. Swift looks for a program's arguments in front of the environment, and would find none.
    "launcher": ("sh", "-c", 'exec "$0" "$@"'),
}
root_wait = 8

with script.scene(root_wait=root_wait, process=process, load={"late_root": 5.0}) as scene:

    def set_clock(seconds):
        new = scene.folder / "clock.new"
        new.write_text(f"{seconds:+d}\n")
        new.replace(scene.folder / "clock")

    set_clock(0)
    scene.start()
    for jump in range(arguments.jumps):
        scene.play(arguments.seconds)
        if jump % 3 == 2:
            # Across a restart: the clock jumps while there is no process.
            scene.collector.terminate()
            set_clock((DAY, -DAY)[jump // 3 % 2])
            scene.collector.start()
        else:
            set_clock((DAY, 0, -DAY, 0)[jump % 4])
    script.check(scene.load.finish(), "the senders could not get everything acknowledged")
    # The rootless ones leave by themselves: no restart helps.
    begun = time.monotonic()
    while owed(scene.load.ledger, scene.board) and time.monotonic() - begun < root_wait + SLACK:
        time.sleep(0.2)
    script.figures["last_span_left_after_seconds"] = round(time.monotonic() - begun, 1)
    hanging = len(owed(scene.load.ledger, scene.board))
    script.check(not hanging, f"{hanging} traces did not leave within root_wait and {SLACK:.0f} s")
    dates = {line[:10] for line in scene.collector.said(1 << 20).splitlines() if line[4:5] == "-" and line[7:8] == "-"}
    script.figures["dates_in_the_log"] = ", ".join(sorted(dates))
    script.check(len(dates) > 1, "the collector's clock did not jump")
    scene.finish()
# libfaketime leaves shared memory behind, named after the process.
for number in scene.collector.numbers:
    for name in (f"faketime_shm_{number}", f"sem.faketime_sem_{number}"):
        Path("/dev/shm", name).unlink(missing_ok=True)
script.figures["jumps"] = arguments.jumps
script.end()
