"""File systems that can be filled, write-protected and cut off. Mounting takes root."""

import fcntl
import os
import resource
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

# EXT4_IOC_SHUTDOWN, and its flag to go down without writing the journal out: what a power cut leaves.
SHUTDOWN, WITHOUT_FLUSH = 0x8004587D, 2


def _run(*command):
    result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if result.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}: {result.stderr.strip()}")


class Disk:
    """A small file system of its own, as a context: in memory (tmpfs), or with `power` an ext4 in a file, whose power
    can be cut. `path` is where it is mounted."""

    def __init__(self, mib, power=False):
        if os.geteuid():
            raise SystemExit("mounting takes root: run this as root, or say --no-mount where the script knows it")
        self.mib, self.power = mib, power
        self._folder = Path(tempfile.mkdtemp(prefix="heirloom-disk-"))
        self.path = self._folder / "mounted"
        self._image = self._folder / "image"

    def __enter__(self):
        try:
            self.path.mkdir()
            if self.power:
                with open(self._image, "wb") as image:
                    image.truncate(self.mib << 20)
                _run("mkfs.ext4", "-q", self._image)
            self._mount()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        return self

    def __exit__(self, *_):
        self._unmount(lazily=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _mount(self):
        if self.power:
            _run("mount", "-o", "loop", self._image, self.path)
        else:
            _run("mount", "-t", "tmpfs", "-o", f"size={self.mib}m", "heirloom-faults", self.path)

    def _unmount(self, lazily=False):
        for _ in range(50):
            try:
                return _run("umount", self.path)
            except AssertionError:
                time.sleep(0.1)
        _run("umount", *(["-l"] if lazily else []), self.path)

    def cut_power(self):
        """From now on every access fails, and what was not synced is gone."""
        folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", WITHOUT_FLUSH))
        finally:
            os.close(folder)

    def restore_power(self):
        """Mounts what is left. Nobody may have files open there."""
        self._unmount()
        self._mount()

    def protect(self, read_only=True):
        """Refused by the system while somebody has a file open for writing."""
        _run("mount", "-o", "remount,ro" if read_only else "remount,rw", self.path)


def refuse_writes(process, refuse=True):
    """The system refuses everything that a process writes to files, with EFBIG; its sockets are not concerned."""
    hard = resource.prlimit(process, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(process, resource.RLIMIT_FSIZE, (0 if refuse else hard, hard))
