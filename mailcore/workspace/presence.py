"""Who is there: the operator's last key or command and `away`, an agent's last sign, as `mailcore agents` shows it.

The screen notes a key with an act of the operator's, never with a look: looking writes nothing. What was done by a
command, within a run or outside, stands in the audit.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from mailcore.config import Config
from mailcore.formats import journal
from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.model.lock import Holder
from mailcore.model.message import parse_time
from mailcore.system import safe_open, self_ignore
from mailcore.system.safe_open import read_bytes
from mailcore.system.writing import replace
from mailcore.text.units import date_and_time, is_known_time
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace
from mailcore.workspace.lock_reader import read_lock

FILE = "presence.json"
WATCHERS, WATCHER_ENDING = "duty", ".watcher"
"""In `.praxmonitor`: a file of each screen and guard, whose time is its last sign of life."""
WATCHER_SIGN = 12.0
"""Seconds without a sign after which a watcher counts as gone; who is alone shows one in five."""
AUDIT_TAIL = 1 << 18
"""Bytes of the audit's end that are looked at: some thousand acts."""
KEY_PERIOD = 30.0
"""The screen notes the operator's key at most this often, in seconds."""


def is_watched(workspace: Workspace) -> bool:
    """True while a screen or guard on this workspace shows life."""
    directory = workspace.state_dir / WATCHERS
    try:
        names = os.listdir(directory)  # noqa: PTH208 (a hook asks)
    except OSError:
        return False
    for name in names:
        with suppress(OSError):
            if name.endswith(WATCHER_ENDING) and time.time() - (directory / name).stat().st_mtime < WATCHER_SIGN:
                return True
    return False


def set_away(workspace: Workspace, until: str) -> None:
    """Say until when the operator is away, in words; empty for here again."""
    _write(workspace, until)


def away_until(workspace: Workspace) -> str:
    """Until when the operator said that he is away, in words; empty where he did not, is back, or cannot be read."""
    try:
        return str(_read(workspace).get("away") or "")
    except OSError:
        return ""


def away_since(workspace: Workspace) -> float:
    """When the operator said that he is away; 0.0 where he did not, or is back."""
    try:
        record = _read(workspace)
    except OSError:
        return 0.0
    last = record.get("last_key")
    return float(last) if record.get("away") and isinstance(last, int | float) and is_known_time(last) else 0.0


def key_pressed(workspace: Workspace) -> None:
    """Note that the operator is at the screen; whoever presses a key is not away any more."""
    _write(workspace, "")


def newest_acts(workspace: Workspace) -> list[dict[str, Any]]:
    """The newest acts, the oldest of them first: the end of the audit, which may be long."""
    try:
        with safe_open.open_regular(workspace.state_dir / audit.FILE) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - AUDIT_TAIL))
            return journal.parse_records(file.read(AUDIT_TAIL).splitlines())
    except OSError:
        return []


def last_acts(workspace: Workspace) -> dict[str, float]:
    """When each did something last, of those who did of late."""
    found: dict[str, float] = {}
    for act in newest_acts(workspace):
        # Without a proof it is no command's, and a supervisor acts in its agent's name.
        if act.get("proof") not in (None, "", "supervisor") and isinstance(by := act.get("by"), str):
            found[by] = max(found.get(by, 0.0), parse_time(act.get("at")))
    return found


def presence_of(workspace: Workspace, agent: Agent, done: Mapping[str, float] | None = None) -> str:
    """Presence in words: `at the screen`, `away until 15:00`, `working`, `last seen 2026-11-22 02:10`, `idle`.

    `done`: as `last_acts` gives it, for who asks of many.
    """
    acted = (last_acts(workspace) if done is None else done).get(agent.address, 0.0)
    if agent.is_operator:
        try:
            record = _read(workspace)
        except OSError as error:
            return f"unknown: {FILE} {error.strerror}"
        if record.get("away"):
            return f"away until {record['away']}"
        last = record.get("last_key")
        if not isinstance(last, int | float) or not is_known_time(last):  # a hand was in the file
            last = 0.0
        if not last and not acted:
            return "not seen yet"
        if time.time() - max(last, acted) < 2 * KEY_PERIOD:
            return "at the screen" if last >= acted or time.time() - last < 2 * KEY_PERIOD else "at the command line"
        return f"last seen {date_and_time(max(last, acted), seconds=False)}"
    lock = read_lock(agent.dispatch_lock)
    if lock is not None and lock.holder is not Holder.DEAD:
        return "working"
    newest = acted
    with suppress(OSError, IndexError):
        names = sorted(path.name for path in agent.runs_dir.iterdir())
        newest = max(newest, (agent.runs_dir / names[-1] / RUN_JOURNAL).stat().st_mtime)
    return f"idle since {date_and_time(newest, seconds=False)}" if newest else "idle"


def next_wake(config: Config, agent: Agent) -> float:
    """When a timer is due to wake the agent (seconds since the epoch), from its last run on; 0.0 for no timer.

    A time that is past says that the wake did not come.
    """
    every = config.agent(agent.address).wake_every
    if not every:
        return 0.0
    try:
        newest = max(agent.runs_dir.glob(f"*/{RUN_JOURNAL}"), default=agent.passport)
        # The journal's first line is written when the run begins; the directory's name sorts by that.
        started = (
            parse_time(journal.read_records(newest)[0].get("at"))
            if newest.name == RUN_JOURNAL
            else newest.stat().st_mtime
        )
    except (OSError, IndexError):
        return 0.0
    return started + every


def _read(workspace: Workspace) -> dict[str, Any]:
    """What was noted of the operator; empty where nothing was. OSError of what cannot be read, or is no file."""
    try:
        record = json.loads(read_bytes(workspace.state_dir / FILE, links=False))
    except (FileNotFoundError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _write(workspace: Workspace, away: str) -> None:
    self_ignore.make_ignored(workspace.state_dir)
    replace(workspace.state_dir / FILE, json.dumps({"away": away, "last_key": time.time()}).encode())
