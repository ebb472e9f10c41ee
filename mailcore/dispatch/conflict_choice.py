"""The approver's choice among tasks that conflict: the chosen start, the others are declined, senders are notified."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass

from mailcore.config import Config
from mailcore.dispatch import control
from mailcore.dispatch.lifecycle.after_run import start_next
from mailcore.dispatch.lifecycle.repeated_start import earlier_run_of_act
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.queueing.branch_gate import gate
from mailcore.dispatch.runs.open_tasks import newest_run_of
from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.formats import journal
from mailcore.mail import approvals, conflicts, mailbox, post, resumable_act
from mailcore.mail.conflicts import ConflictingTask
from mailcore.mail.message_names import choose_named as named
from mailcore.mail.outbox import Sent
from mailcore.model.message import Message
from mailcore.workspace.find import Workspace


def choose_tasks(tasks: Collection[ConflictingTask], names: Collection[str], decision: str) -> list[ConflictingTask]:
    """The tasks that the approver named. UsageError where the decision does not fit: one at least, or none to deny."""
    listed = " or ".join(task.name for task in tasks)
    if decision == "denied":
        if names:
            raise UsageError("deny declines all of them: to choose one, approve ID WHY --choose IT")
        return []
    found: list[ConflictingTask] = []
    for name in names:
        one = named(name, tasks, lambda task: Message.from_json(asdict(task)))
        if one is None:
            raise UsageError(f"{name} is none of the tasks that conflict: {listed}")
        found.append(one)
    if not found:
        raise UsageError(f"which? mailcore approve ID WHY --choose {listed}")
    return found


def decide_request(
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
    agent = workspace.agent(by)
    name, tasks = conflicts.conflict_of_request(workspace, request) if request is not None else ("", [])
    with resumable_act.begin_act(agent, "choose", message_id, decision, list(names), why) as act:
        noted = act.recall("tasks")
        if noted is not None:  # an earlier call was interrupted, and may have settled the conflict
            tasks = [ConflictingTask(**one) for one in noted["tasks"]]
        if names and not tasks:
            raise UsageError(f"{message_id} is about no tasks that conflict: nothing is to be chosen")
        picked = choose_tasks(tasks, names, decision) if tasks else []
        if tasks and noted is None:
            act.remember("tasks", {"tasks": [asdict(task) for task in tasks]})
        over = request is not None and "archived_at" in request.raw and approvals.decision_of(request, by) == decision
        if tasks and over and noted is None and request is not None:  # decided, long ago, and not carried out
            sent = Sent("", "", request.sender, True)
        else:
            sent = approvals.decide(workspace, by, message_id, decision, why)
        if not tasks:
            return sent, {}
        return sent, _Choice(workspace, config, by, why, picked, act).carry_out(name, tasks)


@dataclass(frozen=True)
class _Choice:
    """What the approver chose, and the act in which it is carried out. What fails is reported, and done by the same
    act."""

    workspace: Workspace
    config: Config
    by: str
    why: str
    picked: Collection[ConflictingTask]
    act: resumable_act.Act

    @property
    def text(self) -> str:
        """The choice, for who is notified of it."""
        return f"{self.by} chose {', '.join(task.name for task in self.picked) or 'none of them'}: {self.why}"

    def carry_out(self, name: str, tasks: Collection[ConflictingTask]) -> dict[str, str]:
        """Decline what was not picked, then start what was; what became of each, by its name."""
        became: dict[str, str] = {}
        for task in tasks:
            if task not in self.picked:
                try:
                    self._decline(task)
                    became[task.name] = "declined"
                except (MailcoreError, OSError) as error:
                    became[task.name] = f"not declined: {error}"
                    self._report_unfinished(f"{task.name} is not declined: {error}")
        if any(what.startswith("not") for what in became.values()):
            return {**{task.name: "not started yet" for task in self.picked}, **became}
        try:
            conflicts.forget_conflict(self.workspace, name)
        except OSError as error:
            self._report_unfinished(f"the tasks still wait for the choice: {error}")
        for task in self.picked:
            try:
                became[task.name] = self._start(task)
            except Refused as error:
                became[task.name] = f"not started: {error}"
            except (MailcoreError, OSError) as error:
                became[task.name] = f"not started: {error}"
                self._report_unfinished(f"{task.name} is not started: {error}")
            self._notify_sender(task, f"CHOSEN: {task.subject}")
        return became

    def _report_unfinished(self, what: str) -> None:
        self.act.leave_open()
        conflicts.report_unfinished(what)

    def _start(self, task: ConflictingTask) -> str:
        agent = self.workspace.agent(task.agent)
        if queue.wait_reason(agent, task.id):
            started = start_next(self.workspace, self.config, agent)
            return f"run {started}" if isinstance(started, str) else "waits for its turn"
        # The decision itself wakes who asked for it, maybe this agent: that run is none of the choice.
        if before := earlier_run_of_act(self.workspace, agent, self.act, lambda first: not first.get("news")):
            return f"run {before}"
        run = newest_run_of(agent, task.id)
        if run is not None and not run.phase.ended:
            return f"run {run.run_id} goes on"
        if run is None:
            return f"run {control.wake_agent(self.workspace, self.config, self.by, task.agent)}"
        return f"run {control.retry_run(self.workspace, self.config, self.by, run.run_id)}"

    def _decline(self, task: ConflictingTask) -> None:
        agent = self.workspace.agent(task.agent)
        with gate(self.workspace, agent):
            waits = [one for one in queue.entries(agent) if one.get("message_id") == task.id]
            queue.remove_entries(self.workspace, agent, waits)
        ack = {"state": "declined", "result": self.text, "at": journal.now(), "by": self.by}
        try:
            mailbox.archive_messages(agent, [task.id], {"ack": ack})
        except MailcoreError as error:
            if error.code != "no_message":  # answered meanwhile
                raise
        self._notify_sender(task, f"DECLINED: {task.subject}")

    def _notify_sender(self, task: ConflictingTask, subject: str) -> None:
        if task.sender == self.by:
            return
        thread = {"thread_id": task.sent_id} if task.sent_id else {}
        try:
            sent = post.send_mail(self.workspace, self.by, [task.sender], subject, self.text, extra=thread)[0]
            why = sent.error if not sent.delivered else ""
        except MailcoreError as error:
            why = str(error)
        if why:
            self._report_unfinished(f"{task.sender} is not told: {why}")
