"""How a run came out: as captured, and whatever its events look like."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore.model.limit import SERVICE
from mailcore.programs.base import Ending
from mailcore.programs.gemini.outcome import ending, session_id
from tests.mailcore.programs.made import FIXTURES, output
from tests.mailcore.session_lines import every_value_replaced, mutated

CAPTURED = sorted((FIXTURES / "gemini").glob("stream-*.jsonl"))
LINES = [line for path in CAPTURED for line in path.read_bytes().splitlines()]
LIMIT = (
    "exit 53: Reached max session turns for this session. Increase the number of turns by specifying maxSessionTurns "
    "in settings.json."
)
EMPTY = (
    "exit 0: The model returned an empty response with no text or thoughts. This may be a transient API issue; please "
    "try again."
)
BAD_KEY = (
    'exit 144: {"error":{"code":400,"message":"API key not valid. Please pass a valid API '
    'key.","status":"INVALID_ARGUMENT","details":…'
)
QUOTA = "You exceeded your current quota, please check your plan and billing details. Please retry in "


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("success", 0, Ending(True, "exit 0, not permitted: run_shell_command", result="Notes are written.")),
        ("resumed", 0, Ending(True, "exit 0", result="It is done.")),
        ("quota-day", 173, Ending(False, "API 429: You have exhausted your daily quota on this model.", True)),
        ("quota-hour", 173, Ending(False, f"API 429, to be tried again after 3600s: {QUOTA}3600s.", True)),
        ("quota-minute", 173, Ending(False, f"API 429, to be tried again after 2s: {QUOTA}2s.", True)),
        ("overloaded", 247, Ending(False, "API 503: The model is overloaded. Please try again later.", True)),
        ("turn-limit", 53, Ending(False, LIMIT)),
        ("empty", 0, Ending(False, EMPTY)),
        ("bad-key", 144, Ending(False, BAD_KEY)),
    ],
)  # fmt: skip
def test_as_captured(tmp_path: Path, name: str, code: int, expected: Ending) -> None:
    found = ending(code, output(tmp_path, (FIXTURES / "gemini" / f"stream-{name}.jsonl").read_bytes()))
    assert replace(found, limit=None) == expected and (found.limit is not None) == found.limited


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0, Ending(False, "exit 0: the stream ended without a result")),
        (1, Ending(False, "exit 1: the stream ended without a result")),
        (41, Ending(False, "exit 41: it is not logged in", final=True)),
        (52, Ending(False, "exit 52: its settings are wrong", final=True)),
        (55, Ending(False, "exit 55: the branch is no trusted folder", final=True)),
        (173, Ending(False, "API 429", True)),
        (-9, Ending(False, "ended by SIGKILL: the stream ended without a result")),
    ],
)
def test_what_says_nothing_is_told_by_its_exit_code(tmp_path: Path, code: int, expected: Ending) -> None:
    assert ending(code, output(tmp_path, "{torn\nno event\n7\n[]\n")) == expected


def told(*events: Any) -> str:
    return "".join(f"{json.dumps(event)}\n" for event in events)


def test_a_result_of_success_with_another_exit_code_is_none(tmp_path: Path) -> None:
    assert ending(1, output(tmp_path, told({"type": "result", "status": "success"}))) == Ending(False, "exit 1")


def test_an_answer_decides_nothing(tmp_path: Path) -> None:
    said = {"type": "message", "role": "assistant", "content": "Suggested retry after 3600s.", "delta": True}
    good = told(said, {"type": "result", "status": "success"})
    assert ending(0, output(tmp_path, good)) == Ending(True, "exit 0", result="Suggested retry after 3600s.")
    bad = told(said, {"type": "result", "status": "error", "error": {"type": "unknown", "message": "[API Error: No.]"}})
    found = ending(247, output(tmp_path, bad))
    assert replace(found, limit=None) == Ending(False, "API 503: No.", True, "Suggested retry after 3600s.")
    assert found.limit is not None and found.limit.scope == SERVICE and found.limit.resets_at == 0.0


def test_a_run_that_it_stopped_itself_says_so(tmp_path: Path) -> None:
    stopped = {"type": "error", "severity": "warning", "message": "Loop detected, stopping execution"}
    found = ending(0, output(tmp_path, told(stopped, {"type": "result", "status": "success"})))
    assert found == Ending(True, "exit 0, Loop detected, stopping execution")


def test_the_answer_is_what_was_said_last(tmp_path: Path) -> None:
    def piece(text: str) -> dict[str, Any]:
        return {"type": "message", "role": "assistant", "content": text, "delta": True}

    tool = {"type": "tool_use", "tool_name": "glob", "tool_id": "1", "parameters": {}}
    prompt = {"type": "message", "role": "user", "content": "do it"}
    lines = told(
        prompt, piece("I look."), tool, piece("It is "), piece("done."), {"type": "result", "status": "success"}
    )
    assert ending(0, output(tmp_path, lines)).result == "It is done."


def test_what_does_not_fit_is_told_in_words(tmp_path: Path) -> None:
    odd = told({"type": "tool_use", "tool_name": 7}, {"type": "result", "status": "success"})
    assert (
        ending(0, output(tmp_path, odd)).cause == "exit 0, gemini's tool_use has tool_name = 7 where a text is expected"
    )
    nothing = told({"type": "result", "status": ["success"]})
    words = 'exit 0: gemini\'s result has status = ["success"] where a text is expected'
    assert ending(0, output(tmp_path, nothing)) == Ending(False, words)


@settings(deadline=None)
@given(st.lists(mutated(LINES), max_size=4), st.sampled_from([0, 1, 41, 53, 173, 247, -9]))
def test_whatever_it_prints_an_ending_is_told(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], code: int
) -> None:
    found = output(tmp_path_factory.mktemp("run"), b"\n".join(lines))
    made = ending(code, found)
    assert made.cause and made.limited <= (code in (173, 247)) and made.success <= (code == 0)
    assert isinstance(session_id(found.stdout), str)


def test_no_value_of_any_type_at_any_place_makes_it_raise(tmp_path: Path) -> None:
    each = {json.loads(line)["type"]: line for line in LINES}.values()
    for raw in (raw for line in each for raw in every_value_replaced(line)):
        found = output(tmp_path, raw)
        assert isinstance(ending(0, found).result, str) and isinstance(session_id(found.stdout), str)
