"""Deliver waiting mail to an agent at work: `python -m mailcore.hooks.deliver ADDRESS BRANCH ROOT`.

The hook line runs it. The event comes on standard input; what the program is to be given goes to standard output. Mail
of high priority is delivered after a tool call, the rest when a session starts and, making the agent go on once, when
its turn is over. A session that starts, is resumed or was compacted is given all that is unread: what an earlier one
was told of it, it may not know, and no later event tells it: so a mailbox that somebody writes at that moment is waited
for. What woke it and is on its way yet is left to come. A tool is never interrupted.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mailcore.exceptions import MailcoreError
from mailcore.hooks.hooked_agent import hooked_agent
from mailcore.hooks.line import STAMPS
from mailcore.hooks.session_events import last_event
from mailcore.hooks.undelivered import SessionPlace, comes_yet, is_told, notice, settle, unproved
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.mail.store import LOCK
from mailcore.model.agent import Agent
from mailcore.model.message import MailboxStatus, Message
from mailcore.programs.hook_lines import parse_hook
from mailcore.system import safe_open
from mailcore.system.locks import is_locked
from mailcore.workspace.find import workspace_at
from mailcore.workspace.variables import RUN_ID

QUIET = 1.0
"""Seconds that a mailbox has to be unchanged before it counts as known: its time may have the second's grain only."""


def main(words: Sequence[str]) -> int:
    """Print what is to be given at the event on standard input. Always 0: a hook never fails its agent."""
    address, branch, root = words
    agent = hooked_agent(address, branch, root)
    event = parse_hook(sys.stdin.buffer.read())
    with suppress(MailcoreError, OSError):
        if event is not None and (answer := deliver_mail(agent, event, os.environ.get(RUN_ID, ""))):
            sys.stdout.write(json.dumps(answer))
    return 0


def deliver_mail(agent: Agent, event: Mapping[str, Any], run_id: str = "") -> dict[str, Any] | None:
    """What the program is to print at this event, noted as delivered; None: nothing. MailcoreError, OSError of the
    disk."""
    where = str(event.get("hook_event_name"))
    # Of a subagent's call its own context hears, not the agent's; and at Stop never a loop.
    if where not in STAMPS or event.get("agent_id") or event.get("stop_hook_active"):
        return None
    known = agent.inbox.stat().st_mtime_ns
    box = read_mailbox(agent.inbox)
    begins, session = where == "SessionStart", SessionPlace.of_event(event)
    if box.status is not MailboxStatus.OK:
        return None
    if where not in ("SessionStart", "Stop") and is_locked(agent.mail_dir / LOCK):
        return None  # the next event is soon enough, and the agent is not kept waiting; after those two none may come
    if begins and last_event(agent, session.id).get("hook_event_name") == "SessionEnd":
        return None  # it was over before it was told anything: another is

    def due(message: Message) -> bool:
        return _is_due(message, where) and not (unproved(message, session) and may_come(message))

    def may_come(message: Message) -> bool:
        return comes_yet(message, event)

    if not any(due(message) or unproved(message, session) for message in box.messages):
        if time.time() - known / 1e9 > QUIET:
            _stamp(agent.mail_dir / STAMPS[where], known)
        return None
    with suppress(MailcoreError):
        workspace_at(agent.root)  # by the registry's names one is recognised that only looks like one of them
    given, further = settle(agent, session, where, due, run_id, may_come=may_come)
    if not given:
        return None  # by another tool's hook, at the same moment
    text = notice(given, box.unread, further)
    if where == "Stop":
        return {"decision": "block", "reason": text}
    return {"hookSpecificOutput": {"hookEventName": where, "additionalContext": text}}


def _is_due(message: Message, where: str) -> bool:
    if not (message.unread and message.id):
        return False
    if where == "SessionStart":
        return True
    return not is_told(message) and (where != "PostToolUse" or message.priority == "high")


def _stamp(path: Path, at: int) -> None:
    """Say that the mailbox is known as it was at that time (ns): until it changes, the hook line starts no Python."""
    descriptor, _ = safe_open.descriptor(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW)
    try:
        os.utime(descriptor, ns=(at, at))
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
