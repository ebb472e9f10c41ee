"""What the operator asks of mailcore, each act for a worker thread. Returns what was asked, in words; raises
MailcoreError with mailcore's own.

Imports mailcore's wings late: none of them is needed for the first paint.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailcore.config import Config
from mailcore.errors import MailcoreError, Refused
from mailcore.model.agent import OPERATOR
from mailcore.model.run import Holder, Lock, Run
from mailcore.workspace import Workspace

if TYPE_CHECKING:
    from mailcore.dispatch.attach import Attachment
    from mailcore.dispatch.queue import Waiting

MOST_ROUNDS = 20
"""Times that a kill of everything looks again for runs that began because others ended."""


@dataclass(frozen=True, slots=True)
class Victim:
    """One process that a kill would end."""

    pid: int
    depth: int
    """0 for the supervisor and the first of its run."""
    command: str
    """Untrusted text."""
    started_at: float
    """Seconds since the epoch."""


def send(workspace: Workspace, to: list[str], subject: str, body: str) -> str:
    """One mail to each address."""
    from mailcore.mail import post

    sent = post.send(workspace, OPERATOR, to, subject, body)
    if failed := [copy.error for copy in sent if not copy.delivered]:
        raise MailcoreError("; ".join(failed))
    return f"mail to {' '.join(to)}"


def reply(workspace: Workspace, message_id: str, body: str) -> str:
    """Answer a mail of the operator's; mailcore closes it then."""
    from mailcore.mail import post

    sent = post.reply(workspace, OPERATOR, message_id, body)
    if not sent.delivered:
        raise MailcoreError(sent.error)
    return f"reply to {sent.to}"


def mark_opened(workspace: Workspace, message_id: str) -> str:
    """The operator has read a mail of theirs."""
    from mailcore.mail import post

    post.mark_opened(workspace, OPERATOR, [message_id])
    return "opened"


def close(workspace: Workspace, message_ids: Collection[str]) -> str:
    """Archive these mails of the operator's, and no other; all of them stay open if one waits for a decision."""
    from mailcore.mail import post

    closed = post.close(workspace, OPERATOR, message_ids)
    return f"close {len(closed)} mails" if len(message_ids) > 1 else "close"


def decide(workspace: Workspace, config: Config, message_id: str, decision: str, why: str) -> str:
    """Say `approved` or `denied` to a request in the operator's mailbox, as `mailcore approve|deny` does: refused to an
    agent that sits at this screen."""
    from mailcore.identity import Identity, person_or
    from mailcore.mail import approval

    caller = Identity(workspace.operator, "declared", ())
    approver = workspace.agent(config.mail.approver).address
    person_or(workspace, caller, os.environ, Path.cwd(), approver)
    sent = approval.decide(workspace, OPERATOR, message_id, decision, why)
    if not sent.delivered:
        raise MailcoreError(sent.error)
    return f"{decision}, told to {sent.to}"


def dispatch(workspace: Workspace, config: Config, to: list[str], subject: str, body: str) -> str:
    """The same task to each address. If some refuse, the error says which were asked and why the others were not."""
    from mailcore.dispatch import control

    asked, trouble = [], []
    for address in to:
        try:
            done = control.dispatch(workspace, config, OPERATOR, address, subject, body)
        except MailcoreError as error:
            trouble.append(str(error))
        else:
            # Why it waits stands in the agent's detail: the notification has one line.
            later = f"waits: {done.code}" if done.queued else f"not started: {done.busy}"
            asked.append(address if done.run_id else f"{address} ({later})")
    if trouble:
        said = f"asked: {' '.join(asked)}. Not asked: " if asked else ""
        raise MailcoreError(said + "; ".join(trouble))
    return f"dispatch to {' '.join(asked)}"


def victims(workspace: Workspace, address: str) -> list[Victim]:
    """The process tree that a kill would end."""
    from mailcore.dispatch import control

    tree = control.processes(workspace, address)
    return [Victim(found.pid, found.depth, found.command, found.started_at) for found in tree]


def kill(workspace: Workspace, config: Config, address: str, shown: Lock) -> str:
    """End the run whose lock was `shown`, and no other: Refused if it is over. MailcoreError names the processes that
    outlived it."""
    from mailcore.dispatch import control
    from mailcore.liveness import read_lock

    if not shown.run_id:  # another program's: only its lock names it
        present = read_lock(workspace.agent(address).dispatch_lock)
        if present is None or _name(present) != _name(shown):
            raise Refused(f"the run of PID {shown.pid} at {address} is over", "not_running")
    killed = control.kill(workspace, config, OPERATOR, shown.run_id or address)
    if killed.survivors:
        raise MailcoreError(f"{address}: still there after KILL: {' '.join(map(str, killed.survivors))}")
    return f"kill {address}"


def _name(lock: Lock) -> str:
    """What tells the run of a lock from the next one's."""
    return lock.run_id or str(lock.pid)


