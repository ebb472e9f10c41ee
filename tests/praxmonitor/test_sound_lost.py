"""A device that goes and comes: found again without anybody's doing, on a real PulseAudio whose output is recorded."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from praxmonitor.assets import sounds_dir
from praxmonitor.sound import Cue, Sound, Urgency, player
from praxmonitor.sound.device_events import OutputEvents
from praxmonitor.sound.player import NONE, Player
from tests.praxmonitor.conftest_pulse import Pulse, until

PACK = sounds_dir() / "default"
ALARM = Cue(Sound.SILENCE, "@writer", urgency=Urgency.HIGH)


@pytest.fixture
def opened() -> Iterator[Player]:
    found = Player(PACK)
    found.start()
    yield found
    found.close()


def heard_after(pulse: Pulse, sounds: Player, cue: Cue = ALARM) -> float:
    """Seconds until a device is open and what is then asked for is recorded."""
    began = time.monotonic()
    until(lambda: sounds.opened, "the device is found again", 10.0)
    pulse.record()
    pulse.pcm.clear()
    until(lambda: sounds.play(cue), "it is taken", 5.0)
    until(pulse.heard, "it is heard", 5.0)
    return time.monotonic() - began


@pytest.mark.parametrize("away", [0.5, 5, 30, 120])
def test_a_server_that_was_away_is_found_again_however_long_it_was(
    pulse: Pulse, opened: Player, rounds: Callable[[int, int], int], away: float
) -> None:
    if away > rounds(5, 120):
        pytest.skip("with --rounds all")
    pulse.start()
    until(lambda: opened.opened, "the first device")
    pulse.stop()
    until(lambda: not opened.opened, "its end is noticed though nothing is played", 2.0)
    until(lambda: opened.backend == NONE, "it says so")
    assert opened.reason and opened.retry_at > time.time() - 61
    gone = time.monotonic()
    until(lambda: time.monotonic() - gone >= away, "it stays away", away + 1)
    pulse.start()
    took = heard_after(pulse, opened)
    print(f"server away {away:g} s: heard {took:.1f} s after it came back")
    assert took < 3.0


def test_a_server_that_comes_after_the_player_is_found(pulse: Pulse, opened: Player) -> None:
    until(lambda: opened.backend == NONE, "there is none")
    pulse.start()
    assert heard_after(pulse, opened) < 3.0
    assert opened.reason == "" and not opened.retry_at


def test_an_output_that_is_unplugged_is_missed_and_one_that_comes_back_is_found(pulse: Pulse, opened: Player) -> None:
    pulse.start()
    until(lambda: opened.opened, "the first device")
    subprocess.run(["pactl", "unload-module", "module-null-sink"], check=True)
    until(lambda: not opened.opened, "that it went", 3.0)
    until(lambda: opened.backend == NONE, "it says so", 10.0)
    subprocess.run(["pactl", "load-module", *pulse.output.split()], check=True, stdout=subprocess.DEVNULL)
    took = heard_after(pulse, opened)
    print(f"output back: heard after {took:.1f} s")
    assert took < 3.0


def test_a_server_that_refuses_is_not_one_that_went(pulse: Pulse, opened: Player) -> None:
    """Killed, it leaves its socket; the client that is refused there must not take the next one's device away."""
    pulse.start()
    until(lambda: opened.opened, "the first device")
    assert pulse.server is not None
    for _ in range(2):
        pulse.server.kill()
        pulse.server.wait()
        until(lambda: not opened.opened, "that it went", 3.0)
        pulse.start()
        until(lambda: opened.opened, "the next one")
        over = time.monotonic() + 6.0
        while time.monotonic() < over:
            assert opened.opened, "it keeps its device"
            threading.Event().wait(0.05)


def test_without_any_word_of_the_system_waits_grow_and_end_with_a_device(
    pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OutputEvents, "start", lambda _: None)
    monkeypatch.setattr(player, "BACKOFF", (0.1, 0.2, 0.4))
    tries: list[float] = []
    found = Player(PACK, on_ready=lambda: tries.append(time.monotonic()))
    try:
        found.start()
        until(lambda: len(tries) >= 4, "it is tried again and again", 20.0)
        assert tries[3] - tries[2] > tries[1] - tries[0]
        pulse.start()
        until(lambda: found.opened, "the device that came")
    finally:
        found.close()


def test_an_alarm_that_a_dying_device_swallowed_is_told_as_not_played(pulse: Pulse, opened: Player) -> None:
    pulse.start()
    pulse.record()
    until(lambda: opened.opened, "the first device")
    assert opened.play(Cue(Sound.STUCK, "@writer", urgency=Urgency.LOW))
    until(pulse.heard, "it is heard")
    assert pulse.server is not None
    until(lambda: not opened._unconfirmed._cues, "the child says that it was played")
    pulse.server.send_signal(signal.SIGSTOP)  # it takes nothing more, and says nothing
    other = Cue(Sound.FAILED, "@tester", urgency=Urgency.HIGH)
    assert opened.play(other)
    swallowed: list[Cue] = []

    def known() -> bool:
        swallowed.extend(opened.unplayed())
        return bool(swallowed)

    until(known, "what was swallowed is known", 15.0)
    assert [cue.agent for cue in swallowed] == ["@tester"]
    assert opened.unplayed() == []


def test_a_mute_is_no_device_that_plays(opened: Player) -> None:
    assert opened.admits(ALARM)
    opened.force_muted = True
    assert not opened.admits(ALARM)
