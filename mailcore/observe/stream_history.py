"""What happened before what the fleet's stream holds, read back from the files in pages. Writes nothing.

Session files, hooks, runs' journals, the audit (for mail) and what agents and their programs wrote to logs.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO

from mailcore.accounts.account import accounts
from mailcore.config import Config
from mailcore.formats import journal
from mailcore.formats.timestamps import run_time
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.model.message import parse_time
from mailcore.model.run import RUN_ID, Run, from_records
from mailcore.observe.activities import from_hook, harmless_activity, neutral
from mailcore.observe.dedupe import Deduplicator
from mailcore.observe.document_file import MAX_DOCUMENT
from mailcore.observe.fold import run_events
from mailcore.observe.log_history import log_paths, of_logs, of_output, time_of_log_line
from mailcore.observe.session_discovery import FoundSession, SessionDiscovery
from mailcore.observe.usage_backlog import BUFFER, PROBE, first_at
from mailcore.programs.hook_lines import read_hook
from mailcore.programs.transcript_reader import MAX_TRANSCRIPT_LINE, Counted
from mailcore.system.safe_open import descriptor, open_regular
from mailcore.text.names import safe_sender
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

Keep = Callable[[Activity], bool]
MOST_OF_AGENT = 2000
"""Activities of one agent in one page, the newest."""
MOST_OF_PAGE = 4000
"""Activities of one page, the newest: it begins later then than was asked for."""
MOST_RUNS_READ = 500
"""Journals of one agent that one page looks into, the newest."""
_AT = re.compile(rb'"at"\s*:\s*"([^"]{10,40})"')


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """What happened in a stretch of time, oldest first."""

    activities: tuple[Activity, ...]
    begin: float
    """From when on it is whole, seconds since the epoch: what happened before is on an earlier page."""
    older: bool = True
    """Something is older than that, or may be."""


class StreamHistory:
    """The pages of one workspace. Every call reads the disk; one thread at a time."""

    def __init__(self, workspace: Workspace, config: Config) -> None:
        self._workspace = workspace
        self._discovery = SessionDiscovery()
        self._discovery.look_in(accounts(config))
        self._discovery.enroll((*workspace.agents, workspace.operator))

    def page(self, begin: float, end: float, keep: Keep) -> HistoryPage:
        """What happened from `begin` until before `end` (seconds since the epoch), of which `keep` says it is wanted.

        A file that cannot be read counts as empty: what it holds now is the fleet's to say.
        """
        sessions: dict[str, list[FoundSession]] = {}
        for found in self._discovery.written_since(begin):
            sessions.setdefault(found.address, []).append(found)
        told: list[Activity] = []
        start = begin
        for agent in (*self._workspace.agents, self._workspace.operator):
            kept: deque[Activity] = deque(maxlen=MOST_OF_AGENT)
            number = 0
            for activity in self._of_agent(agent, sessions.get(agent.address, []), begin, end):
                if keep(activity):
                    kept.append(activity)
                    number += 1
            told += kept
            if number > MOST_OF_AGENT:
                start = max(start, kept[0].at)
        told += (activity for activity in self._mail(begin, end) if keep(activity))
        told.sort(key=attrgetter("at"))
        if len(told) > MOST_OF_PAGE:
            told = told[-MOST_OF_PAGE:]
            start = max(start, told[0].at)
        kept_whole = tuple(activity for activity in told if activity.at >= start)
        return HistoryPage(kept_whole, start, older=start > begin or self._has_older(begin))

    def _has_older(self, begin: float) -> bool:
        """Whether any of the files tells of a time before that."""
        state = self._workspace.state_dir
        return (
            _begins_before(state / audit.FILE, begin, _time_of_act)
            or any(_agent_has_older(each, begin) for each in (*self._workspace.agents, self._workspace.operator))
            or any(
                _begins_before(found.path, begin, None if found.files.whole else found.files.time_of)
                for found in self._discovery.written_since(0.0)
            )
        )

    def _of_agent(self, agent: Agent, sessions: list[FoundSession], begin: float, end: float) -> list[Activity]:
        found = [*_of_hooks(agent, begin, end)]
        for session in sessions:
            # Of the disk, or of a reader that may be anybody's plug-in: the other files are read.
            with suppress(Exception):
                found += _of_session(session, begin, end)
        found += of_logs(agent, begin, end)
        runs = _runs(agent, begin, end)
        for run in runs:
            found += of_output(agent, run, begin, end)
        once = Deduplicator().each(found)
        events = (event for run in runs for event in run_events(run) if begin <= event.at < end)
        return sorted((*once, *events), key=attrgetter("at"))

    def _mail(self, begin: float, end: float) -> Iterator[Activity]:
        """The arrivals of mail, as the audit has its sending."""
        for line in _lines(self._workspace.state_dir / audit.FILE, begin, end, _time_of_act):
            for act in journal.parse_records([line]):
                to, subject = act.get("to"), act.get("subject")
                if isinstance(to, str) and isinstance(subject, str) and act.get("verb") == "send":
                    text = f"{safe_sender(str(act.get('by')))}: {subject}"
                    yield Activity(parse_time(act.get("at")), to, Kind.MAIL, neutral(text), "mail")


def _of_hooks(agent: Agent, begin: float, end: float) -> Iterator[Activity]:
    for path in (agent.former_hooks_log, agent.hooks_log):
        for line in _lines(path, begin, end, _time_of_hook):
            activity = from_hook(line, agent.address, end)
            if activity is not None and begin <= activity.at < end:
                yield activity


def _of_session(found: FoundSession, begin: float, end: float) -> list[Activity]:
    """What one session file reports of that time."""
    files, told = found.files, list[Activity]()
    with os.fdopen(descriptor(found.path)[0], "rb", buffering=BUFFER) as file:
        size = file.seek(0, os.SEEK_END)
        offset = 0 if files.whole else first_at(file, begin, size, files.time_of)
        stop = size if files.whole else first_at(file, end, size, files.time_of)
        if offset >= stop:
            return told
        reader = files.reader(found.address, found.path, offset, Counted(1000))
        file.seek(offset)
        for line in [file.read(MAX_DOCUMENT)] if files.whole else _until(file, offset, stop):
            for activity in reader.read(line, end):
                if isinstance(activity, Activity) and begin <= activity.at < end:
                    told.append(harmless_activity(activity, end))
    return told


def _runs(agent: Agent, begin: float, end: float) -> list[Run]:
    """The runs that were under way in that time. A run's id begins with when it was made."""
    last = run_time(datetime.fromtimestamp(end + 1))
    found = []
    for name in [name for name in _run_names(agent) if name[:15] <= last][:MOST_RUNS_READ]:
        path = agent.runs_dir / name / RUN_JOURNAL
        with suppress(OSError):
            if path.stat().st_mtime >= begin and (run := from_records(journal.read_records(path))) is not None:
                found.append(run)
    return found


