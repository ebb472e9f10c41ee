"""Which session files of the agents there are: those in the directories of every account, found as they appear."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from mailcore.accounts.account import why_unusable
from mailcore.model.account import Account
from mailcore.model.agent import Agent
from mailcore.observe.file_stamps import FileStamps
from mailcore.observe.usage_sum import local_midnight
from mailcore.programs.base import ProgramFailed, SessionFiles
from mailcore.programs.registry import program
from mailcore.programs.session_owner import Owners, session_address
from mailcore.programs.transcript_reader import Recent

RECENT_SECONDS = 24 * 3600.0
"""Seconds: a session file that was not written for longer is taken up only when it is written again."""
MAX_FILES = 64
"""Session files of one directory that are taken up at once, the newest."""
FULL_LOOK_PERIOD = 30.0
"""Seconds between two looks at every file of a directory that did not move itself: a resumed session is an old file."""
SHORT_BYTES = 262_144
"""Bytes up to which a file is asked whose it is whenever it grew."""
MAX_HEADS = 4096
"""Session files whose owner is remembered."""

CENSUS_PERIOD = 300.0
"""Seconds between two censuses: what is written where nobody watches, as by the subagents of many sessions."""
CENSUS_OVERLAP = 60.0
"""Seconds before the last census that the next one looks back."""


class FoundSession(NamedTuple):
    """One session file."""

    address: str
    """The agent's whose it is; its own, of one that is no agent's and lies in the project; empty for nobody's."""
    path: Path
    files: SessionFiles
    """What its program says of such files."""
    account: Account
    """In whose directory it lies: whoever began the session used that account."""


class StraySession(NamedTuple):
    """A session in the project that is no agent's."""

    program: str
    session: str
    """Its id."""
    cwd: str
    """Where it was begun."""


@dataclass(slots=True)
class _AccountFiles:
    """What is known of one account's session files."""

    account: Account
    files: SessionFiles
    root: Path = field(default_factory=Path)
    places: dict[Path, list[Path]] = field(default_factory=dict)
    """Each place, and of what stands there the directories to watch."""
    parents: list[Path] = field(default_factory=list)
    """The directories between the root and the places."""
    existing: list[Path] = field(default_factory=list)
    """Those that are there."""
    day: date = date.min
    """When the places were asked for."""


