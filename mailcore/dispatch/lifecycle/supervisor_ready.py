"""Whether a supervisor that was started is ready: it reports so on a pipe, once it has read all that it needs."""

from __future__ import annotations

import os
import select
from contextlib import ExitStack, suppress

from mailcore.model.agent import Agent
from mailcore.system.processes import alive, exit_notice, start_ticks, wait_for_end
from mailcore.system.safe_open import read_bytes
from mailcore.text.units import duration

READY_VARIABLE = "MAILCORE_STANDS"
"""In a supervisor's environment: the descriptor that it says it on."""
READY_TIMEOUT = 60.0
"""Seconds until that is given up; on a busy machine a start takes some. What stands later goes on all the same."""
END_GRACE = 2.0
"""Seconds that one which closed its end of the pipe has to be over."""
SUPERVISOR_LOG = "supervisor.log"

_awaited: dict[str, tuple[int, int]] = {}
"""Run → the pipe's other end and the supervisor's PID, of those that nobody has waited for yet."""


def ready_pipe() -> tuple[int, int]:
    """The end to read and the end to hand over."""
    return os.pipe()


def expect_ready(run_id: str, reader: int, pid: int) -> None:
    """Somebody will ask whether this supervisor stands."""
    _awaited[run_id] = reader, pid


def report_ready() -> None:
    """Say, as the supervisor, that it stands; once."""
    descriptor = os.environ.pop(READY_VARIABLE, "")
    if descriptor.isdecimal():
        with suppress(OSError):  # who started it is gone
            os.write(int(descriptor), b"1")
        with suppress(OSError):
            os.close(int(descriptor))


def wait_until_ready(agent: Agent, run_id: str) -> str:
    """Wait until the supervisor of a run that this process began stands; why it does not, empty if it does."""
    reader, pid = _awaited.pop(run_id, (-1, 0))
    if reader < 0:
        return ""
    try:
        if _stands(reader, pid):
            return ""
    finally:
        os.close(reader)
    log = agent.runs_dir / run_id / SUPERVISOR_LOG
    # Its end of the pipe closes a moment before it counts as over.
    if not wait_for_end(pid, start_ticks(pid), END_GRACE):
        return f"its supervisor (PID {pid}) does not stand after {duration(READY_TIMEOUT)}; see {log}"
    last = last_stderr_line(agent, run_id)
    return f"its supervisor (PID {pid}) ended before it stood{f': {last}' if last else ''}; see {log}"


def _stands(reader: int, pid: int) -> bool:
    poll = select.poll()  # a screen has more descriptors than select() can hold
    poll.register(reader, select.POLLIN)
    with ExitStack() as stack:
        with suppress(OSError):  # it is over, or no descriptor is left: then the pipe alone tells
            poll.register(stack.enter_context(exit_notice(pid)).fileno(), select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(READY_TIMEOUT * 1000 if alive(pid) else 0)}
    return reader in ready and bool(os.read(reader, 1))


def last_stderr_line(agent: Agent, run_id: str) -> str:
    """The last line that a run's supervisor wrote on its standard error."""
    try:
        lines = read_bytes(agent.runs_dir / run_id / SUPERVISOR_LOG)[-4096:].decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")
