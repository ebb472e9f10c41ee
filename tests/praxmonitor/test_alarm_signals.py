"""The alarms of both packs as a microphone finds them, beside the figures of IEC 60601-1-8. The table is printed."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import pytest

from praxmonitor.assets import sounds_dir
from praxmonitor.sound import ALARM_SOUNDS, ALARMS_ALONE, FAMILIES, Cue, Sound, Urgency
from praxmonitor.sound.backends import transpose
from praxmonitor.sound.cue_samples import VOICE_SEMITONES, CueSamples, load_cue_samples
from praxmonitor.sound.gate import BURST_PAUSE
from praxmonitor.sound.mixer import CHANNELS, RATE
from praxmonitor.sound.pack import SOUND_KEYS
from tests.praxmonitor.hearing import FULL, Pulse, envelope, gaps, loudest, partials, pulses, speaker

pytestmark = pytest.mark.any_python

PACKS = ("default", "wood")
ALARMS = tuple((sound, urgency) for sound in ALARM_SOUNDS for urgency in Urgency if urgency)
EVENTS = tuple(
    key for key in SOUND_KEYS if key not in {Cue(sound, urgency=urgency).key for sound, urgency in ALARMS}
)  # fmt: skip
TICKS = tuple(f"{Sound.TOOL}.{family}" for family in FAMILIES)
LOW, MEDIUM, HIGH = Urgency.LOW, Urgency.MEDIUM, Urgency.HIGH
OVER_TICK = 6.0
"""dB by which each alarm is louder than the loudest tick, on a laptop's speaker."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What is to be measured. Times are seconds, least and most."""

    pulses: int
    duration: tuple[float, float]
    spacing: tuple[float, float]
    burst: tuple[float, float]
    """From the first pulse to the last: of high urgency the least and most that the rest allows, else ours."""


CONTRACT = {
    LOW: Contract(2, (0.125, 0.250), (0.125, 0.250), (0.375, 0.75)),
    MEDIUM: Contract(3, (0.125, 0.250), (0.125, 0.250), (0.7, 1.2)),
    HIGH: Contract(10, (0.075, 0.200), (0.050, 0.125), (1.75, 2.8)),
}
RISE = (0.10, 0.40)
"""Of a pulse's duration."""
PAUSE = (0.35, 1.30)
"""Of high urgency, after five pulses."""
LONGER = 0.010
"""By so much the pause after three pulses may differ from twice the spacing and a pulse."""
FUNDAMENTAL = (150.0, 1_000.0)
PARTIALS, RANGE, WITHIN = 4, (150.0, 4_000.0), 15.0
"""So many partials, of these frequencies, at a level so many dB from the fundamental's or less."""
FALLEN = 0.10
"""Between two pulses the amplitude falls below this share of the greatest: they do not run into each other."""


@dataclass(frozen=True, slots=True)
class Signal:
    """An alarm as measured."""

    found: tuple[Pulse, ...]
    gaps: tuple[float, ...]
    between: float
    """The greatest amplitude in the middle of a gap, as a share of the greatest of all."""
    fundamentals: tuple[float, ...]
    """Of each pulse, in Hz."""
    partials: tuple[int, ...]
    """Of each pulse: how many of RANGE lie WITHIN of its fundamental, that itself not counted."""
    level: float
    """On a laptop's speaker, dB of full scale."""
    flat: float
    """On a speaker that plays all."""

    @property
    def contour(self) -> tuple[int, ...]:
        """Its melody: the semitones from each pulse to the next."""
        return tuple(round(12 * math.log2(later / earlier)) for earlier, later in pairwise(self.fundamentals))


def within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


def measured(mono: Sequence[float]) -> Signal:
    found = pulses(mono)
    spaces = gaps(found)
    shape = envelope(mono)
    middles = [
        max(shape[round(1000 * (one.end + two.start) / 2) + n] for n in (-2, 0, 2)) for one, two in pairwise(found)
    ]
    fundamentals, counts = [], []
    for pulse in found:
        middle = round((pulse.start + pulse.end) / 2 * RATE)
        heard = partials(mono[middle - 1024 : middle + 1024])
        hz, level = next(each for each in heard if each[1] > -20.0)
        fundamentals.append(hz)
        counts.append(sum(within(each, RANGE) and abs(at - level) <= WITHIN for each, at in heard) - 1)
    top = max(shape)
    return Signal(
        tuple(found), tuple(spaces), max(middles, default=0.0) / top, tuple(fundamentals), tuple(counts),
        loudest(speaker(mono)), loudest(mono),
    )  # fmt: skip


