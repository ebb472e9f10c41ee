"""The sessions that go on in the project and are no agent's: which there are now, from their files, from what their
programs say of them, and from the processes. Each is counted once, whatever tells of it. Acts on nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

from msgspec.structs import replace

from mailcore.model.agent import SESSION_SIGN, Agent
from mailcore.model.run import Run
from mailcore.model.session import LiveSession
from mailcore.observe.activities import neutral
from mailcore.observe.agent_reader import AgentReader
from mailcore.observe.dedupe import Deduplicator
from mailcore.observe.facts import Fact, Seen, SessionsLive, Used
from mailcore.observe.live_sessions import StrayProcess
from mailcore.observe.session_discovery import FoundSession, StraySession
from mailcore.observe.session_reader import SessionReader
from mailcore.observe.session_status import ToldStatus
from mailcore.programs.prices import Prices
from mailcore.programs.session_owner import session_address
from mailcore.system.open_files import OpenFiles
from mailcore.system.processes import alive

QUIET_SESSION = 120.0
"""Seconds after its last line for which a session is taken to go on whose process nobody sees."""
ENDED_GRACE = 2.0
"""Seconds after its process for which a session writes its last lines."""
MAX_STRAYS = 200
"""Sessions that are shown, those that began last."""


class StrayReader:
    """The files of one such session, read as those of an agent are."""

    run: Run | None = None
    fresh = stirred = False

    def __init__(self, agent: Agent, open_files: OpenFiles, prices: Prices | None = None) -> None:
        self.agent = agent
        self._once = Deduplicator()
        self.sessions = SessionReader(agent.address, open_files, self._once, prices)
        self.registered: Run | None = None
        self.all_held = ""

    @property
    def waits(self) -> bool:
        """Its files hold more than the last look read."""
        return self.sessions.unread

    def distrust(self) -> None:
        """Let the next look find that everything moved."""
        self.sessions.distrust()

    def refresh(self) -> list[Fact]:
        """What its files hold that is new."""
        address = self.agent.address
        told, spent = self.sessions.read()
        activities = self._once.each(told)
        facts: list[Fact] = [Seen(address, tuple(activities))] if activities else []
        return [*facts, Used(address, tuple(spent))] if spent else facts

    def directories(self) -> Sequence[Path]:
        """None: where sessions lie is watched for all."""
        return ()


BranchReader: TypeAlias = AgentReader | StrayReader


class StrayLook:
    """What was found of such sessions at the last look."""

    def __init__(self, root: Path, owner_of: Callable[[str, str, str], str]) -> None:
        """`owner_of`: the address of whose a session is, by directory, program and id."""
        self._root, self._owner_of = root, owner_of
        self._files: dict[str, dict[Path, FoundSession]] = {}
        """By address, of those that are shown or were written of late."""
        self._written: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        """When one was seen to have ended whose program said that it went on."""
        self._live: dict[str, LiveSession] = {}
        self._told: dict[str, tuple[LiveSession, ...]] = {}
        self.agents: tuple[Agent, ...] = ()
        """One for each, those that were found first at the beginning."""
        self.begun: list[FoundSession] = []
        """The files of those that the last look found first."""

    @property
    def any(self) -> bool:
        """There is one: its end no file may tell."""
        return bool(self.agents or self._written)

    def _meet(self, found: FoundSession) -> None:
        try:
            written = found.path.stat().st_mtime
        except OSError:
            return
        self._files.setdefault(found.address, {})[found.path] = found
        self._written[found.address] = max(written, self._written.get(found.address, 0.0))

    def look(
        self,
        found: Iterable[FoundSession],
        said: Iterable[ToldStatus],
        processes: Iterable[StrayProcess],
        strays: Callable[[str], StraySession | None],
    ) -> bool:
        """Put together what there is now; whether it is others than before. `found`: session files, anybody's;
        `strays`: what the files of such sessions say, by address."""
        for file in found:
            if file.address.startswith(SESSION_SIGN):
                self._meet(file)
        now = time.time()
        rows: dict[str, Agent] = {}
        live: dict[str, LiveSession] = {}
        seen = {one.session.pid: one for one in processes}
        for program, status in said:
            address = self._owner_of(status.cwd, program, status.session)
            if status.pid and not alive(status.pid):
                continue  # killed: its file stayed
            if address and address == session_address(program, status.session):
                process = seen.pop(status.pid, None)
                at = process.session if process is not None else LiveSession(status.pid, 0.0)
                live[address] = replace(at, session=status.session, job=status.job)
                rows[address] = self._row(address, program, status.session, status.cwd, status.name)
            else:
                seen.pop(status.pid, None)  # an agent's
        for address in sorted(self._written, key=lambda one: -self._written[one]):
            stray = strays(address)
            if address in rows or stray is None:
                continue
            place = Path(os.path.realpath(stray.cwd))
            mine = (one for one in seen.values() if (one.program, one.place) == (stray.program, place))
            process = next((one for one in mine if not one.session.session), None)
            if process is not None:
                live[address] = replace(process.session, session=stray.session)
                del seen[process.session.pid]
            elif address in self._live and self._live[address].pid:
                self._ended.setdefault(address, now)
            last = self._written[address]
            ended = self._ended.get(address, 0.0)
            if process is not None or (now - last < QUIET_SESSION and not (ended and last < ended + ENDED_GRACE)):
                rows[address] = self._row(address, stray.program, stray.session, stray.cwd, "")
        for one in seen.values():
            address = session_address(one.program, str(one.session.pid))
            rows[address] = self._row(address, one.program, "", str(one.place), "")
            live[address] = one.session
        return self._take(rows, live, now)

    def _take(self, rows: dict[str, Agent], live: dict[str, LiveSession], now: float) -> bool:
        for address in [one for one in self._ended if one in live]:
            del self._ended[address]
        for address in [one for one in self._live if one not in live and one not in self._ended]:
            self._ended[address] = now
        for address in [one for one, at in self._written.items() if one not in rows and now - at >= QUIET_SESSION]:
            del self._written[address]
        self._ended = {address: at for address, at in self._ended.items() if address in self._written}
        self._files = {one: files for one, files in self._files.items() if one in rows or one in self._written}
        order = {agent.address: place for place, agent in enumerate(self.agents)}
        self.begun = [file for one in rows if one not in order for file in self._files.get(one, {}).values()]
        newest = sorted(rows.values(), key=lambda agent: order.get(agent.address, len(order)))[-MAX_STRAYS:]
        self._live = {agent.address: live[agent.address] for agent in newest if agent.address in live}
        changed = tuple(newest) != self.agents
        self.agents = tuple(newest)
        return changed

    def facts(self) -> list[Fact]:
        """Of which of them it changed in what process they go on."""
        now = {agent.address: _or_none(self._live.get(agent.address)) for agent in self.agents}
        changed = [address for address, sessions in now.items() if self._told.get(address, ()) != sessions]
        self._told = now
        return [SessionsLive(address, now[address]) for address in changed]

    def _row(self, address: str, program: str, session: str, cwd: str, name: str) -> Agent:
        place = Path(cwd)
        where = str(place.relative_to(self._root)) if place.is_relative_to(self._root) else str(place)
        where = self._root.name if where == "." else where
        words = neutral(f"{name}, in {where}" if name else f"in {where}")
        return Agent(address, address[1:], place, words, self._root, program=program, session=session)


def _or_none(live: LiveSession | None) -> tuple[LiveSession, ...]:
    return (live,) if live is not None else ()
