"""Locks between processes: flock, on the file that the path still names, with a time limit and the holder's name."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from mailcore.errors import MailcoreError
from mailcore.system import files

LOCK_TIMEOUT = 10.0
"""How long to wait for another program's lock before saying who holds it."""


@contextlib.contextmanager
def locked(lock: Path, timeout: float = LOCK_TIMEOUT, *, directory: int | None = None) -> Iterator[int]:
    """Hold an exclusive flock on `lock`, and give its descriptor, which is closed at the end.

    MailcoreError (code `locked`) naming the holder if it is not free within `timeout` seconds. `directory`: a
    descriptor of the one that it lies in. OSError, naming the lock, where it cannot be made, or is a symlink.
    """
    name = lock if directory is None else lock.name
    while True:
        try:
            descriptor, _ = files.descriptor(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, directory=directory)
        except OSError as error:
            error.filename = str(lock)
            raise
        try:
            if not _taken(descriptor):
                _wait(descriptor, lock, timeout)
            if _is_named(descriptor, name, directory):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def lock_directory(descriptor: int, path: Path, timeout: float = LOCK_TIMEOUT) -> None:
    """Take the exclusive flock on an open directory, until its descriptor is closed. MailcoreError as of `locked`.

    Who tidies up removes a lock's file under its holder, and whoever comes next makes another; a directory stays.
    """
    if not _taken(descriptor):
        _wait(descriptor, path, timeout)


def try_lock(lock: Path) -> int | None:
    """A descriptor that holds the exclusive flock on `lock`, for the caller to close; None if another holds it.

    OSError where it cannot be made, is a symlink, or lies where there are no locks.
    """
    while True:
        descriptor, _ = files.descriptor(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
        try:
            held = _taken(descriptor)
            named = not held or _is_named(descriptor, lock)
        except BaseException:
            os.close(descriptor)
            raise
        if held and named:
            return descriptor
        os.close(descriptor)
        if not held:
            return None


def wait_for_lock(lock: Path) -> int:
    """As `try_lock`, once the lock is free: waits in the kernel, however long that takes."""
    while True:
        descriptor, _ = files.descriptor(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_named(descriptor, lock):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def is_locked(lock: Path) -> bool:
    """True if somebody holds `lock` at this moment. Makes no file, and keeps nobody waiting."""
    return is_held(lock) is True


def is_held(lock: Path) -> bool | None:
    """The same; None where that cannot be told: there is no such file, or it is not ours to open."""
    try:
        descriptor, _ = files.descriptor(lock, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _taken(descriptor: int) -> bool:
    """Take the lock if it is free."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_named(descriptor: int, name: Path | str, directory: int | None = None) -> bool:
    """True while the path still names the file that is locked.

    A flock is on the file, not on its name: after `rm .inbox.lock` whoever comes next would lock another one.
    """
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(descriptor))


def _wait(descriptor: int, lock: Path, timeout: float) -> None:
    """Block in the kernel, in a thread that can be given up: flock has no timeout, and polling starves writers."""
    acquired = threading.Event()
    # The same open file: the lock is shared with `descriptor`, and gone when both are closed, as after giving up.
    copy = os.dup(descriptor)

    def wait() -> None:
        try:
            fcntl.flock(copy, fcntl.LOCK_EX)
        finally:
            os.close(copy)
        acquired.set()

    threading.Thread(target=wait, daemon=True).start()
    if acquired.wait(timeout):
        return
    from mailcore.units import duration

    holder = _holder(descriptor)
    raise MailcoreError(
        f"{lock}: locked for more than {duration(timeout)} by {holder}; nothing was written. "
        "Try again, or end that process.",
        "locked",
    )


def _holder(descriptor: int) -> str:
    """Who holds the flock, in words."""
    from mailcore.system.processes import lock_holder

    return lock_holder(os.fstat(descriptor).st_ino) or "another process"
