"""Every end is told: wake-back or mail to the sender, AIPass's register and report; then the branch is freed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailcore import journal
from mailcore.config import Config
from mailcore.dispatch import lock, notice, queue, register
from mailcore.dispatch.admit import Hindrance
from mailcore.dispatch.progress import progress
from mailcore.errors import MailcoreError
from mailcore.mail import post
from mailcore.mail.store import locked, replace
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.run import Phase, Run, advance, from_records
from mailcore.programs.base import exit_words
from mailcore.workspace import Workspace

JOURNAL = "run.jsonl"
STATUS = {Phase.COMPLETED: "completed", Phase.KILLED: "killed"}


def clock_time(at: float) -> str:
    """Seconds since the epoch as ISO UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat()


def close(agent: Agent, run_dir: Path, outcome: str, *, reason: str = "", by: str = "", result: str = "") -> Run:
    """Write a run's end into its journal, with what it cost and brought; the run as it ended.

    MailcoreError where there is no journal to close.
    """
    path = run_dir / JOURNAL
    run = from_records(journal.read(path))
    if run is None:
        raise MailcoreError(f"{path}: no journal of a run")
    record = {"event": "ended", "at": journal.now(), "outcome": outcome, "reason": reason, "by": by}
    ended = advance(run, record) or run
    facts = {"duration": round(ended.duration, 3), "cost": run.cost, "replied": run.replied, **progress(agent, run)}
    journal.append(path, {**record, "result": result[:2000], **facts})
    return from_records(journal.read(path)) or ended


def tell(
    workspace: Workspace, config: Config, agent: Agent, run: Run, queued: Mapping[str, Any], run_dir: Path
) -> None:
    """Mail what the sender has to know, wake it where it is an agent, write register, feed and report.

    What cannot be told stands in the run's journal as `undelivered`, with the reason, and of a bounce in AIPass's
    `last_bounce.json`. `told` closes it: a run that ended without it, since its supervisor died at that moment, is
    told again by the next look (`orphan.clean`).
    """
    try:
        _tell_sender(workspace, config, agent, run, queued, run_dir)
    except (MailcoreError, OSError) as error:
        journal.append(run_dir / JOURNAL, {"event": "undelivered", "to": run.sender, "reason": str(error)})
        _keep_bounce(agent, run, run_dir, str(error))
    try:
        tell_aipass(workspace, agent, run)
    except (MailcoreError, OSError) as error:
        journal.append(run_dir / JOURNAL, {"event": "unregistered", "reason": str(error)})
    journal.append(run_dir / JOURNAL, {"event": "told"})


def _tell_sender(
    workspace: Workspace, config: Config, agent: Agent, run: Run, queued: Mapping[str, Any], run_dir: Path
) -> None:
    if not run.message_id or not run.sender or run.sender in (agent.address, run.by):
        return
    task_id = str(queued.get("sent_id") or run.message_id)
    said = _said(agent, run, run_dir)
    if said is not None:
        _mail(workspace, agent, run, task_id, said)
    # After a kill nothing starts by itself: the sender has its mail.
    if run.sender == OPERATOR or run.phase is Phase.KILLED:
        return
    why_not = wake_back(workspace, config, agent, run, queued)
    if why_not is None:
        return
    if said is None and not run.replied:
        _mail(workspace, agent, run, task_id, notice.done(agent, run))
    if why_not.code != "no_program":
        raise MailcoreError(f"{run.sender} has it in its mail, and is not woken: {why_not.reason}")


def _said(agent: Agent, run: Run, run_dir: Path) -> tuple[str, str] | None:
    """Bounce, notice of a kill, or `done, no reply`; None where an answer or a wake says it."""
    if run.phase is Phase.KILLED:
        return notice.killed(agent, run)
    if run.phase is not Phase.COMPLETED:
        return notice.bounce(agent, run, run_dir)
    return None if run.replied or run.delegated or run.sender != OPERATOR else notice.done(agent, run)


def _mail(workspace: Workspace, agent: Agent, run: Run, task_id: str, said: tuple[str, str]) -> None:
    # In the task's thread, so that whoever waits for an answer hears that none will come.
    thread = {"in_reply_to": task_id, "thread_id": task_id, "run_ended": str(run.phase)}
    sent = post.send(workspace, agent.address, [run.sender], *said, extra=thread)[0]
    if not sent.delivered:
        raise MailcoreError(sent.error)


