"""Files of git's that hold nothing but the path of another place."""

from __future__ import annotations

import os
from pathlib import Path

from mailcore.system.safe_open import read_bytes

MAX_POINTER = 4096
"""Bytes of such a file; a longer one is none."""


def named_path(file: Path, base: Path, before: str = "") -> Path:
    """The path that a file of git's names, resolved; ValueError if it names none."""
    text = os.fsdecode(read_bytes(file)[:MAX_POINTER]).strip()
    if not text.startswith(before) or "\n" in text or "\0" in text:
        raise ValueError(f"{file} names no path")
    return (base / text.removeprefix(before)).resolve()
