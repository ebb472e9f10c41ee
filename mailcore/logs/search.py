"""All lines of a log that match a pattern: counted in the background, by a child that can be killed.

The child is run again and again, each time for so many hits: where it ended is known by its place in the file. Where
hits are few each is kept; where they are many they are only counted, for each stretch of the file, and found again when
they are asked for. So the memory is bounded, and a search costs little more than counting does.
"""

from __future__ import annotations

import os
import threading
import time

from mailcore.logs.hits import SearchHits
from mailcore.logs.log_file import LogChange, LogFile
from mailcore.logs.near import NearLook
from mailcore.logs.patterns import LogPattern, log_pattern
from mailcore.system.line_filter import LineFilter

MAX_KEPT = 1_000_000
"""Hits whose places are kept, 8 MB."""
MAX_BATCH = 65_536
"""Hits of one child whose places are kept."""
DENSE = 2048
"""Bytes from one hit to the next, on an average, below which hits are only counted."""
SPARSE = 65_536
"""The same, from where on each hit is told at once."""
STRETCH_BYTES = 16 * 1024 * 1024
"""About so long is a stretch of the file in which hits are only counted."""
AT_ONCE = 2
"""Children that search at a time, of all searches of this process."""
STALL_SECONDS = 10.0
"""So long a child may stay where it is in the file."""

_turns = threading.BoundedSemaphore(AT_ONCE)


