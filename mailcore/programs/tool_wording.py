"""A tool call in words, and how long it may take as it says itself: the same wherever it was read."""

from __future__ import annotations

import os
import re

_ABOUT = ("description", "file_path", "notebook_path", "cmd", "command", "pattern", "query", "url", "prompt")
"""Keys of a tool's input that say what it is at, the best first."""
LONGEST_TIMEOUT = 3600.0
"""Seconds: no call is taken at its word for longer, for an agent could quiet the alarm on it for good."""
MOST_WRITES = 20
"""Files of one call that are told."""
_WRITERS = frozenset({"Edit", "MultiEdit", "Write", "NotebookEdit", "write_file", "replace"})
"""Tools that write the file that their input names."""
_PATCH = re.compile(r"^\*\*\* (?:(?:Update|Add|Delete) File|Move to): (.+)$", re.MULTILINE)
"""In a patch, as `apply_patch` takes it: a file that it changes."""
_TIMEOUTS = {
    "Bash": "timeout", "PowerShell": "timeout", "shell": "timeout_ms", "shell_command": "timeout_ms",
    "local_shell": "timeout_ms", "exec_command": "yield_time_ms", "write_stdin": "yield_time_ms",
}  # fmt: skip
"""Tools whose calls say in milliseconds when they are over at the latest, and by which key of their input."""


def tool_words(name: str, given: object) -> str:
    """`Bash: List files`, `Edit: report.md`, or the tool's bare name. `given`: its input, whatever that is."""
    name = name or "a tool"
    if not isinstance(given, dict):
        return name
    for key in _ABOUT:
        about = given.get(key)
        if isinstance(about, list):
            about = " ".join(word for word in about if isinstance(word, str))
        if isinstance(about, str) and about:
            return f"{name}: {about.rstrip('/').rpartition('/')[2] if key.endswith('_path') else about}"
    return name


def tool_writes(name: str, given: object, directory: str = "") -> tuple[str, ...]:
    """The files that a call is about to write, as its input names them. A text as input is a patch, if it is one.

    `directory`: where its session works, which relative names are seen from; empty: not known, they stay as they are.
    """
    names: list[object] = []
    if name in _WRITERS and isinstance(given, dict):
        names = [given.get("file_path") or given.get("notebook_path")]
    elif name == "apply_patch":
        texts = given.values() if isinstance(given, dict) else (given,)
        names = [one.strip() for text in texts if isinstance(text, str) for one in _PATCH.findall(text)]
    found = (one for one in names if isinstance(one, str) and one and "\0" not in one)
    return tuple(dict.fromkeys(os.path.join(directory, one) for one in found))[:MOST_WRITES]  # noqa: PTH118 (a text)


def tool_timeout(name: str, given: object) -> float:
    """Seconds after which its program ends a call, as its input says; 0.0 where that says nothing.

    A call that runs in the background is over at once, and what it began has no end that could be expected.
    """
    if not isinstance(given, dict) or given.get("run_in_background") is True:
        return 0.0
    stated = given.get(_TIMEOUTS.get(name, ""))
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not stated > 0:
        return 0.0
    return min(stated / 1000, LONGEST_TIMEOUT)
