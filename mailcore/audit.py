"""`.praxmonitor/audit.jsonl`: every act on a workspace, by whom."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from mailcore import journal, registry
from mailcore.errors import MailcoreError
from mailcore.system import ignored
from mailcore.workspace import Workspace

declared: ContextVar[bool] = ContextVar("declared", default=False)
"""The author of this command's acts was declared by `--from`, not proved: its records say so."""


def record(workspace: Workspace, by: str, verb: str, **facts: Any) -> None:
    """Add one act. `by` is an address; `facts` are plain JSON values, never secrets or bodies.

    MailcoreError, naming the file, where the disk does not allow it: what was done before stays done.
    """
    path = workspace.state_dir / "audit.jsonl"
    try:
        ignored.make(workspace.state_dir)
        registry.keep(workspace.registry)
        journal.append(path, {"by": by, "verb": verb, **({"declared": True} if declared.get() else {}), **facts})
    except OSError as error:
        raise MailcoreError(f"{path}: {error.strerror}; {by}'s {verb} is not written there") from error
