"""Where Codex keeps its session files, and whose one is (contract codex, "Session file")."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path

from mailcore import files
from mailcore.programs.transcript import parsed, table_of, text_of

HEAD = 262_144
"""Bytes of a file in which its first line is looked for: it carries the program's own instructions."""


def home() -> Path:
    """Codex's own directory."""
    return Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex")


def directories(first: date, last: date) -> list[Path]:
    """Where the sessions lie that were begun from one day to another, one directory a day; they may not be there."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [home() / "sessions" / f"{day:%Y}" / f"{day:%m}" / f"{day:%d}" for day in days]


def cwd_of(path: Path) -> str:
    """Where the session of that file was begun, as its first line says; empty if it does not, or cannot be read."""
    try:
        with files.opened(path) as file:
            first = file.readline(HEAD)
    except OSError:
        return ""
    event = parsed(first) or {}
    return text_of(table_of(event, "payload"), "cwd") if event.get("type") == "session_meta" else ""
