"""What the programs' own accounts of their session files have in common."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from stat import S_ISLNK

from mailcore.model.message import parse_time
from mailcore.programs.transcript_reader import Transcript, parse_line
from mailcore.system import safe_open

BEFORE = 65536
"""Bytes before the place where the reading begins that are read for what the reader has to know there."""


def timestamp_of(line: bytes) -> float:
    """The time in a line's `timestamp`, ISO 8601; 0.0 if it has none."""
    return parse_time((parse_line(line) or {}).get("timestamp")) if b'"timestamp"' in line else 0.0


def feed_before(reader: Transcript, path: Path, offset: int) -> None:
    """Let the reader of a session file learn from what stands shortly before `offset`; what that reports is known."""
    if offset > 0:
        begin = max(0, offset - BEFORE)
        with safe_open.open_regular(path) as file:
            file.seek(begin)
            feed_lines(reader, file.read(offset - begin))


def feed_lines(reader: Transcript, data: bytes) -> None:
    """Read lines, of which the first and last may be torn; what they report is not wanted any more."""
    now = time.time()
    for line in data.split(b"\n"):
        reader.read(line, now)
    reader.drift = ""


def list_entries(directory: Path | str, is_wanted: Callable[[str], bool]) -> list[tuple[float, Path]]:
    """The entries of a directory that are wanted by name, each with the time at which it was written."""
    found = []
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if is_wanted(entry.name):
                with suppress(OSError):  # it is gone, or a link that leads nowhere: the others are there
                    found.append((entry.stat().st_mtime, Path(entry.path)))
    return found


def newer_files(paths: Iterable[Path], since: float) -> list[Path]:
    """Those that were written at `since` or later, the oldest first: a copy comes after what it copies. No links."""
    found = []
    for path in paths:
        try:
            stat = path.lstat()
        except OSError:
            continue
        if stat.st_mtime >= since and not S_ISLNK(stat.st_mode):
            found.append((stat.st_mtime, path))
    return [path for _, path in sorted(found)]
