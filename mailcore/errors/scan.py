"""What came to the logs of all agents since they were read last, counted in its groups.

Whoever looks, and however many do at once: what was read is kept with what was counted, in one file under one lock. So
each error counts once, and what a scanner that was killed had not written is read again by the next. What stood in the
logs when somebody looked first is history: it counts, and nobody is mailed about it.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from mailcore.config.errors import Errors
from mailcore.errors.counting import Counting
from mailcore.errors.known_runs import KnownRuns, result_event
from mailcore.errors.line_readers import ProgramLines, text_extractor
from mailcore.errors.log_news import LineReader, end_of_log, is_unmoved, read_log_news
from mailcore.errors.owner import Branches
from mailcore.errors.store import ErrorBook, LogPlace, changing_errors
from mailcore.logs.sources import logs_of, session_kind
from mailcore.model.log import LogKind, LogSource
from mailcore.programs.registry import find_program
from mailcore.programs.transcript_reader import Counted
from mailcore.workspace.find import Workspace
from mailcore.workspace.worktree import counterpart

SCAN_SECONDS, SCAN_BYTES = 3.0, 64 << 20
"""What one call takes of the time, and of one log; it says so where there is more."""
HISTORY_BYTES = 1 << 20
"""Bytes of the end of a log that are counted of what stood in it when the watching began."""
KEPT_PLACE = 86_400.0
"""Seconds for which the place in a log is known that is not there."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """What one call found."""

    events: int = 0
    """Errors that nobody had counted."""
    groups: frozenset[str] = frozenset()
    """The fingerprints of their groups."""
    behind: bool = False
    """There is more: the next call goes on from here."""


@dataclass(slots=True)
class _Sources:
    """The logs of all agents, as they lie at this moment."""

    workspace: Workspace
    logs: Sequence[LogSource]
    runs: dict[str, KnownRuns] = field(default_factory=dict)

    @classmethod
    def of(cls, workspace: Workspace) -> _Sources:
        logs = [one for one in logs_of(workspace.agents, rotated=False) if one.kind is not LogKind.HOOKS]
        names: defaultdict[str, set[str]] = defaultdict(set)
        for one in logs:
            if one.run_id:
                names[one.agent].add(one.run_id)
        agents = {agent.address: agent for agent in workspace.agents}
        return cls(workspace, logs, {name: KnownRuns(agent, names[name]) for name, agent in agents.items()})

    def reader(self, source: LogSource, offset: int) -> LineReader:
        """What reads a log from there on. OSError."""
        if source.kind is LogKind.SESSION:
            files = session_kind(source, self.workspace.agent(source.agent))
            if files is not None:
                return ProgramLines(source, files.reader(source.agent, Path(source.path), offset, Counted(1000)))
        run = self.runs[source.agent].run(source.run_id) if source.kind is LogKind.STDOUT else None
        program = find_program(run.program) if run is not None else None
        reports = program.output_reader(source.agent) if program is not None else None
        return ProgramLines(source, reports) if reports is not None else text_extractor(source)


def begin_watch(workspace: Workspace, now: float | None = None) -> bool:
    """Note where the logs end, if nobody looked yet: what they hold by now is history. True if this call was first."""
    with changing_errors(workspace) as at_hand:
        if at_hand.book.begun_at:
            return False
        at_hand.book = _begun(at_hand.book, _Sources.of(workspace), time.time() if now is None else now)
    return True


def scan_errors(
    workspace: Workspace, errors: Errors, *, now: float | None = None, seconds: float = SCAN_SECONDS
) -> Scanned:
    """Count what came since the last call. MailcoreError where that cannot be kept; then nothing was counted."""
    now = time.time() if now is None else now
    with changing_errors(workspace) as at_hand:
        sources = _Sources.of(workspace)
        book = at_hand.book if at_hand.book.begun_at else _begun(at_hand.book, sources, now)
        branches = Branches(workspace.root, workspace.agents, mirrored=counterpart)
        counting = Counting(book, branches, errors, {agent.address for agent in workspace.agents}, sources.runs, now)
        behind = _read_all(sources, counting, now, time.monotonic() + seconds)
        at_hand.book = _without_lost(counting.book, sources.logs, now)
    return Scanned(counting.events, frozenset(counting.touched), behind)


def _begun(book: ErrorBook, sources: _Sources, now: float) -> ErrorBook:
    places: dict[str, LogPlace] = {}
    for source in sources.logs:
        running = bool(source.run_id) and not sources.runs[source.agent].has_ended(source.run_id)
        with suppress(OSError):
            if not running:
                passed = 0 if source.kind is LogKind.SESSION else HISTORY_BYTES
                places[source.path] = end_of_log(source.path, now, passed=passed)
    for address, run_id in _run_ids(sources.logs):
        if sources.runs[address].has_ended(run_id):
            places[str(sources.runs[address].journal(run_id))] = LogPlace(1, at=now, history_end=2)
    return replace(book, begun_at=now, places={**book.places, **places})


def _read_all(sources: _Sources, counting: Counting, now: float, deadline: float) -> bool:
    """True if there is more to read."""
    behind = False
    for source in _in_order(sources.logs, counting.book.places):
        place = counting.book.places.get(source.path, LogPlace(0))
        if place.inode and is_unmoved(source, place):
            continue
        if time.monotonic() > deadline:
            return True
        ended = bool(source.run_id) and sources.runs[source.agent].has_ended(source.run_id)
        readers: list[LineReader] = []

        def make(offset: int, source: LogSource = source, readers: list[LineReader] = readers) -> LineReader:
            readers.append(sources.reader(source, offset))
            return readers[-1]

        with suppress(OSError):  # it is gone, or not ours to read
            news = read_log_news(source, place, make, now, SCAN_BYTES, ended=ended)
            for reader in readers:
                if isinstance(reader, ProgramLines):
                    counting.note_causes(reader.causes)
            counting.count(source, news)
            behind = behind or news.behind
    for address, run_id in _run_ids(sources.logs):
        _count_result(sources.runs[address], run_id, counting, sources.workspace, address, now)
    return behind


def _count_result(
    runs: KnownRuns, run_id: str, counting: Counting, workspace: Workspace, address: str, now: float
) -> None:
    """How a run ended, once."""
    path = runs.journal(run_id)
    if str(path) in counting.book.places:
        return
    run = runs.run(run_id)
    if run is None or not run.phase.ended:
        return
    counting.passed(str(path), LogPlace(1, at=now))
    event = result_event(workspace.agent(address), run, path)
    if event is not None:
        counting.observe(event)


def _run_ids(logs: Sequence[LogSource]) -> Iterator[tuple[str, str]]:
    return iter(dict.fromkeys((one.agent, one.run_id) for one in logs if one.run_id))


def _in_order(logs: Sequence[LogSource], places: Mapping[str, LogPlace]) -> list[LogSource]:
    """What is new before what is history."""

    def is_history(source: LogSource) -> bool:
        place = places.get(source.path)
        return place is not None and place.offset < place.history_end

    return sorted(logs, key=is_history)


def _without_lost(book: ErrorBook, logs: Sequence[LogSource], now: float) -> ErrorBook:
    """The book without places in what has been no log for long."""
    there = {one.path for one in logs}
    there |= {os.path.join(os.path.dirname(one.path), "run.jsonl") for one in logs if one.run_id}  # noqa: PTH118, PTH120
    kept = {path: place for path, place in book.places.items() if path in there or now - place.at < KEPT_PLACE}
    return book if len(kept) == len(book.places) else replace(book, places=kept)
