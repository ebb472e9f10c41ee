"""A run's end on record: its journal, the mail to its sender, AIPass's register and report. It starts nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from mailcore.config import Config
from mailcore.dispatch.aipass import register
from mailcore.dispatch.runs.progress import progress
from mailcore.dispatch.runs.run_list import journal_records
from mailcore.dispatch.texts import end_mails
from mailcore.exceptions import MailcoreError
from mailcore.formats import journal
from mailcore.formats.timestamps import lock_time, utc_time
from mailcore.hosts.membership import is_elsewhere
from mailcore.mail import approvals, failure_notices, lookup, post
from mailcore.mail.aipass_feed import add_feed_line
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import OPERATOR, RUN_JOURNAL, WATCHER, Agent
from mailcore.model.message import Message, as_text
from mailcore.model.run import MAX_RESULT, Phase, Run, advance, from_records
from mailcore.programs.base import exit_words, tail
from mailcore.programs.transcript_reader import parse_line
from mailcore.system.writing import replace
from mailcore.text.masks import masked
from mailcore.workspace.find import Workspace

REGISTER_STATUS = {Phase.COMPLETED: "completed", Phase.KILLED: "killed"}


def close_run(agent: Agent, run_dir: Path, outcome: str, *, reason: str = "", by: str = "", result: str = "") -> Run:
    """Write a run's end into its journal, with what it cost and brought; the run as it ended.

    One that has ended already stays as it is. MailcoreError where there is no journal to close.
    """
    path = run_dir / RUN_JOURNAL
    run = from_records(journal.read_records(path))
    if run is None:
        raise MailcoreError(f"{path}: no journal of a run")
    if run.phase.ended:
        return run
    record = {"event": "ended", "at": journal.now(), "outcome": outcome, "reason": reason, "by": by}
    ended = advance(run, record) or run
    answer = run.answer or _answered(agent, run)
    facts = {"duration": round(ended.duration, 3), "cost": run.cost, **progress(agent, run)}
    facts |= {"replied": run.replied or bool(answer), **({"answer": answer} if answer else {})}
    journal.append_record(path, {**record, "result": result[:MAX_RESULT], **facts})
    return from_records(journal.read_records(path)) or ended


def _answered(agent: Agent, run: Run) -> str:
    """What the agent answered to the run's task by another program's command, as its own record says; empty if nothing.

    AIPass names the mail that is answered by the recipient's id or by its subject alone (contract section 2).
    """
    if not run.message_id:
        return ""
    for _, raw in lookup.sent_records(agent):
        mail = Message.from_json(raw)
        fits = mail.recipient == run.sender and raw.get("dispatch_id") == run.run_id and "status" not in raw
        if fits and raw.get("in_reply_to") in (run.message_id, run.sent_id):
            return masked(mail.body)[:MAX_RESULT]
    return ""


def end_mail(agent: Agent, run: Run, run_dir: Path) -> tuple[str, str] | None:
    """Bounce, notice of a kill, or `done, no reply`; None where an answer or a wake says it."""
    if run.phase is Phase.KILLED:
        return end_mails.killed_mail(agent, run)
    if run.phase is not Phase.COMPLETED:
        return end_mails.bounce_mail(agent, run, run_dir)
    return (
        None
        if run.replied
        or run.delegated
        or not (run.sender in (OPERATOR, WATCHER) or is_elsewhere(agent.root, run.sender))
        else end_mails.done_mail(agent, run)
    )


def send_end_mail(workspace: Workspace, agent: Agent, run: Run, task_id: str, mail: tuple[str, str]) -> None:
    """Mail it to the run's sender, subject and body; MailcoreError where that fails."""
    failure_notices.archive_failure_notices(
        workspace, agent.address, run.sender, (task_id, run.message_id)
    )  # this one stands for the former
    # In the task's thread, so that whoever waits for an answer hears that none will come.
    thread = {"in_reply_to": task_id, "thread_id": task_id, "run_ended": str(run.phase), "ended_run": run.run_id}
    sent = post.send_mail(workspace, agent.address, [run.sender], *mail, extra=thread)[0]
    if not sent.delivered:
        raise MailcoreError(sent.error)


