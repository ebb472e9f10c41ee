"""The hits of a search, in little memory: the place of each where they are few, else how many a stretch has."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from mailcore.logs.near import NearLook


@dataclass(frozen=True, slots=True)
class SearchedPart:
    """A part of a log that was searched, of whole lines."""

    start: int
    stop: int
    before: int
    """Hits before it."""
    count: int
    first: int
    """Where in the array of places its hits begin; -1: they are only counted."""


class SearchHits:
    """What was found so far, in the order of the file. One thread adds; any may ask.

    `places` is appended to by who searches, before the stretch that they belong to is known to its end.
    """

    def __init__(self) -> None:
        self.places = array("Q")
        """Where lines begin that match."""
        self.reached = 0
        """All before it was searched: the beginning of a line."""
        self.open_line = -1
        """A hit in the last line, which has no end yet and may become another; -1: it is none."""
        self._stretches: list[SearchedPart] = []

    @property
    def kept(self) -> int:
        """How many of the places belong to stretches that were added."""
        return next((s.first + s.count for s in reversed(self._stretches) if s.first >= 0), 0)

    @property
    def count(self) -> int:
        """How many there are."""
        before = self._stretches[-1].before + self._stretches[-1].count if self._stretches else 0
        return before + len(self.places) - self.kept + (self.open_line >= 0)

    def add(self, stop: int, count: int, *, kept: bool) -> None:
        """What was searched next, up to `stop`, and what was found in it: among the places, or only counted."""
        last = self._stretches[-1] if self._stretches else SearchedPart(0, 0, 0, 0, 0)
        before = last.before + last.count
        self.open_line = -1
        if kept and last.first >= 0:
            joined = SearchedPart(last.start, stop, last.before, last.count + count, last.first)
            self._stretches[-1:] = [joined]
        else:
            first = len(self.places) - count if kept else -1
            self._stretches.append(SearchedPart(last.stop, stop, before, count, first))
        self.reached = stop

    def next(self, offset: int, look: NearLook) -> int | None:
        """The first at `offset` or behind it, of those that were found."""
        stretches = self._stretches
        for number in range(bisect_right(stretches, offset, key=lambda s: s.stop), len(stretches)):
            one = stretches[number]
            if one.first >= 0:
                place = bisect_left(self.places, offset, one.first, one.first + one.count)
                if place < one.first + one.count:
                    return self.places[place]
            elif one.count and (hit := look.first(max(offset, one.start), one.stop, known=True)) is not None:
                return hit
        place = bisect_left(self.places, offset, self.kept)
        if place < len(self.places):
            return self.places[place]
        return self.open_line if self.open_line >= offset else None

    def before(self, offset: int, look: NearLook) -> int | None:
        """The last before `offset`, of those that were found."""
        if 0 <= self.open_line < offset:
            return self.open_line
        kept, stretches = self.kept, self._stretches
        if (place := bisect_left(self.places, offset, kept)) > kept:
            return self.places[place - 1]
        for number in range(bisect_left(stretches, offset, key=lambda s: s.start) - 1, -1, -1):
            one = stretches[number]
            if one.first >= 0:
                place = bisect_left(self.places, offset, one.first, one.first + one.count)
                if place > one.first:
                    return self.places[place - 1]
            elif one.count and (hit := look.last(one.start, min(offset, one.stop), known=True)) is not None:
                return hit
        return None

    def number_of(self, hit: int, look: NearLook) -> int | None:
        """Which of all it is, from 1 on; None where that would take too long."""
        if hit == self.open_line:
            return self.count
        stretches, kept = self._stretches, self.kept
        at = bisect_right(stretches, hit, key=lambda s: s.stop)
        if at == len(stretches):
            before = stretches[-1].before + stretches[-1].count if stretches else 0
            return before + bisect_left(self.places, hit, kept) - kept + 1
        one = stretches[at]
        if one.first >= 0:
            return one.before + bisect_left(self.places, hit, one.first, one.first + one.count) - one.first + 1
        earlier = look.count(one.start, hit)
        return None if earlier is None else one.before + earlier + 1
