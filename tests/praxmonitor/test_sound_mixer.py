"""The mixer, sample by sample."""

from __future__ import annotations

import math
import time
from array import array

import pytest

from praxmonitor.sound import ALARM_SOUNDS, Cue, Sound, Urgency
from praxmonitor.sound.mixer import DUCKED, DUCKED_AFTER, RATE, STALE, VOICES, Mixer


def level(value: int, frames: int = 100) -> array[int]:
    """A sound of one value, so that what is heard says which sounds play."""
    return array("h", [value] * (2 * frames))


def test_nothing_plays_silence() -> None:
    mixer = Mixer()

    assert mixer.render(3, now=0.0).tolist() == [0] * 6
    assert mixer.rendered == 3
    assert mixer.left == 0


def test_one_sound_comes_out_unchanged_and_ends() -> None:
    mixer, sound = Mixer(), array("h", [1, -1, 32_767, -32_768, 5, 6])
    mixer.play(sound, priority=0, at=0.0)

    assert mixer.left == 3
    assert mixer.render(2, now=0.0).tolist() == [1, -1, 32_767, -32_768]
    assert mixer.render(2, now=0.0).tolist() == [5, 6, 0, 0]
    assert mixer.left == 0
    assert sound.tolist() == [1, -1, 32_767, -32_768, 5, 6], "the decoded sound is played again later"


@pytest.mark.parametrize("voices", [2, VOICES])
def test_quiet_sounds_add_up_exactly(voices: int) -> None:
    mixer = Mixer()
    for value in (100, -2_000, 7)[:voices]:
        mixer.play(level(value), priority=1, at=0.0)

    assert set(mixer.render(10, now=0.0)) == {sum((100, -2_000, 7)[:voices])}


def test_loud_sounds_are_bent_not_wrapped() -> None:
    heard = []
    for value in range(0, 32_768, 61):
        mixer = Mixer()
        for _ in range(VOICES):
            mixer.play(level(value, 1), priority=1, at=0.0)
            mixer.play(level(value, 1), priority=1, at=0.0)
        heard.append(mixer.render(1, now=0.0)[0])

    assert heard == sorted(heard), "a louder sum is never quieter"
    assert heard[100] == 3 * 100 * 61, "below the knee nothing changes"
    assert 32_000 < heard[-1] <= 32_767


def test_the_limiter_treats_both_signs_alike() -> None:
    mixer, other = Mixer(), Mixer()
    for _ in range(VOICES):
        mixer.play(level(20_001), priority=1, at=0.0)
        other.play(level(-20_001), priority=1, at=0.0)

    assert mixer.render(1, now=0.0)[0] == -other.render(1, now=0.0)[0] != 0


@pytest.mark.parametrize(
    ("volume", "heard"), [(1.0, 1_000), (0.5, 500), (0.0, 0), (7.0, 1_000), (-1.0, 0), (math.nan, 0)]
)
def test_volume(volume: float, heard: int) -> None:
    mixer = Mixer()
    mixer.play(level(1_000), priority=0, at=0.0, volume=volume)

    assert set(mixer.render(5, now=0.0)) == {heard}


def test_a_fourth_sound_takes_the_place_of_the_least_important_oldest() -> None:
    mixer = Mixer()
    for value, sound in ((1, Sound.DONE), (10, Sound.TOOL), (100, Sound.TOOL)):
        mixer.play(level(value), sound.priority, at=0.0)

    assert mixer.play(level(1_000), Sound.SILENCE.priority, at=0.0)
    assert set(mixer.render(5, now=0.0)) == {1 + 100 + 1_000}


def test_a_less_important_sound_is_refused() -> None:
    mixer = Mixer()
    for _ in range(VOICES):
        mixer.play(level(1), Sound.SILENCE.priority, at=0.0)

    assert not mixer.play(level(1_000), Sound.FAILED.priority, at=0.0)
    assert set(mixer.render(5, now=0.0)) == {VOICES}


