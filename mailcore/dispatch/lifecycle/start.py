"""Begin a run: under the gate its lock and the first line of its journal, then its supervisor, detached."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Collection, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from mailcore.config import Config
from mailcore.dispatch.admission.hindrances import (
    Hindrance,
    Precheck,
    busy_hindrance,
    find_hindrance,
    hold_reason,
    is_limited,
    limit_hindrance,
)
from mailcore.dispatch.aipass import register
from mailcore.dispatch.lifecycle import supervisor_ready
from mailcore.dispatch.process.environment import clean_environment
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.queueing.branch_gate import gate, places_lock
from mailcore.dispatch.runs import branch_lock
from mailcore.dispatch.runs.run_list import run_ids
from mailcore.exceptions import tolerated
from mailcore.formats import journal
from mailcore.formats.digest import digest
from mailcore.formats.timestamps import next_unique, unique_time
from mailcore.mail.aipass_feed import add_feed_line
from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.model.run import Run
from mailcore.system.lock_holder import name_holder
from mailcore.system.python_child import child
from mailcore.system.writing import make_directory
from mailcore.workspace import audit
from mailcore.workspace.find import ROOT, Workspace
from mailcore.workspace.lock_reader import read_lock
from mailcore.workspace.variables import SUPERVISES


@dataclass(frozen=True, slots=True)
class ReservedRun:
    """A run that has its lock and the first line of its journal, and still needs its supervisor."""

    run_id: str
    nonce: str
    """The digest of its secret: what lock and journal hold, which every agent can read."""
    secret: str = field(repr=False)
    """For its supervisor alone, and in no file."""
    first: Mapping[str, Any]
    taken: tuple[Mapping[str, Any], ...] = ()
    """The entries of the queue that it was."""


def reserve_in_turn(
    workspace: Workspace, config: Config, agent: Agent, first: Mapping[str, Any], seen: Precheck, waits: bool
) -> ReservedRun | Hindrance:
    """`reserve`; one that `waits` lets go first what is before it."""
    before = _behind(workspace, config, agent, first) if waits else None
    if before is not None:
        return find_hindrance(workspace, agent, first, seen) or before
    return reserve(workspace, config, agent, first, seen)


def _behind(workspace: Workspace, config: Config, agent: Agent, first: Mapping[str, Any]) -> Hindrance | None:
    """What starts before it: at the same agent, or elsewhere where places are few."""
    if queue.is_any_waiting(agent):
        return busy_hindrance(agent) or Hindrance("busy", f"other starts of {agent.address} wait, and are before it")
    if not is_limited(config, str(first.get("program", ""))):
        return None
    waiting = (entry.agent for entry in queue.all_waiting(workspace) if entry.agent != agent)
    if any(busy_hindrance(one) is None and not hold_reason(workspace, one) for one in dict.fromkeys(waiting)):
        return Hindrance("limit", "other starts wait for a free place, and are before it")
    return None


def reserve(
    workspace: Workspace,
    config: Config,
    agent: Agent,
    first: Mapping[str, Any],
    seen: Precheck,
    taken: Collection[Mapping[str, Any]] = (),
) -> ReservedRun | Hindrance:
    """Take the lock for a run and write its journal's first line, or say what is in the way; under the agent's gate.

    `first`: sender, subject, message_id, prompt, program, account, depth, mode, automatic. `taken` are the entries of
    the queue that become this run: removed last, so that none is lost whoever dies.
    """
    if (found := find_hindrance(workspace, agent, first, seen)) is not None:
        return found
    run_id, secret = _new_id(agent), os.urandom(16).hex()
    nonce = digest(secret.encode())
    program, subject = str(first.get("program", "")), str(first.get("subject", ""))
    with ExitStack() as stack:
        if is_limited(config, program):
            stack.enter_context(places_lock(workspace))
            if (found := limit_hindrance(workspace, config, program)) is not None:
                return found
        if branch_lock.acquire_lock(agent, run_id, nonce, subject) is not None:
            return busy_hindrance(agent) or Hindrance(
                "busy", f"{agent.address} was taken by another at this moment", frozenset({0})
            )
    try:
        # Named now, as the program was: a config that changes meanwhile does not part a run from its session.
        account = first.get("account", config.agent(agent.address).account)
        delay = seen.delay if first.get("automatic") else 0.0
        queued = {**first, "account": account, "nonce": nonce, "delay": delay}
        head = {"event": "queued", "run_id": run_id, "target": agent.address, "attempts": config.dispatch.attempts}
        make_directory(agent.runs_dir / run_id, parents=True)
        journal.append_record(agent.runs_dir / run_id / RUN_JOURNAL, {**head, **queued}, durable=True)
        if taken:
            queue.remove_entries(workspace, agent, taken)
    except BaseException as error:
        _undo(agent, run_id, nonce, error)
        raise
    return ReservedRun(run_id, nonce, secret, queued, tuple(taken))


def launch(workspace: Workspace, config: Config, agent: Agent, reserved: ReservedRun) -> str:
    """Start the supervisor of a reserved run; not under the gate. The run's id.

    Where no process can be started nothing of the run is left, and what waited waits again.
    """
    run_dir, first = agent.runs_dir / reserved.run_id, reserved.first
    subject = str(first.get("subject", ""))
    try:
        supervisor = _spawn(workspace, run_dir, reserved)
    except BaseException as error:
        with gate(workspace, agent):
            if reserved.taken:
                queue.put_back_starts(workspace, agent, reserved.taken, f"it could not be started: {error}")
            _undo(agent, reserved.run_id, reserved.nonce, error)
        raise
    # It runs: what cannot be written of it must not make it "not started".
    with tolerated():
        _hand_over(workspace, agent, reserved, supervisor.pid)
    row = {"sender": first.get("sender", ""), "target": agent.address, "subject": subject}
    # Ours beside AIPass's: with it a run whose journal is gone can still be reported.
    row |= {key: first[key] for key in ("message_id", "sent_id", "depth") if key in first}
    how = {"provider": first.get("program", ""), "monitor_pid": supervisor.pid}
    with tolerated():
        register.record_opened(workspace, reserved.run_id, {**row, **how}, config.dispatch.hard_limit)
    with tolerated():
        add_feed_line(workspace.aipass_dir, "wake", f"{agent.address} waking", subject, agent.address[1:])
    with tolerated():
        by = str(first.get("by") or first.get("sender", ""))
        audit.record(workspace, by, "start", agent=agent.address, run=reserved.run_id, subject=subject)
    return reserved.run_id


def supervise(workspace: Workspace, agent: Agent, reserved: ReservedRun) -> None:
    """Start a new supervisor for a run that was begun before, and has its lock; not under the gate."""
    supervisor = _spawn(workspace, agent.runs_dir / reserved.run_id, reserved)
    with tolerated():
        _hand_over(workspace, agent, reserved, supervisor.pid)
    with tolerated():
        audit.record(workspace, agent.address, "adopt", agent=agent.address, run=reserved.run_id)


def _hand_over(workspace: Workspace, agent: Agent, reserved: ReservedRun, pid: int) -> None:
    """Let the lock name the supervisor, which does so itself, too."""
    with gate(workspace, agent):
        lock = read_lock(agent.dispatch_lock)
        if lock is not None and lock.pid == os.getpid():  # else its supervisor was faster
            branch_lock.hand_over(agent, reserved.run_id, reserved.nonce, pid, str(reserved.first.get("subject", "")))


def undo_unsupervised(workspace: Workspace, agent: Agent, run: Run) -> bool:
    """Leave nothing of a run whose caller was killed before it had a supervisor; False, and nothing done, of another.

    It never began, so there is no end to tell.
    """
    import shutil

    with gate(workspace, agent):
        records = journal.read_records(agent.runs_dir / run.run_id / RUN_JOURNAL)
        if len(records) != 1 or run.phase.ended or branch_lock.is_supervised(agent, run):
            return False
        shutil.rmtree(agent.runs_dir / run.run_id)
        branch_lock.release_lock(agent, run.run_id, str(records[0].get("nonce", "")))
    return True


def _undo(agent: Agent, run_id: str, nonce: str, error: BaseException) -> None:
    """Leave nothing of a run that could not begin: whoever asked for it is notified by the error, and nobody later."""
    run_dir = agent.runs_dir / run_id
    path = run_dir / RUN_JOURNAL
    with suppress(OSError):
        path.unlink()
    try:
        if path.exists():
            why = f"it could not be started: {error}"
            journal.append_record(path, {"event": "ended", "outcome": "bounced", "reason": why})
            journal.append_record(path, {"event": "told"})
        else:
            (run_dir / supervisor_ready.SUPERVISOR_LOG).unlink(missing_ok=True)
            run_dir.rmdir()
    except OSError:  # a full disk: without its directory it does not look as if it still waited
        import shutil

        with suppress(OSError):
            shutil.rmtree(run_dir)
    branch_lock.release_lock(agent, run_id, nonce)


def start_queue_waiter(workspace: Workspace, agent: Agent, found: Hindrance) -> None:
    """Let a waiter start what waits when another program's process ends: that tells nobody. Not under the gate.

    A waiter goes, and its claim with it, under the gate and where nothing waits: what was queued before this call is
    seen by the one that is there, or has another made here.
    """
    if not found.awaits:
        return
    # Without a waiter it waits all the same, for the next end of a run of ours or a release.
    with suppress(OSError), queue.claim(agent) as claim:
        if claim is None:
            return  # one waits already, and looks again before it goes
        command = child("mailcore.dispatch.supervision.queue_waiter", str(agent.branch), str(claim))
        waiter = _detached(workspace, command, "queue", subprocess.DEVNULL, (claim,))
        name_holder(claim, waiter.pid)


def start_error_watch(workspace: Workspace, config: Config) -> None:
    """Let a process look what errors came to the logs, where that is wanted; what hinders it is no matter of its
    caller's."""
    if not config.errors.watch:
        return
    with suppress(OSError):
        _detached(workspace, child("mailcore.dispatch.error_watch", str(workspace.root)), "errors", subprocess.DEVNULL)


