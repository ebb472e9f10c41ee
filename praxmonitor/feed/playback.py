"""The clock of a recording that is played, at any speed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

SLOWEST, FASTEST = 0.125, 64.0


class Playback:
    """Recorded time, called like `time.time`. It stands until `begin`, while paused, and when all is over."""

    def __init__(self, at: float, speed: float = 1.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`at`: the recorded time to begin at, seconds since the epoch. `speed`: of `monotonic`'s seconds."""
        self.speed = speed
        self.paused = False
        self.over = False
        self.left_out = ""
        """What this version does not know of all that was played, in words; empty where it knows all."""
        self._at = at
        self._monotonic = monotonic
        self._went: float | None = None
        """`monotonic` when the clock stood at `_at` and went on; None while it stands."""
        self._changed = asyncio.Event()

    def __call__(self) -> float:
        """The recorded time now."""
        return self._at if self._went is None else self._at + (self._monotonic() - self._went) * self.speed

    @property
    def label(self) -> str:
        """For the header: `REPLAY ×4`, `REPLAY paused`; `incomplete` where something is left out."""
        speed = "" if self.speed == 1 or self.over else f" ×{self.speed:g}"
        stands = " over" if self.over else " paused" if self.paused else ""
        return f"REPLAY{speed}{stands}{' incomplete' if self.left_out else ''}"

    def begin(self) -> None:
        """Let the clock go."""
        self._set(self(), self.speed)

    def pause(self) -> None:
        """Stand still, or go on again."""
        self.paused = not self.paused
        self._set(self(), self.speed)

    def change_speed(self, factor: float) -> None:
        """So many times faster than now, within SLOWEST and FASTEST."""
        self._set(self(), min(max(self.speed * factor, SLOWEST), FASTEST))

    def end(self, at: float) -> None:
        """Stand at `at` for good: it is the recording's end."""
        self.over = True
        self._set(at, self.speed)

    async def reach(self, at: float) -> None:
        """Wait until the recorded time is `at`."""
        while (left := at - self()) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(None if self._went is None else left / self.speed):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def _set(self, at: float, speed: float) -> None:
        self._at, self.speed = at, speed
        self._went = None if self.paused or self.over else self._monotonic()
        self._changed.set()
