"""One agent's logs, its hooks' lines and the output of its present attempt → activities."""

from __future__ import annotations

import errno
import os
import time
from collections import deque
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import Agent
from mailcore.model.limit import Limit
from mailcore.model.log import GrowingLog
from mailcore.model.run import Run
from mailcore.model.usage import Spent
from mailcore.observe.activities import from_hook, harmless_activity
from mailcore.observe.file_stamps import FileStamps
from mailcore.observe.file_tail import FileTail
from mailcore.observe.log_growth import GrowthMeter
from mailcore.observe.log_lines import LogLineReader, terminal_text
from mailcore.observe.log_rotation import file_identity
from mailcore.programs.hook_lines import parse_hook
from mailcore.programs.registry import find_program
from mailcore.programs.transcript_reader import OutputReader
from mailcore.system.open_files import OpenFiles

HOOKS_START = 65536
LOG_START = 8192
"""Bytes of the end of a file that are read when it is first seen."""
FIRST_LINES = 10
"""Of what stood in a file when it was first seen, the newest this many lines are kept: they report all that is open."""
MAX_BURST = 500
"""Of what a file grew by between two looks, the newest this many lines are kept."""
STDOUT = ".stdout.log"
"""The end of the name of what an attempt writes to its standard output."""
LIFE_PERIOD = 2.0
"""Seconds between two signs of life that a line without an end gives: a progress bar, dots."""
MAX_GONE = 16
"""Logs that are there no more of which the place is kept: a rotated one comes back, or is read to its end first."""
WHOLE_BYTES = 1024 * 1024
"""Bytes up to which a log that appears while we look is read from its beginning."""
MAX_CHUNKS = 64
"""Reads of one file in one look (16 MB); the next look goes on from there."""