def faults(signal: Signal, urgency: Urgency) -> Iterator[str]:
    """In what it departs from the contract."""
    contract = CONTRACT[urgency]
    if len(signal.found) != contract.pulses:
        yield f"{len(signal.found)} pulses"
        return
    pauses = {2: "after three", 4: "after five", 7: "after three"} if urgency is HIGH else {}
    spacings = [gap for place, gap in enumerate(signal.gaps) if place not in pauses]
    longer = sum(spacings) / len(spacings) * 2 + sum(pulse.duration for pulse in signal.found) / len(signal.found)
    for pulse in signal.found:
        if not within(pulse.duration, contract.duration):
            yield f"a pulse of {pulse.duration:.3f} s"
        if not within(pulse.rise / pulse.duration, RISE):
            yield f"a rise of {pulse.rise / pulse.duration:.0%}"
    for gap in spacings:
        if not within(gap, contract.spacing):
            yield f"a spacing of {gap:.3f} s"
    for place, which in pauses.items():
        gap = signal.gaps[place]
        if not (within(gap, PAUSE) if which == "after five" else abs(gap - longer) <= LONGER):
            yield f"a pause of {gap:.3f} s {which}"
    if not within(signal.found[-1].end - signal.found[0].start, contract.burst):
        yield f"a burst of {signal.found[-1].end:.2f} s"
    if signal.between > FALLEN:
        yield f"pulses that run into each other: {signal.between:.0%}"
    yield from (f"a fundamental of {hz:.0f} Hz" for hz in signal.fundamentals if not within(hz, FUNDAMENTAL))
    yield from (f"{count} partials" for count in signal.partials if count < PARTIALS)


def left(samples: array[int] | None) -> array[int]:
    assert samples is not None
    return samples[::CHANNELS]


@cache
def pack(name: str) -> CueSamples:
    box = load_cue_samples(sounds_dir() / name)
    assert box.pack.refused == (), "the default pack's sounds would stand in for these"
    return box


@cache
def signal(name: str, sound: Sound, urgency: Urgency) -> Signal:
    return measured(left(pack(name).samples(Cue(sound, urgency=urgency).key)))


@cache
def event_levels(name: str) -> dict[str, tuple[float, float]]:
    """On a laptop's speaker and on one that plays all, at the pitch of the agent that makes it loudest."""
    box, levels = pack(name), {}
    for key in EVENTS:
        heard = [left(samples) for voice in range(len(VOICE_SEMITONES)) if (samples := box.samples(key, voice))]
        if heard and key not in ALARMS_ALONE:
            levels[key] = max(map(loudest, map(speaker, heard))), max(map(loudest, heard))
    return levels


def loudest_tick() -> float:
    return max(event_levels(name)[key][0] for name in PACKS for key in TICKS)


@pytest.fixture(scope="module", autouse=True)
def table(request: pytest.FixtureRequest) -> Iterator[None]:
    """Prints what was measured when the tests of this file are over."""
    yield
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture is not None else nullcontext():
        print("\n" + "\n".join(rows()))


def rows() -> Iterator[str]:
    line = "{:<8}{:<8}{:<8}{:>7} {:>9} {:>9} {:>8} {:>8} {:>6} {:>7} {:>9} {:>9} {:>9}"
    yield line.format(
        "pack", "kind", "urgency", "pulses", "pulse ms", "space ms", "3-4 ms", "5-6 ms", "burst", "rise %", "fund. Hz",
        "partials", "over tick",
    )  # fmt: skip
    for urgency, contract in CONTRACT.items():
        high = urgency is HIGH
        yield line.format(
            "contract", "", urgency.word, contract.pulses if urgency is not LOW else "1-2", ms(contract.duration),
            ms(contract.spacing), "2x+pulse" if high else "", ms(PAUSE) if high else "", "", ms(RISE, 100),
            ms(FUNDAMENTAL, 1), f">= {PARTIALS}", f">= {OVER_TICK:g} dB",
        )  # fmt: skip
    for name in PACKS:
        for sound, urgency in ALARMS:
            each = signal(name, sound, urgency)
            inner = [gap for gap in each.gaps if gap < 0.25]
            far = [gap for gap in each.gaps if gap >= 0.25]
            yield line.format(
                name, sound, urgency.word, len(each.found), span([pulse.duration for pulse in each.found]), span(inner),
                span(far[::2]), span(far[1:2]), f"{each.found[-1].end:.2f}",
                span([pulse.rise / pulse.duration for pulse in each.found], 100), span(each.fundamentals, 1),
                span(each.partials, 1), f"{each.level - loudest_tick():.1f} dB",
            )  # fmt: skip
    softest = min(signal(name, *alarm).level for name in PACKS for alarm in ALARMS)
    for name in PACKS:
        levels = {key: level for key, (level, _) in event_levels(name).items()}
        worst = max(levels, key=levels.__getitem__)
        tick = max(levels[key] for key in TICKS)
        yield (
            f"{name}: on a laptop's speaker the loudest tick has {tick:.1f} dB of full scale, the loudest event "
            f"({worst}) {levels[worst]:.1f} dB, {softest - levels[worst]:.1f} dB under the softest alarm"
        )


def ms(bounds: tuple[float, float], unit: float = 1000) -> str:
    return "-".join(f"{unit * bound:.0f}" for bound in bounds)


def span(values: Sequence[float], unit: float = 1000) -> str:
    least, most = (f"{unit * value:.0f}" for value in (min(values), max(values))) if values else ("", "")
    return least if least == most else f"{least}-{most}"