def test_priorities_run_from_tick_to_alarm() -> None:
    by_priority = sorted(Sound, key=lambda sound: sound.priority)

    assert by_priority[:2] == [Sound.HEARTBEAT, Sound.TOOL] == [sound for sound in Sound if sound.ambient]
    assert by_priority[-3:] == [Sound.WAITING, Sound.FAILED, Sound.SILENCE]
    assert [sound.priority for sound in by_priority] == list(range(20))
    assert {sound for sound in Sound if sound.alarming} == set(ALARM_SOUNDS)
    least = [min(Cue(sound, urgency=urgency).priority for sound in ALARM_SOUNDS) for urgency in Urgency if urgency]
    most = [max(Cue(sound, urgency=urgency).priority for sound in Sound) for urgency in Urgency][:-1]
    assert all(before < after for before, after in zip(most, least, strict=True)), "the urgency comes before the kind"


def test_while_an_alarm_sounds_all_else_is_ducked() -> None:
    mixer = Mixer()
    mixer.play(level(1_000), Sound.DONE.priority, at=0.0)
    assert set(mixer.render(5, now=0.0)) == {1_000}
    mixer.play(level(10_000, 20), Cue(Sound.STUCK, urgency=Urgency.LOW).priority, at=0.0, urgency=Urgency.LOW)
    mixer.play(level(400), Sound.MAIL.priority, at=0.0, volume=0.5)

    assert set(mixer.render(20, now=0.0)) == {10_000 + round(DUCKED * 1_000) + round(DUCKED * 200)}
    assert set(mixer.render(20, now=0.0)) == {round(DUCKED * 1_000) + round(DUCKED * 200)}, "and shortly after"
    mixer.render(round(DUCKED_AFTER * RATE), now=0.0)
    assert mixer.left == 0
    mixer.play(level(1_000), Sound.DONE.priority, at=0.0)
    assert set(mixer.render(20, now=0.0)) == {1_000}, "as loud as before"


@pytest.mark.parametrize("first", [Urgency.LOW, Urgency.MEDIUM, Urgency.HIGH])
@pytest.mark.parametrize("second", [Urgency.LOW, Urgency.MEDIUM, Urgency.HIGH])
def test_one_alarm_sounds_at_a_time_and_none_cuts_off_a_more_urgent_one(first: Urgency, second: Urgency) -> None:
    mixer = Mixer()
    mixer.play(level(1_000), Cue(Sound.SILENCE, urgency=first).priority, at=0.0, urgency=first)
    mixer.render(5, now=0.0)
    taken = mixer.play(level(7), Cue(Sound.STUCK, urgency=second).priority, at=0.0, urgency=second)

    assert taken is (second >= first)
    assert set(mixer.render(5, now=0.0)) == {7 if taken else 1_000}


def test_what_waited_too_long_is_not_started() -> None:
    mixer = Mixer()
    mixer.play(level(1), priority=6, at=10.0)
    mixer.play(level(10), priority=6, at=10.5)

    assert set(mixer.render(5, now=10.01 + STALE)) == {10}
    assert set(mixer.render(5, now=99.0)) == {10}, "what started is played to its end"


def test_clear_falls_silent() -> None:
    mixer = Mixer()
    mixer.play(level(1), priority=6, at=0.0)
    mixer.render(5, now=0.0)
    mixer.clear()

    assert set(mixer.render(5, now=0.0)) == {0}


def test_three_scaled_voices_cost_under_a_tenth_of_a_core() -> None:
    mixer, second = Mixer(), array("h", [20_000, -20_000] * RATE)
    for _ in range(VOICES):
        mixer.play(second, priority=1, at=0.0, volume=0.7)
    began = time.process_time()
    for _ in range(100):
        mixer.render(RATE // 100, now=0.0)

    assert time.process_time() - began < 0.10
    assert mixer.left == 0
