"""Commands on a terminal of a chosen width, as a person has one."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from dataclasses import dataclass

from support.collector import binary
from support.waiting import PATIENCE


@dataclass(frozen=True)
class Shown:
    status: int
    text: str

    @property
    def lines(self):
        return self.text.replace("\r\n", "\n").splitlines()


def on_terminal(*arguments, width=80, typed="", cwd=None, env=None):
    """What a command shows, errors included, and how it ends. `typed` is on the keyboard from the start."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    process = subprocess.Popen(
        [binary(), *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "TERM": "xterm-256color", "NO_COLOR": "", **(env or {})},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    shown = b""
    while piece := read(ours):
        shown += piece
    os.close(ours)
    return Shown(process.wait(PATIENCE), shown.decode())


def read(terminal):
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        # The last one that had it open has ended.
        return b""
