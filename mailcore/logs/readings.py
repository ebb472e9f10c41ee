"""How the lines of each kind of log are read: as a log's, or as what its program's own reader says that they mean.

What a program writes for itself alone, which tells nothing of what the agent does, stands in none of the entries.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from mailcore.logs.blocks import MAX_TIMED_TEXT, EntryRows, group
from mailcore.logs.log_file import LogFile, LogRow
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import Agent
from mailcore.model.limit import Limit
from mailcore.model.log import LogKind, LogSource
from mailcore.observe.activities import harmless_activity, neutral
from mailcore.observe.log_levels import own_time
from mailcore.observe.log_lines import LogLineReader, line_as_shown
from mailcore.programs.base import SessionFiles
from mailcore.programs.hook_lines import read_hook
from mailcore.programs.transcript_reader import MAX_TRANSCRIPT_LINE, Counted, OutputReader

Told: TypeAlias = "tuple[Kind, tuple[str, ...]]"
"""The level of an entry, and its lines."""

_LEVELS = {
    Kind.ERROR: Kind.ERROR, Kind.TOOL_FAILED: Kind.ERROR, Kind.WARNING: Kind.WARNING, Kind.LIMIT: Kind.WARNING,
}  # fmt: skip
_BEFORE = {
    Kind.PROMPT: "prompt: ", Kind.TOOL: "begins ", Kind.TOOL_DONE: "done ", Kind.THINKING: "thinks: ",
    Kind.MESSAGE: "says: ", Kind.WAITING: "waits: ", Kind.TURN_END: "ends its turn: ", Kind.LIMIT: "limit: ",
}  # fmt: skip
"""What stands before the text of an activity in a log."""


class Reading(Protocol):
    """How one log is read. Its calls cost what they are given, whatever the size of the log."""

    leads: bool
    """A line may go on with what stands before it."""
    as_written: bool
    """What is told of a line is what stands in it."""

    def entries(self, rows: Sequence[LogRow]) -> list[EntryRows]:
        """Rows that come one after another, as entries; each row is in one."""

    def time_of(self, line: bytes) -> float:
        """The time that a line has of its own, seconds since the epoch; 0.0: none."""

    def told(self, entries: Sequence[EntryRows]) -> list[Told | None]:
        """What entries tell that come one after another; None: nothing."""


class LogReading:
    """Of a log that anything may write: messages of one line or many."""

    leads = True

    def __init__(self, agent: str, output: OutputReader | None = None) -> None:
        """`output`: what reads the lines that are the program's own report on its standard output."""
        self._agent, self._output = agent, output
        self.as_written = output is None

    def entries(self, rows: Sequence[LogRow]) -> list[EntryRows]:
        """As `Reading.entries`."""
        return group(rows, self._agent)

    def time_of(self, line: bytes) -> float:
        """As `Reading.time_of`."""
        return own_time(line_as_shown(line)[:MAX_TIMED_TEXT]) or 0.0

    def told(self, entries: Sequence[EntryRows]) -> list[Told | None]:
        """As `Reading.told`."""
        return [self._told(entry) for entry in entries]

    def _told(self, entry: EntryRows) -> Told | None:
        if self._output is not None and entry.rows[0].data.lstrip().startswith(b"{"):
            try:
                found = self._output.read(entry.rows[0].data, time.time())
            except Exception:  # of anybody's plug-in: then the line is a log's
                found = None
            if found is not None:
                return _words(found)
        reader = LogLineReader(self._agent)
        kinds = {activity.kind for row in entry.rows for activity in reader.read([row.data], 0.0)}
        level = next((kind for kind in (Kind.ERROR, Kind.WARNING) if kind in kinds), Kind.LOG)
        if not kinds and b"Traceback" in entry.rows[0].data:  # its end is not written yet
            level = Kind.ERROR
        return level, tuple(f"{row.data.decode('utf-8', 'replace')}{'…' if row.cut else ''}" for row in entry.rows)


