"""Paths compared with patterns: by where they lie, and by where their links lead."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mailcore.permissions.wildcards import is_like

PLACE_KEYS = ("file_path", "notebook_path", "path")
"""Keys of a tool's input that name a file or a directory."""
_UP = re.compile(r"(?:^|[/\\{,(|])\.\.(?:$|[/\\},)|])")
_ABSOLUTE = re.compile(r"(?:^|[{,(|])[/~]")
_WILD = re.compile(r"[*?]")


def place_allowed(path: str, wanted: str, home: Path, directory: str) -> bool:
    """True if a pattern allows the place: as it is written, and where it leads."""
    if not directory and not path.startswith(("/", "~")):
        return False
    try:
        return is_like(_plain(path, directory), _pattern(wanted, home, real=False)) and is_like(
            _real(path, directory), _pattern(wanted, home, real=True)
        )
    except (OSError, ValueError):  # no file can have that name
        return False


def place_denied(path: str, wanted: str, home: Path, directory: str) -> bool:
    """True if a pattern denies the place, as it is written or where it leads."""
    written = _pattern(wanted, home, real=False)
    try:
        if is_like(_plain(path, directory), written):
            return True
        real = _real(path, directory)
        return is_like(real, written) or is_like(real, _pattern(wanted, home, real=True))
    except (OSError, ValueError):  # no file can have that name
        return False


def leads_elsewhere(glob: str, *, within: bool) -> bool:
    """True if a pattern of files leads upward, or, `within` a directory, names a place of its own."""
    return bool(_UP.search(glob) or (within and _ABSOLUTE.search(glob)))


def _plain(path: str, directory: str) -> str:
    found = os.path.normpath(os.path.join(directory, os.path.expanduser(path)))  # noqa: PTH111, PTH118
    return f"/{found.lstrip('/')}" if found.startswith("/") else found  # POSIX lets two slashes stand


def _real(path: str, directory: str) -> str:
    return os.path.realpath(os.path.join(directory, os.path.expanduser(path)))  # noqa: PTH111, PTH118


def _pattern(wanted: str, home: Path, *, real: bool) -> str:
    """The pattern of an absolute path; one that begins with a wildcard is of any. `real`: the directory before its
    first wildcard as its links lead."""
    fixed = _WILD.split(wanted, maxsplit=1)[0]
    if not fixed:
        return wanted
    head = fixed if fixed == wanted else fixed.rpartition("/")[0] + "/" * ("/" in fixed)
    place = (_real if real else _plain)(head, str(home))
    if head == wanted:
        return place
    return f"{place.rstrip('/')}/{wanted[len(head) :]}"