def test_what_the_product_says_of_pulses_is_the_contract() -> None:
    assert {urgency: urgency.pulses for urgency in CONTRACT} == {LOW: 2, MEDIUM: 3, HIGH: 10}
    assert all(contract.pulses == urgency.pulses for urgency, contract in CONTRACT.items())
    assert BURST_PAUSE >= 2.5


@pytest.mark.parametrize(("sound", "urgency"), ALARMS)
@pytest.mark.parametrize("name", PACKS)
def test_an_alarm_is_as_the_contract_says(name: str, sound: Sound, urgency: Urgency) -> None:
    assert list(faults(signal(name, sound, urgency), urgency)) == []


@pytest.mark.parametrize(("sound", "urgency"), ALARMS)
@pytest.mark.parametrize("name", PACKS)
def test_an_alarm_is_heard_over_ticks_on_a_laptops_speaker(name: str, sound: Sound, urgency: Urgency) -> None:
    assert signal(name, sound, urgency).level - loudest_tick() >= OVER_TICK


@pytest.mark.parametrize("sound", ALARM_SOUNDS)
@pytest.mark.parametrize("name", PACKS)
def test_what_is_more_urgent_is_not_softer(name: str, sound: Sound) -> None:
    low, medium, high = (signal(name, sound, urgency) for urgency in (LOW, MEDIUM, HIGH))
    assert low.level <= medium.level <= high.level
    assert low.flat <= medium.flat <= high.flat


def test_no_kind_is_softer_than_another_of_less_urgency() -> None:
    levels = {
        urgency: [signal(name, sound, urgency).level for name in PACKS for sound in ALARM_SOUNDS]
        for urgency in CONTRACT
    }
    assert max(levels[LOW]) <= min(levels[MEDIUM]) and max(levels[MEDIUM]) <= min(levels[HIGH])


@pytest.mark.parametrize("name", PACKS)
def test_an_event_is_softer_than_any_alarm_at_any_agents_pitch(name: str) -> None:
    softest = min(signal(name, *alarm).level for alarm in ALARMS), min(signal(name, *alarm).flat for alarm in ALARMS)
    levels = event_levels(name)
    assert {*TICKS, Sound.DONE, Sound.ERROR, Sound.FAILED, Sound.LIMIT, Sound.MAIL_HIGH} <= levels.keys()
    assert {key: both for key, both in levels.items() if both[0] > softest[0] - 3 or both[1] > softest[1] - 3} == {}


@pytest.mark.parametrize("urgency", [LOW, MEDIUM, HIGH])
@pytest.mark.parametrize("name", PACKS)
def test_each_kind_has_a_melody_of_its_own(name: str, urgency: Urgency) -> None:
    contours = {signal(name, sound, urgency).contour for sound in ALARM_SOUNDS}
    assert len(contours) == len(ALARM_SOUNDS)
    assert {signal(other, sound, urgency).contour for other in PACKS for sound in ALARM_SOUNDS} == contours


def slowed(samples: array[int]) -> array[int]:
    return left(transpose(array("h", [value for value in samples for _ in range(CHANNELS)]), -9))


def without_a_pulse(samples: array[int]) -> array[int]:
    return samples[round(0.2 * RATE) :]


def hard(samples: array[int]) -> array[int]:
    return samples[round(0.02 * RATE) :]


def pure(samples: array[int]) -> array[int]:
    shape = envelope(samples)
    return array(
        "h", [round(shape[n * 1000 // RATE] * math.sin(math.tau * 440 * n / RATE)) for n in range(len(samples))]
    )


def shrill(samples: array[int]) -> array[int]:
    shape = envelope(samples)
    return array(
        "h", [round(shape[n * 1000 // RATE] * math.sin(math.tau * 1100 * n / RATE)) for n in range(len(samples))]
    )


def ringing(samples: array[int]) -> array[int]:
    out, before = array("h", samples), 0.0
    for index, value in enumerate(samples):
        before = max(abs(value), before * 0.9998)
        out[index] = round(before * math.sin(math.tau * 440 * index / RATE))
    return out


@pytest.mark.parametrize(
    ("altered", "said"),
    [(slowed, "a pulse of"), (without_a_pulse, "9 pulses"), (hard, "a rise of"), (pure, "0 partials"),
     (shrill, "a fundamental of 1"), (ringing, "pulses")],
)  # fmt: skip
def test_what_is_not_as_the_contract_says_is_found(altered: Callable[[array[int]], array[int]], said: str) -> None:
    alarm = left(pack("default").samples(Cue(Sound.SILENCE, urgency=HIGH).key))
    assert any(said in fault for fault in faults(measured(altered(alarm)), HIGH))


def test_the_speaker_is_a_high_pass_of_300_hz() -> None:
    def gain(hz: float) -> float:
        tone = [FULL / 2 * math.sin(math.tau * hz * n / RATE) for n in range(RATE // 2)]
        return loudest(speaker(tone)) - loudest(tone)

    assert gain(300) == pytest.approx(-3.0, abs=0.1)
    assert gain(150) == pytest.approx(-12.3, abs=0.3)
    assert gain(3000) == pytest.approx(0.0, abs=0.1)
    assert loudest([FULL * (-1) ** (n // 40) for n in range(RATE)]) == pytest.approx(0.0, abs=0.01)
