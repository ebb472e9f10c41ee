"""A tool call in words, the same wherever it was read."""

from __future__ import annotations

from pathlib import PurePosixPath

_ABOUT = ("description", "file_path", "notebook_path", "cmd", "command", "pattern", "query", "url", "prompt")
"""Keys of a tool's input that say what it is at, the best first."""


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
            return f"{name}: {PurePosixPath(about).name if key.endswith('_path') else about}"
    return name