class LogReader:
    """Reads what came to them. Stateful, and writes nothing."""

    def __init__(self, agent: Agent, open_files: OpenFiles) -> None:
        """`open_files`: where the busiest of them stay open."""
        self._agent, self._directory, self._hooks, self._open = agent, agent.logs_dir, agent.hooks_log, open_files
        self._stamps = FileStamps()
        self._tails: dict[Path, FileTail] = {}
        """Of the logs and the hooks."""
        self._outputs: dict[Path, FileTail] = {}
        """Of the current attempt."""
        self._logs: dict[Path, LogLineReader] = {}
        """What reads the lines of either that are a log's."""
        self._lived: dict[Path, tuple[int, float]] = {}
        """Of a line without an end: how long it was, and when, as it was reported last as a sign of life."""
        self._reader: OutputReader | None = None
        """What reads the standard output of its program."""
        self._first_look = True
        self._torn = 0
        self._growth = GrowthMeter()
        self.spent: list[Spent] = []
        """What the output reported was used; whoever takes it empties this."""
        self.stirred = False
        """Logs came or went since this was last set to False."""

    @property
    def lost(self) -> int:
        """Lines that could not be read, all in all; a file that was gone before its end counts as one."""
        return self._torn + sum(tail.skipped + tail.lost for tail in self._tails.values())

    @property
    def unread(self) -> bool:
        """One of them holds more than the last look read of it."""
        return any(tail.behind for tail in (*self._tails.values(), *self._outputs.values()))

    def growth(self) -> tuple[GrowingLog, ...] | None:
        """How fast those grow that do; None: nothing new is to be said of it."""
        return self._growth.report(time.time())

    def distrust(self) -> None:
        """Let the next call look at all of them."""
        self._stamps.clear()

    def read(self, run: Run | None, *, first_look: bool) -> list[Activity]:
        """What they report since the last call; `run`: the present one, whose attempt's output is one of them."""
        self._first_look = first_look
        if self._stamps.moved(self._directory):
            self._list_logs()
            self.stirred = True
        outputs = self._output_files(run)
        if run is not None and outputs and outputs[0] not in self._outputs:
            kind = find_program(run.program)
            self._reader = kind.output_reader(self._agent.address) if kind is not None else None
        for path in outputs:
            self._outputs.setdefault(path, FileTail(path, LOG_START))
        # A copied workspace has the copy's mtimes: what is found at the first look is not later than the run's end.
        latest = run.since if self._first_look and run is not None and run.phase.ended else float("inf")
        found = [self._lines(tail, latest) for tail in self._tails.values() if self._stamps.moved(tail.path)]
        found += [self._lines(tail, latest) for tail in self._outputs.values() if self._stamps.moved(tail.path)]
        for path in self._outputs.keys() - set(outputs):  # a former attempt's, now read to its end
            del self._outputs[path]
            self._logs.pop(path, None)
            self._stamps.forget(path)
        return list(chain.from_iterable(found))

    def _output_files(self, run: Run | None) -> tuple[Path, ...]:
        if run is None or run.foreign or run.attempt is None or (run.phase.ended and not self._first_look):
            return ()  # what an ended run has said is read once, at the first look
        directory, name = self._agent.runs_dir / run.run_id, f"attempt-{run.attempt.number}"
        return directory / f"{name}{STDOUT}", directory / f"{name}.stderr.log"

    def _list_logs(self) -> None:
        try:
            with os.scandir(self._directory) as entries:
                names = [entry.name for entry in entries]
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                self._stamps.distrust(self._directory)
                return
            names = []
        # AIPass renames the output of a failed attempt: the same lines under a new name.
        wanted = {
            self._directory / n for n in names if n.endswith(".log") and not n.startswith("dispatch_stdout.attempt-")
        }
        if self._hooks.name in names or self._agent.former_hooks_log.name in names:
            wanted.add(self._hooks)
        for path in [path for path in self._tails if path not in wanted][:-MAX_GONE]:
            del self._tails[path]
            self._logs.pop(path, None)
            self._lived.pop(path, None)
            self._stamps.forget(path)
        for path in sorted(wanted - self._tails.keys()):
            self._tails[path] = self._tail(path)

    def _tail(self, path: Path) -> FileTail:
        """What reads a log that was not there before, or at the first look."""
        if self._first_look:
            if path == self._hooks:
                self._stamps.distrust(path)  # it may not be there, but what it was before
                return FileTail(path, HOOKS_START, former=self._agent.former_hooks_log)
            return FileTail(path, LOG_START)
        try:
            found = path.stat()
        except OSError:
            return FileTail(path)
        if any(tail.at == file_identity(found) for tail in self._tails.values()):
            return FileTail(
                path, start=found.st_size
            )  # a log of ours was renamed to it, and is read to its end as that
        return FileTail(path, WHOLE_BYTES if found.st_size <= WHOLE_BYTES else LOG_START)

    def _lines(self, tail: FileTail, latest: float) -> list[Activity]:
        log = None if tail.path == self._hooks else self._logs.setdefault(tail.path, LogLineReader(self._agent.address))
        reader = self._reader if tail.path.name.endswith(STDOUT) and tail.path in self._outputs else None
        burst = FIRST_LINES if self._first_look else MAX_BURST
        found: deque[Activity] = deque(maxlen=burst)
        known, taken = tail.at != (0, 0), tail.taken  # what stood there at the first look did not come now
        for chunk in range(MAX_CHUNKS):
            lines = [line for line in tail.follow(self._open) if line.strip()]
            # Where a line reports no time, the file does: exact for its last line, and never after its writer's death.
            at = min(tail.modified, time.time(), latest)
            if reader is not None:
                lines = self._output_activities(reader, lines, at, found)
            if log is not None:
                found.extend(log.read(lines[-burst:], at, backlog=self._first_look))
            else:
                for line in lines[-burst:]:
                    if (activity := from_hook(line, self._agent.address, at)) is not None:
                        found.append(activity)
                    elif parse_hook(line) is None:
                        self._torn += 1
            if not tail.behind or chunk == MAX_CHUNKS - 1:
                self._growth.count(str(tail.path), known * (tail.taken - taken), time.time())
            if not tail.behind:
                found.extend(self._life(tail, log, bool(lines), at))
                return list(found)
        self._stamps.distrust(tail.path)
        return list(found)

    def _life(self, tail: FileTail, log: LogLineReader | None, found: bool, at: float) -> Iterator[Activity]:
        """A sign of life of a line that grew and is not at its end yet."""
        length, last = self._lived.get(tail.path, (0, 0.0))
        if (
            log is None
            or tail.torn.lstrip().startswith(b"{")
            or len(tail.torn) == length
            or (not found and at < last + LIFE_PERIOD)
        ):
            return
        self._lived[tail.path] = len(tail.torn), at if found else last
        # A write across two pages is two, and a line seen half written no sign: only what goes on without an end is.
        goes_on = length > 0 or b"\r" in tail.torn
        if not found and goes_on and tail.torn.strip():
            self._lived[tail.path] = len(tail.torn), at
            yield Activity(at, self._agent.address, Kind.LOG, terminal_text(tail.torn), "log")

    def _output_activities(
        self, reader: OutputReader, lines: list[bytes], at: float, found: deque[Activity]
    ) -> list[bytes]:
        """Add what the program's reader finds in lines of its output; returns those that are lines of a log."""
        others = []
        for line in lines:
            try:
                activities = reader.read(line, at)
            except Exception:  # the reader may be anybody's plug-in: then the line is shown as it stands
                activities = None
            if activities is None:
                others.append(line)
                continue
            for one in activities:
                if isinstance(one, Spent):
                    self.spent.append(one)
                elif not isinstance(one, Limit):  # which its supervisor reads, and notes
                    found.append(harmless_activity(one, at))
        return others
