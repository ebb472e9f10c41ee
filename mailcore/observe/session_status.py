"""What the programs say of their sessions, read again when that changes: whether one waits for its person."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path

from mailcore.model.account import Account
from mailcore.observe.activities import neutral
from mailcore.observe.facts import Stated
from mailcore.observe.file_stamps import FileStamps
from mailcore.programs.base import ProgramFailed, SessionStatus, StatusFiles
from mailcore.programs.registry import program

MAX_STATUS_FILES = 256
"""Files of one account that are looked at: one for each process of its program on this machine."""


class StatusReader:
    """The status files of all accounts."""

    def __init__(self, owner: Callable[[str], str]) -> None:
        """`owner`: the address of the agent whose session was begun in a directory; empty for nobody's."""
        self._owner = owner
        self._files: list[StatusFiles] = []
        self._stamps = FileStamps()
        self._said: dict[Path, SessionStatus] = {}

    def look_in(self, accounts: Iterable[Account]) -> None:
        """These are the accounts whose directories are looked in."""
        self._files = []
        for account in accounts:
            with suppress(ProgramFailed):  # its session files report it
                files = program(account.program).statuses_at(account.home)
                self._files += [files] if files is not None else []

    def directories(self) -> list[Path]:
        """The directories to watch, flat."""
        return [root for root in self._roots() if root.is_dir()]

    def changed(self, paths: Iterable[Path]) -> list[Stated]:
        """What those of the paths that are status files say."""
        roots = dict(zip(self._roots(), self._files, strict=True))
        return [fact for path in paths if (files := roots.get(path.parent)) for fact in self._read(path, files)]

    def sweep(self) -> list[Stated]:
        """What those files say that were written since the last look."""
        facts: list[Stated] = []
        for root, files in zip(self._roots(), self._files, strict=True):
            with suppress(OSError):
                paths = list(islice(root.iterdir(), MAX_STATUS_FILES))
                for path in filter(self._stamps.moved, paths):
                    facts += self._read(path, files)
                for missing in [path for path in self._said if path.parent == root and path not in paths]:
                    del self._said[missing]
                    self._stamps.forget(missing)
        return facts

    def session_of(self, pid: int) -> str:
        """The session that goes on in a process, as its program says; empty where none does."""
        return next((said.session for said in self._said.values() if said.pid == pid), "")

    def _roots(self) -> list[Path]:
        return [files.root for files in self._files]

    def _read(self, path: Path, files: StatusFiles) -> list[Stated]:
        try:
            status = files.read(path)
        except ProgramFailed:  # its session files report it
            return []
        if status is None or status == self._said.get(path):
            return []
        self._said[path] = status
        address = self._owner(status.cwd)
        return [Stated(address, status.session, status.waits, status.at, neutral(status.wants))] if address else []
