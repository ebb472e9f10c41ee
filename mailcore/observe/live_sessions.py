"""Which sessions a person has open at a terminal, and whether that has the focus: looked at now and then."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from mailcore.model.agent import SESSION_SIGN
from mailcore.model.session import LiveSession
from mailcore.observe.facts import SessionsLive
from mailcore.observe.session_status import SessionOwners
from mailcore.programs.base import Program, SessionStatus
from mailcore.programs.session_processes import sessions_among
from mailcore.system import terminal
from mailcore.system.process_values import Process
from mailcore.system.processes import started_at, terminal_of

SESSIONS_PERIOD = 5.0
"""Seconds between two looks at all processes: 10 ms each."""
TYPED_STEP = 10.0
"""Seconds by which the time of the last key must move to be news."""


class StrayProcess(NamedTuple):
    """A session in the project that is no agent's, as its process shows it."""

    program: str
    place: Path
    """The directory that it works in."""
    session: LiveSession


class LiveSessionReader:
    """What was last seen of the sessions of all agents."""

    def __init__(self, owners: SessionOwners, status_of: Callable[[int], SessionStatus | None]) -> None:
        """`status_of`: what is said of a process's session."""
        self._owners, self._status_of = owners, status_of
        self._told: dict[str, tuple[LiveSession, ...]] = {}
        self._began: dict[tuple[int, int], float] = {}
        """PID and start → when that was, said once: it is reckoned anew with each look."""
        self._due = 0.0
        self.strays: tuple[StrayProcess, ...] = ()
        """Those that are no agent's."""

    @property
    def any(self) -> bool:
        """One lives: its end and its focus no file tells."""
        return bool(self._told or self.strays)

    def sweep(self, programs: Iterable[Program]) -> list[SessionsLive]:
        """Of which agents it changed what sessions live, or which has the focus."""
        if time.monotonic() < self._due:
            return []
        self._due = time.monotonic() + SESSIONS_PERIOD
        found: defaultdict[str, list[LiveSession]] = defaultdict(list)
        strays: list[StrayProcess] = []
        before = {one.pid: one for sessions in self._told.values() for one in sessions}
        before |= {one.session.pid: one.session for one in self.strays}
        began: dict[tuple[int, int], float] = {}
        focus: dict[str, bool | None] | None = None
        for program, process, place in sessions_among(programs, lambda place: self._owners.inside(str(place))):
            status = self._status_of(process.pid)
            session = status.session if status is not None else ""
            address = self._owners.owner_of(str(place), program, session)
            key = process.pid, process.ticks
            began[key] = self._began.get(key) or started_at(process)
            device = terminal_of(process.pid)
            if device and focus is None:
                focus = terminal.focus_of_panes()
            live = _live(before.get(process.pid), process, began[key], session, device, (focus or {}).get(device))
            live = replace(live, job=status.job) if status is not None and status.job else live
            if address and not address.startswith(SESSION_SIGN):
                found[address].append(live)
            else:
                strays.append(StrayProcess(program, place, live))
        self._began, self.strays = began, tuple(strays)
        now = {address: tuple(sorted(one, key=lambda live: live.began)) for address, one in found.items()}
        changed = [address for address in self._told.keys() | now.keys() if self._told.get(address) != now.get(address)]
        self._told = now
        return [SessionsLive(address, now.get(address, ())) for address in sorted(changed)]


def _live(
    before: LiveSession | None, process: Process, began: float, session: str, device: str, focused: bool | None
) -> LiveSession:
    typed_at = terminal.typed_at(device) if device else 0.0
    if before is not None and 0.0 <= typed_at - before.typed_at < TYPED_STEP:
        typed_at = before.typed_at
    return LiveSession(process.pid, began, session, device, focused, typed_at)
