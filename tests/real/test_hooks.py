"""The real Claude Code with our hooks: what it tells of each tool call, and what it is told of mail."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mailcore.model.activity import Kind
from mailcore.model.fleet import Fleet
from mailcore.model.run import Phase
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.programs.hook_lines import read_hook
from mailcore.workspace.find import find_workspace
from tests.real.conftest import BYE, DONE, READ, Lab
from tests.real.stub import Request, Text, Tool, texts

DISPATCH = 'dispatch @writer "Release notes" "Write them from the changes."'


def below(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_each_tool_call_is_told_and_mail_is_heard(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.init()
    (lab.branch / ".claude").mkdir()
    before = '{\n  "permissions": {"deny": ["WebFetch"]}\n}\n'
    settings = lab.branch / ".claude/settings.local.json"
    settings.write_text(before)
    lab.mailcore("hooks install @writer")
    monkeypatch.setenv("HOME", str(lab.home))  # where its session files lie
    loader = WorkspaceReader(find_workspace(lab.root))
    fleet = apply(Fleet(lab.root), loader.initial(), time.time())

    def mailed(request: Request) -> Tool:
        """While the model thinks, mail comes: one in haste, one that may wait. No second run is to begin for it."""
        lab.mailcore("hold @writer")
        lab.mailcore('send @writer "Fire in the hall" "Look." --priority high')
        lab.mailcore('send @writer "Tea at five" "Come."')
        return Tool("Bash", {"command": "mailcore --version", "description": "its version"})

    notes = Tool("Write", {"file_path": str(lab.branch / "NOTES.md"), "content": "all new\n"})
    absent = Tool("Read", {"file_path": str(lab.branch / "absent.md")})
    lab.stub.plays(READ, mailed, notes, absent, DONE, BYE, Text("I have seen it."))
    lab.mailcore(DISPATCH)
    run = lab.over()
    assert (run.phase, run.replied, len(run.attempts)) == (Phase.COMPLETED, True, 1), run

    first, second, third, *_ = (texts(request) for request in lab.stub.requests)
    assert "Release notes" in first.partition("unread message")[2]  # at SessionStart: its own task
    assert "Fire in the hall" not in second and "Fire in the hall" in third and "Tea at five" not in third
    said = [texts(request) for request in lab.stub.requests]
    assert len(said) == 7  # made to go on once at Stop, and never again
    assert [text.count("Fire in the hall") for text in said[2:]] == [1] * 5  # told once, remembered since
    assert "Tea at five" not in said[5] and "Tea at five" in said[6]
    assert run.result == "It is in NOTES.md"

    log = (lab.branch / "logs/hooks.jsonl").read_bytes().splitlines()
    seen = [one for line in log if line and (one := read_hook(line, "@writer", time.time())) is not None]
    assert [(one.kind, one.tool) for one in seen] == [
        (Kind.SESSION, ""),
        (Kind.PROMPT, ""),
        *[(kind, "Bash") for kind in (Kind.TOOL, Kind.TOOL_DONE)] * 2,
        *[(kind, "Write") for kind in (Kind.TOOL, Kind.TOOL_DONE)],
        *[(kind, "Read") for kind in (Kind.TOOL, Kind.TOOL_FAILED)],
        *[(kind, "Bash") for kind in (Kind.TOOL, Kind.TOOL_DONE)],
        *[(Kind.TURN_END, "")] * 3,
    ]
    ids = [one.tool_id for one in seen if one.kind is Kind.TOOL]
    assert len(set(ids)) == 5 and all(ids)
    assert all(run.started_at <= one.at <= time.time() for one in seen)

    fleet = apply(fleet, loader.sweep(), time.time())
    facts = fleet.find("@writer")
    assert facts is not None and not facts.open
    calls = [(one.kind, one.tool_id) for one in fleet.stream if one.tool_id]
    told = [(one.kind, one.tool_id) for one in seen if one.tool_id]
    assert sorted(calls) == sorted(told), "hooks and session file together: on the timeline each call stands once"
    assert {one.source for one in fleet.stream} >= {"hooks", "transcript", "run"}
    assert facts.spending.task.output > 0 and facts.spending.model

    lab.mailcore("hooks remove @writer")
    assert below(lab.branch / ".claude") == {"settings.local.json": before.encode()}
    lab.stub.plays(DONE, BYE)
    assert len(lab.mailcore("release @writer")["started"]) == 1
    assert lab.over().run_id != run.run_id
    assert (lab.branch / "logs/hooks.jsonl").read_bytes().splitlines() == log
