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
from praxmonitor.assets import sounds_dir
from praxmonitor.sound import ALARM_SOUNDS, FAMILIES, Cue, Sound, Urgency
from praxmonitor.sound.backends import _MINIAUDIO
from praxmonitor.sound.cue_samples import load_cue_samples
from praxmonitor.sound.gate import BURST, BURST_PAUSE, CHORD, CHORD_SHOWN, HUSH, NOTES, Gate, GateRules, gate_rules
from praxmonitor.sound.mixer import CHANNELS, RATE
from praxmonitor.sound.mutes import FOREVER, Mutes
from praxmonitor.sound.player import BELL, NONE
from praxmonitor.sound.system_players import AFPLAY, PIPED

NOON = time.mktime((2026, 11, 22, 12, 0, 0, 0, 0, -1))
HOUR = 3600.0
TICK = Cue(Sound.TOOL, "@writer", 0, "shell")
LOW, MEDIUM, HIGH = Urgency.LOW, Urgency.MEDIUM, Urgency.HIGH


def configured(tmp_path: Path, text: str) -> GateRules:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return gate_rules(read_config(path).sound)


def done(voice: int = 0) -> Cue:
    return Cue(Sound.DONE, f"@agent{voice}", voice)


def alarm(urgency: Urgency, agent: str = "@writer", sound: Sound = Sound.FAILED) -> Cue:
    return Cue(sound, agent, urgency=urgency)


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
    assert heard.loudness(alarm(HIGH, "@editor")) == pytest.approx(0.8)
    assert heard.loudness(alarm(HIGH)) == heard.loudness(alarm(LOW)) == pytest.approx(0.4), "the sounds differ in level"


def test_what_is_silent_by_volume_is_not_played_and_rings_no_bell(tmp_path: Path) -> None:
    gate = Gate(configured(tmp_path, "[sound.kinds]\nfailed = 0\n"))

    assert gate.admit(Cue(Sound.FAILED, "@writer"), NOON) == 0.0
    assert gate.admit(alarm(HIGH), NOON) == 0.0
    assert gate.admit(alarm(LOW, sound=Sound.ERROR), NOON), "what is not heard keeps nothing back"


def test_config_toml_names_the_sounds_and_backends_that_there_are() -> None:
    assert get_args(SoundKind) == (*Sound, *(f"{Sound.TOOL}.{family}" for family in FAMILIES))
    outputs = [f"miniaudio/{name}" for name in _MINIAUDIO]
    assert set(get_args(Backend)) == {"", "miniaudio", *outputs, "simpleaudio", *PIPED, AFPLAY, BELL, NONE}


def test_muted_is_muted_whatever_it_is() -> None:
    gate = Gate(GateRules())
    gate.mutes = Mutes(until=NOON + 60)

    assert [gate.admit(Cue(sound), NOON) for sound in Sound] == [0.0] * len(Sound)
    assert [gate.admit(alarm(urgency), NOON) for urgency in (LOW, MEDIUM, HIGH)] == [0.0] * 3
    assert gate.admit(Cue(Sound.DONE), NOON + 61)


def test_one_agent_is_muted_and_the_others_are_heard() -> None:
    gate = Gate(GateRules())
    gate.mutes = Mutes().with_agent("@writer", FOREVER)

    assert gate.admit(alarm(HIGH, "@writer"), NOON) == 0.0
    assert gate.admit(alarm(LOW, "@editor"), NOON)


@pytest.mark.parametrize(
    ("quiet", "hour", "is_quiet"),
    [("22:00-07:00", 23.5, True), ("22:00-07:00", 6.98, True), ("22:00-07:00", 7, False), ("22:00-07:00", 12, False),
     ("9:30 - 10:00", 9.75, True), ("9:30 - 10:00", 10, False), ("9:30 - 10:00", 9.4, False), ("8:00-8:00", 8, False)],
)  # fmt: skip
def test_quiet_hours_by_the_clock(quiet: str, hour: float, is_quiet: bool) -> None:
    heard = gate_rules(SoundConfig(quiet=quiet))

    assert heard.quiet_at(NOON + (hour - 12) * HOUR) is is_quiet


@pytest.mark.parametrize(("breaks", "heard"), [(False, set()), (True, {MEDIUM, HIGH})])
def test_urgent_alarms_break_quiet_hours_only_if_allowed(breaks: bool, heard: set[Urgency]) -> None:
    rules = gate_rules(SoundConfig(quiet="11:00-13:00", quiet_breaks=breaks))

    assert {urgency for urgency in (LOW, MEDIUM, HIGH) if Gate(rules).admit(alarm(urgency), NOON)} == heard
    assert not any(Gate(rules).admit(Cue(sound), NOON) for sound in Sound), "no event does"


def test_a_burst_is_one_chord_of_three_that_fades_and_its_count_is_shown() -> None:
    gate = Gate(GateRules())
    heard = [gate.admit(done(voice), NOON + voice / 100) for voice in range(7)]

    assert heard == pytest.approx([1.0, 0.7, 0.49, 0, 0, 0, 0])
    assert gate.chord(NOON + 0.1) == 7
    assert gate.chord(NOON + 0.06 + CHORD_SHOWN) == 0


def test_the_same_agents_same_sound_is_one_note() -> None:
    gate = Gate(GateRules())

    assert [gate.admit(done(), NOON + n / 100) for n in range(3)] == [1.0, 0.0, 0.0]
    assert gate.admit(done(), NOON + CHORD) == 1.0, "a new one"
    assert gate.chord(NOON + CHORD) == 3


