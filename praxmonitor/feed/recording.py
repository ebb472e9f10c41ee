"""A recording: what the feed saw, as JSON lines, written while it happens. `recording_reader` reads it back.

The first line is the header; every other one a reading: `{"at": …, "facts": [["seen", {…}], …]}`. The facts are those
of `mailcore.observe.facts`, so `fold.apply(fleet, facts, at)` over them gives the fleets that were seen.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

from msgspec import structs

from mailcore.config import Alarms, Mail
from mailcore.exceptions import MailcoreError, UsageError
from mailcore.model.error_group import ErrorGroup
from mailcore.model.message import Mailbox, Message
from mailcore.model.permission import SUBJECT_KEYS, PermissionRequest
from mailcore.model.run import Run
from mailcore.observe.activities import neutral
from mailcore.observe.fact_codec import TAGS, encoded_line, tagged
from mailcore.observe.facts import AgentTold, ErrorsRead, Fact, MailboxRead, PermissionsRead, RunRead
from mailcore.system.writing import create
from mailcore.text.units import size

FORMAT = 2
"""Raised only when an older reader would misunderstand: it leaves out and tells new kinds of fact, and skips new keys.

1, written by 0.1.0, had other tags.
"""
LONGEST_LINE = 16_000_000
"""Bytes of a line: a reader holds one in memory, some ten times as much when it is parsed. A longer reading becomes one
line for each of its facts, and a fact that is longer still is written without what mails say."""
VERSION = version("praxmonitor")


class RecordingError(MailcoreError):
    """A recording cannot be read or written; the text names file, line and cause."""


@dataclass(frozen=True, slots=True)
class RecordingHeader:
    """The first line: what was recorded, by which version, when."""

    root: Path
    """The workspace's directory, where it was recorded."""
    at: float
    """When it began, seconds since the epoch."""
    alarms: Alarms = field(default_factory=Alarms)
    mail: Mail = field(default_factory=Mail)
    """What was too long there: states and alarms hang on both. Never with a command to run."""
    bodies: bool = False
    """Whether the bodies of mails are in it."""
    praxmonitor: str = VERSION
    """The version that recorded it."""
    format: int = FORMAT
    """Which tags it has. What a Writer writes is always of the newest."""


class RecordingWriter:
    """Writes one recording. `write` from one thread at a time; every reading is in the file when it returns."""

    def __init__(self, path: Path, header: RecordingHeader) -> None:
        """A name that ends in `.gz` is compressed. RecordingError if the file is there already or cannot be made."""
        self.path = path
        self.readings = 0
        self.facts = 0
        self._bodies = header.bodies
        self._torn = False
        """The file ends within a line: the disk did not take the rest."""
        try:
            # It tells of the work of others: for its owner's eyes.
            self._raw = create(path, 0o600)
        except FileExistsError as error:
            raise UsageError(f"{path}: is there already; name a file that is not") from error
        except OSError as error:
            raise self._error(error) from error
        self._out = gzip.GzipFile(fileobj=self._raw, mode="wb") if path.suffix == ".gz" else self._raw
        self._line(replace(harmless(header), format=FORMAT))

    def write(self, at: float, facts: Iterable[Fact]) -> None:
        """One reading, made at `at` (seconds since the epoch). RecordingError if the disk does not take it."""
        recorded = tuple(facts) if self._bodies else tuple(map(without_bodies, facts))
        line = _reading(at, recorded)
        if len(line) < LONGEST_LINE:
            self._write(line)
        else:
            for fact in recorded:
                self._write(self._bounded(at, fact))
        self.readings += 1
        self.facts += len(recorded)

    def close(self, at: float) -> None:
        """The recording ends at `at`: how long nothing happened at its end is a part of it.

        RecordingError if the disk does not take that; not again where it did not take a reading before.
        """
        reported = self._torn
        try:
            with self._raw, self._out:
                if not reported:
                    self._line({"at": at, "facts": ()})
        except OSError as error:
            if not reported:
                raise self._error(error) from error

    def _bounded(self, at: float, fact: Fact) -> bytes:
        line = _reading(at, [fact])
        if len(line) >= LONGEST_LINE:
            line = _reading(at, [without_bodies(fact)])
        if len(line) >= LONGEST_LINE:
            raise RecordingError(f"{self.path}: {TAGS[type(fact)]}: too much for one line, {size(len(line))}")
        return line

    def _line(self, value: object) -> None:
        self._write(encoded_line(value))

    def _write(self, line: bytes) -> None:
        try:
            self._out.write(line + b"\n")
            self._out.flush()
            self._raw.flush()
        except OSError as error:
            self._torn = True
            raise self._error(error) from error

    def _error(self, error: OSError) -> RecordingError:
        return RecordingError(f"{self.path}: cannot be written: {error.strerror}")


def _reading(at: float, facts: Iterable[Fact]) -> bytes:
    return encoded_line({"at": at, "facts": tagged(facts)})


def harmless(header: RecordingHeader) -> RecordingHeader:
    """The header without the commands that it names: a recording may come from anybody."""
    return replace(header, alarms=replace(header.alarms, on_alarm=(), on_heartbeat=()))


def without_bodies(fact: Fact) -> Fact:
    """The fact without what mails say, and without what a tool would write: the length of a text stands in its place.
    Subjects stay."""
    match fact:
        case MailboxRead(mailbox=mailbox):
            return replace(fact, mailbox=_unsaid_mailbox(mailbox))
        case RunRead(run=run) if run is not None:
            return replace(fact, run=_unanswered(run))
        case AgentTold():
            return _told_without_bodies(fact)
        case PermissionsRead(requests=requests):
            return replace(fact, requests=tuple(map(_unwritten, requests)))
        case ErrorsRead(errors=errors):
            return replace(fact, errors=structs.replace(errors, groups=tuple(map(_unread, errors.groups))))
    return fact


def _told_without_bodies(fact: AgentTold) -> AgentTold:
    if isinstance(fact.mailbox, Mailbox):
        fact = structs.replace(fact, mailbox=_unsaid_mailbox(fact.mailbox))
    if isinstance(fact.run, Run):
        fact = structs.replace(fact, run=_unanswered(fact.run))
    if isinstance(fact.requests, tuple):
        fact = structs.replace(fact, requests=tuple(map(_unsaid, fact.requests)))
    return fact


def _unanswered(run: Run) -> Run:
    """A run without its answer, which is mailed to its sender."""
    return replace(run, result=_length(run.result), answer=_length(run.answer))


def _unsaid_mailbox(mailbox: Mailbox) -> Mailbox:
    return replace(mailbox, messages=tuple(map(_unsaid, mailbox.messages)))


def _unsaid(message: Message) -> Message:
    ack = message.ack
    if ack is not None:
        ack = replace(ack, result=_length(ack.result))
    return replace(message, body=_length(message.body), ack=ack, raw={})  # `raw` holds the body once more


def _unwritten(request: PermissionRequest) -> PermissionRequest:
    """A request with the words of what it is about alone."""
    about = {
        key: neutral(value) if key in SUBJECT_KEYS else _length(value)
        for key, value in request.tool_input.items()
        if isinstance(value, str)
    }
    return structs.replace(request, tool_input=about, suggestions=())


def _unread(group: ErrorGroup) -> ErrorGroup:
    """A group without the lines of its sample, and without what its mail was answered."""
    sample = structs.replace(group.sample, sample=()) if group.sample is not None else None
    return structs.replace(group, sample=sample, resolution=_length(group.resolution))


def _length(text: str) -> str:
    return f"[{len(text)} characters, not recorded]" if text else ""
