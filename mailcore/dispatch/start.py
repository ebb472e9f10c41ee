"""Begin a run: take the lock, write the journal's first line, start the supervisor, detached."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailcore import journal
from mailcore.config import Config
from mailcore.dispatch import lock, orphan, queue
from mailcore.dispatch.queue import Wake
from mailcore.identity import AGENT, NONCE, ROUTER_NAMES, RUN_ID, SUPERVISES
from mailcore.mail.store import locked
from mailcore.model.agent import Agent
from mailcore.model.run import Lock
from mailcore.workspace import Workspace

JOURNAL = "run.jsonl"

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
    workspace: Workspace, config: Config, agent: Agent, queued: dict[str, Any], waiting: Wake | None = None
) -> str | Lock:
    """Start a run and return its id, or the lock that is in the way; `waiting` is then queued for when it is gone.

    `queued` is the journal's first record: sender, subject, message_id, prompt, program, depth, mode. A dead holder's
    run is cleaned up first: its processes ended, its journal closed.
    """
    orphan.clean(workspace, config, agent)
    # UTC and microseconds: ids sort by time, also within a second and when the clocks go back.
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S_%f}-{secrets.token_hex(4)}"
    nonce = secrets.token_hex(16)
    subject = str(queued.get("subject", ""))
    with locked(queue.gate(workspace)):
        in_the_way = lock.acquire(agent, run_id, nonce, subject)
        if in_the_way is not None:
            if waiting is not None:
                queue.add(agent, waiting)
            return in_the_way
        try:
            supervisor = _spawn(workspace, config, agent, run_id, {**queued, "nonce": nonce})
        except BaseException:
            lock.release(agent, run_id, nonce)
            raise
        lock.hand_over(agent, run_id, nonce, supervisor.pid, subject)
    # A screen lives on beside its supervisors: without this they would stay zombies until it quits.
    threading.Thread(target=supervisor.wait, daemon=True).start()
    return run_id


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
