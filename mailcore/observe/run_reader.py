"""The runs of one agent, as their journals report: the one that its lock names, and the newest. Writes nothing."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from mailcore.formats import journal
from mailcore.model.agent import RUN_JOURNAL
from mailcore.model.lock import Lock
from mailcore.model.run import RUN_ID, Phase, Run, from_records
from mailcore.observe.file_stamps import FileStamps


class RunReader:
    """What was last read of an agent's journals."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.stirred = True
        """Its directories came, went or changed since this was last set to False."""
        self._stamps = FileStamps()
        self._held = ""
        """Id of the run that the lock names; empty: none."""
        self._newest = ""
        self._runs: dict[str, Run | None] = {}
        self._wanted = ("", "")
        self._open: list[str] = []
        """Of `_runs` the ones that go on."""

    def directories(self) -> list[Path]:
        """The directories to watch, flat, whether they are there or not."""
        return [self.directory, *(self.directory / run_id for run_id in self._open)]

    def read(self, lock: Lock | None) -> None:
        """Read the journals that moved. `lock` as it was read just before."""
        self._held = lock.run_id if lock is not None else ""
        if self._stamps.moved(self.directory):
            self._newest = _newest(self.directory)
            self.stirred = True
        self._read_open()  # once more where the lock is gone: how its end was reported was written in between
        wanted = (self._held, self._newest)
        if wanted != self._wanted:
            self._wanted = wanted
            self._follow([run_id for run_id in wanted if run_id and Path(run_id).name == run_id])
            self._read_open()
        if any(self._over(run_id) for run_id in self._open):
            self._follow(list(self._runs))

    def current(self, lock: Lock | None, earlier: Run | None, foreign: Run | None) -> Run | None:
        """The run that the lock names, else the newest, be it ours or another program's.

        `earlier` is what was current before, `foreign` the newest in AIPass's register.
        """
        if self._held and (current := self._runs.get(self._held)) is not None:
            return current
        own = self._runs.get(self._newest)
        if own is None and self._newest and earlier is not None and not earlier.foreign:
            own = earlier  # the newest has its directory and no journal yet
        if foreign is None or (foreign.phase is Phase.RUNNING and lock is None):
            return own  # an outstanding row without a lock: AIPass leaves these behind for ever (contract 0.10)
        if own is not None and (own.run_id == foreign.run_id or own.created_at >= foreign.created_at):
            return own
        return foreign

    def _read_open(self) -> None:
        for run_id in self._open:
            path = self.directory / run_id / RUN_JOURNAL
            if self._stamps.moved(path):
                with contextlib.suppress(OSError):
                    self._runs[run_id] = from_records(journal.read_records(path))

    def _over(self, run_id: str) -> bool:
        """True if its journal says nothing more: it ended, and its supervisor has let go of the lock."""
        run = self._runs[run_id]
        return run is not None and run.phase.ended and run_id != self._held

    def _follow(self, run_ids: list[str]) -> None:
        for run_id in self._runs.keys() - set(run_ids):
            self._stamps.forget(self.directory / run_id / RUN_JOURNAL)
        self._runs = {run_id: self._runs.get(run_id) for run_id in run_ids}
        self._open = [run_id for run_id in self._runs if not self._over(run_id)]
        self.stirred = True


def _newest(runs: Path) -> str:
    """The id of the newest run directory; empty if there is none. Ids begin with the second they were made in.

    Of thousands of names only those of the last second are looked at more closely.
    """
    last = ""
    newest: list[os.DirEntry[str]] = []
    try:
        with os.scandir(runs) as entries:
            for entry in entries:
                second = entry.name[:15]
                if second >= last and RUN_ID.fullmatch(entry.name) and entry.is_dir():
                    newest = [*newest, entry] if second == last else [entry]
                    last = second
            return max(((one.stat().st_mtime_ns, one.name) for one in newest), default=(0, ""))[1]
    except OSError:
        return ""
