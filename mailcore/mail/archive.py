"""Closed mail, one file each in AIPass's `deleted/` form. Nothing here is ever purged unasked."""

from __future__ import annotations

import os
import re
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from mailcore.exceptions import caveat
from mailcore.formats import json_codec
from mailcore.formats.timestamps import archive_time, name_time
from mailcore.mail.mailbox_document import Unreadable, messages_in, parse_mailbox
from mailcore.model.agent import Agent
from mailcore.system import safe_open, writing
from mailcore.system.writing import make_directory

_NAMED = re.compile("[A-Za-z0-9-]{1,40}")
_LASTING = ("id", "sent_id", "from", "timestamp", "stored_at", "subject", "message")
"""What no transition changes."""


def write_archived(agent: Agent, raw: dict[str, Any]) -> Path:
    """Write a closed message to the archive, durable; returns its file."""
    safe_open.inside(agent.boundary, agent.archive_dir)
    now = datetime.now()
    make_directory(agent.archive_dir, parents=True)
    path = _archived_already(agent, raw)
    if path is None:
        path = agent.archive_dir / (name := file_name(raw, now))
        while path.exists():  # mail without an id: two of one subject in one second
            path = path.with_name(f"{uuid.uuid4().hex[:8]}_{name}")
    writing.replace(path, json_codec.dumps({**raw, "archived_at": archive_time(now)}), root=agent.boundary)
    return path


def closed_last(agent: Agent) -> str:
    """The id of the mail of this agent's that was archived last; empty if its archive has none that has an id."""
    try:
        with os.scandir(agent.archive_dir) as entries:
            # Names tell the second alone; the newest few by name are looked at.
            named = sorted((one.name for one in entries if one.name.endswith(".json")), reverse=True)[:50]
    except OSError:
        return ""
    found: list[tuple[int, str]] = []
    for name in named:
        path = agent.archive_dir / name
        try:
            raw = json_codec.loads(safe_open.read_bytes(path))
            if isinstance(raw, dict) and isinstance(raw.get("id"), str):
                found.append((path.stat().st_mtime_ns, raw["id"]))
        except (OSError, ValueError, RecursionError):
            continue
    return max(found, default=(0, ""))[1]


def archive_closed(agent: Agent, document: dict[str, Any]) -> int:
    """Archive the closed messages that another program left among the open ones of `document`; how many.

    So does its archive of former days, one file, which AIPass moves into `deleted/` too (contract section 2).
    """
    closed = [raw for raw in messages_in(document) if raw.get("status") == "closed"]
    for raw in closed:
        write_archived(agent, raw)
        document["messages"].remove(raw)
    return len(closed) + _migrate(agent)


def legacy_archive(agent: Agent) -> Path:
    """AIPass's archive of former days."""
    return agent.mail_dir / "deleted.json"


def _migrate(agent: Agent) -> int:
    path = legacy_archive(agent)
    try:
        data = safe_open.read_bytes(path, links=False)
    except OSError:
        return 0
    try:
        found = messages_in(parse_mailbox(path, data))
    except Unreadable as error:
        caveat(f"{error}; it stays there: its mail is in no archive")
        return 0
    for raw in found:
        write_archived(agent, raw)
    safe_open.inside(agent.boundary, path.parent)
    kept = path.parent / ".archive" / f"{path.name}.migrated_{name_time(datetime.now())}"
    writing.make_directory(kept.parent)
    writing.replace(kept, data, root=agent.boundary)
    writing.remove_file(path, agent.boundary)
    return len(found)


def _archived_already(agent: Agent, raw: dict[str, Any]) -> Path | None:
    """Where this very message lies already: who archived it was killed before it left the open mail."""
    identity = raw.get("id")
    if not isinstance(identity, str) or not _NAMED.fullmatch(identity):
        return None
    for path in agent.archive_dir.glob(f"*_{identity}_*.json"):
        try:
            archived = json_codec.loads(safe_open.read_bytes(path))
        except (OSError, ValueError, RecursionError):
            continue
        # An id alone may repeat: AIPass mints it unchecked (contract 2).
        if isinstance(archived, dict) and all(archived.get(key) == raw.get(key) for key in _LASTING):
            return path
    return None


def file_name(raw: dict[str, Any], at: datetime) -> str:
    """`YYYYMMDD_HHMMSS_<id>_<subject>.json`, unsafe characters as `_` (contract section 2)."""
    identity = re.sub(r"[^A-Za-z0-9-]", "_", str(raw.get("id", "")))[:40]
    subject = re.sub(r"[^\w .-]", "_", str(raw.get("subject", "")))[:50]
    while len(subject.encode()) > 150:  # a name is limited to 255 bytes, not characters
        subject = subject[:-1]
    return f"{name_time(at)}_{identity}_{subject}.json"
