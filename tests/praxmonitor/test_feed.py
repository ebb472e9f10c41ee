from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import pytest

from mailcore.exceptions import NoWorkspace
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.lock import Holder
from mailcore.observe.facts import Fact
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.system import processes
from mailcore.workspace.create import add_agent
from mailcore.workspace.find import Workspace, workspace_at
from praxmonitor.feed.base import FLEET_INTERVAL
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.feed.restarting import restarted_fleets
from tests.praxmonitor.fake_feed import FakeFeed, lighthouse

pytestmark = [pytest.mark.anyio, pytest.mark.backends]


def the(fleet: Fleet, address: str) -> AgentFacts:
    facts = fleet.find(address)
    assert facts is not None
    return facts


def write(inbox: Path, *ids: str) -> None:
    inbox.parent.mkdir(parents=True, exist_ok=True)
    inbox.write_text(json.dumps({"messages": [{"id": n, "from": "@x", "subject": n, "status": "new"} for n in ids]}))


async def until(fleets: AsyncGenerator[Fleet, None], wanted: Callable[[Fleet], bool], seconds: float = 5) -> Fleet:
    async with asyncio.timeout(seconds):
        async for fleet in fleets:
            if wanted(fleet):
                return fleet
    raise AssertionError("the feed ended")


def shows(address: str, unread: int) -> Callable[[Fleet], bool]:
    return lambda fleet: the(fleet, address).mailbox.unread == unread


async def test_the_first_fleet_comes_at_once_and_each_change_after_it(aipass_workspace: Path) -> None:
    async with aclosing(FileFeed(aipass_workspace).fleets()) as fleets:
        first = await anext(fleets)
        assert (len(first.agents), first.root) == (4, aipass_workspace)
        write(the(first, "@beta").agent.inbox, "a", "b")
        assert await until(fleets, shows("@beta", 2))


@pytest.mark.parametrize("kernel", [True, False])
async def test_a_workspace_that_was_read_before_is_read_again_after_the_first_fleet(
    aipass_workspace: Path, kernel: bool
) -> None:
    before = workspace_at(aipass_workspace)
    add_agent(before, "late", "agents/late")
    a_minute_ago = time.time() - 60  # what was written just now is read again anyway
    os.utime(before.registry, (a_minute_ago, a_minute_ago))
    feed = FileFeed(aipass_workspace, 0.3, kernel=kernel, workspace=before)
    async with aclosing(feed.fleets()) as fleets:
        assert (await anext(fleets)).find("@late") is None
        await until(fleets, lambda fleet: fleet.find("@late") is not None)
    async with aclosing(feed.fleets()) as fleets:  # begun again it reads the registry itself
        assert (await anext(fleets)).find("@late") is not None


@pytest.mark.parametrize("address", ["@beta", "@ai_mail", "@operator"])
async def test_without_kernel_watches_changes_show_by_the_sweep(aipass_workspace: Path, address: str) -> None:
    async with aclosing(FileFeed(aipass_workspace, 0.3, kernel=False).fleets()) as fleets:
        first = await anext(fleets)
        began = time.monotonic()
        write(the(first, address).agent.inbox, "a")
        await until(fleets, shows(address, 1))
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("address", ["@beta", "@operator"])
async def test_what_the_kernel_does_not_tell_shows_within_five_periods(aipass_workspace: Path, address: str) -> None:
    async with aclosing(FileFeed(aipass_workspace, 0.3).fleets()) as fleets:
        first = await anext(fleets)
        inbox = the(first, address).agent.inbox
        write(inbox, "a")
        await until(fleets, shows(address, 1))
        looked = asyncio.Event()  # the look after a change is over, a period and a half later
        asyncio.get_running_loop().call_later(0.5, looked.set)
        await asyncio.wait_for(looked.wait(), 5)
        elsewhere = aipass_workspace.parent / "elsewhere.json"
        elsewhere.hardlink_to(inbox)
        began = time.monotonic()
        write(elsewhere, "a", "b")  # of a file that is written by its other name
        await until(fleets, shows(address, 2))
        assert time.monotonic() - began < 5 * 0.3 + 3.0


async def test_the_death_of_who_holds_a_lock_is_told_by_no_file(aipass_workspace: Path) -> None:
    async with aclosing(FileFeed(aipass_workspace, 0.3).fleets()) as fleets:
        first = await anext(fleets)
        working = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        ticks = processes.start_ticks(working.pid)
        lock = {"pid": working.pid, "start_ticks": ticks, "timestamp": "2026-11-29T12:00:00+00:00"}
        the(first, "@beta").agent.dispatch_lock.write_text(json.dumps(lock))
        await until(fleets, lambda f: (one := the(f, "@beta").lock) is not None and one.holder is Holder.ALIVE)
        began = time.monotonic()
        working.kill()
        working.wait()
        working.stdin.close() if working.stdin else None
        await until(fleets, lambda f: (one := the(f, "@beta").lock) is not None and one.holder is Holder.DEAD)
        assert time.monotonic() - began < 5 * 0.3, "before all is looked at"


