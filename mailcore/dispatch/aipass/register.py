"""AIPass's dispatch register and the reports of runs (contract section 4): each program sees the other's runs by it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mailcore.formats import journal
from mailcore.formats.timestamps import utc_time
from mailcore.mail import aipass_feed
from mailcore.system import self_ignore
from mailcore.system.safe_open import read_bytes
from mailcore.system.writing import make_directory, replace
from mailcore.workspace.find import Workspace

REGISTER = "dispatch_register.jsonl"
"""The register's file, in `.aipass/`."""
REPLIED = "completed (replied)"
"""The status of a row whose target has answered, whatever becomes of its run."""
ANSWERS = ("re:", "done:", "declined:")
"""What the subject of an answer begins with."""


def register_rows(workspace: Workspace) -> list[dict[str, Any]]:
    """The register's rows, AIPass's and ours, oldest first."""
    return journal.read_records(workspace.aipass_dir / REGISTER)


def read_report(root: Path, run_id: str) -> dict[str, Any]:
    """What a run's report says; empty where there is none, or it cannot be read."""
    if not run_id or "/" in run_id:
        return {}
    try:
        found = json.loads(read_bytes(root / ".aipass" / "dispatch_reports" / f"{run_id}.json"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def record_opened(workspace: Workspace, run_id: str, fields: Mapping[str, Any], hard_limit: float) -> None:
    """Say that a dispatch is outstanding. `fields`: sender, target, subject, provider, monitor_pid."""
    at = time.time()
    row = {"ts": utc_time(at), **fields, "expected_by": utc_time(at + hard_limit), "status": "outstanding"}
    _append(workspace, "dispatch_register", {"dispatch_id": run_id, **row})


def record_closed(workspace: Workspace, run_id: str, status: str, report: Mapping[str, Any]) -> Path:
    """Say how a dispatch ended and keep its report; returns the report's file."""
    directory = workspace.aipass_dir / "dispatch_reports"
    self_ignore.make_ignored(workspace.aipass_dir)
    make_directory(directory)
    path = directory / f"{run_id}.json"
    at = utc_time(time.time())
    body = {"dispatch_id": run_id, **report, "reported_at": at, "status": status}
    replace(path, json.dumps(body, indent=2, ensure_ascii=False).encode("utf-8", "replace"))
    _append(
        workspace, "dispatch_register", {"dispatch_id": run_id, "ts": at, "status": status, "report_path": str(path)}
    )
    return path


def record_answered(workspace: Workspace, replier: str, recipient: str, subject: str) -> str:
    """Close the oldest open row whose target has answered its sender on its thread; the run's id, empty if none is.

    By the two and the subject, as AIPass does it: which run the answer was written in says nothing.
    """
    thread = _thread(subject)
    still_open: dict[str, dict[str, Any]] = {}
    for row in register_rows(workspace) if thread else ():
        run_id = str(row.get("dispatch_id") or "")
        if row.get("status") == "outstanding":
            still_open[run_id] = row
        else:
            still_open.pop(run_id, None)
    for run_id, row in still_open.items():
        parties = (row.get("target"), row.get("sender"))
        if run_id and parties == (replier, recipient) and _thread(str(row.get("subject", ""))) == thread:
            closing = {"dispatch_id": run_id, "ts": utc_time(time.time()), "status": REPLIED}
            _append(workspace, "dispatch_register", closing)
            return run_id
    return ""


def _thread(subject: str) -> str:
    """A subject without what an answer puts before it."""
    words = subject.strip().lower()
    while words.startswith(ANSWERS):
        words = words.partition(":")[2].strip()
    return words


def _append(workspace: Workspace, name: str, row: Mapping[str, Any]) -> None:
    aipass_feed.append_row(workspace.aipass_dir, name, row)
