"""The bells of sessions that wait for mail: a named pipe each, `.ai_mail.local/waiting/SESSION.bell`.

A hook of the session sleeps on its pipe (`mailcore.hooks.line`); whoever delivers mail rings it. So nothing polls, and
no process of ours has to be there for mail to reach an agent that sits idle.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mailcore.model.agent import Agent

WAITING = "waiting"
"""The directory of the bells, in the agent's mail directory."""
SUFFIX, LOCK_SUFFIX = ".bell", ".lock"
"""A bell, and the lock that whoever sleeps on it holds."""


def ring_bells(agent: Agent) -> None:
    """Wake what waits beside the agent's idle sessions. Costs one look where none ever waited; never raises.

    A bell on which nobody sleeps is left as it is: its session is over, or about to look by itself.
    """
    directory = agent.mail_dir / WAITING
    try:
        names = os.listdir(directory)  # noqa: PTH208 (at each mail)
    except OSError:
        return
    for name in names:
        if name.endswith(SUFFIX):
            ring_bell(directory / name)


def ring_bell(path: Path) -> None:
    """Wake what sleeps on one bell, if anything does; never raises."""
    with suppress(OSError):
        _ring(path)


def _ring(path: Path) -> None:
    with _opened(path) as descriptor:
        os.write(descriptor, b"\n")  # a full pipe has been rung often enough (EAGAIN)


def has_sleeper(path: Path) -> bool:
    """True if something sleeps on a bell: it holds the pipe open, whatever it can be seen by else."""
    try:
        with _opened(path):
            return True
    except OSError:
        return False


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A bell on which something sleeps, to be rung. OSError of any other: without a reader ENXIO."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "is no bell", str(path))
        yield descriptor
    finally:
        os.close(descriptor)


def remove_bells(agent: Agent) -> None:
    """Take the bells away; what sleeps on one looks first, and finds that it is not wanted any more.

    Where a link leads elsewhere, nothing is: there a `.lock` may be anything.
    """
    directory = agent.mail_dir / WAITING
    ring_bells(agent)
    if Path(os.path.realpath(directory)) != Path(os.path.realpath(agent.branch)) / directory.relative_to(agent.branch):
        return
    with suppress(OSError):
        for path in directory.iterdir():
            if path.suffix in (SUFFIX, LOCK_SUFFIX):
                path.unlink(missing_ok=True)
        directory.rmdir()
