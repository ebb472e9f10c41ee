"""Closed mail, one file each in AIPass's `deleted/` form. Nothing here is ever purged unasked."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from mailcore.mail import store
from mailcore.model.agent import Agent


def keep(agent: Agent, raw: dict[str, Any]) -> Path:
    """Write a closed message to the archive, durable; returns its file."""
    now = datetime.now()
    agent.archive_dir.mkdir(parents=True, exist_ok=True)
    name = file_name(raw, now)
    path = agent.archive_dir / name
    while path.exists():  # mail without an id: two of one subject in one second
        path = path.with_name(f"{uuid.uuid4().hex[:8]}_{name}")
    store.replace(path, store.dumps({**raw, "archived_at": now.isoformat()}))
    return path


def file_name(raw: dict[str, Any], at: datetime) -> str:
    """`YYYYMMDD_HHMMSS_<id>_<subject>.json`, unsafe characters as `_` (contract section 2)."""
    identity = re.sub(r"[^A-Za-z0-9-]", "_", str(raw.get("id", "")))[:40]
    subject = re.sub(r"[^\w .-]", "_", str(raw.get("subject", "")))[:50]
    while len(subject.encode()) > 150:  # a name is limited to 255 bytes, not characters
        subject = subject[:-1]
    return f"{at:%Y%m%d_%H%M%S}_{identity}_{subject}.json"
