"""Gemini CLI's session files: whose each is, and what reads them."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from mailcore.programs.gemini import places
from mailcore.programs.gemini.places import CHATS, HEAD
from mailcore.programs.gemini.transcript import GeminiTranscript
from mailcore.programs.session_files import BEFORE, feed_before, feed_lines, list_entries, newer_files, timestamp_of
from mailcore.programs.transcript_reader import Counted, Transcript
from mailcore.system import safe_open
from mailcore.system.real_paths import real_paths

RECENT = 24 * 3600.0
"""Seconds: the subagents of a session that was not written for longer are not looked for."""
CHILDREN = 8
"""Sessions of one directory whose subagents are looked for, the newest of the last day."""


class GeminiSessions:
    """A directory for each that sessions were begun in, under a short name of Gemini CLI's own making."""

    whole = False

    def __init__(self, home: Path) -> None:
        self._home = home

    @property
    def root(self) -> Path:
        """Where the directories lie."""
        return places.root(self._home)

    def places(self, branches: Collection[Path]) -> list[Path]:
        """The branches' own directories, and those of what lies below them.

        Of a branch that has none, the one that it will get if it comes next.
        """
        named = places.registry(self._home)
        taken, used = {name for name in named.values() if isinstance(name, str)}, places.used_names(self._home)
        real = dict.fromkeys(real_paths(branches))
        names = (places.name_of(branch, named) or places.next_name(branch, taken, used, self._home) for branch in real)
        below = (
            places.name_of(path, named)
            for path in named
            if path not in real and any(str(above) in real for above in Path(path).parents)
        )
        root = self.root
        return [root / name / CHATS for name in dict.fromkeys(filter(None, (*names, *below)))]

    def inner(self, place: Path) -> list[Path]:
        """Where the subagents of the newest sessions write."""
        try:
            with os.scandir(place) as entries:
                folders = [(one.stat().st_mtime, one.path) for one in entries if one.is_dir(follow_symlinks=False)]
        except OSError:
            return []
        oldest = time.time() - RECENT
        return [Path(path) for at, path in sorted(folders, reverse=True)[:CHILDREN] if at > oldest]

    def found(self, place: Path) -> list[tuple[float, Path]]:
        """The sessions, and the newest ones' subagents."""
        return [one for folder in (place, *self.inner(place)) for one in list_entries(folder, _is_session)]

    def is_session(self, path: Path) -> bool:
        """By the ending, and by where it lies: beside the sessions there are logs."""
        return _is_session(path.name) and CHATS in path.parts[-3:-1]

    def cwd_of(self, path: Path, branches: Collection[Path] = ()) -> str:
        """As is reported beside the directory in which the sessions lie: a file has only a hash of it."""
        del branches
        return places.owner(path.parents[1]) or places.owner(path.parents[2]) if len(path.parents) > 2 else ""

    def session_of(self, path: Path) -> str:
        """Its name; of a subagent's the directory in which it lies."""
        return path.stem if path.parent.name == CHATS else path.parent.name

    def time_of(self, line: bytes) -> float:
        """As messages report it; what is written of the session itself may hold the whole history with its times."""
        return 0.0 if line.startswith(b'{"$') else timestamp_of(line)

    def history(self, branches: Collection[Path], since: float) -> Iterator[tuple[Path, str]]:
        """Of each branch the sessions, then their subagents."""
        for place in self.places(branches):
            for pattern in ("*.jsonl", "*/*.jsonl"):
                for path in newer_files(place.glob(pattern), since):
                    yield path, self.cwd_of(path)

    def reader(self, agent: str, path: Path, offset: int, counted: Counted, earlier: float = 0.0) -> Transcript:
        """As of `SessionFiles.reader`; each message reports its time."""
        del earlier
        reader = GeminiTranscript(agent, path)
        reader.cwd = self.cwd_of(path)
        if offset > BEFORE:
            with safe_open.open_regular(path) as file:
                feed_lines(reader, file.readline(HEAD))
        feed_before(reader, path, offset)
        reader.counted = counted
        return reader


def _is_session(name: str) -> bool:
    return name.endswith(".jsonl")
