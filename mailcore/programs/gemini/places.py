"""Where Gemini CLI keeps the sessions of a directory, and which of them it would find again."""

from __future__ import annotations

import glob
import itertools
import json
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mailcore.programs.base import Home
from mailcore.programs.gemini.messages import is_prompt, texts_of
from mailcore.system import safe_open

ACCOUNT_HOME = Home("GEMINI_CLI_HOME", "")
"""What Gemini CLI takes for the user's home directory: all that is its own lies in `.gemini` there."""
CHATS = "chats"
HEAD = 262_144
"""Bytes of a session file in which the first prompt is looked for."""
REGISTRY = 4 * 1024 * 1024
"""Bytes of the list of all projects that are read."""


def root(home: Path) -> Path:
    """Where the directories of an account lie, one for each that sessions were begun in."""
    return home / ".gemini" / "tmp"


def registry(home: Path) -> dict[str, Any]:
    """The short name of each directory that was worked in, as its own directory here is called."""
    try:
        with safe_open.open_regular(home / ".gemini" / "projects.json") as file:
            named = _object(file.read(REGISTRY)).get("projects")
    except OSError:
        return {}
    return named if isinstance(named, dict) else {}


def name_of(branch: str, named: Mapping[str, Any]) -> str:
    """The short name of a directory; empty if it has none, or one that leads elsewhere."""
    name = named.get(branch)
    return name if isinstance(name, str) and name == Path(name).name else ""


def used_names(home: Path) -> set[str]:
    """The short names below which something lies already."""
    try:
        return set(os.listdir(root(home)))  # noqa: PTH208
    except OSError:
        return set()


def next_name(branch: str, taken: set[str], used: Collection[str], home: Path) -> str:
    """The short name that Gemini CLI will give a directory; it is taken then. `used`: as `used_names`."""
    plain = re.sub(r"[^a-z0-9]+", "-", os.path.basename(branch).lower()).strip("-") or "project"  # noqa: PTH119
    for number in itertools.count():
        name = f"{plain}-{number}" if number else plain
        if name not in taken and (name not in used or owner(root(home) / name) in ("", branch)):
            break
    taken.add(name)
    return name


def owner(directory: Path) -> str:
    """Where the sessions were begun that lie below this directory; empty while nothing says it."""
    try:
        with safe_open.open_regular(directory / ".project_root") as file:
            return file.read(8192).decode("utf-8", "replace").strip()
    except OSError:
        return ""


def has_session(branch: Path, session_id: str, home: Path) -> bool:
    """True if an account has a file of that session, whatever it holds."""
    return bool(_files_of(branch, session_id, home))


def is_resumable(branch: Path, session_id: str, home: Path) -> bool:
    """True if that session has a prompt or an answer: without one Gemini CLI does not find it."""
    return any(map(_has_conversation, _files_of(branch, session_id, home)))


def _files_of(branch: Path, session_id: str, home: Path) -> list[Path]:
    """Its files: a session that is resumed in another minute gets a second one, with nothing but a head in it."""
    name = name_of(os.path.realpath(branch), registry(home))
    named = (root(home) / name / CHATS).glob(f"session-*-{glob.escape(session_id[:8])}.jsonl") if name else ()
    return [path for path in named if _session_of(path) == session_id]


def _session_of(path: Path) -> str:
    try:
        with safe_open.open_regular(path) as file:
            return str(_object(file.readline(HEAD)).get("sessionId", ""))
    except OSError:
        return ""


def _has_conversation(path: Path) -> bool:
    try:
        with safe_open.open_regular(path) as file:
            while file.tell() < HEAD and (line := file.readline(HEAD)):
                message = _object(line)
                match message.get("type"):
                    case "gemini":
                        return True
                    case "user" if any(map(is_prompt, texts_of(message))):
                        return True
    except OSError:
        pass
    return False


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
