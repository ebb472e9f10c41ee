"""What the other hosts of the link tell of their agents, read from the files that the link process writes here."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from mailcore.exceptions import MailcoreError
from mailcore.hosts.directory import HOSTS, MAX_AGENTS, RECORD, agents_of, host_directory, read_hosts, remote_agent
from mailcore.hosts.link_status import read_link_status
from mailcore.hosts.membership import link_directory, read_membership
from mailcore.model.agent import Agent
from mailcore.model.link import HostRecord
from mailcore.observe.activities import neutral
from mailcore.observe.fact_codec import FACT_KINDS, LeftOut, decoded_facts
from mailcore.observe.facts import AgentTold, Fact, HostsRead, Roster
from mailcore.observe.file_stamps import FileStamps
from mailcore.observe.file_tail import FileTail
from mailcore.observe.told import told_here
from mailcore.workspace.find import Workspace

SIGHT_FILE = "sight.jsonl"
"""What a host told: a reading a line, the first lines all that there was to be told, the others what changed since."""
TOLD_ADDRESS = re.compile(r"@[a-z0-9][a-z0-9_-]{0,63}")
"""An agent as its own host writes it: without a dot, and harmless as the name of a directory."""
MAX_NOTES = 3
"""Notes of one host about its own reading that are shown."""
WOBBLE = 0.5
"""Seconds by which the measured difference of two clocks varies: for less no time is corrected anew."""
LINK_PATIENCE = 15.0
"""Seconds for which our own link may be down, as when it is begun, before its hosts count as not heard."""
TOLD_KINDS = {tag: kind for tag, kind in FACT_KINDS.items() if kind in (Roster, AgentTold)}
"""What a host may tell."""


class HostsReader:
    """Reads what is known of the other hosts of a workspace's link; where it belongs to none, that there is none."""

    def __init__(self, workspace: Workspace, patience: float = LINK_PATIENCE) -> None:
        """Reads nothing yet. `patience`: seconds for which our own link may be down before its hosts are not heard."""
        self._patience = patience
        self._down_since = self._deaf_since = 0.0
        """Since when our own link was seen to be down, and since when for too long; 0.0: it is not."""
        self.directory = link_directory(workspace) / HOSTS
        """To be watched; it may not be there."""
        self.agents: tuple[Agent, ...] = ()
        """Those of the other hosts, by host, as of the last `read`; the same object while they are the same."""
        self._workspace = workspace
        self._stamps = FileStamps()
        self._own = ""
        self._records: tuple[HostRecord, ...] = ()
        self._said: tuple[HostRecord, ...] = ()
        self._sights: dict[str, _Sight] = {}
        self._trouble = ""

    def directories(self) -> tuple[Path, ...]:
        """What is to be watched, flat."""
        return (self.directory, *(self.directory / name for name in self._sights))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the reading."""
        troubles = (self._trouble,) if self._trouble else ()
        return (*troubles, *(note for sight in self._sights.values() for note in sight.notes))

    def concerned(self, paths: Iterable[Path]) -> set[str]:
        """Whose files these are, among the hosts; empty: nobody's."""
        return {path.parent.name for path in paths if self.directory in (path, path.parent, path.parent.parent)}

    def read(self, hosts: Collection[str] | None = None) -> list[Fact]:
        """The facts of those hosts of which a file moved; None: of all. `agents` is to be told before them."""
        if hosts is None and not self.directory.is_dir():
            return self._forget()
        facts = self._read_records(self._deaf() if hosts is None else self._deaf_since)
        for name, sight in self._sights.items():
            if hosts is None or name in hosts or sight.fresh:
                facts += sight.read(self._own)
        agents = tuple(agent for sight in self._sights.values() for agent in sight.agents)
        if agents != self.agents:
            self.agents = agents
        return facts

    def _forget(self) -> list[Fact]:
        known, self._records, self._said, self._trouble = self._said, (), (), ""
        self._sights, self.agents = {}, ()
        self._stamps.clear()
        return [HostsRead(())] if known else []

    def _deaf(self) -> float:
        """Since when nobody can be heard, as our own link is down for longer than one waits for it; 0.0: it is not."""
        status = read_link_status(self._workspace)
        if status is not None and status.is_connected:
            self._down_since = 0.0
            return 0.0
        report = status.report if status is not None else None
        now = time.time()
        self._down_since = self._down_since or (report.changed_at if report is not None else 0.0) or now
        return self._down_since if now - self._down_since >= self._patience else 0.0

    def _read_records(self, deaf_since: float) -> list[Fact]:
        """The records, if they say something else than before: that a host was heard is no news while it is there."""
        files = [self.directory, *(self.directory / name / RECORD for name in self._sights)]
        moved = {path for path in files if self._stamps.moved(path)}  # each is looked at
        if not moved and deaf_since == self._deaf_since:
            return []
        self._deaf_since = deaf_since
        try:
            membership = read_membership(self._workspace)
            self._own = membership.host if membership is not None else ""
            self._records = tuple(host for host in read_hosts(self._workspace) if not host.revoked)
            self._trouble = ""
        except (MailcoreError, OSError) as error:
            self._trouble = neutral(str(error))
            for path in files:
                self._stamps.distrust(path)
        known = self._sights
        self._sights = {}
        for record in self._records:
            self._sights[record.name] = sight = known.get(record.name) or _Sight(self._workspace, record)
            sight.take(record)
            self._stamps.moved(self.directory / record.name / RECORD)
        heard = tuple(one if one.away_since else _unheard(one, deaf_since) for one in self._records)
        said = tuple(replace(one, seen_at=0.0) for one in heard)
        if said == self._said:
            return []
        self._said = said
        return [HostsRead(heard)]


