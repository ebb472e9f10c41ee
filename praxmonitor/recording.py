"""A recording: what the feed saw, as JSON lines; written while it happens, read back as the same facts.

The first line is the header; every other one a reading: `{"at": …, "facts": [["Seen", {…}], …]}`. The facts are those
of `mailcore.observe.facts`, so `fold.apply(fleet, facts, at)` over them gives the fleets that were seen.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import structs

from mailcore.config import Alarms, Mail
from mailcore.errors import MailcoreError, UsageError
from mailcore.model.activity import Kind
from mailcore.model.message import Message
from mailcore.observe.facts import Fact, MailboxRead, RunRead
from mailcore.system.writing import create

T = TypeVar("T")

FORMAT = 1
"""Raised only when an older reader would misunderstand: fact kinds and keys that are new are skipped by it."""
KINDS: dict[str, type] = {kind.__name__: kind for kind in get_args(Fact)}
"""A fact's name in a recording → its type."""


class RecordingError(MailcoreError):
    """A recording cannot be read or written; the text names file, line and cause."""


@dataclass(frozen=True, slots=True)
class Header:
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
    praxmonitor: str = version("praxmonitor")
    """The version that recorded it."""
    format: int = FORMAT


class Writer:
    """Writes one recording. `write` from one thread at a time; every reading is in the file when it returns."""

    def __init__(self, path: Path, header: Header) -> None:
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
        self._line(harmless(header))

    def write(self, at: float, facts: Iterable[Fact]) -> None:
        """One reading, made at `at` (seconds since the epoch). RecordingError if the disk does not take it."""
        kept = tuple(facts) if self._bodies else tuple(map(without_bodies, facts))
        self._line({"at": at, "facts": [(type(fact).__name__, fact) for fact in kept]})
        self.readings += 1
        self.facts += len(kept)

    def close(self, at: float) -> None:
        """The recording ends at `at`: how long nothing happened at its end is a part of it.

        RecordingError if the disk does not take that. Where a reading was not taken, that was said: it ends quietly.
        """
        said = self._torn
        try:
            with self._raw, self._out:
                if not said:
                    self._line({"at": at, "facts": ()})
        except OSError as error:
            if not said:
                raise self._error(error) from error

    def _line(self, value: object) -> None:
        try:
            self._out.write(_encoded(value) + b"\n")
            self._out.flush()
            self._raw.flush()
        except OSError as error:
            self._torn = True
            raise self._error(error) from error

    def _error(self, error: OSError) -> RecordingError:
        return RecordingError(f"{self.path}: cannot be written: {error.strerror}")


def _encoded(value: object) -> bytes:
    try:
        return msgspec.json.encode(value, enc_hook=_plain)
    except UnicodeEncodeError:  # a lone surrogate, which another program's JSON may hold
        return msgspec.json.encode(_mended(msgspec.to_builtins(value, enc_hook=_plain)))


def _plain(value: object) -> str:
    if isinstance(value, Path | float):  # mailcore reads NaN and the infinities as a float of its own
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} in a recording")


def _mended(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_mended(key): _mended(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_mended(inner) for inner in value]
    return value


def harmless(header: Header) -> Header:
    """The header without the command that `on_alarm` names: a recording may come from anybody."""
    return replace(header, alarms=structs.replace(header.alarms, on_alarm=()))


def without_bodies(fact: Fact) -> Fact:
    """The fact without what mails say: the length of a body stands in its place. Subjects stay."""
    match fact:
        case MailboxRead(mailbox=mailbox):
            return replace(fact, mailbox=replace(mailbox, messages=tuple(map(_unsaid, mailbox.messages))))
        case RunRead(run=run) if run is not None:
            return replace(fact, run=replace(run, result=_length(run.result)))  # it is mailed to the sender
    return fact


def _unsaid(message: Message) -> Message:
    ack = message.ack
    if ack is not None:
        ack = replace(ack, result=_length(ack.result))
    return replace(message, body=_length(message.body), ack=ack, raw={})  # `raw` holds the body once more


def _length(text: str) -> str:
    return f"[{len(text)} characters, not recorded]" if text else ""


def opening(path: Path) -> Header:
    """The header of a recording. RecordingError if `path` is none, or one that only a newer version can read."""
    with closing(_lines(path)) as lines:
        return _header(path, lines)


def read(path: Path) -> Generator[tuple[float, tuple[Fact, ...]], None, None]:
    """The readings of a recording, in order: when (seconds since the epoch), and the facts for `fold.apply`.

    A last line that was torn, as by a killed recorder, ends it quietly. Facts and keys that this version does not
    know are left out. RecordingError names file, line and cause of anything else that cannot be read.
    """
    with closing(_lines(path)) as lines:
        _header(path, lines)
        for number, line in lines:
            try:
                value = msgspec.json.decode(line)
                reading = _as(float, value["at"]), tuple(_facts(value["facts"]))
            except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError) as error:
                if not line.endswith(b"\n"):
                    return
                cause = f"no {error}" if isinstance(error, KeyError) else str(error)
                raise RecordingError(f"{path}: line {number}: {cause}") from error
            yield reading


def _lines(path: Path) -> Generator[tuple[int, bytes], None, None]:
    number = 0
    try:
        with path.open("rb") as raw:
            file = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == b"\x1f\x8b" else raw
            for number, line in enumerate(file, 1):
                yield number, line
    except EOFError:  # compressed by a recorder that was killed
        return
    except (OSError, zlib.error) as error:
        raise RecordingError(f"{path}: line {number + 1}: {getattr(error, 'strerror', None) or error}") from error


def _header(path: Path, lines: Iterator[tuple[int, bytes]]) -> Header:
    _, line = next(lines, (1, b""))
    try:
        value = msgspec.json.decode(line)
        number = value["format"]
        if number != FORMAT:
            raise RecordingError(
                f"{path}: format {number}, written by praxmonitor {value['praxmonitor']}; this version reads {FORMAT}"
            )
        return harmless(_as(Header, value))
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordingError(f"{path}: line 1: no header of a recording by `praxmonitor record`: {error}") from error


def _facts(values: Iterable[tuple[str, Any]]) -> Iterator[Fact]:
    for name, value in values:
        if name not in KINDS:
            continue
        if name == "Seen":
            value["activities"] = [one for one in value["activities"] if one["kind"] in _ACTIVITIES]
        try:
            yield _as(KINDS[name], value)
        except msgspec.ValidationError as error:
            if "Invalid enum value" not in str(error):  # a phase or a status that came later
                raise


_ACTIVITIES = frozenset(Kind)


def _as(kind: type[T], value: Any) -> T:
    return msgspec.convert(value, kind, dec_hook=_from_text)


def _from_text(kind: type, value: Any) -> Path:
    if issubclass(kind, Path) and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"{kind.__name__} in a recording")
