"""What command lines and file names of real programs say of a session: which are none, and what it was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailcore.programs.base import Interactive
from mailcore.programs.registry import program


def kind(name: str) -> Interactive:
    """How a session of that program is known."""
    found = program(name).interactive
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "words", "is_one"),
    [
        ("claude", ["claude"], True),
        ("claude", ["claude", "daemon", "run", "--origin", "transient"], False),
        ("claude", ["claude bg-pty-host", "--bg-pty-host", "a.sock", "200", "50"], False),
        ("claude", ["claude bg-spare", "--bg-spare", "b.sock"], True),
        ("codex", ["codex", "resume"], True),
        ("codex", ["codex", "app-server", "--listen", "unix://"], False),
    ],
)
def test_what_keeps_sessions_is_none(name: str, words: list[str], is_one: bool) -> None:
    assert kind(name).is_session(words) is is_one


@pytest.mark.parametrize(
    ("name", "line", "given"),
    [
        ("claude", "claude --add-dir a ../b --model opus c", ["a", "../b"]),
        ("claude", "claude --add-dir=a --add-dir b", ["a", "b"]),
        ("claude", "claude -p words", []),
        ("codex", "codex --add-dir a --add-dir b words", ["a", "b"]),
        ("codex", "codex --add-dir=a --model m", ["a"]),
        ("codex", "codex -C a --cd=../b words", ["../b", "a"]),
    ],
)
def test_the_directories_that_it_was_given_stand_in_its_command_line(name: str, line: str, given: list[str]) -> None:
    added = kind(name).added
    assert added is not None and added(line.split()) == given


def test_a_server_that_several_terminals_share_says_so() -> None:
    shared = kind("codex").shared
    assert shared is not None and kind("claude").shared is None
    assert shared(["codex", "app-server", "--listen", "unix://", "--managed-daemon"])
    assert not shared(["codex", "resume"]) and not shared(["codex", "app-server"])


def test_a_job_is_joined_by_its_id() -> None:
    join = kind("claude").join
    assert join is not None and join("7e95e617") == ["claude", "attach", "7e95e617"]
    assert kind("codex").join is None


@pytest.mark.parametrize(
    ("name", "path", "session"),
    [
        ("claude", "projects/-p/abc.jsonl", "abc"),
        ("claude", "projects/-p/abc/subagents/agent-1.jsonl", "abc"),
        ("codex", "sessions/2026/11/30/rollout-2026-11-30T11-38-11-01a22c3f-89f9-7681-8f40-ca064795e319.jsonl",
         "01a22c3f-89f9-7681-8f40-ca064795e319"),
    ],
)  # fmt: skip
def test_a_file_says_by_its_name_of_which_session_it_is(tmp_path: Path, name: str, path: str, session: str) -> None:
    files = program(name).sessions_at(tmp_path)
    assert files is not None and files.session_of(tmp_path / path) == session