async def test_a_fleet_is_at_most_a_frames_worth_apart_and_the_last_word_counts(aipass_workspace: Path) -> None:
    async with aclosing(FileFeed(aipass_workspace).fleets()) as fleets:
        first = await anext(fleets)
        inbox, log = the(first, "@beta").agent.inbox, the(first, "@beta").agent.logs_dir / "busy.log"
        stopped = asyncio.Event()

        async def busy() -> None:
            for n in range(100):
                with log.open("a") as file:
                    file.write(f"step {n}\n")
                await asyncio.to_thread(stopped.is_set)
            write(inbox, "last")

        times = []
        task = asyncio.create_task(busy())
        async with asyncio.timeout(10):
            async for fleet in fleets:
                times.append(time.monotonic())
                if the(fleet, "@beta").mailbox.unread == 1 and fleet.stream[-1].text == "@x: last":
                    break
        await task
        assert all(later - sooner >= FLEET_INTERVAL * 0.9 for sooner, later in pairwise(times))
        assert len(times) <= (times[-1] - times[0]) / FLEET_INTERVAL + 2


async def test_a_branch_made_anew_is_followed(aipass_workspace: Path) -> None:
    async with aclosing(FileFeed(aipass_workspace, sweep=0.3).fleets()) as fleets:
        first = await anext(fleets)
        branch, inbox = the(first, "@alpha").agent.branch, the(first, "@alpha").agent.inbox
        shutil.rmtree(branch)
        await until(fleets, shows("@alpha", 0))
        write(inbox, "a")
        await until(fleets, shows("@alpha", 1))
        write(inbox, "a", "b", "c")
        assert await until(fleets, shows("@alpha", 3))


async def test_a_registry_that_becomes_unreadable_keeps_the_fleet_and_adds_a_note(aipass_workspace: Path) -> None:
    async with aclosing(FileFeed(aipass_workspace, sweep=0.3).fleets()) as fleets:
        await anext(fleets)
        registry = aipass_workspace / "AIPASS_REGISTRY.json"
        whole = registry.read_bytes()
        registry.write_bytes(whole[:100])
        fleet = await until(fleets, lambda fleet: bool(fleet.notes))
        assert len(fleet.agents) == 4
        assert "AIPASS_REGISTRY.json" in fleet.notes[0]
        registry.write_bytes(whole)
        assert await until(fleets, lambda fleet: not fleet.notes)


async def test_no_workspace_is_said_at_the_first_fleet(tmp_path: Path) -> None:
    with pytest.raises(NoWorkspace, match="is no workspace's root"):
        await anext(FileFeed(tmp_path).fleets())


async def test_a_recorder_is_told_in_the_worker_thread_what_the_fleets_are_made_of(aipass_workspace: Path) -> None:
    told: list[tuple[float, Sequence[Fact]]] = []
    threads: set[int] = set()

    def on_facts(at: float, facts: Sequence[Fact]) -> None:
        told.append((at, tuple(facts)))
        threads.add(threading.get_ident())

    async with aclosing(FileFeed(aipass_workspace, sweep=0.3, on_facts=on_facts).fleets()) as fleets:
        first = await anext(fleets)
        assert apply(Fleet(aipass_workspace), told[0][1], told[0][0]) == first
        write(the(first, "@beta").agent.inbox, "a", "b")
        last = await until(fleets, shows("@beta", 2))
    fleet = Fleet(aipass_workspace)
    for at, facts in told:
        fleet = apply(fleet, facts, at)
    assert fleet == last
    assert all(facts for _, facts in told) and threading.get_ident() not in threads


async def test_the_first_fleet_waits_until_it_is_asked_for_and_few_after_it(aipass_workspace: Path) -> None:
    told, go_on = threading.Event(), threading.Event()

    def on_facts(at: float, facts: Sequence[Fact]) -> None:
        told.set()
        go_on.wait(5)

    async with aclosing(FileFeed(aipass_workspace, sweep=0.1, on_facts=on_facts).fleets()) as fleets:
        first = asyncio.ensure_future(anext(fleets))
        assert await asyncio.to_thread(told.wait, 5)
        go_on.set()  # from here on the loop stands still, as while a screen is made
        inbox = aipass_workspace / "agents" / "beta" / ".ai_mail.local" / "inbox.json"
        for n in range(8):
            threading.Event().wait(0.1)
            write(inbox, *map(str, range(n + 1)))
        seen = [await first]
        assert shows("@beta", 0)(seen[0])
        while not shows("@beta", 8)(seen[-1]):
            seen.append(await anext(fleets))
        assert len(seen) <= 4


