"""Episodes by a clock that is set: an alarm is repeated in time, whatever somebody does to the clock."""

from __future__ import annotations

import pytest

from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.episode import AlarmEvents
from praxmonitor.alarms.episodes import Episodes, advance
from praxmonitor.alarms.repeats import Repeat
from praxmonitor.sound import Urgency

ALARM = Alarm(AlarmKind.FAILED, "@writer", 5.0, "failed: Report")
REPEAT = Repeat({Urgency.MEDIUM: (60.0, 300.0)})
HOUR = 3600.0


def step(episodes: Episodes, now: float) -> tuple[Episodes, AlarmEvents]:
    return advance(episodes, [ALARM], {}, now, REPEAT)


@pytest.mark.parametrize(("repeated", "wait"), [(0, 60.0), (1, 300.0), (2, 300.0)])
def test_a_clock_that_is_set_back_delays_no_repetition_for_longer_than_it_waits(repeated: int, wait: float) -> None:
    now = 10 * HOUR
    episodes, events = step(Episodes(), now)
    assert [episode.alarm for episode in events.raised] == [ALARM]
    for seconds in (60.0, 300.0)[:repeated]:
        now += seconds
        episodes, events = step(episodes, now)
        assert events.repeated
    back = now - 2 * HOUR
    episodes, events = step(episodes, back)
    assert not events, "it was heard a moment ago"
    episodes, events = step(episodes, back + wait - 1)
    assert not events
    episodes, events = step(episodes, back + wait)
    assert [episode.alarm for episode in events.repeated] == [ALARM]


def test_a_clock_that_is_set_back_a_little_changes_nothing() -> None:
    episodes, _ = step(Episodes(), HOUR)
    later, events = step(episodes, HOUR - 5)
    assert later is episodes and not events
