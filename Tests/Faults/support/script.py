"""The frame of a fault script: its arguments, the scene that it plays in, its table and its end."""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from support.board import Board
from support.collector import Collector, config, free_port
from support.oracle import Load
from support.verdict import DUPLICATES_PERCENT, judge, nothing, owed, still_owed

FOLDER = Path(__file__).resolve().parents[1]


class Script:
    """Reads the arguments that all scripts have, and those in `options`: name, (short, long) defaults, and what it
    means.

        script = Script(__doc__, rounds=((4, 100), "how often it is killed"))
        with script.scene() as scene: …
        script.end()
    """

    def __init__(self, description, durability="buffered", rate=20_000, **options):
        self.name = Path(sys.argv[0]).stem
        parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
        parser.add_argument("--long", action="store_true", help="the long form")
        parser.add_argument(
            "--durability",
            default=durability,
            choices=("fsync", "buffered", "memory", "unset"),
            help=f"of the collector; `unset` leaves the key out (default: {durability})",
        )
        parser.add_argument("--rate", type=int, default=rate, help=f"spans a second (default: {rate})")
        parser.add_argument("--seed", type=int, default=None, help="of what is random (default: a new one each time)")
        parser.add_argument("--json", metavar="PATH", help="append the figures to this file, as a line of JSON")
        parser.add_argument("--keep", action="store_true", help="keep the folder with the collector's log and storage")
        for name, ((short, long), text) in options.items():
            flag = "--" + name.replace("_", "-")
            if isinstance(short, bool):
                parser.add_argument(flag, action="store_true", help=text)
            else:
                parser.add_argument(flag, type=type(short), help=f"{text} (default: {short}, long: {long})")
        self.arguments = parser.parse_args()
        for name, ((short, long), _) in options.items():
            if getattr(self.arguments, name) is None:
                setattr(self.arguments, name, long if self.arguments.long else short)
        if self.arguments.seed is None:
            self.arguments.seed = int.from_bytes(os.urandom(4), "big")
        self.figures = {}
        self.faults = []
        self._begun = time.monotonic()
        # Ends the collector and the backend as well.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    @property
    def durability(self):
        return None if self.arguments.durability == "unset" else self.arguments.durability

    @property
    def batch_timeout(self):
        """For a collector that is killed. Each kill may catch a batch that the backend has and has not answered
        yet, and the few of a short form are no average: small batches bring as many second arrivals, more evenly."""
        return None if self.arguments.long else "50ms"

    @property
    def is_durable(self):
        return self.arguments.durability != "memory"

    def check(self, holds, sentence):
        """Takes note when a promise does not hold."""
        if not holds:
            self.faults.append(sentence)
        return holds

    @contextmanager
    def scene(self, label="", **parts):
        """See `Scene`. What goes wrong in it is a fault, and shows the end of the collector's log."""
        scene = Scene(self, label, **parts)
        try:
            yield scene
        except AssertionError as error:
            scene.check(False, str(error))
        finally:
            scene.close()

    def end(self):
        """Prints the figures, and ends with 0 when every promise was kept, else with 1."""
        self.figures["seconds"] = round(time.monotonic() - self._begun, 1)
        width = max(map(len, self.figures))
        print(f"\n{self.name}  durability={self.arguments.durability}  seed={self.arguments.seed}")
        for name, value in self.figures.items():
            text = f"{value:,}" if isinstance(value, (int, float)) and not isinstance(value, bool) else value
            print(f"  {name.replace('_', ' '):{width}}  {text}")
        for fault in self.faults:
            print(f"  BROKEN: {fault}")
        print("  kept" if not self.faults else "  not kept", flush=True)
        if self.arguments.json:
            line = {
                "script": self.name,
                "durability": self.arguments.durability,
                "long": self.arguments.long,
                "kept": not self.faults,
                "faults": self.faults,
                **self.figures,
            }
            with open(self.arguments.json, "a") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.exit(1 if self.faults else 0)


