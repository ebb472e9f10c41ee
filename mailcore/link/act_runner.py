"""Carries out what a host asked for, one act after the other, in a process of its own: `act_runner ROOT HOST`.

It outlives the link, and needs no network: what became of each act it puts into the channel, on disk. Each act is a
child of its, which proves for itself that it may be carried out (`mailcore.cli.remote_act`).
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mailcore.dispatch.process.environment import clean_environment
from mailcore.exceptions import MailcoreError, Refused, tolerated
from mailcore.hosts import channel
from mailcore.hosts.act_proof import refusal, require_in_time
from mailcore.hosts.acts import ActOutcome, ActState, RemoteAct
from mailcore.hosts.directory import read_host
from mailcore.link.taken_acts import TakenAct, acts_directory, untold_acts
from mailcore.model.agent import OPERATOR
from mailcore.model.link import EnvelopeKind
from mailcore.system.locks import is_locked, try_lock
from mailcore.system.python_child import child
from mailcore.text.units import duration
from mailcore.workspace import audit
from mailcore.workspace.find import ROOT, Workspace, workspace_at

if TYPE_CHECKING:
    from mailcore.link.carrier import Carrier

LONGEST_ACT = 120.0
"""Seconds that one act may take."""
LAY_LONG = 5.0
"""Seconds after which an act that came counts as one that waited: whether it is taken back may be just behind it."""
CANCEL_PATIENCE = 1.0
"""Seconds for which that is waited for."""


def start_runner(workspace: Workspace, sender: str) -> None:
    """Let what that host asked for be carried out, if nobody is at it already."""
    if is_locked(acts_directory(workspace, sender) / ".lock"):
        return  # who holds it looks again before it ends
    words = child("mailcore.link.act_runner", str(workspace.root), sender)
    runner = subprocess.Popen(words, start_new_session=True, **_surroundings(workspace))
    threading.Thread(target=runner.wait, daemon=True).start()


async def resume(carrier: Carrier) -> None:
    """The part of the link that does so once, when that begins."""
    await asyncio.to_thread(resume_acts, carrier.workspace)


def resume_acts(workspace: Workspace) -> None:
    """Go on with what was asked for before the link ended."""
    for directory in acts_directory(workspace, "-").parent.glob("*"):
        if untold_acts(workspace, directory.name):
            start_runner(workspace, directory.name)


def carried_out(workspace: Workspace, act: RemoteAct, longest: float) -> ActOutcome:
    """Carry an act out in a child, and say what became of it."""
    words = child("mailcore.cli.remote_act", str(workspace.root))
    surroundings = _surroundings(workspace)
    del surroundings["stdin"]
    surroundings["stdout"] = subprocess.PIPE
    try:
        done = subprocess.run(words, input=msgspec.json.encode(act), timeout=longest, check=False, **surroundings)
    except subprocess.TimeoutExpired:
        return ActOutcome(
            act.id, ActState.UNKNOWN, 4, code="slow", why=f"{act.words}: no end within {duration(longest)}"
        )
    try:
        return msgspec.json.decode(done.stdout, type=ActOutcome)
    except msgspec.MsgspecError:
        why = f"{act.words}: who carried it out died, with status {done.returncode}"
        return ActOutcome(act.id, ActState.UNKNOWN, 4, code="died", why=why)


def run_pending(workspace: Workspace, sender: str) -> None:
    """Carry out all that waits of a host, in its order, and what comes meanwhile."""
    while untold_acts(workspace, sender):
        lock = try_lock(acts_directory(workspace, sender) / ".lock")
        if lock is None:
            return
        try:
            for taken in untold_acts(workspace, sender):
                outcome = taken.outcome or _settle(workspace, taken)
                taken.say(".done", msgspec.json.encode(outcome))
                tell_outcome(workspace, sender, outcome)
                taken.say(".told")
        finally:
            os.close(lock)


def tell_outcome(workspace: Workspace, to: str, outcome: ActOutcome) -> None:
    """Tell the host that asked what became of an act."""
    with tolerated():
        facts: dict[str, Any] = {"act": outcome.act, "state": outcome.state.value, "status": outcome.status}
        audit.record(workspace, f"{OPERATOR}.{to}", "act over", **facts)
    channel.put(workspace, to, EnvelopeKind.ANSWER, {"outcome": msgspec.to_builtins(outcome)})


def _settle(workspace: Workspace, taken: TakenAct) -> ActOutcome:
    """What becomes of an act: it is carried out, unless it was begun before, taken back, or comes too late."""
    act = taken.act
    if taken.has(".begun"):
        return _left_behind(taken)
    if not taken.has(".cancel") and time.time() - act.at > LAY_LONG:
        _wait_while(lambda: not taken.has(".cancel"), CANCEL_PATIENCE)
    if taken.has(".cancel"):
        return ActOutcome(act.id, ActState.CANCELLED, 3, code="cancelled", why=f"{act.words}: taken back")
    host = read_host(workspace, act.sender)
    try:
        if host is not None:
            require_in_time(act, host)
    except Refused as error:
        return refusal(act, error)
    return carried_out(workspace, act, LONGEST_ACT)


def _left_behind(taken: TakenAct) -> ActOutcome:
    """What became of an act that somebody began who is no more."""
    _wait_while(taken.is_at_work, LONGEST_ACT)
    why = f"{taken.act.words}: it began, and whoever carried it out died; look how it stands"
    return taken.outcome or ActOutcome(taken.act.id, ActState.UNKNOWN, 4, code="died", why=why)


def _wait_while(condition: Any, longest: float) -> None:
    until = time.monotonic() + longest
    while condition() and time.monotonic() < until:
        time.sleep(0.05)


def _surroundings(workspace: Workspace) -> dict[str, Any]:
    return {
        "cwd": workspace.root,
        "env": {**clean_environment(), ROOT: str(workspace.root)},
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }


def main() -> int:
    """Carry out what waits; 0."""
    workspace = workspace_at(Path(sys.argv[1]))
    try:
        run_pending(workspace, sys.argv[2])
    except (MailcoreError, OSError):
        return MailcoreError.exit_status
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
