"""A tool call in words, and how long it may take as it says itself: the same wherever it was read."""

from __future__ import annotations

_ABOUT = ("description", "file_path", "notebook_path", "cmd", "command", "pattern", "query", "url", "prompt")
"""Keys of a tool's input that say what it is at, the best first."""
LONGEST_TIMEOUT = 3600.0
"""Seconds: no call is taken at its word for longer, for an agent could quiet the alarm on it for good."""
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
