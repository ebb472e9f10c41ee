"""Where nobody knows the user: a container's arbitrary UID without a passwd entry and without HOME; and cron's line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mailcore.model.run import Phase
from mailcore.system import user_directories
from tests.mailcore.conftest import House, wait_until
from tests.tools.elsewhere import opened

SCRIPTS = Path(sys.executable).parent
UNKNOWN = 54321
"""No passwd entry has this UID."""

COMMANDS = [
    ["mailcore", "doctor"],
    ["mailcore", "usage"],
    ["mailcore", "agents"],
    ["mailcore", "send", "@writer", "s", "b", "--from", "@operator"],
    ["mailcore", "config"],
    ["praxmonitor", "status", "--json"],
    ["praxmonitor", "alarms"],
    ["praxmonitor", "sounds", "list"],
]


def test_no_home_is_no_directory_of_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: (_ for _ in ()).throw(KeyError(uid)))
    for found in (
        user_directories.home(),
        user_directories.state_home(),
        user_directories.config_home(),
        user_directories.state_of(Path("/tmp")),
    ):
        assert found.is_absolute() and found.is_relative_to(user_directories.NOWHERE)


@pytest.fixture
def stranger(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words before a command that is called by a user whom nobody knows."""
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can take another UID, with setpriv")
    for path in (house.root, *house.root.rglob("*")):
        os.chown(path, UNKNOWN, UNKNOWN, follow_symlinks=False)
    for path in house.root.parents:
        if (
            path.stat().st_uid == 0
            and any(map(path.is_relative_to, ("/tmp", "/dev/shm")))
            and not path.stat().st_mode & 0o001
        ):
            path.chmod(path.stat().st_mode | 0o011)
    words = ["setpriv", f"--reuid={UNKNOWN}", f"--regid={UNKNOWN}", "--clear-groups", "env", "-u", "HOME"]
    if ways := list(opened(sys.executable)):  # the installation lies in a home directory, which others may not enter
        words = ["unshare", "-m", "sh", "-c", "\n".join(["set -e", *ways, 'exec "$@"']), "sh", *words]
    if subprocess.run([*words, str(SCRIPTS / "mailcore"), "--version"], capture_output=True).returncode:
        pytest.skip(f"{SCRIPTS} is not to be reached by another user")
    return words


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: " ".join(words[:2]))
def test_every_command_says_what_it_can(house: House, stranger: list[str], command: list[str]) -> None:
    words = [*stranger, str(SCRIPTS / command[0]), *command[1:]]
    done = subprocess.run(words, cwd=house.root, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr and done.returncode in (0, 1, 4), done.stderr
    assert not list(house.root.rglob("~*")), "nothing is kept below the project"


def test_a_run_of_nobodys_is_done(house: House, stranger: list[str]) -> None:
    house.shell("writer", "echo up; mailcore done 1 ok --from @writer")
    words = [*stranger, str(SCRIPTS / "mailcore"), "dispatch", "--from", "@operator", "@writer", "s", "b"]
    done = subprocess.run(words, cwd=house.root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    wait_until(lambda: house.runs("@writer")[0].phase.ended, what="the run is over")
    assert house.runs("@writer")[0].phase is Phase.COMPLETED
    wait_until(lambda: not house.agent("@writer").dispatch_lock.exists(), what="the branch is free")


@pytest.mark.elsewhere
def test_a_line_of_cron_wakes_an_agent(house: House, tmp_path: Path) -> None:
    """With cron's environment and directory: no activated installation, no PATH to speak of."""
    house.shell("writer", "echo up")
    house.mailcore("send", "@writer", "s", "b", "--from", "@lead")
    line = f"{SCRIPTS}/mailcore -C {house.root} wake --json --from @operator --if-mail @writer"
    environment = {"HOME": str(tmp_path), "LOGNAME": "u", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["/bin/sh", "-c", line], cwd="/", env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert house.over("@writer", json.loads(done.stdout)["run_id"]).phase is Phase.COMPLETED
