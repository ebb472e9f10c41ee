"""The other ways to play: the system's players and simpleaudio, on a recorded PulseAudio; the bell, and nothing."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from mailcore.config import Sound as SoundConfig
from mailcore.exceptions import ConfigError
from praxmonitor.alarms.reach import reach
from praxmonitor.alarms.watchers import Reach
from praxmonitor.assets import sounds_dir
from praxmonitor.sound import Cue, Sound, Urgency
from praxmonitor.sound.backends import decode
from praxmonitor.sound.gate import GateRules
from praxmonitor.sound.mutes import FOREVER, Mutes, mutes_path, save_mutes
from praxmonitor.sound.player import BELL, NONE, STARTING, Player, configured_player
from praxmonitor.sound.system_players import AFPLAY, PIPED
from tests.praxmonitor.conftest_pulse import Pulse, likeness, until

PACK = sounds_dir() / "default"

PROMPT_PLAYER = ("paplay", "--latency-msec=20", str(PACK / "sounds" / "done.wav"))
"""Another program that plays a sound, asking for as little delay as ours does."""
STAND_INS = {
    # What PipeWire and macOS bring, spoken to as we do and played by PulseAudio.
    "pw-play": 'test "$1 $2 $3 $4 $6" = "--raw --format=s16 --rate=44100 --channels=2 -" && '
    "exec paplay --raw --format=s16le --rate=44100 --channels=2 --latency-msec=20",
    AFPLAY: 'exec paplay "$1"',
}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory at the front of PATH."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return tmp_path / "bin"


def program(directory: Path, name: str, script: str) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def players() -> Iterator[list[Player]]:
    opened: list[Player] = []
    yield opened
    for player in opened:
        player.close()


def opened(players: list[Player], backend: str, seconds: float = 30.0) -> Player:
    player = Player(PACK, backend=backend)
    players.append(player)
    player.start()
    until(lambda: player.backend != STARTING, f"the answer of {backend}", seconds)
    return player


@pytest.mark.parametrize("name", [*PIPED, AFPLAY])
def test_a_system_player_plays_the_right_sound(
    name: str, pulse: Pulse, no_device: Path, programs: Path, players: list[Player]
) -> None:
    no_device.write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")  # aplay's way to the server
    if name in STAND_INS:
        program(programs, name, STAND_INS[name])
    elif shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    pulse.start()
    pulse.record()
    player = opened(players, name)
    while "took no sound in" in player.reason and len(players) < 5:  # a machine too busy to start it in that time
        player = opened(players, name)
    if name == "aplay" and "no sound server" in player.reason:
        pytest.skip("this ALSA has no plugin for PulseAudio")
    assert (player.backend, player.reason) == (name, "")
    samples = decode(PACK / "sounds" / "done.wav")[::2]
    expected = samples[next(index for index, sample in enumerate(samples) if sample) :]

    def whole(play: Callable[[], object]) -> bool:
        until(lambda: not any(pulse.pcm[-40_000:]), "quiet")
        pulse.pcm.clear()
        assert play()
        return likeness(pulse.sound(len(expected)), expected) > 0.8

    ours_alone_broke = 0
    for _ in range(20):
        if whole(lambda: player.play(Cue(Sound.DONE))):
            return
        # Who plays as promptly is broken too where the machine is starved: then it says nothing of us.
        ours_alone_broke += whole(lambda: not subprocess.run(PROMPT_PLAYER).returncode)
        assert ours_alone_broke < 4, "four times another program's sound was whole, and ours was not"
    pytest.skip("on this machine the sound server plays nothing whole")


def test_a_piped_player_is_one_process_for_all_sounds_and_fast(pulse: Pulse, players: list[Player]) -> None:
    pulse.start()
    pulse.record()
    player = opened(players, "paplay")
    (child,) = [p for p in psutil.Process().children() if "praxmonitor.sound.child" in p.cmdline()]
    (process,) = child.children()

    def delay() -> float:
        until(lambda: not any(pulse.pcm[-20_000:]), "quiet")
        pulse.pcm.clear()
        began = time.monotonic()
        assert player.play(Cue(Sound.TOOL))
        until(pulse.heard, "the tick")
        heard = time.monotonic() - began
        until(lambda: len(pulse.pcm) > 60_000, "more")
        return heard

    median = statistics.median(delay() for _ in range(7))
    print(f"paplay: first sample after {1000 * median:.0f} ms (median of 7)")
    assert child.children() == [process]
    assert median <= 0.15
    player.close()
    until(lambda: not process.is_running(), "its end")
    assert not process.is_running()


def test_a_player_that_dies_is_replaced(pulse: Pulse, players: list[Player]) -> None:
    pulse.start()
    pulse.record()
    player = opened(players, "paplay")
    (child,) = [p for p in psutil.Process().children() if "praxmonitor.sound.child" in p.cmdline()]
    child.children()[0].kill()
    until(lambda: not child.is_running(), "the child, which ends with it")
    until(lambda: player.backend == "paplay", "another one")

    assert player.play(Cue(Sound.DONE))
    until(pulse.heard, "sound again")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 1", "paplay: it ended"),
        ("sleep 30", "paplay: started, but took no sound in 2 s"),
        ("cat >/dev/null", "paplay: a device without a clock"),
        ("head -c 20000 >/dev/null; sleep 0.05", "paplay: "),
    ],
)
def test_a_player_that_does_not_play_is_no_device(
    script: str, reason: str, no_device: Path, programs: Path, players: list[Player]
) -> None:
    program(programs, "paplay", script)
    player = opened(players, "paplay", 30.0)

    assert player.backend == NONE
    assert reason in player.reason


def test_afplay_that_fails_is_no_device(no_device: Path, programs: Path, players: list[Player]) -> None:
    program(programs, AFPLAY, "exit 7")

    assert "afplay: cannot play: exit status 7" in opened(players, AFPLAY).reason


def test_a_dummy_output_is_no_device_for_a_system_player_either(pulse: Pulse, players: list[Player]) -> None:
    pulse.start("module-always-sink")

    assert "paplay: the sound server has no output device" in opened(players, "paplay").reason


def test_the_first_that_works_is_taken(no_device: Path, pulse: Pulse, programs: Path, players: list[Player]) -> None:
    program(programs, "pw-play", "exit 1")
    pulse.start()

    assert opened(players, "").backend == "miniaudio/pulse"
    assert opened(players, "miniaudio").backend == "miniaudio/pulse"


def test_bell_and_none_start_no_process(players: list[Player]) -> None:
    bell, none = Player(PACK, backend=BELL), Player(PACK, backend=NONE)
    for player in (bell, none):
        player.start()
        players.append(player)

    assert not [p for p in psutil.Process().children() if "praxmonitor.sound.child" in p.cmdline()]
    assert (bell.backend, none.backend, bell.reason, none.reason) == ("bell", "none", "", "")
    assert bell.play(Cue(Sound.SILENCE, "@writer", urgency=Urgency.HIGH)) is False, "the caller rings"
    assert none.play(Cue(Sound.SILENCE, "@writer", urgency=Urgency.HIGH)) is True, "nothing is to be heard"


def test_the_bell_obeys_mute_volume_and_repetition(players: list[Player]) -> None:
    bell = Player(PACK, GateRules(agents={"@quiet": 0.0}), backend=BELL)
    alarm = Cue(Sound.SILENCE, "@writer", urgency=Urgency.HIGH)

    assert bell.play(Cue(Sound.SILENCE, "@quiet", urgency=Urgency.HIGH)) is True
    assert [bell.play(alarm) for _ in range(3)] == [False, True, True]
    bell.mutes = Mutes(FOREVER)
    assert bell.play(Cue(Sound.FAILED, "@writer")) is True


@pytest.mark.parametrize(("breaks", "far"), [(False, Reach.SHOWN), (True, Reach.BELL)])
def test_who_lets_urgent_alarms_break_quiet_hours_reaches_a_person_in_them(breaks: bool, far: Reach) -> None:
    bell = Player(PACK, GateRules(quiet=(0, 24 * 60), quiet_breaks=breaks), backend=BELL)
    assert bell.quiet and reach(bell, time.time(), terminal=True)[0] is far


def test_what_another_screen_mutes_is_muted_here_at_once(tmp_path: Path) -> None:
    path = mutes_path(tmp_path)
    one, other = (configured_player(SoundConfig(backend=BELL), tmp_path) for _ in range(2))
    assert one.play(Cue(Sound.SILENCE, "@a", urgency=Urgency.HIGH)) is False
    save_mutes(path, Mutes(FOREVER), 0.0)

    assert one.play(Cue(Sound.SILENCE, "@b", urgency=Urgency.HIGH)) is True
    assert other.mutes.until == FOREVER
    save_mutes(path, Mutes().with_agent("@c", FOREVER), 0.0)
    assert one.play(Cue(Sound.SILENCE, "@c", urgency=Urgency.HIGH)) is True
    assert one.play(Cue(Sound.SILENCE, "@d", urgency=Urgency.HIGH)) is False


def test_a_player_is_configured_and_muted_by_hand(tmp_path: Path) -> None:
    save_mutes(mutes_path(tmp_path), Mutes().with_agent("@a", FOREVER), 0.0)
    config = SoundConfig(backend=NONE, pack="wood", agents={"b": 0.0})
    player = configured_player(config, tmp_path, muted=True)

    assert player.force_muted and player.mutes.agent("@a", time.time())
    with pytest.raises(ConfigError, match="no sound pack 'gone'"):
        configured_player(SoundConfig(pack="gone"), tmp_path)


SIMPLE = """
import sys, threading, time
from pathlib import Path
from praxmonitor.sound import Cue, Sound, Urgency
from praxmonitor.sound.player import STARTING, Player
player = Player(Path(sys.argv[1]), backend="simpleaudio")
player.start()
deadline = time.monotonic() + 10
while player.backend == STARTING and time.monotonic() < deadline:
    threading.Event().wait(0.01)
print(player.backend, player.reason, flush=True)
for _ in range(int(sys.argv[2])):
    player.play(Cue(Sound.DONE))
    threading.Event().wait(0.3)
player.close()
"""


def test_simpleaudio_plays(pulse: Pulse, no_device: Path) -> None:
    """PRAX_SIMPLEAUDIO names the directory of an installed simpleaudio, where this Python has none of its own."""
    extra = os.environ.get("PRAX_SIMPLEAUDIO", "")
    path = os.pathsep.join(filter(None, (extra, str(Path(__file__).parents[2]))))
    env = {**os.environ, "PYTHONPATH": path}
    if subprocess.run([sys.executable, "-c", "import simpleaudio"], env=env, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("simpleaudio is not installed: it needs a compiler and ALSA's headers")
    if sys.version_info >= (3, 12):
        pytest.skip("simpleaudio crashes on Python 3.12 and later: it is refused there, which has a test of its own")
    no_device.write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
    pulse.start()
    pulse.record()
    with subprocess.Popen([sys.executable, "-c", SIMPLE, str(PACK), "4"], env=env, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline().split() == [b"simpleaudio"]
        until(pulse.heard, "sound", 5.0)
        assert process.wait(20) == 0