async def test_what_ends_the_reading_does_not_hide_the_first_fleet(aipass_workspace: Path) -> None:
    readings = []

    def on_facts(at: float, facts: Sequence[Fact]) -> None:
        readings.append(facts)
        if len(readings) == 2:
            raise OSError("the disk is full")

    async with aclosing(FileFeed(aipass_workspace, sweep=0.1, on_facts=on_facts).fleets()) as fleets:
        inbox = the(await anext(fleets), "@beta").agent.inbox
        write(inbox, "news")
        with pytest.raises(OSError, match="full"):
            await until(fleets, lambda _: False)


async def test_a_reading_that_broke_keeps_nothing(aipass_workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[WorkspaceReader]] = []

    class Noted(WorkspaceReader):
        def __init__(self, workspace: Workspace) -> None:
            super().__init__(workspace)
            made.append(weakref.ref(self))

    def on_facts(at: float, facts: Sequence[Fact]) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("praxmonitor.feed.file_feed.WorkspaceReader", Noted)
    gc.disable()
    try:
        with pytest.raises(OSError, match="full"):
            await anext(FileFeed(aipass_workspace, on_facts=on_facts).fleets())
        assert [ref() for ref in made] == [None]
    finally:
        gc.enable()


async def test_it_can_be_stopped_at_any_moment(aipass_workspace: Path) -> None:
    for n in range(30):
        feed = FileFeed(aipass_workspace, sweep=0.05).fleets()
        task = asyncio.ensure_future(anext(feed))
        await asyncio.wait([task], timeout=n / 500)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(5):
            await feed.aclose()
    assert not [thread for thread in threading.enumerate() if thread.name in ("feed", "watch")]


async def test_a_feed_that_breaks_is_begun_anew_and_both_are_told() -> None:
    feed, told = FakeFeed(lighthouse()), list[str]()
    feed.put(TypeError("unhashable\ntype"))
    feed.put(lighthouse())
    async with aclosing(restarted_fleets(feed, told.append, pause=0.0)) as fleets, asyncio.timeout(10):
        await anext(fleets)
        assert told == []
        await anext(fleets)
    assert told == ["watching stopped: TypeError: unhashable type; it begins again in 0 s", ""]


async def test_a_feed_that_breaks_again_is_begun_ever_more_slowly() -> None:
    feed, told = FakeFeed(), list[str]()
    for _ in range(6):
        feed.put(ValueError("x"))
    feed.put(lighthouse())
    async with aclosing(restarted_fleets(feed, told.append, pause=0.001, longest=0.01)) as fleets, asyncio.timeout(10):
        await anext(fleets)
    assert [said.split()[-2] for said in told[:-1]] == ["0.001", "0.002", "0.004", "0.008", "0.01", "0.01"]


async def test_where_nothing_can_be_watched_the_reason_is_raised(tmp_path: Path) -> None:
    told: list[str] = []
    with pytest.raises(NoWorkspace):
        await anext(restarted_fleets(FileFeed(tmp_path), told.append))
    assert told == []


def says(address: str, text: str) -> Callable[[Fleet], bool]:
    return lambda fleet: any(text in one.text for one in the(fleet, address).activities)


def log(fleet: Fleet, address: str, text: str) -> None:
    with (the(fleet, address).agent.logs_dir / "busy.log").open("a") as file:
        file.write(f"{text}\n")


async def test_who_was_quiet_is_handed_on_at_once_while_another_is_busy(aipass_workspace: Path) -> None:
    feed = FileFeed(aipass_workspace, frame=60.0, quiet_frame=0.01)
    async with aclosing(feed.fleets()) as fleets:
        first = await anext(fleets)
        log(first, "@beta", "step 1")
        assert await until(fleets, says("@beta", "step 1")), "the first change of a frame"
        log(first, "@beta", "step 2")
        log(first, "@alpha", "awake")
        await until(fleets, says("@alpha", "awake"))
        log(first, "@beta", "step 3")
        write(the(first, "@beta").agent.inbox, "a")
        fleet = await until(fleets, shows("@beta", 1))
        assert says("@beta", "step 2")(fleet), "a mailbox changes seldom"


async def test_what_is_held_back_comes_with_the_frame_though_nothing_else_happens(aipass_workspace: Path) -> None:
    async with aclosing(FileFeed(aipass_workspace, frame=0.5, quiet_frame=0.01, sweep=60.0).fleets()) as fleets:
        first = await anext(fleets)
        log(first, "@beta", "step 1")
        await until(fleets, says("@beta", "step 1"))
        began = time.monotonic()
        log(first, "@beta", "step 2")
        await until(fleets, says("@beta", "step 2"))
        assert time.monotonic() - began > 0.2, "it was held back"
