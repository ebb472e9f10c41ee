"""`.praxmonitor/audit.jsonl`: every act on a workspace, by whom."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from mailcore import journal
from mailcore.errors import MailcoreError
from mailcore.system.writing import make_directory
from mailcore.workspace import Workspace

declared: ContextVar[bool] = ContextVar("declared", default=False)
"""The author of this command's acts was declared by `--from`, not proved: its records say so."""


def record(workspace: Workspace, by: str, verb: str, **facts: Any) -> None:
    """Add one act. `by` is an address; `facts` are plain JSON values, never secrets or bodies.

    MailcoreError, naming the file, where the disk does not allow it: what was done before stays done.
    """
    path = workspace.state_dir / "audit.jsonl"
    try:
        make_directory(workspace.state_dir)
        journal.append(path, {"by": by, "verb": verb, **({"declared": True} if declared.get() else {}), **facts})
    except OSError as error:
        raise MailcoreError(f"{path}: {error.strerror}; {by}'s {verb} is not written there") from error
