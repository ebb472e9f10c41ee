"""Two agents that change the same file: seen from what their tools write, in one tree or in two, and both told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mailcore.dispatch.shared_file_mail import tell_shared
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import Agent
from mailcore.model.file_write import SharedFile
from mailcore.model.fleet import Fleet
from mailcore.model.lock import Lock
from mailcore.observe.facts import Fact, LockRead, Roster, Seen
from mailcore.observe.file_writes import MOST_KEPT, WINDOW, SharedFiles
from mailcore.observe.fold import apply
from mailcore.programs.codex.rollout import CodexRollout
from mailcore.programs.hook_lines import event_activity
from mailcore.programs.tool_wording import tool_writes
from mailcore.workspace.project_path import project_path
from tests.clock import NOON
from tests.mailcore.conftest import House

ROOT = Path("/house")
PATCH = "*** Begin Patch\n*** Update File: src/a.py\n*** Move to: src/b.py\n@@\n-x\n*** Add File: c\n+y\n"


def agent(name: str, worktree: bool = False) -> Agent:
    if worktree:
        return Agent(f"@{name}", name, Path(f"/trees/{name}"), root=ROOT, worktree=True, mirrors=ROOT)
    return Agent(f"@{name}", name, ROOT / "agents" / name, root=ROOT)


def wrote(name: str, path: str, at: float) -> Fact:
    call = Activity(at, f"@{name}", Kind.TOOL, "Edit: a", "hooks", "Edit", f"t{at}", writes=(path,))
    return Seen(f"@{name}", (call,))


def fleet_of(*agents: Agent, facts: tuple[Fact, ...] = ()) -> Fleet:
    busy = tuple(LockRead(one.address, Lock(10, NOON)) for one in agents)
    return apply(Fleet(ROOT), (Roster(agents), *busy, *facts), NOON)


@pytest.mark.parametrize(
    ("tool", "given", "files"),
    [
        ("Edit", {"file_path": "/a"}, ("/a",)),
        ("NotebookEdit", {"notebook_path": "a.ipynb"}, ("a.ipynb",)),
        ("write_file", {"file_path": "/a"}, ("/a",)),
        ("apply_patch", PATCH, ("src/a.py", "src/b.py", "c")),
        ("apply_patch", {"command": PATCH}, ("src/a.py", "src/b.py", "c")),
        ("Read", {"file_path": "/a"}, ()),
        ("Edit", {"file_path": 3}, ()),
        ("Edit", {"file_path": "a\0b"}, ()),
        ("Edit", None, ()),
        ("Bash", {"command": PATCH}, ()),
    ],
)
def test_what_a_call_writes(tool: str, given: object, files: tuple[str, ...]) -> None:
    assert tool_writes(tool, given) == files


def test_what_a_session_in_a_subdirectory_writes_lies_there() -> None:
    there, files = "/house/agents/a/sub", tuple(f"/house/agents/a/sub/{name}" for name in ("src/a.py", "src/b.py", "c"))
    call = {"tool_name": "apply_patch", "tool_input": {"command": PATCH}, "cwd": there}
    told = event_activity({"hook_event_name": "PreToolUse", **call}, "@a", NOON)
    assert told is not None and told.writes == files
    item = {"type": "custom_tool_call", "name": "apply_patch", "call_id": "c1", "input": PATCH}
    lines = [{"type": "session_meta", "payload": {"cwd": there}}, {"type": "response_item", "payload": item}]
    rollout = CodexRollout("@a", Path("/s/rollout-x.jsonl"))
    (wrote_them,) = [one for line in lines for one in rollout.read(json.dumps(line).encode(), NOON) if _writes(one)]
    assert _writes(wrote_them) == files


def _writes(told: object) -> tuple[str, ...]:
    return told.writes if isinstance(told, Activity) else ()


@pytest.mark.parametrize(
    ("who", "name", "path"),
    [
        (agent("a"), "x.py", "/house/agents/a/x.py"),
        (agent("a"), "../../x.py", "/house/x.py"),
        (agent("a"), "/etc/x", ""),
        (agent("a"), "/house/../etc/x", ""),
        (agent("a"), "/house/agents/a/.trinity/local.json", ""),
        (agent("t", True), "/trees/t/x.py", "/house/x.py"),
        (agent("t", True), "x.py", "/house/x.py"),
        (agent("t", True), "/trees/tt/x.py", ""),
        (agent("t", True), ".ai_mail.local/inbox.json", ""),
    ],
)
def test_where_a_file_lies_in_the_project(who: Agent, name: str, path: str) -> None:
    assert project_path(who, name) == path


def test_two_worktrees_in_which_one_file_changes_are_seen() -> None:
    fleet = fleet_of(
        agent("a", True), agent("b", True), agent("c", True),
        facts=(wrote("a", "/trees/a/x.py", NOON), wrote("b", "x.py", NOON + 60), wrote("c", "y.py", NOON + 60)),
    )  # fmt: skip
    shared = SharedFiles()
    assert shared.look(fleet, NOON + 61) == [SharedFile("x.py", "@a", "@b", NOON + 60, NOON + WINDOW, apart=True)]
    fleet = apply(fleet, (wrote("a", "x.py", NOON + 120), wrote("b", "x.py", NOON + 180)), NOON + 180)
    (one,) = shared.look(fleet, NOON + 200)
    assert (one.since, one.until) == (NOON + 60, NOON + 120 + WINDOW), "it goes on, since when it began"
    assert not shared.look(fleet, one.until), "and is over"


def test_in_one_tree_a_file_is_shared_while_both_are_at_work() -> None:
    fleet = fleet_of(agent("a"), agent("b"), facts=(wrote("a", "/house/x", NOON), wrote("b", "/house/x", NOON + 60)))
    shared = SharedFiles()
    assert [one.apart for one in shared.look(fleet, NOON + 61)] == [False]
    fleet = apply(fleet, (LockRead("@a", None),), NOON + 70)
    assert not shared.look(fleet, NOON + 71), "who is done hands on"


def test_what_is_kept_is_bounded_and_unchanged_where_nothing_is_written() -> None:
    facts = tuple(wrote("a", f"/house/f{n}", NOON + n) for n in range(MOST_KEPT + 5))
    fleet = fleet_of(agent("a"), facts=facts)
    before = fleet.agents[0].writes
    assert len(before) == MOST_KEPT and before[-1].path == f"/house/f{MOST_KEPT + 4}"
    read = Activity(NOON + 99, "@a", Kind.TOOL, "Read: a", "hooks", "Read", "t")
    assert apply(fleet, (Seen("@a", (read,)),), NOON + 99).agents[0].writes is before


def test_both_are_told_once_by_mail_of_high_priority(house: House) -> None:
    shared = SharedFile('src/a "b"\x1b[31m.py', "@writer", "@editor", NOON, NOON + 60, apart=True)
    assert tell_shared(house.workspace, [shared]) == [] and tell_shared(house.workspace, [replace_until(shared)]) == []
    for name, other in (("writer", "@editor"), ("editor", "@writer")):
        (mail,) = house.inbox(name)
        assert mail.priority == "high" and other in mail.subject and "merged" in mail.body and "\x1b" not in mail.body


def test_of_many_files_each_agent_gets_one_mail(house: House) -> None:
    long = "d" * 300
    files = [SharedFile(f"{long}/{n}", "@writer", "@editor", NOON, NOON + 60, apart=True) for n in range(30)]
    assert tell_shared(house.workspace, [*files, SharedFile("x", "@lead", "@writer", NOON, NOON, apart=False)]) == []
    (mail,) = house.inbox("writer")
    assert mail.subject == "Same file: 31 files, as @editor, @lead" and "- and 11 more" in mail.body
    (mail,) = house.inbox("lead")
    assert mail.subject == "Same file: x, as @writer" and "the same directory" in mail.body
    assert tell_shared(house.workspace, files[:1]) == tell_shared(house.workspace, files[1:2]) == []
    assert len(house.inbox("editor")) == 3, "paths that begin alike are two"


def replace_until(shared: SharedFile) -> SharedFile:
    return shared._replace(until=NOON + 90)


def test_an_agents_place_in_the_project_comes_with_its_row() -> None:
    assert agent("t", True).boundary == Path("/trees/t") and replace(agent("t"), worktree=False).boundary == ROOT