def test_single_sounds_have_no_count_and_different_sounds_are_no_chord() -> None:
    gate = Gate(GateRules())
    heard = [gate.admit(Cue(sound), NOON) for sound in (Sound.DONE, Sound.MAIL, Sound.FAILED)]

    assert heard == [1.0, 1.0, 1.0]
    assert gate.chord(NOON) == 0


def test_ticks_thin_out_under_load_and_never_stop() -> None:
    gate = Gate(GateRules())
    # A thousand a second for ten seconds, of fifty agents.
    ticks = [n for n in range(10_000) if gate.admit(Cue(Sound.TOOL, f"@{n % 50}", n % 50, "shell"), NOON + n / 1000)]

    assert 35 <= len(ticks) <= 45
    assert max(later - earlier for earlier, later in pairwise(ticks)) < 1_000
    assert gate.chord(NOON + 10) > 200


def test_a_few_agents_at_work_are_all_heard() -> None:
    gate = Gate(GateRules())

    assert all(gate.admit(Cue(Sound.TOOL, f"@{n % 5}", n % 5, "read"), NOON + n / 3) for n in range(100))


@pytest.mark.parametrize("urgency", [LOW, MEDIUM, HIGH])
def test_ticks_hush_while_an_alarm_sounds_and_shortly_after_and_never_hush_it(urgency: Urgency) -> None:
    gate = Gate(GateRules())
    for n in range(100):
        gate.admit(TICK, NOON + n / 100)
    over = NOON + 1 + BURST[urgency] + HUSH

    assert gate.admit(alarm(urgency), NOON + 1) == 1.0
    ambient = (TICK, Cue(Sound.HEARTBEAT))
    assert not any(gate.admit(cue, NOON + 1 + n / 10) for n in range(int(10 * (over - NOON - 1))) for cue in ambient)
    assert gate.admit(TICK, over + CHORD)


@pytest.mark.parametrize("pack", ["default", "wood"])
def test_an_alarm_sounds_for_as_long_as_its_file(pack: str) -> None:
    samples = load_cue_samples(sounds_dir() / pack)
    for urgency in (LOW, MEDIUM, HIGH):
        for sound in ALARM_SOUNDS:
            burst = samples.samples(alarm(urgency, sound=sound).key)
            assert burst is not None
            assert 0 <= BURST[urgency] - len(burst) / CHANNELS / RATE < 0.01, (sound, urgency)


@pytest.mark.parametrize("first", [LOW, MEDIUM, HIGH])
@pytest.mark.parametrize("second", [LOW, MEDIUM, HIGH])
@pytest.mark.parametrize("agent", ["@writer", "@editor"])
def test_one_alarm_sounds_at_a_time_and_a_more_urgent_one_at_once(first: Urgency, second: Urgency, agent: str) -> None:
    over = NOON + BURST[first] + BURST_PAUSE
    for at in (NOON, NOON + 0.2, over - 0.01):
        gate = Gate(GateRules())
        assert gate.admit(alarm(first), NOON) == 1.0
        assert gate.admit(alarm(second, agent, Sound.SILENCE), at) == (1.0 if second > first else 0.0)
    gate = Gate(GateRules())
    gate.admit(alarm(first), NOON)
    assert gate.admit(alarm(second, agent), over + 0.01) == 1.0, "said again"


def test_what_was_kept_back_does_not_keep_back_what_follows() -> None:
    gate = Gate(GateRules())
    over = NOON + BURST[MEDIUM] + BURST_PAUSE
    gate.admit(alarm(MEDIUM), NOON)
    assert not gate.admit(alarm(MEDIUM, "@editor"), over - 0.1)
    assert gate.admit(alarm(MEDIUM, "@editor"), over + 0.1)


def test_what_sounded_long_ago_keeps_nothing_back() -> None:
    gate = Gate(GateRules())
    gate.admit(alarm(HIGH), NOON)
    assert gate.admit(alarm(LOW), NOON + 60)
    assert gate.admit(alarm(MEDIUM, "@editor"), NOON + 60.3) == 1.0


def test_an_alarm_that_did_not_sound_keeps_nothing_back() -> None:
    gate = Gate(GateRules())
    gate.admit(alarm(HIGH), NOON)
    gate.forget_burst()
    assert gate.admit(TICK, NOON + 0.1)
    assert gate.admit(alarm(HIGH), NOON + 0.1) == 1.0


def test_events_are_heard_beside_an_alarm_of_the_same_sound() -> None:
    gate = Gate(GateRules())
    assert gate.admit(alarm(MEDIUM), NOON) == gate.admit(Cue(Sound.FAILED, "@writer"), NOON) == 1.0
    assert gate.chord(NOON) == 0, "they are no chord"


def test_of_several_alarms_at_once_the_number_is_shown() -> None:
    gate = Gate(GateRules())
    assert [gate.admit(alarm(HIGH, f"@{n}"), NOON) for n in range(5)] == [1.0, 0, 0, 0, 0]
    assert gate.chord(NOON) == 5


def test_a_clock_set_back_silences_nothing() -> None:
    gate = Gate(GateRules())
    gate.admit(alarm(HIGH), NOON)

    assert gate.admit(alarm(LOW), NOON - HOUR)
    assert gate.admit(done(), NOON - HOUR)
    assert NOTES == 3
