"""What Claude Code says of each session that goes on: `sessions/<PID>.json` in its directory, since 2.1.

Seen of 2.1.330, begun at a terminal: `status` is `busy`, `idle` or `waiting`, the last with `waitingFor` ("permission
prompt"); `statusUpdatedAt` in milliseconds. What is asked and granted is seen there at once, with no hook installed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mailcore.programs.base import SessionStatus
from mailcore.system.processes import alive, pid_namespace
from mailcore.system.safe_open import read_bytes

MAX_STATUS = 65_536
"""Bytes; what is larger is no such file."""


class ClaudeStatuses:
    """A file for each process."""

    def __init__(self, home: Path) -> None:
        self._home = home

    @property
    def root(self) -> Path:
        """The directory that they lie in."""
        return self._home / "sessions"

    def read(self, path: Path) -> SessionStatus | None:
        """As that file says; None where it says nothing of the kind, or its process is over."""
        if path.suffix != ".json":
            return None
        try:
            values = json.loads(read_bytes(path, most=MAX_STATUS))
            session, cwd, status = values["sessionId"], values["cwd"], values["status"]
            at = float(values["statusUpdatedAt"]) / 1000
            if not all(isinstance(text, str) for text in (session, cwd, status)) or _is_over(values):
                return None
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None
        waits = status == "waiting"
        pid = int(values["pid"]) if _is_here(values) else 0
        return SessionStatus(session, cwd, waits, at, str(values.get("waitingFor") or "") if waits else "", pid)


def _is_here(values: dict[str, Any]) -> bool:
    """Its PID means here what it means there."""
    return str(values.get("pidDomain", "")).endswith(pid_namespace())


def _is_over(values: dict[str, Any]) -> bool:
    """Its process is gone, as far as that can be seen from here."""
    return _is_here(values) and not alive(int(values["pid"]), int(values.get("procStart") or 0))
