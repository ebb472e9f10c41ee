"""Sound for long: thousands of plays leave nothing behind, and a player that is killed comes back unnoticed."""

from __future__ import annotations

import random
import resource
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from praxmonitor.assets import sounds_dir
from praxmonitor.sound import FAMILIES, Cue, Sound, Urgency, gate
from praxmonitor.sound.player import Player
from tests.praxmonitor.conftest_pulse import Pulse, until
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, text_of, workspace
from tests.praxmonitor.fake_feed import until as app_until

PACK = sounds_dir() / "default"


@pytest.fixture
def playing(pulse: Pulse) -> Iterator[tuple[Pulse, Player]]:
    pulse.start()
    pulse.record()
    player = Player(PACK)
    player.start()
    until(lambda: player.backend == "miniaudio/pulse", "the player's device")
    yield pulse, player
    player.close()


def rounds(request: pytest.FixtureRequest, few: int, every: int) -> int:
    return every if request.config.getoption("--rounds") == "all" else few


def child() -> psutil.Process:
    (found,) = [p for p in psutil.Process().children() if "praxmonitor.sound.child" in p.cmdline()]
    return found


def used(process: psutil.Process) -> tuple[int, int, int]:
    """Threads, open files, KiB of memory."""
    with process.oneshot():
        return process.num_threads(), process.num_fds(), process.memory_info().rss // 1024


def test_thousands_of_plays_leave_threads_files_and_memory_as_they_were(
    playing: tuple[Pulse, Player], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulse, player = playing
    monkeypatch.setattr(gate, "CHORD", 0.0)
    monkeypatch.setattr(gate, "BURST", dict.fromkeys(Urgency, 0.0))
    monkeypatch.setattr(gate, "BURST_PAUSE", 0.0)
    monkeypatch.setattr(gate, "HUSH", 0.0)
    monkeypatch.setattr(gate, "TICKS", 1e9)
    chance, plays, slowest = random.Random(1), rounds(request, 1_000, 10_000), 0.0
    ours, theirs = psutil.Process(), child()
    before: list[tuple[int, int, int]] = []
    for count in range(plays):
        sound = chance.choice(list(Sound))
        voice = chance.randrange(5)
        urgency = chance.choice(list(Urgency)) if sound.alarming else Urgency.NONE
        cue = Cue(sound, f"@agent{voice}", voice, chance.choice(FAMILIES), urgency=urgency)
        began = time.monotonic()
        while not player.play(cue):
            threading.Event().wait(0.005)  # the pipe is full
            began = time.monotonic()
        slowest = max(slowest, time.monotonic() - began)
        if count % 20 == 0:
            threading.Event().wait(0.02)
            del pulse.pcm[:-400_000]
        if count == plays // 5:  # by now everything that is kept ready is
            before = [used(ours), used(theirs)]
    until(lambda: not any(pulse.pcm[-40_000:]), "the last sound's end", 30.0)
    after = [used(ours), used(theirs)]

    print(f"\n{plays} plays, the slowest call {1000 * slowest:.2f} ms; threads, files, KiB: {before} -> {after}")
    assert theirs.is_running() and child() == theirs, "one process for all of them"
    for (threads, files, memory), (threads_after, files_after, memory_after) in zip(before, after, strict=True):
        assert threads_after <= threads and files_after <= files
        assert memory_after - memory < 8_192
    assert slowest < 0.1
    pulse.pcm.clear()
    assert player.play(Cue(Sound.DONE))
    until(pulse.heard, "a sound after all of it")


@pytest.mark.anyio
async def test_a_killed_player_comes_back_and_the_screen_never_notices(
    pulse: Pulse, request: pytest.FixtureRequest
) -> None:
    pulse.start()
    pulse.record()
    player = Player(PACK)
    fleet, kills = lighthouse(), rounds(request, 4, 100)
    app = app_on(FakeFeed(fleet), workspace(fleet), speaker=player)
    slowest, returned = 0.0, []
    async with app.run_test(size=(160, 40)) as pilot:
        await app_until(pilot, lambda: "♪ miniaudio/pulse" in text_of(app), "the device is named", 10.0)
        for _ in range(kills):
            victim = child()
            killed = time.monotonic()
            victim.kill()
            for key in ("j", "k"):
                began = time.monotonic()
                await pilot.press(key)
                slowest = max(slowest, time.monotonic() - began)
            played = player.play(Cue(Sound.DONE))
            await app_until(pilot, lambda: player.backend == "miniaudio/pulse", "another player", 20.0)
            await app_until(pilot, lambda: not any(pulse.pcm[-20_000:]), "quiet")
            pulse.pcm.clear()
            while not pulse.heard():
                player.play(Cue(Sound.DONE))
                await pilot.pause(0.05)
                assert time.monotonic() - killed < 20.0, f"no sound since a kill (played: {played})"
            returned.append(time.monotonic() - killed)
            assert victim != child()
        await app_until(pilot, lambda: "♪ miniaudio/pulse" in text_of(app), "the header names the device")
        assert not player.reason
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"\n{kills} kills: heard again after {sorted(returned)[len(returned) // 2]:.2f} s (median), "
        f"{max(returned):.2f} s (worst); the slowest key {1000 * slowest:.0f} ms; {usage} MiB"
    )
    assert slowest < 0.5