class SessionDiscovery:
    """Finds session files, and says whose they are."""

    def __init__(self) -> None:
        self._stamps = FileStamps()
        self._kept: list[_AccountFiles] = []
        self._agents: list[Agent] = []
        self._owners = Owners(())
        self._files: dict[str, str] = {}
        """Address by session file, a string for it is asked often; empty for a session begun elsewhere."""
        self._asked: Recent[Path, int] = Recent(MAX_HEADS)
        """How long, in bytes, a file was when it was asked whose it is."""
        self._sessions: Recent[str, str] = Recent(MAX_HEADS)
        """Address by the id of a session whose file was found."""
        self._admitted: dict[str, tuple[Path, str]] = {}
        """Id of a session begun elsewhere that was given a directory of the project → where it was, and that."""
        self.strays: Recent[str, StraySession] = Recent(MAX_HEADS)
        """By address: the sessions in the project that are no agent's and whose files were found."""
        self._unseen: set[Path] = set()
        """Directories in which nobody has looked yet: what stands there is older than the looking."""
        self._old: set[Path] = set()
        self._looked: dict[Path, float] = {}
        self._census: Iterator[FoundSession] | None = None
        self._due = 0.0
        self._since = 0.0
        self.complete = False
        """Every session file of today was named once."""
        self.troubles: dict[str, str] = {}
        """By account's key: what is wrong with its session files."""

    def look_in(self, accounts: Iterable[Account]) -> None:
        """These are the accounts whose directories are looked in."""
        known = {kept.account: kept for kept in self._kept}
        self._kept, self.troubles = [], {}
        for account in accounts:
            try:
                files = program(account.program).sessions_at(account.home)
            except ProgramFailed as error:
                self.troubles[account.key] = str(error)
                continue
            if files is not None:
                self._kept.append(known.get(account) or _AccountFiles(account, files))
        self._begin_again()

    def enroll(self, agents: Iterable[Agent]) -> None:
        """These are the agents whose sessions are wanted."""
        agents = list(agents)
        if agents == self._agents:
            return
        self._agents = agents
        self._own_again()

    def _own_again(self) -> None:
        """Ask anew whose each session is: the agents, or the worktrees of the project, are others."""
        self._owners = Owners(self._agents)
        for record in self._owners.records:
            self._stamps.moved(record)
        self._files.clear()
        self._sessions, self.strays = Recent(MAX_HEADS), Recent(MAX_HEADS)
        self._begin_again()

    def admit(self, session: str, cwd: str, added: str) -> None:
        """A session that was begun outside of the project, in `cwd`, was given a directory of it, `added`."""
        if self._admitted.get(session) != (found := (Path(cwd), added)):
            self._admitted[session] = found
            self._begin_again()

    def _begin_again(self) -> None:
        self._census, self._due, self._since, self.complete = None, 0.0, 0.0, False
        for kept in self._kept:
            try:
                self._unseen.update(self._ask_places(kept))
            except ProgramFailed as error:
                self.troubles[kept.account.key] = str(error)

    def directories(self) -> dict[str, int]:
        """The directories to watch, flat, of those that the last sweep found, with their inodes."""
        records = (record if record.is_dir() else record.parent for record in self._owners.records)
        existing = [*records, *(place for kept in self._kept for place in kept.existing)]
        places = [*existing, *(place for kept in self._kept for places in kept.places.values() for place in places)]
        return {str(place): self._stamps.inode(place) for place in places}

    def changed(self, paths: Iterable[Path]) -> list[FoundSession]:
        """Of the paths that changed, the session files with their agents' addresses."""
        paths = list(paths)
        found: list[FoundSession] = []
        for kept in self._kept:
            try:
                inside = [path for path in paths if kept.root in path.parents and kept.files.is_session(path)]
                found += self._owned(kept, inside)
                if any(path.parent == kept.root for path in paths):  # the first session of a directory
                    found += self._sweep(kept)
            except ProgramFailed as error:
                self.troubles[kept.account.key] = str(error)
        return found

    def sweep(self) -> list[FoundSession]:
        """The session files that were written of late, by a look at each directory that moved or was not seen long."""
        if any(self._stamps.moved(record) for record in self._owners.records):
            known = set(self._owners.worktrees)
            self._own_again()
            made = [top for top in self._owners.worktrees if top not in known]
            for kept in self._kept:  # all that was begun in a worktree which was made just now is news
                self._unseen.difference_update(kept.files.places(made))
        found: list[FoundSession] = []
        for kept in self._kept:
            try:
                found += self._sweep(kept)
                trouble = why_unusable(kept.account)
            except ProgramFailed as error:
                trouble = str(error)
            self.troubles.pop(kept.account.key, None)
            self.troubles |= {kept.account.key: trouble} if trouble else {}
        return found

    def census(self, limit: int) -> list[FoundSession]:
        """Of all session files that were written today the next few, also those that are followed.

        At most `limit` files are asked whose they are. Once all were named, those written since, every CENSUS_PERIOD.
        """
        if self._census is None:
            now = time.time()
            if now < self._due:
                return []
            since, self._since = self._since or local_midnight(now), now - CENSUS_OVERLAP
            self._due = now + CENSUS_PERIOD
            self._census = self._all_since(since)
        named = list(islice(self._census, limit))
        if len(named) < limit:
            self._census, self.complete = None, True
        return [found for found in named if found.address]

    def written_since(self, since: float) -> Iterator[FoundSession]:
        """The agents' session files that were written since then (seconds since the epoch), whatever is followed."""
        return (found for found in self._all_since(since) if found.address)

    def _all_since(self, since: float) -> Iterator[FoundSession]:
        """Session files by whoever began them, those of nobody with an empty address."""
        for kept in self._kept:
            try:
                for path, cwd in kept.files.history(self._owners.places, since):
                    yield FoundSession(self._owners.address(cwd), path, kept.files, kept.account)
            except ProgramFailed as error:
                self.troubles[kept.account.key] = str(error)

    def is_new(self, path: Path) -> bool:
        """True of a session file that was made since the looking began: all of it is news."""
        return path not in self._old

    def owner_of(self, cwd: str, program: str = "", session: str = "") -> str:
        """Whose a session is, as its file says, else as the directory does in which it was begun; empty for nobody's.

        One that lies in the project and is no agent's has an address of its own.
        """
        if session and (found := self._sessions.get(session)):
            return found
        if address := self._owners.address(cwd):
            return address
        return session_address(program, session) if session and self._owners.inside(cwd) else ""

    def inside(self, cwd: str) -> bool:
        """Whether that directory lies in the project, an agent's or not."""
        return self._owners.inside(cwd)

    def owner(self, name: str) -> str:
        """Whose session file it is, by its path, if that was asked before; empty if not."""
        return self._files.get(name, "")

    def _ask_places(self, kept: _AccountFiles) -> set[Path]:
        """Learn where sessions may go on today; the places that were not known before."""
        kept.root = kept.files.root
        self._stamps.moved(kept.root)
        admitted = [cwd for cwd, _ in self._admitted.values()]
        places = kept.files.places([*self._owners.places, *admitted])
        new = set(places) - kept.places.keys()
        kept.day = date.today()
        kept.places = {place: kept.places.get(place, []) for place in places}
        kept.parents = _between(kept.root, places)
        return new

    def _sweep(self, kept: _AccountFiles) -> Iterator[FoundSession]:
        now = time.time()
        if kept.day != date.today() or self._stamps.moved(kept.root):
            self._ask_places(kept)  # what is new with a day or a directory begins empty: all that it will hold is news
        kept.existing = [place for place in kept.parents if place.is_dir()]
        for place in kept.places:
            moved = self._stamps.moved(place)
            if self._stamps.absent(place):
                self._unseen.discard(place)
                kept.places[place] = []
                continue
            if place in self._unseen:
                self._unseen.discard(place)
                self._old.update(path for _, path in kept.files.found(place))
            if moved:
                kept.places[place] = [path for path in (place, *kept.files.inner(place)) if path.is_dir()]
            if moved or now - self._looked.get(place, 0.0) > FULL_LOOK_PERIOD:
                self._looked[place] = now
                newest = sorted(kept.files.found(place), reverse=True)[:MAX_FILES]
                yield from self._owned(kept, (path for at, path in newest if now - at < RECENT_SECONDS))

    def _owned(self, kept: _AccountFiles, files: Iterable[Path]) -> Iterator[FoundSession]:
        for path in files:
            # A file that was just made does not say its directory yet: it is asked again when it grew.
            name = str(path)
            if name not in self._files and self._tells(path) and (cwd := self._begun(kept, path)):
                session = kept.files.session_of(path)
                self._files[name] = address = self.owner_of(cwd, kept.account.program, session)
                self._sessions.put(session, address)
                if address and address != self._owners.address(cwd):
                    self.strays.put(address, StraySession(kept.account.program, session, cwd))
                if len(self._files) > MAX_HEADS:
                    del self._files[next(iter(self._files))]
            if address := self._files.get(name, ""):
                yield FoundSession(address, path, kept.files, kept.account)

    def _begun(self, kept: _AccountFiles, path: Path) -> str:
        if self._admitted and (admitted := self._admitted.get(kept.files.session_of(path))):
            return admitted[1]
        return kept.files.cwd_of(path, self._owners.places)

    def _tells(self, path: Path) -> bool:
        """Shall it be asked whose it is? Not a link to another; a long one not again before it is twice as long."""
        try:
            stat = path.lstat()
        except OSError:
            return False
        if not S_ISREG(stat.st_mode) or SHORT_BYTES < stat.st_size < 2 * (self._asked.get(path) or 0):
            return False
        self._asked.put(path, stat.st_size)
        return True


def _between(root: Path, places: Iterable[Path]) -> list[Path]:
    """The directories from `root` down to above each of those places that lie below it, the outer ones first."""
    between: dict[Path, None] = {}
    for place in places:
        inner, above = [], place.parent
        while above != root and above not in between and above != above.parent:
            inner.append(above)
            above = above.parent
        if above == root or above in between:
            between |= dict.fromkeys((root, *reversed(inner)))
    return list(between)
