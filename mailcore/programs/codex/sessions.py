"""The session files of Codex: where they lie, whose one is, and what reads it (contract codex, "Session file")."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from pathlib import Path

from mailcore.programs.codex.fork import History, parent_history
from mailcore.programs.codex.places import archive_root, file_of, root
from mailcore.programs.session_files import BEFORE, feed_before, feed_lines, list_entries, newer_files, timestamp_of
from mailcore.programs.transcript_reader import Counted, Transcript, parse_line, table_of, text_of
from mailcore.system import safe_open

DAYS = 3
"""Days back in which the sessions were begun that may go on."""
FIRST_LINE_BYTES = 262_144
"""Bytes of a file in which its first line is looked for: it carries the program's own instructions."""
ID_LENGTH = 36
"""Characters of a thread's id, a UUID."""
HEAD = 65536
"""Bytes of a file's beginning that are read for what only stands there."""


class CodexSessions:
    """A directory a day, in which the sessions lie that were begun then, whosever they are."""

    whole = False

    def __init__(self, home: Path) -> None:
        self._home = home

    @property
    def root(self) -> Path:
        """Where the years lie."""
        return root(self._home)

    def places(self, branches: Collection[Path]) -> list[Path]:
        """The last days."""
        del branches
        today = date.today()
        return directories(today - timedelta(days=DAYS), today, self._home)

    def inner(self, place: Path) -> list[Path]:
        """None."""
        del place
        return []

    def found(self, place: Path) -> list[tuple[float, Path]]:
        """All that were begun on that day."""
        return list_entries(place, lambda name: name.endswith(".jsonl"))

    def is_session(self, path: Path) -> bool:
        """By the ending alone."""
        return path.suffix == ".jsonl"

    def cwd_of(self, path: Path, branches: Collection[Path]) -> str:
        """As the first line says; of one that was given a directory of the branches besides (`--add-dir`), that."""
        return cwd_of(path, branches)

    def session_of(self, path: Path) -> str:
        """The thread's id, which ends its name."""
        return path.stem[-ID_LENGTH:]

    def time_of(self, line: bytes) -> float:
        """As most lines report it."""
        return timestamp_of(line)

    def history(self, branches: Collection[Path], since: float) -> Iterator[tuple[Path, str]]:
        """All, of whatever directory, archived ones too."""
        archived = archive_root(self._home).glob("rollout-*.jsonl")
        for path in newer_files((*self.root.glob("*/*/*/rollout-*.jsonl"), *archived), since):
            yield path, cwd_of(path, branches)

    def reader(self, agent: str, path: Path, offset: int, counted: Counted, earlier: float = 0.0) -> Transcript:
        """As of `SessionFiles.reader`; a fork knows what it copied, and each line reports its time."""
        from mailcore.programs.codex.rollout import CodexRollout

        del counted, earlier
        reader = CodexRollout(agent, path, self._former)
        if offset > BEFORE:
            with safe_open.open_regular(path) as file:
                feed_lines(reader, file.readline(FIRST_LINE_BYTES) + file.read(min(HEAD, offset - BEFORE)))
        feed_before(reader, path, offset)
        return reader

    def _former(self, thread_id: str, until: float) -> History | None:
        """What a thread had reported until a moment; None if its file is not there any more."""
        path = file_of(thread_id, self._home)
        return parent_history(path, until) if path is not None else None


def directories(first: date, last: date, home: Path) -> list[Path]:
    """Where the sessions lie that were begun from one day to another, one directory a day; they may not be there."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [root(home) / f"{day:%Y}" / f"{day:%m}" / f"{day:%d}" for day in days]


def cwd_of(path: Path, branches: Collection[Path] = ()) -> str:
    """Where the session of that file was begun, as its first line says; empty if it does not, or cannot be read.

    If that lies in none of the branches, but another of its directories does, that one.
    """
    try:
        with safe_open.open_regular(path) as file:
            first = file.readline(FIRST_LINE_BYTES)
    except OSError:
        return ""
    event = parse_line(first) or {}
    payload = table_of(event, "payload") if event.get("type") == "session_meta" else {}
    cwd, added = text_of(payload, "cwd"), payload.get("runtime_workspace_roots")
    places = [cwd, *(one for one in added if isinstance(one, str))] if isinstance(added, list) else [cwd]
    return next((one for one in places if any(Path(one).is_relative_to(branch) for branch in branches)), cwd)
