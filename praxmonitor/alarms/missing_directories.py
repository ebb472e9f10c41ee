"""Agents whose directory is missing: deleted, moved without the registry's knowing, on a disk that is not mounted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts

MISSING_FOR = 10.0
"""Seconds for which a directory must be missing: moving it and changing the registry are two steps."""
NOBODY: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class BranchFiles:
    """What there is of an agent, or was."""

    directory: bool = False
    """Alone also that of a disk that is not mounted."""
    passport: bool = False
    mailbox: tuple[int, int] | None = None
    """Device and inode of its mail directory: one mail to an empty mount point makes another."""

    def is_missing_from(self, found: BranchFiles) -> bool:
        """Whether what was there is missing in what is `found` now."""
        if found.passport:
            return False
        if self.passport:
            return found.mailbox is None or found.mailbox != self.mailbox
        return found.mailbox is None if self.mailbox is not None else self.directory and not found.directory

    def union(self, found: BranchFiles) -> BranchFiles:
        """The most that was ever there, with what is `found` now."""
        directory, passport = self.directory or found.directory, self.passport or found.passport
        return BranchFiles(directory, passport, found.mailbox or self.mailbox)


NOTHING, BARE = BranchFiles(), BranchFiles(directory=True)
SOME_MAILBOX = (0, 0)
"""That of an agent that had one, nobody knows which."""


def branch_files(agent: Agent) -> BranchFiles:
    """What there is of the agent: two stats, one more where that is nothing. May wait for a disk."""
    try:
        passport = agent.passport.exists()
        try:
            mail = agent.mail_dir.stat()
        except (FileNotFoundError, NotADirectoryError):
            return BranchFiles(passport or agent.branch.is_dir(), passport)
        return BranchFiles(True, passport, (mail.st_dev, mail.st_ino))
    except OSError:  # of a disk that went away: an input/output error, a stale handle
        return NOTHING


class MissingDirectories:
    """Remembers what was there: a directory that was never made is not missing."""

    def __init__(self, files_of: Callable[[Agent], BranchFiles] = branch_files, settle: float = MISSING_FOR) -> None:
        self._files_of, self._settle = files_of, settle
        self._seen: dict[Path, BranchFiles] = {}
        """By branch, the most that was ever there of it."""
        self._since: dict[Path, tuple[float, float]] = {}
        """By branch, since when it is missing, by both clocks."""

    def check(
        self, agents: Iterable[AgentFacts], now: float, mono: float, known: Mapping[str, float] = NOBODY
    ) -> Mapping[str, float]:
        """Address → since when its directory is missing (seconds since the epoch), once that is sure.

        `mono`: seconds of the machine's own clock, which nobody sets. `known`: the same, as it was reported before. A
        directory was there if it was seen, if it was known to be missing, or if the agent was ever at work. Agents that
        are not among these are forgotten.
        """
        missing, seen, since_when = {}, self._seen, self._since
        self._seen, self._since = {}, {}
        for facts in agents:
            address, branch = facts.address, facts.agent.branch
            before, found = seen.get(branch, NOTHING), self._files_of(facts.agent)
            if facts.last_active:
                before = replace(before, directory=True)
            if before.mailbox is None and (address in known or facts.run is not None):
                before = replace(before, mailbox=SOME_MAILBOX)
            if not before.is_missing_from(found):
                self._seen[branch] = before.union(found)
                continue
            self._seen[branch] = before
            since, began = since_when.get(branch, (known.get(address, now), mono - self._settle * (address in known)))
            self._since[branch] = since, began
            if mono - began >= self._settle:
                missing[address] = since
        return MappingProxyType(missing) if missing else NOBODY