def _run_names(agent: Agent) -> list[str]:
    """The newest first."""
    try:
        with os.scandir(agent.runs_dir) as entries:
            return sorted((entry.name for entry in entries if RUN_ID.fullmatch(entry.name)), reverse=True)
    except OSError:
        return []


def _agent_has_older(agent: Agent, begin: float) -> bool:
    first = run_time(datetime.fromtimestamp(begin))
    return (
        any(name[:15] < first for name in _run_names(agent)[-1:])
        or any(_begins_before(path, begin, _time_of_hook) for path in (agent.hooks_log, agent.former_hooks_log))
        or any(_begins_before(path, begin, time_of_log_line) for path in log_paths(agent))
    )


def _begins_before(path: Path, moment: float, time_of: Callable[[bytes], float] | None) -> bool:
    """Whether a file was written last before that, or its first line with a time is of before."""
    with suppress(OSError), open_regular(path) as file:
        if os.fstat(file.fileno()).st_mtime < moment:
            return True
        if time_of is not None:
            return 0 < next(filter(None, map(time_of, file.read(PROBE).splitlines())), 0.0) < moment
    return False


def _lines(path: Path, begin: float, end: float, time_of: Callable[[bytes], float]) -> Iterator[bytes]:
    """The lines of a growing file from `begin` until before `end`; what tells no time belongs to the line before it."""
    try:
        with open_regular(path) as file:
            yield from _between(file, begin, end, time_of)
    except OSError:
        return


def _between(file: BinaryIO, begin: float, end: float, time_of: Callable[[bytes], float]) -> Iterator[bytes]:
    size = file.seek(0, os.SEEK_END)
    offset, stop = first_at(file, begin, size, time_of), first_at(file, end, size, time_of)
    file.seek(offset)
    yield from _until(file, offset, stop)


def _until(file: BinaryIO, offset: int, stop: int) -> Iterator[bytes]:
    """The lines from `offset`, at which the file stands, until before `stop`."""
    while offset < stop and (line := file.readline(MAX_TRANSCRIPT_LINE)):
        offset += len(line)
        yield line


def _time_of_hook(line: bytes) -> float:
    activity = read_hook(line, "", 0.0)
    return activity.at if activity is not None else 0.0


def _time_of_act(line: bytes) -> float:
    found = _AT.search(line)
    return parse_time(found[1].decode("ascii", "replace")) if found is not None else 0.0
