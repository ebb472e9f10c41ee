"""`.praxmonitor/audit.jsonl`: every act on a workspace, by whom."""

from __future__ import annotations

from typing import Any

from mailcore import journal
from mailcore.workspace import Workspace


def record(workspace: Workspace, by: str, verb: str, **facts: Any) -> None:
    """Add one act. `by` is an address; `facts` are plain JSON values, never secrets or bodies."""
    workspace.state_dir.mkdir(exist_ok=True)
    journal.append(workspace.state_dir / "audit.jsonl", {"by": by, "verb": verb, **facts})
