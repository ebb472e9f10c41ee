"""One watcher of several, on real disks: what hangs, fails or changes in one place, and what the others make of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from msgspec import structs

from mailcore.config import Alarms, Config
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import Agent
from mailcore.model.fleet import Fleet
from mailcore.model.lock import Lock
from mailcore.model.run import Phase
from praxmonitor.alarms.alarm_mutes import AlarmMute
from praxmonitor.alarms.engine import CARRY_OVER, KEEP_ANSWERS, AlarmEngine
from praxmonitor.alarms.episode import ACKNOWLEDGED, Episode
from praxmonitor.alarms.history import AlarmHistory
from praxmonitor.alarms.missing_directories import BranchFiles
from praxmonitor.alarms.missing_directories import branch_files as really_there
from praxmonitor.alarms.store import AlarmStore
from praxmonitor.state.snapshot import EMPTY, Snapshot, next_snapshot
from tests.clock import NOON, Clock
from tests.praxmonitor.fake_feed import ROOT, facts, run

FAST = Config(alarms=Alarms(look=0.1))
UNHEARD = Fleet(
    ROOT, agents=(facts("writer", run=run("writer", "Report", Phase.COMPLETED, 10.0, undelivered="disk full")),)
)
KEY = "undelivered @writer 20270115-115601-7f3a"
LATER = Fleet(ROOT, agents=(facts("writer", run=run("writer", "Another", Phase.COMPLETED, 5.0)),))


def at(now: float, fleet: Fleet = UNHEARD) -> Snapshot:
    return next_snapshot(EMPTY, fleet, now, FAST.alarms)


async def until(condition: Callable[[], object], task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.wait({task}, timeout=0.02)
            assert not task.done()


@pytest.mark.anyio
@pytest.mark.parametrize("fault", ["hangs", "raises"])
async def test_a_directory_that_hangs_or_fails_keeps_back_no_other_look(tmp_path: Path, fault: str) -> None:
    mended = threading.Event()

    def there(agent: Agent) -> BranchFiles:
        if fault == "hangs":
            mended.wait(20)
        elif not mended.is_set():
            raise RuntimeError("nobody thought of it")
        return really_there(agent)

    state, settings = tmp_path / "state", tmp_path / ".praxmonitor" / "config.toml"
    settings.parent.mkdir()
    engine = AlarmEngine(FAST, tmp_path, AlarmStore(state), period=1.0, files_of=there)
    looking = asyncio.create_task(engine.run_checks(lambda: at(NOON)))
    try:
        AlarmStore(state).answer(["a"], ACKNOWLEDGED)
        settings.write_text("[alarms]\nlook = 0.1\nsilence = 7\n")
        await until(lambda: engine.machine_status.disk_free > 0 and engine.config.alarms.silence == 7, looking)
        await until(lambda: engine.answers == {"a": ACKNOWLEDGED}, looking)
        if fault == "raises":
            assert engine.machine_status.trouble == {"directories": "directories: RuntimeError: nobody thought of it"}
        mended.set()
        await until(lambda: not engine.machine_status.trouble, looking)
    finally:
        mended.set()
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


@pytest.mark.anyio
async def test_an_acknowledged_loss_ends_on_every_screen_and_for_good(tmp_path: Path) -> None:
    clock = Clock()

    def watcher() -> AlarmEngine:
        return AlarmEngine(FAST, tmp_path, AlarmStore(tmp_path), period=1.0, clock=clock, monotonic=clock)

    screen, guard = watcher(), watcher()
    await screen.open()
    await guard.open()
    keeping = asyncio.create_task(screen.save_reports(lambda: True))
    looking = asyncio.create_task(guard.run_checks(lambda: at(clock())))
    try:
        clock.now += CARRY_OVER + 1
        for fleet in (UNHEARD, LATER):
            for engine in (screen, guard):
                engine.evaluate(at(clock(), fleet))
                assert list(engine.episodes.by_key) == [KEY], "it stands, whatever ran since"
        await until(lambda: KEY in AlarmStore(tmp_path).reported(), keeping)
        await screen.answer([KEY], ACKNOWLEDGED)
        assert screen.evaluate(at(clock(), LATER)).over and not screen.episodes.by_key
        await until(lambda: not AlarmStore(tmp_path).reported(), keeping)
        # Only after that the guard looks.
        await until(lambda: guard.answers == {KEY: ACKNOWLEDGED}, looking)
        assert guard.evaluate(at(clock(), LATER)).over and not guard.episodes.by_key
        clock.now += KEEP_ANSWERS
        screen.evaluate(at(clock(), UNHEARD))
        screen.evaluate(at(clock(), LATER))
        assert not screen.episodes.by_key
        await until(lambda: not AlarmStore(tmp_path).answers(), keeping)
    finally:
        for task in (keeping, looking):
            task.cancel()
        await asyncio.gather(keeping, looking, return_exceptions=True)


class SlowDisk(AlarmStore):
    """The real files, on a disk that takes its time."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.asked, self.ready = threading.Event(), threading.Event()

    def save_reported(self, episodes: Mapping[str, Episode]) -> None:
        self.asked.set()
        self.ready.wait(20)
        super().save_reported(episodes)


