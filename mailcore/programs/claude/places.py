"""In which directories Claude Code keeps its session files (contract claude-code, "Transcript")."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from mailcore.programs.base import Home

ACCOUNT_HOME = Home("CLAUDE_CONFIG_DIR", ".claude")
_LONGEST_NAME = 200


def root(home: Path) -> Path:
    """Where the directories of an account lie."""
    return home / "projects"


def directory(branch: Path, home: Path) -> Path:
    """Where Claude Code keeps an account's sessions that are begun in a directory; it may not be there yet.

    `<session>.jsonl` in it, and the subagents' in `<session>/subagents/`. Directories whose names differ in punctuation
    alone share one: ask `cwd_of` whose a session is.
    """
    name = re.sub(r"[^a-zA-Z0-9]", "-", _utf16(str(branch)))
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}-{_base36(_hash(str(branch)))}"
    return root(home) / name


def below(directories: Iterable[Path], home: Path) -> list[Path]:
    """Where sessions lie that were begun below those of these directories, as far as names say: ask `cwd_of` whose each
    is."""
    names = {f"{place.name}-"[:_LONGEST_NAME] for place in directories}  # what is longer is cut there
    try:
        with os.scandir(root(home)) as entries:
            return sorted(Path(one.path) for one in entries if _begins(one.name, names) and one.is_dir())
    except OSError:
        return []


def _begins(name: str, with_one: Collection[str]) -> bool:
    return name[:_LONGEST_NAME] in with_one or any(name[: dash.end()] in with_one for dash in re.finditer("-", name))


def _utf16(text: str) -> str:
    """One character a UTF-16 unit, as JavaScript counts them; which ones above ASCII does not matter."""
    if text.isascii():
        return text
    return "".join("\x00" * (len(c.encode("utf-16-le", "surrogatepass")) // 2) if c > "\x7f" else c for c in text)


def _hash(text: str) -> int:
    """Claude Code's own hash of a path, unsigned: 32 bits, 31 times the former and the next UTF-16 unit."""
    units = text.encode("utf-16-le", "surrogatepass")
    value = 0
    for at in range(0, len(units), 2):
        value = (value * 31 + units[at] + 256 * units[at + 1]) & 0xFFFFFFFF
    return 0x100000000 - value if value & 0x80000000 else value


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"
