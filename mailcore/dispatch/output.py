"""The files of an attempt's output: made, bounded on disk while they are written, and their last word."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import BinaryIO

from mailcore.programs.base import tail
from mailcore.text import line

_KEEP_SIZE, _PUNCH_HOLE = 1, 2
_BLOCK = 1 << 20
MOST_SAID = 120
"""Characters of the last line of stderr that the cause of a failure says."""


def bound(path: Path, limit: int) -> bool:
    """Free the older part of `path` so that about `limit` bytes of its end stay on disk; True where it was larger.

    The writer goes on at its place, and readers of the end see no difference: a hole is punched (fallocate), which
    costs no copy. Where the file system has no holes the file stays whole. A symlink is not followed.
    """
    try:
        status = path.lstat()
        if status.st_blocks * 512 <= limit + _BLOCK:
            return False
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        length = (status.st_size - limit) // _BLOCK * _BLOCK
        if length > 0:
            libc = ctypes.CDLL(None, use_errno=True)
            libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
            libc.fallocate(descriptor, _KEEP_SIZE | _PUNCH_HOLE, 0, length)
    finally:
        os.close(descriptor)
    return True


def last_word(stderr: Path) -> str:
    """The last line that a program wrote there: most say in it why they fail. Untrusted text, made safe and short."""
    return next((said for raw in reversed(tail(stderr, 4096)) if (said := line(raw, MOST_SAID))), "")


def fresh(path: Path) -> BinaryIO:
    """A new file at `path`, to be written: a link that a former attempt left there goes, and what it leads to stays."""
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o644), "wb")
