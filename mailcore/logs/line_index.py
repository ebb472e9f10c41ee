"""The numbers of a log's lines, counted in the background: a count each so many bytes, and the bytes between read when
asked for.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left

from mailcore.logs.log_file import LogChange, LogFile

STRIDE = 256 * 1024
"""Bytes from one count to the next, at first."""
MAX_COUNTS = 65_536
"""Counts that are kept, half a megabyte: beyond, every second one is dropped."""


class LineIndex:
    """How many lines stand before each place of a log, as far as it was counted.

    A line is what ends with a newline, as an editor counts, however many rows it makes. Ask from any thread; `follow`
    and `close` are for one.
    """

    def __init__(self, log: LogFile) -> None:
        """Begins to count at once. The log may be closed before this is."""
        self._log = log.another()
        self._ends = threading.Event()
        self._forget()
        self._start()

    def _forget(self) -> None:
        self._sparse = (STRIDE, array("Q", [0]))
        """A stride, and how many newlines stand before each multiple of it."""
        self._counted = 0
        """Bytes that were counted."""
        self._newlines = 0

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._count, daemon=True, name="line index")
        self._thread.start()

    @property
    def total(self) -> int:
        """Lines that were counted so far; what stands behind the last newline is one too."""
        return self._newlines + (self._counted > 0 and self._log.data(self._counted - 1, 1) != b"\n")

    @property
    def progress(self) -> float:
        """How much of the file was counted, from 0 to 1."""
        return min(1.0, self._counted / self._log.size) if self._log.size else 1.0

    @property
    def done(self) -> bool:
        """True if it has counted all there was at the last `follow`."""
        return not self._thread.is_alive()

    def follow(self) -> None:
        """Count what came since, in the background; all of it anew if the file was cut. Nothing while it counts."""
        if self._thread.is_alive() or self._ends.is_set():
            return
        if self._log.look() is LogChange.CUT:
            self._forget()
        if self._counted < self._log.size:
            self._start()

    def close(self) -> None:
        """End counting, and let go of the file."""
        self._ends.set()
        self._thread.join()
        self._log.close()

    def _count(self) -> None:
        while self._counted < self._log.size and not self._ends.is_set():
            stride, counts = self._sparse
            whole = STRIDE - self._counted % STRIDE
            chunk = self._log.data(self._counted, min(whole, self._log.size - self._counted))
            if not chunk:  # cut meanwhile: the next `follow` sees it
                break
            counted = self._counted + len(chunk)
            self._newlines += chunk.count(b"\n")
            if counted % stride == 0:
                counts.append(self._newlines)
                if len(counts) > MAX_COUNTS:
                    self._sparse = (stride * 2, counts[::2])
            self._counted = counted

    def number_of(self, offset: int) -> int | None:
        """The number, from 1 on, of the line in which a byte lies; None where it was not counted yet."""
        if not 0 <= offset <= self._counted:
            return None
        stride, counts = self._sparse
        at = offset - offset % stride
        number = counts[offset // stride] + 1
        while at < offset and (chunk := self._log.data(at, min(STRIDE, offset - at))):
            number += chunk.count(b"\n")
            at += len(chunk)
        return number

    def offset_of(self, number: int) -> int | None:
        """Where the line of that number begins; None if there is none, or it was not counted yet."""
        if number <= 1:
            return 0 if number == 1 and self._log.size else None
        stride, counts = self._sparse
        before = bisect_left(counts, number - 1) - 1
        at, missing = before * stride, number - 1 - counts[before]
        while at < self._counted and (chunk := self._log.data(at, min(STRIDE, self._counted - at))):
            if (here := chunk.count(b"\n")) >= missing:
                place = -1
                for _ in range(missing):
                    place = chunk.find(b"\n", place + 1)
                return at + place + 1 if at + place + 1 < self._log.size else None
            missing -= here
            at += len(chunk)
        return None