def is_end_mailed(workspace: Workspace, run: Run, to: str) -> bool:
    """True if a mail of this run's end lies in that mailbox, open or closed, though its record was never written."""
    if is_elsewhere(workspace.root, to):
        sent = lookup.sent_records(workspace.agent(run.target))
        return any(raw.get("ended_run") == run.run_id and raw.get("to") == to for _, raw in sent)
    agent = workspace.agent(to)
    raws = (
        *(mail.raw for mail in read_mailbox(agent.inbox).messages),
        *(raw for _, raw in lookup.archived_messages(agent)),
    )
    return any(raw.get("ended_run") == run.run_id for raw in raws)


def record_bounce(agent: Agent, run: Run, run_dir: Path, error: str) -> None:
    """AIPass's record of a bounce that could not be delivered (contract section 4)."""
    if run.phase is not Phase.BOUNCED:
        return
    record = {
        "branch": str(agent.branch),
        "reason": run.reason,
        "sender": run.sender,
        "timestamp": lock_time(datetime.now()),
        "stderr_tail": "\n".join(end_mails.last_stderr(run, run_dir)),
        "error": error,
    }
    with suppress(OSError):  # the run's journal has it
        replace(agent.mail_dir / "last_bounce.json", json.dumps(record, indent=2).encode())


def report_to_aipass(workspace: Workspace, agent: Agent, run: Run) -> None:
    """Close the run in AIPass's register and feed, with its report."""
    last = run.attempt
    failed = f"FAILED ({exit_words(last.exit_code) if last and last.exit_code is not None else run.reason})"
    status = REGISTER_STATUS.get(run.phase, failed)
    found = journal_records(agent.runs_dir / run.run_id)
    mails = _mails(agent, run)
    figures = _result(agent.runs_dir / run.run_id / f"attempt-{last.number}.stdout.log") if last else {}
    usage = figures.get("usage")
    report = {
        "sender": run.sender,
        "target": agent.address,
        "dispatched_at": utc_time(run.created_at),
        "duration_s": round(run.duration, 1),
        "exit_code": last.exit_code if last else None,
        "attempts": len(run.attempts),
        "replied": run.replied,
        "bg_orphaned": any(record.get("left") for record in found),
        "max_turns_hit": any("max_turns" in attempt.cause for attempt in run.attempts),
        "wake_result": _wake_result(run, found),
        "total_cost_usd": run.cost or None,
        "output_tokens": usage.get("output_tokens") if isinstance(usage, dict) else None,
        "num_turns": figures.get("num_turns"),
        "result_excerpt": run.result[:600],
        "memories_edited": run.memories_edited,
        "emails_sent": mails,
        "agents_contacted": sorted({mail["to"] for mail in mails}),
    }
    path = register.record_closed(workspace, run.run_id, status, report)
    add_feed_line(
        workspace.aipass_dir, "dispatch", f"{agent.address} {status}", run.subject, agent.address[1:],
        dispatch_id=run.run_id, sender=run.sender, report_path=str(path),
    )  # fmt: skip


def _mails(agent: Agent, run: Run) -> list[dict[str, str]]:
    """What the run sent, as AIPass's reports say it; by the stamp of its records, never by their time."""
    return [
        {
            "to": as_text(raw, "to"),
            "kind": "reply" if raw.get("in_reply_to") else "send",
            "subject": as_text(raw, "subject"),
        }
        for _, raw in lookup.sent_records(agent)
        if raw.get("dispatch_id") == run.run_id
    ]


def _wake_result(run: Run, found: Sequence[Mapping[str, Any]]) -> str:
    """What became of the wake of the run's sender, in AIPass's words."""
    events = {str(record.get("event")) for record in found}
    if "woken" in events:
        return "success"
    if "undelivered" in events:
        return "failed"
    if run.sender == run.target:
        return "skipped_self"
    return "declined" if run.phase is Phase.KILLED else "skipped_sender"


def _result(stdout: Path) -> dict[str, Any]:
    """The result object that a program printed last, as far as it prints any; AIPass's reports repeat its figures."""
    lines = reversed(tail(stdout, 1 << 20))
    found = (parse_line(line.encode()) for line in lines if line.startswith("{"))
    return next((value for value in found if value is not None and value.get("type") == "result"), {})


def lapse_run_requests(workspace: Workspace, config: Config, run: Run) -> None:
    """What the run asked its approver for has no taker any more."""
    how = f"killed by {run.by}" if run.phase is Phase.KILLED else str(run.phase)
    for approver in approvals.approvers(workspace, config):
        approvals.lapse_requests(approver, run.run_id, f"its run is over ({how}): nobody waits for the answer")
