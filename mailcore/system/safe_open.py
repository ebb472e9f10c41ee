"""Files in whose place an agent can put anything: only a regular one is opened, and nothing keeps the opener waiting.

A FIFO would keep a reader for ever, in the reader's one thread or under a lock; a device may do anything.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mailcore.exceptions import Refused
from mailcore.system import PORTABLE


def descriptor(
    path: Path | str, flags: int = os.O_RDONLY, *, directory: int | None = None
) -> tuple[int, os.stat_result]:
    """An open descriptor of a regular file, for the caller to close, and what the file is at this moment.

    `flags` as of `os.open`; a file that they create belongs to whom its directory belongs (`as_its_directory`).
    `directory`: a descriptor of the one that `path` is looked up in. OSError, whose `strerror` says so, of what is no
    regular file, and with `O_NOFOLLOW` of a symlink (ELOOP).
    """
    try:
        opened = _open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, directory)
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


def _open(path: Path | str, flags: int, directory: int | None) -> int:
    """`os.open`, that knows whether it made the file, and then gives it to whom it belongs."""
    if flags & os.O_CREAT:
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, flags & ~os.O_CREAT, dir_fd=directory)
        with contextlib.suppress(FileExistsError):  # another made it meanwhile, or it is a link that leads nowhere
            opened = os.open(path, flags | os.O_EXCL, 0o666, dir_fd=directory)
            try:
                as_its_directory(opened, str(Path(path).parent), directory)
            except BaseException:
                os.close(opened)
                raise
            return opened
    return os.open(path, flags, 0o666, dir_fd=directory)


def as_its_directory(opened: int, above: str = "", directory: int | None = None) -> None:
    """Let a new file or directory belong to those who share the directory that it lies in.

    In a directory that is setgid and its group's to write, the group gets what the owner has, whatever the umask says
    of writing; nothing where it denies the group even reading. What root makes in another user's directory is given to
    that user: one `sudo` locks nobody out. `above`: its directory, as seen from `directory`.
    """
    place = os.fstat(directory) if directory is not None and not above else os.stat(above or ".", dir_fd=directory)
    shared = place.st_mode & stat.S_ISGID and place.st_mode & stat.S_IWGRP
    given = place.st_uid != 0 == os.geteuid()
    if not shared and not given:
        return
    if given:
        os.fchown(opened, place.st_uid, place.st_gid)
    if shared:
        share_with_group(opened)


def share_with_group(opened: int) -> None:
    """Let the group do with an open file or directory what its owner may, if it may read it."""
    mode = stat.S_IMODE(os.fstat(opened).st_mode)
    wanted = mode | (mode & 0o700) >> 3
    if mode & stat.S_IRGRP and wanted != mode:
        os.fchmod(opened, wanted)


def opened_again(opened: int, path: Path | str) -> int:
    """Another descriptor of an open file, with a place of its own, for the caller to close.

    OSError where the system cannot, and another file has its name meanwhile.
    """
    if not PORTABLE:
        return os.open(f"/proc/self/fd/{opened}", os.O_RDONLY | os.O_CLOEXEC)
    again, found = descriptor(path)
    if not os.path.samestat(found, os.fstat(opened)):
        os.close(again)
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))
    return again


def own_directory() -> Path:
    """Where this process works; where that was removed, the place where it was. OSError where nobody knows."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        if PORTABLE:
            raise
        return Path(os.readlink("/proc/self/cwd").removesuffix(" (deleted)"))  # noqa: PTH115 (it leads nowhere)


def open_regular(path: Path) -> BinaryIO:
    """The regular file at `path`, open for reading. OSError as of `descriptor`."""
    return os.fdopen(descriptor(path)[0], "rb")


MAX_WHOLE_FILE = 64 * 1024 * 1024
"""Bytes of a file that is read whole, unless its reader says otherwise: a sparse file has no end, and costs nothing."""


