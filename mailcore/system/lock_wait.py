"""A lock that another holds: it is waited for, or the holder is stepped around. A part of `system.locks`."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import threading
import time
from collections.abc import Callable
from pathlib import Path

from mailcore.exceptions import MailcoreError
from mailcore.system.lock_holder import holder_of, holder_words, process_text, stranger_holder
from mailcore.system.processes import exit_notice
from mailcore.text.units import duration

STRANGER_TIMEOUT = 2.0
"""How long a lock of our own may be held by a process that is none of ours."""
FIRST_HOLDER_CHECK = 0.5
"""After so many seconds it is looked who holds what is waited for."""
HOLDER_CHECK = 60.0
"""Seconds between two further looks, where it is waited for without a limit."""


def block_until_locked(descriptor: int, lock: Path, until: float | None, timeout: float | None, own: bool) -> bool:
    """Block in the kernel, in a thread that can be given up: flock has no timeout, and polling starves writers.

    True once it is ours; False where a stranger has held it for too long, and is to be stepped around.
    """
    # The same open file: the lock is shared with `descriptor`, and gone when both are closed, as after giving up.
    copy = os.dup(descriptor)
    taken, ends = os.pipe()
    acquired = threading.Event()

    def wait() -> None:
        try:
            fcntl.flock(copy, fcntl.LOCK_EX)
            acquired.set()
        finally:
            os.close(copy)
            os.close(ends)  # `taken` can be read then

    threading.Thread(target=wait, daemon=True).start()
    suspect, pause = (0, 0), FIRST_HOLDER_CHECK
    try:
        while True:
            left = None if until is None else max(0.0, until - time.monotonic())
            if _ready(taken, descriptor if until is None else -1, pause if left is None else min(left, pause)):
                if acquired.is_set():
                    return True
                raise OSError(f"{lock}: no lock can be had here")
            if own:
                seen = stranger_holder(descriptor)
                if seen != (0, 0) and seen == suspect:
                    return False
                suspect = seen
            pause = STRANGER_TIMEOUT if suspect != (0, 0) else HOLDER_CHECK if until is None else STRANGER_TIMEOUT
            if until is not None and time.monotonic() >= until:
                raise _too_long(descriptor, lock, timeout or STRANGER_TIMEOUT)
    finally:
        os.close(taken)


def _ready(taken: int, descriptor: int, seconds: float) -> bool:
    """Wait until the lock is taken, so many seconds at most; no longer than the holder that the descriptor's text
    names lives, if one is given."""
    poll = select.poll()
    poll.register(taken, select.POLLIN)
    if descriptor < 0:
        return bool(poll.poll(seconds * 1000))
    with contextlib.suppress(OSError), exit_notice(holder_of(descriptor)) as notice:
        poll.register(notice, select.POLLIN)
        if poll.poll(seconds * 1000):
            poll.unregister(notice)
            return bool(poll.poll(FIRST_HOLDER_CHECK * 1000))  # it is over: the lock comes to one of those who wait
        return False
    return bool(poll.poll(seconds * 1000))


def stranger_stays(descriptor: int) -> bool:
    """True if a stranger holds the lock, and goes on to for STRANGER_TIMEOUT."""
    seen = stranger_holder(descriptor)
    if seen == (0, 0):
        return False
    time.sleep(STRANGER_TIMEOUT)
    return stranger_holder(descriptor) == seen


def step_around(
    descriptor: int, name: str, path: str, directory: int | None, on_stranger: Callable[[str], None] | None
) -> int:
    """Make the lock's next file, and hold it; say who held the one before. -1 if another has made it.

    It is held before it has its name. Should the stranger have let go in this moment, one of ours may have got the old
    file just before there was a next: that one is waited for.
    """
    number = int(name[len(path) + 1 :] or 0) + 1
    seen = stranger_holder(descriptor)
    temporary = f"{path}.{os.urandom(8).hex()}.tmp"
    made = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=directory)
    try:
        fcntl.flock(made, fcntl.LOCK_EX)
        os.link(temporary, f"{path}.{number}", src_dir_fd=directory, dst_dir_fd=directory)
    except FileExistsError:
        os.close(made)
        return -1
    except BaseException:
        os.close(made)
        raise
    finally:
        os.unlink(temporary, dir_fd=directory)
    if seen == (0, 0) or stranger_holder(descriptor) != seen:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    elif on_stranger is not None:
        on_stranger(process_text(seen[0]))
    return made


def _too_long(descriptor: int, lock: Path, timeout: float) -> MailcoreError:
    return MailcoreError(
        f"{lock}: locked for more than {duration(timeout)} by {holder_words(descriptor)}; nothing was written. "
        "Try again, or end that process.",
        "locked",
    )
