"""What the watcher of errors keeps reaches the fleet when its file changes, and costs nothing while it does not."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from mailcore.errors import store
from mailcore.errors.store import ErrorBook, changing_errors
from mailcore.model.error_group import ErrorGroup, GroupState
from mailcore.model.fleet import Fleet
from mailcore.observe.watch import Batch
from mailcore.workspace.find import Workspace, find_workspace
from praxmonitor.feed import error_reader
from praxmonitor.feed.error_reader import ErrorReader
from praxmonitor.feed.file_feed import FileFeed
from tests.praxmonitor.fake_errors import group

NOTHING, LOOK = Batch(frozenset(), False), Batch(frozenset(), True)


def keep(workspace: Workspace, *groups: ErrorGroup) -> None:
    with changing_errors(workspace) as at_hand:
        for each in groups:
            at_hand.book = at_hand.book.with_group(each)


async def until(fleets: AsyncGenerator[Fleet, None], wanted: Callable[[Fleet], bool]) -> Fleet:
    async with asyncio.timeout(10):
        async for fleet in fleets:
            if wanted(fleet):
                return fleet
    raise AssertionError("the feed ended")


@pytest.mark.anyio
async def test_errors_come_after_the_first_fleet_and_each_change_is_told(aipass_workspace: Path) -> None:
    workspace = find_workspace(aipass_workspace)
    keep(workspace, group(1, GroupState.NEW, "KeyError: 'a'"))
    async with aclosing(FileFeed(aipass_workspace, 60.0).fleets()) as fleets:
        assert (await anext(fleets)).errors is None, "the first paint waits for none of it"
        fleet = await until(fleets, lambda fleet: fleet.errors is not None)
        assert fleet.errors is not None and [one.title for one in fleet.errors.groups] == ["KeyError: 'a'"]
        began = time.monotonic()
        keep(workspace, group(1, GroupState.BACK, "KeyError: 'a'", ago=5.0))
        await until(fleets, lambda fleet: fleet.errors is not None and fleet.errors.groups[0].state is GroupState.BACK)
        assert time.monotonic() - began < 5.0, "the kernel tells of it, no sweep"


def test_while_nothing_changes_nothing_is_read(aipass_workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = find_workspace(aipass_workspace)
    keep(workspace, group(1, GroupState.NEW, "KeyError: 'a'"))
    a_minute_ago = time.time() - 60  # a file that changed within the clock's tick is read once more
    for path in workspace.state_dir.glob("errors*.json"):
        os.utime(path, (a_minute_ago, a_minute_ago))
    reader = ErrorReader(workspace)
    (first,) = reader.read(NOTHING)
    assert [one.title for one in first.errors.groups] == ["KeyError: 'a'"]
    read: list[Workspace] = []

    def counted(where: Workspace) -> ErrorBook:
        read.append(where)
        return store.read_errors(where)

    monkeypatch.setattr(error_reader, "read_errors", counted)
    elsewhere = Batch(frozenset({str(workspace.state_dir / "audit.jsonl")}), False)
    assert [reader.read(batch) for batch in (NOTHING, elsewhere, LOOK, LOOK)] == [[], [], [], []] and not read
    keep(workspace, group(2, GroupState.NEW, "KeyError: 'b'"))
    assert reader.read(NOTHING) == [], "no look is taken that nobody asked for"
    assert len(reader.read(LOOK)[0].errors.groups) == 2 and read


def test_of_a_file_that_cannot_be_read_it_is_told_and_what_was_known_stays(aipass_workspace: Path) -> None:
    workspace = find_workspace(aipass_workspace)
    keep(workspace, group(1, GroupState.NEW, "KeyError: 'a'"))
    reader, path = ErrorReader(workspace), store.errors_file(workspace)
    reader.read(NOTHING)
    path.write_text("{torn")
    (told,) = reader.read(Batch(frozenset({str(path)}), False))
    assert str(path) in told.errors.trouble and "restore it" in told.errors.trouble
    assert [one.title for one in told.errors.groups] == ["KeyError: 'a'"]
    path.unlink()
    (gone,) = reader.read(LOOK)
    assert gone.errors.groups == () and gone.errors.trouble == ""


def test_where_there_are_none_nothing_is_told(aipass_workspace: Path) -> None:
    assert ErrorReader(find_workspace(aipass_workspace)).read(NOTHING) == []
