"""AIPass's register, feed and reports (contract section 4), so that each program sees the other's runs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mailcore import journal
from mailcore.system import ignored
from mailcore.system.files import read_bytes
from mailcore.system.locks import locked
from mailcore.system.writing import append, make_directory, replace
from mailcore.text.masks import masked
from mailcore.timestamps import utc_time
from mailcore.workspace import Workspace


def records(workspace: Workspace) -> list[dict[str, Any]]:
    """The register's rows, AIPass's and ours, oldest first."""
    return journal.read(workspace.aipass_dir / "dispatch_register.jsonl")


def report(root: Path, run_id: str) -> dict[str, Any]:
    """What a run's report says; empty where there is none, or it cannot be read."""
    if not run_id or "/" in run_id:
        return {}
    try:
        found = json.loads(read_bytes(root / ".aipass" / "dispatch_reports" / f"{run_id}.json"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def opened(workspace: Workspace, run_id: str, fields: Mapping[str, Any], hard_limit: float) -> None:
    """Say that a dispatch is outstanding. `fields`: sender, target, subject, provider, monitor_pid."""
    at = time.time()
    row = {"ts": utc_time(at), **fields, "expected_by": utc_time(at + hard_limit), "status": "outstanding"}
    _append(workspace, "dispatch_register", {"dispatch_id": run_id, **row})


def closed(workspace: Workspace, run_id: str, status: str, report: Mapping[str, Any]) -> Path:
    """Say how a dispatch ended and keep its report; returns the report's file."""
    directory = workspace.aipass_dir / "dispatch_reports"
    ignored.make(workspace.aipass_dir)
    make_directory(directory)
    path = directory / f"{run_id}.json"
    at = utc_time(time.time())
    body = {"dispatch_id": run_id, **report, "reported_at": at, "status": status}
    replace(path, json.dumps(body, indent=2, ensure_ascii=False).encode("utf-8", "replace"))
    _append(
        workspace, "dispatch_register", {"dispatch_id": run_id, "ts": at, "status": status, "report_path": str(path)}
    )
    return path


def notify(workspace: Workspace, kind: str, title: str, body: str, source: str, **extra: Any) -> None:
    """A line of AIPass's feed; `kind` is `mail`, `wake`, `dispatch` or `system`."""
    said = {"title": masked(title), "body": masked(body)}
    row = {**extra, "ts": utc_time(time.time()), "kind": kind, **said, "source": source}
    _append(workspace, "notifications", row)


def _append(workspace: Workspace, name: str, row: Mapping[str, Any]) -> None:
    ignored.make(workspace.aipass_dir)
    line = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace")
    with locked(workspace.aipass_dir / f".{name}.lock"):
        append(workspace.aipass_dir / f"{name}.jsonl", line)
