"""Begin a run, and do what follows its end: report it, wake the sender, start what waits.

A start first cleans up a run that died in the same branch. Both are in one file because each needs the other: whoever
begins a run may find a dead one, the sender of the dead run is woken, and in the sender's branch may lie another dead
run. Each step frees a lock, so it comes to an end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

from mailcore.config import Config
from mailcore.dispatch.admission import refused_wakes
from mailcore.dispatch.admission.hindrances import QUEUED_CODES, Hindrance, busy_hindrance, precheck
from mailcore.dispatch.aipass import monitor_runs
from mailcore.dispatch.lifecycle import (
    adoption,
    broken_plans,
    lost_directory,
    orphans,
    sender_wake,
    start,
    supervisor_ready,
)
from mailcore.dispatch.process.environment import search_path
from mailcore.dispatch.queueing import dropped_starts, queue, waiting_tasks
from mailcore.dispatch.queueing.branch_gate import gate
from mailcore.dispatch.runs import branch_lock, run_end
from mailcore.dispatch.runs.run_list import journal_records, read_run
from mailcore.dispatch.texts import end_mails, prompt
from mailcore.exceptions import MailcoreError
from mailcore.formats import journal
from mailcore.hosts.membership import is_elsewhere
from mailcore.mail import failure_notices
from mailcore.model.agent import OPERATOR, RUN_JOURNAL, WATCHER, Agent
from mailcore.model.run import Phase, Run
from mailcore.programs.choose import select
from mailcore.system.locks import try_lock
from mailcore.workspace import trust
from mailcore.workspace.find import Workspace, load_workspace

MAX_TRIES = 5
"""So often at most it is looked again what stands in the way, when something there ends at that moment."""


def begin_run(
    workspace: Workspace, config: Config, agent: Agent, first: Mapping[str, Any], *, queueing: Collection[str] = ()
) -> str | Hindrance:
    """Start a run and return its id, or what is in the way; with its code in `queueing` the start waits for it.

    It waits too where another start is before it: at this agent, or for the next free place. What died there is cleared
    away before.
    """
    for look in range(MAX_TRIES):
        clean_up(workspace, config, agent)
        seen = precheck(workspace, config, agent, first)
        with gate(workspace, agent):
            found = start.reserve_in_turn(workspace, config, agent, first, seen, bool(queueing))
            if isinstance(found, Hindrance) and found.code == "unseen":
                if look + 1 < MAX_TRIES:
                    continue
                found = changed(found, code="busy")
            queue_id = ""
            if isinstance(found, Hindrance) and found.code in queueing:
                queue_id = queue.add_start(workspace, agent, first, found.reason)
        break
    if isinstance(found, start.ReservedRun):
        return _launch(workspace, config, agent, found)
    if found.code == "breaker":
        refused_wakes.notify_operator(workspace, agent, str(first.get("subject", "")), found.reason)
    if queue_id:
        start.start_queue_waiter(workspace, agent, found)
        # What was in the way may have gone before this start stood in the queue, where its end would have found it.
        own = start_next(workspace, config, agent)
        if run_id := queue.run_of_entry(agent, queue_id):  # or another started it, who looked at the same moment
            return run_id
        if isinstance(own, Hindrance) and own.code in queueing:
            return own
    return found


def _launch(workspace: Workspace, config: Config, agent: Agent, reserved: start.ReservedRun) -> str:
    """Start the supervisor of a reserved run and wait until it stands: the run's id.

    MailcoreError, and the run's end reported, where it does not stand.
    """
    run_id = start.launch(workspace, config, agent, reserved)
    if why := supervisor_ready.wait_until_ready(agent, run_id):
        clean_up(workspace, config, agent, how=supervisor_ready.last_stderr_line(agent, run_id))
        raise MailcoreError(f"run {run_id}: {why}", "not_started")
    return run_id


def start_wake(
    workspace: Workspace, config: Config, agent: Agent, reason: queue.Wake, *, queueing: Collection[str] = QUEUED_CODES
) -> str | Hindrance:
    """Start `agent` for a wake; it waits while the agent is busy, held or out of places."""
    first = {
        "sender": reason.by,
        "subject": reason.why,
        "message_id": "",
        "prompt": prompt.wake_prompt(agent, reason.why),
        "program": select(agent, config, search_path()).name,
        "depth": reason.depth,
        "automatic": reason.automatic,
        "priority": reason.priority,
        **(reason.facts or {}),
    }
    return begin_run(workspace, config, agent, first, queueing=queueing)


def start_next(workspace: Workspace, config: Config, agent: Agent) -> str | Hindrance | None:
    """Start what waits first for `agent`, if nothing is in the way any more: the run's id. None if nothing waits.

    A wake that a breaker refuses leaves the queue, is reported, and what is behind it has its turn.
    """
    looks = 0
    while True:
        first, _ = queue.next_start(agent)
        if first is None:
            return None
        if why := trust.why_state_untrusted(workspace):
            return Hindrance("trust", why)
        clean_up(workspace, config, agent)
        seen = precheck(workspace, config, agent, first)
        with gate(workspace, agent):
            again, taken = queue.next_start(agent)
            if again is None:
                return None
            if again.get("queue_id") != first.get("queue_id"):
                continue
            found = start.reserve(workspace, config, agent, again, seen, taken)
            if isinstance(found, Hindrance) and found.code == "breaker":
                queue.remove_entries(workspace, agent, taken)
        if isinstance(found, start.ReservedRun):
            return _launch(workspace, config, agent, found)
        if found.code == "breaker":
            refused_wakes.notify_refused(workspace, agent, taken, found.reason)
        elif found.code != "unseen" or (looks := looks + 1) == MAX_TRIES:
            start.start_queue_waiter(workspace, agent, found)
            return found


def start_all_waiting(workspace: Workspace, config: Config, but: Agent | None = None) -> list[str]:
    """Start whatever waits and may start now, the first of all first, at every agent `but` one; the ids of the runs.

    What waited in a queue that is gone can start no more: it is reported. MailcoreError, once all were tried, naming
    the agents where it failed and why.
    """
    started, failed = [], []
    try:
        failed += _report_lost_tasks(workspace, config)
    except (MailcoreError, OSError) as error:
        failed.append(str(error))
    for agent in dict.fromkeys(entry.agent for entry in queue.all_waiting(workspace) if entry.agent != but):
        try:
            at_work = busy_hindrance(agent)
            if at_work is not None and not at_work.awaits:
                continue  # its end starts what waits for it: to look at all that a start looks at costs too much
            run_id = start_next(workspace, config, agent)
        except Exception as error:  # whatever one agent's files hold, the others start
            failed.append(f"{agent.address}: {error}")
            continue
        if isinstance(run_id, str):
            started.append(run_id)
    if failed:
        raise MailcoreError(f"what waits could not be started: {'; '.join(failed)}")
    return started


def clean_up(workspace: Workspace, config: Config, agent: Agent, by: str = "", how: str = "") -> None:
    """Leave nothing of a run whose supervisor or monitor died, and report its end; `by` cleans up, if a person does.

    One that waited for a limit goes on waiting, unless a person ends it. `how`: how its supervisor ended, where that is
    known.
    """
    if not by and adoption.adopt(workspace, config, agent):
        return
    theirs = monitor_runs.end_leftover(workspace, config, agent)
    if (
        clean_up_own(workspace, config, agent, by, how) and theirs is not None
    ):  # else another has cleaned up, and reported it
        monitor_runs.end_monitor_run(workspace, agent, theirs, by, f"its monitor (PID {theirs.supervisor_pid}) died")


def clean_up_own(workspace: Workspace, config: Config, agent: Agent, by: str = "", how: str = "") -> bool:
    """`clean_up`, but of a monitor's run no more than its lock. True if a lock was removed."""
    with orphans.clearing(workspace, config, agent, by, how) as cleared:
        if cleared is not None and (run := cleared.unreported) is not None:
            run_dir = agent.runs_dir / run.run_id
            report_end(workspace, config, agent, run, journal_records(run_dir)[0], run_dir, again=True)
        if cleared is not None and cleared.lost_record is not None:
            report_lost(
                workspace, config, agent, cleared.lost_record, "its supervisor died, and its journal is gone or cut"
            )
    return cleared is not None


