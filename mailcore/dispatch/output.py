"""Bound what an attempt's output takes on disk, while it is being written."""

from __future__ import annotations

import os
from pathlib import Path

from mailcore.system import files
from mailcore.system.processes import free_older_part

_BLOCK = 1 << 20


def bound(path: Path, limit: int) -> bool:
    """Free the older part of `path` so that about `limit` bytes of its end stay on disk; True where it was larger.

    The writer goes on at its place, and readers of the end see no difference: a hole is punched (fallocate), which
    costs no copy. Where the file system has no holes the file stays whole. A symlink is not followed.
    """
    try:
        status = path.lstat()
        if status.st_blocks * 512 <= limit + _BLOCK:
            return False
        descriptor, _ = files.descriptor(path, os.O_WRONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        length = (status.st_size - limit) // _BLOCK * _BLOCK
        if length > 0:
            free_older_part(descriptor, length)
    finally:
        os.close(descriptor)
    return True
