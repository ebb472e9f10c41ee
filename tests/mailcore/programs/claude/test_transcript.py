"""A Claude Code transcript tells what its agent does and what that costs, each thing once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore.model.activity import Activity, Kind
from mailcore.model.limit import Limit
from mailcore.model.usage import Spent, Usage
from mailcore.programs.claude.places import directory
from mailcore.programs.claude.sessions import cwd_of
from mailcore.programs.claude.transcript import ClaudeTranscript
from mailcore.programs.claude.usage import MAX_COUNTED_MESSAGES
from mailcore.programs.transcript_reader import MAX_TRANSCRIPT_LINE, Counted
from tests.mailcore.programs.made import is_sound
from tests.mailcore.session_lines import (
    CWD,
    SESSION,
    asked,
    call,
    every_value_replaced,
    line,
    money,
    mutated,
    result,
    said,
    text,
)

FIXTURE = Path(__file__).parents[3] / "fixtures" / "claude-code" / "transcript.jsonl"
LINES = FIXTURE.read_bytes().splitlines()
NOW = 1_800_000_000.0
MAIN = Path("/h/.claude/projects/-p") / f"{SESSION}.jsonl"
REPORT = f"{CWD}/report.md"
CHILD = MAIN.with_suffix("") / "subagents" / "agent-a1b2.jsonl"


def reader(path: Path = MAIN, counted: Counted | None = None) -> ClaudeTranscript:
    return ClaudeTranscript("@writer", path, counted=counted)


def told(*lines: bytes, path: Path = MAIN) -> list[Activity]:
    one = reader(path)
    return [a for raw in lines for a in one.read(raw, NOW) if isinstance(a, Activity)]


def used(*lines: bytes, path: Path = MAIN) -> list[Spent]:
    """What both ways of reading tell was used; they must agree."""
    one, quick = reader(path), reader(path)
    found = [a for raw in lines for a in one.read(raw, NOW) if isinstance(a, Spent)]
    assert [spent for raw in lines for spent in quick.spent(raw, NOW)] == found
    return found


def kinds(*lines: bytes, path: Path = MAIN) -> list[tuple[Kind, str]]:
    return [(a.kind, a.text) for a in told(*lines, path=path)]


def test_the_captured_transcript_is_this_timeline() -> None:
    def did(at: float, kind: Kind, words: str, tool: str = "", tool_id: str = "", *writes: str) -> Activity:
        return Activity(at, "@writer", kind, words, "transcript", tool, tool_id, SESSION, writes=writes)

    def spent(at: float, new: int, context: int) -> Spent:
        return Spent(at, "@writer", Usage(new, 30, 20, 10), SESSION, "claude-opus-5-5", context, prompt=new + 30)

    one = reader()
    one.former = lambda: 0.0
    assert [found for raw in LINES for found in one.read(raw, NOW)] == [
        did(1795308216.876, Kind.PROMPT, "Write a report"),
        did(1795308216.990, Kind.MESSAGE, "I will look around first."),
        spent(1795308216.990, 100, 130),
        did(1795308216.994, Kind.TOOL, "Bash: List files", "Bash", "toolu_01A"),
        did(1795308217.078, Kind.TOOL_DONE, "Bash: List files → hello", "Bash", "toolu_01A"),
        did(1795308217.112, Kind.TOOL, "Write: report.md", "Write", "toolu_01B", REPORT),
        spent(1795308217.112, 150, 180),
        did(
            1795308217.157,
            Kind.TOOL_DONE,
            "Write: report.md → File created successfully at: /home/op/project/agents/writer/report.md "
            "(file state is current in your context — no need…",
            "Write",
            "toolu_01B",
        ),
        did(1795308217.185, Kind.MESSAGE, "Done: the report is in report.md."),
        did(1795308217.185, Kind.TURN_END, "turn over"),
        spent(1795308217.185, 200, 230),
        Spent(1795308217.185, "@writer", Usage(cost=0.0037620000000000006), SESSION, begun=1795308215.772),
    ]
    assert (one.session, one.cwd, one.drift) == (SESSION, CWD, "")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (said(1, "m", {"type": "thinking", "thinking": "let me see"}), [(Kind.THINKING, "let me see")]),
        (said(1, "m", {"type": "thinking", "thinking": "", "signature": "x"}), [(Kind.THINKING, "thinking")]),
        (said(1, "m", {"type": "redacted_thinking", "data": "x"}), []),
        (asked(1, [text("two"), {"type": "image"}, text("parts")]), [(Kind.PROMPT, "two parts")]),
        (asked(1, "<command-name>/model</command-name>"), []),
        (asked(1, "<local-command-stdout>x</local-command-stdout>"), []),
        (asked(1, "a caveat", isMeta=True), []),
        (asked(1, "This session is being continued", isCompactSummary=True), []),
        (asked(1, [text("[Request interrupted by user]")]), [(Kind.TURN_END, "interrupted by the operator")]),
        (asked(1, [text("[Request interrupted by user for tool use]")]),
         [(Kind.TURN_END, "interrupted by the operator")]),
        (line(1, "system", subtype="compact_boundary", compactMetadata={"trigger": "auto", "preTokens": 155000}),
         [(Kind.COMPACTED, "context of 155000 tokens compacted")]),
        (line(1, "system", subtype="compact_boundary"), [(Kind.COMPACTED, "context compacted")]),
        (line(1, "system", subtype="api_error", error={"status": 529}, retryAttempt=2, maxRetries=10),
         [(Kind.LIMIT, "API 529, attempt 2 of 10")]),
        (line(1, "system", subtype="api_error", error={"cause": {}}, retryAttempt=1, maxRetries=10),
         [(Kind.WARNING, "API error, attempt 1 of 10")]),
        (line(1, "system", subtype="api_error", error={"cause": {"code": "ENOTFOUND"}}, retryAttempt=1, maxRetries=10),
         [(Kind.WARNING, "API error (ENOTFOUND), attempt 1 of 10")]),
        (line(1, "system", subtype="api_error", cause={"code": "ConnectionRefused"}, retryAttempt=1, maxRetries=10),
         [(Kind.WARNING, "API error (ConnectionRefused), attempt 1 of 10")]),
        (said(1, "m", text("API Error: 429"), isApiErrorMessage=True), [(Kind.ERROR, "API Error: 429")]),
        (line(1, "system", subtype="turn_duration"), []),
        (line(1, "a-type-of-next-year", message=3), []),
        (result(1, "t9", [{"type": "text", "text": "one\n  two"}]), [(Kind.TOOL_DONE, "a tool → one two")]),
        (result(1, "t9", ""), [(Kind.TOOL_DONE, "a tool")]),
    ],
)  # fmt: skip
def test_each_line_has_its_meaning(raw: bytes, expected: list[tuple[Kind, str]]) -> None:
    assert kinds(raw) == expected


@pytest.mark.parametrize("kind", ["api-request", "api-request-blob", "api-request-shape", "atis-latch", "tools-used"])
def test_lines_that_say_nothing_that_is_wanted_are_known(kind: str) -> None:
    """Of Claude Code 2.1.330; the first four where it is logged in with a plan."""
    reader = ClaudeTranscript("@writer", MAIN)
    assert reader.read(line(1, kind, hash="x"), NOW) == []
    assert reader.unread == 0


def test_a_failed_call_says_why() -> None:
    assert kinds(
        said(1, "m", call("t1", "Bash", command="make")),
        result(2, "t1", "Exit code 2\nno rule to make target", is_error=True),
    ) == [(Kind.TOOL, "Bash: make"), (Kind.TOOL_FAILED, "Bash: make failed Exit code 2 no rule to make target")]


def test_only_the_main_agent_ends_a_turn_and_once_a_message() -> None:
    lines = [
        said(1, "m", {"type": "thinking", "thinking": "done"}, stop_reason="end_turn"),
        said(2, "m", text("all"), stop_reason="end_turn"),
        said(3, "m", text("is well"), stop_reason="end_turn"),
        said(4, "c", text("child"), stop_reason="end_turn", isSidechain=True, agentId="a1b2"),
    ]
    assert [(a.kind, a.at, a.subagent) for a in told(*lines) if a.kind is Kind.TURN_END] == [(Kind.TURN_END, 2.0, "")]
    assert [a.subagent for a in told(*lines)][-1] == "a1b2"


def test_a_subagent_begins_with_its_call_and_ends_with_its_result() -> None:
    found = told(
        said(1, "m", call("t1", "Task", description="Look for bugs", prompt="…"), call("t2", "Agent", prompt="x")),
        result(2, "t2", "nothing", toolUseResult={"status": "completed", "agentId": "b"}),
        result(3, "t1", "two bugs", toolUseResult={"status": "completed", "agentId": "a"}),
    )
    assert [(a.kind, a.text, a.tool_id, a.subagent) for a in found] == [
        (Kind.TOOL, "Task: Look for bugs", "t1", ""),
        (Kind.SUBAGENT, "Look for bugs", "t1", ""),
        (Kind.TOOL, "Agent: x", "t2", ""),
        (Kind.SUBAGENT, "subagent", "t2", ""),
        (Kind.TOOL_DONE, "Agent: x → nothing", "t2", ""),
        (Kind.SUBAGENT_DONE, "nothing", "t2", "b"),
        (Kind.TOOL_DONE, "Task: Look for bugs → two bugs", "t1", ""),
        (Kind.SUBAGENT_DONE, "two bugs", "t1", "a"),
    ]


def test_a_subagent_in_the_background_ends_with_its_notice() -> None:
    notice = "<task-notification>\n<task-id>bg1</task-id>\n<tool-use-id>t1</tool-use-id>\n<status>completed</status>"
    begin = [
        said(1, "m", call("t1", "Agent", description="Review")),
        result(2, "t1", "launched", toolUseResult={"isAsync": True, "status": "async_launched", "agentId": "bg1"}),
    ]
    queued = line(3, "queue-operation", operation="enqueue", content=notice)
    read = asked(4, f"<system-reminder>\n{notice}\n</system-reminder>")
    for ends, at in (([queued, read, queued], 3.0), ([read, read], 4.0)):
        assert [(a.kind, a.at, a.tool_id, a.subagent) for a in told(*begin, *ends)] == [
            (Kind.TOOL, 1.0, "t1", ""),
            (Kind.SUBAGENT, 1.0, "t1", ""),
            (Kind.TOOL_DONE, 2.0, "t1", ""),
            (Kind.SUBAGENT_DONE, at, "t1", "bg1"),
        ]
    assert told(line(3, "queue-operation", operation="enqueue", content="a prompt")) == []


def test_a_subagents_own_file_is_all_the_subagents() -> None:
    lines = [asked(1, "look"), said(2, "m", call("t1", "Read", file_path="/a/b.py")), said(3, "m2", text("ok"))]
    found = told(*lines, path=CHILD)
    assert {(a.session, a.subagent) for a in found} == {(SESSION, "a1b2")}
    assert [a.kind for a in found] == [Kind.PROMPT, Kind.TOOL, Kind.MESSAGE]
    assert [spent.context for spent in used(*lines, path=CHILD)] == [0, 0]
    assert reader(CHILD).session == SESSION


def test_lines_of_one_message_count_once_and_its_growth_too() -> None:
    lines = [
        said(1, "m1", text("a"), output=5),
        said(2, "m1", text("b"), output=5),
        said(3, "m2", text("c")),
        said(4, "m1", text("d"), output=25),
        said(5, "m1", text("e"), output=7),
    ]
    assert [(s.at, s.usage) for s in used(*lines)] == [
        (1.0, Usage(100, 5, 20, 10)),
        (3.0, Usage(100, 30, 20, 10)),
        (4.0, Usage(output=20)),
    ]


def test_a_message_that_was_copied_into_another_file_counts_once() -> None:
    counted = Counted(MAX_COUNTED_MESSAGES)
    first, fork = reader(counted=counted), reader(MAIN.with_name("fork.jsonl"), counted)
    raw = said(1, "m1", text("a"))
    assert [len(one.spent(raw, NOW)) for one in (first, fork)] == [1, 0]


def test_messages_are_remembered_in_bounds() -> None:
    one = reader()
    for n in range(MAX_COUNTED_MESSAGES * 3):
        one.read(said(n + 1.0, f"m{n}", call(f"t{n}", "Agent")), NOW)
        one.read(result(n + 1.0, f"t{n}", "", toolUseResult={"status": "async_launched", "agentId": f"a{n}"}), NOW)
    assert (
        MAX_COUNTED_MESSAGES // 2 <= len(one.counted) <= MAX_COUNTED_MESSAGES
        and len(one._background) <= MAX_COUNTED_MESSAGES
        and len(one._calls) <= MAX_COUNTED_MESSAGES
    )


def test_money_is_what_the_total_went_up_by() -> None:
    lines = [said(5, "m", text("x")), money(1.0), money(1.0), money(1.5), money(0.25), money(0.5)]
    costs = [(s.at, s.usage.cost, s.model) for s in used(*lines) if s.usage.cost]
    assert costs == [(5.0, 0.5, ""), (5.0, 0.25, ""), (5.0, 0.25, "")]  # 1.0: from where on it is counted
    one = reader()
    one.former = lambda: 0.75
    assert [s.usage.cost for s in one.spent(money(1.0), NOW)] == [0.25]
    assert [s.usage.cost for s in one.spent(money(9.0, "another"), NOW)] == [8.25]


def test_messages_that_no_api_wrote_use_nothing() -> None:
    synthetic = json.loads(said(1, "m", text("x")))
    synthetic["message"]["model"] = "<synthetic>"
    assert used(json.dumps(synthetic).encode(), said(2, "n", text("API Error"), isApiErrorMessage=True)) == []


@pytest.mark.parametrize(
    ("raw", "missing"),
    [
        (line(1, "assistant", message="hello"), "message.content"),
        (line(1, "assistant", body={}), "message.content"),
        (line(1, "assistant", message={"content": [], "id": "m"}), "message.usage"),
        (line(1, "user", message={}), "user lines without message.content"),
        (said(1, "m", {"type": "tool_use", "name": "Bash"}), "tool calls without an id"),
        (asked(1, [{"type": "tool_result"}]), "tool_use_id"),
        (b'{"type":"cost-state","total":1}', "totalCostUSD"),
    ],
)
def test_a_format_that_changed_is_said_once(raw: bytes, missing: str) -> None:
    one = reader()
    assert one.drift == ""
    one.read(raw, NOW)
    assert missing in one.drift and one.drift.startswith("Claude Code")
    first = one.drift
    one.read(line(2, "user"), NOW)
    assert one.drift == first


def test_unknown_lines_and_torn_ones_are_no_drift() -> None:
    one = reader()
    for raw in (
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b"{" * 5000,
        line(1, "mode"),
        b"x" * (MAX_TRANSCRIPT_LINE + 1),
    ):
        assert one.read(raw, NOW) == [] and one.spent(raw, NOW) == []
    assert one.drift == ""


def test_time_is_the_lines_own_and_never_ahead() -> None:
    assert told(asked(NOW + 99, "early"))[0].at == NOW
    assert told(line(1, "user", timestamp="nonsense", message={"content": "x"}))[0].at == NOW


def test_half_a_surrogate_pair_does_not_lose_the_line() -> None:
    assert told(b'{"type":"user","message":{"content":"cut \\ud83d"}}')[0].text == "cut \ud83d"


def test_the_directory_is_the_one_that_claude_code_makes(tmp_path: Path) -> None:
    """Expected: what Claude Code 2.1.330's own function returned."""
    names = {
        "/home/op/my_project.v1/agents/Ünï 😀": "-home-op-my-project-v1-agents--n----",
        "/home/op/" + "deep/" * 50 + "end": ("-home-op-" + "deep-" * 50)[:200] + "-hwccb6",
        "/x/" + "ü😀" * 70: "-x-" + "-" * 197 + "-9yas8q",
    }
    for path, name in names.items():
        assert directory(Path(path), tmp_path) == tmp_path / "projects" / name