def _new_id(agent: Agent) -> str:
    """A run's id: UTC and microseconds, later than every former one: ids sort by time whatever the clock did."""
    at = datetime.now(UTC)
    for earlier in reversed(run_ids(agent)):
        with suppress(ValueError, OverflowError):  # a directory that somebody made: its name is no moment
            at = next_unique(earlier, at)
            break
    return f"{unique_time(at)}-{os.urandom(4).hex()}"


def _spawn(workspace: Workspace, run_dir: Path, reserved: ReservedRun) -> subprocess.Popen[bytes]:
    reader, writer = supervisor_ready.ready_pipe()
    reading, writing = os.pipe()
    try:
        os.write(writing, reserved.secret.encode())
        with (run_dir / supervisor_ready.SUPERVISOR_LOG).open("ab") as log:
            command = child("mailcore.dispatch.supervision.sentinel", str(run_dir))
            variables = {supervisor_ready.READY_VARIABLE: str(writer)}
            supervisor = _detached(workspace, command, reserved.run_id, log, (writer,), variables, stdin=reading)
    except BaseException:
        os.close(reader)
        raise
    finally:
        for descriptor in (writer, reading, writing):
            os.close(descriptor)
    supervisor_ready.expect_ready(reserved.run_id, reader, supervisor.pid)
    return supervisor


def _detached(
    workspace: Workspace,
    command: list[str],
    supervises: str,
    log: IO[bytes] | int,
    pass_fds: tuple[int, ...] = (),
    variables: Mapping[str, str] = MappingProxyType({}),
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """A process of ours that outlives its caller, and is no part of the run that it may be called in.

    `stdin`: the descriptor that is its standard input.
    """
    child = subprocess.Popen(
        command,
        cwd=workspace.root,
        env={**clean_environment(), SUPERVISES: supervises, ROOT: str(workspace.root), **variables},
        stdin=stdin,
        stdout=subprocess.DEVNULL,
        stderr=log,
        start_new_session=True,
        pass_fds=pass_fds,
    )
    # A screen lives on beside its supervisors: without this they would stay zombies until it quits.
    threading.Thread(target=child.wait, daemon=True).start()
    return child
