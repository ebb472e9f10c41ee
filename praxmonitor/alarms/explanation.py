"""What explains one alarm, in named texts, for the screen and for `praxmonitor alarms`. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.text.units import clock_time
from praxmonitor.alarms.alarm import AlarmKind
from praxmonitor.alarms.episode import Episode


def explanation(episode: Episode) -> Iterator[tuple[str, str]]:
    """(name, text) of what was expected and seen, and of what to do; no empty ones. What settles asks for nothing any
    more, and says when it is over."""
    alarm = episode.alarm
    settling = episode.cleared_at and not episode.latched
    told = (
        (("seen", _gone_since(episode)), ("do", _ends(episode)))
        if settling
        else (("expected", alarm.expected), ("seen", alarm.seen), ("do", alarm.remedy))
    )
    yield from ((name, text) for name, text in told if text)


def _gone_since(episode: Episode) -> str:
    gone = "work goes on" if episode.alarm.kind is AlarmKind.SILENCE else "gone"
    return f"{gone} since {clock_time(episode.cleared_at, seconds=False)}"


def _ends(episode: Episode) -> str:
    over = clock_time(episode.cleared_at + episode.settle, seconds=False)
    sooner = ", or at the end of that work" if episode.alarm.kind is AlarmKind.SILENCE else ""
    return f"nothing: unless it comes again it is over at {over}{sooner}; acknowledge (a) it to be done with it"
