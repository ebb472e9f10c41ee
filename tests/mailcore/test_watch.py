from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
import watchfiles

from mailcore.observe.stamps import inode
from mailcore.observe.watch import MERGE, Batch, changes

pytestmark = pytest.mark.anyio


def directories(*paths: Path) -> Callable[[], dict[str, int]]:
    return lambda: {str(path): inode(path) for path in paths if inode(path)}


async def until(batches: AsyncGenerator[Batch, None], wanted: Callable[[Batch], object], seconds: float = 5) -> Batch:
    async with asyncio.timeout(seconds):
        async for batch in batches:
            if wanted(batch):
                return batch
    raise AssertionError("the watching ended")


async def standing(batches: AsyncGenerator[Batch, None]) -> None:
    """The watches stand: told by a sweep, long before its period is over."""
    await until(batches, lambda batch: batch.sweep)


def watching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "watch"]


async def test_a_changed_file_is_told_within_a_tenth_of_a_second(tmp_path: Path) -> None:
    async with aclosing(changes(directories(tmp_path), 60)) as batches:
        await standing(batches)
        inbox = tmp_path / "inbox.json"
        began = time.monotonic()
        inbox.write_text("{}")
        batch = await until(batches, lambda batch: inbox in batch.paths)
        assert time.monotonic() - began < 1.0
        assert not batch.sweep


async def test_files_of_nobodys_concern_are_not_told(tmp_path: Path) -> None:
    async with aclosing(changes(directories(tmp_path), 60)) as batches:
        await standing(batches)
        for name in (".inbox.lock", ".inbox.json.tmp", "main.py", "x.swp"):
            (tmp_path / name).write_text("")
        (tmp_path / ".dispatch.lock").write_text("")
        batch = await until(batches, lambda batch: batch.paths)
        assert batch.paths == {tmp_path / ".dispatch.lock"}


async def test_a_directory_that_came_later_is_watched_too(tmp_path: Path) -> None:
    run = tmp_path / "20261122T010000-aa"
    async with aclosing(changes(directories(tmp_path, run), 60)) as batches:
        await standing(batches)
        run.mkdir()
        await standing(batches)
        (run / "run.jsonl").write_text("")
        assert await until(batches, lambda batch: run / "run.jsonl" in batch.paths)


async def test_a_directory_made_anew_is_watched_again(tmp_path: Path) -> None:
    mail = tmp_path / ".ai_mail.local"
    mail.mkdir()
    async with aclosing(changes(directories(tmp_path, mail), 0.2)) as batches:
        await standing(batches)
        for _ in range(3):
            shutil.rmtree(mail)
            mail.mkdir()
            for _ in range(3):
                await until(batches, lambda batch: batch.sweep)
            (mail / "inbox.json").write_text("{}")
            assert await until(batches, lambda batch: mail / "inbox.json" in batch.paths)


async def test_many_late_directories_are_merged_into_one_watch(tmp_path: Path) -> None:
    wanted = [tmp_path]
    async with aclosing(changes(lambda: directories(*wanted)(), 0.2)) as batches:
        await standing(batches)
        for n in range(MERGE + 1):
            wanted.append(tmp_path / f"d{n}")
            wanted[-1].mkdir()
        await until(batches, lambda batch: batch.sweep and len(watching()) == 1)
        (wanted[-1] / "x.log").write_text("")
        assert await until(batches, lambda batch: wanted[-1] / "x.log" in batch.paths)


async def test_without_the_kernel_the_sweeps_go_on(tmp_path: Path) -> None:
    async with aclosing(changes(directories(tmp_path), 0.05, kernel=False)) as batches:
        for _ in range(3):
            assert await until(batches, lambda batch: batch.sweep and not batch.paths)
        assert watching() == []


async def test_at_the_limit_of_watches_sweeps_go_on_and_a_note_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: str, **options: object) -> None:
        raise OSError("OS file watch limit reached.")

    # The limit belongs to the machine, and a test must not change it: watchfiles is made to say what it says there.
    monkeypatch.setattr(watchfiles, "watch", refuse)
    async with aclosing(changes(directories(tmp_path), 0.1)) as batches:
        batch = await until(batches, lambda batch: batch.note and batch.sweep)
        assert "limit reached" in batch.note
        assert "0.1 s" in batch.note


async def test_a_directory_that_went_before_its_watch_stood_is_no_failure(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    told = [{str(tmp_path): 1, str(gone): 2}]
    async with aclosing(changes(lambda: told.pop() if told else directories(tmp_path)(), 0.1)) as batches:
        for _ in range(4):
            batch = await until(batches, lambda batch: batch.sweep)
        assert batch.note == ""
        (tmp_path / "a.log").write_text("")
        assert await until(batches, lambda batch: tmp_path / "a.log" in batch.paths)


async def test_closing_ends_the_threads(tmp_path: Path) -> None:
    async with aclosing(changes(directories(tmp_path), 60)) as batches:
        await standing(batches)
        assert watching()
    assert watching() == []
