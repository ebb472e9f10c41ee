"""Files in whose place an agent can put anything: only a regular one is opened, and nothing keeps the opener waiting.

A FIFO would keep a reader for ever, in the loader's one thread or under a lock; a device may do anything.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def descriptor(
    path: Path | str, flags: int = os.O_RDONLY, *, directory: int | None = None
) -> tuple[int, os.stat_result]:
    """An open descriptor of a regular file, for the caller to close, and what the file is at this moment.

    `flags` as of `os.open`; a file that they create is the owner's to write. `directory`: a descriptor of the one that
    `path` is looked up in. OSError, whose `strerror` says so, of what is no regular file, and with `O_NOFOLLOW` of a
    symlink (ELOOP).
    """
    try:
        opened = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, 0o644, dir_fd=directory)
    except OSError as error:
        if error.errno == errno.ELOOP and flags & os.O_NOFOLLOW:
            raise OSError(errno.ELOOP, "is a symlink: refused", str(path)) from None
        if error.errno == errno.ENXIO:  # a socket, or a FIFO to be written that nobody reads
            raise _irregular(path) from None
        raise
    try:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode):
            if stat.S_ISDIR(found.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            raise _irregular(path)
    except BaseException:
        os.close(opened)
        raise
    return opened, found


def opened(path: Path) -> BinaryIO:
    """The regular file at `path`, open for reading. OSError as of `descriptor`."""
    return os.fdopen(descriptor(path)[0], "rb")


def read_bytes(path: Path, *, links: bool = True) -> bytes:
    """The whole of the regular file at `path`. OSError as of `descriptor`; without `links` a symlink is one too."""
    with os.fdopen(descriptor(path, os.O_RDONLY if links else os.O_RDONLY | os.O_NOFOLLOW)[0], "rb") as file:
        return file.read()


def _irregular(path: Path | str) -> OSError:
    return OSError(errno.EINVAL, "is no regular file: refused", str(path))
