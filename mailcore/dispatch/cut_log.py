"""Cut a log that has grown too long: its end is kept beside it, and what writes it goes on."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from mailcore.exceptions import Refused
from mailcore.model.agent import Agent
from mailcore.system.safe_open import descriptor, inside, open_directory
from mailcore.system.writing import replace_in
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

KEPT_BYTES = 64 * 1024
"""Bytes of its end that are kept, as whole lines."""
CUT_SUFFIX = ".cut"
"""What is added to its name for these. The next cut takes their place."""


@dataclass(frozen=True, slots=True)
class CutLog:
    """What was done to a log."""

    path: str
    size: int
    """Bytes that it had."""
    kept: str
    """Where its end is kept."""


def cut_log(workspace: Workspace, by: str, address: str, path: Path) -> CutLog:
    """Empty a log of an agent, its own or what a run of its prints; its last bytes stand in `<name>.cut` beside it.

    What writes to it as logs are written, at their end, goes on at its beginning; else a hole is left, which takes no
    room on the disk. Refused of what is none of its logs, and where a symlink leads out of the branch. OSError of a
    symlink in its place.
    """
    agent = workspace.agent(address)
    if path.suffix not in (".log", ".jsonl") or not _holds_logs(agent, path.parent):
        raise Refused(f"{path} is none of {agent.address}'s logs", "boundary")
    with open_directory(path.parent) as directory:
        inside(agent.branch, path.parent, directory)
        try:
            opened, found = descriptor(path.name, os.O_RDWR | os.O_NOFOLLOW, directory=directory)
        except OSError as error:
            raise OSError(error.errno or errno.EIO, error.strerror or str(error), str(path)) from error
        try:
            start = max(0, found.st_size - KEPT_BYTES)
            end = os.pread(opened, KEPT_BYTES, start)
            if start and (newline := end.find(b"\n")) >= 0:
                end = end[newline + 1 :]
            replace_in(directory, f"{path.name}{CUT_SUFFIX}", end, mark=f".{os.getpid()}")
            os.ftruncate(opened, 0)
        finally:
            os.close(opened)
    audit.record(workspace, by, "cut log", agent=agent.address, path=str(path), size=found.st_size)
    return CutLog(str(path), found.st_size, f"{path}{CUT_SUFFIX}")


def _holds_logs(agent: Agent, directory: Path) -> bool:
    return directory == agent.logs_dir or directory.parent == agent.runs_dir