class EventReading:
    """Of a file whose every line is an event of an agent's program: its hooks, or a session."""

    leads = as_written = False

    def __init__(self, source: LogSource, file: LogFile, files: SessionFiles | None) -> None:
        """`files`: what its program says of its session files; None: they are hooks, or a session that none knows."""
        self._source, self._file, self._files = source, file, files

    def entries(self, rows: Sequence[LogRow]) -> list[EntryRows]:
        """As `Reading.entries`."""
        return [EntryRows((row,), self.time_of(row.data)) for row in rows]

    def time_of(self, line: bytes) -> float:
        """As `Reading.time_of`."""
        try:
            if self._files is not None:
                return self._files.time_of(line)
            if self._source.kind is LogKind.HOOKS:
                found = read_hook(line, "", 0.0)
                return found.at if found is not None else 0.0
        except Exception:  # of anybody's plug-in
            return 0.0
        return own_time(line_as_shown(line)[:MAX_TIMED_TEXT]) or 0.0

    def told(self, entries: Sequence[EntryRows]) -> list[Told | None]:
        """As `Reading.told`."""
        return [_words(found) for found in self.activities(entries)]

    def activities(self, entries: Sequence[EntryRows]) -> list[list[Activity | Limit]]:
        """What entries that come one after another report."""
        lines = [self._whole(entry.rows[0]) for entry in entries]
        now, agent = time.time(), self._source.agent
        if self._source.kind is LogKind.HOOKS:
            hooks = (read_hook(line, agent, now) for line in lines)
            return [[hook] if hook is not None else [] for hook in hooks]
        if self._files is None or not entries:
            return [[] for _ in lines]
        try:
            reader = self._files.reader(agent, Path(self._source.path), entries[0].offset, Counted(1000))
            told = [reader.read(line, now) for line in lines]
        except Exception:  # of the disk, or of anybody's plug-in
            return [[] for _ in lines]
        return [[one for one in found if isinstance(one, Activity | Limit)] for found in told]

    def _whole(self, row: LogRow) -> bytes:
        length = row.end - row.offset
        return self._file.data(row.offset, length) if row.cut and length <= MAX_TRANSCRIPT_LINE else row.data


def reading_of(source: LogSource, file: LogFile, agent: Agent | None) -> Reading:
    """How that log is read. Without its `agent` what a program wrote for itself is shown as it stands."""
    if source.kind is LogKind.HOOKS:
        return EventReading(source, file, None)
    if source.kind is LogKind.SESSION and agent is not None:
        from mailcore.logs.sources import session_kind

        if (files := session_kind(source, agent)) is not None:
            return EventReading(source, file, files)
    output = _output_reader(source, agent) if source.kind is LogKind.STDOUT and agent is not None else None
    return LogReading(source.agent, output)


def _output_reader(source: LogSource, agent: Agent) -> OutputReader | None:
    from mailcore.formats import journal
    from mailcore.model.agent import RUN_JOURNAL
    from mailcore.model.run import from_records
    from mailcore.programs.registry import find_program

    try:
        run = from_records(journal.read_records(agent.runs_dir / source.run_id / RUN_JOURNAL))
        kind = find_program(run.program) if run is not None else None
        return kind.output_reader(source.agent) if kind is not None else None
    except Exception:  # of the disk, or of anybody's plug-in
        return None


def _words(found: Sequence[object]) -> Told | None:
    """What activities say, each on a line."""
    now = time.time()
    kinds, lines = [], []
    for one in found:
        if isinstance(one, Limit) and one.reached:
            kinds.append(Kind.LIMIT)
            lines.append(f"limit: {neutral(one.words or one.scope)}")
        elif isinstance(one, Activity):
            kinds.append(one.kind)
            lines.append(f"{_BEFORE.get(one.kind, '')}{harmless_activity(one, now).text}")
    levels = {_LEVELS.get(kind, Kind.LOG) for kind in kinds}
    level = next((kind for kind in (Kind.ERROR, Kind.WARNING) if kind in levels), Kind.LOG)
    return (level, tuple(lines)) if lines else None
