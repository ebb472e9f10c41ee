"""What was written and not sent: a file for each purpose, in the user's state directory, for the user's eyes alone."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from mailcore.system import safe_open, user_directories, writing
from praxmonitor.text.letters import Letter

MOST_OF_A_DRAFT = 4_000_000
"""Bytes of one draft."""


class Draft(msgspec.Struct, frozen=True):
    """One letter that waits to be gone on with."""

    purpose: str
    """What it is written for: opening the form for the same again offers it back."""
    title: str
    """What the form is called."""
    letter: Letter
    at: float
    """When it was kept, in seconds since the epoch."""
    answers: str = ""
    """The mail that it answers, by its id: its addressee is not the operator's to change; empty for a new letter."""
    begun: float = 0.0
    """When its sending was begun, in seconds since the epoch: it may have gone since; 0.0: it was not."""


def drafts_directory(root: Path) -> Path:
    """Where the drafts for the workspace at `root` lie."""
    return user_directories.state_of(root) / "drafts"


def keep_draft(root: Path, draft: Draft) -> None:
    """Write it, whole or not at all. OSError if it cannot be."""
    path = _draft_path(root, draft.purpose)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        writing.link_new(path, b"", 0o600)  # what replaces a file takes over its rights
    writing.replace(path, msgspec.json.encode(draft))


def find_draft(root: Path, purpose: str) -> Draft | None:
    """The draft that was written for this; None if there is none, or it cannot be read."""
    return _read_draft(_draft_path(root, purpose))


def all_drafts(root: Path) -> list[Draft]:
    """Every draft, the newest first."""
    try:
        names = os.listdir(drafts_directory(root))  # noqa: PTH208
    except OSError:
        return []
    found = (_read_draft(drafts_directory(root) / name) for name in names if name.endswith(".json"))
    return sorted((draft for draft in found if draft is not None), key=lambda draft: -draft.at)


def discard_draft(root: Path, purpose: str) -> None:
    """Remove it, if it is there. OSError if it cannot be."""
    _draft_path(root, purpose).unlink(missing_ok=True)


def _draft_path(root: Path, purpose: str) -> Path:
    return drafts_directory(root) / f"{hashlib.sha256(purpose.encode()).hexdigest()[:16]}.json"


def _read_draft(path: Path) -> Draft | None:
    with suppress(OSError, ValueError, RecursionError):
        return msgspec.json.decode(safe_open.read_bytes(path, links=False, most=MOST_OF_A_DRAFT), type=Draft)
    return None
