"""`wait`: block until messages are answered, done or decided. Sleeps in the kernel; looks when a mailbox changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailcore.exceptions import MailcoreError, Refused, UsageError, tolerated
from mailcore.hosts.membership import read_membership
from mailcore.mail import active_waits, lookup
from mailcore.mail.approvals import decision_of
from mailcore.mail.lookup import Copy
from mailcore.mail.threads import bare_subject
from mailcore.model.agent import Agent
from mailcore.model.message import FINAL, LAPSED, Message
from mailcore.model.run import Run
from mailcore.system import self_ignore
from mailcore.workspace.find import Workspace

if TYPE_CHECKING:
    from mailcore.system.process_values import ExitNotice
    from mailcore.system.watching import Cancellation

WANTS = ("reply", "done", "approval")
CHECK_PERIOD = 0.5
"""Seconds between two looks where the kernel reports no changes."""
WORKER_CHECK_PERIOD = 5.0
"""Seconds until it looks whether somebody still works on the answer: who only stands still tells nobody."""


@dataclass(frozen=True, slots=True)
class SettledMessage:
    """What one of the awaited messages has come to; `state` is empty while it is awaited."""

    id: str
    state: str = ""
    """`reply`, `done`, `blocked`, `declined`, `approved`, `denied`, `lapsed`; of a run without one
    `completed`, `killed`, …"""
    by: str = ""
    text: str = ""
    names: tuple[str, ...] = ()
    """Of the messages that it reports."""
    subject: str = ""
    """Where nothing was typed by which the caller knows what it is."""

    def as_json(self) -> dict[str, str]:
        """The value that a script reads."""
        subject = {"subject": self.subject} if self.subject else {}
        return {"id": self.id, "state": self.state, "by": self.by, "text": self.text, **subject}


def wait_for_messages(
    workspace: Workspace,
    caller: Agent,
    ids: Sequence[str],
    want: str,
    approver: Callable[[Message], str],
    run_of: Callable[[Agent, str], Run | None],
    *,
    every: bool = False,
    timeout: float | None = None,
    on_wait: Callable[[Sequence[Copy]], None] = lambda _: None,
    attend: Callable[[Collection[Agent]], Sequence[ExitNotice]] = lambda _: (),
    beside: Callable[[], Sequence[SettledMessage]] | None = None,
    at_work: Collection[Agent] = (),
    cancellation: Cancellation | None = None,
) -> list[SettledMessage]:
    """Block until one of `ids` (with `every`: all) is settled, or `timeout` seconds are over; says what is known then.

    `beside` gives what else ends it, at each look, and is said with it: of all mail that comes to the caller, or of the
    agents `at_work`; what is not settled is left out then. What is reported is recorded as notified (`active_waits`).

    The messages, named by id, sent id or number, are ones that the caller sent; the operator may wait for anybody's.
    `approver` says whose decision on a request counts. `run_of` finds the newest run that a message started: its end
    settles what its agent left unanswered. `on_wait` is called once, before it sleeps, with what is not settled.
    `attend` sees to it that those who are to answer still can, and gives what to wait for beside their mail.
    MailcoreError (code `cancelled`) once `cancellation` says that nobody wants the answer.
    """
    from mailcore.system.watching import Watcher, inodes

    if timeout is not None and not timeout >= 0:
        raise UsageError(f"--timeout {timeout}: a number of seconds from 0 up")
    awaited = [_find(workspace, message_id) for message_id in ids]
    authors = [_author(workspace, caller, copy.message) for copy in awaited]
    deadline = None if timeout is None else time.monotonic() + timeout
    # What is on another host tells of itself by mail.
    looked_at = {caller, *authors, *(copy.agent for copy in awaited if not copy.agent.is_remote), *at_work}
    for agent in looked_at:
        self_ignore.make_ignored(agent.mail_dir, parents=True)
    names = {name for copy in awaited for name in _names(copy.message)}
    with Watcher(CHECK_PERIOD) as watcher, active_waits.register_wait(caller, names, want if beside is None else "any"):
        watcher.watch(inodes([agent.mail_dir for agent in looked_at]))
        if cancellation is not None:
            cancellation.wakes(watcher)
        reported, busy = False, {copy.agent for copy in awaited if not copy.agent.is_remote}
        while True:
            if cancellation is not None and cancellation.cancelled:
                raise MailcoreError("the wait was cancelled", "cancelled")
            notices = attend({*busy, *at_work})
            mail = {agent: _mail_of(agent) for agent in looked_at}
            awaited = [_again(copy, mail.get(copy.agent, ())) for copy in awaited]
            settled = [
                _settled(name, copy, want, approver, mail[author], run_of)
                for name, copy, author in zip(ids, awaited, authors, strict=True)
            ]
            done = [bool(one.state) for one in settled]
            left = WORKER_CHECK_PERIOD if deadline is None else min(WORKER_CHECK_PERIOD, deadline - time.monotonic())
            came = list(beside()) if beside is not None else []
            if came or (all(done) if every and done else any(done)) or left <= 0:
                over = [one for one in settled if one.state]
                told_of = {name for one in over for name in one.names}
                over += [one for one in came if told_of.isdisjoint(one.names)]
                with tolerated("what was heard is not noted"):
                    active_waits.record_notified(caller, {name for one in over for name in one.names})
                return settled if beside is None else over
            still = [copy for copy, over in zip(awaited, done, strict=True) if not over]
            busy = {copy.agent for copy in still if not copy.agent.is_remote}
            if not reported:
                reported = True
                on_wait(still)
            watcher.wait(left, notices)


def _find(workspace: Workspace, message_id: str) -> Copy:
    """The copy of that name, here or on another host."""
    try:
        return lookup.find_copy(workspace, message_id)
    except MailcoreError as error:
        if error.code != "no_message" or read_membership(workspace) is None:
            raise
        from mailcore.mail.remote_copies import find_remote

        if (found := find_remote(workspace, message_id)) is None:
            raise
        return found.copy


def _author(workspace: Workspace, caller: Agent, message: Message) -> Agent:
    """Whose mailbox the answer comes to. Refused if the caller neither sent the message nor is the operator."""
    if message.sender == caller.address:
        return caller
    if not caller.is_operator:
        raise Refused(f"{message.id} was sent by {message.sender}, not by {caller.address}", "visibility")
    return workspace.agent(message.sender)


def _again(copy: Copy, mail: Iterable[Message]) -> Copy:
    """The same message as it is now, open or archived."""
    names = (copy.message.id, copy.message.sent_id)
    now = next((message for message in mail if (message.id, message.sent_id) == names), copy.message)
    return replace(copy, message=now)


def _mail_of(agent: Agent) -> list[Message]:
    from mailcore.mail.mailbox_reader import read_mailbox

    still_open = [Message.from_json(m.raw, agent.address) for m in read_mailbox(agent.inbox).messages]
    return still_open + [Message.from_json(raw, agent.address) for _, raw in lookup.archived_messages(agent)]


def _settled(
    name: str,
    copy: Copy,
    want: str,
    approver: Callable[[Message], str],
    answers: Iterable[Message],
    run_of: Callable[[Agent, str], Run | None],
) -> SettledMessage:
    message = copy.message
    names = _names(message)
    if want == "approval":
        who = approver(message)
        decision = decision_of(message, who) if copy.agent.address == who else ""
        if message.lapsed:
            return SettledMessage(name, LAPSED, message.sender, message.lapsed, names)
        return SettledMessage(name, decision, who, message.ack.result if message.ack and decision else "", names)
    if message.ack is not None and message.ack.state in FINAL:
        return SettledMessage(name, message.ack.state, message.ack.by, message.ack.result, names)
    for answer in answers:
        if not _answers(answer, copy):
            continue
        message_names = (*names, *_names(answer))
        if answer.ack is not None:  # the notice comes before the recipient's copy says it; taking it on is no answer
            if answer.ack.state in FINAL:
                return SettledMessage(name, answer.ack.state, answer.sender, answer.ack.result, message_names)
            continue
        # The end of a run that gave no answer is reported in the same thread: completed, bounced or killed.
        ended = str(answer.raw.get("run_ended") or "")
        if want == "reply" or ended:
            return SettledMessage(name, ended or "reply", answer.sender, answer.body, message_names)
    # A run that passed its work on has not ended the task.
    if (run := run_of(copy.agent, message.id)) is not None and run.phase.ended and not run.delegated:
        return SettledMessage(name, str(run.phase), run.by or run.target, run.result or run.reason, names)
    return SettledMessage(name)


def _names(message: Message) -> tuple[str, ...]:
    return tuple(name for name in (message.id, message.sent_id) if name)


def _answers(answer: Message, copy: Copy) -> bool:
    """Only the one who was asked answers: what another says of it in the same thread is news, no answer."""
    original = copy.message
    if answer.sender != copy.agent.address:
        return False
    if answer.in_reply_to:
        return answer.in_reply_to in (original.id, original.sent_id)
    # AIPass's registry lane drops in_reply_to (contract 0.4): RE:, the parties, and not older.
    return (
        bare_subject(answer.subject) != answer.subject
        and bare_subject(answer.subject) == bare_subject(original.subject)
        and answer.at >= original.at
    )
