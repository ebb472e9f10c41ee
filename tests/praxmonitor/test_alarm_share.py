"""How much of an hour alarms sound that nobody answers, by the files that are played. The figures are printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import pairwise

import pytest

from mailcore.config import Alarms
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.episodes import Episodes, advance
from praxmonitor.alarms.outlets import alarm_cues
from praxmonitor.alarms.repeats import repeat_of
from praxmonitor.assets import sounds_dir
from praxmonitor.sound import Cue, Urgency
from praxmonitor.sound.cue_samples import load_cue_samples
from praxmonitor.sound.gate import BURST, BURST_PAUSE, Gate, GateRules
from praxmonitor.sound.mixer import CHANNELS, RATE
from tests.clock import NOON

pytestmark = pytest.mark.any_python

HOUR = 3600.0
LOOK = 0.5
"""Seconds between two looks."""
MOST = 0.05
"""Of the time."""
SOON = 1.0
"""Seconds within which an alarm of high urgency is heard."""
URGENT = (AlarmKind.SILENCE, AlarmKind.ORPHANED, AlarmKind.GONE)
ROWS: list[str] = []


@pytest.fixture(scope="module", autouse=True)
def table(request: pytest.FixtureRequest) -> Iterator[None]:
    """Prints what was found when the tests of this file are over."""
    yield
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture is not None else nullcontext():
        print("\n" + "\n".join(ROWS))


def an_hour(raised: Sequence[tuple[float, AlarmKind]]) -> list[tuple[float, Cue]]:
    """What is let through in an hour in which alarms come after so many seconds, and nobody answers."""
    alarms = [(at, Alarm(kind, f"@agent{n}", NOON + at, f"{kind}: x")) for n, (at, kind) in enumerate(raised)]
    assert all(alarm.kind.sound.alarming for _, alarm in alarms)
    episodes, gate, repeat, sounding = Episodes(), Gate(GateRules()), repeat_of(Alarms()), []
    for look in range(round(HOUR / LOOK)):
        now = NOON + look * LOOK
        episodes, events = advance(episodes, [alarm for at, alarm in alarms if NOON + at <= now], {}, now, repeat)
        sounding += [(now - NOON, cue) for cue in alarm_cues(events, {}) if gate.admit(cue, now)]
    return sounding


def share(sounding: Sequence[tuple[float, Cue]], pack: str) -> float:
    """Of the hour."""
    box, seconds = load_cue_samples(sounds_dir() / pack), 0.0
    for _, cue in sounding:
        samples = box.samples(cue.key)
        assert samples is not None
        seconds += len(samples) / CHANNELS / RATE
    return seconds / HOUR


@pytest.mark.parametrize(
    "after", [(0, 0, 0), (0, 3, 7), (0, 20, 47), (0, 61, 133), (0, 100, 900), (5, 17, 1800)], ids=str
)
@pytest.mark.parametrize("pack", ["default", "wood"])
def test_three_alarms_that_nobody_answers_fill_a_twentieth_of_an_hour(pack: str, after: tuple[float, ...]) -> None:
    sounding = an_hour(list(zip(after, URGENT, strict=True)))
    filled = share(sounding, pack)

    assert {cue.urgency for _, cue in sounding} == {Urgency.HIGH}
    ROWS.append(f"{pack}: three of high urgency after {after} s: {len(sounding)} bursts, {filled:.1%} of an hour")
    assert len(sounding) > 20, "they are repeated"
    assert filled <= MOST
    sounded = [at for at, _ in sounding]
    pauses = [later - earlier - BURST[Urgency.HIGH] for earlier, later in pairwise(sounded)]
    assert min(pauses) >= BURST_PAUSE, "two calls are not heard as one"
    window = BURST[Urgency.HIGH] + BURST_PAUSE
    for at in after:
        assert any(at - window < began <= at + SOON for began in sounded), "heard at once, or together with another"


def test_an_urgent_alarm_is_heard_at_once_whatever_sounds() -> None:
    less = [(10.0, AlarmKind.FAILED), (11.0, AlarmKind.LIMIT), (70.0, AlarmKind.STORM)]
    for at in (10.0, 10.5, 11.0, 11.5, 70.5, 130.0):
        sounding = an_hour([*less, (at, AlarmKind.SILENCE)])
        assert next(began for began, cue in sounding if cue.urgency is Urgency.HIGH) - at <= SOON


def test_less_urgent_ones_sound_less_often() -> None:
    counts = {}
    for kind in (AlarmKind.SILENCE, AlarmKind.FAILED, AlarmKind.LIMIT):
        sounding = an_hour([(0.0, kind)])
        counts[kind] = len(sounding)
        ROWS.append(f"one {kind}: {len(sounding)} bursts, {share(sounding, 'default'):.2%} of an hour")
    assert counts[AlarmKind.SILENCE] > counts[AlarmKind.FAILED] > counts[AlarmKind.LIMIT] == 1, "low is never repeated"
