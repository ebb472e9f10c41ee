"""What must not be started again by itself: an agent that makes no progress, a ping-pong of mail, a fleet that fails.

A person's own start is never refused, and counts anew where it makes progress. All of it is read from the journals,
so it outlives every restart.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from mailcore import journal
from mailcore.config import Dispatch
from mailcore.dispatch.runs import records, run_ids
from mailcore.model.agent import Agent
from mailcore.model.message import parse_time
from mailcore.system import ignored
from mailcore.workspace import Workspace

WINDOW = 60.0
"""Seconds in which failures of the fleet are counted."""


def ends(agent: Agent) -> Iterator[dict[str, Any]]:
    """The `ended` records of an agent's runs, newest first."""
    for run_id in reversed(run_ids(agent)):
        for record in reversed(records(agent.runs_dir / run_id)):
            if record.get("event") == "ended":
                yield record
                break


def tripped(agent: Agent, limits: Dispatch) -> str:
    """Why the agent is not to be started by itself, in words; empty where nothing speaks against it."""
    idle, counting_idle = 0, True
    for little, record in enumerate(ends(agent), 1):
        progress = record.get("progress")
        if progress not in ("", "mail", "memories") or record.get("outcome") == "killed":
            break
        counting_idle = counting_idle and progress == ""
        idle += counting_idle
        if idle >= limits.no_progress:
            return f"{idle} runs in a row without a message, a changed file or a commit"
        if little >= limits.ping_pong:
            return f"{little} runs in a row that only wrote mail or memories"
    return ""


def backoff(agent: Agent, limits: Dispatch) -> float:
    """Seconds to wait before the next start by itself: longer with each failure in a row, none without."""
    failures = 0
    for record in ends(agent):
        if record.get("outcome") != "bounced":
            break
        failures += 1
    return limits.backoff[min(failures, len(limits.backoff)) - 1] if failures and limits.backoff else 0.0


def failed(workspace: Workspace, address: str, cause: str) -> None:
    """Note the failure of an attempt, for the fleet's breaker."""
    ignored.make(workspace.state_dir)
    journal.append(workspace.state_dir / "failures.jsonl", {"agent": address, "cause": cause})


def fleet_tripped(workspace: Workspace, limits: Dispatch) -> str:
    """Why no attempt is repeated anywhere at present, in words; empty where it may be."""
    if not limits.fleet_failures:
        return ""
    path = workspace.state_dir / "failures.jsonl"
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 65536))
            lines = file.read().splitlines()
    except OSError:
        return ""
    # Failures of the future are of a clock that was ahead; they must not count until it gets there.
    recent = sum(abs(time.time() - parse_time(record.get("at"))) < WINDOW for record in journal.parse(lines))
    if recent < limits.fleet_failures:
        return ""
    return f"{recent} attempts failed in a minute in this workspace: automatic retries are stopped"
