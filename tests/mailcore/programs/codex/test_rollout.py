"""A Codex session file tells what its agent does and what that costs, each thing once."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore.model.activity import Activity, Kind
from mailcore.model.limit import Limit
from mailcore.model.usage import Spent, Usage
from mailcore.programs.codex.rollout import CodexRollout
from mailcore.programs.codex.sessions import cwd_of, directories
from tests.mailcore.programs.made import is_sound
from tests.mailcore.session_lines import codex, event, every_value_replaced, item, mutated, record, tokens

FIXTURE = Path(__file__).parents[3] / "fixtures" / "codex" / "rollout.jsonl"
LINES = FIXTURE.read_bytes().splitlines()
THREAD = "01a200fc-9726-7063-a792-fc95f0755c3c"
PATH = Path(f"/h/.codex/sessions/2026/11/22/rollout-2026-11-22T02-01-23-{THREAD}.jsonl")
CWD = "/home/op/project/agents/coder"
NOW = 1_800_000_000.0


def told(*lines: bytes) -> list[Activity]:
    one = CodexRollout("@coder", PATH)
    return [a for raw in lines for a in one.read(raw, NOW) if isinstance(a, Activity)]


def used(*lines: bytes) -> list[Spent]:
    """What both ways of reading tell was used; they must agree."""
    one, quick = CodexRollout("@coder", PATH), CodexRollout("@coder", PATH)
    found = [a for raw in lines for a in one.read(raw, NOW) if isinstance(a, Spent)]
    assert [spent for raw in lines for spent in quick.spent(raw, NOW)] == found
    return found


def count(at: float, last: Any, total: Any, window: int = 258400) -> bytes:
    info = {"total_token_usage": total, "last_token_usage": last, "model_context_window": window}
    return event(at, "token_count", info=info, rate_limits={})


def test_the_captured_session_is_this_timeline() -> None:
    def did(at: float, kind: Kind, words: str, tool: str = "", tool_id: str = "") -> Activity:
        return Activity(at, "@coder", kind, words, "transcript", tool, tool_id, THREAD)

    def spent(at: float) -> Spent:
        return Spent(at, "@coder", Usage(100, 15, 20), THREAD, "gpt-5", 120, 258400, 120, "stub")

    one = CodexRollout("@coder", Path("a-name-that-says-nothing.jsonl"))
    assert [found for raw in LINES for found in one.read(raw, NOW)] == [
        did(1795312883.646, Kind.SESSION, "session: exec"),
        did(1795312883.713, Kind.PROMPT, "Write a report"),
        did(1795312883.760, Kind.THINKING, "Looking around"),
        did(1795312883.763, Kind.TOOL, "exec_command: echo hello && ls", "exec_command", "call_1"),
        spent(1795312883.765),
        did(
            1795312883.831,
            Kind.TOOL_DONE,
            "exec_command: echo hello && ls → hello notes.txt",
            "exec_command",
            "call_1",
        ),
        did(1795312883.860, Kind.MESSAGE, "Done: all is well."),
        spent(1795312883.863),
        did(1795312883.868, Kind.TURN_END, "Done: all is well."),
    ]
    assert (one.session, one.cwd, one.drift) == (THREAD, CWD, "")


def test_the_files_name_tells_the_session_before_a_line_does() -> None:
    assert CodexRollout("@coder", PATH).session == THREAD
    assert len(used(*LINES)) == 2


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (event(1, "turn_aborted", reason="interrupted"), [(Kind.TURN_END, "interrupted by the operator")]),
        (event(1, "turn_aborted", reason="replaced"), [(Kind.TURN_END, "turn aborted replaced")]),
        (event(1, "error", message="unauthorized"), [(Kind.ERROR, "unauthorized")]),
        (event(1, "stream_error", message="stream disconnected"), [(Kind.WARNING, "stream disconnected")]),
        (event(1, "stream_error", message="last status: 429 Too Many"), [(Kind.LIMIT, "last status: 429 Too Many")]),
        (event(1, "context_compacted"), [(Kind.COMPACTED, "context compacted")]),
        (codex(1, "compacted", message=""), [(Kind.COMPACTED, "context compacted")]),
        (event(1, "task_complete"), [(Kind.TURN_END, "turn over")]),
        (event(1, "item_completed", item={"type": "Reasoning", "summary_text": []}), [(Kind.THINKING, "thinking")]),
        (event(1, "item_completed", item={"type": "FileChange", "id": "x"}), []),
        (event(1, "an_event_of_next_year"), []),
        (item(1, "message", role="assistant"), []),
        (item(1, "custom_tool_call", name="apply_patch", call_id="c",
              input="*** Begin Patch\n*** Update File: src/notes.txt\n@@"), [(Kind.TOOL, "apply_patch: notes.txt")]),
        (item(1, "function_call", name="shell", call_id="c", arguments='{"command": ["bash", "-lc", "make"]}'),
         [(Kind.TOOL, "shell: bash -lc make")]),
        (item(1, "function_call", name="update_plan", call_id="c", arguments="{torn"), [(Kind.TOOL, "update_plan")]),
        (item(1, "local_shell_call", call_id="c", action={"command": ["ls"]}), [(Kind.TOOL, "shell: ls")]),
        (item(1, "function_call_output", call_id="c", output="ok"), [(Kind.TOOL_DONE, "a tool → ok")]),
        (item(1, "function_call_output", call_id="c", output={"content": "no", "success": False}),
         [(Kind.TOOL_FAILED, "a tool failed no")]),
        (item(1, "function_call_output", call_id="c", output="Process exited with code 2\nOutput:\nno rule"),
         [(Kind.TOOL_FAILED, "a tool failed no rule")]),
        (event(1, "item_completed", item={"type": "CommandExecution", "id": "c", "exit_code": 1, "status": "failed",
               "aggregated_output": "no"}), [(Kind.TOOL_FAILED, "a tool failed no")]),
        (event(1, "item_completed", item={"type": "CommandExecution", "id": "c", "exit_code": None,
               "status": "declined"}), [(Kind.TOOL_FAILED, "a tool failed")]),
    ],
)  # fmt: skip
def test_each_line_has_its_meaning(raw: bytes, expected: list[tuple[Kind, str]]) -> None:
    assert [(a.kind, a.text) for a in told(raw)] == expected


def test_a_call_ends_once_whichever_tells_it_first_and_its_id_may_come_again() -> None:
    call = item(1, "function_call", name="exec_command", call_id="c", arguments='{"cmd": "ls"}')
    output = item(2, "function_call_output", call_id="c", output="a")
    done = event(3, "item_completed", item={"type": "CommandExecution", "id": "c", "exit_code": 0})
    once = [(Kind.TOOL, 1.0), (Kind.TOOL_DONE, 2.0)]
    assert [(a.kind, a.at) for a in told(call, output, done)] == once
    assert [(a.kind, a.at) for a in told(call, output, done, call, output, done)] == once * 2


def test_one_compaction_is_told_once() -> None:
    lines = [codex(10, "compacted", message=""), event(11, "context_compacted"), event(100, "context_compacted")]
    assert [(a.kind, a.at) for a in told(*lines)] == [(Kind.COMPACTED, 10.0), (Kind.COMPACTED, 100.0)]


def test_with_usage_records_the_counts_say_nothing_new() -> None:
    one, two = tokens(120, 20, 15), tokens(240, 40, 30)
    lines = [record(1, one, one), count(2, one, one), record(3, one, two), count(4, one, two)]
    assert [(s.at, s.usage) for s in used(*lines)] == [(1.0, Usage(100, 15, 20)), (3.0, Usage(100, 15, 20))]


def test_a_record_that_tells_no_total_counts_once_too() -> None:
    one = tokens(120, 20, 15)
    assert len(used(codex(1, "token_usage_record", usage=one), count(2, one, one))) == 1


def test_without_them_a_count_that_is_told_again_counts_once() -> None:
    one, two = tokens(120, 20, 15), tokens(300, 40, 30)
    lines = [
        event(0.5, "token_count", info=None, rate_limits={}),
        count(1, one, one),
        count(2, one, one),
        count(3, tokens(180, 20, 15), two),
    ]
    assert [(s.at, s.usage, s.context, s.window) for s in used(*lines)] == [
        (1.0, Usage(100, 15, 20), 120, 258400),
        (3.0, Usage(160, 15, 20), 180, 258400),
    ]


@pytest.mark.parametrize(
    ("raw", "missing"),
    [
        (json.dumps({"type": "event_msg", "payload": 7}).encode(), "event_msg lines without a payload"),
        (event(1, "item_completed"), "without an item"),
        (item(1, "function_call", name="x"), "function_call items without call_id"),
        (codex(1, "token_usage_record", used={}), "without the usage of a message"),
        (event(1, "token_count", info={"x": 1}), "without the usage of a message"),
    ],
)
def test_a_format_that_changed_is_said_once(raw: bytes, missing: str) -> None:
    one = CodexRollout("@coder", PATH)
    one.read(codex(1, "session_meta", cli_version="0.170.0"), NOW)
    one.read(raw, NOW)
    assert missing in one.drift and one.drift.startswith("Codex 0.170.0")
    first = one.drift
    one.read(item(1, "custom_tool_call"), NOW)
    assert one.drift == first


def test_sessions_lie_by_the_day_on_which_they_began(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CODEX_HOME", str(tmp_path))
    found = directories(date(2026, 10, 31), date(2026, 11, 1), tmp_path)
    assert found == [tmp_path / "sessions/2026/10/31", tmp_path / "sessions/2026/11/01"]


def test_where_a_session_was_begun_stands_in_its_first_line(tmp_path: Path) -> None:
    assert cwd_of(FIXTURE) == CWD
    path = tmp_path / "rollout.jsonl"
    assert cwd_of(path) == ""
    path.write_bytes(b'{"type": "session_me')
    assert cwd_of(path) == ""


OTHERS = [
    event(1, "turn_aborted", reason="interrupted"),
    event(1, "stream_error", message="x"),
    item(1, "custom_tool_call", name="apply_patch", call_id="p", input="*** Add File: a"),
    item(1, "local_shell_call", call_id="s", action={"command": ["ls"]}),
    item(1, "function_call_output", call_id="s", output={"content": "x", "success": True}),
    codex(1, "compacted", message="x"),
]


@settings(max_examples=300, deadline=None)
@given(st.lists(mutated(LINES + OTHERS), max_size=12))
def test_whatever_a_line_is_it_never_raises_and_is_never_another_agents(lines: list[bytes]) -> None:
    one = CodexRollout("@coder", PATH)
    for raw in lines:
        for found in [*one.read(raw, NOW), *one.spent(raw, NOW)]:
            if isinstance(found, Limit):
                assert is_sound(found, "codex") and found.seen_at <= NOW
                continue
            assert found.agent == "@coder" and found.at <= NOW
            if isinstance(found, Spent):
                assert min(found.usage.input, found.usage.output, found.usage.cache_read, found.context) >= 0
            else:
                assert found.source == "transcript" and isinstance(found.text, str)
                assert (found.kind in (Kind.TOOL, Kind.TOOL_DONE, Kind.TOOL_FAILED)) <= (found.tool_id != "")


def test_no_value_of_any_type_at_any_place_makes_it_raise() -> None:
    for raw in (raw for one in LINES + OTHERS for raw in every_value_replaced(one)):
        one = CodexRollout("@coder", PATH)
        found = one.read(raw, NOW)
        sound = (is_sound(a, "codex") if isinstance(a, Limit) else a.agent == "@coder" for a in found)
        assert all(sound) and isinstance(one.drift, str), raw
