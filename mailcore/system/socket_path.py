"""Names of sockets in the file system, which may be no longer than a hundred bytes, wherever a project lies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailcore.system.safe_open import open_directory

LONGEST_PATH = 100
"""Bytes of a path that a socket can have on every system."""


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A name by which a socket at `path` can be reached, however long that is. OSError of its directory."""
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield str(path)
        return
    with open_directory(path.parent) as directory:
        yield f"/proc/self/fd/{directory}/{path.name}"
