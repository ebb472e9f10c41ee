"""`wait`: block until messages are answered, done or decided. Sleeps in the kernel; looks when a mailbox changes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailcore.mail import lookup
from mailcore.mail.approval import decision_of
from mailcore.mail.lookup import Copy
from mailcore.mail.threads import bare
from mailcore.model.agent import Agent
from mailcore.model.message import FINAL, Message
from mailcore.workspace import Workspace

WANTS = ("reply", "done", "approval")


@dataclass(frozen=True, slots=True)
class Settled:
    """What one of the awaited messages has come to; `state` is empty while it is awaited."""

    id: str
    state: str = ""
    """`reply`, `done`, `blocked`, `declined`, `approved`, `denied`; of a run without one `bounced`, `killed`, …"""
    by: str = ""
    text: str = ""


def wait(
    workspace: Workspace,
    caller: Agent,
    ids: Sequence[str],
    want: str,
    approver: str,
    *,
    every: bool = False,
    timeout: float | None = None,
) -> list[Settled]:
    """Block until one of `ids` (with `every`: all) is settled, or `timeout` seconds are over; says what is known then.

    The messages are ones that the caller sent, named by id, sent id or number.
    """
    from inotify_simple import INotify, flags

    awaited = [lookup.find(workspace, message_id) for message_id in ids]
    deadline = None if timeout is None else time.monotonic() + timeout
    with INotify() as inotify:
        for agent in {caller, *(copy.agent for copy in awaited)}:
            agent.mail_dir.mkdir(parents=True, exist_ok=True)
            inotify.add_watch(agent.mail_dir, flags.MODIFY | flags.MOVED_TO | flags.CREATE | flags.CLOSE_WRITE)
        while True:
            answers = _mail_of(caller)
            settled = [
                _settled(name, copy, want, approver, answers)
                for name, copy in zip(ids, (_again(copy) for copy in awaited), strict=True)
            ]
            done = [bool(one.state) for one in settled]
            left = None if deadline is None else deadline - time.monotonic()
            if (all(done) if every else any(done)) or (left is not None and left <= 0):
                return settled
            inotify.read(timeout=None if left is None else int(left * 1000) + 1, read_delay=20)


def _again(copy: Copy) -> Copy:
    """The same message as it is now, open or archived."""
    for message in _mail_of(copy.agent):
        if message.id == copy.message.id and message.sent_id == copy.message.sent_id:
            return Copy(copy.agent, message)
    return copy


def _mail_of(agent: Agent) -> list[Message]:
    from mailcore.mail.mailbox import read_mailbox

    still_open = [Message.from_json(m.raw, agent.address) for m in read_mailbox(agent.inbox).messages]
    return still_open + [Message.from_json(raw, agent.address) for _, raw in lookup.archived(agent)]


def _settled(name: str, copy: Copy, want: str, approver: str, answers: Iterable[Message]) -> Settled:
    message = copy.message
    if want == "approval":
        decision = decision_of(message, approver) if copy.agent.address == approver else ""
        return Settled(name, decision, approver, message.ack.result if message.ack and decision else "")
    if message.ack is not None and message.ack.state in FINAL:
        return Settled(name, message.ack.state, message.ack.by, message.ack.result)
    if want == "reply":
        for answer in answers:
            if _answers(answer, copy):
                # The end of a run that gave no answer is told in the same thread: completed, bounced or killed.
                state = str(answer.raw.get("run_ended") or "reply")
                return Settled(name, state, answer.sender, answer.body)
    return Settled(name)


def _answers(answer: Message, copy: Copy) -> bool:
    if answer.in_reply_to:
        return copy.message.answers_to(answer.in_reply_to)
    # AIPass's registry lane drops in_reply_to (contract 0.4): RE:, the parties, and not older.
    original = copy.message
    return (
        answer.sender == copy.agent.address
        and bare(answer.subject) != answer.subject
        and bare(answer.subject) == bare(original.subject)
        and answer.at >= original.at
    )
