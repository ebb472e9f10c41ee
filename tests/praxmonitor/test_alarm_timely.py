"""From a condition to its cue, through the real loop of a guard, by the real clock: never more than a second."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from mailcore.config import Alarms, Config
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.fleet import Fleet
from mailcore.model.lock import Holder, Lock
from mailcore.observe.facts import Fact, LockRead, Roster
from mailcore.observe.fold import apply
from praxmonitor.alarms.headless import TICK, watch
from praxmonitor.alarms.notifier import Notifier
from praxmonitor.sound import Cue
from tests.clock import NOON, Clock
from tests.praxmonitor.fake_feed import FakeFeed
from tests.stories.words import Life

EACH = 50
"""Conditions of each sort: a supervisor that is found dead, a silence whose time is up."""
LATEST = 1.0
"""Seconds after which an urgent alarm is late."""
SILENCE = 6.0
FIRST, APART = 6.5, 0.07
"""When the first silence is due, in seconds of the clock, and what lies between two."""


@pytest.fixture
def asleep() -> Iterator[int]:
    """The PID of a process that does nothing: its CPU use is looked at."""
    process = subprocess.Popen(["sleep", "600"])
    yield process.pid
    process.kill()
    process.wait()


def with_pid(facts: list[Fact], pid: int) -> list[Fact]:
    """The same, of runs whose supervisor has that PID."""
    return [
        replace(fact, lock=replace(fact.lock, pid=pid)) if isinstance(fact, LockRead) and fact.lock else fact
        for fact in facts
    ]


@pytest.mark.anyio
async def test_an_urgent_alarm_is_never_later_than_a_second(
    tmp_path: Path, asleep: int, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, feed, heard = Clock(NOON, runs=True), FakeFeed(), dict[str, float]()
    lives = [Life(f"{sort}{number}") for sort in ("dies", "still") for number in range(EACH)]
    agents = [Agent(life.address, life.name, tmp_path / life.name, root=tmp_path) for life in lives]
    for agent in agents:
        agent.passport.parent.mkdir(parents=True)
        agent.passport.write_text("{}")
        agent.mail_dir.mkdir()
    fleet = Fleet(tmp_path)
    facts: list[Fact] = [Roster((*agents, Agent(OPERATOR, "OPERATOR", tmp_path / "op")))]
    due: dict[str, float] = {}
    for number, life in enumerate(lives[EACH:]):
        sign = FIRST + APART * number - SILENCE
        life.starts(sign - 0.5)
        due[life.address] = NOON + sign + SILENCE
    for life in lives[:EACH]:
        life.starts(0)
    facts += [thing for life in lives for _, things in life.steps for thing in things if isinstance(thing, Fact)]
    fleet = apply(fleet, with_pid(facts, asleep), NOON)
    feed.put(fleet)

    last: list[Cue] = []
    played_at = 0.0

    def play(cues: list[Cue]) -> None:
        nonlocal last, played_at
        last, played_at = cues, clock()

    policy = Alarms(silence=SILENCE, silence_start=SILENCE, look=5.0, lag=0.0)
    notifier = Notifier(Config(alarms=policy), tmp_path, period=TICK, clock=clock, live=True, what="guard")

    async def follow() -> None:
        async with aclosing(watch(feed, notifier, play, lambda _: None)) as events:
            async for found, _ in events:
                # Of several at one look the most urgent sounds.
                for episode in found.raised:
                    if any(cue.urgency >= episode.urgency for cue in last):
                        heard.setdefault(episode.alarm.address, played_at)

    task = asyncio.create_task(follow())
    try:
        async with asyncio.timeout(60):
            while not notifier.on_duty:
                await asyncio.wait({task}, timeout=0.02)
            for number, life in enumerate(lives[:EACH]):
                dead = Lock(os.getpid(), NOON, run_id=life.run_id, holder=Holder.DEAD)
                fleet = apply(fleet, [LockRead(life.address, dead)], clock())
                due[life.address] = clock()
                feed.put(fleet)
                await asyncio.wait({task}, timeout=0.03 + 0.002 * number)
                assert not task.done(), task.exception()
            while due.keys() - heard.keys():
                await asyncio.wait({task}, timeout=0.02)
                assert not task.done(), task.exception()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        notifier.close()
    for sort in ("dies", "still"):
        late = sorted(heard[address] - due[address] for address in due if address.startswith(f"@{sort}"))
        with capsys.disabled():
            print(
                f"\n{len(late)} of {sort}: median {1000 * late[len(late) // 2]:.0f} ms, worst {1000 * late[-1]:.0f} ms"
            )
        assert len(late) == EACH
        assert late[0] >= 0 and late[-1] <= LATEST
