"""What the sections of the view of one agent say, without an app."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from mailcore.model.activity import Kind
from mailcore.model.changes import ChangedFile, ChangeKind, ChangeSet, FileDiff
from mailcore.model.fleet import State, Status
from mailcore.model.usage import Spending, Usage
from praxmonitor.state.agent_details import AgentDetails, ProcessRow, Section, WaitingStart
from praxmonitor.state.memory_reader import MEMORY_BYTES, read_memories
from praxmonitor.text.agents import running_pid
from praxmonitor.text.lines import Line
from praxmonitor.widgets.agent_sections import (
    log_section_lines,
    memory_lines,
    process_tree_lines,
    recorded_run,
    timeline,
)
from praxmonitor.widgets.agent_story import story_lines
from praxmonitor.widgets.changes import DiffLines, changes_head, changes_rows
from praxmonitor.widgets.section_tabs import tabs_line
from praxmonitor.widgets.start_queue import queue_head, queue_rows
from tests.clock import NOON
from tests.praxmonitor.fake_feed import act, facts, lighthouse

WRITER, BUILDER, ARCHIVIST = lighthouse().agents[0], lighthouse().agents[4], lighthouse().agents[7]


def drawn(lines: list[Line]) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def details(**known: object) -> AgentDetails:
    return replace(AgentDetails("@writer"), **known)  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_every_section_has_a_name_in_the_line_and_a_place_that_can_be_clicked(width: int) -> None:
    line, places = tabs_line(Section.QUEUE, (Section.QUEUE,), {Section.MAILBOX: 12, Section.QUEUE: 3}, width)
    text = "".join(part for part, _ in line)
    assert len(text) == width and "[Queue 3]" in text
    assert [section for _, _, section in places] == list(Section) and places[-1][1] <= width
    assert [text[start:end].strip(" []")[:3] for start, end, _ in places] == [
        "Sto", "Pro", "Tim", "Mai", "Que", "Log", "Mem", "Dif" if width < 80 else "Cha",
    ]  # fmt: skip


def test_the_process_tree() -> None:
    rows = (
        ProcessRow(4211, 0, "claude -p", NOON - 65, None, 50_000_000),
        ProcessRow(4212, 1, "sh -c \x1b[31mmake", NOON - 3, 97.4, 1_000_000),
    )
    lines = drawn(process_tree_lines(WRITER, details(tree=rows), NOON))
    assert lines[0].startswith(" 2 processes".strip()) and "97 % cpu" in lines[0] and "51 MB" in lines[0]
    assert lines[2].split() == ["4211", "1m", "?", "50", "MB", "claude", "-p"]
    assert lines[3].endswith("    sh -c \N{REPLACEMENT CHARACTER}[31mmake") and "97 %" in lines[3]
    assert drawn(process_tree_lines(WRITER, details(), NOON)) == ["reading…"]
    assert "the run ended at" in drawn(process_tree_lines(BUILDER, details(tree=()), NOON))[0]
    assert "nothing runs" in drawn(process_tree_lines(ARCHIVIST, details(tree=()), NOON))[0]
    assert "can be seen" in drawn(process_tree_lines(WRITER, details(tree=()), NOON))[0]


def test_the_story_says_what_was_used() -> None:
    spent = structs.replace(WRITER, spending=Spending("2027-01-15", today=Usage(1000, 200, cost=2.5), model="opus"))
    lines = drawn(story_lines(spent, Status(State.WORKING, "at work"), details(), NOON, 80))
    assert "used     opus" in lines and "         today  1200 tokens, $2.50" in lines


def test_a_session_by_hand_is_the_process_that_is_shown() -> None:
    from mailcore.model.session import LiveSession

    assert running_pid(ARCHIVIST) == 0
    assert running_pid(structs.replace(ARCHIVIST, sessions=(LiveSession(77, NOON),))) == 77


def test_the_timeline_reaches_back_beyond_what_the_agent_did_last() -> None:
    lines = drawn(timeline(BUILDER, ()))
    assert "what is known, from" in lines[0] and "asked for by @operator: Build the site" in lines[1]
    assert [line for line in lines if "attempt 1 of 3 begins, pid 4211" in line]
    assert "no space left on device" in lines[-2] and "attempt 3/3" in lines[-1]
    assert sorted(lines[1:], key=lambda line: line[:8]) == lines[1:]


def test_the_timeline_takes_of_the_stream_what_is_the_agents_once() -> None:
    older = act("archivist", Kind.LOG, "an older line", 7000)
    mine, other = act("archivist", Kind.LOG, "mine", 5), act("writer", Kind.LOG, "another's", 5)
    lines = drawn(timeline(facts("archivist", activities=(mine,)), (older, mine, other)))
    assert [line.split("·")[-1].strip() for line in lines[1:]] == ["an older line", "mine"]
    assert "nothing has been seen" in drawn(timeline(ARCHIVIST, ()))[0]


def test_the_queue_says_what_would_be_there_and_what_is() -> None:
    assert "nothing waits" in drawn(queue_head(details(), 80))[0] and queue_rows(details(), NOON) == []
    assert drawn(queue_head(None, 80)) == ["reading…"]
    starts = tuple(WaitingStart(f"id{n}", NOON - 60, f"task\x1b {n}", "busy on 'x'") for n in range(2))
    assert "2 starts wait, the next first" in drawn(queue_head(details(starts=starts), 80))[0]
    rows = queue_rows(details(starts=starts), NOON)
    assert [row.keys for row in rows] == [("id0",), ("id1",)]
    second = ["  2. task\N{REPLACEMENT CHARACTER} 1" + " " * 28 + "1m", "     busy on 'x'"]
    assert drawn(rows[1].draw(42, False)) == second
    assert drawn(rows[1].draw(42, True))[0].startswith("▸ 2. task")


def test_log_and_memories_without_any_say_what_would_be_there() -> None:
    assert "no log yet" in drawn(log_section_lines(details(), 80))[0]
    assert "no memories" in drawn(memory_lines(details(memories=()), 80))[0]
    assert drawn(memory_lines(details(), 80)) == ["reading…"]
    text = drawn(log_section_lines(details(log_name="a.log", log=("one", "two\x1b[2J")), 80))
    assert text == ["a.log   its last 2 lines", "", "one", "two\N{REPLACEMENT CHARACTER}[2J"]


def test_memories_are_read_in_the_branch_alone(tmp_path: Path) -> None:
    branch = tmp_path / "writer"
    (branch / ".trinity").mkdir(parents=True)
    (tmp_path / "secret.md").write_text("secret")
    (branch / ".trinity/passport.json").write_text('{\n\t"name": "WRITER"\n}\n')
    (branch / ".trinity/local.json").write_text("[]")
    (branch / ".trinity/image.png").write_bytes(b"\0")
    (branch / ".trinity/linked.md").symlink_to(tmp_path / "secret.md")
    os.mkfifo(branch / ".trinity/pipe.md")
    (branch / "AGENTS.md").write_text("Be brief.\n" + "x" * MEMORY_BYTES)
    (branch / "CLAUDE.md").symlink_to(tmp_path / "secret.md")
    found = {file.path: file for file in read_memories(branch)}
    assert list(found) == [
        ".trinity/passport.json", ".trinity/linked.md", ".trinity/local.json", ".trinity/pipe.md", "AGENTS.md",
        "CLAUDE.md",
    ]  # fmt: skip
    assert found[".trinity/passport.json"].lines == ("{", '\t"name": "WRITER"', "}")
    assert "symlink" in found[".trinity/linked.md"].trouble and "symlink" in found["CLAUDE.md"].trouble
    assert "no regular file" in found[".trinity/pipe.md"].trouble and found["AGENTS.md"].cut
    lines = drawn(memory_lines(details(memories=tuple(found.values())), 60))
    assert lines[0].startswith(".trinity/passport.json   22 B   ") and lines[2] == '    "name": "WRITER"'
    assert not any("secret" in line for line in lines) and "… and more" in lines[-3]
    (tmp_path / "reader/CLAUDE.md").parent.mkdir()
    (tmp_path / "reader/.trinity").symlink_to(branch / ".trinity")
    (only,) = read_memories(tmp_path / "reader")
    assert "leads out of the project" in only.trouble
    assert read_memories(tmp_path / "nowhere") == ()


CHANGES = ChangeSet(
    "since the run began at 12:00:00, from 1a2b3c4d", "/p", "main", False, "1a2b",
    (
        ChangedFile("agents/writer/a.md", ChangeKind.CHANGED, 3, 1),
        ChangedFile("agents/writer/\x1b]0;t\x07.md", ChangeKind.UNTRACKED),
        ChangedFile("agents/writer/old.md", ChangeKind.DELETED, 0, 9),
        ChangedFile("agents/writer/x.bin", ChangeKind.CHANGED),
    ),
)  # fmt: skip


def test_what_changed_is_told_with_what_it_is_compared_with() -> None:
    head = drawn(changes_head(CHANGES, 80))
    assert head == ["4 files   +3 -10", CHANGES.since, "branch main, in /p", ""]
    assert "worktree /p" in drawn(changes_head(replace(CHANGES, linked=True), 80))[2]
    rows = [drawn(row.draw(42, False))[0].removeprefix("  ") for row in changes_rows(CHANGES, "agents/writer/")]
    assert [row.split() for row in rows] == [
        ["~", "a.md", "+3", "-1"],
        ["+", "\N{REPLACEMENT CHARACTER}]0;t\N{REPLACEMENT CHARACTER}.md", "untracked"],
        ["-", "old.md", "deleted", "-9"],
        ["~", "x.bin", "not", "counted"],
    ]
    assert drawn(changes_head(replace(CHANGES, files=()), 80))[0] == "no file changed"
    assert drawn(changes_head(ChangeSet("", trouble="git: exit 1"), 80)) == ["git: exit 1"]
    assert drawn(changes_head(None, 80)) == ["reading…"]


def test_the_lines_of_a_diff_are_told_by_sign_and_colour_and_made_when_asked_for() -> None:
    diff = FileDiff("a.md", ("@@ -1 +1,2 @@", "-old\x1b[31m", "+new\ttab", " kept", "\\ No newline"), 7, 1)
    lines = DiffLines(diff, 60)
    assert len(lines) == 7
    assert [lines[n][0] for n in range(1, 6)] == [
        ("@@ -1 +1,2 @@", "accent"),
        ("-old\N{REPLACEMENT CHARACTER}[31m", "state-failed"),
        ("+new    tab", "state-done"),
        (" kept", ""),
        ("\\ No newline", "faint"),
    ]
    assert lines[6][0][0] == "… 7 more lines; e opens the file"
    assert DiffLines(replace(diff, more=-1), 60)[6][0][0].startswith("… many more")
    assert drawn([DiffLines(FileDiff("x", (), note="binary"), 60)[1]]) == ["binary"]


def test_a_recording_says_what_it_does_not_hold_and_shows_the_run() -> None:
    lines = drawn(recorded_run(WRITER, "queue", NOON))
    assert "a recording is played: it holds no queue" in lines[0] and "Write chapter two" in lines[2]
