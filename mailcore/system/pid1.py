"""The first process of a PID namespace, as a container's: there nobody else reaps, and its end is everybody's."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

_BY_A_PROCESS = 0
"""`si_code` up to which a process sent the signal; what the terminal sends has all of its group already."""
PAUSE = 1.0
"""Seconds between two looks for who still supervises, when the command is over; each child's end is one too."""


def stay(mark: str) -> None:
    """If this is the first process, go on in a child, which is none, and return there; otherwise just return.

    The first process hands signals on, reaps whatever ends, and ends as the child does, but not before those whose
    environment has the variable `mark`: runs go on when a command or screen is over. A signal ends them.
    """
    if os.getpid() != 1:
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return
    os._exit(_reap(child, mark))


def _reap(child: int, mark: str) -> int:
    signal.signal(signal.SIGCHLD, _noted)
    status = None
    while True:
        info = signal.sigtimedwait(signal.valid_signals(), PAUSE)
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == child:
                    status = os.waitstatus_to_exitcode(ended[1])
                    if left := _supervisors(mark):
                        _say(len(set(left.values())))
        asked = info is not None and info.si_signo not in (signal.SIGCHLD, signal.SIGWINCH, signal.SIGCONT)
        if status is None and info is not None and info.si_code <= _BY_A_PROCESS and info.si_signo != signal.SIGCHLD:
            _send(child, info.si_signo)
        elif status is not None:
            left = _supervisors(mark)
            if not left:
                return status if status >= 0 else 128 - status
            if asked:
                for pid in left:
                    _send(pid, signal.SIGTERM)


def _noted(_number: int, _frame: FrameType | None) -> None:
    """With the default handler a child's end is no signal that could be waited for."""


def _send(pid: int, number: int) -> None:
    with suppress(OSError):
        os.kill(pid, number)


def _supervisors(mark: str) -> dict[int, str]:
    """Which processes here supervise a run, or wait to start one, and which run that is."""
    from mailcore.system.processes import environment, snapshot, value_of

    marked = ((pid, value_of(environment(pid) or [], mark)) for pid in snapshot() if pid != 1)
    return {pid: run for pid, run in marked if run}


def _say(count: int) -> None:
    runs = "1 run goes" if count == 1 else f"{count} runs go"
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{runs} on; this process, the first of its container, ends after them (Ctrl-C ends them)\n")
        sys.stderr.flush()
