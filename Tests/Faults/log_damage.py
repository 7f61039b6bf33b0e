#!/usr/bin/env python3
"""kill -9, then damage to the newest segment of the spool, or of an exporter's durable queue: cut off at an arbitrary
byte, a bit flipped, a block of zeros, or bytes appended that are no record. The collector starts, and everything
arrives that was not in a damaged record."""

import random
import re

from support.script import Script
from support.spans import place_of

script = Script(__doc__, rounds=((4, 40), "damages"), seconds=((2.0, 3.0), "of load before each"))
arguments = script.arguments
chance = random.Random(arguments.seed)
KINDS = ("cut", "flip", "zeros", "append")
# Where segments are, and how far a record may reach from a byte of it: one is a sender's request, the other one that
# leaves (a batch of 1 MiB and what the last trace brought).
LOGS = {"pipelines/*/requests/*": 256 << 10, "exporters/**/*": 1536 << 10}


class Segment:
    """A file in which spans were found, by their ids: whatever the log's format, it keeps spans as they came."""

    def __init__(self, path, reach, data, places):
        self.path, self.reach, self.data = path, reach, data
        # Offset and span id.
        self.places = places

    @classmethod
    def newest(cls, scene, pattern):
        """The one that was written last; None when nothing is there."""
        paths = (path for path in scene.collector.storage.glob(pattern) if path.is_file())
        for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True):
            data = path.read_bytes()
            found = re.finditer(re.escape(b"\x0a\x10" + scene.run) + rb".{8}\x12\x08(.{8})", data, re.DOTALL)
            places = [(span.start(), span[1]) for span in found]
            if places:
                return cls(path, LOGS[pattern], data, places)
        return None

    def damage(self, kind):
        """Damages the file. Returns the traces and indexes of the spans whose records may have been hit."""
        first, last = self.places[0][0], self.places[-1][0]
        begin = chance.randrange(first, last + 1)
        data = bytearray(self.data)
        if kind == "cut":
            del data[begin:]
            end = len(self.data)
        elif kind == "flip":
            data[begin] ^= 1 << chance.randrange(8)
            end = begin + 1
        elif kind == "zeros":
            end = min(len(data), begin + 4096)
            data[begin:end] = bytes(end - begin)
        else:
            data += chance.randbytes(chance.randrange(1, 5000))
            begin = end = None
        self.path.write_bytes(data)
        if begin is None:
            return []
        return [place_of(span) for at, span in self.places if begin - self.reach < at < end + self.reach]


excused, damages = {}, []
with script.scene() as scene:
    # Nothing leaves, so all of it is in the logs.
    scene.board.down = 1
    scene.start()
    for round in range(arguments.rounds):
        scene.play(arguments.seconds)
        scene.collector.kill()
        # Each kind of damage to each kind of log in turn.
        patterns = sorted(LOGS, reverse=(round // len(KINDS) + round) % 2 == 0)
        segment = next(filter(None, (Segment.newest(scene, pattern) for pattern in patterns)), None)
        if not script.check(segment, "no span was found in the storage"):
            break
        kind = KINDS[round % len(KINDS)]
        hit = segment.damage(kind)
        damages.append(f"{kind} of {segment.path.relative_to(scene.collector.storage).parts[0]}: {len(hit)}")
        for trace, index in hit:
            excused[trace] = excused.get(trace, 0) | 1 << index
        scene.collector.start()
    scene.board.down = 0
    scene.finish(excused=lambda trace: excused.get(trace, 0))
    ledger, arrived = scene.load.ledger, scene.board.arrived
    script.figures["damages_and_spans_about"] = ", ".join(damages)
    script.figures["lost_in_damaged_records"] = sum(
        (mask & ledger.acknowledged[trace] & ~arrived[trace]).bit_count() for trace, mask in excused.items()
    )
script.end()
