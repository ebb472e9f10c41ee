"""`doctor`'s look at session files: whose there are today, and whether their formats are understood."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from mailcore.accounts.account import why_unusable
from mailcore.cli.doctor_checks import Check
from mailcore.model.account import Account
from mailcore.model.agent import Agent
from mailcore.observe.format_drift import FormatDrift, drift_note, sum_drifts, unread_lines
from mailcore.observe.usage_ledger import session_files
from mailcore.observe.usage_sum import local_midnight
from mailcore.programs.base import SessionFiles
from mailcore.programs.transcript_reader import MAX_TRANSCRIPT_LINE, Counted
from mailcore.system.safe_open import descriptor
from mailcore.text import counted, line

SAMPLE = 65536
"""Bytes of the end of a session file that are looked at."""
NEWEST = 3
"""Session files of each agent of which they are looked at."""


def session_checks(agents: list[Agent], accounts: Sequence[Account]) -> Iterator[Check]:
    """What belongs to each agent of today, and what of the formats is not understood; and of the accounts that config
    names, where they lie."""
    now, notes, drift = time.time(), list[str](), FormatDrift()
    yield from (_account(account) for account in accounts if account.name)
    usable = [account for account in accounts if not why_unusable(account)]
    found = session_files(agents, local_midnight(now), notes, accounts=usable)
    for agent in agents:
        paths = found[agent.address]
        if not paths:
            continue
        homes = Counter(str(files.root) for _, files in paths)
        where = ", ".join(f"{number} in {root}" for root, number in homes.items())
        yield Check(agent.address, True, f"{counted(len(paths), 'session file')} of today: {where}")
        for path, files in paths[-NEWEST:]:
            try:
                _sample(agent, path, files, drift, now)
            except Exception as error:  # of the disk, or of a reader that may be anybody's plug-in
                notes.append(f"{path}: {type(error).__name__}: {error}")
    for finding in (*notes, *map(drift_note, sum_drifts([drift]))):
        yield Check(
            "sessions", False, line(finding, 300), "what they tell beyond that is shown; see for a newer release"
        )


def _account(account: Account) -> Check:
    name, where = f"account {account.name}", f"{account.program} {account.home}"
    if why := why_unusable(account):
        finding, _, fix = why.partition("; ")
        return Check(name, False, f"{account.program} {finding}", fix)
    missing = "" if account.home.is_dir() else ", which is not there yet: log in there once"
    return Check(name, True, f"{where}{missing}")


def _sample(agent: Agent, path: Path, files: SessionFiles, drift: FormatDrift, now: float) -> None:
    if files.whole:
        return
    opened, stat = descriptor(path)
    with os.fdopen(opened, "rb") as file:
        begin = max(0, stat.st_size - SAMPLE)
        if begin:
            file.seek(begin - 1)
            file.readline(MAX_TRANSCRIPT_LINE)
            begin = file.tell()
        reader = files.reader(agent.address, path, begin, Counted(500))
        before, lines = unread_lines(reader), 0
        while text := file.readline(MAX_TRANSCRIPT_LINE):
            if not text.endswith(b"\n"):
                break
            reader.read(text, now)
            lines += 1
            if reader.drift:
                drift.odd(reader)
        drift.read(reader, lines, before)
