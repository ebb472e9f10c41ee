"""In which directories Codex keeps its session files (contract codex, "Session file")."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from mailcore.programs.base import is_session_id
from mailcore.system import user_directories


def root() -> Path:
    """Where the years lie."""
    return Path(os.environ.get("CODEX_HOME") or user_directories.home() / ".codex") / "sessions"


def archive_root() -> Path:
    """Where Codex moves the files of threads that a person archived."""
    return root().parent / "archived_sessions"


def file_of(thread_id: str) -> Path | None:
    """The session file of a thread, archived or not; None if Codex has kept none."""
    if not is_session_id(thread_id):
        return None
    name = f"rollout-*-{glob.escape(thread_id)}.jsonl"
    return next((path for found in (root().glob(f"*/*/*/{name}"), archive_root().glob(name)) for path in found), None)


def is_kept(thread_id: str) -> bool:
    """True if Codex has kept a thread of that id."""
    pattern = f"*/*/*/rollout-*-{glob.escape(thread_id)}.jsonl"
    return is_session_id(thread_id) and any(root().glob(pattern))
