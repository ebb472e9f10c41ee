"""A Gemini CLI session file tells what its agent does and what that takes, each thing once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore.model.activity import Activity, Kind
from mailcore.model.usage import Spent, Usage
from mailcore.programs.gemini.transcript import GeminiTranscript
from mailcore.programs.transcript_reader import Counted
from tests.mailcore.programs.made import FIXTURES
from tests.mailcore.session_lines import every_value_replaced, iso, mutated

SESSION = "6f1c2a34-5b67-4c89-8d01-23456789abcd"
CHILD = "033afb39-4b3b-4019-a824-80ca7bfdbcac"
PATH = Path("/h/.gemini/tmp/writer/chats/session-2026-11-28T23-10-6f1c2a34.jsonl")
CHILD_PATH = PATH.parent / SESSION / f"{CHILD}.jsonl"
NOW = 1_800_000_000.0
HEAD = {"sessionId": SESSION, "projectHash": "c92e", "startTime": iso(1), "lastUpdated": iso(1), "kind": "main"}
RESULT = [{"functionResponse": {"response": {"error": "no"}}}]


def lines(name: str) -> list[bytes]:
    return (FIXTURES / "gemini" / f"{name}.jsonl").read_bytes().splitlines()


def told(*raw: bytes, path: Path = PATH) -> list[Activity | Spent]:
    one = GeminiTranscript("@writer", path)
    return [found for line in raw for found in one.read(line, NOW)]


def message(at: float, id: str, type: str = "gemini", **fields: Any) -> bytes:
    return json.dumps({"id": id, "timestamp": iso(at), "type": type, **fields}).encode()


def used(at: float, model: str = "gemini-2.5-flash", context: int = 1000) -> Spent:
    return Spent(at, "@writer", Usage(800, 70, 200), SESSION, model, context, prompt=1000)


def test_the_captured_session_is_this_timeline() -> None:
    def did(at: float, kind: Kind, words: str, tool: str = "", tool_id: str = "", child: str = "") -> Activity:
        writes = ("NOTES.md",) if (kind, tool) == (Kind.TOOL, "write_file") else ()
        return Activity(at, "@writer", kind, words, "transcript", tool, tool_id, SESSION, child, writes=writes)

    def call(began: float, ended: float, words: str, id: str, brought: str) -> list[Activity]:
        tool = words.partition(":")[0]
        over = Kind.TOOL_FAILED if brought.startswith(" failed") else Kind.TOOL_DONE
        name = f"{tool}__{tool}_{id}"
        return [did(began, Kind.TOOL, words, tool, name), did(ended, over, f"{words}{brought}", tool, name)]

    written = (
        " → Successfully created and wrote to new file: /home/op/project/agents/writer/NOTES.md. Here is the updated "
        "code: all new"
    )
    report = (
        """Subagent 'codebase_investigator' finished. Termination Reason: GOAL Result: { "SummaryOfFindings": "f", """
        """"ExplorationTra…"""
    )
    denied = " failed Tool execution denied by policy."
    agent = "invoke_agent__invoke_agent_1795907402398_0"
    assert told(*lines("session")) == [
        did(1795907402.256, Kind.SESSION, "session: start"),
        did(1795907402.266, Kind.PROMPT, "You are \\@writer. Write the notes."),
        did(1795907402.318, Kind.THINKING, "Looking around: I look at what is there."),
        did(1795907402.318, Kind.MESSAGE, "I look around."),
        used(1795907402.318),
        *call(1795907402.318, 1795907402.324, "list_directory", "1795907402280_0", " → Directory is empty."),
        used(1795907402.343),
        *call(1795907402.343, 1795907402.355, "read_file: absent.md", "1795907402338_0", " failed File not found."),
        *call(1795907402.343, 1795907402.355, "run_shell_command: d", "1795907402341_1", denied),
        used(1795907402.370),
        *call(1795907402.370, 1795907402.392, "write_file: NOTES.md", "1795907402367_0", written),
        used(1795907402.400),
        *call(1795907402.400, 1795907402.455, "invoke_agent: look", "1795907402398_0", f" → {report}"),
        did(1795907402.455, Kind.SUBAGENT_DONE, report, "invoke_agent", agent, CHILD),
        did(1795907402.465, Kind.MESSAGE, "Notes are written."),
        used(1795907402.465),
        # Resumed: the history that is written again is no news.
        did(1795907464.297, Kind.PROMPT, "You are \\@writer. Go on."),
        used(1795907464.355),
        *call(1795907464.355, 1795907464.459, "run_shell_command: d", "1795907464316_0", " → mailcore 0.1.0"),
        did(1795907464.467, Kind.MESSAGE, "It is done."),
        used(1795907464.467),
    ]


