"""The files of an attempt's output: made, bounded on disk while they are written, and their last word."""

from __future__ import annotations

import os
from pathlib import Path

from mailcore.programs.base import tail
from mailcore.system import safe_open
from mailcore.system.processes import free_older_part
from mailcore.text import line

_BLOCK = 1 << 20
MAX_LAST_LINE = 120
"""Characters of the last line of stderr that the cause of a failure says."""


def limit_size(path: Path, limit: int) -> bool:
    """Free the older part of `path` so that about `limit` bytes of its end stay on disk; True where it was larger.

    The writer goes on at its place, and readers of the end see no difference: a hole is punched (fallocate), which
    costs no copy. Where the file system has no holes the file stays whole. A symlink is not followed.
    """
    try:
        status = path.lstat()
        if status.st_blocks * 512 <= limit + _BLOCK:
            return False
        descriptor, _ = safe_open.descriptor(path, os.O_WRONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        length = (status.st_size - limit) // _BLOCK * _BLOCK
        if length > 0:
            free_older_part(descriptor, length)
    finally:
        os.close(descriptor)
    return True


def last_line(stderr: Path) -> str:
    """The last line that a program wrote there: most say in it why they fail. Made safe and short, secrets masked."""
    from mailcore.text.masks import masked

    return next((text for raw in reversed(tail(stderr, 4096)) if (text := line(masked(raw), MAX_LAST_LINE))), "")
