"""Session files of real programs, found and followed: whose they are, what they tell, whatever happens to them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.observe import session_reader
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.programs.claude import places as claude_places
from mailcore.programs.claude import sessions as claude_sessions
from mailcore.programs.codex import places as codex_places
from mailcore.programs.codex import sessions as codex_sessions
from mailcore.workspace import create
from mailcore.workspace.find import Workspace
from praxmonitor.feed.file_feed import FileFeed
from tests.conftest import FIXTURES

SESSION = "00e66db2-05d6-45b4-98ae-6bf52c827f80"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace of @writer and @coder, and a home in which no program has worked yet."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    monkeypatch.delenv("CODEX_HOME", raising=False)
    return create.create_workspace(tmp_path / "project", [("writer", "agents/writer"), ("coder", "agents/coder")])


class Look:
    """A loader and the fleet that its facts make."""

    def __init__(self, workspace: Workspace) -> None:
        self.loader = WorkspaceReader(workspace)
        self.fleet = apply(Fleet(workspace.root), self.loader.initial(), time.time())

    def changed(self, *paths: Path) -> None:
        self.fleet = apply(self.fleet, self.loader.changed(paths), time.time())

    def sweep(self) -> None:
        self.fleet = apply(self.fleet, self.loader.sweep(), time.time())

    def glance(self) -> None:
        self.fleet = apply(self.fleet, self.loader.glance(), time.time())

    def the(self, address: str) -> AgentFacts:
        facts = self.fleet.find(address)
        assert facts is not None
        return facts

    def told(self, address: str) -> list[str]:
        return [activity.text for activity in self.the(address).activities]


def transcript(branch: Path, name: str = SESSION) -> Path:
    """Where Claude Code would write a session of that branch."""
    path = claude_places.directory(branch, claude_places.ACCOUNT_HOME.usual()) / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def captured(branch: Path) -> str:
    """The session that Claude Code 2.1.330 wrote, as if in that branch."""
    text = (FIXTURES / "claude-code" / "transcript.jsonl").read_text()
    return text.replace("/home/op/project/agents/writer", str(branch))


def said(text: str, branch: Path, n: int = 0, at: float = 0.0, **more: Any) -> str:
    """A line of a transcript: the agent says something, in its message number `n`."""
    usage = {"input_tokens": 10, "output_tokens": 1}
    message = {"id": f"m{n}", "model": "opus", "content": [{"type": "text", "text": text}], "usage": usage}
    stamp = datetime.fromtimestamp(at or time.time(), UTC).isoformat().replace("+00:00", "Z")
    line = {"type": "assistant", "timestamp": stamp, "sessionId": "s", "cwd": str(branch), "message": message}
    return json.dumps({**line, **more}) + "\n"


def write(path: Path, text: str) -> Path:
    with path.open("a") as file:
        file.write(text)
    return path


def test_a_new_session_is_told_from_its_first_line(place: Workspace) -> None:
    writer = place.agent("@writer")
    look = Look(place)
    look.changed(write(transcript(writer.branch), captured(writer.branch)))
    assert look.told("@writer")[:4] == [
        "Write a report", "I will look around first.", "Bash: List files", "Bash: List files → hello",
    ]  # fmt: skip
    facts = look.the("@writer")
    assert (facts.spending.today.input, facts.spending.today.output) == (450, 90), "three messages, each once"
    assert facts.spending.model == "claude-opus-5-5" and facts.spending.context == 230
    assert not facts.open and not facts.turn_open
    assert look.told("@coder") == []


def test_what_stood_there_before_is_told_from_near_its_end_and_its_use_of_today_caught_up(place: Workspace) -> None:
    writer = place.agent("@writer")
    midnight = time.mktime((*time.localtime()[:3], 0, 0, 0, 0, 0, -1))
    old = "".join(said("yesterday", writer.branch, n, midnight - 3600) for n in range(100))
    new = "".join(said(f"today {n} " + "x" * 400, writer.branch, 1000 + n, midnight) for n in range(500))
    path = write(transcript(writer.branch), old + new)
    assert path.stat().st_size > 3 * session_reader.SESSION_TAIL
    look = Look(place)
    before = look.the("@writer").spending.today.input
    assert 0 < before < 5000, "the end alone"
    write(path, said("and now", writer.branch, 5000, time.time()))
    look.sweep()
    assert look.the("@writer").spending.today.input == 5010
    look.sweep()
    assert look.the("@writer").spending.today.input == 5010, "once"


def test_a_session_begun_since_is_told_from_its_start_however_much_it_says_at_once(place: Workspace) -> None:
    """Real ones open with 100 kB of the program's own instructions."""
    writer, coder = place.agent("@writer"), place.agent("@coder")
    long = said("first", writer.branch, 1) + said("y" * 3 * session_reader.SESSION_TAIL, writer.branch, 2)
    write(transcript(coder.branch, "old"), long.replace(str(writer.branch), str(coder.branch)))
    look = Look(place)
    assert look.told("@coder") == []
    look.changed(write(transcript(writer.branch), long))
    assert look.told("@writer")[0] == "first"
    write(transcript(coder.branch, "new"), long.replace(str(writer.branch), str(coder.branch)))
    look.sweep()
    assert look.told("@coder")[0] == "first"