def end_run_without_lock(workspace: Workspace, config: Config, agent: Agent, run_dir: Path) -> None:
    """End a run that never had its branch, and report it; nothing where another who took it for dead has, or does."""
    with ExitStack() as stack:
        with gate(workspace, agent):
            if stack.enter_context(queue.claim(agent, "clean")) is None:
                return
        if not any(record.get("event") == "told" for record in journal_records(run_dir)):
            run = read_run(run_dir)
            if run is None or not run.phase.ended:
                run = run_end.close_run(agent, run_dir, "bounced", reason="the branch's lock went to another run")
            report_end(workspace, config, agent, run, journal_records(run_dir)[0], run_dir, again=True)


def release_branch(
    workspace: Workspace, config: Config, agent: Agent, run_id: str, nonce: str, *, start_waiting: bool = True
) -> None:
    """Release the branch, and start what has waited for it or for a free place; after a kill no wake of its own."""
    with gate(workspace, agent):
        branch_lock.release_lock(agent, run_id, nonce)
        dropped = [] if start_waiting else queue.drop_starts(workspace, agent)
    dropped_starts.notify_cancelled(workspace, agent, dropped, "")
    try:
        # After a kill nothing starts by itself at that agent: what waits there goes on waiting.
        start_all_waiting(workspace, config, but=None if start_waiting else agent)
    except (MailcoreError, OSError) as error:
        journal.append_record(agent.runs_dir / run_id / RUN_JOURNAL, {"event": "wake_failed", "reason": str(error)})


