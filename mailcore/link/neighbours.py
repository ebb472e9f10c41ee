"""The other hosts' records on disk, kept current from what the hub and they themselves say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import inf

import msgspec

from mailcore.exceptions import MailcoreError
from mailcore.hosts.directory import named_agents, read_host, read_hosts, write_host
from mailcore.hosts.names import HOST
from mailcore.hosts.reach_report import MOST_REACH
from mailcore.link.beats import Heard
from mailcore.model.link import HostRecord
from mailcore.workspace.find import Workspace

SKEW_STEP = 0.5
"""Seconds by which a clock's difference must change to be written."""
SEEN_STEP = 60.0
"""Seconds after which it is written once more when a host was heard."""
WRITE_STEP = 1.0
"""Seconds between two times that what a host says of itself is written, however often it says it."""
MAX_HOSTS = 256


class Listed(msgspec.Struct, frozen=True):
    """A host as the hub lists it."""

    name: str
    key: str
    operator_key: str = ""
    revoked: bool = False


class About(msgspec.Struct, frozen=True):
    """What a host says of itself."""

    agents: tuple[str, ...] = ()
    version: str = ""


class Beat(msgspec.Struct, frozen=True):
    """A host's sign of life."""

    at: float
    """By its clock, seconds since the epoch."""
    reach: int = 0
    """How far an alarm reaches a person there."""
    sounds: bool = False
    """It sounds the alarms of all hosts."""


class Neighbours:
    """What is heard of the others, and their records. For one event loop."""

    def __init__(self, workspace: Workspace, me: str, on_new: Callable[[str], None] = lambda _: None) -> None:
        """`on_new` is called with the name of each host that may be sent to from now on."""
        self._workspace, self._me, self._on_new = workspace, me, on_new
        self._records = {record.name: record for record in read_hosts(workspace)}
        self._heard: dict[str, Heard] = {}
        self._written: dict[str, float] = {}
        """When each record was written last, by the machine's own clock."""
        self._waiting: set[str] = set()
        """Whose is to be written in a moment."""
        self._introduced: set[str] = set()
        """Who told its agents already: the first time that is written at once, as one writes to them then."""

    @property
    def records(self) -> dict[str, HostRecord]:
        """What is known of each, by name."""
        return self._records

    def listed(self, hosts: Iterable[Listed]) -> None:
        """The hub's list came: who is on it no more was revoked."""
        there = {one.name: one for one in list(hosts)[:MAX_HOSTS] if HOST.fullmatch(one.name) and one.name != self._me}
        for name, one in there.items():
            before = self._records.get(name, HostRecord(name))
            self._write(
                msgspec.structs.replace(before, key=one.key, operator_key=one.operator_key, revoked=one.revoked)
            )
        for name, record in list(self._records.items()):
            if name not in there:
                self._write(msgspec.structs.replace(record, revoked=True))

    def told(self, name: str, about: About) -> None:
        """A host said who its agents are."""
        if (record := self._known(name)) is not None:
            agents = named_agents(about.agents)
            first = name not in self._introduced
            self._introduced.add(name)
            self._write(msgspec.structs.replace(record, agents=agents, version=about.version[:40]), at_once=first)

    def beat(self, name: str, beat: Beat) -> bool:
        """A host gave a sign of life; True if it was away until now."""
        if self._known(name) is None:
            return False
        heard = self._heard.setdefault(name, Heard())
        was_there = heard.is_there
        heard.beat(beat.at)
        reach = min(max(beat.reach, 0), MOST_REACH)  # else who says more is the one that sounds
        self._write(msgspec.structs.replace(self._records[name], reach=reach, sounds=beat.sounds))
        self.look(name)
        return not was_there

    def look(self, name: str) -> None:
        """Write whether a host is there, where that changed."""
        record = self._known(name)
        if record is None:
            return
        heard = self._heard.setdefault(name, Heard())
        seen_at, skew = heard.seen_at or record.seen_at, record.skew if heard.skew is None else heard.skew
        away_since = 0.0 if heard.is_there else record.away_since or record.seen_at or seen_at or time.time()
        moved = skew is not None and (record.skew is None or abs(skew - record.skew) >= SKEW_STEP)
        if moved or away_since != record.away_since or seen_at - record.seen_at >= SEEN_STEP:
            if away_since and not record.away_since:
                away_since = seen_at or away_since
            self._write(msgspec.structs.replace(record, seen_at=seen_at, away_since=away_since, skew=skew))

    def look_at_all(self) -> None:
        """The same of each."""
        for name in list(self._records):
            self.look(name)

    def _known(self, name: str) -> HostRecord | None:
        record = self._records.get(name)
        return None if record is None or record.revoked else record

    def _write(self, record: HostRecord, *, at_once: bool = False) -> None:
        before = self._records.get(record.name)
        if record == before:
            return
        self._records[record.name] = record
        wait = self._written.get(record.name, -inf) + WRITE_STEP - time.monotonic()
        if before is None or _said_by_hub(before) != _said_by_hub(record):
            self._keep(record.name, durable=True)
        elif at_once or wait <= 0:
            self._keep(record.name)
        elif record.name not in self._waiting:
            self._waiting.add(record.name)
            asyncio.get_running_loop().call_later(wait, self._keep, record.name)
        if not record.revoked and (before is None or before.revoked):
            self._on_new(record.name)

    def _keep(self, name: str, durable: bool = False) -> None:
        self._waiting.discard(name)
        self._written[name] = time.monotonic()
        with suppress(OSError, MailcoreError):  # written when it changes next
            write_host(self._workspace, self._records[name], durable=durable)


def _said_by_hub(record: HostRecord) -> tuple[str, str, bool]:
    return record.key, record.operator_key, record.revoked


def known_host(workspace: Workspace, name: str) -> HostRecord | None:
    """What is known of a host that belongs to the link; None of any other."""
    record = read_host(workspace, name) if HOST.fullmatch(name) else None
    return None if record is None or record.revoked else record
