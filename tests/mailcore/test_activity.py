from __future__ import annotations

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.model.activity import Activity, Kind
from mailcore.observe.activities import MAX_ACTIVITY_TEXT, from_hook, neutral
from mailcore.observe.log_lines import LogLineReader
from mailcore.text import line

NOW = 1_800_000_000.0


def hook(event: str, **fields: object) -> Activity | None:
    return from_hook(json.dumps({"hook_event_name": event, **fields}).encode(), "@a", NOW)


@pytest.mark.parametrize("value", [b"[]", b"{}", b"1", b"null", b"true"])
def test_a_notification_of_a_type_that_is_no_text_is_one(value: bytes) -> None:
    line = b'{"hook_event_name": "Notification", "notification_type": ' + value + b', "message": "m"}'
    found = from_hook(line, "@a", 100.0)
    assert found is not None and found.kind is Kind.WAITING


def test_a_captured_session_reads_as_what_happened(hook_lines: list[bytes]) -> None:
    seen = [from_hook(line, "@writer", NOW) for line in hook_lines]
    assert [(a.kind, a.text) for a in seen if a] == [
        (Kind.SESSION, "session: startup"),
        (Kind.PROMPT, "Write a report"),
        (Kind.TOOL, "Bash: List files"),
        (Kind.TOOL_DONE, "Bash: List files"),
        (Kind.TOOL, "Write: report.md"),
        (Kind.TOOL_DONE, "Write: report.md"),
        (Kind.TURN_END, "Done: the report is in report.md."),
        (Kind.TURN_END, "session over: other"),
    ]
    assert [(a.tool, a.tool_id) for a in seen if a and a.tool] == [("Bash", "toolu_01A")] * 2 + [
        ("Write", "toolu_01B")
    ] * 2


@pytest.mark.parametrize(
    ("event", "fields", "kind"),
    [
        ("PostToolUseFailure", {"tool_name": "Bash", "error": "exit 1"}, Kind.TOOL_FAILED),
        ("PermissionRequest", {"tool_name": "Bash", "tool_input": {"command": "rm x"}}, Kind.WAITING),
        ("Notification", {"notification_type": "permission_prompt", "message": "Claude needs"}, Kind.WAITING),
        ("StopFailure", {}, Kind.ERROR),
        ("PreCompact", {"trigger": "auto"}, Kind.COMPACT),
        ("SubagentStop", {}, Kind.SUBAGENT_DONE),
    ],
)
def test_each_event_has_its_kind(event: str, fields: dict[str, object], kind: Kind) -> None:
    activity = hook(event, **fields)
    assert activity is not None
    assert activity.kind is kind
    assert activity.text


@pytest.mark.parametrize("kind", ["idle_prompt", "auth_success"])
def test_what_asks_nothing_of_the_operator_is_ignored(kind: str) -> None:
    assert hook("Notification", notification_type=kind) is None
    assert hook("SomeEventOfNextYear", message="x") is None


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"ts": NOW - 5}, NOW - 5),
        ({"timestamp": "2026-11-22T01:03:29.5+00:00"}, 1795309409.5),
        ({"at": "2026-11-22T01:03:29Z"}, 1795309409.0),
        ({"ts": NOW + 9999}, NOW),  # a clock that runs ahead
        ({"ts": float("nan")}, NOW),
        ({"ts": float("inf")}, NOW),
        ({"ts": True}, NOW),
        ({"ts": 10**400}, NOW),
        ({"ts": "nonsense"}, NOW),
        ({}, NOW),
    ],
)
def test_the_time_is_the_events_own_where_it_has_one(fields: dict[str, object], at: float) -> None:
    activity = hook("Stop", **fields)
    assert activity is not None
    assert activity.at == at


def log_line(raw: bytes) -> Activity | None:
    return next(LogLineReader("@a").read([raw], NOW), None)


def test_aipass_log_lines_give_time_level_and_message() -> None:
    local = datetime(2026, 11, 22, 1, 3, 29).timestamp()
    dashes = log_line(b"2026-11-22 01:03:29 - captured_main - ERROR - it - broke")
    bars = log_line(b"2026-11-22 01:03:29 | main | WARNING | careful")
    other = log_line(b"2026-11-22T01:03:29 target=@beta exit_code=0")
    bare = log_line(b"--- Attempt 1/3 ---")
    assert dashes == Activity(local, "@a", Kind.ERROR, "it - broke", "log")
    assert bars == Activity(local, "@a", Kind.WARNING, "careful", "log")
    assert other == Activity(local, "@a", Kind.LOG, "target=@beta exit_code=0", "log")
    assert bare == Activity(NOW, "@a", Kind.LOG, "--- Attempt 1/3 ---", "log")
    assert log_line(b"  \t ") is None
    assert log_line(b"9999-99-99 99:99:99 - x - INFO - y") is not None


def test_escapes_and_control_characters_are_neutralised() -> None:
    assert neutral("\x1b[31mred\x1b[0m \x1b]0;title\x07tab\there\nnext") == "red tab here next"
    assert neutral("a\x00b\x9b31m\u202ec\ud800") == "a�b�31m�c�"
    assert len(neutral("x" * 1000)) == MAX_ACTIVITY_TEXT
    assert hook("UserPromptSubmit", prompt="\x1b[2Jgone\x07") == Activity(NOW, "@a", Kind.PROMPT, "gone�", "hooks")


@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_line_raises_and_every_text_is_short_and_harmless(raw: bytes) -> None:
    for activity in (from_hook(raw, "@a", NOW), log_line(raw)):
        if activity is not None:
            assert len(activity.text) <= MAX_ACTIVITY_TEXT
            assert activity.text == line(activity.text) and activity.text.encode()
            assert 0 < activity.at <= NOW or activity.at < 0


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.sampled_from(["PreToolUse", "PostToolUse", "Stop", "Notification", "PermissionRequest", "SessionStart"])
FIELDS = st.sampled_from(
    ["ts", "timestamp", "at", "tool_name", "tool_input", "tool_use_id", "message", "prompt", "source", "error"]
)


@given(EVENTS, st.dictionaries(FIELDS, ANY, max_size=6))
def test_no_event_raises_whatever_its_fields_hold(event: str, fields: dict[str, object]) -> None:
    activity = hook(event, **fields)
    if activity is not None:
        assert (activity.text, activity.tool) == (line(activity.text), line(activity.tool)) and activity.at <= NOW
