"""In which directories Codex keeps its session files (contract codex, "Session file")."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from mailcore.programs.base import is_session_id
from mailcore.system import user


def root() -> Path:
    """Where the years lie."""
    return Path(os.environ.get("CODEX_HOME") or user.home() / ".codex") / "sessions"


def is_kept(thread_id: str) -> bool:
    """True if Codex has kept a thread of that id."""
    pattern = f"*/*/*/rollout-*-{glob.escape(thread_id)}.jsonl"
    return is_session_id(thread_id) and any(root().glob(pattern))
