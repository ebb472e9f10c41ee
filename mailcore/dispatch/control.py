"""Dispatch, wake, kill, retry: the acts that need more than one wing. Each raises MailcoreError in words for people."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mailcore import audit, journal
from mailcore.config import Config
from mailcore.dispatch import orphan, process, prompt, queue
from mailcore.dispatch.admit import Hindrance
from mailcore.dispatch.lock import holding
from mailcore.dispatch.start import JOURNAL, begin, clean_environment
from mailcore.errors import MailcoreError, Refused, UsageError
from mailcore.liveness import alive, start_ticks
from mailcore.mail import post
from mailcore.mail.mailbox import read_mailbox
from mailcore.mail.outbox import Sent
from mailcore.mail.store import locked
from mailcore.model.agent import Agent
from mailcore.model.run import Holder, Run, from_records
from mailcore.programs.base import Program
from mailcore.programs.select import select
from mailcore.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What became of one dispatch: the mail is delivered either way."""

    message_id: str
    sent_id: str
    to: str
    run_id: str | None
    busy: str = ""
    """Why the agent was not woken at once; empty if it was."""
    code: str = ""
    """The same as one word: `busy`, `held`, `occupied`, `limit`, `breaker`."""
    queued: bool = False
    """It waits, and starts by itself when that is over."""


@dataclass(frozen=True, slots=True)
class Killed:
    """What a kill ended."""

    address: str
    run_id: str
    ended: tuple[int, ...]
    """PIDs that were there before."""
    survivors: tuple[int, ...] = ()


def dispatch(
    workspace: Workspace,
    config: Config,
    sender: str,
    target: str,
    subject: str,
    body: str,
    *,
    parent_run: str = "",
    expect: str = "",
    thread: Mapping[str, str] = MappingProxyType({}),
    program: str = "",
) -> Dispatched:
    """Mail a task and start its agent. Refused before anything is written if the agent has no program.

    `parent_run` is the run that the caller belongs to: it sets how deep this one nests. `expect` says what counts as
    done; `thread` are the keys that put the task into an earlier thread; `program` takes another than the configured
    one. A busy agent has the mail at once; its run begins when the present one is over.
    """
    agent, chosen = check(workspace, config, sender, target, program)
    depth = _depth(workspace, parent_run) + 1 if parent_run else 0
    if depth > config.dispatch.wake_depth:
        raise Refused(f"this dispatch would nest {depth} deep; [dispatch] wake_depth is the limit", "limit")
    extra = {**thread, **({"expect": expect} if expect else {})}
    sent = post.send(workspace, sender, [target], subject, body, is_task=True, extra=extra)[0]
    if not sent.delivered:
        raise MailcoreError(sent.error)
    queued = {
        "sender": sender,
        "subject": subject,
        "message_id": sent.id,
        "sent_id": sent.sent_id,
        "prompt": prompt.task(agent, sent.id, sender, subject, expect),
        "program": chosen.name,
        "depth": depth,
    }
    waits = ("held", "limit", "occupied", "busy")
    started = begin(workspace, config, agent, queued, queueing=waits)
    if isinstance(started, str):
        return Dispatched(sent.id, sent.sent_id, agent.address, started)
    return Dispatched(sent.id, sent.sent_id, agent.address, None, started.reason, started.code, started.code in waits)


def check(workspace: Workspace, config: Config, sender: str, target: str, program: str = "") -> tuple[Agent, Program]:
    """The agent that `target` names and its program; Refused, with the reason, if `sender` cannot dispatch it."""
    agent = workspace.agent(target)
    if agent.is_operator:
        raise UsageError("the operator cannot be dispatched; send a mail instead")
    if agent.address == sender:
        raise Refused(f"{sender} cannot dispatch itself", "self")
    if not agent.branch.is_dir():
        raise Refused(f"{agent.address}'s branch {agent.branch} is gone; restore it, or mend the registry", "no_branch")
    return agent, select(agent, config, clean_environment()["PATH"], program)


