"""The approver's choice among tasks that conflict: the chosen start, the others are declined, every sender is told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict

from mailcore import journal
from mailcore.config import Config
from mailcore.dispatch import control, queue
from mailcore.dispatch.gate import gate
from mailcore.dispatch.succession import start_next
from mailcore.dispatch.tasks import run_of
from mailcore.errors import MailcoreError, UsageError, caveat
from mailcore.mail import approval, conflict, mailbox, post
from mailcore.mail.conflict import Task
from mailcore.mail.names import choose as named
from mailcore.mail.outbox import Sent
from mailcore.model.message import Message
from mailcore.workspace import Workspace


def chosen(tasks: Collection[Task], names: Collection[str], decision: str) -> list[Task]:
    """The tasks that the approver named. UsageError where the decision does not fit: one at least, or none to deny."""
    listed = " or ".join(task.name for task in tasks)
    if decision == "denied":
        if names:
            raise UsageError("deny declines all of them: to choose one, approve ID WHY --choose IT")
        return []
    found: list[Task] = []
    for name in names:
        one = named(name, tasks, lambda task: Message.from_json(asdict(task)))
        if one is None:
            raise UsageError(f"{name} is none of the tasks that conflict: {listed}")
        found.append(one)
    if not found:
        raise UsageError(f"which? mailcore approve ID WHY --choose {listed}")
    return found


def decide(
    workspace: Workspace,
    config: Config,
    by: str,
    request: Message | None,
    message_id: str,
    decision: str,
    why: str,
    names: Collection[str] = (),
) -> tuple[Sent, dict[str, str]]:
    """Decide a request, and where it is about tasks that conflict, carry out what was chosen by `names`.

    `request`: what `message_id` names, as far as it was found. What became of the tasks, by their names, is empty where
    there are none.
    """
    name, tasks = conflict.of_request(workspace, request) if request is not None else ("", [])
    if names and not tasks:
        raise UsageError(f"{message_id} is about no tasks that conflict: nothing is to be chosen")
    picked = chosen(tasks, names, decision) if tasks else []
    over = request is not None and "archived_at" in request.raw and approval.decision_of(request, by) == decision
    if tasks and over and request is not None:  # who decided was cut off before it was carried out
        sent = Sent("", "", request.sender, True)
    else:
        sent = approval.decide(workspace, by, message_id, decision, why)
    return sent, _carry_out(workspace, config, by, name, tasks, picked, why) if tasks else {}


def _carry_out(
    workspace: Workspace,
    config: Config,
    by: str,
    name: str,
    tasks: Collection[Task],
    picked: Collection[Task],
    why: str,
) -> dict[str, str]:
    """Start the picked tasks and decline the others; what became of each, by its name. What fails is a caveat."""
    became: dict[str, str] = {}
    told = ", ".join(task.name for task in picked) or "none of them"
    for task in tasks:
        if task in picked:
            continue
        try:
            _decline(workspace, by, task, f"{by} chose {told}: {why}")
            became[task.name] = "declined"
        except (MailcoreError, OSError) as error:
            became[task.name] = f"not declined: {error}"
            caveat(f"{task.name}: {error}")
    conflict.settle(workspace, name)
    for task in picked:
        try:
            became[task.name] = _start(workspace, config, by, task)
        except (MailcoreError, OSError) as error:
            became[task.name] = f"not started: {error}"
        _tell(workspace, by, task, f"CHOSEN: {task.subject}", f"{by} chose {told}: {why}")
    return became


def _start(workspace: Workspace, config: Config, by: str, task: Task) -> str:
    agent = workspace.agent(task.agent)
    if queue.waits_for(agent, task.id):
        begun = start_next(workspace, config, agent)
        return f"run {begun}" if isinstance(begun, str) else "waits for its turn"
    run = run_of(agent, task.id)
    if run is not None and not run.phase.ended:
        return f"run {run.run_id} goes on"
    if run is None:
        return f"run {control.wake(workspace, config, by, task.agent)}"
    return f"run {control.retry(workspace, config, by, run.run_id)}"


def _decline(workspace: Workspace, by: str, task: Task, why: str) -> None:
    agent = workspace.agent(task.agent)
    with gate(workspace, agent):
        queue.remove(workspace, agent, [one for one in queue.entries(agent) if one.get("message_id") == task.id])
    try:
        mailbox.close(agent, [task.id], {"ack": {"state": "declined", "result": why, "at": journal.now(), "by": by}})
    except MailcoreError as error:
        if error.code != "no_message":  # answered meanwhile
            raise
    _tell(workspace, by, task, f"DECLINED: {task.subject}", why)


def _tell(workspace: Workspace, by: str, task: Task, subject: str, body: str) -> None:
    if task.sender == by:
        return
    thread = {"thread_id": task.sent_id} if task.sent_id else {}
    try:
        sent = post.send(workspace, by, [task.sender], subject, body, extra=thread)[0]
    except MailcoreError as error:
        caveat(f"{task.sender} is not told: {error}")
        return
    if not sent.delivered:
        caveat(f"{task.sender} is not told: {sent.error}")