class Scene:
    """A backend, a collector in front of it and senders in front of that.

    `label` stands before the names of the figures, where a script has several scenes. `root_wait` is in seconds; the
    further parts of the collector's configuration are those of `collector.config`. `process` and `load` are more
    arguments of `Collector` and of `Load`, `storage` is a folder to have the spool in. The collector runs, and the
    senders send, from `start` on; `finish` ends both and judges."""

    def __init__(self, script, label="", root_wait=60, storage=None, process=None, load=None, rate=None, **parts):
        self.script, self.label, self.root_wait, self.parts = script, label, root_wait, parts
        self.folder = Path(tempfile.mkdtemp(prefix=f"heirloom-{script.name}-"))
        self.run = os.urandom(8)
        self.upstream = free_port()
        self.board = Board(self.folder / "board", create=True)
        self._backend = subprocess.Popen(
            [sys.executable, "-m", "support.backend", self.board.path, self.run.hex(), str(self.upstream)],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
        )
        self.collector = Collector(self.folder, free_port(), **(process or {}))
        if storage:
            # The storage is another file system's.
            self.collector.storage.symlink_to(storage)
        rate = script.arguments.rate if rate is None else rate
        self.load = Load(self.collector.port, self.run, rate, seed=script.arguments.seed, **(load or {}))

    def config(self, **changes):
        """The configuration's text; `root_wait` in seconds."""
        parts = {"root_wait": self.root_wait, **self.parts, **changes}
        parts["root_wait"] = f"{parts['root_wait']}s"
        return config(self.collector.port, self.upstream, self.script.durability, **parts)

    def start(self, load=True):
        self.collector.configure(self.config())
        self.collector.start()
        if load:
            self.load.start()
        return self

    def kill_at_random(self, rounds, seconds):
        """Kills the collector so often, after about so many seconds each time, and starts it at once."""
        chance = random.Random(self.script.arguments.seed)
        for round in range(rounds):
            # One in four hits a collector that is still reading what the one before left.
            early = round % 4 == 3
            time.sleep(chance.uniform(0, 0.3) if early else seconds * chance.uniform(0.5, 1.5))
            self.collector.kill()
            self.collector.start(wait=False)
        self.collector.wait_until_receiving()

    def play(self, seconds, watch=None):
        """Lets so much time pass under load, calling `watch` five times a second; less when the collector ends."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.collector.note_unasked_end():
                raise AssertionError(f"the collector ended by itself with {self.collector.unasked_ends[-1]}")
            if watch:
                watch()
            time.sleep(0.2)

    def finish(self, patience=20, excused=nothing, duplicates_percent=DUPLICATES_PERCENT):
        """Has the senders finish, waits until everything has arrived or nothing has changed for `patience` seconds, and
        judges. What waits for a root that never comes is brought out by starting again with a short wait."""
        script, ledger, board = self.script, self.load.ledger, self.board
        if not self.collector.is_running:
            self.collector.note_unasked_end()
            self.collector.start()
        self.check(self.load.finish(max(60, 3 * patience)), "the senders could not get everything acknowledged")
        # Without durability a stop ends all waits: a trace that was cut in two by it is not promised its user.
        whole = script.is_durable or len(self.collector.numbers) == 1
        if whole:
            in_time = self._wait(owed(ledger, board, True, excused), patience, excused)
            self.check(in_time, "spans with an acknowledged root stayed in the collector")
        self.collector.configure(self.config(root_wait=1))
        stop = self.collector.terminate()
        start = self.collector.start()
        self._wait(owed(ledger, board, False, excused), patience, excused)
        # What comes twice comes now.
        time.sleep(1)
        self.collector.terminate()
        figures = {"last_stop_seconds": round(stop, 2), "last_start_seconds": round(start, 2)}
        self.judge(excused, duplicates_percent, whole, **figures)

    def judge(self, excused=nothing, duplicates_percent=DUPLICATES_PERCENT, identity=True, **figures):
        """Adds the verdict to the script's figures, and its faults to the script's."""
        script, board, counts = self.script, self.board, self.load.counts
        verdict = judge(self.load.ledger, board, 0.9 * self.root_wait if identity else 0, excused)
        figures = asdict(verdict) | {
            "duplicates_percent": verdict.duplicates_percent,
            "traces": self.load.ledger.traces,
            "answers": ", ".join(f"{name}: {count:,}" for name, count in sorted(counts.items(), key=str)),
            "backend_refused_or_reset": board.refused + board.reset,
            **figures,
        }
        for name, value in figures.items():
            self.figure(name, value)
        for fault in verdict.faults(duplicates_percent):
            self.check(False, fault)
        self.check(verdict.judged or not identity, "no span arrived whose root was acknowledged in time")
        self.check(not board.unreadable, f"{board.unreadable} requests to the backend could not be read")
        self.check(not self.load.complaints, f"refused for good: {'; '.join(self.load.complaints)}")
        told = counts["refused without Retry-After"]
        self.check(not told, f"{told} refusals without Retry-After")
        ends = self.collector.unasked_ends
        self.check(not ends, f"the collector ended by itself: {', '.join(map(str, ends))}")

    def figure(self, name, value):
        self.script.figures[f"{self.label}_{name}" if self.label else name] = value

    def check(self, holds, sentence):
        return self.script.check(holds, f"{self.label.replace('_', ' ')}: {sentence}" if self.label else sentence)

    def _wait(self, traces, patience, excused):
        """Until these traces have arrived in full, or nothing has changed for so long."""
        changed, spans = time.monotonic(), self.board.spans
        while traces:
            if time.monotonic() - changed > patience:
                return False
            if not self.collector.note_unasked_end():
                return False
            time.sleep(0.2)
            if self.board.spans != spans:
                changed, spans = time.monotonic(), self.board.spans
            traces = still_owed(traces, self.load.ledger, self.board, excused)
        return True

    def close(self):
        self.load.stop()
        if self.collector.is_running:
            self.collector.process.kill()
            self.collector.process.wait()
        self._backend.stdin.close()
        self._backend.wait()
        if self.script.faults:
            print(f"---- the end of the collector's log\n{self.collector.said()}----", file=sys.stderr)
        if self.script.arguments.keep:
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
