"""The feed of a recording: its fleets, each when the playback has come to its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from msgspec import structs

from mailcore.model.fleet import Fleet
from mailcore.observe.fact_codec import LeftOut
from mailcore.observe.facts import Fact
from mailcore.observe.fold import apply
from mailcore.text import line
from praxmonitor.feed.base import SCREEN_INTERVAL
from praxmonitor.feed.playback import Playback
from praxmonitor.feed.recording import VERSION, RecordingError, RecordingHeader
from praxmonitor.feed.recording_reader import read_recording

RecordedReading: TypeAlias = tuple[float, tuple[Fact, ...]]


RecordedReadings: TypeAlias = Generator[RecordedReading, None, None]


class ReplayFeed:
    """The fleets that a recording gives, each when `playback` has come to its time; the last one stays."""

    def __init__(self, path: Path, header: RecordingHeader, playback: Playback) -> None:
        self._path = path
        self._header = header
        self._playback = playback
        self._left_out = LeftOut()
        self._fleet = Fleet(header.root)

    async def fleets(self) -> AsyncGenerator[Fleet, None]:
        """Fleets, at most ten a second. What cannot be read ends the recording: the last fleet's notes say why.

        What this version does not know is left out, and `playback` shows it.
        """
        playback, at = self._playback, self._playback()
        with closing(read_recording(self._path, self._left_out)) as readings:
            following = await asyncio.to_thread(self._next, readings)
            playback.begin()
            while following is not None:
                await playback.reach(following[0])
                shown = self._fleet
                at, following = await asyncio.to_thread(self._play, following, readings, playback())
                playback.left_out = self._left_out_text()
                if self._fleet is not shown:
                    yield self._fleet
                    await asyncio.sleep(SCREEN_INTERVAL)
        playback.end(at)
        yield self._fleet

    def _left_out_text(self) -> str:
        recorder = line(self._header.praxmonitor, 40)
        versions = f"this is praxmonitor {VERSION}, {recorder} recorded it"
        return f"left out: {self._left_out}; {versions}" if self._left_out else ""

    def _play(
        self, reading: RecordedReading, readings: RecordedReadings, until: float
    ) -> tuple[float, RecordedReading | None]:
        """Fold in all readings up to `until`, this one first. Returns the last one's time, and the one that follows."""
        following: RecordedReading | None = reading
        while following is not None and following[0] <= until:
            at, facts = following
            self._fleet = apply(self._fleet, facts, at)
            following = self._next(readings)
        return at, following

    def _next(self, readings: RecordedReadings) -> RecordedReading | None:
        try:
            return next(readings, None)
        except RecordingError as error:
            self._fleet = structs.replace(self._fleet, notes=(*self._fleet.notes, str(error)))
            return None