def kill_all(workspace: Workspace, config: Config, shown: Mapping[str, Lock]) -> str:
    """End every run whose lock was `shown` (by address), and those that begin meanwhile because they waited for a
    place; what began unseen before that goes on. If some cannot be ended, the error says which and why; the others
    are."""
    from concurrent.futures import ThreadPoolExecutor

    from mailcore.liveness import read_lock

    def running() -> dict[str, Lock]:
        locks = {agent.address: read_lock(agent.dispatch_lock) for agent in workspace.agents}
        return {name: lock for name, lock in locks.items() if lock is not None and lock.holder is not Holder.UNKNOWN}

    ended: list[str] = []
    trouble: dict[str, str] = {}
    spared = {
        address: _name(lock) for address, lock in running().items()
        if address not in shown or _name(shown[address]) != _name(lock)
    }  # fmt: skip

    def end(address: str, lock: Lock) -> None:
        try:
            kill(workspace, config, address, lock)
        except MailcoreError as error:
            if error.code != "not_running":  # else it ended by itself, just now
                trouble[address] = str(error)
        else:
            ended.append(address)

    with ThreadPoolExecutor(8) as threads:
        for _ in range(MOST_ROUNDS):
            busy = {
                address: lock for address, lock in running().items()
                if address not in trouble and spared.get(address) != _name(lock)
            }  # fmt: skip
            if not busy:
                break
            list(threads.map(end, busy.keys(), busy.values()))
        else:
            trouble |= dict.fromkeys(busy, f"{' '.join(busy)}: work begins again as soon as it is ended; hold (H) them")
    if trouble:
        raise MailcoreError("; ".join(dict.fromkeys(trouble.values())))
    left = f"what {' '.join(sorted(spared))} began meanwhile goes on" if spared else ""
    if not ended:
        raise Refused(f"what was listed is over{f'; {left}' if left else ''}", "not_running")
    return f"kill {' '.join(sorted(set(ended)))}{f'; {left}' if left else ''}"


def wake(workspace: Workspace, config: Config, address: str) -> str:
    """Start an idle agent without a task of its own."""
    from mailcore.dispatch import control

    control.wake(workspace, config, OPERATOR, address)
    return f"wake {address}; D ends it"


def waiting(workspace: Workspace, address: str) -> list[Waiting]:
    """The starts that wait for this agent, the oldest first."""
    from mailcore.dispatch import queue

    return queue.waiting_for(workspace.agent(address))


def cancel(workspace: Workspace, address: str, queue_id: str) -> str:
    """Take one waiting start out of an agent's queue; its mail stays. Refused if it waits no more."""
    from mailcore import audit
    from mailcore.dispatch import queue
    from mailcore.mail.store import locked

    found = next((entry for entry in waiting(workspace, address) if entry.id == queue_id), None)
    with locked(queue.gate(workspace)):
        gone = queue.drop(found.agent, queue_id) if found is not None else 0
    if found is None or not gone:
        raise Refused(f"that start of {address} waits no more: it began, or was cancelled", "no_entry")
    audit.record(workspace, OPERATOR, "cancel", agent=address, subject=found.subject)
    return f"cancel {address}: {found.subject}"


def hold(workspace: Workspace, address: str) -> str:
    """Let nobody start this agent; what runs goes on."""
    from mailcore.dispatch.hold import hold

    hold(workspace, OPERATOR, address, "")
    return f"hold {address}"


def release(workspace: Workspace, config: Config, address: str) -> str:
    """Let it start again, with what waited for it. MailcoreError says how, if it is held with all others."""
    from mailcore.dispatch.hold import release
    from mailcore.holds import hold_at

    everyone = hold_at(workspace.state_dir, "every agent")
    if everyone and not hold_at(workspace.agent(address).mail_dir, address):
        raise MailcoreError(f"{everyone}; `mailcore release --all --from {OPERATOR}` lets them start again", "held")
    release(workspace, config, OPERATOR, address)
    return f"release {address}" + (f"; {everyone}" if everyone else "")


def story(workspace: Workspace, address: str) -> str:
    """The agent's newest run on one page of Markdown. Reads only."""
    from mailcore.dispatch import control
    from mailcore.dispatch.story import story

    agent, run = control.find_run(workspace, address)
    if run is None:
        raise MailcoreError(f"{address} has had no run that could be told", "no_run")
    return story(agent, run).as_markdown()


def attachment(workspace: Workspace, config: Config, address: str) -> Attachment:
    """What the terminal is to run so that the operator goes on in the agent's own session."""
    from mailcore.dispatch.attach import attachment

    return attachment(workspace, config, OPERATOR, address)


def retry(workspace: Workspace, config: Config, address: str, shown: Run | None) -> str:
    """Start the run of an agent that was `shown` again, and no later one; another program's: its last one."""
    from mailcore.dispatch import control

    target = address if shown is None or shown.foreign else shown.run_id
    control.retry(workspace, config, OPERATOR, target)
    return f"retry {address}; D ends it"
