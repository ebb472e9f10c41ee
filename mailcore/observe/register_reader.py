"""AIPass's dispatch register, read as it grows: each row once, however often something is appended."""

from __future__ import annotations

from collections.abc import Mapping
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
                known = list(self._runs.values())[-MAX_RUNS:]
                self._runs = runs_by_id(journal.parse_records(lines), known)
            more = self._tail.behind
        return newest_runs(self._runs.values())
