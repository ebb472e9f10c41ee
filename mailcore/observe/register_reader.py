"""AIPass's dispatch register, read as it grows: each row once, however often something is appended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from itertools import islice
from pathlib import Path

from mailcore.formats import journal
from mailcore.model.run import Run
from mailcore.observe.aipass_runs import newest_runs, runs_by_id
from mailcore.observe.file_tail import FileTail

REGISTER_FILE = "dispatch_register.jsonl"
REGISTER_TAIL = 1024 * 1024
"""Of the register's end, at the first look: some 3,500 records; AIPass itself keeps 2,000."""

MAX_RUNS = 4_000
"""Runs that are remembered."""
MAX_OF_AGENT = 8
"""Of each agent: it is at one, and a row that closes one comes soon after its end."""


class RegisterReader:
    """The newest run of each agent, as the register in one directory reports them."""

    def __init__(self, directory: Path) -> None:
        """Reads nothing yet. `directory` is the workspace's `.aipass`, which may be missing."""
        self.path = directory / REGISTER_FILE
        self._tail = FileTail(self.path, REGISTER_TAIL)
        self._restarts = 0
        self._runs: dict[str, Run] = {}
        """By id, oldest first: a row may say again what an older run is."""

    def read(self) -> Mapping[str, Run]:
        """By address, after the rows that came since the last call. A register that was cut or replaced, as AIPass
        does when it is long, is read again; one that is gone reports no run."""
        more = True
        while more:
            lines = self._tail.read()
            if self._restarts != self._tail.restarts or not self._tail.modified:
                self._restarts = self._tail.restarts
                self._runs = {}
            if lines:
                self._runs = runs_by_id(journal.parse_records(lines), _newest_few(self._runs.values()))
            more = self._tail.behind
        return newest_runs(self._runs.values())


def _newest_few(runs: Collection[Run]) -> list[Run]:
    """Of each agent the newest few, in the same order: the oldest first."""
    of_agent: Counter[str] = Counter()
    found: list[Run] = []
    for run in islice(reversed(list(runs)), MAX_RUNS):
        of_agent[run.target] += 1
        if of_agent[run.target] <= MAX_OF_AGENT:
            found.append(run)
    return found[::-1]
