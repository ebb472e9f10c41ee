"""Locks between processes: flock, on the file that the path still names, with a time limit and the holder's name.

Whoever can open a file for reading can hold its flock, and so stop all who wait for it. Two things stand against that.
A lock's file can be opened only by those who may write it: they share the mail anyhow. And a lock of our own (`own`),
which no other program takes, names its holder in its text: who holds it for longer than two seconds, and is none of
ours, is stepped around. The lock's next file, `NAME.1` and so on, is the lock then, for all and for good. It can be
made only once: of two who step around neither undoes what the other did, as they would by replacing a file. A holder
who is not known for sure (`system.lock_holder`) is waited for, and named.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mailcore.system import safe_open

LOCK_TIMEOUT = 10.0
"""How long to wait for another program's lock before saying who holds it."""

OnStranger = Callable[[str], None]
"""Called with who was stepped around, in words."""


@contextlib.contextmanager
def locked(
    lock: Path,
    timeout: float | None = LOCK_TIMEOUT,
    *,
    directory: int | None = None,
    own: bool = False,
    on_stranger: OnStranger | None = None,
) -> Iterator[int]:
    """Hold an exclusive flock on `lock`, and give its descriptor, which is closed at the end.

    MailcoreError (code `locked`) naming the holder if it is not free within `timeout` seconds; None: however long that
    takes. `directory`: a descriptor of the one that it lies in. With `own` its text is the holder's name. OSError,
    naming the lock, where it cannot be made, or is a symlink.
    """
    descriptor = _acquire(lock, timeout, directory, own, on_stranger)
    try:
        yield descriptor
    finally:
        if own:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
        os.close(descriptor)


def lock_directory(descriptor: int, path: Path, timeout: float = LOCK_TIMEOUT) -> None:
    """Take the exclusive flock on an open directory, until its descriptor is closed. MailcoreError as of `locked`.

    Who tidies up removes a lock's file under its holder, and whoever comes next makes another; a directory stays. Who
    may only look at a directory can lock it, too: one who is none of ours is gone past, and reported. The lock's file,
    which he may not open, keeps order then.
    """
    if not take_flock(descriptor):
        from mailcore.exceptions import caveat
        from mailcore.system import lock_wait
        from mailcore.system.lock_holder import holder_words

        if not lock_wait.block_until_locked(descriptor, path, time.monotonic() + timeout, timeout, own=True):
            who = holder_words(descriptor)
            caveat(f"{path} is kept locked by {who}, which is none of ours: it was gone past")


def try_lock(lock: Path, *, own: bool = False, on_stranger: OnStranger | None = None) -> int | None:
    """A descriptor that holds the exclusive flock on `lock`, for the caller to close; None if another holds it.

    OSError where it cannot be made, is a symlink, or lies where there are no locks.
    """
    descriptor = _acquire(lock, 0.0, None, own, on_stranger, trying=True)
    return descriptor if descriptor >= 0 else None


def wait_for_lock(lock: Path, *, own: bool = False, on_stranger: OnStranger | None = None) -> int:
    """As `try_lock`, once the lock is free: waits in the kernel, however long that takes."""
    return _acquire(lock, None, None, own, on_stranger)


def is_locked(lock: Path, *, own: bool = False) -> bool:
    """True if somebody holds `lock` at this moment. Makes no file, and keeps nobody waiting."""
    return is_held(lock, own=own) is True


def is_held(lock: Path, *, own: bool = False) -> bool | None:
    """The same; None where that is not known: there is no such file, or it is not ours to open."""
    try:
        descriptor, _ = safe_open.descriptor(newest_lock_file(lock) if own else lock, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def newest_lock_file(lock: Path) -> Path:
    """The file that is a lock of our own at present: `lock`, or the last that stands in its place."""
    return lock.with_name(_newest(str(lock), None).rpartition("/")[2])


def _newest(name: str, directory: int | None) -> str:
    number = 0
    while _exists(f"{name}.{number + 1}", directory):
        number += 1
    return f"{name}.{number}" if number else name


def _exists(name: str, directory: int | None) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _acquire(
    lock: Path,
    timeout: float | None,
    directory: int | None,
    own: bool,
    on_stranger: OnStranger | None,
    trying: bool = False,
) -> int:
    """A descriptor that holds the lock; with `trying` -1 if another of ours holds it, or one that nobody knows."""
    path = str(lock) if directory is None else lock.name
    until = None if timeout is None else time.monotonic() + timeout
    while True:
        name = _newest(path, directory) if own else path
        try:
            descriptor, found = safe_open.descriptor(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, directory=directory)
        except OSError as error:
            error.filename = str(lock)
            raise
        try:
            _guard(descriptor, found)
            taken = take_flock(descriptor)
            if not taken:
                from mailcore.system import lock_wait

                if trying and not (own and lock_wait.stranger_stays(descriptor)):
                    return _closed(descriptor)
                taken = not trying and lock_wait.block_until_locked(descriptor, lock, until, timeout, own)
            if not taken:
                next_one = lock_wait.step_around(descriptor, name, path, directory, on_stranger)
                os.close(descriptor)
                descriptor = next_one
            elif not _is_named(descriptor, name, directory) or (own and _newest(path, directory) != name):
                descriptor = _closed(descriptor)
            if descriptor >= 0:
                if own:
                    from mailcore.system.lock_holder import name_holder

                    name_holder(descriptor)
                return descriptor
        except BaseException:
            if descriptor >= 0:
                os.close(descriptor)
            raise


def _closed(descriptor: int) -> int:
    os.close(descriptor)
    return -1


def _guard(descriptor: int, found: os.stat_result) -> None:
    """Let nobody open the lock who may not write it, for reading; who may not change its rights leaves them."""
    mode = stat.S_IMODE(found.st_mode)
    for write, everything in ((stat.S_IWGRP, stat.S_IRWXG), (stat.S_IWOTH, stat.S_IRWXO)):
        mode &= ~everything if not mode & write else mode
    if mode != stat.S_IMODE(found.st_mode):
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, mode)


def take_flock(descriptor: int) -> bool:
    """Take the flock of an open file if it is free, until that is closed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_named(descriptor: int, name: str, directory: int | None) -> bool:
    """True while the path still names the file that is locked.

    A flock is on the file, not on its name: after `rm .inbox.lock` whoever comes next would lock another one.
    """
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(descriptor))
