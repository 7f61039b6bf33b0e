"""scripts/install-deps, with stand-ins for the system's tools that write down how they were called."""

import subprocess

import pytest

from support.collector import REPOSITORY

APT = """#!/bin/bash
echo "apt-get $*" >> "$CALLS"
case "$1" in
  install) [ -e "$STATE/updated" ] || [ -e "$STATE/fresh" ] || exit 100; touch "$STATE/all" ;;
  update) touch "$STATE/updated" ;;
esac
"""

# Knows every package once they were installed, before that all but libyaml-dev.
DPKG_QUERY = """#!/bin/bash
shift 2
for package in "$@"; do
  [ -e "$STATE/all" ] || [ "$package" != libyaml-dev ] || continue
  echo "installed $package"
done
[ -e "$STATE/all" ]
"""


@pytest.fixture
def install(tmp_path):
    """Runs the script as that user: with sudo's answer, and what it did."""
    tools, state, calls = tmp_path / "bin", tmp_path / "state", tmp_path / "calls"
    tools.mkdir()
    state.mkdir()

    def tool(name, text):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)

    def run(user=0, sudo=False, there=False, fresh=True):
        tool("apt-get", APT)
        tool("dpkg-query", DPKG_QUERY)
        tool("id", f"#!/bin/sh\necho {user}\n")
        tool("sudo", '#!/bin/sh\nshift\nexec "$@"\n' if sudo else "#!/bin/sh\nexit 1\n")
        for name, holds in (("all", there), ("fresh", fresh)):
            if holds:
                (state / name).touch()
        result = subprocess.run(
            [REPOSITORY / "scripts/install-deps"],
            env={"PATH": f"{tools}:/usr/bin:/bin", "CALLS": str(calls), "STATE": str(state)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        return result, calls.read_text().splitlines() if calls.exists() else []

    return run


INSTALL = "apt-get install -y -q --no-install-recommends libyaml-dev"


def test_nothing_is_done_when_all_is_there(install):
    result, calls = install(there=True)
    assert (result.returncode, result.stdout, result.stderr, calls) == (0, "", "", [])


def test_root_installs_what_is_missing(install):
    result, calls = install()
    assert result.returncode == 0, result.stderr
    assert calls == [INSTALL]


def test_package_lists_are_fetched_only_where_they_are_needed(install):
    result, calls = install(fresh=False)
    assert result.returncode == 0, result.stderr
    assert calls == [INSTALL, "apt-get update -q", INSTALL]


def test_sudo_is_used_where_it_asks_for_no_password(install):
    result, calls = install(user=1000, sudo=True)
    assert result.returncode == 0, result.stderr
    assert calls == [INSTALL]


def test_who_may_not_install_is_told_the_command(install):
    result, calls = install(user=1000)
    assert result.returncode != 0
    assert "apt-get update && apt-get install -y --no-install-recommends libyaml-dev" in result.stderr
    assert calls == []
