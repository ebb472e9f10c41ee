"""A file in the operator's own pager, on the screen's terminal."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from praxmonitor.actions.app_parts import Terminal
from praxmonitor.actions.lending import lend


def pager_argv(path: Path, line: int = 0) -> list[str]:
    """The command that shows `path`: `$PAGER`, else `less`; at `line` (from 1) where it can."""
    words = shlex.split(os.environ.get("PAGER") or "less")
    at = [f"+{line}g"] if line > 0 and words and Path(words[0]).name == "less" else []
    return [*words, *at, str(path)]


async def page(terminal: Terminal, path: Path, line: int = 0) -> int:
    """Let the operator read a file; the pager's exit status, negative for a signal.

    SuspendNotSupported where the terminal cannot be lent; OSError where the pager cannot be started; ValueError where
    `$PAGER` has a quotation mark without its other.
    """
    return await lend(terminal, pager_argv(path, line), directory=path.parent)
