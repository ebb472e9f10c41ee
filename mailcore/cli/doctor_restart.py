"""What `doctor` looks at: whether anything finds runs that wait, once the machine was started anew."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mailcore.cli.doctor_checks import Check
from mailcore.system import user_directories
from mailcore.system.safe_open import read_bytes
from mailcore.workspace.find import Workspace

CRON_TIMEOUT = 5.0
"""Seconds that `crontab -l` may take."""


def after_restart(workspace: Workspace) -> Check:
    """The guard's unit, or a line of cron's: else the next command or screen finds what waits."""
    found = next(_starters(workspace.root), "")
    if found:
        return Check("restart", True, f"after a restart of the machine {found} finds what waits")
    text = "after a restart of the machine what waits is found by the next command or screen alone"
    return Check("restart", True, f"{text}: a guard's unit, or `@reboot mailcore -C {workspace.root} queue`, does it")


def _starters(root: Path) -> Iterator[str]:
    """What is started with the machine and looks at this workspace, in words."""
    units = user_directories.home() / ".config" / "systemd" / "user"
    agents = user_directories.home() / "Library" / "LaunchAgents"
    for path in (*units.glob("*.service"), *agents.glob("*.plist")):
        with suppress(OSError):
            if _names(read_bytes(path).decode("utf-8", "replace"), root):
                yield str(path)
    for line in _cron_lines():
        if line.startswith("@reboot") and _names(line, root):
            yield "cron's @reboot line"


def _names(text: str, root: Path) -> bool:
    """It starts one of our programs, in this workspace."""
    return str(root) in text and ("praxmonitor" in text or "mailcore" in text)


def _cron_lines() -> list[str]:
    if shutil.which("crontab") is None:
        return []
    try:
        done = subprocess.run(["crontab", "-l"], capture_output=True, text=True, timeout=CRON_TIMEOUT, errors="replace")
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.splitlines()
