"""A listener that knows the contract alone names the urgency of alarms among ticks and events. Its answers are printed.

The seeds of these mixes were used for nothing before: neither sounds nor listener were made to fit them.
"""

from __future__ import annotations

import random
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext

import pytest

from praxmonitor.assets import sounds_dir
from praxmonitor.sound import ALARMS_ALONE, Cue, Sound, Urgency
from praxmonitor.sound.cue_samples import VOICE_SEMITONES, CueSamples, load_cue_samples
from praxmonitor.sound.mixer import CHANNELS, RATE
from praxmonitor.sound.player import Player
from tests.praxmonitor.alarm_mixes import SECONDS, Sounding, happenings, mix, recorded
from tests.praxmonitor.conftest_pulse import Pulse, until
from tests.praxmonitor.hearing import speaker
from tests.praxmonitor.listener import named
from tests.praxmonitor.test_alarm_signals import EVENTS

pytestmark = pytest.mark.any_python

HELD_OUT = 7_000_000
"""The first seed; others follow a million on."""
SHARE = 4
"""The listener hears a quarter of the rate: nothing of a pulse lies above 5 kHz."""
HISS = 45.0
"""dB under the loudest of the mix: the room."""
URGENCIES = (Urgency.LOW, Urgency.MEDIUM, Urgency.HIGH)

MATRIX: Counter[tuple[str, str]] = Counter()
SERVED: Counter[tuple[str, str]] = Counter()
"""Of what a sound server played."""


@pytest.fixture(scope="module", autouse=True)
def matrix(request: pytest.FixtureRequest) -> Iterator[None]:
    """Prints what was said of what when the tests of this file are over."""
    yield
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture is not None else nullcontext():
        words = [urgency.word for urgency in Urgency]
        for what, answers in (("mixed", MATRIX), ("played", SERVED)):
            if answers:
                print("\n" + "".join(f"{cell:>10}" for cell in (what, *words)) + "  <- heard as")
                for word in words:
                    print("".join(f"{cell:>10}" for cell in (word, *(answers[word, other] for other in words))))


@pytest.fixture(scope="module")
def packs() -> list[CueSamples]:
    return [load_cue_samples(sounds_dir() / name) for name in ("default", "wood")]


def heard(mono: array[int], chance: random.Random) -> Urgency:
    """What the listener says of it, on a laptop's speaker in a room that is not quite still."""
    hiss = max(mono, default=0) * 10 ** (-HISS / 20)
    quarters = zip(*(mono[part::SHARE] for part in range(SHARE)), strict=False)
    return named(
        speaker([sum(values) / SHARE + chance.gauss(0.0, hiss) for values in quarters], RATE / SHARE), RATE / SHARE
    )


def test_the_urgency_is_named_in_95_of_100_mixes(packs: list[CueSamples], rounds: Callable[[int, int], int]) -> None:
    chance, wrong, mixes = random.Random(1), [], rounds(100, 1_000)
    for number in range(mixes):
        urgency = URGENCIES[number % 3]
        each = mix(packs[number % 2], HELD_OUT + number, urgency)
        said = heard(each.mono, chance)
        MATRIX[urgency.word, said.word] += 1
        if said is not urgency:
            wrong.append((HELD_OUT + number, urgency.word, said.word))

    assert len(wrong) <= 0.05 * mixes, wrong


def test_where_there_is_no_alarm_none_is_heard(packs: list[CueSamples], rounds: Callable[[int, int], int]) -> None:
    chance, events, mixes = random.Random(2), 0, rounds(20, 300)
    for number in range(mixes):
        each = mix(packs[number % 2], HELD_OUT + 1_000_000 + number, Urgency.NONE)
        events += sum(not cue.sound.ambient for _, cue in each.due)
        MATRIX[Urgency.NONE.word, heard(each.mono, chance).word] += 1

    assert events > mixes, "there is something that could be taken for one"
    assert MATRIX[Urgency.NONE.word, Urgency.NONE.word] >= 0.9 * mixes
    assert not MATRIX[Urgency.NONE.word, Urgency.HIGH.word]


def played(pulse: Pulse, pack: str, due: Sequence[Sounding]) -> array[int]:
    """What a sound server plays of it, in real time, through the player and its process."""
    player = Player(sounds_dir() / pack)
    player.start()
    until(lambda: player.opened, "the player's device")
    pulse.pcm.clear()
    began = time.monotonic()
    for at, cue in sorted(due, key=lambda each: each[0]):
        threading.Event().wait(max(0.0, began + at - time.monotonic()))
        assert player.play(cue)
    until(lambda: len(pulse.pcm) > (SECONDS + 1.0) * RATE * 2 * CHANNELS, "all of it is recorded", SECONDS)
    player.close()
    return array("h", bytes(pulse.pcm[: len(pulse.pcm) // 4 * 4]))[::CHANNELS]


def test_the_urgency_is_named_from_what_a_sound_server_played(pulse: Pulse, rounds: Callable[[int, int], int]) -> None:
    """What is printed is of first takes. On a machine whose every core is busy, an underrun tears one in twenty."""
    pulse.start()
    pulse.record()
    chance = random.Random(6)
    for number in range(rounds(3, 60)):
        seed, urgency = HELD_OUT + 2_000_000 + number, URGENCIES[number % 3]
        due = tuple(happenings(random.Random(seed), urgency))
        takes = [heard(played(pulse, ("default", "wood")[number % 2], due), chance)]
        SERVED[urgency.word, takes[0].word] += 1
        while takes[-1] is not urgency and len(takes) < 4:
            takes.append(heard(played(pulse, ("default", "wood")[number % 2], due), chance))

        assert takes[-1] is urgency, f"seed {seed}: {takes}"


@pytest.mark.parametrize("key", [key for key in EVENTS if key not in ALARMS_ALONE])
def test_no_event_alone_is_like_an_alarm_at_any_pitch(packs: list[CueSamples], key: str) -> None:
    chance = random.Random(3)
    for box in packs:
        for voice in range(len(VOICE_SEMITONES)):
            samples = box.samples(key, voice)
            assert samples is not None
            assert heard(samples[::CHANNELS], chance) is Urgency.NONE, (box.pack.name, voice)


@pytest.mark.parametrize("urgency", URGENCIES)
def test_an_alarm_alone_is_named(packs: list[CueSamples], urgency: Urgency) -> None:
    chance = random.Random(4)
    for box in packs:
        alarm = recorded(box, [(1.0, Cue(Sound.SILENCE, urgency=urgency))])
        assert heard(alarm, chance) is urgency


def test_a_more_urgent_alarm_that_cuts_another_off_is_named(packs: list[CueSamples]) -> None:
    chance = random.Random(5)
    for box in packs:
        for after in (0.05, 0.3, 0.6, 0.9):
            first, second = Cue(Sound.FAILED, urgency=Urgency.MEDIUM), Cue(Sound.SILENCE, urgency=Urgency.HIGH)
            assert heard(recorded(box, [(1.0, first), (1.0 + after, second)]), chance) is Urgency.HIGH
