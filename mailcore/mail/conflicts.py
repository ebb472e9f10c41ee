"""Tasks that conflict: until the approver chooses among them none of them starts.

Each conflict is a file in `.praxmonitor/conflicts/`, named by its tasks. It stands before the approver is asked, so
that nothing starts meanwhile, and goes when the choice is carried out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mailcore.exceptions import MailcoreError, Refused, UsageError, caveat, tolerated
from mailcore.formats.digest import digest
from mailcore.mail import lookup, post
from mailcore.mail.lookup import Copy
from mailcore.mail.outbox import Sent
from mailcore.model.agent import Agent
from mailcore.model.message import FINAL, Message
from mailcore.system import safe_open, self_ignore
from mailcore.system.writing import make_directory, replace
from mailcore.text import line
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

CONFLICTS = "conflicts"


@dataclass(frozen=True, slots=True)
class ConflictingTask:
    """One of the tasks that conflict."""

    agent: str
    """The address of whose task it is."""
    id: str
    sent_id: str
    seq: int
    sender: str
    subject: str

    @property
    def name(self) -> str:
        """`#12`, or the id where it has no number."""
        return f"#{self.seq}" if self.seq else self.id


def escalate_conflict(
    workspace: Workspace, by: str, approver: str, names: Sequence[str], why: str, tier: int
) -> tuple[Sent, list[Sent]]:
    """Name tasks that conflict: the request to the approver, and what was reported to their senders.

    Each is a task that `by` was given or gave, unanswered. UsageError if they are not two at least.
    """
    tasks = [_task(workspace, by, name) for name in names]
    tasks = list(dict.fromkeys(tasks))
    if len(tasks) < 2:
        raise UsageError("a conflict is between two tasks at least: escalate ID OTHER… TEXT")
    name = digest("".join(sorted(f"{task.agent} {task.id}\n" for task in tasks)).encode())
    self_ignore.make_ignored(workspace.state_dir)
    path = workspace.state_dir / CONFLICTS / name
    fresh = not path.exists()
    make_directory(path.parent)
    replace(path, json.dumps([asdict(task) for task in tasks]).encode())
    listed = "".join(f"{task.name}  {task.agent}  from {task.sender}: {line(task.subject)}\n" for task in tasks)
    text = f"{why}\n\n{by} says that these tasks conflict. None of them starts until {approver} has chosen:\n{listed}"
    numbers = " ".join(task.name for task in tasks)
    subject = f"CONFLICT: {numbers}"
    how = f"\nmailcore approve ID WHY --choose {tasks[0].name}: that one starts, the rest is declined. deny: all are."
    # Of no run: with whatever becomes of that the tasks would wait for ever.
    request = {"tier": tier, "by": by, "conflict": name}
    try:
        asked = post.send_mail(
            workspace, by, [approver], subject, text + how, priority="high", key=f"conflict:{name}",
            extra={"approval": request},
        )[0]  # fmt: skip
        if not asked.delivered:
            raise MailcoreError(asked.error, "undelivered")
    except MailcoreError:
        if fresh:
            path.unlink(missing_ok=True)
        raise
    with tolerated():
        audit.record(workspace, by, "escalate", ids=[task.id for task in tasks], sent_id=asked.sent_id, to=approver)
    senders = [one for one in dict.fromkeys(task.sender for task in tasks) if one not in (by, approver)]
    notified = _notify_senders(workspace, by, senders, subject, text, name)
    for one in notified:
        if not one.delivered:
            report_unfinished(f"the tasks wait for the choice, but {one.to} was not told: {one.error}")
    return asked, notified


def _notify_senders(workspace: Workspace, by: str, to: Sequence[str], subject: str, body: str, name: str) -> list[Sent]:
    notified: list[Sent] = []
    for sender in to:
        try:
            notified += post.send_mail(workspace, by, [sender], subject, body, key=f"conflict:{name}")
        except MailcoreError as error:  # another project's, or gone: the others are notified
            notified.append(Sent("", "", sender, False, str(error)))
    return notified


def report_unfinished(what: str) -> None:
    """Say of a part that failed that the same words do it: the rest stands."""
    caveat(f"{what}; say the same again, which does the rest and doubles nothing")


def _task(workspace: Workspace, by: str, name: str) -> ConflictingTask:
    copy: Copy = lookup.find_copy(workspace, name)
    message = copy.message
    if by not in (copy.agent.address, message.sender):
        raise Refused(f"{name} is {copy.agent.address}'s, from {message.sender}: none of {by}'s", "visibility")
    if not message.is_task:
        raise Refused(f"{post.message_name(message)} is no task", "no_task")
    if copy.archived is not None or (message.ack is not None and message.ack.state in FINAL):
        raise Refused(f"{post.message_name(message)} is answered already", "no_task")
    return ConflictingTask(
        copy.agent.address, message.id, message.sent_id, message.seq, message.sender, message.subject
    )


def conflict_of_request(workspace: Workspace, request: Message) -> tuple[str, list[ConflictingTask]]:
    """The conflict that a request is about, its name and its tasks; empty where it is about none, or is settled."""
    approval = request.raw.get("approval")
    name = str(approval.get("conflict") or "") if isinstance(approval, Mapping) else ""
    if not name.isalnum():
        return "", []
    return name, _read(workspace.state_dir / CONFLICTS / name)


def forget_conflict(workspace: Workspace, name: str) -> None:
    """Forget a conflict: its tasks may start."""
    (workspace.state_dir / CONFLICTS / name).unlink(missing_ok=True)


def barred_tasks(agent: Agent) -> dict[str, str]:
    """The tasks of an agent that must not start now, by their ids: each with what it conflicts with, in words."""
    found: dict[str, str] = {}
    for tasks in _all(agent.root):
        for task in tasks:
            if task.agent == agent.address:
                others = " and ".join(one.name for one in tasks if one != task)
                found[task.id] = f"{task.name} conflicts with {others}: the approver is to choose"
    return found


def _all(root: Path) -> Iterator[list[ConflictingTask]]:
    directory = root / ".praxmonitor" / CONFLICTS
    try:
        names = os.listdir(directory)  # noqa: PTH208 (names only)
    except OSError:
        return
    for name in names:
        if name.isalnum():
            yield _read(directory / name)


def _read(path: Path) -> list[ConflictingTask]:
    try:
        return [ConflictingTask(**one) for one in json.loads(safe_open.read_bytes(path))]
    except (OSError, ValueError, TypeError, RecursionError):
        return []
