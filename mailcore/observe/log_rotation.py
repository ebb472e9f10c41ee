"""Where a log went that was rotated: logrotate, Python's handlers and hands rename it and begin another of its name."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from mailcore.system import safe_open

_SUFFIX = re.compile(r"[.-]\d[\d\-_.T:]*")
"""What rotation puts behind a name: `.1`, `-20261129`, `.2026-11-29`; what it packs cannot be read on."""

_ROTATED = re.compile(rf"(?P<name>.+?){_SUFFIX.pattern}")

MOST_ROTATED = 50
"""Files that are open at once for one log."""

FileIdentity = tuple[int, int]
"""Device and inode: what stays of a file that is renamed."""


def file_identity(found: os.stat_result) -> FileIdentity:
    """Which file it is."""
    return found.st_dev, found.st_ino


def rotated_from(name: str) -> str:
    """The name of the log that a file was before it was rotated: `app.log` of `app.log.1`; empty of what was not."""
    found = _ROTATED.fullmatch(name)
    return found["name"] if found is not None else ""


def open_copy(path: Path, mark: bytes, offset: int, since: float) -> int:
    """A descriptor of the copy that was made of the file at `path` before that was cut; for the caller to close.

    It was written at `since` (seconds since the epoch) or later, and `mark` stands in it right before `offset`. -1 if
    there is none.
    """
    with suppress(OSError):
        for beside in path.parent.iterdir():
            if not beside.name.startswith(path.name) or not _SUFFIX.fullmatch(beside.name.removeprefix(path.name)):
                continue
            with suppress(OSError):
                descriptor, stat = safe_open.descriptor(beside, os.O_RDONLY | os.O_NOFOLLOW)
                start = offset - len(mark)
                if stat.st_size >= offset and stat.st_mtime >= since and os.pread(descriptor, len(mark), start) == mark:
                    return descriptor
                os.close(descriptor)
    return -1


def open_moved(path: Path, known: FileIdentity) -> list[int]:
    """Descriptors of the file that was at `path` and of those that stood there after it, but for the present one.

    The oldest first; for the caller to close. Empty if the file is in this directory no more. Of many that came after
    it the oldest are opened, `MOST_ROTATED` in all.
    """
    found: list[tuple[int, os.stat_result]] = []
    first: os.stat_result | None = None
    for beside in _moved(path, known):
        with suppress(OSError):
            descriptor, stat = safe_open.descriptor(beside, os.O_RDONLY | os.O_NOFOLLOW)
            found.append((descriptor, stat))
            if file_identity(stat) == known:
                first = stat
    later = [
        (stat.st_mtime_ns, descriptor)
        for descriptor, stat in found
        if first is not None and (stat is first or stat.st_mtime_ns > first.st_mtime_ns)
    ]
    for descriptor in {descriptor for descriptor, _ in found} - {descriptor for _, descriptor in later}:
        os.close(descriptor)
    return [descriptor for _, descriptor in sorted(later)]


def _moved(path: Path, known: FileIdentity) -> list[Path]:
    """Where the file is now that was at `path`, and the oldest of those that came after it; empty if it is nowhere."""
    places: list[tuple[int, bool, Path]] = []
    first = -1
    try:
        with os.scandir(path.parent) as entries:
            names = [one.name for one in entries if one.name != path.name and one.is_file(follow_symlinks=False)]
    except OSError:
        return []
    for name in names:
        rotated = name.startswith(path.name) and _SUFFIX.fullmatch(name.removeprefix(path.name)) is not None
        with suppress(OSError):
            stat = (beside := path.with_name(name)).lstat()
            same = file_identity(stat) == known
            if same or rotated:
                places.append((stat.st_mtime_ns, not same, beside))
            if same:
                first = stat.st_mtime_ns
    return [beside for at, _, beside in sorted(places) if first >= 0 and at >= first][:MOST_ROTATED]
