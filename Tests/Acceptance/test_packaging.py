"""packaging/: what other programs make of it."""

import shutil
import subprocess

import pytest

from support.collector import REPOSITORY, binary
from support.waiting import PATIENCE

UNIT = REPOSITORY / "packaging/heirloom.service"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_understands_the_unit(tmp_path):
    # What is not installed here can't be started.
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/usr/local/bin/heirloom", binary()))
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=PATIENCE
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
