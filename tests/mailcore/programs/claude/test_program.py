"""What Claude Code is told, and how its outcome is read: from status fields of this attempt, never from words."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore.config import AgentConfig
from mailcore.programs.claude.program import Claude, session_file
from mailcore.programs.claude.result import ClaudeResult
from tests.mailcore.programs.made import AGENT, FIXTURES, launch, output


def test_claude_is_called_headless_with_a_named_session(tmp_path: Path) -> None:
    words = Claude().argv(launch(config={"model": "opus"}))
    assert words[:3] == ["claude", "-p", "do it"]
    assert words[words.index("--session-id") + 1] == "5e55" and words[words.index("--model") + 1] == "opus"
    assert words[words.index("--permission-mode") + 1] == "acceptEdits" and "--resume" not in words
    resumed = launch(mode="resume", home=tmp_path)
    assert "--resume" not in Claude().argv(resumed)  # nothing there to resume
    transcript = session_file(AGENT, "5e55", tmp_path)
    transcript.parent.mkdir(parents=True)
    transcript.write_text("{}\n")
    assert transcript == tmp_path / "projects" / "-p-agents-my-writer-v1" / "5e55.jsonl"
    words = Claude().argv(resumed)
    assert words[words.index("--resume") + 1] == "5e55" and "--session-id" not in words
    assert Claude().session("5e55", output(tmp_path)) == "5e55"
    assert Claude().attach(AGENT, AgentConfig(model="opus"), "5e55", tmp_path) == [
        "claude",
        "--resume",
        "5e55",
        "--model",
        "opus",
    ]
    assert Claude().attach(AGENT, AgentConfig(), "5e55", tmp_path / "other") is None  # of another account
    assert [Claude().attach(AGENT, AgentConfig(), id, tmp_path) for id in ("0the", "")] == [None, None]


@pytest.mark.parametrize(
    ("mode", "said"), [("", "acceptEdits"), ("bypass", "bypassPermissions"), ("plan", "plan"), ("dontAsk", "dontAsk")]
)
def test_claude_may_run_mailcore_in_every_mode(mode: str, said: str) -> None:
    words = Claude().argv(launch(config={"permission_mode": mode}))
    assert words[words.index("--permission-mode") + 1] == said
    assert words[words.index("--allowedTools") + 1] == "Bash(mailcore:*)"
    assert words[words.index("--allowedTools") + 2].startswith("--")  # the option takes all words up to the next


def test_what_claude_was_not_permitted_is_told(tmp_path: Path) -> None:
    denials: list[object] = [{"tool_name": "Bash"}, {"tool_name": "Write"}, {"tool_name": "Bash"}]
    found = Claude().ending(0, output(tmp_path, result(permission_denials=denials)))
    assert (found.success, found.cause) == (True, "exit 0, not permitted: Bash, Write")
    found = Claude().ending(0, output(tmp_path, result(permission_denials=[*denials, "odd"])))
    told = 'exit 0, claude\'s result has permission_denials[3] = "odd" where an object is expected'
    assert (found.success, found.cause) == (True, told)


@pytest.mark.parametrize(
    ("file", "code", "success", "limited"),
    [("result-success.json", 0, True, False), ("result-overloaded.json", 1, False, True)],
)
def test_claudes_results_as_captured(tmp_path: Path, file: str, code: int, success: bool, limited: bool) -> None:
    found = Claude().ending(code, output(tmp_path, (FIXTURES / "claude-code" / file).read_bytes()))
    assert (found.success, found.limited) == (success, limited)
    assert found.cause


def result(**changes: Any) -> str:
    return json.dumps({"type": "result", "subtype": "success", "is_error": False, "result": "ok"} | changes) + "\n"


@pytest.mark.parametrize(
    ("stdout", "code", "success", "limited"),
    [
        (result(), 0, True, False),
        (result(), 1, False, False),
        (result(is_error=True), 0, False, False),
        (result(subtype="error_max_turns"), 0, False, False),
        (result(is_error=True, api_error_status=429), 1, False, True),
        (result(is_error=True, api_error_status=529), 1, False, True),
        (result(is_error=True, api_error_status=400), 1, False, False),
        (result(result="HTTP 429 rate limit, overloaded"), 0, True, False),
        ("429 Too Many Requests\n", 1, False, False),
        ("", 0, True, False),
        ("", 1, False, False),
        ("x" * 70000 + "\n" + result(), 0, True, False),
        (result() + "bye\n[1, 2]\n{torn", 0, True, False),
    ],
)
def test_what_claudes_result_object_says_decides(
    tmp_path: Path, stdout: str, code: int, success: bool, limited: bool
) -> None:
    found = Claude().ending(code, output(tmp_path, stdout, b"earlier 429"))
    assert (found.success, found.limited) == (success, limited)


@pytest.mark.parametrize("stdout", [result(), ""])
def test_exit_0_with_background_tasks_cut_off_is_incomplete(tmp_path: Path, stdout: str) -> None:
    said = b"note\nBackground tasks still running: 2 (build, test)\n"
    found = Claude().ending(0, output(tmp_path, stdout, said))
    assert (found.success, found.cause, found.final) == (False, "exit 0, background tasks cut off", False)
    assert Claude().ending(1, output(tmp_path, stdout, said)).cause != found.cause


def test_who_used_all_its_turns_is_not_started_again_by_itself(tmp_path: Path) -> None:
    found = Claude().ending(1, output(tmp_path, result(subtype="error_max_turns", is_error=True)))
    assert (found.success, found.final, found.cause) == (False, True, "exit 1, error_max_turns")
    assert not Claude().ending(1, output(tmp_path, result(subtype="error_during_execution"))).final


def test_a_warning_of_claudes_is_no_sign_of_life(tmp_path: Path) -> None:
    assert not Claude().shows_life(launch(), output(tmp_path, "", b"a warning"))
    assert Claude().shows_life(launch(), output(tmp_path, "{", b""))


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        ({"api_error_status": [529]}, "api_error_status = [529] where a whole number is expected"),
        ({"api_error_status": "529"}, 'api_error_status = "529" where a whole number is expected'),
        ({"is_error": "no"}, 'is_error = "no" where true or false is expected'),
        ({"subtype": {"a": "\ud800\x1b"}}, 'subtype = {"a": "\ufffd\\u001b"} where a text is expected'),
    ],
)
def test_a_result_that_does_not_tell_how_it_came_out_is_told_and_not_tried_again(
    tmp_path: Path, odd: dict[str, Any], told: str
) -> None:
    found = Claude().ending(0, output(tmp_path, result(**odd)))
    assert (found.success, found.final, found.result) == (False, True, "ok")
    assert found.cause == f"claude's result has {told}"


def test_what_only_tells_more_decides_nothing(tmp_path: Path) -> None:
    found = Claude().ending(0, output(tmp_path, result(total_cost_usd=-1, result=7, new_in_this_release=[{}])))
    assert found.success and not found.final and (found.cost, found.result) == (0.0, "")
    assert "total_cost_usd = -1 where a number >= 0.0 is expected" in found.cause
    assert "result = 7 where a text is expected" in found.cause


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
KEYS = st.sampled_from([*ClaudeResult.__struct_fields__, "other"])


@settings(deadline=None)
@given(
    st.dictionaries(KEYS, JSON | st.sampled_from([429, 529, 400, "success", [{"tool_name": 1}]])), st.integers(-64, 255)
)
def test_of_a_result_of_any_shape_there_is_an_outcome(values: dict[str, Any], code: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        found = Claude().ending(code, output(Path(place), json.dumps({**values, "type": "result"})))
    assert found.cause and isfinite(found.cost) and found.cost >= 0
    assert not (found.success and code)
    if values.get("is_error") is True or values.get("api_error_status") in (429, 529):
        assert not found.success


def test_a_fork_is_a_copy_with_a_name_of_its_own(tmp_path: Path) -> None:
    forking = replace(launch(mode="fork", home=tmp_path), forked="01d")
    assert "--resume" not in Claude().argv(forking)  # nothing there to begin from
    file = session_file(AGENT, "01d", tmp_path)
    file.parent.mkdir(parents=True)
    file.write_text("{}\n")
    words = Claude().argv(forking)
    at = words.index("--resume")
    assert words[at : at + 5] == ["--resume", "01d", "--fork-session", "--session-id", "5e55"]
