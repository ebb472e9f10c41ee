"""Its standard output tells live what the session file tells late or never."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore.model.activity import Activity, Kind
from mailcore.programs.gemini.output import GeminiOutput
from tests.mailcore.programs.made import FIXTURES
from tests.mailcore.session_lines import every_value_replaced, mutated

NOW = 1_800_000_000.0
LINES = [
    line for path in sorted((FIXTURES / "gemini").glob("stream-*.jsonl")) for line in path.read_bytes().splitlines()
]


def told(name: str) -> list[Activity]:
    one = GeminiOutput("@writer")
    found = [one.read(line, NOW) for line in (FIXTURES / "gemini" / f"stream-{name}.jsonl").read_bytes().splitlines()]
    return [activity for each in found for activity in each or () if isinstance(activity, Activity)]


def test_the_captured_run_is_these_calls() -> None:
    session = "6f1c2a34-5b67-4c89-8d01-23456789abcd"

    def call(began: float, ended: float, words: str, id: str, brought: str = "") -> list[Activity]:
        tool = words.partition(":")[0]
        over = Kind.TOOL_FAILED if brought.startswith(" failed") else Kind.TOOL_DONE
        name = f"{tool}__{tool}_{id}"
        writes = ("NOTES.md",) if tool == "write_file" else ()
        return [
            Activity(began, "@writer", Kind.TOOL, words, "output", tool, name, session, writes=writes),
            Activity(ended, "@writer", over, f"{words}{brought}", "output", tool, name, session),
        ]

    look = call(1795907402.299, 1795907402.324, "list_directory", "1795907402280_0", " → Directory is empty.")
    read = call(1795907402.340, 1795907402.354, "read_file: absent.md", "1795907402338_0", " failed File not found.")
    denied = " failed Tool execution denied by policy."
    shell = call(1795907402.342, 1795907402.355, "run_shell_command: d", "1795907402341_1", denied)
    assert told("success") == [
        *look,
        read[0],
        shell[0],
        read[1],
        shell[1],
        *call(1795907402.369, 1795907402.391, "write_file: NOTES.md", "1795907402367_0"),
        *call(1795907402.399, 1795907402.455, "invoke_agent: look", "1795907402398_0"),
        Activity(1795907402.465, "@writer", Kind.TURN_END, "turn over", "output", session=session),
    ]


def test_errors_are_told() -> None:
    assert [(one.kind, one.text) for one in told("overloaded")] == [
        (Kind.ERROR, "[API Error: The model is overloaded. Please try again later.]")
    ]
    (empty,) = told("empty")
    assert empty.kind is Kind.ERROR and empty.text.startswith("The model returned an empty response")
    one = GeminiOutput("@writer")
    warning = b'{"type":"error","severity":"warning","message":"Loop detected, stopping execution"}'
    loop = one.read(warning, NOW)
    assert loop == [Activity(NOW, "@writer", Kind.WARNING, "Loop detected, stopping execution", "output")]


def test_a_call_of_an_unknown_session_would_be_told_twice() -> None:
    lines = (FIXTURES / "gemini" / "stream-success.jsonl").read_bytes().splitlines()
    one = GeminiOutput("@writer")
    kinds = [each.kind for line in lines[1:] for each in one.read(line, NOW) or () if isinstance(each, Activity)]
    assert kinds == [Kind.TURN_END]


def test_any_other_line_is_one_of_a_log() -> None:
    one = GeminiOutput("@writer")
    assert one.read(b"Ripgrep is not available. Falling back to GrepTool.", NOW) is None
    assert one.read(b"{torn", NOW) == []


@settings(deadline=None)
@given(st.lists(mutated(LINES), max_size=8))
def test_whatever_a_line_is_it_never_raises(lines: list[bytes]) -> None:
    one = GeminiOutput("@writer")
    for raw in lines:
        for found in one.read(raw, NOW) or ():
            assert isinstance(found, Activity) and found.agent == "@writer" and found.at <= NOW
            assert (found.kind in (Kind.TOOL, Kind.TOOL_DONE, Kind.TOOL_FAILED)) == (found.tool_id != "")


def test_no_value_of_any_type_at_any_place_makes_it_raise() -> None:
    for raw in (raw for line in LINES for raw in every_value_replaced(line)):
        assert isinstance(GeminiOutput("@writer").read(raw, NOW), list)