class _Sight:
    """What one host told."""

    def __init__(self, workspace: Workspace, record: HostRecord) -> None:
        self.notes: tuple[str, ...] = ()
        self.fresh = True
        """Nothing of it was read yet."""
        self._workspace = workspace
        self._record = record
        self._skew = _correction(record, 0.0)
        self._tail = FileTail(host_directory(workspace, record.name) / SIGHT_FILE, start=0)
        self._past = False
        """What is read now was told before, with other times."""
        self._told: tuple[Agent, ...] | None = None
        """As that host says, and no record."""

    @property
    def agents(self) -> tuple[Agent, ...]:
        """Those of this host: as it tells them itself, else as its record has them."""
        if self._told is not None:
            return self._told
        return agents_of(self._workspace, self._record)

    def take(self, record: HostRecord) -> None:
        """Its record says this now. Where its clock is found to be another, all is read again."""
        self._record = record
        if (skew := _correction(record, self._skew)) != self._skew:
            self._skew, self._past = skew, True
            self._tail = FileTail(self._tail.path, start=0)

    def read(self, own: str) -> list[Fact]:
        """What it told since the last call."""
        facts: list[Fact] = []
        more = True
        while more:
            for line in self._tail.read():
                facts += self._facts(line, own)
            more = self._tail.behind
        self._past = self.fresh = False
        if not self._tail.modified:
            self._told, self.notes = None, ()
        return facts

    def _facts(self, line: bytes, own: str) -> Iterator[Fact]:
        try:
            found = list(decoded_facts(msgspec.json.decode(line)["facts"], TOLD_KINDS, LeftOut()))
        except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError):
            return  # what nobody can read is left; the next whole telling makes up for it
        for fact in found:
            if isinstance(fact, Roster):
                self._take_roster(fact)
            elif isinstance(fact, AgentTold):
                with suppress(ValueError, OverflowError):  # a value that its form allows and nothing here can hold
                    yield told_here(replace(fact, past=self._past), self._record.name, own, self._skew)

    def _take_roster(self, roster: Roster) -> None:
        known = [agent for agent in roster.agents if TOLD_ADDRESS.fullmatch(agent.address)][:MAX_AGENTS]
        self._told = tuple(self._here(agent) for agent in known if not agent.is_reserved)
        self.notes = tuple(f"{self._record.name}: {neutral(note)}" for note in roster.notes[:MAX_NOTES])

    def _here(self, agent: Agent) -> Agent:
        mirror = remote_agent(self._workspace, agent.address, self._record.name)
        return dataclasses.replace(mirror, name=neutral(agent.name, 60), role=neutral(agent.role))


def _unheard(record: HostRecord, deaf_since: float) -> HostRecord:
    """As of a host that may be there, and cannot be heard since then; as it is where it can."""
    return replace(record, away_since=min(record.seen_at or deaf_since, deaf_since)) if deaf_since else record


def _correction(record: HostRecord, before: float) -> float:
    """By how much the times that a host tells are taken back: what was so `before` stays while it is near enough."""
    skew = record.skew if record.skew is not None else before
    if abs(skew) < WOBBLE:
        skew = 0.0
    return before if abs(skew - before) < WOBBLE else skew
