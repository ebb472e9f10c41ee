"""In which directories Codex keeps its session files (contract codex, "Session file")."""

from __future__ import annotations

import glob
from pathlib import Path

from mailcore.programs.base import Home, is_session_id

ACCOUNT_HOME = Home("CODEX_HOME", ".codex")


def root(home: Path) -> Path:
    """Where the years of an account lie."""
    return home / "sessions"


def archive_root(home: Path) -> Path:
    """Where Codex moves the files of threads that a person archived."""
    return home / "archived_sessions"


def file_of(thread_id: str, home: Path) -> Path | None:
    """The session file of an account's thread, archived or not; None if Codex has kept none."""
    if not is_session_id(thread_id):
        return None
    name = f"rollout-*-{glob.escape(thread_id)}.jsonl"
    places = (root(home).glob(f"*/*/*/{name}"), archive_root(home).glob(name))
    return next((path for found in places for path in found), None)


def is_kept(thread_id: str, home: Path) -> bool:
    """True if Codex has kept a thread of that id there."""
    pattern = f"*/*/*/rollout-*-{glob.escape(thread_id)}.jsonl"
    return is_session_id(thread_id) and any(root(home).glob(pattern))
