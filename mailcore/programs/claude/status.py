"""What Claude Code says of each session that goes on: `sessions/<PID>.json` in its directory, since 2.1, and of one in
the background `jobs/<JOB>/state.json` besides (docs/contracts/claude-code.md).

Seen of 2.1.330: `status` is `busy`, `idle` or `waiting`, the last with `waitingFor` ("permission prompt"), and is not
there at first; `statusUpdatedAt` in milliseconds. What is asked and granted is seen there at once, with no hook
installed. A job whose agent ended its turn with a question is `idle` there, and `blocked` in the job's own file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from mailcore.model.message import parse_time
from mailcore.programs.base import SessionStatus, is_session_id
from mailcore.programs.claude.places import directory
from mailcore.programs.transcript_reader import parse_line, table_of
from mailcore.system import safe_open
from mailcore.system.processes import alive, pid_namespace
from mailcore.system.safe_open import read_bytes

GIVEN = b"additionalWorkingDirectories"
TAIL = 1 << 18
"""Bytes of a session file, its newest, in which that is looked for."""
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

    def given(self, status: SessionStatus) -> list[str]:
        """What its session file says last, behind a prompt: `/add-dir` stands there alone."""
        try:
            path = directory(Path(status.cwd), self._home) / f"{status.session}.jsonl"
            descriptor, found = safe_open.descriptor(path)
        except (OSError, ValueError):
            return []
        try:
            tail = os.pread(descriptor, TAIL, max(0, found.st_size - TAIL))
        finally:
            os.close(descriptor)
        for line in reversed(tail.splitlines()):
            if GIVEN in line:
                told = table_of(table_of(parse_line(line) or {}, "attachment"), "snapshot").get(GIVEN.decode())
                if isinstance(told, list):
                    return [one for one in told if isinstance(one, str)]
        return []

    def read(self, path: Path) -> SessionStatus | None:
        """As that file says; None where it says nothing of the kind, or its process is over."""
        if path.suffix != ".json":
            return None
        try:
            values = json.loads(read_bytes(path, most=MAX_STATUS))
            session, cwd, status = values["sessionId"], values["cwd"], values.get("status", "")
            at = float(values.get("statusUpdatedAt") or values["startedAt"]) / 1000
            if not all(isinstance(text, str) for text in (session, cwd, status)) or _is_over(values):
                return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            return None
        pid = int(values["pid"]) if _is_here(values) else 0
        waits, wants = status == "waiting", str(values.get("waitingFor") or "")
        job = values.get("jobId")
        job = job if isinstance(job, str) and is_session_id(job) else ""
        beside = self._home / "jobs" / job / "state.json" if job else None
        told = _told(beside) if beside is not None else {}
        if not waits and status != "busy" and told.get("state") == "blocked":
            waits, wants = True, str(told.get("needs") or told.get("detail") or "")
            at = max(at, parse_time(told.get("updatedAt")))
        name = str(told.get("name") or told.get("intent") or values.get("name") or "")
        return SessionStatus(session, cwd, waits, at, wants if waits else "", pid, name, job, beside)


def _told(path: Path) -> dict[str, Any]:
    """What the file of a job says; nothing where it cannot be read."""
    try:
        values = json.loads(read_bytes(path, most=MAX_STATUS))
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _is_here(values: dict[str, Any]) -> bool:
    """Its PID means here what it means there."""
    return str(values.get("pidDomain", "")).endswith(pid_namespace())


def _is_over(values: dict[str, Any]) -> bool:
    """Its process is gone, as far as that can be seen from here."""
    return _is_here(values) and not alive(int(values["pid"]), int(values.get("procStart") or 0))