def test_a_subagents_file_is_of_its_agents_session() -> None:
    found = told(*lines("subagent"), path=CHILD_PATH)
    assert [(one.kind, one.session, one.subagent) for one in found if isinstance(one, Activity)] == [
        (kind, SESSION, CHILD) for kind in (Kind.SUBAGENT, Kind.PROMPT, Kind.MESSAGE, *[Kind.TOOL, Kind.TOOL_DONE] * 2)
    ]
    assert [one for one in found if isinstance(one, Spent)] == [
        used(1795907402.418, "gemini-2.5-pro", 0), used(1795907402.446, "gemini-2.5-pro", 0)
    ]  # fmt: skip


def test_a_session_that_was_resumed_in_another_minute_leaves_a_file_with_a_head_alone() -> None:
    (head,) = told(*lines("session-head"))
    assert isinstance(head, Activity) and (head.kind, head.session) == (Kind.SESSION, SESSION)


@pytest.mark.parametrize(("name", "path"), [("session", PATH), ("subagent", CHILD_PATH), ("session-head", PATH)])
def test_what_was_used_is_the_same_without_the_rest(name: str, path: Path) -> None:
    one, quick = GeminiTranscript("@writer", path), GeminiTranscript("@writer", path)
    found = [each for raw in lines(name) for each in one.read(raw, NOW) if isinstance(each, Spent)]
    assert [each for raw in lines(name) for each in quick.spent(raw, NOW)] == found
    assert one.drift == quick.drift == ""


def test_a_message_that_is_written_again_is_told_once_with_what_is_new() -> None:
    tokens = {"input": 100, "output": 10, "cached": 40, "thoughts": 5, "tool": 3, "total": 118}
    call = {"id": "c", "name": "glob", "args": {"pattern": "*.md"}, "status": "success", "timestamp": iso(5)}
    first = message(1, "m", content="", thoughts=[{"subject": "Hm"}], tokens=None)
    second = message(1, "m", content="I look.", thoughts=[{"subject": "Hm"}, {"description": "So"}], tokens=tokens)
    third = message(1, "m", content="I look.", toolCalls=[call], tokens=tokens)
    found = told(first, second, third, third)
    assert [(one.kind, one.text, one.at) for one in found if isinstance(one, Activity)] == [
        (Kind.THINKING, "Hm", 1.0),
        (Kind.THINKING, "So", 1.0),
        (Kind.MESSAGE, "I look.", 1.0),
        (Kind.TOOL, "glob: *.md", 1.0),
        (Kind.TOOL_DONE, "glob: *.md", 5.0),
    ]
    assert [one.usage for one in found if isinstance(one, Spent)] == [Usage(63, 15, 40)]


def test_two_files_of_an_agent_count_a_message_once() -> None:
    counted = Counted(10)
    raw = message(1, "m", content="x", tokens={"input": 5})
    one = GeminiTranscript("@writer", PATH, counted=counted)
    other = GeminiTranscript("@writer", PATH, counted=counted)
    assert (len(one.spent(raw, NOW)), len(other.spent(raw, NOW))) == (1, 0)


