"""What is heard of what happens: volume, mutes, quiet hours, chords, thinning. Time is a number."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest

from mailcore.config import Sound as SoundConfig
from mailcore.config import read_config
from mailcore.config.kinds import Backend, SoundKind
from praxmonitor.sound import FAMILIES, Cue, Sound
from praxmonitor.sound.backends import _MINIAUDIO
from praxmonitor.sound.gate import AMBIENT_PAUSE, BURST_SHOWN, CHORD, NOTES, REPEAT, Gate, GateRules, gate_rules
from praxmonitor.sound.mutes import FOREVER, Mutes
from praxmonitor.sound.player import BELL, NONE
from praxmonitor.sound.system_players import AFPLAY, PIPED

NOON = time.mktime((2026, 11, 22, 12, 0, 0, 0, 0, -1))
HOUR = 3600.0


def configured(tmp_path: Path, text: str) -> GateRules:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return gate_rules(read_config(path).sound)


def done(voice: int = 0) -> Cue:
    return Cue(Sound.DONE, f"@agent{voice}", voice)


def test_volume_is_that_of_all_times_kind_times_agent(tmp_path: Path) -> None:
    heard = configured(
        tmp_path,
        "[sound]\nvolume = 0.8\n[sound.kinds]\ntool = 0.5\n'tool.web' = 0.5\ndone = 0\n[sound.agents]\nWriter = 0.5\n",
    )

    assert heard.loudness(Cue(Sound.MAIL, "@editor")) == pytest.approx(0.8)
    assert heard.loudness(Cue(Sound.MAIL, "@writer")) == pytest.approx(0.4)
    assert heard.loudness(Cue(Sound.TOOL, "@writer", family="shell")) == pytest.approx(0.2)
    assert heard.loudness(Cue(Sound.TOOL, "@writer", family="web")) == pytest.approx(0.1)
    assert heard.loudness(Cue(Sound.DONE)) == 0.0
    assert heard.loudness(Cue(Sound.MAIL, volume=0.5)) == pytest.approx(0.4)
    assert heard.loudness(Cue(Sound.SILENCE, urgency=1)) == pytest.approx(1.0)
    assert heard.loudness(Cue(Sound.SILENCE, "@writer", urgency=9)) == pytest.approx(0.7), "three steps at most"


def test_what_is_silent_by_volume_is_not_played_and_rings_no_bell(tmp_path: Path) -> None:
    gate = Gate(configured(tmp_path, "[sound.kinds]\nfailed = 0\n"))

    assert gate.admit(Cue(Sound.FAILED, "@writer"), NOON) == 0.0


def test_config_toml_names_the_sounds_and_backends_that_there_are() -> None:
    assert get_args(SoundKind) == (*Sound, *(f"{Sound.TOOL}.{family}" for family in FAMILIES))
    outputs = [f"miniaudio/{name}" for name in _MINIAUDIO]
    assert set(get_args(Backend)) == {"", "miniaudio", *outputs, "simpleaudio", *PIPED, AFPLAY, BELL, NONE}


def test_muted_is_muted_whatever_it_is() -> None:
    gate = Gate(GateRules())
    gate.mutes = Mutes(until=NOON + 60)

    assert [gate.admit(Cue(sound), NOON) for sound in Sound] == [0.0] * len(Sound)
    assert gate.admit(Cue(Sound.DONE), NOON + 61)


def test_one_agent_is_muted_and_the_others_are_heard() -> None:
    gate = Gate(GateRules())
    gate.mutes = Mutes().with_agent("@writer", FOREVER)

    assert gate.admit(Cue(Sound.SILENCE, "@writer"), NOON) == 0.0
    assert gate.admit(Cue(Sound.SILENCE, "@editor"), NOON)


@pytest.mark.parametrize(
    ("quiet", "hour", "is_quiet"),
    [("22:00-07:00", 23.5, True), ("22:00-07:00", 6.98, True), ("22:00-07:00", 7, False), ("22:00-07:00", 12, False),
     ("9:30 - 10:00", 9.75, True), ("9:30 - 10:00", 10, False), ("9:30 - 10:00", 9.4, False), ("8:00-8:00", 8, False)],
)  # fmt: skip
def test_quiet_hours_by_the_clock(quiet: str, hour: float, is_quiet: bool) -> None:
    heard = gate_rules(SoundConfig(quiet=quiet))

    assert heard.quiet_at(NOON + (hour - 12) * HOUR) is is_quiet


@pytest.mark.parametrize(("breaks", "heard"), [(False, set()), (True, {s for s in Sound if s.urgent})])
def test_urgent_alarms_break_quiet_hours_only_if_allowed(breaks: bool, heard: set[Sound]) -> None:
    gate = Gate(gate_rules(SoundConfig(quiet="11:00-13:00", quiet_breaks=breaks)))

    assert {sound for sound in Sound if gate.admit(Cue(sound, f"@{sound}"), NOON)} == heard


def test_a_burst_is_one_chord_of_three_that_fades_and_its_count_is_shown() -> None:
    gate = Gate(GateRules())
    heard = [gate.admit(done(voice), NOON + voice / 100) for voice in range(7)]

    assert heard == pytest.approx([1.0, 0.7, 0.49, 0, 0, 0, 0])
    assert gate.burst(NOON + 0.1) == 7
    assert gate.burst(NOON + 0.06 + BURST_SHOWN) == 0


def test_the_same_agents_same_sound_is_one_note() -> None:
    gate = Gate(GateRules())

    assert [gate.admit(done(), NOON + n / 100) for n in range(3)] == [1.0, 0.0, 0.0]
    assert gate.admit(done(), NOON + CHORD) == 1.0, "a new one"
    assert gate.burst(NOON + CHORD) == 3


def test_single_sounds_have_no_count_and_different_sounds_are_no_chord() -> None:
    gate = Gate(GateRules())
    heard = [gate.admit(Cue(sound), NOON) for sound in (Sound.DONE, Sound.MAIL, Sound.FAILED)]

    assert heard == [1.0, 1.0, 1.0]
    assert gate.burst(NOON) == 0


def test_ticks_thin_out_under_load_and_never_stop() -> None:
    gate = Gate(GateRules())
    # A thousand a second for ten seconds, of fifty agents.
    ticks = [n for n in range(10_000) if gate.admit(Cue(Sound.TOOL, f"@{n % 50}", n % 50, "shell"), NOON + n / 1000)]

    assert 35 <= len(ticks) <= 45
    assert max(later - earlier for earlier, later in pairwise(ticks)) < 1_000
    assert gate.burst(NOON + 10) > 200


def test_a_few_agents_at_work_are_all_heard() -> None:
    gate = Gate(GateRules())

    assert all(gate.admit(Cue(Sound.TOOL, f"@{n % 5}", n % 5, "read"), NOON + n / 3) for n in range(100))


def test_an_alarm_silences_ticks_and_ticks_never_an_alarm() -> None:
    gate = Gate(GateRules())
    tick = Cue(Sound.TOOL, "@writer", 0, "shell")
    for n in range(100):
        gate.admit(tick, NOON + n / 100)

    assert gate.admit(Cue(Sound.SILENCE, "@editor"), NOON + 1) == 1.0
    assert not any(gate.admit(tick, NOON + 1 + n / 10) for n in range(round(AMBIENT_PAUSE * 10)))
    assert gate.admit(tick, NOON + 1 + AMBIENT_PAUSE + 0.1)


def test_an_alarm_told_twice_at_once_is_one_and_of_two_agents_two() -> None:
    gate = Gate(GateRules())
    alarm = Cue(Sound.FAILED, "@writer", 0)

    assert gate.admit(alarm, NOON)
    assert not gate.admit(alarm, NOON + REPEAT - 0.1)
    assert gate.admit(Cue(Sound.FAILED, "@editor", 1), NOON + REPEAT - 0.1)
    assert gate.admit(alarm, NOON + REPEAT + 0.1), "said again"


def test_a_clock_set_back_silences_nothing() -> None:
    gate = Gate(GateRules())
    gate.admit(Cue(Sound.SILENCE, "@writer"), NOON)

    assert gate.admit(Cue(Sound.SILENCE, "@writer"), NOON - HOUR)
    assert gate.admit(done(), NOON - HOUR)
    assert NOTES == 3
