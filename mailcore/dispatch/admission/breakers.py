"""What must not be started again by itself: who moves nothing, a loop of the same tasks, a fleet that fails.

A run moved something if it changed files or made a commit, answered the task that it had, gave a task that it had not
given before, or was woken since a task of its agent's was over, and dealt with that. So one that only dispatches and
reads answers goes on for ever. All of it is read from the journals, so it outlives every restart; it counts again from
each run that a person asked for, and such a one is never refused.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailcore.config import Dispatch
from mailcore.dispatch.admission.nesting import GAVE, LOOP
from mailcore.dispatch.runs.run_list import first_record_of_run, journal_records, run_ids
from mailcore.formats import journal
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.message import parse_time
from mailcore.system import safe_open, self_ignore
from mailcore.workspace.find import Workspace

FAILURE_WINDOW = 60.0
"""Seconds in which failures of the fleet are counted."""
MAX_RUNS_READ = 60
"""So many of an agent's runs are looked at, at most."""


def ended_records(agent: Agent) -> Iterator[dict[str, Any]]:
    """The `ended` records of an agent's runs, newest first."""
    for run_id in reversed(run_ids(agent)):
        for record in reversed(journal_records(agent.runs_dir / run_id)):
            if record.get("event") == "ended":
                yield record
                break


def is_by_person(first: Mapping[str, Any]) -> bool:
    """True of a run that a person asked for, by its first record."""
    return not first.get("automatic") and OPERATOR in (first.get("by"), first.get("sender"))


@dataclass(frozen=True, slots=True)
class _Turn:
    """What one run did, as far as breakers are concerned."""

    progress: str
    gave: frozenset[str]
    """The marks of the tasks that it gave."""
    about: frozenset[str]
    """The marks of the tasks whose end it was woken for."""
    acted: bool
    """It used mailcore."""
    answered: bool
    looped: bool
    """It was kept from giving a task in a circle."""


def last_run_by_person(agent: Agent) -> str:
    """The id of the newest run of an agent that a person asked for; empty if there is none."""
    for run_id in reversed(run_ids(agent)[-MAX_RUNS_READ:]):
        if is_by_person(first_record_of_run(agent.runs_dir / run_id)):
            return run_id
    return ""


def _turns(agent: Agent) -> list[_Turn]:
    """The runs that ended since a person's act, or since one was killed, oldest first."""
    turns: list[_Turn] = []
    for run_id in reversed(run_ids(agent)[-MAX_RUNS_READ:]):
        found = journal_records(agent.runs_dir / run_id)
        if not found:
            continue
        first, end = found[0], next((one for one in reversed(found) if one.get("event") == "ended"), None)
        if end is not None and (end.get("outcome") == "killed" or end.get("progress") not in _KNOWN):
            break
        if end is not None or is_by_person(first):
            turns.append(_turn(first, found, end or {}))
        if is_by_person(first):
            break
    return turns[::-1]


_KNOWN = ("", "files", "mail", "memories")


def _turn(first: Mapping[str, Any], found: Sequence[Mapping[str, Any]], end: Mapping[str, Any]) -> _Turn:
    about = first.get("about")
    return _Turn(
        "files" if is_by_person(first) else str(end.get("progress")),
        frozenset(str(one.get("task")) for one in found if one.get("event") == GAVE),
        frozenset(map(str, about)) if isinstance(about, list) else frozenset(),
        any(one.get("event") == "act" for one in found),
        bool(first.get("message_id")) and end.get("replied") is True,
        any(one.get("event") == LOOP for one in found),
    )


def why_tripped(agent: Agent, limits: Dispatch) -> str:
    """Why the agent is not to be started by itself, and what lets it, in words; empty where it may be."""
    idle = little = again = 0
    looped = False
    gave: set[str] = set()
    about: set[str] = set()
    for turn in _turns(agent):
        repeats = bool(turn.gave) and turn.gave <= gave
        is_new = bool(turn.gave - gave) or (turn.acted and not repeats and bool(turn.about - about))
        gave |= turn.gave
        about |= turn.about
        if turn.progress == "files" or is_new or (turn.answered and not repeats and not turn.looped):
            idle = little = again = 0
            looped = turn.looped
            continue
        looped = looped or turn.looped
        idle = idle + 1 if turn.progress == "" else 0
        little += 1
        again += repeats
    if looped:
        return _refusal(agent, "it would have given a task in a circle again, and no file changed", "same_tasks")
    if again >= limits.same_tasks:
        return _refusal(agent, f"{again} runs in a row that only gave tasks given before", "same_tasks")
    if idle >= limits.no_progress:
        return _refusal(agent, f"{idle} runs in a row without a message, a changed file or a commit", "no_progress")
    if little >= limits.ping_pong:
        return _refusal(agent, f"{little} runs in a row that only wrote mail or memories", "ping_pong")
    return ""


def _refusal(agent: Agent, why: str, limit: str) -> str:
    wake = f"`mailcore wake {agent.address}` (w on the screen), or a dispatch by {OPERATOR}"
    return f"{why} ([dispatch] {limit}); {wake}, lets it go on"


def backoff_delay(agent: Agent, limits: Dispatch) -> float:
    """Seconds to wait before the next start by itself: longer with each failure in a row, none without."""
    failures = 0
    for record in ended_records(agent):
        if record.get("outcome") != "bounced":
            break
        failures += 1
        if failures >= len(limits.backoff):
            break
    return limits.backoff[min(failures, len(limits.backoff)) - 1] if failures and limits.backoff else 0.0


def record_failure(workspace: Workspace, address: str, cause: str) -> None:
    """Note the failure of an attempt, for the fleet's breaker."""
    self_ignore.make_ignored(workspace.state_dir)
    journal.append_record(workspace.state_dir / "failures.jsonl", {"agent": address, "cause": cause})


def why_fleet_tripped(workspace: Workspace, limits: Dispatch) -> str:
    """Why no attempt is repeated anywhere at present, in words; empty where it may be."""
    if not limits.fleet_failures:
        return ""
    path = workspace.state_dir / "failures.jsonl"
    try:
        with safe_open.open_regular(path) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 65536))
            lines = file.read(65536).splitlines()
    except OSError:
        return ""
    # Failures of the future are of a clock that was ahead; they must not count until it gets there.
    recent = sum(
        abs(time.time() - parse_time(record.get("at"))) < FAILURE_WINDOW for record in journal.parse_records(lines)
    )
    if recent < limits.fleet_failures:
        return ""
    why = f"{recent} attempts failed in a minute in this workspace, so none is repeated by itself"
    return f"{why} ([dispatch] fleet_failures)"
