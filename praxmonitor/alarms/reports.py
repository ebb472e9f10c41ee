"""What stands, load and history of alarms in words, for the screen and for `praxmonitor alarms`. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from praxmonitor.alarms.groups import AlarmGroup, AlarmState
from praxmonitor.alarms.history import HistoryEntry
from praxmonitor.alarms.statistics import MANY_STANDING, STEADY_AN_HOUR, UPSET, AlarmLoad
from praxmonitor.sound import Urgency


def title_of(groups: Sequence[AlarmGroup]) -> str:
    """How many there are and want the operator, are hidden, muted and over."""
    if not groups:
        return "No alarm: all is well."
    number = Counter(group.state for group in groups)
    number[AlarmState.HIDDEN] += sum(len(group.hidden) for group in groups)
    waiting = number[AlarmState.WANTS]
    more = [(AlarmState.HIDDEN, "hidden"), (AlarmState.MUTED, "muted"), (AlarmState.OVER, "over")]
    beside = "".join(f", {number[state]} {word}" for state, word in more if number[state])
    return f"Alarms: {len(groups)}, of which {waiting} want{'s' if waiting == 1 else ''} you{beside}."


def load_words(load: AlarmLoad) -> str:
    """How many wanted the operator of late."""
    return f"{load.last_ten_minutes} in ten minutes, {load.last_hour} in the last hour"


def load_rows(load: AlarmLoad) -> Iterator[tuple[str, str]]:
    """(name, figures) of the load, with what EEMUA 191 allows."""
    yield "ten minutes", f"{load.last_ten_minutes} raised (1 in steady work, {UPSET} after an upset at most)"
    yield "hour", f"{load.last_hour} raised ({STEADY_AN_HOUR} in steady work at most)"
    yield "day", f"{load.last_day} raised, at most {load.most_in_ten_minutes} in ten minutes"
    yield "want you now", f"{load.standing} (fewer than {MANY_STANDING})"
    urgencies = [
        f"{load.urgencies[each.word]} {each.word}" for each in reversed(Urgency) if load.urgencies.get(each.word)
    ]
    yield "urgency", ", ".join(urgencies) or "none raised"
    worst = [f"{kind} {address}".strip() + f" ({number})" for kind, address, number in load.worst]
    yield "worst sources", ", ".join(worst) or "none"
    yield "stale", "; ".join(load.stale) or "none stands for more than a day"


def entry_words(entry: HistoryEntry) -> str:
    """One line of the history without its time: `raised, high: @writer silent: Report`."""
    by = f" by {entry.by}" if entry.by else ""
    return f"{entry.event}{by}, {entry.urgency}: {entry.address} {entry.what}".replace(":  ", ": ")