def wake(workspace: Workspace, config: Config, by: str, target: str, *, if_mail: bool = False) -> str:
    """Start an idle agent without a task of its own; returns the run's id. Refused if something is in the way.

    With `if_mail` it is refused (code `no_mail`) where nothing unread waits: for cron and timers.
    """
    agent = workspace.agent(target)
    box = read_mailbox(agent.inbox)
    if if_mail and not box.unread and not box.reason:
        raise Refused(f"{agent.address} has no unread mail", "no_mail")
    why = f"{box.unread} unread mails wait." if box.unread else "There is no new mail: continue your worklog."
    first = _wake_record(agent, config, queue.Wake(why, by, automatic=False))
    return _begun(begin(workspace, config, agent, first))


def wake_for(
    workspace: Workspace, config: Config, by: str, sent: Sequence[Sent], subject: str, parent_run: str = ""
) -> dict[str, str]:
    """Start the idle recipients of high-priority mail at once; a busy one is woken again when its run is over.

    The mail is delivered already, so what hinders a wake is no error: it is returned, by address. Sent from within
    `parent_run` the wake nests one deeper, so that two agents cannot wake each other for ever.
    """
    depth = _depth(workspace, parent_run) + 1 if parent_run else 0
    hindered: dict[str, str] = {}
    for one in sent:
        agent = workspace.agent(one.to)
        if not one.delivered or agent.is_operator:
            continue
        if depth > config.dispatch.wake_depth:
            hindered[one.to] = f"it would nest {depth} deep; [dispatch] wake_depth is the limit"
            continue
        reason = queue.Wake(f"{by} sent mail of high priority, message {one.id}: {subject}.", by, depth)
        try:
            begun = start_wake(workspace, config, agent, reason)
            if isinstance(begun, Hindrance) and begun.code == "breaker":  # what else hinders is waited for
                hindered[one.to] = begun.reason
        except MailcoreError as error:
            hindered[one.to] = str(error)
    return hindered


def start_wake(workspace: Workspace, config: Config, agent: Agent, reason: queue.Wake) -> str | Hindrance:
    """Start `agent` for a wake; it waits while the agent is busy, held or out of places."""
    first = _wake_record(agent, config, reason)
    return begin(workspace, config, agent, first, queueing=("busy", "held", "limit", "occupied"))


def _wake_record(agent: Agent, config: Config, reason: queue.Wake) -> dict[str, Any]:
    return {
        "sender": reason.by,
        "subject": reason.why,
        "message_id": "",
        "prompt": prompt.wake(agent, reason.why),
        "program": select(agent, config, clean_environment()["PATH"]).name,
        "depth": reason.depth,
        "automatic": reason.automatic,
    }


def _begun(started: str | Hindrance) -> str:
    if isinstance(started, Hindrance):
        raise Refused(started.reason, started.code)
    return started


def retry(workspace: Workspace, config: Config, by: str, target: str, mode: str = "start") -> str:
    """Run the last task of an agent (`@a`) or of a run once more; returns the new run's id."""
    agent, run = find_run(workspace, target)
    if run is None:
        raise Refused(f"{agent.address} has had no run that could be retried", "no_run")
    first = journal.read(agent.runs_dir / run.run_id / JOURNAL)[0]
    kept = {k: first.get(k) for k in ("sender", "subject", "message_id", "sent_id", "prompt", "program", "depth")}
    return _begun(begin(workspace, config, agent, {**kept, "by": by, "mode": mode, "retry_of": run.run_id}))