def test_truncated_or_replaced_it_is_read_anew(place: Workspace) -> None:
    writer = place.agent("@writer")
    path = write(transcript(writer.branch), said("one", writer.branch, 1))
    look = Look(place)
    path.write_text(said("two", writer.branch, 2))
    look.changed(path)
    replacement = write(path.with_name("new"), said("three", writer.branch, 3))
    replacement.rename(path)
    look.changed(path)
    assert look.told("@writer") == ["one", "two", "three"]


def test_a_session_resumed_after_days_is_told_again_by_what_is_new(place: Workspace) -> None:
    writer = place.agent("@writer")
    path = write(transcript(writer.branch), said("old", writer.branch, 1, time.time() - 9e5))
    os.utime(path, (time.time() - 9e5, time.time() - 9e5))
    look = Look(place)
    assert look.told("@writer") == [], "silent for days"
    look.changed(write(path, said("back", writer.branch, 2)))
    assert look.told("@writer")[-1] == "back"


def test_two_branches_whose_names_differ_in_punctuation_share_a_directory_and_no_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    workspace = create.create_workspace(tmp_path / "p", [("a", "agents/x.y"), ("b", "agents/x-y")])
    one, two = workspace.agents
    first, second = transcript(one.branch, "s1"), transcript(two.branch, "s2")
    assert first.parent == second.parent
    look = Look(workspace)
    look.changed(write(first, said("of a", one.branch)), write(second, said("of b", two.branch)))
    assert (look.told("@a"), look.told("@b")) == (["of a"], ["of b"])


def test_a_session_begun_elsewhere_is_nobodys(place: Workspace, tmp_path: Path) -> None:
    look = Look(place)
    look.changed(write(transcript(place.agent("@writer").branch), said("a stranger", tmp_path)))
    assert look.told("@writer") == look.told("@coder") == []


def test_a_file_that_does_not_yet_say_where_it_works_is_asked_again(place: Workspace) -> None:
    writer = place.agent("@writer")
    path = transcript(writer.branch)
    look = Look(place)
    look.changed(write(path, '{"type": "queue-operation", "operation": "enqueue"}\n'))
    look.changed(write(path, said("now it does", writer.branch)))
    assert look.told("@writer") == ["now it does"]


def test_subagents_are_children_and_end_no_turn(place: Workspace) -> None:
    writer = place.agent("@writer")
    path = transcript(writer.branch)
    task = {"type": "tool_use", "id": "t1", "name": "Task", "input": {"description": "look it up"}}
    call = json.loads(said("", writer.branch, 1))
    call["message"] |= {"content": [task], "stop_reason": "tool_use"}
    look = Look(place)
    look.changed(write(path, json.dumps(call) + "\n"))
    child = path.parent / SESSION / "subagents" / "agent-abc.jsonl"
    child.parent.mkdir(parents=True)
    line = said("searching", writer.branch, 7, isSidechain=True, agentId="abc")
    look.changed(write(child, line.replace('"message": {', '"message": {"stop_reason": "end_turn", ')))
    facts = look.the("@writer")
    assert [one.text for one in facts.subagents] == ["look it up"] and facts.turn_open
    assert facts.activities[-1].subagent == "abc"
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "found"}
    ended = {"type": "user", "sessionId": "s", "cwd": str(writer.branch), "message": {"content": [result]}}
    look.changed(write(path, json.dumps(ended) + "\n"))
    assert not look.the("@writer").open


