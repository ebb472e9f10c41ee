"""An act of several steps that can be repeated after it was interrupted: each step is recorded before it is done.

An act is one small file, `.ai_mail.local/.acts/<digest of its words>`. It is locked while the act lives, and removed
once its result was reported to the caller. A file that was left behind names the mails that may have arrived: the same
words within `REPEAT_WINDOW` find them, and send nothing twice. The same words after the result was reported are a new
act.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from itertools import count
from pathlib import Path
from typing import Any

from mailcore.exceptions import MailcoreError
from mailcore.formats import journal, json_codec
from mailcore.formats.digest import digest
from mailcore.model.agent import Agent
from mailcore.system import safe_open
from mailcore.system.locks import try_lock
from mailcore.system.writing import make_directory, sync

REPEAT_WINDOW = 600.0
"""Seconds after which the same words are a new act, whatever became of the former."""


MAX_ACT_FILE = 4_000_000
"""Bytes that are read of what is noted of one act."""


class _File:
    """What is noted of one act, in a file that is locked until `end`."""

    def __init__(self, agent: Agent, path: Path, descriptor: int, *, lasts: bool = False) -> None:
        """`lasts`: the file is another's to remove, however old it is, and each step is on disk before it is done."""
        self.agent, self._path, self._descriptor, self._lasts = agent, path, descriptor, lasts
        found = os.fstat(descriptor)
        if not lasts and abs(time.time() - found.st_mtime) > REPEAT_WINDOW:
            os.ftruncate(descriptor, 0)
        size = min(found.st_size, MAX_ACT_FILE)
        lines = journal.parse_records(os.pread(descriptor, size, 0).splitlines()) if size else []
        os.lseek(descriptor, 0, os.SEEK_END)  # a third call must still find what the first noted
        self.steps = {str(line.get("step")): line for line in lines if "step" in line}
        self.unfinished = False
        self._begun = bool(self.steps)

    def remember(self, step: str, facts: dict[str, Any]) -> None:
        self._begun = True
        try:
            os.write(self._descriptor, b"\n" + json_codec.dumps_line({"step": step, **facts}) + b"\n")
            if self._lasts:
                sync(self._descriptor)
        except OSError as error:
            raise MailcoreError(f"{self._path}: {error.strerror}; it was not begun") from error

    def end(self, *, reported: bool) -> None:
        """Forget the act where it was reported to its caller that it is done, or where it came to no step."""
        if self._lasts:
            return
        try:
            if (reported and not self.unfinished) or not self._begun:
                try:
                    self._path.unlink(missing_ok=True)
                except OSError:
                    # Empty it remembers nothing: the same words are a new act.
                    with suppress(OSError):
                        os.ftruncate(self._descriptor, 0)
            else:
                _sweep(self._path.parent)
        finally:
            os.close(self._descriptor)


class Act:
    """One act under way, or a part of one. Made by `begin_act`."""

    def __init__(self, file: _File, part: str = "") -> None:
        self._file, self._part = file, part
        self.again = any(step.startswith(part) for step in file.steps)
        """An earlier call of the same words was interrupted in it."""

    def recall(self, step: str) -> dict[str, Any] | None:
        """What an earlier call noted of a step; None if it did not come to it."""
        return self._file.steps.get(self._part + step)

    def remember(self, step: str, facts: dict[str, Any]) -> None:
        """Note a step before it is done. MailcoreError, naming the file, where the disk does not allow it."""
        self._file.remember(self._part + step, facts)

    def leave_open(self) -> None:
        """The caller is notified that a step failed: repeated, the act goes on."""
        self._file.unfinished = True


def leave_open() -> None:
    """What was to follow on the acts of this scope failed: repeated, they go on."""
    for one in _scope.get() or ():
        one.unfinished = True


_scope: ContextVar[list[_File] | None] = ContextVar("acts", default=None)


@contextmanager
def act_scope() -> Iterator[list[_File]]:
    """Until this ends without an error, the acts that began within count as cut off. An inner scope is the outer."""
    files_of_acts = _scope.get()
    if files_of_acts is not None:
        yield files_of_acts
        return
    files_of_acts = []
    with _acts_in(files_of_acts):
        yield files_of_acts


@contextmanager
def _acts_in(files_of_acts: list[_File]) -> Iterator[None]:
    """Note the acts that begin within in these files and those that are added; an error leaves them cut off."""
    token = _scope.set(files_of_acts)
    reported = False
    try:
        yield
        reported = True
    finally:
        _scope.reset(token)
        for one in reversed(files_of_acts):
            one.end(reported=reported)


@contextmanager
def noted_in(agent: Agent, path: Path, descriptor: int) -> Iterator[None]:
    """Let what `agent` does until this ends be parts of one act that is noted in this open file, which the caller holds
    locked: done again with the same file, whenever that is, none of it is done twice."""
    with _acts_in([_File(agent, path, descriptor, lasts=True)]):
        yield


@contextmanager
def begin_act(agent: Agent, *words: object) -> Iterator[Act]:
    """Begin an act of `agent`, or go on with one of the same words that was interrupted. MailcoreError if it cannot be.

    Within another act of that agent it is a part of it: they are forgotten at one stroke.
    """
    name = digest(json_codec.dumps_line(words))
    with act_scope() as acts:
        file = next((one for one in acts if one.agent == agent), None)
        one = Act(file, f"{name} ") if file is not None else Act(_open(agent, name))
        if file is None:
            acts.append(one._file)
        try:
            yield one
        except BaseException:
            one.leave_open()
            raise


def _open(agent: Agent, name: str) -> _File:
    directory = agent.mail_dir / ".acts"
    try:
        for number in count():  # the same words at the same time are two acts
            path = directory / (f"{name}.{number}" if number else name)
            try:
                descriptor = try_lock(path)
            except FileNotFoundError:
                make_directory(agent.mail_dir, parents=agent.is_reserved)
                safe_open.inside(agent.boundary, directory)
                make_directory(directory)
                descriptor = try_lock(path)
            if descriptor is None:
                continue
            try:
                safe_open.inside(agent.boundary, directory, descriptor)
                return _File(agent, path, descriptor)
            except BaseException:
                os.close(descriptor)
                raise
    except OSError as error:
        raise MailcoreError(f"{error.filename or directory}: {error.strerror}; nothing was written") from error
    raise AssertionError


def _sweep(directory: Path) -> None:
    """Remove what was interrupted too long ago to be gone on with."""
    with suppress(OSError):
        for path in directory.iterdir():
            if time.time() - path.stat().st_mtime > REPEAT_WINDOW:
                path.unlink()
