"""Give mail to a session that sits idle: `python -m mailcore.hooks.wake ADDRESS BRANCH ROOT SETTINGS PID`.

The line that sleeps beside a session (`mailcore.hooks.line`) runs it when its bell is rung. The event with which the
session fell idle comes on standard input; PID is the session's program, whose hooks stand in SETTINGS. Mail of high
priority wakes it now, other mail when its last turn was over for as long as `[mail] idle` says; never while the person
there types. The exit status says how it goes on: 0 sleep on, 2 the session is woken by what stands on standard error,
3 the session is over, 4 look again in as many seconds as standard output says.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from mailcore.config import read_mail_or_defaults
from mailcore.exceptions import MailcoreError
from mailcore.hooks.hooked_agent import hooked_agent
from mailcore.hooks.open_at import open_at
from mailcore.hooks.session_events import last_event
from mailcore.hooks.undelivered import (
    IDLE,
    PROVED_WITHIN,
    QUEUED,
    SessionPlace,
    comes_yet,
    is_told,
    notice,
    settle,
    unproved,
)
from mailcore.mail.bell import LOCK_SUFFIX, SUFFIX, WAITING
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import Agent
from mailcore.model.message import MailboxStatus, Message
from mailcore.programs.hook_lines import parse_hook
from mailcore.system.process_values import Process
from mailcore.system.processes import started_at, terminal_of
from mailcore.system.terminal import typed_at
from mailcore.workspace.find import workspace_at

SLEEP_ON, WOKEN, OVER, LATER = 0, 2, 3, 4
TYPED_WINDOW = 8
"""Seconds: the kernel gives a terminal the time of the first key of each such window, and of no other."""
QUIET_TYPING = 4.0
"""Seconds without a key after which the person does not type any more."""
BUSY_RECHECK = 20.0
"""Seconds after which a session that was at work is looked at again: interrupted, it reports no end of its turn."""
RETRY = 5.0
"""Seconds until the next look where the mailbox could not be read or written."""
IDLE_EVENTS = frozenset({"Stop", "StopFailure", "SessionStart", "Interrupt"})


def main(words: Sequence[str]) -> int:
    """Do it, once. Whatever fails is tried again: mail stays where it is."""
    address, branch, root, settings, pid = words
    agent = hooked_agent(address, branch, root)
    event = parse_hook(sys.stdin.buffer.read()) or {}
    session = SessionPlace.of_event(event)
    at = open_at(settings, int(pid), str(event.get("cwd") or agent.branch))
    try:
        if not session_lives(agent, session, at):
            return OVER
        status, wait = wake_session(agent, session, at, settings)
    except (MailcoreError, OSError):
        status, wait = LATER, RETRY
    if status == LATER:
        sys.stdout.write(f"{max(1.0, wait):.0f}\n")
    return status


def wake_session(agent: Agent, session: SessionPlace, at: Sequence[Process], settings: str) -> tuple[int, float]:
    """Wake the session if it is due; how it goes on, and after how many seconds to look again. `at`: by which processes
    a person has it open.
    """
    box = read_mailbox(agent.inbox)
    last = last_event(agent, session.id)
    since = float(last.get("ts") or 0.0)

    def may_come(message: Message) -> bool:
        return comes_yet(message, last) and time.time() - since <= PROVED_WITHIN

    if any(unproved(message, session) for message in box.messages):
        settle(agent, session, IDLE, lambda _: False, may_come=may_come)
        box = read_mailbox(agent.inbox)
    if box.status is not MailboxStatus.OK:
        return LATER, RETRY
    open_proofs = any(unproved(message, session) for message in box.messages)
    config = agent.root / ".praxmonitor/config.toml"
    idle, now = read_mail_or_defaults(config).idle, time.time()
    if last.get("hook_event_name") == "SessionEnd":
        return OVER, 0.0

    def due_at(message: Message) -> float:
        if message.priority == "high":
            return 0.0
        return max(since, message.stored_at) + idle if idle else float("inf")

    waiting = [message for message in box.messages if message.unread and message.id and not is_told(message)]
    if not waiting:
        return (LATER, BUSY_RECHECK) if open_proofs else (SLEEP_ON, 0.0)
    first = min(map(due_at, waiting))
    if first > now:
        return (LATER, first - now) if first != float("inf") else (SLEEP_ON, 0.0)
    if last and last.get("hook_event_name") not in IDLE_EVENTS and now - since < BUSY_RECHECK:
        return LATER, BUSY_RECHECK  # its own next step delivers it
    if (typed := max((last_key(terminal_of(one.pid)) for one in at), default=0.0)) + QUIET_TYPING > now:
        return LATER, typed + QUIET_TYPING - now
    with suppress(MailcoreError):
        workspace_at(agent.root)  # by the registry's names one is recognised that only looks like one of them
    queue = _queue(settings)
    where = IDLE if queue is None else QUEUED
    given, further = settle(agent, session, where, lambda one: not is_told(one) and one.unread and due_at(one) <= now)
    if not given:
        return SLEEP_ON, 0.0
    text = notice(given, box.unread, further)
    if queue is None:
        sys.stderr.write(text)
        return WOKEN, 0.0
    with suppress(OSError, subprocess.TimeoutExpired):
        # What it could not be given stands in no file of the session: it is found unproved, and given again.
        subprocess.run(
            queue(session.id, text), cwd=agent.branch, stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
            check=False,
        )  # fmt: skip
    return LATER, BUSY_RECHECK


def _queue(settings: str) -> Callable[[str, str], Sequence[str]] | None:
    """The command by which the program whose hooks stand there takes a text into a session's queue; None: it has
    none."""
    from mailcore.programs.registry import programs

    hooks = next((one.hooks for one in programs() if one.hooks is not None and one.hooks.settings == settings), None)
    return hooks.queue if hooks is not None else None


def session_lives(agent: Agent, session: SessionPlace, at: Sequence[Process]) -> bool:
    """True while one of the processes runs by which a person has it open. One that began after the session last fell
    idle shows another, or has the number of one that is over.
    """
    place = agent.mail_dir / WAITING / session.id
    try:
        began = place.with_name(place.name + LOCK_SUFFIX).stat().st_mtime
        place.with_name(place.name + SUFFIX).lstat()
    except OSError:
        return False  # the hooks were removed
    return any(started_at(one) <= began + 1.0 for one in at)


def last_key(terminal: str) -> float:
    """When a key may have been pressed at a terminal last, seconds since the epoch; 0.0: no terminal.

    The end of the window that the kernel tells: rather later than it was.
    """
    at = typed_at(terminal) if terminal else 0.0
    return min(time.time(), float((int(at) // TYPED_WINDOW + 1) * TYPED_WINDOW)) if at else 0.0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
