"""Which session files of the agents there are: those of every program's own directories, found as they appear."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from stat import S_ISREG

from mailcore.model.agent import Agent
from mailcore.observe.file_stamps import FileStamps
from mailcore.observe.usage_sum import local_midnight
from mailcore.programs.base import ProgramFailed, SessionFiles
from mailcore.programs.registry import programs
from mailcore.programs.session_owner import Owners
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

FoundSession = tuple[str, Path, SessionFiles]
"""An agent's address, a session file of it, and the program's account of such files."""


@dataclass(slots=True)
class _ProgramFiles:
    """What is known of one program's session files."""

    name: str
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
        self._kept = [_ProgramFiles(one.name, one.sessions) for one in programs() if one.sessions is not None]
        self._agents: list[Agent] = []
        self._owners = Owners(())
        self._branches: list[Path] = []
        self._files: dict[str, str] = {}
        """Address by session file, a string for it is asked often; empty for a session begun elsewhere."""
        self._asked: Recent[Path, int] = Recent(MAX_HEADS)
        """How long, in bytes, a file was when it was asked whose it is."""
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
        """By program: what is wrong with its account of its session files."""

    def enroll(self, agents: Iterable[Agent]) -> None:
        """These are the agents whose sessions are wanted."""
        agents = list(agents)
        if agents == self._agents:
            return
        self._agents, self._owners = agents, Owners(agents)
        self._files.clear()
        self._census, self._due, self._since, self.complete = None, 0.0, 0.0, False
        # A program says its directory as it was given: through a symlink, or as it really is.
        real = (place for agent in agents for place in (agent.branch, Path(os.path.realpath(agent.branch))))
        self._branches = list(dict.fromkeys(real))
        for program in self._kept:
            try:
                self._unseen.update(self._ask_places(program))
            except ProgramFailed as error:
                self.troubles[program.name] = str(error)

    def directories(self) -> list[Path]:
        """The directories to watch, flat, of those that the last sweep found."""
        existing = [place for program in self._kept for place in program.existing]
        return [*existing, *(place for program in self._kept for places in program.places.values() for place in places)]

    def changed(self, paths: Iterable[Path]) -> list[FoundSession]:
        """Of the paths that changed, the session files with their agents' addresses."""
        paths = list(paths)
        found: list[FoundSession] = []
        for program in self._kept:
            try:
                inside = [path for path in paths if program.root in path.parents and program.files.is_session(path)]
                found += self._owned(program, inside)
            except ProgramFailed as error:
                self.troubles[program.name] = str(error)
        return found

    def sweep(self) -> list[FoundSession]:
        """The session files that were written of late, by a look at each directory that moved or was not seen long."""
        found: list[FoundSession] = []
        for program in self._kept:
            try:
                found += self._sweep(program)
                self.troubles.pop(program.name, None)
            except ProgramFailed as error:
                self.troubles[program.name] = str(error)
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
            self._census = self._written(since)
        named = list(islice(self._census, limit))
        if len(named) < limit:
            self._census, self.complete = None, True
        return [one for one in named if one[0]]

    def _written(self, since: float) -> Iterator[FoundSession]:
        """Session files by whoever began them, those of nobody with an empty address."""
        for program in self._kept:
            try:
                for path, cwd in program.files.history(self._branches, since):
                    yield self._owners.address(cwd), path, program.files
            except ProgramFailed as error:
                self.troubles[program.name] = str(error)

    def is_new(self, path: Path) -> bool:
        """True of a session file that was made since the looking began: all of it is news."""
        return path not in self._old

    def owner_of(self, cwd: str) -> str:
        """Whose a session is that was begun in a directory; empty for nobody's."""
        return self._owners.address(cwd)

    def owner(self, name: str) -> str:
        """Whose session file it is, by its path, if that was asked before; empty if not."""
        return self._files.get(name, "")

    def _ask_places(self, program: _ProgramFiles) -> set[Path]:
        """Learn where sessions may go on today; the places that were not known before."""
        program.root = program.files.root
        self._stamps.moved(program.root)
        places = program.files.places(self._branches)
        new = set(places) - program.places.keys()
        program.day = date.today()
        program.places = {place: program.places.get(place, []) for place in places}
        between = (above for place in places for above in reversed(place.parents))
        program.parents = list(dict.fromkeys(above for above in between if above.is_relative_to(program.root)))
        return new

    def _sweep(self, program: _ProgramFiles) -> Iterator[FoundSession]:
        now = time.time()
        if program.day != date.today() or self._stamps.moved(program.root):
            self._ask_places(
                program
            )  # what is new with a day or a directory begins empty: all that it will hold is news
        program.existing = [place for place in program.parents if place.is_dir()]
        for place in program.places:
            if place in self._unseen:
                self._unseen.discard(place)
                self._old.update(path for _, path in program.files.found(place))
            moved = self._stamps.moved(place)
            if moved:
                program.places[place] = [one for one in (place, *program.files.inner(place)) if one.is_dir()]
            if moved or now - self._looked.get(place, 0.0) > FULL_LOOK_PERIOD:
                self._looked[place] = now
                newest = sorted(program.files.found(place), reverse=True)[:MAX_FILES]
                yield from self._owned(program, (path for at, path in newest if now - at < RECENT_SECONDS))

    def _owned(self, program: _ProgramFiles, files: Iterable[Path]) -> Iterator[FoundSession]:
        for path in files:
            # A file that was just made does not say its directory yet: it is asked again when it grew.
            name = str(path)
            if name not in self._files and self._tells(path) and (cwd := program.files.cwd_of(path, self._branches)):
                self._files[name] = self._owners.address(cwd)
                if len(self._files) > MAX_HEADS:
                    del self._files[next(iter(self._files))]
            if address := self._files.get(name, ""):
                yield address, path, program.files

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
