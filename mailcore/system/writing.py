"""Files replaced at one stroke, and on disk before that is said."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from pathlib import Path

from mailcore.system.files import inside, open_directory


def replace(path: Path, *data: bytes | memoryview, root: Path | None = None) -> None:
    """Put the parts of `data` at `path`, whole or not at all, and durable.

    Temporary file, fsync, rename, fsync of the directory. With the project's `root` Refused if a symlink leads the
    directory that is written into out of it.
    """
    with open_directory(path.parent) as directory:
        if root is not None:
            inside(root, path.parent, directory)
        replace_in(directory, path.name, *data, mark=f".{os.getpid()}.{threading.get_ident()}")


def replace_in(directory: int, name: str, *data: bytes | memoryview, mark: str = "") -> None:
    """The same for a file of an open directory.

    Without a `mark` the caller holds the lock of that file, so that one temporary name does, and killed writers leave
    no heap.
    """
    temporary = f".{name}{mark}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o644, dir_fd=directory)
    try:
        try:
            with contextlib.suppress(FileNotFoundError):
                mode = os.stat(name, dir_fd=directory).st_mode
                os.fchmod(descriptor, stat.S_IMODE(mode))
            _write(descriptor, list(data))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise
    os.fsync(directory)


def _write(descriptor: int, parts: list[bytes | memoryview]) -> None:
    while parts:
        written = os.writev(descriptor, parts)
        while parts and written >= len(parts[0]):
            written -= len(parts.pop(0))
        if written:
            parts[0] = memoryview(parts[0])[written:]
