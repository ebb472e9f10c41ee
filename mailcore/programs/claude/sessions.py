"""Session files of Claude Code: where they lie, whose one is, what reads it (contract claude-code, "Transcript")."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path

from mailcore.programs.claude.places import below, directory, root
from mailcore.programs.session_files import BEFORE, feed_before, list_entries, newer_files, timestamp_of
from mailcore.programs.transcript_reader import (
    MAX_TRANSCRIPT_LINE,
    Counted,
    Transcript,
    dollars_of,
    parse_line,
    table_of,
    text_of,
)
from mailcore.system import safe_open

HEAD = 16 * 1024 * 1024
"""Bytes of a file in which the working directory is looked for: it stands behind the first prompt and its images."""
RECENT = 24 * 3600.0
"""Seconds: the subagents of a session that was not written for longer are not looked for."""
CHILDREN = 8
"""Sessions of one directory whose subagents are looked for, the newest of the last day."""
MONEY = 256 * 1024 * 1024
"""Bytes before it in which the last total of a session's money is looked for: 0.1 s of reading, once a session."""
SUBAGENTS = "subagents"
"""The directory of a session's subagents, in one that has the session's name."""
READ_BLOCK = 4 * 1024 * 1024
OVERLAP = 16384
"""A line that is cut where a block begins is read with the block before it."""


class ClaudeSessions:
    """A directory for each that sessions were begun in; its name leads to it."""

    whole = False

    def __init__(self, home: Path) -> None:
        self._home = home

    @property
    def root(self) -> Path:
        """Where the directories lie."""
        return root(self._home)

    def places(self, branches: Collection[Path]) -> list[Path]:
        """The branches' own directories, and those of what lies below them."""
        own = [directory(branch, self._home) for branch in branches]
        return list(dict.fromkeys([*own, *below(own, self._home)]))

    def inner(self, place: Path) -> list[Path]:
        """Of the sessions that have subagents the newest, and where those write."""
        return [one for one in _inner(place) if one.is_dir()]

    def found(self, place: Path) -> list[tuple[float, Path]]:
        """The sessions, and the newest ones' subagents."""
        folders = (place, *(inner for inner in _inner(place) if inner.name == SUBAGENTS))
        return [one for folder in folders for one in list_entries(folder, lambda name: name.endswith(".jsonl"))]

    def is_session(self, path: Path) -> bool:
        """By the ending alone."""
        return path.suffix == ".jsonl"

    def cwd_of(self, path: Path, branches: Collection[Path]) -> str:
        """The first `cwd` of its head, behind the first prompt; a subagent works where its session was begun."""
        del branches
        return begun_in(path, self.root)

    def session_of(self, path: Path) -> str:
        """Its name; of a subagent's the directory above."""
        match path.relative_to(self.root).parts if path.is_relative_to(self.root) else ():
            case (_, session, folder, *_) if folder == SUBAGENTS:
                return session
        return path.stem

    def time_of(self, line: bytes) -> float:
        """As most lines report it."""
        return timestamp_of(line)

    def history(self, branches: Collection[Path], since: float) -> Iterator[tuple[Path, str]]:
        """Of each place the sessions, then their subagents; one that does not say where it was is the branch's."""
        own = {directory(branch, self._home): str(branch) for branch in branches}
        for place in self.places(branches):
            for pattern in ("*.jsonl", "*/subagents/**/*.jsonl"):
                for path in newer_files(place.glob(pattern), since):
                    yield path, begun_in(path, self.root) or own.get(place, "")

    def reader(self, agent: str, path: Path, offset: int, counted: Counted, earlier: float = 0.0) -> Transcript:
        """As of `SessionFiles.reader`; `earlier` is for what reports no time, where its message is too far back."""
        from mailcore.programs.claude.transcript import ClaudeTranscript

        reader = ClaudeTranscript(agent, path)
        if offset > BEFORE:
            reader.cwd = cwd_of(path, self.root)
        feed_before(reader, path, offset)
        # Only now: what stands before the offset is another reader's to count.
        reader.counted = counted
        if offset > BEFORE and not reader.last and earlier:
            reader.last = math.nextafter(earlier, 0.0)
        # What was just read reported it better, if it reported any.
        reader.former = partial(_money_before, path, max(0, offset - BEFORE))
        return reader


def cwd_of(path: Path, top: Path) -> str:
    """Where the session of that file below `top` works: the first `cwd` of its head; empty while there is none.

    Of a subagent's file that of its session, as far as that reports: a subagent may be given a directory of its own.
    """
    return _of_session(path, top, _first_cwd)


def begun_in(path: Path, top: Path) -> str:
    """Where its person began it: the same, save of one that made itself a worktree (`claude --worktree`), which says
    before all else in which directory it did."""
    return _of_session(path, top, _first_place)


def _of_session(path: Path, top: Path, told: Callable[[Path], str]) -> str:
    match path.relative_to(top).parts if path.is_relative_to(top) else ():
        case (place, session, folder, *_) if folder == SUBAGENTS:
            return told(top / place / f"{session}.jsonl") or told(path)
    return told(path)


def _first_place(path: Path) -> str:
    return _first_cwd(path, worktrees=True)


def _first_cwd(path: Path, worktrees: bool = False) -> str:
    try:
        with safe_open.open_regular(path) as file:
            while file.tell() < HEAD and (line := file.readline(MAX_TRANSCRIPT_LINE)):
                if worktrees and b'"worktree-state"' in line:
                    made = table_of(parse_line(line) or {}, "worktreeSession")
                    if cwd := text_of(made, "originalCwd"):
                        return cwd
                if b'"cwd"' in line and (cwd := text_of(parse_line(line) or {}, "cwd")):
                    return cwd
    except OSError:
        pass
    return ""


def _inner(place: Path) -> list[Path]:
    try:
        with os.scandir(place) as entries:
            sessions = [(entry.stat().st_mtime, entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    oldest = time.time() - RECENT
    newest = [path for at, path in sorted(sessions, reverse=True)[:CHILDREN] if at > oldest]
    return [child for session in newest for child in (Path(session), Path(session, SUBAGENTS))]


def _money_before(path: Path, offset: int) -> float | None:
    """The last total of a session's money that is reported before `offset`; None if it is too far back, or not to be
    read.

    Claude Code reports it when it ends, so it may stand far back; it is looked for when the next one is met.
    """
    floor = max(0, offset - MONEY)
    try:
        with safe_open.open_regular(path) as file:
            while offset > floor:
                begin = max(floor, offset - READ_BLOCK)
                file.seek(begin)
                data = file.read(offset - begin + OVERLAP)
                at = data.rfind(b'"cost-state"')
                start = data.rfind(b"\n", 0, at) + 1 if at >= 0 else 0
                if at >= 0 and (start > 0 or begin == 0):
                    return dollars_of(parse_line(data[start : data.find(b"\n", at)]) or {}, "totalCostUSD")
                offset = begin
    except OSError:
        return None
    return 0.0 if floor == 0 else None
