"""Which command, tool call or run wrote an entry of a log, and how sure that is.

What a run printed is that run's for certain. Who wrote a line of another log no file says: it may be any of the tool
calls that were open at its time, as the agent's hooks and sessions tell, or none of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from enum import StrEnum
from operator import attrgetter

import msgspec

from mailcore.formats import journal
from mailcore.formats.timestamps import run_time
from mailcore.logs.entries import LogEntries
from mailcore.logs.log_file import LogFile
from mailcore.logs.readings import EventReading, reading_of
from mailcore.logs.sources import log_sources
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.model.log import LogEntry, LogKind
from mailcore.model.run import RUN_ID, Run, from_records
from mailcore.observe.activities import harmless_activity

MAX_EVENTS = 400
"""Events of one file before the entry that are looked at, at most."""
MAX_RUNS_ASKED = 3
"""Runs that began before the entry whose journals are read."""
LATE = 1.0
"""Seconds after the end of a call in which what it wrote may still come."""
_ENDS = (Kind.TOOL_DONE, Kind.TOOL_FAILED)
_BOUNDS = (Kind.PROMPT, Kind.TURN_END, Kind.SESSION)
"""What no call of before goes beyond."""


class Sureness(StrEnum):
    """How sure it is who wrote an entry."""

    CERTAIN = "certain"
    """The file itself says it."""
    LIKELY = "likely"
    """It was the only call that was open."""
    POSSIBLE = "possible"
    """One of several that were open."""
    UNKNOWN = "unknown"


class LogWriter(msgspec.Struct, frozen=True):
    """Who wrote an entry, as far as that is known."""

    sureness: Sureness
    run_id: str = ""
    """Empty: unknown."""
    attempt: int = 0
    calls: tuple[Activity, ...] = ()
    """The tool calls that may have written it, the newest last. Their texts are harmless."""

    @property
    def words(self) -> str:
        """In one line: `run 2026…, attempt 1; Bash: make (likely)`."""
        run = f"run {self.run_id}, attempt {self.attempt}" if self.run_id else ""
        calls = " or ".join(f"{call.tool}: {call.text}" if call.tool else call.text for call in self.calls)
        told = f"{calls} ({self.sureness})" if calls else ""
        return "; ".join(filter(None, (run, told))) or "unknown"


def writer_of(entry: LogEntry, agent: Agent) -> LogWriter:
    """Who wrote an entry of a log of that agent. Reads its hooks, sessions and runs around that time."""
    source = entry.source
    if source.kind in (LogKind.STDOUT, LogKind.STDERR):
        return LogWriter(Sureness.CERTAIN, source.run_id, source.attempt)
    if not entry.at:
        return LogWriter(Sureness.UNKNOWN)
    calls = _open_calls(agent, entry.at)
    sureness = Sureness.POSSIBLE if len(calls) > 1 else Sureness.LIKELY if calls else Sureness.UNKNOWN
    run = _run_at(agent, entry.at)
    attempt = run.attempt.number if run is not None and run.attempt is not None else 0
    return LogWriter(sureness, run.run_id if run is not None else "", attempt, tuple(calls))


def _open_calls(agent: Agent, at: float) -> list[Activity]:
    """The tool calls that were open at that time, the newest last."""
    events: list[Activity] = []
    for source in log_sources(agent):
        if source.kind not in (LogKind.HOOKS, LogKind.SESSION):
            continue
        with suppress(OSError), closing(LogFile(source.path)) as file:
            reading = reading_of(source, file, agent)
            if isinstance(reading, EventReading):
                events += _events_before(LogEntries(source, file, reading), reading, at)
    found: dict[str, Activity] = {}
    for event in sorted(events, key=attrgetter("at")):
        key = event.tool_id or f"{event.tool} {event.text}"
        if event.kind is Kind.TOOL:
            found[key] = event
        elif event.kind in _ENDS and event.at + LATE < at:
            found.pop(key, None)
        elif event.kind in _BOUNDS and not event.subagent:
            found = {key: call for key, call in found.items() if call.session != event.session}
    return list(found.values())


def _events_before(log: LogEntries, reading: EventReading, at: float) -> Iterator[Activity]:
    """What a file reports until that time, so far back as is looked."""
    place = log.place_at(at + 0.001)
    rows = log.file.rows_before(place, MAX_EVENTS)
    for told in reading.activities(reading.entries(rows)):
        for one in told:
            if isinstance(one, Activity) and one.at <= at:
                yield harmless_activity(one, at)


def _run_at(agent: Agent, at: float) -> Run | None:
    """The run that was under way at that time: the newest that had begun, if it had not ended."""
    latest = run_time(datetime.fromtimestamp(at + LATE))
    with suppress(OSError), os.scandir(agent.runs_dir) as entries:
        names = sorted(one.name for one in entries if RUN_ID.fullmatch(one.name) and one.name[:15] <= latest)
        for name in reversed(names[-MAX_RUNS_ASKED:]):
            run = from_records(journal.read_records(agent.runs_dir / name / RUN_JOURNAL))
            if run is not None and run.started_at - LATE <= at <= (run.since + LATE if run.phase.ended else at):
                return run
    return None
