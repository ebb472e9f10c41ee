"""The sentinel starts the supervisor of a run, waits for its end, and acts when it was killed.

Its command: `python -m mailcore.dispatch.supervision.sentinel RUN_DIR`.

It is the supervisor's parent, forked from before the imports, so it stays small: nothing may be imported here that it
does not need while all is well. On Linux it adopts what the supervisor leaves behind, also what cleared its environment
and left its parents. Killed with -9 the supervisor can neither end its program nor tell anybody: its sentinel does, at
once. A supervisor that somebody stopped (SIGSTOP) would heed no limit: its sentinel lets it go on.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""What asks for the run's end: the supervisor's to hear, whoever of the two is asked."""


def main(run_dir: str) -> int:
    """Supervise the run whose journal lies in `run_dir`, in a child, and see to it that its end is reported."""
    from mailcore.system.subreaper import adopt_orphans

    adopt_orphans()
    gc.freeze()  # what both have in memory is not touched by the one's garbage collector
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    child = os.fork()
    if child == 0:
        os.setsid()  # a signal for the whole session of the one does not end both
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        return _supervise(run_dir, os.getppid())
    for number in FORWARDED:
        signal.signal(number, lambda number, _: _send(child, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    status = _end_of(child)
    for number in FORWARDED:
        signal.signal(number, signal.SIG_IGN)  # its PID may be another's from now on
    if status == 0:
        return 0
    from mailcore.dispatch.supervision.sentinel_takeover import take_over

    return take_over(run_dir, child, os.waitstatus_to_exitcode(status))


def _supervise(run_dir: str, sentinel: int) -> int:
    from pathlib import Path

    from mailcore.dispatch.process import run_processes
    from mailcore.dispatch.supervision import supervisor
    from mailcore.system.processes import start_ticks

    ticks = start_ticks(sentinel)
    try:
        return supervisor.main(Path(run_dir).resolve(), sentinel)
    finally:
        run_processes.resume_stopped(sentinel, ticks)  # it has this one's end to see, and no lock names it any more


def _end_of(child: int) -> int:
    """Wait for the supervisor's end, and let it go on when it is stopped; the status that it leaves."""
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return status
        _send(child, signal.SIGCONT)


def _send(child: int, number: int) -> None:
    """Signal the supervisor: not reaped yet, its PID is no other's."""
    from mailcore.dispatch.process.run_processes import signal_child

    signal_child(child, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
