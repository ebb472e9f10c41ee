"""The player with a real child, and a real PulseAudio whose output is recorded."""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Iterator
from ctypes.util import find_library
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from mailcore.config import Sound as SoundConfig
from praxmonitor.assets import sounds_dir
from praxmonitor.sound import Cue, Sound, Urgency, gate
from praxmonitor.sound.backends import decode
from praxmonitor.sound.mutes import FOREVER, Mutes, mutes_path, save_mutes
from praxmonitor.sound.player import NONE, RESET_BACKOFF_AFTER, STARTING, Player, configured_player
from tests.praxmonitor.conftest_pulse import Pulse, likeness, until

PACK = sounds_dir() / "default"


@pytest.fixture
def playing(pulse: Pulse) -> Iterator[tuple[Pulse, Player]]:
    """A recorded server, and a player that has found it."""
    pulse.start()
    pulse.record()
    sounds = Player(PACK)
    sounds.start()
    until(lambda: sounds.backend == "miniaudio/pulse", "the player's device")
    yield pulse, sounds
    sounds.close()


@pytest.fixture
def closing() -> Iterator[list[Player]]:
    players: list[Player] = []
    yield players
    for each in players:
        each.close()


def child() -> psutil.Process:
    """The player's process."""
    (found,) = [process for process in psutil.Process().children() if "praxmonitor.sound.child" in process.cmdline()]
    return found


SILENCE = Cue(Sound.SILENCE, urgency=Urgency.HIGH)


def left(key: str) -> array[int]:
    samples = decode(PACK / "sounds" / f"{key}.wav")[::2]
    return samples[next(index for index, sample in enumerate(samples) if sample) :]


def test_silence_comes_out_of_the_loudspeaker(playing: tuple[Pulse, Player]) -> None:
    pulse, sounds = playing
    expected = left(SILENCE.key)
    assert not pulse.heard(), "a player that was asked for nothing is silent"

    def played() -> array[int]:
        until(lambda: not any(pulse.pcm[-40_000:]), "quiet")
        pulse.pcm.clear()
        sounds.mutes = Mutes(FOREVER)  # so that no take before keeps this one back
        sounds.mutes = Mutes()
        assert sounds.play(SILENCE)
        return pulse.sound(len(expected))

    # On a machine whose every core is busy, an underrun tears one take in twelve.
    recorded = next((take for take in (played() for _ in range(4)) if likeness(take, expected) > 0.8), None)

    assert recorded, "none of four takes was the sound"
    assert likeness(recorded, left("failed.high")) < 0.5, "so the comparison can tell sounds apart"


def test_two_sounds_at_once_are_heard_mixed(playing: tuple[Pulse, Player]) -> None:
    pulse, sounds = playing
    one, two = left(Sound.LIMIT), left(Sound.FAILED)
    both = array("h", [a + b for a, b in zip(one, two, strict=False)])

    def played() -> array[int]:
        until(lambda: not any(pulse.pcm[-40_000:]), "quiet")
        pulse.pcm.clear()
        process = child()
        process.suspend()  # so that both begin at the same frame
        assert sounds.play(Cue(Sound.LIMIT)) and sounds.play(Cue(Sound.FAILED))
        process.resume()
        return pulse.sound(len(both))

    recorded = next((take for take in (played() for _ in range(4)) if likeness(take, both) > 0.93), None)

    assert recorded, "none of four takes was the sum"
    assert likeness(recorded, one) < 0.89 and likeness(recorded, two) < 0.89, "not one of them alone"
    assert likeness(both, one) > 0.3 and likeness(both, two) > 0.3, "both have a share in it"


def test_a_sound_starts_fast_awake_and_after_a_rest(playing: tuple[Pulse, Player]) -> None:
    pulse, sounds = playing

    def delay() -> float:
        pulse.pcm.clear()
        began = time.monotonic()
        assert sounds.play(Cue(Sound.TOOL))
        until(pulse.heard, "the tick")
        heard = time.monotonic() - began
        until(lambda: len(pulse.pcm) > 100_000 and not any(pulse.pcm[-40_000:]), "quiet again")
        return heard

    awake = statistics.median(delay() for _ in range(5))
    until(pulse.corked, "a stream at rest")
    rested = delay()

    print(f"first sample after {1000 * awake:.0f} ms (median of 5), {1000 * rested:.0f} ms after a rest")
    assert awake <= 0.060
    assert rested <= 0.150  # one draw, not a median


