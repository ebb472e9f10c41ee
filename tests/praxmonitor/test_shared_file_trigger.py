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
from mailcore.observe.file_writes import WINDOW
from mailcore.workspace import create
from praxmonitor.alarms.shared_file_trigger import MANY_KNOWN, SharedFileTrigger
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


@pytest.mark.anyio
async def test_many_files_at_once_are_one_mail_to_each_and_told_once(tmp_path: Path) -> None:
    workspace = create.create_workspace(tmp_path / "project", [("a", "a"), ("b", "b")])
    now = time.time()
    writes = tuple(FileWrite(str(workspace.root / f"f{n}"), now, now) for n in range(MANY_KNOWN + 10))
    agents = tuple(AgentFacts(one, lock=Lock(1, now)) for one in workspace.agents)
    fleet = Fleet(workspace.root, agents=agents)
    asked: list[int] = []

    def duty() -> bool:
        asked.append(1)
        return True

    trigger = SharedFileTrigger(workspace.root, print)
    trigger.see(fleet, now)
    for at in range(3):
        trigger.see(replace(fleet, agents=tuple(replace(one, writes=writes) for one in agents)), now + at)
    running = asyncio.create_task(trigger.run(duty))

    def mails(name: str) -> list[str]:
        return [mail.subject for mail in read_mailbox(workspace.agent(name).inbox).messages]

    await asyncio.to_thread(wait_until, lambda: mails("a") and mails("b"), 60, "both are told")
    running.cancel()
    assert mails("a") == ["Same file: 1,010 files, as @b"] and len(mails("b")) == len(asked) == 1


def test_what_is_remembered_as_told_is_forgotten_when_it_is_over(tmp_path: Path) -> None:
    workspace = create.create_workspace(tmp_path / "project", [("a", "a"), ("b", "b")])
    trigger = SharedFileTrigger(workspace.root, print)
    now = time.time()
    for turn in range(3):
        at = now + turn * 2 * WINDOW
        writes = tuple(FileWrite(str(workspace.root / f"{turn}-{n}"), at, at) for n in range(MANY_KNOWN))
        facts = tuple(AgentFacts(one, lock=Lock(1, now), writes=writes) for one in workspace.agents)
        trigger.see(Fleet(workspace.root, agents=facts), at)
    assert len(trigger._known) == MANY_KNOWN


def test_a_fleet_in_which_nobody_wrote_costs_a_look_at_each_agent(tmp_path: Path) -> None:
    workspace = create.create_workspace(tmp_path / "project", [("a", "a"), ("b", "b")])
    trigger = SharedFileTrigger(workspace.root, print)
    facts = tuple(AgentFacts(one) for one in workspace.agents)
    fleet = Fleet(workspace.root, agents=facts)
    trigger.see(fleet)
    several = trigger._shared._several
    trigger.see(replace(fleet, at=1.0))
    assert trigger._shared._several is several
