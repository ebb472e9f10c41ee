"""What is held of the stream: the fleet's own end of it, and what was read back of the time before. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from mailcore.model.activity import Activity, Kind
from mailcore.text.units import moment
from praxmonitor.state.catch_up import unreported

FIRST_SPAN = 600.0
"""Seconds that the first page back covers."""
LONGEST_SPAN = 86_400.0
FEW = 200
"""Fewer activities than that on a page: the next one covers twice the time."""
FARTHEST = 7 * 86_400.0
"""Seconds before now in which older activities are looked for."""
DROPPED = 1000
"""Of the oldest that are let go at once where too many are held: each time the rows are made anew."""
MOST_HELD = 20_000
"""Activities that are held, some 10 MB. With a filter only those count that match it."""


class StreamPages:
    """The activities, oldest first. While nothing was read back they are the fleet's stream itself."""

    def __init__(self) -> None:
        self._live: tuple[Activity, ...] = ()
        self.activities: tuple[Activity, ...] = ()
        """What is held."""
        self.begin = 0.0
        """From when on what is held is whole, seconds since the epoch; 0.0: nothing was read back."""
        self.none_older = False
        """Nothing is older, as far back as is looked."""
        self._from_beginning = False
        """Nothing is older at all."""
        self.full = False
        """As many are held as may be."""
        self._span = FIRST_SPAN

    def follow(self, stream: tuple[Activity, ...]) -> int:
        """The fleet's stream as it is now; how many came."""
        known = {id(activity) for activity in self._live}
        new = tuple(activity for activity in stream if id(activity) not in known)
        self._live = stream
        if not self.begin:
            self.activities = stream
        elif new:
            self.activities = (*self.activities, *new)
            if len(self.activities) > len(new) and self.activities[-len(new) - 1].at > new[0].at:
                self.activities = tuple(sorted(self.activities, key=attrgetter("at")))
            if len(self.activities) > MOST_HELD:
                self.activities = self.activities[-MOST_HELD + DROPPED :]
                self.begin = max(self.begin, self.activities[0].at)
        return len(new)

    def words(self, now: float) -> str:
        """How far back it goes."""
        if self._from_beginning:
            return "read back to the beginning"
        if self.none_older:
            return "older: none in the last 7 days"
        if self.full:
            return f"{MOST_HELD} lines are held: a filter (/) reads farther back"
        if self.begin:
            return f"read back to {moment(self.begin, now)}; PgUp reads on"
        return "all that happens; PgUp at the top reads older"

    def forget(self) -> None:
        """Hold no more than the fleet's stream."""
        self.activities, self.begin, self.none_older, self.full = self._live, 0.0, False, False
        self._span, self._from_beginning = FIRST_SPAN, False

    def wanted(self, now: float, back_to: float = 0.0) -> tuple[float, float]:
        """Begin and end of the next page back, at least to `back_to` (seconds since the epoch); both 0.0 for none."""
        end = self.begin or now
        if self.none_older or self.full or end <= now - FARTHEST:
            return 0.0, 0.0
        oldest = self._live[0].at if self._live and not self.begin else end
        begin = min(oldest, end) - self._span
        return max(min(begin, back_to or begin), now - FARTHEST), end

    def add(
        self, activities: tuple[Activity, ...], begin: float, end: float, now: float, *, older: bool = True
    ) -> None:
        """A page from `begin` until before `end` was read; `older`: something may be older than it. What is held of
        that time already stays as it is: the page adds what the fleet's stream did not have."""
        kept = [one for one in self.activities if one.at >= begin]
        overlap = [one for one in kept if one.at < end]
        held = sorted((*_added(overlap, activities), *kept), key=attrgetter("at"))
        self.full = len(held) >= MOST_HELD
        self.activities = tuple(held[-MOST_HELD:])
        self.begin = begin
        self._span = min(self._span * 2, LONGEST_SPAN) if len(activities) < FEW else self._span
        self._from_beginning = not older
        self.none_older = self._from_beginning or begin <= now - FARTHEST


def _added(known: list[Activity], read: tuple[Activity, ...]) -> Iterator[Activity]:
    """What of `read` is not `known`. A mail is known by what it says: it arrived a moment after it was sent."""
    mails = {(one.agent, one.text) for one in known if one.kind is Kind.MAIL}
    return unreported(known, (one for one in read if one.kind is not Kind.MAIL or (one.agent, one.text) not in mails))
