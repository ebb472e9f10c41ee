"""Begin a run, under the gate: take the lock, write the journal's first line, start the supervisor, detached."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from mailcore import audit, journal
from mailcore.config import Config
from mailcore.digest import digest
from mailcore.dispatch import breaker, lock, queue, register, standing
from mailcore.dispatch.admit import Hindrance, hindrance
from mailcore.dispatch.environment import clean_environment
from mailcore.dispatch.runs import JOURNAL, run_ids
from mailcore.errors import tolerated
from mailcore.identity.marks import SUPERVISES
from mailcore.model.agent import Agent
from mailcore.model.run import Holder, Lock, Run
from mailcore.system.locks import locked
from mailcore.system.python import child
from mailcore.system.writing import make_directory
from mailcore.timestamps import next_unique, unique_time
from mailcore.workspace import ROOT, Workspace


def begin(
    workspace: Workspace, config: Config, agent: Agent, first: Mapping[str, Any], queueing: Collection[str]
) -> str | Hindrance:
    """Start a run and return its id, or what is in the way; with its code in `queueing` the start waits for it.

    `first` is the journal's first record: sender, subject, message_id, prompt, program, depth, mode, automatic. Call it
    under the gate; what died there is cleared away before (`succession.clean`).
    """
    if not agent.branch.is_dir():
        return Hindrance("no_branch", f"{agent.address}'s directory {agent.branch} is gone")
    found = hindrance(workspace, config, agent, first) or _busy(agent)
    if found is None:
        return _start(workspace, config, agent, first)
    if found.code in queueing:
        queue.add(agent, first, found.reason)
        _await_foreign(workspace, agent, found)
    return found


def begin_next(workspace: Workspace, config: Config, agent: Agent) -> str | Hindrance | None:
    """Start what waits first for `agent`, if nothing is in the way any more; None if nothing waits. Under the gate."""
    if not queue.waits(agent):
        return None
    if (found := hindrance(workspace, config, agent, {}) or _busy(agent)) is not None:
        _await_foreign(workspace, agent, found)
        return found
    first = queue.take(agent)
    if first is None:
        return None
    try:
        record = {key: value for key, value in first.items() if key != "at"}
        begun = hindrance(workspace, config, agent, record) or _start(workspace, config, agent, record)
    except BaseException as error:
        queue.put_back(agent, first, f"it could not be started: {error}")
        raise
    if isinstance(begun, Hindrance):
        queue.put_back(agent, first, begun.reason)
        _await_foreign(workspace, agent, begun)
    return begun


def died(agent: Agent, held: Lock | None) -> bool:
    """True of the lock of a run of ours whose supervisor died: nothing begins there before its end is told."""
    return held is not None and held.holder is Holder.DEAD and lock.names_own_run(agent, held)


def _busy(agent: Agent) -> Hindrance | None:
    held = lock.holding(agent)
    if died(agent, held):
        return Hindrance("busy", f"{agent.address}'s last run died and is not cleared away yet", frozenset({0}))
    if held is None or held.holder is Holder.DEAD:
        return None
    work = f"on {held.subject!r} " if held.subject else ""
    awaits = frozenset() if held.run_id else frozenset({held.pid})
    return Hindrance("busy", f"{agent.address} is busy {work}(PID {held.pid or '?'})", awaits)


def _await_foreign(workspace: Workspace, agent: Agent, found: Hindrance) -> None:
    """Let a waiter start what waits when another program's process ends: that tells nobody. Call it under the gate."""
    if not found.awaits:
        return
    # Without a waiter it waits all the same, for the next end of a run of ours or a release.
    with suppress(OSError), queue.claim(agent) as claim:
        if claim is None:
            return  # one waits already, and looks again before it goes
        command = child("mailcore.dispatch.waiter", str(agent.branch), str(claim))
        waiter = _detached(workspace, command, "queue", subprocess.DEVNULL, (claim,))
        os.pwrite(claim, b"%-20d" % waiter.pid, 0)