def test_muting_cuts_off_what_plays_and_all_that_follows(playing: tuple[Pulse, Player]) -> None:
    pulse, sounds = playing
    sounds.play(SILENCE)
    until(pulse.heard, "the sound")
    sounds.mutes = Mutes(FOREVER)
    until(lambda: len(pulse.pcm) > 40_000 and not any(pulse.pcm[-20_000:]), "silence in the middle of the sound", 1.0)
    pulse.pcm.clear()

    assert sounds.play(Cue(Sound.FAILED)), "a bell must not ring instead"
    until(lambda: len(pulse.pcm) > 40_000, "0.2 s")
    assert not pulse.heard()
    sounds.mutes = Mutes()
    assert sounds.play(SILENCE), "an alarm that was cut off keeps none back"
    until(pulse.heard, "sound again")


def test_a_more_urgent_alarm_cuts_another_off_and_is_heard_at_once(playing: tuple[Pulse, Player]) -> None:
    pulse, sounds = playing
    medium = Cue(Sound.STUCK, "@a", urgency=Urgency.MEDIUM)
    expected = left(SILENCE.key)[: len(left(medium.key))]

    def played() -> array[int]:
        until(lambda: not any(pulse.pcm[-40_000:]), "quiet")
        sounds.mutes = Mutes(FOREVER)
        sounds.mutes = Mutes()
        pulse.pcm.clear()
        process = child()
        process.suspend()  # so that one comes while the other sounds, on a machine however slow
        assert sounds.play(medium) and sounds.play(SILENCE)
        process.resume()
        return pulse.sound(len(expected))

    both = array("i", [a + b for a, b in zip(expected, left(medium.key), strict=True)])
    recorded = next((take for take in (played() for _ in range(4)) if likeness(take, expected) > 0.93), None)

    assert recorded, "none of four takes was the more urgent one alone"
    assert likeness(both, expected) < 0.85, "so the comparison can tell"


def test_an_alarm_that_the_device_swallowed_is_let_through_again(playing: tuple[Pulse, Player]) -> None:
    """It takes 4 s to know that; an alarm of high urgency and its pause take longer."""
    pulse, sounds = playing
    process = child()
    process.suspend()
    assert sounds.play(SILENCE)
    until(sounds.unplayed, "that it was not played")
    process.kill()
    until(lambda: sounds.backend == STARTING, "the death noticed")
    until(lambda: sounds.backend == "miniaudio/pulse", "another child")
    pulse.pcm.clear()

    assert sounds.play(SILENCE)
    until(pulse.heard, "told again")


def test_a_killed_child_is_replaced(playing: tuple[Pulse, Player]) -> None:
    pulse, sounds = playing
    first = child()
    first.kill()
    until(lambda: sounds.backend == STARTING, "the death noticed")
    assert not sounds.play(Cue(Sound.MAIL)), "no device: the caller must know"
    until(lambda: sounds.backend == "miniaudio/pulse", "another child")

    assert child().pid != first.pid
    assert sounds.play(Cue(Sound.DONE))
    until(pulse.heard, "sound again")


def test_after_a_single_kill_sound_is_back_within_a_second(playing: tuple[Pulse, Player]) -> None:
    """The best of three counts: the machine is shared."""
    pulse, sounds = playing
    took = []
    for _ in range(3):
        steady = time.monotonic() + RESET_BACKOFF_AFTER + 0.1
        until(lambda at=steady: time.monotonic() > at, "the child is owed all restarts", 10.0)  # type: ignore[misc]
        pulse.pcm.clear()
        child().kill()
        killed = time.monotonic()
        until(lambda: sounds.play(Cue(Sound.DONE)) and pulse.heard(), "sound again", 20.0)
        took.append(time.monotonic() - killed)
        if took[-1] <= 1.0:
            break
    print(f"heard again {min(took):.2f} s after a kill")
    assert min(took) <= 1.0