def test_hooks_and_transcript_together_tell_each_call_once(place: Workspace, hook_lines: list[bytes]) -> None:
    writer = place.agent("@writer")
    writer.hooks_log.parent.mkdir(parents=True, exist_ok=True)
    look = Look(place)
    writer.hooks_log.write_bytes(b"\n".join(hook_lines) + b"\n")
    path = write(transcript(writer.branch), captured(writer.branch))
    look.changed(writer.hooks_log, path)
    tools = [(a.kind, a.tool_id) for a in look.the("@writer").activities if a.tool_id]
    assert sorted(tools) == sorted(
        (kind, call) for kind in (Kind.TOOL, Kind.TOOL_DONE) for call in ("toolu_01A", "toolu_01B")
    )


def test_codex_sessions_are_found_by_what_their_first_line_says(place: Workspace) -> None:
    coder = place.agent("@coder")
    text = (FIXTURES / "codex" / "rollout.jsonl").read_text()
    today = datetime.now().date()
    path = (
        codex_sessions.directories(today, today, codex_places.ACCOUNT_HOME.usual())[0]
        / "rollout-2026-11-22T02-01-23-01a200fc.jsonl"
    )
    look = Look(place)
    path.parent.mkdir(parents=True)
    path.write_text(text.replace("/home/op/project/agents/coder", str(coder.branch)))
    look.sweep()
    assert "Done: all is well." in " ".join(look.told("@coder"))
    assert look.the("@coder").spending.task.tokens == 0
    assert look.the("@coder").spending.today.output == 30 and look.the("@coder").spending.window == 258400
    assert look.told("@writer") == []


def test_no_more_files_are_followed_than_the_most(place: Workspace) -> None:
    writer = place.agent("@writer")
    look = Look(place)
    for n in range(session_reader.MAX_FOLLOWED + 5):
        look.changed(write(transcript(writer.branch, f"s{n}"), said(f"s{n}", writer.branch, n)))
    followed = [
        n for n in range(session_reader.MAX_FOLLOWED + 5) if look.loader.follows(transcript(writer.branch, f"s{n}"))
    ]
    assert len(followed) == session_reader.MAX_FOLLOWED and followed[-1] == session_reader.MAX_FOLLOWED + 4
    look.changed(write(transcript(writer.branch, "s0"), said("s0 again", writer.branch, 99)))
    assert look.told("@writer")[-1] == "s0 again"


def test_a_file_that_was_let_go_is_taken_up_where_it_was_left(place: Workspace) -> None:
    writer = place.agent("@writer")
    first = write(transcript(writer.branch, "s0"), "".join(said("x" * 900, writer.branch, n) for n in range(200)))
    look = Look(place)
    look.sweep()
    assert look.the("@writer").spending.today.input == 2000
    for n in range(1, session_reader.MAX_FOLLOWED + 1):
        look.changed(write(transcript(writer.branch, f"s{n}"), said("other", writer.branch, 1000 + n)))
    assert not look.loader.follows(first)
    look.changed(write(first, said("back", writer.branch, 2000)))
    look.sweep()
    assert look.the("@writer").spending.today.input == 2000 + 10 * session_reader.MAX_FOLLOWED + 10
    assert look.told("@writer")[-1] == "back"


@pytest.mark.parametrize("size", [20_000, 40_000, 3_000_000])
def test_a_session_that_begins_with_a_long_prompt_is_followed(place: Workspace, size: int) -> None:
    """The prompt stands twice before the first `cwd`; with an image it is a line that is not read."""
    writer = place.agent("@writer")
    look = Look(place)
    lines = captured(writer.branch).replace('"Write a report"', json.dumps("x" * size)).splitlines(keepends=True)
    path = transcript(writer.branch)
    for line in lines:
        look.changed(write(path, line))
    assert "Bash: List files → hello" in look.told("@writer")


