"""`.praxmonitor/errors.json`: the groups of errors of a workspace, and how far each log was read for them.

Both are in one file that is replaced whole under a flock, so what was read and what was counted never differ: whoever
is killed in between has read nothing. A file that is no such document is set aside, and said; unknown keys are kept.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace as changed

from mailcore.errors.groups import is_open
from mailcore.exceptions import MailcoreError, caveat, tolerated
from mailcore.formats import json_codec
from mailcore.model.agent import OPERATOR
from mailcore.model.error_group import ErrorGroup, GroupState
from mailcore.system import safe_open, self_ignore, writing
from mailcore.system.locks import locked
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

ERRORS_FILE, ERRORS_LOCK = "errors.json", ".errors.lock"
MAX_ERRORS_FILE = 64 << 20
"""Bytes of a file that is read."""
MAX_GROUPS, MAX_PLACES, MAX_ASKED = 500, 5000, 200
"""Groups, places in logs and times of asking that are kept, the newest."""
_VERSION = 1


class LogPlace(msgspec.Struct, frozen=True):
    """How far a log was read."""

    offset: int
    device: int = 0
    inode: int = 0
    mark: str = ""
    """The bytes right before that place, in hexadecimal: by them a log that was cut and written anew is known."""
    at: float = 0.0
    """When it was read, in seconds since the epoch."""
    history_end: int = 0
    """Bytes that stood in it when the watching began: what is read before that is history."""


class Inquiry(msgspec.Struct, frozen=True):
    """A mail of the watcher that is to be sent: its words, fixed before anything of it is done."""

    key: str
    """What it is about: a fingerprint, or `breaker`."""
    number: int
    """The how manieth of that key."""
    to: str
    subject: str
    body: str
    at: float = 0.0
    dispatch: bool = False
    """It starts its recipient."""
    thread: dict[str, str] = {}
    """The keys that put it into an earlier thread."""

    @property
    def name(self) -> str:
        """Its own, by which it is known however often its sending is begun."""
        return f"{self.key}-{self.number}"


class ErrorBook(msgspec.Struct, frozen=True):
    """All that is kept of the errors of a workspace."""

    groups: Mapping[str, ErrorGroup] = {}
    """By fingerprint."""
    places: Mapping[str, LogPlace] = {}
    """By path."""
    warnings: Mapping[str, int] = {}
    """How many warnings each agent's logs told."""
    causes: Mapping[str, float] = {}
    """When each cause that is nobody's error was told last: a limit, an outage, a disk that is full."""
    inquiries: Mapping[str, Inquiry] = {}
    """What is being sent, by name."""
    asked_at: tuple[float, ...] = ()
    """When agents were asked of late."""
    breaker_at: float = 0.0
    """Since when too many were asked; 0.0: they were not."""
    begun_at: float = 0.0
    """When the logs were looked at first; 0.0: never."""
    reason: str = ""
    """Why the file could not be read; empty if it could, or there is none."""

    def with_group(self, group: ErrorGroup) -> ErrorBook:
        """The same with this value of a group."""
        return (
            self
            if self.groups.get(group.fingerprint) is group
            else changed(self, groups={**self.groups, group.fingerprint: group})
        )

    def without_group(self, group: ErrorGroup) -> ErrorBook:
        """The same without it."""
        return changed(self, groups={name: one for name, one in self.groups.items() if name != group.fingerprint})


class ErrorsAtHand:
    """The book while its lock is held; what it is set to is written at the end."""

    def __init__(self, book: ErrorBook) -> None:
        self.book = book


def errors_file(workspace: Workspace) -> Path:
    """Where the groups are kept; it may not be there."""
    return workspace.state_dir / ERRORS_FILE


def read_groups(workspace: Workspace) -> tuple[ErrorGroup, ...]:
    """All groups, those that happened last first; none where nobody looked yet, or the file cannot be read."""
    return tuple(sorted(read_errors(workspace).groups.values(), key=lambda group: (-group.last_at, group.fingerprint)))


