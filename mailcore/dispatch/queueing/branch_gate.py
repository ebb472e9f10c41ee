"""The gate of a branch: its lock is tested and a start queued under it, or the lock released and the queue read.

One a branch, so that thirty agents do not wait for each other, and in the workspace's own directory, so that it is
there when the branch is gone. What is done under it is short: no process is begun, nothing is mailed, no other gate is
waited for. What concerns several branches, a hold of all or a place that becomes free, needs no common gate: whoever
queues a start looks again afterwards whether it can begin, and whoever frees something looks at the queues afterwards
(`after_run`). Only places are counted under a lock of the workspace, where their number is limited.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from mailcore.exceptions import MailcoreError
from mailcore.mail.aipass_feed import add_feed_line
from mailcore.model.agent import Agent
from mailcore.system import self_ignore
from mailcore.system.locks import LOCK_TIMEOUT, locked
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

DIRECTORY = "gates"
MAX_GATE_NAME = 200
"""Bytes of a gate's name; of a branch that lies deeper a digest stands in it."""

_timeout: float | None = LOCK_TIMEOUT


def wait_without_limit() -> None:
    """From now on this process waits for gates however long that takes: nobody waits for it, and it must not die."""
    global _timeout
    _timeout = None


@contextmanager
def gate(workspace: Workspace, agent: Agent) -> Iterator[None]:
    """Hold the gate of an agent's branch. MailcoreError (code `locked`) naming who keeps it."""
    with _locked(workspace, _name(agent)):
        yield


@contextmanager
def places_lock(workspace: Workspace) -> Iterator[None]:
    """Hold the lock under which it is counted how many run at once, and one more begins."""
    with _locked(workspace, "places"):
        yield


@contextmanager
def waiting_list_lock(workspace: Workspace) -> Iterator[None]:
    """Hold the lock of the list of what waits in the whole workspace."""
    with _locked(workspace, "waiting"):
        yield


def all_lock_files(workspace: Workspace) -> Iterator[Path]:
    """The files of all locks that are made in a workspace's own directory."""
    with suppress(OSError):
        yield from sorted((workspace.state_dir / DIRECTORY).glob("*.flock"))


@contextmanager
def _locked(workspace: Workspace, name: str) -> Iterator[None]:
    directory = workspace.state_dir / DIRECTORY
    self_ignore.make_ignored(workspace.state_dir)  # not its parents: a workspace that is gone is not made again
    directory.mkdir(exist_ok=True)
    path = directory / f"{name}.flock"
    with locked(path, _timeout, own=True, on_stranger=partial(report_stranger, workspace, path)):
        yield


def report_stranger(workspace: Workspace, lock: Path, holder: str) -> None:
    """Say that a lock was kept by one who is none of ours, and was stepped around."""

    text = f"{lock.name} was kept by {holder}, which is none of ours: it was stepped around"
    with suppress(OSError, MailcoreError):
        audit.record(workspace, "mailcore", "stepped_around", lock=str(lock), holder=holder)
        add_feed_line(workspace.aipass_dir, "system", "a lock was kept by a stranger", text, "mailcore")


def _name(agent: Agent) -> str:
    branch = os.path.relpath(agent.branch, agent.root).replace("%", "%25").replace("/", "%2F")
    if len(os.fsencode(branch)) <= MAX_GATE_NAME:
        return branch
    from hashlib import sha256

    return sha256(os.fsencode(branch)).hexdigest()
