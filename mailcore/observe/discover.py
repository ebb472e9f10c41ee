"""Which session files of the agents there are: those of their programs' own directories, found as they appear."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from stat import S_ISREG

from mailcore.model.agent import Agent
from mailcore.observe.stamps import Stamps
from mailcore.programs.claude import sessions as claude_sessions
from mailcore.programs.codex import sessions as codex_sessions
from mailcore.programs.sessions import cwd_of
from mailcore.programs.transcript import Recent

RECENT = 24 * 3600.0
"""Seconds: a session file that was not written for longer is taken up only when it is written again."""
MOST = 64
"""Session files of one directory that are taken up at once, the newest."""
CHILDREN = 8
"""Sessions of one directory whose subagents are looked for, the newest of the last day."""
DAYS = 3
"""Days back in which Codex's session files, filed by the day they were begun on, are looked for."""
LOOK = 30.0
"""Seconds between two looks at every file of a directory that did not move itself: a resumed session is an old file."""
SHORT = 262_144
"""Bytes up to which a file is asked whose it is whenever it grew."""
HEADS = 4096
"""Session files whose owner is remembered."""


class Discovery:
    """Finds session files, and says whose they are."""

    def __init__(self) -> None:
        self._stamps = Stamps()
        self._owners: dict[str, str] = {}
        """Address by the real path of its branch."""
        self._claude: dict[Path, list[Path]] = {}
        """Claude Code's directory of each branch, and of what stands there the directories to watch."""
        self._others: list[Path] = []
        self._files: dict[str, str] = {}
        """Address by session file, a string for it is asked often; empty for a session begun elsewhere."""
        self._asked: Recent[Path, int] = Recent(HEADS)
        """How long, in bytes, a file was when it was asked whose it is."""
        self._unseen: set[Path] = set()
        """Directories in which nobody has looked yet: what stands there is older than the looking."""
        self._old: set[Path] = set()
        self._codex_unseen = True
        self._looked: dict[Path, float] = {}

    def enroll(self, agents: Iterable[Agent]) -> None:
        """These are the agents whose sessions are wanted."""
        self._files.clear()
        self._owners = {os.path.realpath(agent.branch): agent.address for agent in agents if not agent.is_operator}
        # A program says its directory as it was given: through a symlink, or as it really is.
        branches = [place for agent in agents for place in (agent.branch, Path(os.path.realpath(agent.branch)))]
        places = dict.fromkeys(claude_sessions.directory(branch) for branch in branches)
        self._unseen |= places.keys() - self._claude.keys()
        self._claude = {place: self._claude.get(place, []) for place in places}

    def directories(self) -> list[Path]:
        """The directories to watch, flat, of those that the last sweep found."""
        return [*self._others, *(place for places in self._claude.values() for place in places)]

    def changed(self, paths: Iterable[Path]) -> list[tuple[str, Path]]:
        """Of the paths that changed, the session files with their agents' addresses."""
        files = [path for path in paths if path.suffix == ".jsonl" and self._within(path)]
        return self._owned(files)

    def sweep(self) -> list[tuple[str, Path]]:
        """The session files that were written of late, by a look at each directory that moved or was not seen long."""
        found: list[tuple[str, Path]] = []
        now = time.time()
        days = self._codex()
        above = next(iter(self._claude), Path()).parents[:1]
        self._others = [place for place in (*above, *days) if place.is_dir()]
        first = self._codex_unseen
        self._codex_unseen = False
        for place in (*self._claude, *days):
            if place in self._unseen or (first and place in days):
                self._unseen.discard(place)
                self._old.update(path for _, path in _sessions(place))
            moved = self._stamps.moved(place)
            if moved and place in self._claude:
                self._claude[place] = [one for one in (place, *_directories(place)) if one.is_dir()]
            if moved or now - self._looked.get(place, 0.0) > LOOK:
                self._looked[place] = now
                found += self._owned(_recent(place, now))
        return found

    def _within(self, path: Path) -> bool:
        above = path.parents
        return any(place in self._claude for place in above[:3]) or codex_sessions.home() in above

    def begun(self, path: Path) -> bool:
        """True of a session file that was made since the looking began: all of it is news."""
        return path not in self._old

    def owner(self, name: str) -> str:
        """Whose session file it is, by its path, if that was asked before; empty if not."""
        return self._files.get(name, "")

    def _owned(self, files: Iterable[Path]) -> list[tuple[str, Path]]:
        found = []
        for path in files:
            # A file that was just made does not say its directory yet: it is asked again when it grew.
            name = str(path)
            if name not in self._files and self._tells(path) and (cwd := cwd_of(path)):
                self._files[name] = self._owners.get(_real(cwd), "")
                if len(self._files) > HEADS:
                    del self._files[next(iter(self._files))]
            if address := self._files.get(name, ""):
                found.append((address, path))
        return found

    def _tells(self, path: Path) -> bool:
        """Shall it be asked whose it is? Not a link to another; a long one not again before it is twice as long."""
        try:
            stat = path.lstat()
        except OSError:
            return False
        if not S_ISREG(stat.st_mode) or SHORT < stat.st_size < 2 * (self._asked.get(path) or 0):
            return False
        self._asked.put(path, stat.st_size)
        return True

    def _codex(self) -> list[Path]:
        """The days in which sessions may go on, and the directories above them."""
        today = date.today()
        days = codex_sessions.directories(today - timedelta(days=DAYS), today)
        return list(dict.fromkeys(place for day in days for place in (*reversed(day.parents[:3]), day)))


def _real(directory: str) -> str:
    """Its real path; empty for what can be none."""
    try:
        return os.path.realpath(directory)
    except ValueError:  # a NUL, or half of a surrogate pair
        return ""


def _directories(place: Path) -> list[Path]:
    """Of the sessions in a directory of Claude Code's, those that have subagents."""
    try:
        with os.scandir(place) as entries:
            sessions = [(entry.stat().st_mtime, entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    oldest = time.time() - RECENT
    newest = [path for at, path in sorted(sessions, reverse=True)[:CHILDREN] if at > oldest]
    return [child for session in newest for child in (Path(session), Path(session, "subagents"))]


def _recent(place: Path, now: float) -> list[Path]:
    """The newest session files of a directory, and of the subagents in it."""
    return [path for at, path in sorted(_sessions(place), reverse=True)[:MOST] if now - at < RECENT]


def _sessions(place: Path) -> list[tuple[float, Path]]:
    """When each session file of a directory was written, and of the subagents in it."""
    found = []
    for directory in (place, *(child for child in _directories(place) if child.name == "subagents")):
        try:
            with os.scandir(directory) as entries:
                found += [(e.stat().st_mtime, Path(e.path)) for e in entries if e.name.endswith(".jsonl")]
        except OSError:
            continue
    return found
