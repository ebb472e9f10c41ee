"""What the programs say of their sessions, read again when that changes: whether one waits for its person."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

from mailcore.model.account import Account
from mailcore.observe.activities import neutral
from mailcore.observe.facts import Stated
from mailcore.observe.file_stamps import FileStamps
from mailcore.programs.base import Interactive, ProgramFailed, SessionStatus, StatusFiles
from mailcore.programs.registry import program
from mailcore.programs.transcript_reader import Recent
from mailcore.system.processes import command_line

MAX_STATUS_FILES = 512
"""Files of one account that are looked at: one for each process of its program on this machine."""


class SessionOwners(Protocol):
    """Whose a session is."""

    def owner_of(self, cwd: str, program: str = "", session: str = "") -> str:
        """Its agent's address, its own where it is no agent's and lies in the project; empty for nobody's."""

    def inside(self, cwd: str) -> bool:
        """Whether a directory lies in the project."""

    def admit(self, session: str, cwd: str, added: str) -> None:
        """One that was begun elsewhere was given a directory of the project."""


class ToldStatus(NamedTuple):
    """What a file says, and whose that is."""

    program: str
    status: SessionStatus


class _Directory(NamedTuple):
    program: str
    files: StatusFiles
    interactive: Interactive | None


class StatusReader:
    """The status files of all accounts."""

    def __init__(self, owners: SessionOwners) -> None:
        self._owners = owners
        self._directories: list[_Directory] = []
        self._stamps = FileStamps()
        self._said: dict[Path, ToldStatus] = {}
        self._ours: dict[Path, ToldStatus] = {}
        """Of those the ones of sessions in the project."""
        self._news = False
        self._beside: dict[Path, Path] = {}
        """A file that says more → the one that it says more than."""
        self._added: Recent[tuple[int, str, str], str] = Recent(2 * MAX_STATUS_FILES)
        """Process, session and directory → the directory of the project that it was given besides; empty: none yet."""

    def look_in(self, accounts: Iterable[Account]) -> None:
        """These are the accounts whose directories are looked in."""
        self._directories = []
        for account in accounts:
            with suppress(ProgramFailed):  # its session files report it
                kind = program(account.program)
                files = kind.statuses_at(account.home)
                self._directories += [_Directory(kind.name, files, kind.interactive)] if files is not None else []

    @property
    def said(self) -> list[ToldStatus]:
        """What those say that are of sessions in the project."""
        return list(self._ours.values())

    def news(self) -> bool:
        """Whether one of those said something else, came or went since this was asked last."""
        news, self._news = self._news, False
        return news

    def directories(self) -> list[Path]:
        """The directories to watch, flat; the one above one that is not there yet: the first session makes it."""
        beside = dict.fromkeys(path.parent for path in self._beside)
        roots = (one.files.root for one in self._directories)
        return [one for root in (*roots, *beside) if (one := root if root.is_dir() else root.parent).is_dir()]

    def changed(self, paths: Iterable[Path]) -> list[Stated]:
        """What those of the paths that are status files say."""
        roots = {one.files.root: one for one in self._directories}
        facts: list[Stated] = []
        for path in dict.fromkeys(self._beside.get(path, path) for path in paths):
            if (came := roots.get(path)) is not None:
                facts += self._sweep(came)
            if (directory := roots.get(path.parent)) is not None:
                facts += self._read(path, directory)
        return facts

    def sweep(self) -> list[Stated]:
        """What those files say that were written since the last look."""
        facts: list[Stated] = []
        for directory in self._directories:
            facts += self._sweep(directory)
        return facts

    def _sweep(self, directory: _Directory) -> list[Stated]:
        facts: list[Stated] = []
        root = directory.files.root
        with suppress(OSError):
            paths = set(islice((path for path in root.iterdir() if path.suffix == ".json"), MAX_STATUS_FILES))
            moved = {self._beside[beside] for beside in self._beside if self._stamps.moved(beside)}
            for path in paths:
                if self._stamps.moved(path) or path in moved:
                    facts += self._read(path, directory)
            for missing in [path for path in self._said if path.parent == root and path not in paths]:
                self._forget(missing)
        return facts

    def status_of(self, pid: int) -> SessionStatus | None:
        """What the program says of the session that goes on in a process; None where it says of none."""
        return next((told.status for told in self._ours.values() if told.status.pid == pid), None)

    def _read(self, path: Path, directory: _Directory) -> list[Stated]:
        try:
            status = directory.files.read(path)
        except ProgramFailed:  # its session files report it
            return []
        if status is None:
            self._forget(path)
            return []
        status = self._placed(status, directory)
        told = ToldStatus(directory.program, status)
        if told == self._said.get(path):
            return []
        self._said[path] = told
        address = self._owners.owner_of(status.cwd, directory.program, status.session)
        self._news |= bool(address) or path in self._ours
        if not address:
            self._ours.pop(path, None)
            return []
        self._ours[path] = told
        if status.beside is not None:
            self._beside[status.beside] = path
        return [Stated(address, status.session, status.waits, status.at, neutral(status.wants))]

    def _placed(self, status: SessionStatus, directory: _Directory) -> SessionStatus:
        """The same, in the directory of the project that a session begun outside of it was given besides its own."""
        if not status.pid or self._owners.inside(status.cwd):
            return status
        key = status.pid, status.session, status.cwd
        if not (known := self._added.get(key)):
            given = _by_command_line(status.pid, directory.interactive) if known is None else []
            with suppress(ProgramFailed):  # its session files report it
                given = [*given, *directory.files.given(status)]
            places = (_seen_from(one, status) for one in given)
            known = next((str(place) for place in places if self._owners.inside(place)), "")
            self._added.put(key, known)
            if known:
                self._owners.admit(status.session, status.cwd, known)
        return replace(status, cwd=known) if known else status

    def _forget(self, path: Path) -> None:
        self._said.pop(path, None)
        told = self._ours.pop(path, None)
        self._news |= told is not None
        if told is not None and told.status.beside is not None:
            self._beside.pop(told.status.beside, None)
        self._stamps.forget(path)


def _seen_from(added: str, status: SessionStatus) -> str:
    return str(Path(status.cwd, added))


def _by_command_line(pid: int, kind: Interactive | None) -> list[str]:
    """The directories that a process was given when it was begun."""
    if kind is None or kind.added is None:
        return []
    return kind.added([word.decode("utf-8", "replace") for word in command_line(pid) or ()])
