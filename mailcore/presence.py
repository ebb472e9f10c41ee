"""Who is there: the operator's last key and `away`, an agent's last sign. Agents see it in `mailcore agents`.

The screen notes a key with an act of the operator's, never with a look: looking writes nothing.
"""

from __future__ import annotations

import json
import time
from typing import Any

from mailcore import journal
from mailcore.config import Config
from mailcore.liveness import read_lock
from mailcore.model.agent import Agent
from mailcore.model.lock import Holder
from mailcore.model.message import parse_time
from mailcore.system import ignored
from mailcore.system.files import read_bytes
from mailcore.system.writing import replace
from mailcore.units import date_and_time, known
from mailcore.workspace import Workspace

FILE = "presence.json"
KEY_PERIOD = 30.0
"""The screen notes the operator's key at most this often, in seconds."""


def set_away(workspace: Workspace, until: str) -> None:
    """Say until when the operator is away, in words; empty for here again."""
    _write(workspace, until)


def key_pressed(workspace: Workspace) -> None:
    """Note that the operator is at the screen; whoever presses a key is not away any more."""
    _write(workspace, "")


def of(workspace: Workspace, agent: Agent) -> str:
    """Presence in words: `at the screen`, `away until 15:00`, `working`, `last seen 2026-11-22 02:10`, `idle`."""
    if agent.is_operator:
        try:
            record = _read(workspace)
        except OSError as error:
            return f"unknown: {FILE} {error.strerror}"
        if record.get("away"):
            return f"away until {record['away']}"
        last = record.get("last_key")
        if not isinstance(last, int | float) or not known(last):  # a hand was in the file
            return "not seen yet"
        if time.time() - last < 2 * KEY_PERIOD:
            return "at the screen"
        return f"last seen {date_and_time(last, seconds=False)}"
    lock = read_lock(agent.dispatch_lock)
    if lock is not None and lock.holder is not Holder.DEAD:
        return "working"
    try:
        names = sorted(path.name for path in agent.runs_dir.iterdir())
        newest = (agent.runs_dir / names[-1] / "run.jsonl").stat().st_mtime
        return f"idle since {date_and_time(newest, seconds=False)}"
    except (OSError, IndexError):
        return "idle"


def next_wake(config: Config, agent: Agent) -> float:
    """When a timer is due to wake the agent (seconds since the epoch), from its last run on; 0.0 for no timer.

    A time that is past says that the wake did not come.
    """
    every = config.agent(agent.address).wake_every
    if not every:
        return 0.0
    try:
        newest = max(agent.runs_dir.glob("*/run.jsonl"), default=agent.passport)
        # The journal's first line is written when the run begins; the directory's name sorts by that.
        started = (
            parse_time(journal.read(newest)[0].get("at")) if newest.name == "run.jsonl" else newest.stat().st_mtime
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
    ignored.make(workspace.state_dir)
    replace(workspace.state_dir / FILE, json.dumps({"away": away, "last_key": time.time()}).encode())
