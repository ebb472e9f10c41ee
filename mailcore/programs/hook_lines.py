"""What one line of a Claude-Code-style `hooks.jsonl` means. Pure: a line in, an Activity or None out.

Events and fields: contract claude-code, "Hooks". Events that this release does not know are ignored, never an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from mailcore.model.activity import Activity, Kind
from mailcore.model.message import parse_time
from mailcore.programs.tool_wording import tool_timeout, tool_words, tool_writes

HOOKS_SOURCE = "hooks"
DECIDED = "mailcore_decided"
"""A key of ours in a request for permission that config.toml decided: its program asks nobody."""
SESSION_OVER = "session over"
"""How the text of the end of a turn begins that is the end of its session too."""

_SEALED = re.compile(rb'\{"ts":[0-9.]+,"hook_pid":([0-9]+),.*,"hook_end":\1\}', re.DOTALL)
_BETWEEN = re.compile(r"[\s,:]*")
_DECODER = json.JSONDecoder()

_TURN_ENDS = frozenset({Kind.PROMPT, Kind.TURN_END, Kind.ERROR, Kind.SUBAGENT_DONE})
_NOT_WAITING = {"idle_prompt", "auth_success", "elicitation_complete", "elicitation_response"}
"""Notifications that ask nothing of the operator."""


def read_hook(line: bytes, agent: str, now: float) -> Activity | None:
    """The activity that a hook line reports `agent`; None for what is ignored, torn or no event. Never raises.

    Its time is the line's own `ts` (seconds since the epoch), `timestamp` or `at` (ISO), else `now`. The texts are the
    program's own, as they stand.
    """
    event = parse_hook(line)
    return event_activity(event, agent, now) if event is not None else None


def event_activity(event: Mapping[str, Any], agent: str, now: float) -> Activity | None:
    """The same of an event that was parsed."""
    meaning = _meaning(event)
    if meaning is None:
        return None
    kind, text = meaning
    tool = _text(event, "tool_name") if kind in (Kind.TOOL, Kind.TOOL_DONE, Kind.TOOL_FAILED, Kind.WAITING) else ""
    tool_id = _text(event, "tool_use_id") if tool else ""
    session, subagent = _text(event, "session_id"), _text(event, "agent_id")
    timeout = tool_timeout(tool, event.get("tool_input")) if kind is Kind.TOOL else 0.0
    writes = tool_writes(tool, event.get("tool_input"), _text(event, "cwd")) if kind is Kind.TOOL else ()
    return Activity(
        _time(event) or now, agent, kind, text, HOOKS_SOURCE, tool, tool_id, session, subagent, timeout=timeout,
        writes=writes,
    )  # fmt: skip


def ends_calls(activity: Activity, subagent: str) -> bool:
    """True if after that, in its session, no call of that subagent (empty: of the agent itself) asks any more.

    The end of a session ends all in it; the end of a turn, or of a subagent, what is its own.
    """
    if activity.kind is Kind.TURN_END and activity.text.startswith(SESSION_OVER):
        return True
    return activity.kind in _TURN_ENDS and activity.subagent == subagent


def parse_hook(line: bytes) -> dict[str, Any] | None:
    """The event that a line holds; None for a line that is torn, or two half ones, or no event. Never raises.

    Our own hook line puts the same number at both ends of what it writes. Of an event that it cut, the whole members.
    """
    text = line.decode("utf-8", "replace")
    try:
        event = json.loads(text)
    except RecursionError:
        return None
    except ValueError:
        event = _whole_members(text) if _SEALED.fullmatch(line.strip()) else None
    else:
        if isinstance(event, dict) and event.get("hook_pid") != event.get("hook_end"):
            return None
    return event if isinstance(event, dict) else None


def _whole_members(text: str) -> dict[str, Any]:
    """The members of a JSON object up to where it was cut."""
    event: dict[str, Any] = {}
    at = text.index("{") + 1
    with suppress(ValueError, RecursionError):
        while True:
            key, at = _DECODER.raw_decode(text, _next(text, at))
            value, at = _DECODER.raw_decode(text, _next(text, at))
            event[str(key)] = value
    return event


def _next(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found else at


def _meaning(event: Mapping[str, Any]) -> tuple[Kind, str] | None:
    match event.get("hook_event_name"):
        case "SessionStart":
            return Kind.SESSION, f"session: {_text(event, 'source') or 'start'}"
        case "UserPromptSubmit":
            return Kind.PROMPT, _text(event, "prompt")
        case "PreToolUse":
            return Kind.TOOL, _tool(event)
        case "PostToolUse":
            return Kind.TOOL_DONE, _tool(event)
        case "PostToolUseFailure":
            return Kind.TOOL_FAILED, f"{_tool(event)} failed {_text(event, 'error')}"
        case "PermissionRequest" if not event.get(DECIDED):
            asks = asks_for_permission(_text(event, "tool_name"), event.get("tool_input"))
            return Kind.WAITING, _text(event, "message") or asks
        case "Notification" if _text(event, "notification_type") not in _NOT_WAITING:
            return Kind.WAITING, _text(event, "message") or "asks for the operator"
        case "Stop":
            return Kind.TURN_END, _text(event, "last_assistant_message") or "turn over"
        case "Interrupt":
            return Kind.TURN_END, "interrupted"
        case "StopFailure":
            return Kind.ERROR, f"turn ended in an error {_text(event, 'error')}"
        case "SessionEnd":
            return Kind.TURN_END, f"{SESSION_OVER}: {_text(event, 'reason') or 'no reason given'}"
        case "PreCompact":
            return Kind.COMPACT, "compacting its context"
        case "PostCompact":
            return Kind.COMPACTED, "context compacted"
        case "SubagentStart":
            return Kind.SUBAGENT, f"subagent started {_text(event, 'agent_type')}"
        case "SubagentStop":
            return Kind.SUBAGENT_DONE, f"subagent stopped {_text(event, 'agent_type')}"
        case _:
            return None


def asks_for_permission(tool: str, given: object) -> str:
    """What a request for permission says of a tool and of what it is given."""
    return f"asks for permission: {tool_words(tool, given)}"


def _tool(event: Mapping[str, Any]) -> str:
    return tool_words(_text(event, "tool_name"), event.get("tool_input"))


def _time(event: Mapping[str, Any]) -> float:
    stamp = event.get("ts")
    if isinstance(stamp, int | float) and not isinstance(stamp, bool):
        try:
            seconds = float(stamp)
        except OverflowError:
            return 0.0
        return seconds if seconds > 0 else 0.0
    return parse_time(event.get("timestamp")) or parse_time(event.get("at")) or parse_time(stamp)


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""