def test_where_a_session_was_begun_stands_in_its_head(tmp_path: Path) -> None:
    assert cwd_of(FIXTURE, tmp_path) == CWD
    path = tmp_path / "s.jsonl"
    assert cwd_of(path, tmp_path) == ""
    path.write_bytes(b'{"type":"mode"}\n{"cwd":7}\n' + line(1, "user", cwd="/a") + b"\n" + line(2, "user", cwd="/a/b"))
    assert cwd_of(path, tmp_path) == "/a"


OTHERS = [
    said(9, "m9", call("t9", "Task", description="x"), {"type": "thinking", "thinking": "y"}),
    result(10, "t9", "z", toolUseResult={"status": "async_launched", "agentId": "q"}),
    asked(11, "<task-notification><task-id>q</task-id>"),
    line(11, "queue-operation", operation="enqueue", content="<task-notification><task-id>q</task-id>"),
    line(12, "system", subtype="api_error", error={"status": 529}),
    line(12, "system", subtype="compact_boundary", compactMetadata={"preTokens": 1}),
    said(13, "m13", text("child"), isSidechain=True, agentId="c"),
    money(3.0),
]


@settings(max_examples=400, deadline=None)
@given(st.lists(mutated(LINES + OTHERS), max_size=12), st.booleans())
def test_whatever_a_line_is_it_never_raises_and_is_never_another_agents(lines: list[bytes], child: bool) -> None:
    one = reader(CHILD if child else MAIN)
    for raw in lines:
        for found in [*one.read(raw, NOW), *one.spent(raw, NOW)]:
            if isinstance(found, Limit):
                assert is_sound(found, "claude") and found.seen_at <= NOW
                continue
            assert found.agent == "@writer" and found.at <= NOW
            if isinstance(found, Spent):
                amounts = (found.usage.input, found.usage.output, found.usage.cache_read, found.usage.cache_write)
                assert min(amounts) >= 0 and found.usage.cost >= 0 and found.context >= 0
            else:
                assert found.source == "transcript" and isinstance(found.text, str)
                assert (found.kind in (Kind.TOOL, Kind.TOOL_DONE, Kind.TOOL_FAILED)) <= (found.tool_id != "")
    assert isinstance(one.session, str) and isinstance(one.cwd, str)


