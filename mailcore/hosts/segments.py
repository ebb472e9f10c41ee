"""The files of a channel: envelopes one a line, numbered without a gap, so that the last number is known by counting.

Whoever calls these holds the channel's lock.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mailcore.exceptions import MailcoreError
from mailcore.model.link import Envelope
from mailcore.system import writing
from mailcore.system.safe_open import descriptor, read_bytes

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
        for line in segment.read():
            try:
                yield msgspec.json.decode(line, type=Envelope)
            except ValueError:
                continue


def append_envelopes(directory: Path, segments: Sequence[Segment], envelopes: Sequence[Envelope]) -> None:
    """Put envelopes at the end, and on disk. Nothing of them stays where the disk refuses it."""
    data = b"".join(encoded(envelope) + b"\n" for envelope in envelopes)
    last = segments[-1] if segments and segments[-1].last == envelopes[0].seq - 1 and not segments[-1].is_full else None
    path = last.path if last else directory / f"{envelopes[0].epoch}-{envelopes[0].seq:012d}.jsonl"
    before = last.size if last else 0
    opened, _ = descriptor(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW)
    try:
        try:
            while data:
                data = data[os.write(opened, data) :]
            writing.sync(opened)
            if not before:
                writing.sync_directory(directory)
        except BaseException:
            if before:
                os.ftruncate(opened, before)
            else:
                path.unlink()
            raise
    finally:
        os.close(opened)


def encoded(envelope: Envelope) -> bytes:
    """An envelope as its line. MailcoreError (code `format`) of what JSON between hosts cannot say."""
    try:
        return msgspec.json.encode(envelope)
    except (UnicodeEncodeError, OverflowError, TypeError, RecursionError) as error:
        raise MailcoreError(f"this cannot be carried to another host: {error}", "format") from error


def _counted(path: Path, epoch: str, first: int) -> Segment:
    data = read_bytes(path, links=False)
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    last_line = data[data.rfind(b"\n", 0, whole - 1) + 1 : whole]
    with suppress(ValueError):  # it is damaged: who reads it finds that out
        return Segment(path, epoch, first, data.count(b"\n"), whole, msgspec.json.decode(last_line, type=_Named).id)
    return Segment(path, epoch, first, data.count(b"\n"), whole)
