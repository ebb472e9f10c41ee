"""That two agents change one file is told to both when it is seen first: by whoever is on duty, once."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.file_write import FileWrite
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.lock import Lock
from mailcore.workspace import create
from praxmonitor.alarms.shared_file_trigger import SharedFileTrigger
from tests.mailcore.conftest import wait_until


@pytest.mark.anyio
@pytest.mark.parametrize("on_duty", [True, False])
async def test_both_agents_are_told_of_what_is_new(tmp_path: Path, on_duty: bool) -> None:
    workspace = create.create_workspace(tmp_path / "project", [("a", "a"), ("b", "b"), ("c", "c")])
    now = time.time()

    def fleet(*files: str) -> Fleet:
        writes = tuple(FileWrite(str(workspace.root / name), now, now) for name in files)
        agents = tuple(AgentFacts(one, lock=Lock(1, now), writes=writes) for one in workspace.agents[:2])
        return Fleet(workspace.root, agents=(*agents, AgentFacts(workspace.agents[2])))

    said: list[str] = []
    asked = asyncio.Event()

    def duty() -> bool:
        asked.set()
        return on_duty

    trigger = SharedFileTrigger(workspace.root, said.append)
    running = asyncio.create_task(trigger.run(duty))
    trigger.see(fleet("old"), now)
    for _ in range(3):
        trigger.see(fleet("old", "new"), now + 1)
    await asyncio.wait_for(asked.wait(), 20)

    def subjects(name: str) -> list[str]:
        return [mail.subject for mail in read_mailbox(workspace.agent(name).inbox).messages]

    if on_duty:
        await asyncio.to_thread(wait_until, lambda: subjects("a") and subjects("b"), 30, "both are told")
    running.cancel()
    assert subjects("a") == (["Same file: new, as @b"] if on_duty else []) and said == []
    assert not subjects("c")


def test_a_fleet_in_which_nobody_wrote_costs_a_look_at_each_agent(tmp_path: Path) -> None:
    workspace = create.create_workspace(tmp_path / "project", [("a", "a"), ("b", "b")])
    trigger = SharedFileTrigger(workspace.root, print)
    facts = tuple(AgentFacts(one) for one in workspace.agents)
    fleet = Fleet(workspace.root, agents=facts)
    trigger.see(fleet)
    several = trigger._shared._several
    trigger.see(replace(fleet, at=1.0))
    assert trigger._shared._several is several