def test_no_value_of_any_type_at_any_place_makes_it_raise() -> None:
    for raw in (raw for one in LINES + OTHERS for raw in every_value_replaced(one)):
        one = reader()
        found = one.read(raw, NOW)
        sound = (is_sound(a, "claude") if isinstance(a, Limit) else a.agent == "@writer" for a in found)
        assert all(sound) and isinstance(one.drift, str), raw


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_two_sessions_that_are_read_in_turns_are_not_mixed(data: st.DataObject) -> None:
    """The lines of two agents, in any interleaving: each reader tells what it tells alone."""
    mine, yours = reader(), ClaudeTranscript("@editor", Path("/h/.claude/projects/-q/other.jsonl"))
    other = [raw.replace(SESSION.encode(), b"other").replace(b"toolu_", b"call_") for raw in LINES]
    queue = {"@writer": list(LINES), "@editor": list(other)}
    found: dict[str, list[Activity | Spent | Limit]] = {"@writer": [], "@editor": []}
    while any(queue.values()):
        who = data.draw(st.sampled_from([name for name, left in queue.items() if left]))
        found[who] += (mine if who == "@writer" else yours).read(queue[who].pop(0), NOW)
    alone = reader()
    assert found["@writer"] == [a for raw in LINES for a in alone.read(raw, NOW)]
    assert {(a.agent, a.session) for a in found["@editor"] if not isinstance(a, Limit)} == {("@editor", "other")}
    assert len(found["@editor"]) == len(found["@writer"])
