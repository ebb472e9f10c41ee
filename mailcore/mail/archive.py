"""Closed mail, one file each in AIPass's `deleted/` form. Nothing here is ever purged unasked."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from mailcore import codec
from mailcore.model.agent import Agent
from mailcore.system import files, writing
from mailcore.system.writing import make_directory
from mailcore.timestamps import kept_time, name_time

_NAMED = re.compile("[A-Za-z0-9-]{1,40}")
_LASTING = ("id", "sent_id", "from", "timestamp", "stored_at", "subject", "message")
"""What no transition changes."""


def keep(agent: Agent, raw: dict[str, Any]) -> Path:
    """Write a closed message to the archive, durable; returns its file."""
    files.inside(agent.root, agent.archive_dir)
    now = datetime.now()
    make_directory(agent.archive_dir, parents=True)
    path = _kept(agent, raw)
    if path is None:
        path = agent.archive_dir / (name := file_name(raw, now))
        while path.exists():  # mail without an id: two of one subject in one second
            path = path.with_name(f"{uuid.uuid4().hex[:8]}_{name}")
    writing.replace(path, codec.dumps({**raw, "archived_at": kept_time(now)}), root=agent.root)
    return path


def _kept(agent: Agent, raw: dict[str, Any]) -> Path | None:
    """Where this very message lies already: who archived it was killed before it left the open mail."""
    identity = raw.get("id")
    if not isinstance(identity, str) or not _NAMED.fullmatch(identity):
        return None
    for path in agent.archive_dir.glob(f"*_{identity}_*.json"):
        try:
            former = codec.loads(files.read_bytes(path))
        except (OSError, ValueError, RecursionError):
            continue
        # An id alone may repeat: AIPass mints it unchecked (contract 2).
        if isinstance(former, dict) and all(former.get(key) == raw.get(key) for key in _LASTING):
            return path
    return None


def file_name(raw: dict[str, Any], at: datetime) -> str:
    """`YYYYMMDD_HHMMSS_<id>_<subject>.json`, unsafe characters as `_` (contract section 2)."""
    identity = re.sub(r"[^A-Za-z0-9-]", "_", str(raw.get("id", "")))[:40]
    subject = re.sub(r"[^\w .-]", "_", str(raw.get("subject", "")))[:50]
    while len(subject.encode()) > 150:  # a name is limited to 255 bytes, not characters
        subject = subject[:-1]
    return f"{name_time(at)}_{identity}_{subject}.json"
