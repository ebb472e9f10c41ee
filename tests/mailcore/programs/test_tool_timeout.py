"""How long a call may take as it says itself, whichever of its traces is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mailcore.model.activity import Activity, Kind
from mailcore.programs.claude.transcript import ClaudeTranscript
from mailcore.programs.codex.rollout import CodexRollout
from mailcore.programs.hook_lines import read_hook
from mailcore.programs.tool_wording import LONGEST_TIMEOUT, tool_timeout
from tests.mailcore.session_lines import call, codex, item, said

AT = 1_795_308_217.0


@pytest.mark.parametrize(
    ("name", "given", "seconds"),
    [
        ("Bash", {"command": "make", "timeout": 120_000}, 120.0),
        ("Bash", {"command": "make", "timeout": 1500.5}, 1.5005),
        ("Bash", {"command": "make"}, 0.0),
        ("Bash", {"command": "make", "timeout": 120_000, "run_in_background": True}, 0.0),
        ("Bash", {"command": "make", "timeout": 120_000, "run_in_background": False}, 120.0),
        ("Bash", {"timeout": "120000"}, 0.0),
        ("Bash", {"timeout": True}, 0.0),
        ("Bash", {"timeout": -5}, 0.0),
        ("Bash", {"timeout": float("nan")}, 0.0),
        ("Bash", {"timeout": 10**300}, LONGEST_TIMEOUT),
        ("Bash", None, 0.0),
        ("Bash", ["timeout"], 0.0),
        ("mcp__shop__order", {"timeout": 5}, 0.0),
        ("shell", {"command": ["make"], "timeout_ms": 60_000}, 60.0),
        ("shell_command", {"command": "make", "timeout_ms": 60_000}, 60.0),
        ("exec_command", {"cmd": "make", "yield_time_ms": 10_000}, 10.0),
    ],
)
def test_what_the_input_says(name: str, given: object, seconds: float) -> None:
    assert tool_timeout(name, given) == pytest.approx(seconds)


def hooked(event: str, **given: Any) -> Activity:
    line = {"hook_event_name": event, "session_id": "s", "tool_name": "Bash", "tool_use_id": "t", "tool_input": given}
    found = read_hook(json.dumps(line).encode(), "@a", AT)
    assert found is not None
    return found


def test_a_hook_tells_it_where_the_call_begins() -> None:
    assert hooked("PreToolUse", command="make", timeout=120_000).timeout == 120.0
    assert hooked("PostToolUse", command="make", timeout=120_000).timeout == 0.0


def test_claude_code_s_session_file_tells_it() -> None:
    reader = ClaudeTranscript("@a", Path("s.jsonl"))
    found = reader.read(said(AT, "m1", call("t", "Bash", command="make", timeout=90_000)), AT)
    assert [one.timeout for one in found if isinstance(one, Activity) and one.kind is Kind.TOOL] == [90.0]


@pytest.mark.parametrize(("policy", "seconds"), [("never", 60.0), ("on-request", 0.0), (None, 0.0)])
def test_codex_s_tells_it_where_nobody_is_asked_before_the_call_begins(policy: str | None, seconds: float) -> None:
    """Where a person is asked, nothing says how long that took."""
    reader = CodexRollout("@a", Path("rollout.jsonl"))
    if policy is not None:
        reader.read(codex(AT, "turn_context", cwd="/x", model="m", approval_policy=policy), AT)
    arguments = json.dumps({"command": ["make"], "timeout_ms": 60_000})
    (found,) = reader.read(item(AT, "function_call", name="shell", arguments=arguments, call_id="c1"), AT)
    assert isinstance(found, Activity) and (found.kind, found.timeout) == (Kind.TOOL, seconds)