def _keep_bounce(agent: Agent, run: Run, run_dir: Path, error: str) -> None:
    """AIPass's record of a bounce that could not be delivered (contract section 4)."""
    if run.phase is not Phase.BOUNCED:
        return
    record = {
        "branch": str(agent.branch),
        "reason": run.reason,
        "sender": run.sender,
        "timestamp": f"{datetime.now():%Y-%m-%dT%H:%M:%S}",
        "stderr_tail": "\n".join(notice.stderr(run, run_dir)),
        "error": error,
    }
    with suppress(OSError):  # the run's journal has it
        replace(agent.mail_dir / "last_bounce.json", json.dumps(record, indent=2).encode())


def tell_aipass(workspace: Workspace, agent: Agent, run: Run) -> None:
    """Close the run in AIPass's register and feed, with its report."""
    last = run.attempt
    failed = f"FAILED ({exit_words(last.exit_code) if last and last.exit_code is not None else run.reason})"
    status = STATUS.get(run.phase, failed)
    report = {
        "sender": run.sender,
        "target": agent.address,
        "dispatched_at": clock_time(run.created_at),
        "duration_s": round(run.duration, 1),
        "exit_code": last.exit_code if last else None,
        "attempts": len(run.attempts),
        "replied": run.replied,
        "memories_edited": run.memories_edited,
        "total_cost_usd": run.cost,
        "result_excerpt": run.result[:500],
    }
    path = register.closed(workspace, run.run_id, status, report)
    register.notify(
        workspace, "dispatch", f"{agent.address} {status}", run.subject, agent.address[1:],
        dispatch_id=run.run_id, sender=run.sender, report_path=str(path),
    )  # fmt: skip


def wake_back(
    workspace: Workspace, config: Config, agent: Agent, run: Run, queued: Mapping[str, Any]
) -> Hindrance | None:
    """Tell the sender, by starting it, that the work is over; it waits in the queue while the sender is busy.

    What keeps it from ever being started by itself is returned: no program, no directory, a breaker.
    """
    from mailcore.dispatch.control import start_wake

    depth = queued.get("depth")
    nested = depth if isinstance(depth, int) else 0
    # The sender goes on at the level it dispatched from, so that a plan of many phases nests no deeper than one.
    reason = queue.Wake(notice.wake(agent, run), agent.address, max(0, nested - 1))
    try:
        sender = workspace.agent(run.sender)
        if not sender.branch.is_dir():
            return Hindrance("no_branch", f"{sender.address}'s directory {sender.branch} is gone")
        begun = start_wake(workspace, config, sender, reason)
    except MailcoreError as error:
        return Hindrance(error.code, str(error))
    return begun if isinstance(begun, Hindrance) and begun.code == "breaker" else None


def free(
    workspace: Workspace, config: Config, agent: Agent, run_id: str, nonce: str, *, start_waiting: bool = True
) -> None:
    """Release the branch, and start what has waited for it or for a free place; after a kill no wake of its own."""
    with locked(queue.gate(workspace)):
        lock.release(agent, run_id, nonce)
        if not start_waiting:
            queue.drop(agent)
    try:
        # After a kill nothing starts by itself at that agent: what waits there goes on waiting.
        start_what_waits(workspace, config, but=None if start_waiting else agent)
    except (MailcoreError, OSError) as error:
        journal.append(agent.runs_dir / run_id / JOURNAL, {"event": "wake_failed", "reason": str(error)})


def start_what_waits(workspace: Workspace, config: Config, but: Agent | None = None) -> list[str]:
    """Start whatever waits and may start now, the oldest first, at every agent `but` one; the ids of the runs.

    MailcoreError, once all were tried, naming the agents where it failed and why.
    """
    from mailcore.dispatch.start import begin_waiting

    started, failed = [], []
    for agent in dict.fromkeys(entry.agent for entry in queue.waiting(workspace) if entry.agent != but):
        try:
            begun = begin_waiting(workspace, config, agent)
        except Exception as error:  # whatever one agent's files hold, the others start
            failed.append(f"{agent.address}: {error}")
            continue
        if isinstance(begun, str):
            started.append(begun)
    if failed:
        raise MailcoreError(f"what waits could not be started: {'; '.join(failed)}")
    return started