def read_errors(workspace: Workspace) -> ErrorBook:
    """All that is kept; its `reason` says why it could not be read. Never raises, takes no lock, writes nothing."""
    try:
        return _decoded(_parsed(_bytes(errors_file(workspace))))
    except FileNotFoundError:
        return ErrorBook()
    except OSError as error:
        return ErrorBook(reason=f"{errors_file(workspace)}: {error.strerror or error}")
    except ValueError as error:
        return ErrorBook(reason=f"{errors_file(workspace)}: {error}")


@contextmanager
def changing_errors(workspace: Workspace) -> Iterator[ErrorsAtHand]:
    """Change what is kept, under its lock: set `book` of what is given. On disk at the end, all of it or nothing.

    MailcoreError, naming the file, where the disk does not allow it, or another holds the lock for too long.
    """
    path = errors_file(workspace)
    try:
        self_ignore.make_ignored(workspace.state_dir)
        with locked(workspace.state_dir / ERRORS_LOCK, own=True):
            raw: dict[str, Any] = {}
            at_hand, before = ErrorsAtHand(ErrorBook()), None
            with suppress(FileNotFoundError):
                data = _bytes(path)
                try:
                    raw = _parsed(data)
                    at_hand.book = before = _decoded(raw)
                except ValueError as error:
                    raw = {}
                    _set_aside(workspace, path, data, str(error))
            yield at_hand
            if at_hand.book is not before:
                writing.replace(path, json_codec.dumps_line(_encoded(_trimmed(at_hand.book), raw)))
    except OSError as error:
        raise MailcoreError(f"{error.filename or path}: {error.strerror or error}; errors are not kept") from error


def _set_aside(workspace: Workspace, path: Path, data: bytes, cause: str) -> None:
    """Keep what is no document of errors beside it, and say so."""
    aside = path.with_name(f"{path.name}.corrupt-{time.time_ns()}")
    writing.link_new(aside, data)
    caveat(f"{path.name} was no document of errors ({cause}): it is kept as {aside.name}, and begun anew")
    with tolerated():
        audit.record(workspace, OPERATOR, "errors", set_aside=str(aside), cause=cause[:300])


def _bytes(path: Path) -> bytes:
    return safe_open.read_bytes(path, links=False, most=MAX_ERRORS_FILE)


def _parsed(data: bytes) -> dict[str, Any]:
    """ValueError of what is no object."""
    try:
        raw = json_codec.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(raw, dict):
        raise ValueError("no object")
    return raw


def _decoded(raw: Mapping[str, Any]) -> ErrorBook:
    """ValueError where a part is none of ours."""
    try:
        return msgspec.convert({**raw, "reason": ""}, ErrorBook)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def _encoded(book: ErrorBook, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The document, with the keys of the former one that are not ours, of the groups too."""
    document = msgspec.to_builtins(book)
    del document["reason"]
    former = raw.get("groups")
    for fingerprint, group in document["groups"].items():
        known = former.get(fingerprint) if isinstance(former, dict) else None
        document["groups"][fingerprint] = {**(known if isinstance(known, dict) else {}), **group}
    return {**raw, "version": _VERSION, **document}


def _trimmed(book: ErrorBook) -> ErrorBook:
    """The book, bounded: what is open, or was asked about, is kept before what is over; of each the newest."""
    groups, places = book.groups, book.places
    if len(groups) > MAX_GROUPS:
        kept = sorted(groups.values(), key=_worth, reverse=True)[:MAX_GROUPS]
        groups = {group.fingerprint: group for group in kept}
    if len(places) > MAX_PLACES:
        places = dict(sorted(places.items(), key=lambda row: row[1].at)[-MAX_PLACES:])
    if groups is book.groups and places is book.places and len(book.asked_at) <= MAX_ASKED:
        return book
    return changed(book, groups=groups, places=places, asked_at=book.asked_at[-MAX_ASKED:])


def _worth(group: ErrorGroup) -> tuple[bool, bool, bool, float]:
    return group.state is GroupState.INVESTIGATING, bool(group.message_id), is_open(group), group.last_at
