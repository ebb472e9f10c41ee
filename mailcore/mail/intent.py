"""What an act of several steps is about to do, written before each step: said again after it was cut off, it goes on.

One small file an act, `.ai_mail.local/.acts/<digest of its words>`, locked while the act lives and removed once its
caller was told. Left behind, it names the mails that may have arrived: the same words said again within `WINDOW` find
them, and double nothing. The same words said after they were answered for are a new act.
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

from mailcore import codec, journal
from mailcore.errors import MailcoreError
from mailcore.model.agent import Agent
from mailcore.system import files
from mailcore.system.locks import try_lock

WINDOW = 600.0
"""Seconds after which the same words are a new act, whatever became of the former."""


class Act:
    """One act under way. Made by `act`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor
        found = os.fstat(descriptor)
        if abs(time.time() - found.st_mtime) > WINDOW:
            os.ftruncate(descriptor, 0)
        lines = journal.parse(os.pread(descriptor, found.st_size, 0).splitlines()) if found.st_size else []
        self._steps = {str(line.get("step")): line for line in lines}
        self.again = bool(self._steps)
        """An earlier call of the same words was cut off in this act."""
        self._begun = self.again
        self.unfinished = False
        """The caller was told that a step failed: said again, the act goes on."""

    def recall(self, step: str) -> dict[str, Any] | None:
        """What an earlier call noted of a step; None if it did not come to it."""
        return self._steps.get(step)

    def remember(self, step: str, facts: dict[str, Any]) -> None:
        """Note a step before it is done. MailcoreError, naming the file, where the disk does not allow it."""
        self._begun = True
        try:
            os.write(self._descriptor, b"\n" + codec.dumps_line({"step": step, **facts}) + b"\n")
        except OSError as error:
            raise MailcoreError(f"{self._path}: {error.strerror}; it was not begun") from error

    def end(self, *, told: bool) -> None:
        """Forget the act where its caller was told that it is done, or where it came to no step."""
        try:
            if (told and not self.unfinished) or not self._begun:
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


_scope: ContextVar[list[Act] | None] = ContextVar("acts", default=None)


@contextmanager
def scope() -> Iterator[list[Act]]:
    """Until this ends without an error, the acts that began within count as cut off. An inner scope is the outer."""
    acts = _scope.get()
    if acts is not None:
        yield acts
        return
    acts = []
    token = _scope.set(acts)
    told = False
    try:
        yield acts
        told = True
    finally:
        _scope.reset(token)
        for one in acts:
            one.end(told=told)


@contextmanager
def act(agent: Agent, *words: object) -> Iterator[Act]:
    """Begin an act of `agent`, or go on with one of the same words that was cut off. MailcoreError if it cannot be."""
    with scope() as acts:
        one = _begin(agent, words)
        acts.append(one)
        try:
            yield one
        except BaseException:
            one.unfinished = True
            raise


def _begin(agent: Agent, words: tuple[object, ...]) -> Act:
    from hashlib import sha256

    digest = sha256(codec.dumps_line(words)).hexdigest()[:32]
    directory = agent.mail_dir / ".acts"
    try:
        for number in count():  # the same words at the same time are two acts
            path = directory / (f"{digest}.{number}" if number else digest)
            try:
                descriptor = try_lock(path)
            except FileNotFoundError:
                agent.mail_dir.mkdir(parents=agent.is_operator, exist_ok=True)
                files.inside(agent.root, directory)
                directory.mkdir(exist_ok=True)
                descriptor = try_lock(path)
            if descriptor is None:
                continue
            try:
                files.inside(agent.root, directory)
                return Act(path, descriptor)
            except BaseException:
                os.close(descriptor)
                raise
    except OSError as error:
        raise MailcoreError(f"{error.filename or directory}: {error.strerror}; nothing was written") from error
    raise AssertionError


def _sweep(directory: Path) -> None:
    """Remove what was cut off too long ago to be gone on with."""
    with suppress(OSError):
        for path in directory.iterdir():
            if time.time() - path.stat().st_mtime > WINDOW:
                path.unlink()
