"""The files of a channel: envelopes one a line, numbered without a gap, so that the last number is known by counting.

Whoever calls these holds the channel's lock.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from mailcore.exceptions import MailcoreError
from mailcore.model.link import Envelope
from mailcore.system import writing
from mailcore.system.safe_open import MAX_WHOLE_FILE, descriptor, read_bytes

MAX_LINES, MAX_SIZE = 256, 1 << 20
"""After so much a segment is full, and the next is begun."""
_NAME = re.compile(r"([0-9a-f]{16})-([0-9]{12})\.jsonl")


class _Named(msgspec.Struct):
    id: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One file: `EPOCH-FIRST.jsonl`."""

    path: Path
    epoch: str
    first: int
    """The number of its first line."""
    lines: int
    size: int
    """Bytes that are on disk for good."""
    last_id: str = ""
    """The id of the envelope of its last line; known of an epoch's last segment alone."""

    @property
    def last(self) -> int:
        """The number of its last line; one less than `first` where it has none."""
        return self.first + self.lines - 1

    @property
    def is_too_large(self) -> bool:
        """True if it cannot be read whole: as such a one was written once, it is to be divided."""
        return self.size > MAX_WHOLE_FILE

    @property
    def is_full(self) -> bool:
        """True if the next line begins another."""
        return self.lines >= MAX_LINES or self.size >= MAX_SIZE

    def read(self) -> list[bytes]:
        """Its lines. OSError where it cannot be read."""
        return read_bytes(self.path, links=False)[: self.size].splitlines()

    def envelope(self, line: bytes, number: int) -> Envelope:
        """What stands in its line of that number. ValueError if that is no envelope, or another."""
        envelope = msgspec.json.decode(line, type=Envelope)  # its errors are ValueErrors
        if (envelope.epoch, envelope.seq) != (self.epoch, number):
            raise ValueError(f"{envelope.epoch}:{envelope.seq} stands where {self.epoch}:{number} should")
        return envelope


def list_segments(directory: Path, epoch: str = "") -> list[Segment]:
    """The segments of an epoch, or of all, by their first numbers. What a killed writer left of a line is cut off, and
    where that was all of a segment it goes: the one before it is the last.

    Only the last is counted: of the others the next one's name says how many lines they should have.
    """
    found = [match for path in directory.glob("*.jsonl") if (match := _NAME.fullmatch(path.name))]
    names = sorted((match[1], int(match[2]), match[0]) for match in found if epoch in ("", match[1]))
    segments = []
    for place, (of, first, name) in enumerate(names):
        path = directory / name
        after = names[place + 1] if place + 1 < len(names) else None
        if after is not None and after[0] == of:
            segments.append(Segment(path, of, first, after[1] - first, path.stat().st_size))
            continue
        counted = _counted(path, of, first)
        if not counted.lines and segments and segments[-1].epoch == of:
            path.unlink()
            before = segments.pop()
            counted = _counted(before.path, of, before.first)
        segments.append(counted)
    return segments


def read_all(segments: Sequence[Segment]) -> Iterator[Envelope]:
    """All envelopes that can be read, whatever their numbers."""
    for segment in segments:
        for line in _lines(segment.path):
            try:
                yield msgspec.json.decode(line, type=Envelope)
            except ValueError:
                continue


def append_envelopes(directory: Path, segments: Sequence[Segment], envelopes: Iterable[Envelope]) -> None:
    """Put envelopes at the end, and on disk, as many to a segment as belong there.

    Nothing of them stays where the disk refuses it.
    """
    last = segments[-1] if segments else None
    written: list[tuple[Path, int]] = []
    """Files, and their sizes before."""
    try:
        for envelope, lines in _portions(last, envelopes):
            goes_on = last is not None and not last.is_full and last.last == envelope.seq - 1
            path = last.path if last and goes_on else directory / f"{envelope.epoch}-{envelope.seq:012d}.jsonl"
            written.append((path, last.size if last and goes_on else 0))
            _append(path, lines)
            last = None
        if any(not before for _, before in written):
            writing.sync_directory(directory)
    except BaseException:
        for path, before in reversed(written):
            if before:
                os.truncate(path, before)
            else:
                path.unlink(missing_ok=True)
        raise


def _portions(last: Segment | None, envelopes: Iterable[Envelope]) -> Iterator[tuple[Envelope, list[bytes]]]:
    """The lines of what is to be put, a segment at a time, and the first of each; the last segment is filled first."""
    lines, size = (last.lines, last.size) if last and not last.is_full else (0, 0)
    first: Envelope | None = None
    portion: list[bytes] = []
    for envelope in envelopes:
        if first is not None and (lines >= MAX_LINES or size >= MAX_SIZE):
            yield first, portion
            first, portion, lines, size = None, [], 0, 0
        first = first or envelope
        portion.append(encoded(envelope) + b"\n")
        lines, size = lines + 1, size + len(portion[-1])
    if first is not None:
        yield first, portion


def _append(path: Path, lines: list[bytes]) -> None:
    data = b"".join(lines)
    opened, _ = descriptor(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW)
    try:
        while data:
            data = data[os.write(opened, data) :]
        writing.sync(opened)
    finally:
        os.close(opened)


def encoded(envelope: Envelope) -> bytes:
    """An envelope as its line. MailcoreError (code `format`) of what JSON between hosts cannot say."""
    try:
        return msgspec.json.encode(envelope)
    except (UnicodeEncodeError, OverflowError, TypeError, RecursionError) as error:
        raise MailcoreError(f"this cannot be carried to another host: {error}", "format") from error


def _counted(path: Path, epoch: str, first: int) -> Segment:
    lines, whole, line = 0, 0, b""
    for line in _lines(path):
        lines, whole = lines + 1, whole + len(line)
    if whole < path.stat().st_size:
        os.truncate(path, whole)
    with suppress(ValueError):  # it is damaged: who reads it finds that out
        return Segment(path, epoch, first, lines, whole, msgspec.json.decode(line, type=_Named).id)
    return Segment(path, epoch, first, lines, whole)


def _lines(path: Path) -> Iterator[bytes]:
    """The whole lines of a file of any size, one after the other."""
    with os.fdopen(descriptor(path, os.O_RDONLY | os.O_NOFOLLOW)[0], "rb") as file:
        for line in iter(partial(file.readline, MAX_WHOLE_FILE), b""):
            if line.endswith(b"\n"):
                yield line
