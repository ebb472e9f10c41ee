"""Begin a run: take the lock, write the journal's first line, start the supervisor, detached."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mailcore import audit, journal
from mailcore.config import Config
from mailcore.dispatch import breaker, lock, orphan, queue, register
from mailcore.dispatch.admit import Hindrance, hindrance
from mailcore.errors import MailcoreError
from mailcore.evidence import AGENT, NONCE, ROUTER_NAMES, RUN_ID, SUPERVISES
from mailcore.mail.store import locked
from mailcore.model.agent import Agent
from mailcore.model.run import Holder
from mailcore.workspace import Workspace

JOURNAL = "run.jsonl"
_STAMP = "%Y%m%dT%H%M%S_%f"

INHERITED = {RUN_ID, NONCE, AGENT, *ROUTER_NAMES, "CLAUDECODE", "AIPASS_DISPATCH_ID"}
INHERITED_PREFIXES = ("MAILCORE_", "CLAUDE_CODE_", "AIPASS_CALLER_")
"""What one run must never hand to another: identity, and the traces of a surrounding session."""


def clean_environment() -> dict[str, str]:
    """This process's environment without what belongs to a run or session; `mailcore` is on its PATH."""
    kept = {k: v for k, v in os.environ.items() if k not in INHERITED and not k.startswith(INHERITED_PREFIXES)}
    scripts = str(Path(sys.executable).parent)
    path = kept.get("PATH", os.defpath)
    kept["PATH"] = path if scripts in path.split(os.pathsep) else f"{scripts}{os.pathsep}{path}"
    return kept


def begin(
    workspace: Workspace, config: Config, agent: Agent, first: Mapping[str, Any], *, queueing: Collection[str] = ()
) -> str | Hindrance:
    """Start a run and return its id, or what is in the way; with its code in `queueing` the start waits for it.

    `first` is the journal's first record: sender, subject, message_id, prompt, program, depth, mode, automatic. A dead
    holder's run is cleaned up first: its processes ended, its journal closed, its sender told.
    """
    orphan.clean(workspace, config, agent)
    with locked(queue.gate(workspace)):
        found = hindrance(workspace, config, agent, first) or _busy(agent)
        if found is None:
            return _start(workspace, config, agent, first)
        if found.code in queueing:
            queue.add(agent, first, found.reason)
        return found


def begin_waiting(workspace: Workspace, config: Config, agent: Agent) -> str | Hindrance | None:
    """Start what waits first for `agent`, if nothing is in the way any more; None if nothing waits."""
    orphan.clean(workspace, config, agent)
    with locked(queue.gate(workspace)):
        found = hindrance(workspace, config, agent, {}) or _busy(agent)
        if found is not None:
            return found
        first = queue.take(agent)
        if first is None:
            return None
        try:
            begun = hindrance(workspace, config, agent, first) or _start(workspace, config, agent, first)
        except BaseException as error:
            queue.add(agent, first, f"it could not be started: {error}")
            raise
        if isinstance(begun, Hindrance):
            queue.add(agent, first, begun.reason)
        return begun


def _busy(agent: Agent) -> Hindrance | None:
    held = lock.holding(agent)
    if held is None or held.holder is Holder.DEAD:
        return None
    work = f"on {held.subject!r} " if held.subject else ""
    return Hindrance("busy", f"{agent.address} is busy {work}(PID {held.pid or '?'})")


def _start(workspace: Workspace, config: Config, agent: Agent, first: Mapping[str, Any]) -> str | Hindrance:
    """Lock, journal, supervisor; call it under the gate."""
    run_id = _new_id(agent)
    nonce = secrets.token_hex(16)
    subject = str(first.get("subject", ""))
    if lock.acquire(agent, run_id, nonce, subject) is not None:
        return _busy(agent) or Hindrance("busy", f"{agent.address} was taken by another at this moment")
    delay = breaker.backoff(agent, config.dispatch) if first.get("automatic") else 0.0
    try:
        supervisor = _spawn(workspace, config, agent, run_id, {**first, "nonce": nonce, "delay": delay})
    except BaseException:
        lock.release(agent, run_id, nonce)
        raise
    lock.hand_over(agent, run_id, nonce, supervisor.pid, subject)
    # A screen lives on beside its supervisors: without this they would stay zombies until it quits.
    threading.Thread(target=supervisor.wait, daemon=True).start()
    row = {"sender": first.get("sender", ""), "target": agent.address, "subject": subject}
    with suppress(OSError, MailcoreError):  # it runs: what cannot be told of it must not make it "not started"
        register.opened(workspace, run_id, {**row, "provider": first.get("program", "")}, config.dispatch.hard_limit)
        register.notify(workspace, "wake", f"{agent.address} waking", subject, agent.address[1:])
        by = str(first.get("by") or first.get("sender", ""))
        audit.record(workspace, by, "start", agent=agent.address, run=run_id, subject=subject)
    return run_id


def _new_id(agent: Agent) -> str:
    """A run's id: UTC and microseconds, later than every former one: ids sort by time whatever the clock did."""
    at = datetime.now(UTC)
    for newest in lock.run_ids(agent)[-1:]:
        at = max(at, datetime.strptime(f"{newest[:22]}+0000", f"{_STAMP}%z") + timedelta(microseconds=1))
    return f"{at:{_STAMP}}-{secrets.token_hex(4)}"


def _spawn(
    workspace: Workspace, config: Config, agent: Agent, run_id: str, queued: dict[str, Any]
) -> subprocess.Popen[bytes]:
    run_dir = agent.runs_dir / run_id
    run_dir.mkdir(parents=True)
    first = {"event": "queued", "run_id": run_id, "target": agent.address, "attempts": config.dispatch.attempts}
    journal.append(run_dir / JOURNAL, {**first, **queued})
    with (run_dir / "supervisor.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "mailcore.dispatch.supervisor", str(run_dir)],
            cwd=workspace.root,
            env={**clean_environment(), SUPERVISES: run_id},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