@pytest.mark.anyio
async def test_what_changes_while_a_slow_disk_keeps_what_was_told_is_not_undone(tmp_path: Path) -> None:
    settings = tmp_path / ".praxmonitor" / "config.toml"
    settings.parent.mkdir()
    disk = SlowDisk(tmp_path)
    engine = AlarmEngine(FAST, tmp_path, disk, period=1.0, clock=Clock())
    looking = asyncio.create_task(engine.run_checks(lambda: at(NOON)))
    keeping = asyncio.create_task(engine.save_reports(lambda: True))
    try:
        settings.write_text("[alarms]\nsilence = \n")
        await until(lambda: "config" in engine.machine_status.trouble, looking)
        assert engine.evaluate(at(NOON)).raised
        await until(disk.asked.is_set, keeping)
        settings.write_text("[alarms]\nlook = 0.1\nsilence = 7\n")
        await until(lambda: engine.config.alarms.silence == 7, looking)
        assert not (tmp_path / "told.json").exists()
        disk.ready.set()
        await until(lambda: (tmp_path / "told.json").is_file() and KEY in (tmp_path / "told.json").read_text(), keeping)
        other = structs.replace(UNHEARD.agents[0], agent=Agent("@lead", "LEAD", ROOT / "lead", root=ROOT))
        engine.evaluate(at(NOON, structs.replace(UNHEARD, agents=(*UNHEARD.agents, other))))
        await until(lambda: "@lead" in (tmp_path / "told.json").read_text(), keeping)
        assert engine.machine_status.trouble == {}
    finally:
        disk.ready.set()
        for task in (looking, keeping):
            task.cancel()
        await asyncio.gather(looking, keeping, return_exceptions=True)


def limited(*names: str) -> Fleet:
    """These agents, whose programs were refused by the service a moment ago."""
    agents = []
    for name in names:
        refused = Activity(NOON - 1, f"@{name}", Kind.LIMIT, "API 529", "hooks")
        agents.append(structs.replace(facts(name, lock=Lock(10, NOON - 60, "Report")), activities=(refused,)))
    return Fleet(ROOT, agents=tuple(agents))


@pytest.mark.anyio
async def test_who_joins_an_answered_group_is_answered_on_every_screen_and_the_history_has_it(tmp_path: Path) -> None:
    clock = Clock()
    engine = AlarmEngine(FAST, tmp_path, AlarmStore(tmp_path), period=1.0, clock=clock, monotonic=clock)
    await engine.open()
    keeping = asyncio.create_task(engine.save_reports(lambda: True))
    try:
        (first,) = engine.evaluate(at(clock(), limited("a"))).raised
        await engine.answer([first.alarm.key], ACKNOWLEDGED)
        clock.now += 5
        (second,) = engine.evaluate(at(clock(), limited("a", "b"))).joined
        assert second.alarm.address == "@b" and not engine.episodes.unanswered(clock())
        await until(lambda: AlarmStore(tmp_path).answers().get(second.alarm.key) == ACKNOWLEDGED, keeping)
        clock.now += 1
        engine.evaluate(at(clock(), limited("a", "b")))
        assert not engine.episodes.unanswered(clock())
        await until(lambda: len(list(AlarmHistory(tmp_path).entries())) == 3, keeping)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    told = [(entry.event, entry.address, entry.by) for entry in AlarmHistory(tmp_path).entries()]
    assert sorted(told) == [("acknowledged", "@a", "@operator"), ("joined", "@b", ""), ("raised", "@a", "")]


@pytest.mark.anyio
async def test_a_mute_made_elsewhere_holds_here_after_the_next_look(tmp_path: Path) -> None:
    engine = AlarmEngine(FAST, tmp_path, AlarmStore(tmp_path), period=1.0)
    await engine.open()
    looking = asyncio.create_task(engine.run_checks(lambda: at(NOON)))
    mute = AlarmMute("ab12", 1e11, agent="@writer", why="at work on it")
    try:
        AlarmStore(tmp_path).change_mutes(lambda mutes: (*mutes, mute))
        await until(lambda: engine.mutes == (mute,), looking)
        await engine.change_mutes(lambda _: ())
        assert engine.mutes == () == AlarmStore(tmp_path).mutes()
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


@pytest.mark.anyio
async def test_what_the_history_could_not_take_is_in_it_when_it_can(tmp_path: Path) -> None:
    clock = Clock()
    engine = AlarmEngine(FAST, tmp_path, AlarmStore(tmp_path), period=1.0, clock=clock, monotonic=clock)
    await engine.open()
    keeping = asyncio.create_task(engine.save_reports(lambda: True))
    (tmp_path / "history.jsonl").mkdir()
    try:
        engine.evaluate(at(clock(), limited("a")))
        await until(lambda: engine.machine_status.trouble, keeping)
        assert "cannot be stored" in engine.machine_status.trouble["store"]
        (tmp_path / "history.jsonl").rmdir()
        clock.now += 1
        engine.evaluate(at(clock(), limited("a", "b")))
        await until(lambda: len(list(AlarmHistory(tmp_path).entries())) == 3, keeping)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    told = [(entry.event, entry.address or entry.kind) for entry in AlarmHistory(tmp_path).entries()]
    assert told == [("raised", "@a"), ("raised", "degraded"), ("joined", "@b")]


@pytest.mark.anyio
async def test_a_check_ends_when_it_is_cancelled_in_the_turn_in_which_an_answer_comes(tmp_path: Path) -> None:
    engine = AlarmEngine(FAST, tmp_path, AlarmStore(tmp_path), period=1.0)
    changed, checked = asyncio.Event(), asyncio.Event()

    async def check() -> None:
        checked.set()

    checking = asyncio.create_task(engine._repeat(check, changed))
    async with asyncio.timeout(10):
        await checked.wait()
    changed.set()
    # Behind what the event wakes, and before that is told to the one who waits for it.
    asyncio.get_running_loop().call_soon(checking.cancel)
    await asyncio.wait({checking}, timeout=5)
    ended = checking.cancelled()
    checking.cancel()
    assert ended