def test_a_long_file_that_does_not_say_whose_it_is_is_not_read_for_each_line(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = place.agent("@writer")
    look, asked = Look(place), list[Path]()

    def cwd_of(path: Path, top: Path) -> str:
        asked.append(path)
        return whose(path, top)

    whose = claude_sessions.begun_in
    monkeypatch.setattr(claude_sessions, "begun_in", cwd_of)
    path = write(transcript(writer.branch), json.dumps({"type": "summary", "text": "x" * 300_000}) + "\n")
    for n in range(20):
        look.changed(write(path, json.dumps({"type": "summary", "n": n}) + "\n"))
    assert len(asked) == 1
    look.changed(write(path, json.dumps({"text": "x" * 300_000}) + "\n" + said("at last", writer.branch)))
    assert look.told("@writer") == ["at last"]


def test_a_link_beside_a_session_tells_nothing_twice(place: Workspace) -> None:
    writer = place.agent("@writer")
    look = Look(place)
    path = write(transcript(writer.branch), said("one", writer.branch, 1))
    transcript(writer.branch, "latest").symlink_to(path)
    look.changed(path, transcript(writer.branch, "latest"))
    look.sweep()
    look.changed(write(path, said("two", writer.branch, 2)))
    look.sweep()
    assert look.told("@writer") == ["one", "two"]


def test_more_files_than_are_followed_count_once_from_the_first_look_on(place: Workspace) -> None:
    """Those that are let go before they were read are taken up where their reading would have begun."""
    coder, today = place.agent("@coder"), datetime.now().astimezone().date()
    text = (
        (FIXTURES / "codex" / "rollout.jsonl").read_text().replace("/home/op/project/agents", str(coder.branch.parent))
    )
    text = re.sub(r'"timestamp": "[^"]*"', f'"timestamp": "{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}Z"', text)
    text += (json.dumps({"type": "other", "text": "x" * 1000}) + "\n") * (2 * session_reader.SESSION_TAIL // 1000)
    directories = codex_sessions.directories(today - timedelta(days=1), today, codex_places.ACCOUNT_HOME.usual())
    for directory in directories:
        directory.mkdir(parents=True)
        for n in range(40):
            (directory / f"rollout-{directory.name}-{n}.jsonl").write_text(text)
    assert session_reader.MAX_FOLLOWED < 2 * 40
    look = Look(place)
    for _ in range(10):
        look.sweep()
    assert look.the("@coder").spending.today.output == 80 * 30
    assert look.told("@coder") == []


def test_what_takes_the_place_of_a_busy_file_is_told(place: Workspace) -> None:
    """A busy file stays open: one that was put over it shows at once, one beside which it was moved at a look."""
    writer = place.agent("@writer")
    look = Look(place)
    path = write(transcript(writer.branch), said("first", writer.branch, 1))
    for n in range(2, 5):
        look.changed(write(path, said(f"said {n}", writer.branch, n)))
    write(path.with_suffix(".new"), said("put over it", writer.branch, 10)).replace(path)
    look.changed(path)
    assert look.told("@writer")[-1] == "put over it"
    look.changed(write(path, said("and on", writer.branch, 11)))
    path.rename(path.with_suffix(".old"))
    look.changed(write(path, said("in its place", writer.branch, 20)))
    look.glance()
    look.changed(write(path, said("and on", writer.branch, 21)))
    assert look.told("@writer")[-3:] == ["and on", "in its place", "and on"]


def test_a_session_copied_into_a_second_file_counts_once(place: Workspace) -> None:
    """As `--fork-session` does; of what stood there before, as of what is written now."""
    writer = place.agent("@writer")
    lines = "".join(said("x" * 900, writer.branch, n) for n in range(200))
    write(transcript(writer.branch, "s0"), lines)
    write(transcript(writer.branch, "s1"), lines)
    look = Look(place)
    look.sweep()
    assert look.the("@writer").spending.today.input == 2000


def test_a_format_that_drifted_is_noticed_and_said_once(place: Workspace) -> None:
    writer = place.agent("@writer")
    strange = {"type": "assistant", "sessionId": "s", "cwd": str(writer.branch), "version": "9.9", "message": "new"}
    path = write(transcript(writer.branch), json.dumps(strange) + "\n" + json.dumps({"type": "unheard-of"}) + "\n")
    look = Look(place)
    look.changed(write(path, json.dumps(strange) + "\n"))
    look.sweep()
    assert [note for note in look.fleet.notes if "9.9" in note] == list(look.fleet.notes) and len(look.fleet.notes) == 1


def test_more_files_in_a_day_than_are_followed_are_all_counted(place: Workspace) -> None:
    writer = place.agent("@writer")
    for n in range(session_reader.MAX_FOLLOWED):
        write(
            transcript(writer.branch, f"s{n}"), "".join(said("x" * 9000, writer.branch, 100 * n + m) for m in range(9))
        )
    look = Look(place)
    for n in range(3):
        look.changed(write(transcript(writer.branch, f"t{n}"), said("new", writer.branch, 90000 + n)))
    look.sweep()
    assert look.the("@writer").spending.today.input == 90 * session_reader.MAX_FOLLOWED + 30


def test_a_session_copied_while_it_is_followed_counts_once(place: Workspace) -> None:
    """As `claude --fork-session` does; more messages than the end that is read when it is first seen holds."""
    writer = place.agent("@writer")
    lines = "".join(said("x" * 300, writer.branch, n) for n in range(900))
    path = write(transcript(writer.branch, "s0"), lines)
    look = Look(place)
    look.sweep()
    assert look.the("@writer").spending.today.input == 9000
    look.changed(write(transcript(writer.branch, "s1"), lines))
    look.sweep()
    assert look.the("@writer").spending.today.input == 9000
    before = look.told("@writer")
    replacement = write(path.with_name("new"), lines)
    replacement.rename(path)
    look.changed(path)
    look.sweep()
    assert look.the("@writer").spending.today.input == 9000 and look.told("@writer") == before, "nothing is told twice"


def test_the_context_is_the_newest_of_the_agents_own(place: Workspace) -> None:
    writer = place.agent("@writer")
    now = time.time()
    old = "".join(said("x" * 900, writer.branch, n, now - 60) for n in range(200))
    path = write(transcript(writer.branch), old + said("new", writer.branch, 900, now).replace(": 10,", ": 77,"))
    look = Look(place)
    look.sweep()
    assert look.the("@writer").spending.context == 77, "the backlog is older"
    child = path.parent / SESSION / "subagents" / "agent-abc.jsonl"
    child.parent.mkdir(parents=True)
    line = said("searching", writer.branch, 7, now + 1, isSidechain=True, agentId="abc").replace("opus", "haiku")
    look.changed(write(child, line))
    assert (look.the("@writer").spending.model, look.the("@writer").spending.context) == ("opus", 77)


@pytest.mark.parametrize("cwd", ["/a\\u0000b", "/a\\ud800b"])
def test_a_directory_that_can_be_none_is_nobodys(place: Workspace, cwd: str) -> None:
    look = Look(place)
    line = said("x", place.agent("@writer").branch).replace(str(place.agent("@writer").branch), cwd)
    look.changed(write(transcript(place.agent("@writer").branch), line))
    assert look.told("@writer") == []


def test_what_one_agents_files_do_to_its_reader_leaves_the_others_alone(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Look(place)
    branch = look.loader._branches["@writer"]
    monkeypatch.setattr(branch.sessions, "read", lambda: 1 / 0)
    coder = place.agent("@coder")
    look.changed(write(transcript(coder.branch), said("still here", coder.branch)))
    look.sweep()
    assert look.told("@coder") == ["still here"]
    assert [note for note in look.fleet.notes if "@writer cannot be read: ZeroDivisionError" in note]
    monkeypatch.undo()
    monkeypatch.setenv("HOME", str(place.root.parent / "home"))
    look.sweep()
    assert not look.fleet.notes, "it is read again"


def test_reading_writes_nothing(place: Workspace, tmp_path: Path) -> None:
    writer = place.agent("@writer")
    write(transcript(writer.branch), captured(writer.branch))
    before = {str(path): path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    look = Look(place)
    look.sweep()
    assert {str(path): path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert look.told("@writer")


@pytest.mark.anyio
async def test_the_feed_sees_a_first_session_as_it_begins(place: Workspace) -> None:
    """Neither the program's directories nor the session were there when the watching began."""
    writer = place.agent("@writer")
    async with aclosing(FileFeed(place.root, 0.3).fleets()) as feed, asyncio.timeout(20):
        await anext(feed)
        path = transcript(writer.branch)
        write(path, said("hello", writer.branch, 1))
        assert await _until(feed, "hello")
        write(path, said("and on", writer.branch, 2))
        assert await _until(feed, "and on")
        shutil.rmtree(path.parent)
        write(transcript(writer.branch, "again"), said("from the start", writer.branch, 3))
        assert await _until(feed, "from the start")


async def _until(feed: AsyncIterator[Fleet], text: str) -> bool:
    async for fleet in feed:
        if any(activity.text == text for activity in fleet.stream):
            return True
    return False