def report_end(
    workspace: Workspace,
    config: Config,
    agent: Agent,
    run: Run,
    queued: Mapping[str, Any],
    run_dir: Path,
    *,
    again: bool = False,
) -> None:
    """Mail what the sender has to know, wake it where it is an agent, write register, feed and report.

    What cannot be reported stands in the run's journal as `undelivered`, with the reason, and of a bounce in AIPass's
    `last_bounce.json`. `told` closes it: a run that ended without it, since its supervisor died at that moment, is
    reported by the next look (`clean_up`), `repeated_start`: of what it has reported already nothing is said twice.
    """
    try:
        _notify_sender(workspace, config, agent, run, queued, run_dir, again)
    except (MailcoreError, OSError) as error:
        journal.append_record(run_dir / RUN_JOURNAL, {"event": "undelivered", "to": run.sender, "reason": str(error)})
        run_end.record_bounce(agent, run, run_dir, str(error))
    try:
        run_end.report_to_aipass(workspace, agent, run)
    except (MailcoreError, OSError) as error:
        journal.append_record(run_dir / RUN_JOURNAL, {"event": "unregistered", "reason": str(error)})
    try:
        # A run that came to its end may have left the rest to the answer, which its agent is mailed.
        if run.wrote and run.phase is not Phase.COMPLETED:
            run_end.lapse_run_requests(workspace, config, run)
    except (MailcoreError, OSError) as error:
        journal.append_record(run_dir / RUN_JOURNAL, {"event": "not_lapsed", "reason": str(error)})
    journal.append_record(run_dir / RUN_JOURNAL, {"event": "told"})


def _notify_sender(
    workspace: Workspace, config: Config, agent: Agent, run: Run, queued: Mapping[str, Any], run_dir: Path, again: bool
) -> None:
    if not run.message_id and run.phase in (Phase.BOUNCED, Phase.KILLED):
        broken_plans.notify_task_givers(workspace, agent, run, run_end.end_mail(agent, run, run_dir), again)
    if not run.message_id or not run.sender or run.sender in (agent.address, run.by):
        return
    if run.phase is Phase.COMPLETED:
        failure_notices.archive_failure_notices(
            workspace, agent.address, run.sender, (run.message_id, str(queued.get("sent_id") or ""))
        )
    mailed = again and run_end.is_end_mailed(workspace, run, run.sender)
    task_id = str(queued.get("sent_id") or run.message_id)
    mail = run_end.end_mail(agent, run, run_dir)
    if mail is not None and not mailed:
        run_end.send_end_mail(workspace, agent, run, task_id, mail)
    # After a kill nothing starts by itself: the sender has its mail. One on another host is started there by the mail.
    if run.sender in (OPERATOR, WATCHER) or run.phase is Phase.KILLED or is_elsewhere(workspace.root, run.sender):
        return
    if again and any(record.get("event") == "woken" for record in journal_records(run_dir)):
        return
    if sender_wake.is_sender_notified(workspace, run, task_id):
        journal.append_record(run_dir / RUN_JOURNAL, {"event": "heard", "by": run.sender})
        return
    why_not = wake_sender(workspace, config, agent, run, queued, mailed=mail is not None or run.replied)
    if why_not is None:
        journal.append_record(run_dir / RUN_JOURNAL, {"event": "woken", "to": run.sender})
        return
    if mail is None and not run.replied and not mailed:
        run_end.send_end_mail(workspace, agent, run, task_id, end_mails.done_mail(agent, run))
    if why_not.code not in ("no_program", "manager"):
        unwoken = f"{run.sender} has it in its mail, and is not woken: {why_not.reason}"
        broken_plans.notify_task_givers(
            workspace, workspace.agent(run.sender), run, end_mails.unwoken_mail(agent, run, unwoken), again
        )
        raise MailcoreError(unwoken)


