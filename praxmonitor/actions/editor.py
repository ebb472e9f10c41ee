"""A file in the operator's own editor, on the screen's terminal."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from praxmonitor.actions.app_parts import Terminal
from praxmonitor.actions.lending import lend

AT_A_LINE = frozenset(("vi", "vim", "nvim", "view", "nano", "emacs", "emacsclient", "micro", "kak", "hx", "joe", "ne"))
"""Editors that take `+12` before the file as the line to begin at."""


def editor_argv(path: Path, line: int = 0) -> list[str]:
    """The command that opens `path`: `$VISUAL`, else `$EDITOR`, else `vi`; at `line` (from 1) where it can."""
    words = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    at = [f"+{line}"] if line > 0 and words and Path(words[0]).name in AT_A_LINE else []
    return [*words, *at, str(path)]


async def edit(terminal: Terminal, path: Path, line: int = 0) -> int:
    """Let the operator edit a file; the editor's exit status, negative for a signal.

    SuspendNotSupported where the terminal cannot be lent; OSError where the editor cannot be started; ValueError where
    `$VISUAL` or `$EDITOR` has a quotation mark without its other.
    """
    return await lend(terminal, editor_argv(path, line), directory=path.parent)
