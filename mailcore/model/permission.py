"""A request of an agent's program for permission, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

SUBJECT_KEYS = ("command", "file_path", "notebook_path", "path", "url", "query", "pattern")
"""Keys of a tool's input that say what it is about, the first that is there."""


class PermissionRequest(msgspec.Struct, frozen=True):
    """One thing that an agent's program would do, and asks for first. All its text is untrusted."""

    id: str
    """8 hexadecimal digits."""
    agent: str
    """The address of whose program asks."""
    session: str
    """Its session."""
    tool: str
    """The tool that it would use, as the program names it: `Bash`."""
    tool_input: dict[str, Any]
    """What the tool is given: `{"command": …}`."""
    at: float
    """When it was asked, seconds since the epoch."""
    until: float
    """Until when the hook waits for an answer of ours, seconds since the epoch."""
    subagent: str = ""
    """The subagent that asks; empty: the agent itself."""
    directory: str = ""
    """Where the session works."""
    suggestions: tuple[dict[str, Any], ...] = ()
    """What the program itself would have allowed from now on, in its own form; empty: nothing."""
    remembers: bool = False
    """The program takes an answer for the whole session."""
    beside: bool = False
    """It asks its person in its own terminal at the same time; else only when ours is over."""


class PermissionAnswer(msgspec.Struct, frozen=True):
    """What was decided, and by whom."""

    allow: bool
    by: str
    """`@operator`, or `policy` for what config.toml says."""
    why: str = ""
    """What the agent reads where it was denied."""
    always: bool = False
    """It holds for what is like it, until the session ends."""


def subject_of(tool_input: Mapping[str, Any]) -> str:
    """What a tool's input is about, in its own words; empty where it does not say."""
    return next((value for key in SUBJECT_KEYS if isinstance(value := tool_input.get(key), str)), "")


def remembered(request: PermissionRequest) -> tuple[dict[str, Any], ...]:
    """What "always in this session" allows: the rules that the program suggests, else this very call.

    What else it suggests, as another directory or mode, allows more than was asked, or does not keep it from asking.
    Empty of a command with a `*`, which in a rule stands for anything.
    """
    if rules := tuple({**one, "destination": "session"} for one in request.suggestions if _is_rule(one)):
        return rules
    rule: dict[str, Any] = {"toolName": request.tool}
    if isinstance(command := request.tool_input.get("command"), str):
        if "*" in command:
            return ()
        rule["ruleContent"] = command
    return ({"type": "addRules", "rules": [rule], "behavior": "allow", "destination": "session"},)


def _is_rule(suggestion: dict[str, Any]) -> bool:
    return suggestion.get("type") == "addRules" and suggestion.get("behavior") == "allow"


def request_words(request: PermissionRequest) -> str:
    """`asks for permission: Bash: touch one`: what would be done, not what its agent calls it. Untrusted text."""
    subject = subject_of(request.tool_input)
    return f"asks for permission: {request.tool or 'a tool'}{f': {subject}' if subject else ''}"
