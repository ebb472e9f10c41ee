"""What a run has changed: files of its branch, memories, mail. The breakers judge by it, and the sender reads it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mailcore.model.agent import Agent
from mailcore.model.run import Run

MEMORIES = ".trinity"
"""An agent's passport and memories, below its branch (contract section 1)."""
PASSED_OVER = {".ai_mail.local", MEMORIES, "logs", ".git", "node_modules", ".venv", "venv", "__pycache__"}
MAX_BRANCH_FILES = 20_000
"""Files of a branch that are looked at for progress, at most."""
CLOCK_SLACK = 0.01
"""Seconds by which the kernel's clock for files may be behind: one tick at 100 Hz."""


def progress(agent: Agent, run: Run) -> dict[str, Any]:
    """`progress` (`files`, `mail`, `memories` or empty), `changed` (relative paths, memories last), `memories_edited`.

    An agent is asked to update its memories before it ends, so that a run that did no more is little progress; but one
    that leads others may keep its plan there.
    """
    changed = changed_files(agent.branch, run.started_at)
    memories = changed_files(agent.branch / MEMORIES, run.started_at)
    mailed = run.replied or run.delegated or run.wrote
    return {
        "progress": "files" if changed else "mail" if mailed else "memories" if memories else "",
        "changed": [*changed, *(f"{MEMORIES}/{name}" for name in memories)],
        "memories_edited": bool(memories),
    }


def changed_files(directory: Path, since: float) -> list[str]:
    """Files of a directory that changed after `since`, and its own commits; at most 100, relative paths."""
    found: list[str] = []
    looked = 0
    since -= CLOCK_SLACK
    for parent, names, files in os.walk(directory):
        names[:] = [name for name in names if name not in PASSED_OVER]
        for name in files:
            looked += 1
            path = Path(parent, name)
            try:
                if path.lstat().st_mtime > since:
                    found.append(str(path.relative_to(directory)))
            except OSError:
                continue
        if looked > MAX_BRANCH_FILES or len(found) >= 100:
            break
    try:
        if (directory / ".git/logs/HEAD").stat().st_mtime > since:
            found.append("(a commit)")
    except OSError:
        pass
    return found[:100]