def report_lost(
    workspace: Workspace, config: Config, agent: Agent, queued: Mapping[str, Any], reason: str = ""
) -> None:
    """Report a run, or a start that waited, that went with its agent's directory; `queued` is its first record.

    `reason`: what took it, if not that. OSError where its sender could neither be notified nor is it on record.
    """
    run = lost_directory.lost_run(agent, queued, reason)
    if run is None:
        return
    outcome = {}
    try:
        if run.message_id and run.sender not in ("", agent.address):
            # Its supervisor may have mailed the end when the directory went, before it could write that down.
            if not (run.run_id and run_end.is_end_mailed(workspace, run, run.sender)):
                lost_directory.mail_loss(workspace, agent, run, str(queued.get("sent_id") or run.message_id))
            starts_nobody = run.sender in (OPERATOR, WATCHER) or is_elsewhere(workspace.root, run.sender)
            why_not = None if starts_nobody else wake_sender(workspace, config, agent, run, queued)
            outcome = {} if why_not is None else {"not_woken": why_not.reason}
    except (MailcoreError, OSError) as error:
        outcome = {"undelivered": str(error)}
    try:
        lost_directory.record_lost(workspace, agent, run, str(queued.get("queue_id") or ""), **outcome)
    except OSError:
        if "undelivered" in outcome:
            raise
    if run.run_id:
        with suppress(MailcoreError, OSError):
            run_end.report_to_aipass(workspace, agent, run)
        with suppress(MailcoreError, OSError):
            run_end.lapse_run_requests(workspace, config, run)


def _report_lost_tasks(workspace: Workspace, config: Config) -> list[str]:
    """Report the tasks that went with their queues for good, each once; whose could not be notified, and why."""
    if not queue.lost_tasks(workspace):
        return []
    claim = try_lock(workspace.state_dir / ".lost.flock", own=True)
    if claim is None:
        return []  # one reports all
    failed = []
    try:
        time.sleep(waiting_tasks.MOVE_GRACE)
        workspace = load_workspace(workspace.registry)  # whose row came back meanwhile
        lost, reported = queue.lost_tasks(workspace), waiting_tasks.reported_lost_ids(workspace.root)
        for agent, queued in lost:
            queue_id = str(queued["queue_id"])
            try:
                if queue_id not in reported:
                    enrolled = any(agent.address == one.address for one in workspace.agents)
                    removed = not enrolled and agent.mail_dir.is_dir()
                    reason = f"it was taken out of {workspace.registry.name}" if removed else ""
                    report_lost(workspace, config, agent, queued, reason)
                waiting_tasks.remove_waiting(workspace, queue_id)  # once it was reported, not before
            except Exception as error:  # whatever one line holds, the others are notified; the next look tries it again
                failed.append(f"{agent.address}: {error}")
    finally:
        os.close(claim)
    return failed


def wake_sender(
    workspace: Workspace, config: Config, agent: Agent, run: Run, queued: Mapping[str, Any], mailed: bool = True
) -> Hindrance | None:
    """Notify the sender, by starting it, that the work is over; it waits in the queue while the sender is busy.

    One that has no mail of it (`mailed`) gets one, should a breaker refuse it when its turn comes.

    What keeps it from ever being started by itself is returned: no program, no directory, a breaker.
    """
    try:
        sender = workspace.agent(run.sender)
        if not sender.branch.is_dir():
            return Hindrance("no_branch", f"{sender.address}'s directory {sender.branch} is gone")
        started = start_wake(workspace, config, sender, sender_wake.wake_of_sender(agent, run, queued, mailed))
    except MailcoreError as error:
        return Hindrance(error.code, str(error))
    return started if isinstance(started, Hindrance) and started.code in ("breaker", "manager") else None