def test_a_message_whose_first_line_another_counted_is_not_counted_by_its_second() -> None:
    one = GeminiTranscript("@writer", PATH)
    one.read(message(1, "m", content="x", tokens={"input": 5}), NOW)
    one.counted = Counted(10)
    assert one.spent(message(1, "m", content="x", toolCalls=[], tokens={"input": 5}), NOW) == []


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (message(1, "u", "user", content="hello"), [(Kind.PROMPT, "hello")]),
        (message(1, "u", "user", content=[{"text": "a"}, {"text": "b"}]), [(Kind.PROMPT, "a b")]),
        (message(1, "u", "user", content=[{"text": "<session_context>\nThis is"}]), []),
        (message(1, "u", "user", content=[{"text": "<hook_context>mail</hook_context>\n\nhello"}]),
         [(Kind.PROMPT, "hello")]),
        (message(1, "u", "user", content=[{"functionResponse": {"id": "c"}}]), []),
        (message(1, "i", "info", content="Imported"), []),
        (message(1, "n", "a type of next year", content="x"), []),
        (message(1, "g", content=[{"text": "a"}]), [(Kind.MESSAGE, "a")]),
        (message(1, "g", content="", toolCalls=[{"id": "c", "name": "glob", "status": "cancelled"}]),
         [(Kind.TOOL, "glob"), (Kind.TOOL_FAILED, "glob failed")]),
        (message(1, "g", toolCalls=[{"id": "c", "name": "x", "status": "error", "result": RESULT}]),
         [(Kind.TOOL, "x"), (Kind.TOOL_FAILED, "x failed no")]),
        (b'{"$set":{"messages":[{"id":"g","type":"gemini","content":"x"}]}}', []),
        (b'{"$rewindTo":"g"}', []),
        (json.dumps(HEAD).encode(), [(Kind.SESSION, "session: start")]),
    ],
)  # fmt: skip
def test_each_line_has_its_meaning(raw: bytes, expected: list[tuple[Kind, str]]) -> None:
    assert [(one.kind, one.text) for one in told(raw) if isinstance(one, Activity)] == expected


@pytest.mark.parametrize(
    ("raw", "missing"),
    [
        (message(1, "", content="x"), "messages without an id"),
        (message(1, "", "user", content="x"), "messages without an id"),
        (message(1, "g", toolCalls=[{"name": "x"}]), "tool calls without an id"),
        (message(1, "g", tokens=7), "messages whose tokens are no table"),
    ],
)
def test_a_format_that_changed_is_said_once(raw: bytes, missing: str) -> None:
    one = GeminiTranscript("@writer", PATH)
    one.read(raw, NOW)
    assert one.drift == f"Gemini CLI writes {missing}"
    one.read(message(1, "h", tokens="x", toolCalls=[{}]), NOW)
    assert one.drift == f"Gemini CLI writes {missing}"


ALL = [*lines("session"), *lines("subagent"), *lines("session-head")]


@settings(max_examples=300, deadline=None)
@given(st.lists(mutated(ALL), max_size=12))
def test_whatever_a_line_is_it_never_raises_and_is_never_another_agents(raw: list[bytes]) -> None:
    one = GeminiTranscript("@writer", PATH)
    for line in raw:
        for found in [*one.read(line, NOW), *one.spent(line, NOW)]:
            assert found.agent == "@writer" and found.at <= NOW
            if isinstance(found, Spent):
                assert min(found.usage.input, found.usage.output, found.usage.cache_read, found.context) >= 0
            else:
                assert found.source == "transcript" and isinstance(found.text, str)
                assert (found.kind in (Kind.TOOL, Kind.TOOL_DONE, Kind.TOOL_FAILED)) <= (found.tool_id != "")


def test_no_value_of_any_type_at_any_place_makes_it_raise() -> None:
    for raw in (raw for line in ALL for raw in every_value_replaced(line)):
        one = GeminiTranscript("@writer", PATH)
        found = one.read(raw, NOW)
        assert all(each.agent == "@writer" for each in found) and isinstance(one.drift, str), raw
