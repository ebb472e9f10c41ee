"""Which sessions a person has open at a terminal, and whether that has the focus: looked at now and then."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable

from mailcore.model.session import LiveSession
from mailcore.observe.facts import SessionsLive
from mailcore.programs.base import Program
from mailcore.programs.session_processes import session_processes
from mailcore.system import terminal
from mailcore.system.process_values import Process
from mailcore.system.processes import started_at, terminal_of

SESSIONS_PERIOD = 5.0
"""Seconds between two looks at all processes: 10 ms each."""
TYPED_STEP = 10.0
"""Seconds by which the time of the last key must move to be news."""


class LiveSessionReader:
    """What was last seen of the sessions of all agents."""

    def __init__(self, owner: Callable[[str], str], session_of: Callable[[int], str]) -> None:
        """`owner`: the address of the agent whose a directory is; `session_of`: the id of a process's session."""
        self._owner, self._session_of = owner, session_of
        self._told: dict[str, tuple[LiveSession, ...]] = {}
        self._began: dict[tuple[int, int], float] = {}
        """PID and start → when that was, said once: it is reckoned anew with each look."""
        self._due = 0.0

    @property
    def any(self) -> bool:
        """One lives: its end and its focus no file tells."""
        return bool(self._told)

    def sweep(self, programs: Iterable[Program]) -> list[SessionsLive]:
        """Of which agents it changed what sessions live, or which has the focus."""
        if time.monotonic() < self._due:
            return []
        self._due = time.monotonic() + SESSIONS_PERIOD
        found: defaultdict[str, list[LiveSession]] = defaultdict(list)
        began: dict[tuple[int, int], float] = {}
        focus: dict[str, bool | None] | None = None
        for process, place in session_processes(programs):
            if not (address := self._owner(str(place))):
                continue
            key = process.pid, process.ticks
            began[key] = self._began.get(key) or started_at(process)
            device = terminal_of(process.pid)
            if device and focus is None:
                focus = terminal.focus_of_panes()
            found[address].append(self._live(address, process, began[key], device, (focus or {}).get(device)))
        self._began = began
        now = {address: tuple(sorted(one, key=lambda live: live.began)) for address, one in found.items()}
        changed = [address for address in self._told.keys() | now.keys() if self._told.get(address) != now.get(address)]
        self._told = now
        return [SessionsLive(address, now.get(address, ())) for address in sorted(changed)]

    def _live(self, address: str, process: Process, began: float, device: str, focused: bool | None) -> LiveSession:
        typed_at = terminal.typed_at(device) if device else 0.0
        before = next((one for one in self._told.get(address, ()) if one.pid == process.pid), None)
        if before is not None and 0.0 <= typed_at - before.typed_at < TYPED_STEP:
            typed_at = before.typed_at
        return LiveSession(process.pid, began, self._session_of(process.pid), device, focused, typed_at)