def _start(workspace: Workspace, config: Config, agent: Agent, first: Mapping[str, Any]) -> str | Hindrance:
    """Lock, journal, supervisor; call it under the gate."""
    run_id = _new_id(agent)
    secret = secrets.token_hex(16)
    nonce = digest(secret.encode())  # what lock and journal hold, which every agent can read
    subject = str(first.get("subject", ""))
    if lock.acquire(agent, run_id, nonce, subject) is not None:
        return _busy(agent) or Hindrance("busy", f"{agent.address} was taken by another at this moment", frozenset({0}))
    delay = breaker.backoff(agent, config.dispatch) if first.get("automatic") else 0.0
    try:
        supervisor = _spawn(workspace, config, agent, run_id, {**first, "nonce": nonce, "delay": delay}, secret)
    except BaseException as error:
        lock.release(agent, run_id, nonce)
        _never_began(agent.runs_dir / run_id / JOURNAL, error)
        raise
    # It runs: what cannot be written of it must not make it "not started". The supervisor takes its lock itself.
    with tolerated():
        lock.hand_over(agent, run_id, nonce, supervisor.pid, subject)
    row = {"sender": first.get("sender", ""), "target": agent.address, "subject": subject}
    # Ours beside AIPass's: with it a run whose journal is gone can still be told.
    row |= {key: first[key] for key in ("message_id", "sent_id", "depth") if key in first}
    how = {"provider": first.get("program", ""), "monitor_pid": supervisor.pid}
    with tolerated():
        register.opened(workspace, run_id, {**row, **how}, config.dispatch.hard_limit)
    with tolerated():
        register.notify(workspace, "wake", f"{agent.address} waking", subject, agent.address[1:])
    with tolerated():
        by = str(first.get("by") or first.get("sender", ""))
        audit.record(workspace, by, "start", agent=agent.address, run=run_id, subject=subject)
    return run_id


def unmake(workspace: Workspace, agent: Agent, run: Run) -> bool:
    """Leave nothing of a run whose caller was killed before it had a supervisor; False, and nothing done, of another.

    It never began, so there is no end to tell.
    """
    with locked(queue.gate(workspace)):
        records = journal.read(agent.runs_dir / run.run_id / JOURNAL)
        if len(records) != 1 or run.phase.ended or lock.is_supervised(agent, run):
            return False
        shutil.rmtree(agent.runs_dir / run.run_id)
        lock.release(agent, run.run_id, str(records[0].get("nonce", "")))
    return True


def _never_began(path: Path, error: BaseException) -> None:
    """Close the journal of a run without a supervisor: whoever asked for it is told by the error, and nobody later."""
    if not path.exists():
        return
    reason = f"it could not be started: {error}"
    try:
        journal.append(path, {"event": "ended", "outcome": "bounced", "reason": reason})
        journal.append(path, {"event": "told"})
    except OSError:  # a full disk: without its directory it does not look as if it still waited
        with suppress(OSError):
            shutil.rmtree(path.parent)


def _new_id(agent: Agent) -> str:
    """A run's id: UTC and microseconds, later than every former one: ids sort by time whatever the clock did."""
    at = datetime.now(UTC)
    for former in reversed(run_ids(agent)):
        with suppress(ValueError, OverflowError):  # a directory that somebody made: its name is no moment
            at = next_unique(former, at)
            break
    return f"{unique_time(at)}-{secrets.token_hex(4)}"


def _spawn(
    workspace: Workspace, config: Config, agent: Agent, run_id: str, queued: dict[str, Any], secret: str
) -> subprocess.Popen[bytes]:
    run_dir = agent.runs_dir / run_id
    make_directory(run_dir, parents=True)
    first = {"event": "queued", "run_id": run_id, "target": agent.address, "attempts": config.dispatch.attempts}
    journal.append(run_dir / JOURNAL, {**first, **queued})
    reader, writer = standing.pipe()
    reading, writing = os.pipe()
    try:
        os.write(writing, secret.encode())
        with (run_dir / standing.LOG).open("ab") as log:
            command = child("mailcore.dispatch.sentinel", str(run_dir))
            variables = {standing.STANDS: str(writer)}
            supervisor = _detached(workspace, command, run_id, log, (writer,), variables, told=reading)
    except BaseException:
        os.close(reader)
        raise
    finally:
        for descriptor in (writer, reading, writing):
            os.close(descriptor)
    standing.expect(run_id, reader, supervisor.pid)
    return supervisor


def _detached(
    workspace: Workspace,
    command: list[str],
    supervises: str,
    log: IO[bytes] | int,
    pass_fds: tuple[int, ...] = (),
    variables: Mapping[str, str] = MappingProxyType({}),
    told: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """A process of ours that outlives its caller, and is no part of the run that it may be called in.

    `told`: the descriptor that is its standard input.
    """
    child = subprocess.Popen(
        command,
        cwd=workspace.root,
        env={**clean_environment(), SUPERVISES: supervises, ROOT: str(workspace.root), **variables},
        stdin=told,
        stdout=subprocess.DEVNULL,
        stderr=log,
        start_new_session=True,
        pass_fds=pass_fds,
    )
    # A screen lives on beside its supervisors: without this they would stay zombies until it quits.
    threading.Thread(target=child.wait, daemon=True).start()
    return child