@pytest.mark.parametrize("resting", [False, True])
def test_a_sound_server_that_restarts_is_found_again(playing: tuple[Pulse, Player], resting: bool) -> None:
    pulse, sounds = playing
    sounds.play(SILENCE)
    until(pulse.heard, "a sound before")
    if resting:
        until(pulse.corked, "a stream at rest")
    pulse.stop()
    sounds.play(Cue(Sound.MAIL))
    until(lambda: sounds.backend == STARTING, "the lost device noticed")
    pulse.start()
    pulse.record()
    until(lambda: sounds.backend == "miniaudio/pulse", "the new server", 15.0)
    pulse.pcm.clear()

    assert sounds.play(Cue(Sound.DONE))
    until(pulse.heard, "sound again")


def test_a_sound_that_found_its_device_gone_is_played_by_the_next_child(playing: tuple[Pulse, Player]) -> None:
    pulse, sounds = playing
    process = child()
    process.suspend()
    assert sounds.play(Cue(Sound.MAIL))
    process.kill()
    until(pulse.heard, "what the dead child was told to play")

    assert child().pid != process.pid


def test_nothing_blocks_and_nothing_raises_with_a_stuck_child(
    playing: tuple[Pulse, Player], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, sounds = playing
    monkeypatch.setattr(gate, "TICKS", 1e9)
    monkeypatch.setattr(gate, "CHORD", 0.0)
    process = child()
    process.suspend()
    began = time.monotonic()
    taken = [sounds.play(Cue(Sound.TOOL)) for _ in range(5_000)]
    spent = time.monotonic() - began
    process.resume()

    assert spent < 2.0
    assert taken[0] is True and taken[-1] is False, "a full pipe is no device"


def test_a_burst_is_one_chord_and_is_counted(playing: tuple[Pulse, Player], monkeypatch: pytest.MonkeyPatch) -> None:
    _, sounds = playing
    monkeypatch.setattr(gate, "CHORD", 60.0)
    process = child()
    process.suspend()
    taken = [sounds.play(Cue(Sound.DONE, f"@agent{voice}", voice)) for voice in range(5_000)]
    process.resume()

    assert all(taken), "all but three went nowhere, or the pipe would be full"
    assert sounds.chord == 5_000


def test_rubbish_on_the_pipe_does_no_harm(pulse: Pulse) -> None:
    pulse.start()
    pulse.record()
    with subprocess.Popen(
        [sys.executable, "-m", "praxmonitor.sound.child", str(PACK)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout
        assert json.loads(process.stdout.readline()) == {"backend": "miniaudio/pulse"}
        cue = {"sound": "done", "volume": 1.0, "urgency": 0}
        good: dict[str, object] = {"cue": cue, "at": time.time()}
        for bad in ("", "nonsense", "[]", "null", "{}", '{"cue": 1}', '{"cue": {"sound": "gong"}, "at": 1}',
                    json.dumps(good | {"at": "x"}), json.dumps(good | {"cue": {"sound": "tool", "family": "../x"}}),
                    json.dumps(good | {"cue": cue | {"volume": "loud"}}), json.dumps(good | {"cue": cue | {"x": 1}}),
                    json.dumps(good | {"cue": cue | {"voice": "x"}}), json.dumps(good | {"cue": cue | {"urgency": []}}),
                    json.dumps(good | {"cue": cue | {"urgency": 4}}), json.dumps(good | {"cue": {"sound": "done"}}),
                    json.dumps(good | {"at": time.time() - 3})):  # fmt: skip
            process.stdin.write(bad.encode() + b"\n")
        process.stdin.flush()
        pulse.pcm.clear()
        until(lambda: len(pulse.pcm) > 40_000, "0.2 s")
        assert not pulse.heard(), "a sound that is 3 s late is not played"
        process.stdin.write(json.dumps(good | {"at": time.time()}).encode() + b"\n")
        process.stdin.flush()
        until(pulse.heard, "the good line's sound")
        process.stdin.close()

        assert process.wait(5) == 0


def test_a_server_without_outputs_is_no_device(pulse: Pulse, no_device: Path, closing: list[Player]) -> None:
    no_device.write_text("pcm.!default { type pulse }\n")  # ALSA leads to the same server
    pulse.start("module-always-sink")
    sounds = Player(PACK)
    closing.append(sounds)
    sounds.start()
    until(lambda: sounds.backend != STARTING, "the player's answer", 5.0)

    assert sounds.backend == NONE
    assert "the sound server has no output device" in sounds.reason


def test_a_stopped_server_is_no_device(pulse: Pulse, closing: list[Player]) -> None:
    pulse.start()
    assert pulse.server
    pulse.server.send_signal(signal.SIGSTOP)
    sounds = Player(PACK)
    closing.append(sounds)
    sounds.start()
    until(lambda: sounds.backend != STARTING, "the player's answer", 6.0)

    assert (sounds.backend, sounds.reason) == (NONE, "the sound system does not answer")


def test_no_device_is_said_within_five_seconds_and_nothing_is_written(
    no_device: Path, closing: list[Player], capfd: pytest.CaptureFixture[str]
) -> None:
    settled = threading.Event()
    sounds = Player(PACK, on_ready=settled.set)
    closing.append(sounds)
    assert not sounds.play(Cue(Sound.MAIL)), "not started: not played"
    sounds.start()

    assert settled.wait(5.0)
    assert sounds.backend == NONE
    assert "miniaudio/" in sounds.reason
    assert sounds.play(Cue(Sound.DONE)) is False
    sounds.close()
    assert capfd.readouterr() == ("", "")


def test_a_device_without_a_clock_is_no_device(no_device: Path, closing: list[Player]) -> None:
    if not find_library("asound"):
        pytest.skip("ALSA's library is not installed")
    no_device.write_text("pcm.!default { type null }\nctl.!default { type null }\n")
    sounds = Player(PACK)
    closing.append(sounds)
    sounds.start()
    until(lambda: sounds.backend != STARTING, "the player's answer", 5.0)

    assert sounds.backend == NONE
    assert "miniaudio/alsa: a device without a clock" in sounds.reason


def test_a_pack_that_cannot_be_read_is_the_reason(tmp_path: Path, no_device: Path, closing: list[Player]) -> None:
    sounds = Player(tmp_path)
    closing.append(sounds)
    sounds.start()
    until(lambda: sounds.backend == NONE, "the player's answer")

    assert str(tmp_path / "openpeon.json") in sounds.reason


def test_a_player_with_no_device_can_be_started_again(pulse: Pulse, closing: list[Player]) -> None:
    sounds = Player(PACK)
    closing.append(sounds)
    sounds.start()
    until(lambda: sounds.backend == NONE, "no device yet")
    pulse.start()

    def works() -> bool:
        sounds.start()
        return sounds.backend == "miniaudio/pulse"

    until(works, "the device that came later")
    assert sounds.reason == ""


def test_close_ends_the_child_at_once(playing: tuple[Pulse, Player]) -> None:
    _, sounds = playing
    process = child()
    began = time.monotonic()
    sounds.close()

    assert time.monotonic() - began < 1.0
    assert not process.is_running()
    assert sounds.play(Cue(Sound.MAIL)) is False


def test_the_child_ends_with_its_parent(pulse: Pulse) -> None:
    pulse.start()
    code = (
        "import sys, threading; from pathlib import Path; from praxmonitor.sound.player import Player\n"
        "player = Player(Path(sys.argv[1]), on_ready=lambda: print(player.backend, flush=True)); player.start()\n"
        "threading.Event().wait()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(PACK)], stdout=subprocess.PIPE)
    with parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"miniaudio/pulse\n"
        children = psutil.Process(parent.pid).children()
        (orphan,) = [each for each in children if "praxmonitor.sound.child" in each.cmdline()]
        parent.kill()

    def ended() -> bool:
        return not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE

    until(ended, "the child's end")
    assert ended()


def test_what_is_muted_by_hand_stays_so_whatever_another_screen_saves(tmp_path: Path) -> None:
    player = configured_player(SoundConfig(backend="bell"), tmp_path, muted=True)
    save_mutes(mutes_path(tmp_path), Mutes().with_agent("@a", FOREVER), time.time())
    assert player.play(replace(SILENCE, agent="@b")) is True, "no bell, no sound"
    assert player.mutes == Mutes().with_agent("@a", FOREVER), "what is kept is not what is forced"
    player.force_muted = False
    assert player.play(replace(SILENCE, agent="@c")) is False
