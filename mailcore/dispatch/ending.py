"""Every end is told: wake-back or mail to the sender, AIPass's register and report; then the branch is freed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailcore import journal
from mailcore.config import Config
from mailcore.dispatch import lock, queue, register
from mailcore.errors import MailcoreError
from mailcore.mail import post
from mailcore.mail.store import locked
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.run import Phase, Run
from mailcore.programs.base import exit_words, tail
from mailcore.workspace import Workspace

JOURNAL = "run.jsonl"
STATUS = {Phase.COMPLETED: "completed", Phase.KILLED: "killed"}


def clock_time(at: float) -> str:
    """Seconds since the epoch as ISO UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat()


def tell(
    workspace: Workspace, config: Config, agent: Agent, run: Run, queued: Mapping[str, Any], run_dir: Path
) -> None:
    """Mail what the sender has to know, wake it where it is an agent, write register, feed and report.

    What cannot be told stands in the run's journal as `undelivered`, with the reason. `told` closes it: a run that
    ended without it, since its supervisor died at that moment, is told again by the next look (`orphan.clean`).
    """
    try:
        _tell_sender(workspace, config, agent, run, queued, run_dir)
    except (MailcoreError, OSError) as error:
        journal.append(run_dir / JOURNAL, {"event": "undelivered", "to": run.sender, "reason": str(error)})
    try:
        _tell_aipass(workspace, agent, run)
    except (MailcoreError, OSError) as error:
        journal.append(run_dir / JOURNAL, {"event": "unregistered", "reason": str(error)})
    journal.append(run_dir / JOURNAL, {"event": "told"})


def _tell_sender(
    workspace: Workspace, config: Config, agent: Agent, run: Run, queued: Mapping[str, Any], run_dir: Path
) -> None:
    if not run.message_id or not run.sender or run.sender in (agent.address, run.by):
        return
    mailed = _mail(workspace, agent, run, run_dir, str(queued.get("sent_id") or run.message_id))
    # After a kill nothing starts by itself: the sender has its mail.
    if run.sender != OPERATOR and run.phase is not Phase.KILLED and (mailed or run.phase is Phase.COMPLETED):
        _wake_back(workspace, config, agent, run, queued)


def _tell_aipass(workspace: Workspace, agent: Agent, run: Run) -> None:
    last = run.attempt
    failed = f"FAILED ({exit_words(last.exit_code) if last and last.exit_code is not None else run.reason})"
    status = STATUS.get(run.phase, failed)
    report = {
        "sender": run.sender,
        "target": agent.address,
        "dispatched_at": clock_time(run.created_at),
        "duration_s": round(time.time() - run.created_at, 1),
        "exit_code": last.exit_code if last else None,
        "attempts": len(run.attempts),
        "replied": run.replied,
        "result_excerpt": run.result[:500],
    }
    path = register.closed(workspace, run.run_id, status, report)
    register.notify(
        workspace, "dispatch", f"{agent.address} {status}", run.subject, agent.address[1:],
        dispatch_id=run.run_id, sender=run.sender, report_path=str(path),
    )  # fmt: skip


def _mail(workspace: Workspace, agent: Agent, run: Run, run_dir: Path, task_id: str) -> bool:
    """Bounce, notice of a kill, or `done, no reply`; nothing where the agent has answered by itself."""
    if run.phase is Phase.COMPLETED:
        if run.replied or run.delegated or run.sender != OPERATOR:
            return False
        subject, body = f"Done, no reply: {run.subject}", f"{agent.address} ended without a reply.\n\n{run.result}"
    elif run.phase is Phase.KILLED:
        subject = f"KILLED: Dispatch to {agent.address}"
        body = f"{run.subject}: the run was killed by {run.by}. Dispatch it again if it is still wanted."
    else:
        subject, body = f"BOUNCE: Dispatch to {agent.address} failed", _bounce(agent, run, run_dir)
    # In the task's thread, so that whoever waits for an answer hears that none will come.
    thread = {"in_reply_to": task_id, "thread_id": task_id, "run_ended": str(run.phase)}
    sent = post.send(workspace, agent.address, [run.sender], subject, body, extra=thread)[0]
    if not sent.delivered:
        raise MailcoreError(sent.error)
    return True


def _bounce(agent: Agent, run: Run, run_dir: Path) -> str:
    attempts = [f"Attempt {a.number} ({a.mode}): {a.cause or 'unknown'}" for a in run.attempts]
    number = run.attempts[-1].number if run.attempts else 1
    stderr = tail(run_dir / f"attempt-{number}.stderr.log")[-20:]
    return "\n".join(
        [
            f"{agent.address} could not do this task: {run.subject}",
            "",
            f"Reason: all {len(run.attempts)} attempts failed; the last: {run.reason}",
            *attempts,
            "",
            "Stderr (last 20 lines):",
            *(stderr or ["(nothing)"]),
            "",
            f"The task is still message {run.message_id} in its mailbox. Dispatch again, or `mailcore retry "
            f"{agent.address}`.",
        ]
    )


def _wake_back(workspace: Workspace, config: Config, agent: Agent, run: Run, queued: Mapping[str, Any]) -> None:
    """Tell the sender, by starting it, that the work is over; it waits in the queue while the sender is busy."""
    from mailcore.dispatch.control import start_wake

    depth = queued.get("depth")
    nested = depth if isinstance(depth, int) else 0
    word = "finished" if run.phase is Phase.COMPLETED else f"did not finish ({run.phase})"
    why = f"{agent.address} {word}: {run.subject}."
    # The sender goes on at the level it dispatched from, so that a plan of many phases nests no deeper than one.
    start_wake(workspace, config, workspace.agent(run.sender), queue.Wake(why, agent.address, max(0, nested - 1)))


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
    """Start whatever waits and may start now, the oldest first, at every agent `but` one; the ids of the runs."""
    from mailcore.dispatch.start import begin_waiting

    started = []
    for agent in dict.fromkeys(entry.agent for entry in queue.waiting(workspace) if entry.agent != but):
        begun = begin_waiting(workspace, config, agent)
        if isinstance(begun, str):
            started.append(begun)
    return started
