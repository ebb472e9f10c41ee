"""What ends `wait --any`: mail that comes to the caller, and the end of a run, whichever is first. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from mailcore.dispatch.queueing import queue
from mailcore.dispatch.runs.run_list import find_run, first_record_of_run, last_run, read_run, run_ids
from mailcore.dispatch.wait import SettledMessage
from mailcore.exceptions import MailcoreError, Refused
from mailcore.mail import active_waits
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import Agent
from mailcore.model.message import Message, parse_time
from mailcore.model.run import RUN_ID, Run
from mailcore.workspace.find import Workspace

MAIL, TAKEN = "mail", "acknowledged"
"""What a mail has come to that is no answer, and one that only says that a task is taken on."""


@dataclass
class Arrivals:
    """Gives at each look what has come for one that waits, and was not reported to it in an earlier wait."""

    workspace: Workspace
    caller: Agent
    run_id: str
    """The run that waits; empty where none does."""
    since: str
    """The id of a run that began now, or that of the run that waits: what it has asked for since is its own."""
    named: dict[str, tuple[Agent, str]] = field(default_factory=dict)
    """What was typed → the agent and the run that it names."""
    own: bool = True
    """The caller's own runs count, since nothing was named."""
    _going: set[str] = field(default_factory=set)
    """The ids of earlier runs of its own that went on when it was looked first."""

    def name(self, target: str) -> None:
        """Wait for a run, by its id or its agent. MailcoreError if there is none, Refused if it is not the caller's."""
        agent, run = find_run(self.workspace, target)
        if run is None:
            raise MailcoreError(f"{agent.address} has had no run", "no_run")
        if not self.caller.is_operator and self.caller.address not in (agent.address, run.sender):
            raise Refused(f"{run.run_id} was asked for by {run.sender}, not by {self.caller.address}", "visibility")
        self.named[target] = agent, run.run_id

    def at_work(self) -> list[Agent]:
        """The agents whose runs may end the wait."""
        found = [agent for agent, _ in self.named.values()]
        if self.own:
            for agent in self.workspace.agents:
                waiting = (entry.sender == self.caller.address for entry in queue.waiting_starts(agent))
                if agent.branch.is_dir() and (any(waiting) or any(self._own(agent))):
                    found.append(agent)
        return list(dict.fromkeys(found))

    def new_arrivals(self) -> list[SettledMessage]:
        """What has come by now."""
        notified = active_waits.notified_names(self.caller)
        found = [_of_mail(message) for message in self._mail(notified)]
        for name, (_, run_id) in self.named.items():
            run = find_run(self.workspace, run_id)[1]
            if run is not None and run.phase.ended:
                found.append(_of_run(name, run, _task(self.workspace, run)))
        for agent in self.workspace.agents if self.own else ():
            for run in self._own(agent):
                names = _task(self.workspace, run)
                if run.phase.ended and not active_waits.was_notified(notified, names, run.created_at):
                    found.append(_of_run(run.message_id, run, names))
        # An answer and the end of the run that gave it are one piece of news.
        reported: set[str] = set()
        fresh = []
        for one in found:
            if reported.isdisjoint(one.names):
                fresh.append(one)
            reported.update(one.names)
        return fresh

    def _mail(self, notified: dict[str, float]) -> Iterator[Message]:
        first = first_record_of_run(self.caller.runs_dir / self.run_id) if self.run_id else {}
        for message in reversed(read_mailbox(self.caller.inbox).messages):
            written = max(message.came_at, message.at, parse_time(message.raw.get("last_updated")))  # or rewritten
            known = message.id == first.get("message_id") or active_waits.was_notified(notified, (message.id,), written)
            if message.unread and not known:
                yield message

    def _own(self, agent: Agent) -> Iterator[Run]:
        """The runs of an agent that the caller asked for: since it began itself, and the one that went on then."""
        newest = last_run(agent)
        if newest is not None and not newest.phase.ended:
            self._going.add(newest.run_id)
        for run_id in reversed(run_ids(agent)):
            if run_id < self.since and run_id not in self._going:
                return
            first = first_record_of_run(agent.runs_dir / run_id)
            if first.get("message_id") and first.get("sender") == self.caller.address and run_id != self.run_id:
                run = read_run(agent.runs_dir / run_id)
                if run is not None:
                    yield run


def names_run(name: str) -> bool:
    """True of what names a run, by its id or its agent, and no message."""
    return name.startswith("@") or RUN_ID.fullmatch(name) is not None


def _task(workspace: Workspace, run: Run) -> tuple[str, ...]:
    agent = next((agent for agent in workspace.agents if agent.address == run.target), None)
    first = first_record_of_run(agent.runs_dir / run.run_id) if agent is not None else {}
    return tuple(str(name) for name in (run.message_id, first.get("sent_id")) if name)


def _of_run(name: str, run: Run, names: Collection[str]) -> SettledMessage:
    return SettledMessage(
        name, str(run.phase), run.by or run.target, run.result or run.reason, tuple(names), run.subject
    )


def _of_mail(message: Message) -> SettledMessage:
    ended = str(message.raw.get("run_ended") or "")
    state = ended or (message.ack.state if message.ack is not None else "reply" if message.in_reply_to else MAIL)
    over = state not in (MAIL, TAKEN)  # else the end of what it is about is still to be reported
    names: Sequence[str] = [message.id, message.sent_id, *([message.in_reply_to] if over else [])]
    own_names = tuple(name for name in names if name)
    return SettledMessage(message.id, state, message.sender, message.body, own_names, message.subject)
