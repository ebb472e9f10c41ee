"""What agents used, by task and day: all of their session files, and the journals of their runs. Reads only."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from mailcore.accounts.account import default_accounts, why_unusable
from mailcore.formats import journal
from mailcore.model.account import Account
from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.model.run import Run, from_records
from mailcore.model.usage import Spent, Usage
from mailcore.observe.document_file import MAX_DOCUMENT
from mailcore.observe.estimates import Estimates
from mailcore.observe.format_drift import FormatDrift, drift_note, sum_drifts, unread_lines
from mailcore.observe.usage_backlog import BUFFER, first_at
from mailcore.observe.usage_sum import local_date
from mailcore.programs.base import ProgramFailed, SessionFiles
from mailcore.programs.prices import Prices
from mailcore.programs.registry import program
from mailcore.programs.session_owner import Owners
from mailcore.programs.transcript_reader import MAX_TRANSCRIPT_LINE, Counted
from mailcore.system import safe_open

MAX_MESSAGES = 50_000
"""Messages of an agent that are remembered, so that those of a session that was copied count once (2.4 MB at most)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one agent used in one task on one day."""

    agent: str
    run: Run | None
    """The task; None: it worked without one."""
    day: str
    """Local, `2026-11-22`."""
    usage: Usage


@dataclass(slots=True)
class Ledger:
    """What was used since a moment."""

    entries: list[Entry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What of the session files was not understood or could not be read, each said once."""


def ledger(
    agents: Sequence[Agent],
    since: float,
    among: Sequence[Agent] = (),
    accounts: Sequence[Account] | None = None,
    prices: Prices | None = None,
) -> Ledger:
    """What `agents` used from `since` (seconds since the epoch) on. `among`: all of the workspace, if they are more.

    `accounts`: those in whose directories their sessions lie; None: the programs' default ones.

    A task is what was used while its run went on. Money is what the session files report; for a run of which they
    report none, what its journal does; else an estimate. Reads line by line, and of a file only what was written since.
    """
    found, drift, prices = Ledger(), FormatDrift(), prices or Prices()
    followed = session_files(agents, since, found.notes, among, accounts)
    for agent in agents:
        runs = _runs(agent, found.notes)
        sums: dict[tuple[str, str], Usage] = defaultdict(Usage)
        starts = [run.created_at for run in runs]
        estimates = Estimates(agent.address, prices)
        read = _all_spent(agent, followed[agent.address], since, found.notes, drift)
        journals = (estimates.reported_by(run) for run in runs if run.since >= since)
        for spent in chain(estimates.priced(read), chain.from_iterable(journals)):
            if spent.at >= since:
                run = _run_at(runs, starts, spent.at)
                sums[run.run_id if run is not None else "", local_date(spent.at)] += spent.usage
        by_id = {run.run_id: run for run in runs}
        found.entries += [Entry(agent.address, by_id.get(run_id), day, sums[run_id, day]) for run_id, day in sums]
    found.notes += map(drift_note, sum_drifts([drift]))
    return found


def session_files(
    agents: Sequence[Agent],
    since: float,
    notes: list[str],
    among: Sequence[Agent] = (),
    accounts: Sequence[Account] | None = None,
) -> dict[str, list[tuple[Path, SessionFiles]]]:
    """By address: the session files of every account that were written since and belong to that agent.

    `among` and `accounts`: as of `ledger`. `notes` gets what went wrong, in words.
    """
    found: dict[str, list[tuple[Path, SessionFiles]]] = {agent.address: [] for agent in agents}
    owners = Owners(among or agents)
    # A program says its directory as it was given: through a symlink, or as it really is.
    own = (place for agent in agents for place in (agent.branch, Path(os.path.realpath(agent.branch))))
    branches = list(dict.fromkeys((*own, *owners.worktrees)))
    for account in default_accounts() if accounts is None else accounts:
        notes += filter(None, [why_unusable(account)])
        try:
            sessions = program(account.program).sessions_at(account.home)
            if sessions is None:
                continue
            for path, cwd in sessions.history(branches, since):
                if (address := owners.address(cwd)) in found:
                    found[address].append((path, sessions))
        except ProgramFailed as error:
            notes.append(str(error))
    return found


def _all_spent(
    agent: Agent, paths: Sequence[tuple[Path, SessionFiles]], since: float, notes: list[str], drift: FormatDrift
) -> Iterator[Spent]:
    counted = Counted(MAX_MESSAGES)
    for path, sessions in paths:
        try:
            yield from _spent(agent.address, path, sessions, since, counted, drift)
        except Exception as error:  # of the disk, or of a reader that may be anybody's plug-in
            why = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
            notes.append(f"{path}: {why}; what {agent.address} used there is not in the sum")


def _spent(
    address: str, path: Path, sessions: SessionFiles, since: float, counted: Counted, drift: FormatDrift
) -> Iterator[Spent]:
    descriptor, stat = safe_open.descriptor(path)
    with os.fdopen(descriptor, "rb", BUFFER) as file:
        offset = 0 if sessions.whole else first_at(file, since, stat.st_size, sessions.time_of)
        reader = sessions.reader(address, path, offset, counted)
        file.seek(offset)
        lines = 0
        while line := file.read(MAX_DOCUMENT) if sessions.whole else file.readline(MAX_TRANSCRIPT_LINE):
            for spent in reader.spent(line, stat.st_mtime):
                if spent.at >= since:
                    yield spent
            lines += 1
            if reader.drift:
                drift.odd(reader)
    drift.read(reader, lines, unread_lines(reader))


def _runs(agent: Agent, notes: list[str]) -> list[Run]:
    """Its runs, the oldest first."""
    found = []
    for path in agent.runs_dir.glob(f"*/{RUN_JOURNAL}"):
        try:
            run = from_records(journal.read_records(path))
        except OSError as error:
            notes.append(f"{path}: {error.strerror}; what {agent.address} used in that run is not told as its task")
            continue
        if run is not None:
            found.append(run)
    return sorted(found, key=lambda run: run.created_at)


def _run_at(runs: Sequence[Run], starts: Sequence[float], at: float) -> Run | None:
    """The run that went on at that moment."""
    # A second either way, like the live sums: a program's clock and the journal's are read at different places.
    n = bisect_right(starts, at + 1)
    run = runs[n - 1] if n else None
    return None if run is None or (run.phase.ended and at > run.since + 1) else run
