"""Writing: files replaced at one stroke, lines appended in one piece, and on disk before that is said."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from mailcore.exceptions import tolerated
from mailcore.system.safe_open import as_its_directory, descriptor, inside, open_directory, share_with_group

_VECTOR = 512
"""Parts in one call of `writev`; Linux and macOS take 1,024."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def replace(path: Path, *data: bytes | memoryview, root: Path | None = None, durable: bool = True) -> None:
    """Put the parts of `data` at `path`, whole or not at all, and durable.

    Temporary file, fsync, rename, fsync of the directory; the fsyncs not where it need not be `durable`. With the
    project's `root` Refused if a symlink leads the directory that is written into out of it.
    """
    with open_directory(path.parent) as directory:
        if root is not None:
            inside(root, path.parent, directory)
        replace_in(directory, path.name, *data, mark=f".{os.getpid()}.{threading.get_ident()}", durable=durable)


def replace_in(directory: int, name: str, *data: bytes | memoryview, mark: str = "", durable: bool = True) -> None:
    """The same for a file of an open directory.

    Without a `mark` the caller holds the lock of that file, so that one temporary name does, and killed writers leave
    no heap.
    """
    temporary, opened = _temporary(directory, f".{name}{mark}.tmp")
    try:
        try:
            with contextlib.suppress(FileNotFoundError):
                _like(opened, os.stat(name, dir_fd=directory, follow_symlinks=False), directory)
            _write(opened, data)
            if durable:
                sync(opened)
        finally:
            os.close(opened)
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise
    if not durable:
        return
    # It stands there, for every reader: what the disk says now is no reason to call it not written.
    with tolerated(f"{name}: written, but a power cut may undo it"):
        os.fsync(directory)


def link_new(path: Path, data: bytes, mode: int = 0o644, *, durable: bool = False) -> bool:
    """Put `data` at `path`, whole, where nothing is yet; False, and nothing changed, if something is there.

    `durable`: whatever is there is on disk, under that name, when this returns.
    """
    with open_directory(path.parent) as directory:
        return link_new_in(directory, path.name, data, mode, durable=durable)


def link_new_in(directory: int, name: str, data: bytes, mode: int = 0o644, *, durable: bool = False) -> bool:
    """The same for a file of an open directory."""
    temporary, opened = _temporary(directory, f".{name}.{os.urandom(8).hex()}")
    try:
        try:
            _write(opened, [data])
            if mode != 0o644:
                os.fchmod(opened, mode)
            if durable:
                sync(opened)
        finally:
            os.close(opened)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, name, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False)
            return True
        return False
    finally:
        with contextlib.suppress(OSError):  # one more name of the file, which nobody reads by it
            os.unlink(temporary, dir_fd=directory)
        if durable:
            os.fsync(directory)


def create(path: Path, mode: int = 0o666) -> BinaryIO:
    """A new file at `path`, open for writing. FileExistsError if something is there, even a link."""
    file = os.fdopen(os.open(path, _NEW, mode), "wb")
    try:
        as_its_directory(file.fileno(), str(path.parent))
    except BaseException:
        file.close()
        raise
    return file


def make_directory(path: Path, *, parents: bool = False, durable: bool = False) -> None:
    """A directory at `path`, if there is none yet; with `parents` also those above it, and on disk if `durable`.

    It belongs to those who share the one above it (`safe_open.as_its_directory`).
    """
    try:
        path.mkdir()
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    except FileNotFoundError:
        if not parents or path.parent == path:
            raise
        make_directory(path.parent, parents=True, durable=durable)
        make_directory(path, durable=durable)
        return
    with open_directory(path) as opened:
        as_its_directory(opened, str(path.parent))
    if durable:
        sync_directory(path.parent)


def set_aside(path: Path) -> Path | None:
    """Let what lies at `path` make way: a file, link or FIFO is removed, a directory renamed; to what, if it was."""
    try:
        path.unlink()
    except FileNotFoundError:
        pass
    except (IsADirectoryError, PermissionError):  # EPERM: a directory, on macOS
        aside = path.with_name(f"{path.name}.aside-{os.urandom(4).hex()}")
        path.rename(aside)
        return aside
    return None


def create_anew(path: Path, mode: int = 0o666) -> BinaryIO:
    """The same in the place of what is there: a link goes, and what it leads to stays as it is."""
    path.unlink(missing_ok=True)
    return create(path, mode)