def read_bytes(path: Path, *, links: bool = True, most: int = MAX_WHOLE_FILE) -> bytes:
    """The whole of the regular file at `path`. OSError as of `descriptor`; without `links` a symlink is one too.

    OSError (EFBIG) of a file of more than `most` bytes, none of which is read.
    """
    opened, found = descriptor(path, os.O_RDONLY if links else os.O_RDONLY | os.O_NOFOLLOW)
    return _read_and_close(opened, found.st_size, path, most)


def read_whole(file: BinaryIO, size: int, path: Path | str, most: int) -> bytes:
    """All of an open file of `size` bytes. OSError (EFBIG) of more than `most`."""
    if size > most:
        raise too_large(path, most)
    # One byte more than there is: a file that grows meanwhile is found out. No more, for so much memory is taken first.
    data = file.read(size + 1)
    if len(data) > size:
        data += file.read(most + 1 - len(data))
    if len(data) > most:
        raise too_large(path, most)
    return data


def too_large(path: Path | str, most: int) -> OSError:
    """What is raised for a file of more than `most` bytes."""
    from mailcore.text.units import size

    return OSError(errno.EFBIG, f"is larger than {size(most)}: refused", str(path))


@contextlib.contextmanager
def open_directory(directory: Path) -> Iterator[int]:
    """A descriptor of `directory`: what is looked up by it stays in that very directory, whatever its path becomes."""
    number = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield number
    finally:
        os.close(number)


def inside(root: Path, path: Path, directory: int | None = None) -> None:
    """Refused (code `boundary`) if a symlink leads `path` out of the project at `root`.

    `directory`: a descriptor of the one that `path` lies in, or of `path`; a link at its own end is not followed then.
    """
    real = _real(path, directory)
    if not _below(real, str(root)) and not _below(real, os.path.realpath(root)):
        raise Refused(f"{path} leads out of the project, to {real}: refused", "boundary")


def _real(path: Path, directory: int | None) -> str:
    if directory is not None:
        # The kernel knows: a tenth of the time of looking at each part of the path.
        with contextlib.suppress(OSError):
            return path_of(directory)
    # Unlike Path.resolve, realpath follows a circle of symlinks without raising; opening it then says ELOOP.
    return os.path.realpath(path)


def path_of(directory: int) -> str:
    """Where an open directory lies at this moment. OSError where the system does not say."""
    if not PORTABLE:
        return os.readlink(f"/proc/self/fd/{directory}")  # noqa: PTH115 (a Path costs more than the call)
    import fcntl

    if not hasattr(fcntl, "F_GETPATH"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return os.fsdecode(fcntl.fcntl(directory, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))


def _below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def exists_in(name: str, directory: int) -> bool:
    """True if something of that name is in an open directory."""
    return os.access(name, os.F_OK, dir_fd=directory, follow_symlinks=False)


def read_in(name: str, directory: int, most: int = MAX_WHOLE_FILE) -> bytes:
    """The whole file `name` in an open directory; a symlink is not followed (OSError, ELOOP), nor are more than `most`
    bytes read (OSError, EFBIG)."""
    number, found = descriptor(name, os.O_RDONLY | os.O_NOFOLLOW, directory=directory)
    return _read_and_close(number, found.st_size, name, most)


def _read_and_close(opened: int, size: int, path: Path | str, most: int) -> bytes:
    """All of an open file of `size` bytes, without the buffer that a file object makes for each."""
    try:
        if size > most:
            raise too_large(path, most)
        # One byte more than there is: a file that grows meanwhile is found out. No more: so much memory is taken first.
        data = os.read(opened, size + 1)
        if len(data) == size:
            return data
        parts, length = [data], len(data)
        while parts[-1]:
            parts.append(os.read(opened, 1 << 20))
            length += len(parts[-1])
            if length > most:
                raise too_large(path, most)
    finally:
        os.close(opened)
    return b"".join(parts)


def _irregular(path: Path | str) -> OSError:
    return OSError(errno.EINVAL, "is no regular file: refused", str(path))
