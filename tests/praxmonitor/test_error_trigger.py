"""An error that an agent reports lets the watcher look, in a process of its own; what was there before does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from mailcore.errors.scan import begin_watch
from mailcore.errors.store import read_groups
from mailcore.model.activity import Activity, Kind
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.workspace import create
from praxmonitor.alarms import error_trigger
from praxmonitor.alarms.error_trigger import ErrorTrigger
from tests.mailcore.conftest import wait_until


def fleet(facts: AgentFacts, *kinds: Kind) -> Fleet:
    found = tuple(Activity(100.0 + at, "@writer", kind, "x", "log") for at, kind in enumerate(kinds))
    return Fleet(facts.agent.root, agents=(replace(facts, activities=found),))


@pytest.mark.anyio
async def test_a_new_error_lets_the_watcher_look_and_an_old_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_trigger, "QUIET_TIME", 0.01)
    workspace = create.create_workspace(tmp_path / "project", [("writer", "agents/writer")])
    begin_watch(workspace)
    agent = workspace.agent("@writer")
    facts = AgentFacts(agent)
    agent.logs_dir.mkdir(exist_ok=True)
    said: list[str] = []
    trigger = ErrorTrigger(workspace.root, said.append)
    running = asyncio.create_task(trigger.run(lambda: True))
    text = "Traceback (most recent call last):\n  File 'a.py', line 1, in f\nKeyError: 'x'\n"
    (agent.logs_dir / "app.log").write_text(text.replace("'a.py'", '"a.py"'))
    trigger.see(fleet(facts, Kind.ERROR))
    trigger.see(fleet(facts, Kind.ERROR, Kind.TOOL, Kind.LOG))
    assert not trigger._wanted.is_set()
    trigger.see(fleet(facts, Kind.ERROR, Kind.TOOL, Kind.ERROR))
    await asyncio.to_thread(wait_until, lambda: read_groups(workspace), 60, "it is counted")
    running.cancel()
    assert read_groups(workspace)[0].title == "KeyError: 'x'" and said == []