class LogSearch:
    """The lines of a log that match. A hit is where its line begins.

    Ask from any thread; but what is not kept is looked for when it is asked for, so `next`, `before` and `number_of`
    may take some tenths of a second. `follow` and `close` are for one thread.
    """

    def __init__(self, log: LogFile, pattern: LogPattern | str) -> None:
        """Begins to search at once. UsageError of an invalid pattern, OSError if the file cannot be read."""
        self._reader = -1
        self.pattern = log_pattern(pattern) if isinstance(pattern, str) else pattern
        self.error = ""
        """Why it did not get to the end of the file; untrusted, as it may repeat the pattern."""
        self._log = log.another()
        self._reader = log.stream()
        self._look = NearLook(self._log, self.pattern)
        self._ends = threading.Event()
        self._child: LineFilter | None = None
        self._given_up = 0
        """How many of the pattern's filters did not manage."""
        self._forget()
        self._start()

    def __del__(self) -> None:
        self._let_go()

    def _let_go(self) -> None:
        reader, self._reader = self._reader, -1
        if reader >= 0:
            os.close(reader)

    def _forget(self) -> None:
        self._hits = SearchHits()
        self._searched = 0
        """Bytes that were searched, with the beginning of the last line."""

    def _start(self) -> None:
        self.error = ""
        self._thread = threading.Thread(target=self._run, daemon=True, name="log search")
        self._thread.start()

    @property
    def count(self) -> int:
        """Hits that were found so far."""
        return self._hits.count

    @property
    def done(self) -> bool:
        """True if it does not go on: it is through, or `error` says why not."""
        return not self._thread.is_alive()

    @property
    def progress(self) -> float:
        """How much of the file was searched, from 0 to 1."""
        if not self._log.size or (self.done and not self.error):
            return 1.0
        return min(1.0, max(self._hits.reached, self._place()) / self._log.size)

    def next(self, offset: int) -> int | None:
        """The first hit at `offset` or behind it. None: there is none, or it was not found yet (`done` says which)."""
        hit = self._hits.next(offset, self._look)
        if hit is None and not self.done:
            hit = self._look.first(max(offset, self._hits.reached), self._log.size)
        return hit

    def before(self, offset: int) -> int | None:
        """The last hit before `offset`. None as of `next`."""
        reached = self._hits.reached
        hit = None if self.done or offset <= reached else self._look.last(reached, min(offset, self._log.size))
        return self._hits.before(offset, self._look) if hit is None else hit

    def number_of(self, hit: int) -> int | None:
        """Which of all hits it is, from 1 on; None if it was not counted yet, or cannot be counted soon."""
        if hit >= self._hits.reached and hit != self._hits.open_line and not self.done:
            return None
        return self._hits.number_of(hit, self._look)

    def follow(self) -> None:
        """Search what came since, in the background; all of it anew if the file was cut. Nothing while it searches."""
        if self._thread.is_alive() or self._ends.is_set():
            return
        if self._log.look() is LogChange.CUT:
            self._forget()
        if self._searched < self._log.size:
            self._start()

    def close(self) -> None:
        """End the search, at once, and let go of the file."""
        self._ends.set()
        if child := self._child:
            child.cancel()
        self._thread.join()
        self._log.close()
        self._let_go()

    def _place(self) -> int:
        return os.lseek(self._reader, 0, os.SEEK_CUR) if self._reader >= 0 else self._hits.reached

    def _run(self) -> None:
        most, keeps, apart = 1, True, 1.0
        while not self._ends.is_set():
            start = self._hits.reached
            options = ["-b", *(["--line-buffered"] if apart > SPARSE else [])] if keeps else ["-c"]
            commands = self.pattern.filters(*options, "-m", str(most))[self._given_up :]
            if not commands:
                return
            if not self._has_turn():
                return
            try:
                found = self._batch(commands[0], start, keeps)
            finally:
                _turns.release()
            if found is None:
                self._given_up += 1
                continue
            stop = self._place()
            if found < most or (stop >= self._log.size and self._log.data(stop - 1, 1) != b"\n"):
                self._finish(start, stop, found, keeps)
                return
            self._hits.add(stop, found, kept=keeps)
            apart = (stop - start) / found
            keeps = apart >= DENSE and len(self._hits.places) < MAX_KEPT
            most = min(most * 8, MAX_BATCH) if keeps else max(1000, int(STRETCH_BYTES / apart))

    def _has_turn(self) -> bool:
        """Wait for one of the children that may search at a time; False if it is closed meanwhile."""
        while not self._ends.is_set():
            if _turns.acquire(timeout=0.05):
                return True
        return False

    def _batch(self, command: list[str], start: int, keeps: bool) -> int | None:
        """How many hits one child found; None if it failed, stood still or was cancelled."""
        places = self._hits.places
        first = len(places)
        os.lseek(self._reader, start, os.SEEK_SET)
        try:
            child = self._child = LineFilter(command, self._reader)
        except OSError as error:
            self.error = f"{command[0]}: {error.strerror}"
            return None
        if self._ends.is_set():  # `close` may have looked before the child was there
            child.cancel()
        torn, moved, place = b"", time.monotonic(), start
        while (data := child.read(0.5)) != b"":
            if data is not None:
                *lines, torn = (torn + data).split(b"\n")
                torn = torn[:32]  # the number is all that is wanted of a line, however long it is
                if keeps:
                    places.extend(start + int(line.partition(b":")[0]) for line in lines)
                else:
                    torn = b"".join(lines)
            if data is not None or self._place() != place:
                moved, place = time.monotonic(), self._place()
            elif time.monotonic() - moved > STALL_SECONDS:
                child.cancel()
        status, said = child.end()
        self._child = None
        if status in (0, 1):
            self.error = ""
            return len(places) - first if keeps else int(torn)
        del places[first:]
        self.error = said.partition("\n")[0] if status > 0 else f"the pattern takes too long behind byte {place:,}"
        return None

    def _finish(self, start: int, stop: int, found: int, keeps: bool) -> None:
        """The end of the file was reached: its last line, which may go on, is searched again then."""
        self._searched = stop
        line = stop if not stop or self._log.data(stop - 1, 1) == b"\n" else max(start, self._log.start_of(stop - 1))
        places = self._hits.places
        if keeps:
            is_hit = found > 0 and line < stop and places[-1] == line
            if is_hit:
                places.pop()
        else:
            is_hit = line < stop and self._look.count(line, stop) == 1
        self._hits.add(line, found - is_hit, kept=keeps)
        self._hits.open_line = line if is_hit else -1