def kill(workspace: Workspace, config: Config, by: str, target: str) -> Killed:
    """End an agent's run: the supervisor is told, TERM to the whole tree, then KILL, until nothing of it is left.

    An orphan is cleaned up. A run of another program's monitor is ended with its whole session.
    """
    agent, run = find_run(workspace, target)
    with locked(queue.gate(workspace)):  # while a run begins, its lock names who begins it
        lock = holding(agent)
    if lock is None or lock.holder is Holder.UNKNOWN:
        raise Refused(f"nothing runs at {agent.address}", "not_running")
    if target[:1] != "@" and run is not None and run.run_id != lock.run_id:
        raise Refused(f"run {run.run_id} is over; {agent.address} works on {lock.run_id}", "not_running")
    if lock.holder is Holder.DEAD:
        orphan.clean(workspace, config, agent, by)
        audit.record(workspace, by, "kill", agent=agent.address, run=lock.run_id, orphan=True)
        return Killed(agent.address, lock.run_id, ())
    if not lock.run_id and process.session_of(lock.pid) != lock.pid:
        raise Refused(
            f"{agent.dispatch_lock} names PID {lock.pid}, which leads no session as AIPass's monitor does: the PID "
            "went to another process, or the lock is by another program. Remove the file if nothing works there.",
            "not_ours",
        )
    before = tuple(p.pid for p in processes(workspace, agent.address))
    grace = config.dispatch.stop_grace
    audit.record(workspace, by, "kill", agent=agent.address, run=lock.run_id, pid=lock.pid)
    if lock.run_id:
        journal.append(agent.runs_dir / lock.run_id / JOURNAL, {"event": "kill_asked", "by": by})
        ticks = lock.start_ticks or start_ticks(lock.pid)
        process.send(lock.pid, ticks, signal.SIGTERM)
        process.send(lock.pid, ticks, signal.SIGCONT)
        if not _gone(lock.pid, ticks, grace + 10):
            process.send(lock.pid, ticks, signal.SIGKILL)
        _, survivors = process.stop(lambda: process.members(lock.run_id), grace)
    else:
        _, survivors = process.stop(lambda: process.session_members(lock.pid), grace)
    if not survivors:
        orphan.clean(workspace, config, agent, by)
    return Killed(agent.address, lock.run_id, before, tuple(sorted(survivors)))


def processes(workspace: Workspace, target: str) -> tuple[process.Process, ...]:
    """The tree that a kill of `target` would end, its supervisor first; empty if nothing runs there."""
    agent, _ = find_run(workspace, target)
    lock = holding(agent)
    if lock is None or not lock.pid:
        return ()
    if not lock.run_id:
        return tuple(process.session_members(lock.pid)) if lock.holder is Holder.ALIVE else ()
    own = [p for p in process.snapshot().values() if p.pid == lock.pid and alive(p.pid, lock.start_ticks)]
    below = process.members(lock.run_id, [p.pid for p in own])
    return (*own, *(replace(p, depth=p.depth + len(own)) for p in below))


def last_run(agent: Agent) -> Run | None:
    """The newest run of an agent; run ids sort by time."""
    try:
        names = sorted(os.listdir(agent.runs_dir), reverse=True)  # noqa: PTH208 (names only)
    except FileNotFoundError:
        return None
    for name in names:
        run = read_run(agent.runs_dir / name)
        if run is not None:
            return run
    return None


def read_run(run_dir: Path) -> Run | None:
    """The run whose journal lies in `run_dir`."""
    return from_records(journal.read(run_dir / JOURNAL))


def find_run(workspace: Workspace, target: str) -> tuple[Agent, Run | None]:
    """`@a` → the agent and its newest run; a run id → its agent and that run."""
    if target.startswith("@"):
        agent = workspace.agent(target)
        return agent, last_run(agent)
    for agent in workspace.agents:
        if "/" not in target and (agent.runs_dir / target / JOURNAL).is_file():
            return agent, read_run(agent.runs_dir / target)
    return (agent := workspace.agent(target)), last_run(agent)


def _depth(workspace: Workspace, run_id: str) -> int:
    """How deep a run nests, whoever's it is: its agent may have called under another name with --from."""
    records = [r for agent in workspace.agents for r in journal.read(agent.runs_dir / run_id / JOURNAL)[:1]]
    depth = records[0].get("depth") if records else 0
    return depth if isinstance(depth, int) else 0


def _gone(pid: int, ticks: int, seconds: float) -> bool:
    """Wait for a process that is not our child to end; True if it did."""
    import select

    deadline = time.monotonic() + seconds
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        while alive(pid, ticks):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            select.select([descriptor], [], [], left)
    finally:
        os.close(descriptor)
    return True