def append(path: Path, line: bytes, *, durable: bool = False) -> None:
    """Add one line, without its newline, to the file at `path`, made if need be: one write, so none interleave.

    If an earlier writer was killed in mid-line, the torn line is closed first, so that a reader can skip it. OSError of
    a symlink, of what is no regular file, and where the disk took only a part.
    """
    with open_to_append(path) as (opened, size):
        append_to(opened, size, line, path)
        if durable:
            sync(opened)


@contextlib.contextmanager
def open_to_append(path: Path) -> Iterator[tuple[int, int]]:
    """A descriptor of the file at `path`, made if need be, to read and to append to, and its size. OSError of a symlink
    and of what is no regular file."""
    opened, found = descriptor(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW)
    try:
        yield opened, found.st_size
    finally:
        os.close(opened)


def append_to(opened: int, size: int, line: bytes, path: Path) -> int:
    """As `append`, to a file of that size that is open to append; returns its size now. `path` names it in errors."""
    torn = size > 0 and os.pread(opened, 1, size - 1) != b"\n"
    data = (b"\n" if torn else b"") + line + b"\n"
    if os.write(opened, data) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    return os.fstat(opened).st_size  # another may have written since, without the lock


def flush(path: Path) -> None:
    """Let the disk have what was appended to the file at `path`."""
    opened, _ = descriptor(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        sync(opened)
    finally:
        os.close(opened)


def remove_file(path: Path, root: Path) -> None:
    """Remove a file, durably. Refused if a symlink leads its directory out of the project at `root`."""
    with open_directory(path.parent) as directory:
        inside(root, path.parent, directory)
        os.unlink(path.name, dir_fd=directory)
        with tolerated(f"{path}: removed, but a power cut may bring it back"):
            os.fsync(directory)


def sync(opened: int) -> None:
    """Let the disk have what was written to an open file; on macOS fsync alone leaves it in the drive's cache."""
    if hasattr(fcntl, "F_FULLFSYNC"):
        with contextlib.suppress(OSError):  # a file system that cannot: fsync is all there is
            fcntl.fcntl(opened, fcntl.F_FULLFSYNC)
            return
    os.fsync(opened)


def sync_directory(directory: Path) -> None:
    """Let the disk have the names of what was made in a directory."""
    with open_directory(directory) as opened:
        os.fsync(opened)


def _temporary(directory: int, name: str) -> tuple[str, int]:
    """A new empty file in an open directory, its name and descriptor; never what somebody has put there before.

    A FIFO of that name would keep the writer waiting for ever, a link would lead him elsewhere, a directory cannot be
    removed: then another name does.
    """
    try:
        opened = os.open(name, _NEW, 0o666, dir_fd=directory)
    except FileExistsError:
        try:
            os.unlink(name, dir_fd=directory)
            opened = os.open(name, _NEW, 0o666, dir_fd=directory)
        except (FileExistsError, IsADirectoryError, PermissionError):  # EPERM: a directory, on macOS
            name = f"{name}.{os.urandom(4).hex()}"
            opened = os.open(name, _NEW, 0o666, dir_fd=directory)
    try:
        as_its_directory(opened, directory=directory)
    except BaseException:
        os.close(opened)
        os.unlink(name, dir_fd=directory)
        raise
    return name, opened


def _like(opened: int, replaced: os.stat_result, directory: int) -> None:
    """Let an open file be whose the one was that it replaces, with its rights.

    A group that shares the directory may write it from now on: before, only its first writer could.
    """
    if not stat.S_ISREG(replaced.st_mode):
        return
    new = os.fstat(opened)
    if (new.st_uid, new.st_gid) != (replaced.st_uid, replaced.st_gid):
        owner = replaced.st_uid if os.geteuid() == 0 else -1
        with contextlib.suppress(PermissionError):  # a group that this user is not in
            os.fchown(opened, owner, replaced.st_gid)
    os.fchmod(opened, stat.S_IMODE(replaced.st_mode))
    place = os.fstat(directory)
    if place.st_mode & stat.S_ISGID and place.st_mode & stat.S_IWGRP:
        share_with_group(opened)


def _write(opened: int, parts: Iterable[bytes | memoryview]) -> None:
    left = deque(parts)
    while left:
        written = os.writev(opened, list(islice(left, _VECTOR)))
        while left and written >= len(left[0]):
            written -= len(left.popleft())
        if written:
            left[0] = memoryview(left[0])[written:]
