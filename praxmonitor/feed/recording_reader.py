"""Reads back what `recording` wrote: the header, then the readings as the same facts."""

from __future__ import annotations

import gzip
import os
import zlib
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mailcore.model.activity import Kind
from mailcore.observe.facts import Fact, HoldRead, LockRead, Lost, MailboxRead, Roster, RunRead, Seen, Used
from mailcore.system import safe_open
from mailcore.text import counted, line
from mailcore.text.units import size
from praxmonitor.feed.recording import LONGEST_LINE, TAGS, RecordingError, RecordingHeader, harmless

T = TypeVar("T")

FORMATS: Mapping[int, Mapping[str, type]] = {
    1: {
        "Roster": Roster,
        "MailboxRead": MailboxRead,
        "LockRead": LockRead,
        "HoldRead": HoldRead,
        "RunRead": RunRead,
        "Seen": Seen,
        "Used": Used,
        "Lost": Lost,
    },
    2: {tag: kind for kind, tag in TAGS.items()},
}
"""A format that is read → its tags → the kinds of fact that they stand for. That of 0.1.0 had the types' names then."""
MOST_KINDS = 5
"""Unknown kinds that are named; the rest is counted."""


class LeftOut:
    """What a recording holds and this version does not know, by kind. It fills while the recording is read."""

    def __init__(self) -> None:
        self.readings = 0
        """In how many readings something was left out."""
        self.facts: Counter[str] = Counter()
        self.activities: Counter[str] = Counter()

    def __str__(self) -> str:
        """`3 facts (2 dreamt, 1 mailbox) and 1 activity (1 dream) in 2 readings`; empty where nothing was."""
        parts = ((self.facts, "fact", "facts"), (self.activities, "activity", "activities"))
        parts_text = [f"{counted(kinds.total(), one, many)} ({_named(kinds)})" for kinds, one, many in parts if kinds]
        return f"{' and '.join(parts_text)} in {counted(self.readings, 'reading')}" if parts_text else ""

    def __len__(self) -> int:
        return self.facts.total() + self.activities.total()


def _named(kinds: Counter[str]) -> str:
    named = [f"{count:,} {line(kind, 40)}" for kind, count in kinds.most_common(MOST_KINDS)]
    more = [f"{counted(len(kinds) - MOST_KINDS, 'more kind')}"] if len(kinds) > MOST_KINDS else []
    return ", ".join([*named, *more])


def read_header(path: Path) -> RecordingHeader:
    """The header of a recording. RecordingError if `path` is none, or one that only a newer version can read."""
    with closing(_lines(path)) as lines:
        return _header(path, lines)


def read_recording(
    path: Path, left_out: LeftOut | None = None
) -> Generator[tuple[float, tuple[Fact, ...]], None, None]:
    """The readings of a recording, in order: when (seconds since the epoch), and the facts for `fold.apply`.

    A last line that was torn, as by a killed recorder, ends it quietly. Facts and activities of kinds that this
    version does not know are left out and counted in `left_out`; so are facts with a value that it does not know. Keys
    that it does not know are skipped. RecordingError names file, line and cause of anything else that cannot be read.
    """
    left_out = LeftOut() if left_out is None else left_out
    with closing(_lines(path)) as lines:
        kinds = FORMATS[_header(path, lines).format]
        for number, text in lines:
            before = len(left_out)
            try:
                value = msgspec.json.decode(text)
                reading = _as(float, value["at"]), tuple(_facts(value["facts"], kinds, left_out))
            except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError) as error:
                if not text.endswith(b"\n"):
                    return
                cause = f"no {error}" if isinstance(error, KeyError) else str(error)
                raise RecordingError(f"{path}: line {number}: {cause}") from error
            left_out.readings += len(left_out) > before
            yield reading


def _lines(path: Path) -> Generator[tuple[int, bytes], None, None]:
    number = 0
    try:
        with os.fdopen(safe_open.descriptor(path)[0], "rb") as raw:
            file = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == b"\x1f\x8b" else raw
            while text := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(text) > LONGEST_LINE:
                    most = size(LONGEST_LINE)
                    raise RecordingError(
                        f"{path}: line {number}: longer than {most}, which `praxmonitor record` never writes"
                    )
                yield number, text
    except EOFError:  # compressed by a recorder that was killed
        return
    except (OSError, zlib.error) as error:
        raise RecordingError(f"{path}: line {number + 1}: {getattr(error, 'strerror', None) or error}") from error


def _header(path: Path, lines: Iterator[tuple[int, bytes]]) -> RecordingHeader:
    _, text = next(lines, (1, b""))
    try:
        value = msgspec.json.decode(text)
        number = value["format"]
        if number not in FORMATS:
            raise RecordingError(
                f"{path}: format {number}, written by praxmonitor {value['praxmonitor']}; "
                f"this version reads {' and '.join(map(str, FORMATS))}"
            )
        return harmless(_as(RecordingHeader, value))
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordingError(f"{path}: line 1: no header of a recording by `praxmonitor record`: {error}") from error


def _facts(values: Iterable[tuple[str, Any]], kinds: Mapping[str, type], left_out: LeftOut) -> Iterator[Fact]:
    for tag, value in values:
        kind = kinds.get(tag)
        if kind is None:
            left_out.facts[str(tag)] += 1
            continue
        if kind is Seen:
            left_out.activities.update(
                str(one["kind"]) for one in value["activities"] if one["kind"] not in _ACTIVITIES
            )
            value["activities"] = [one for one in value["activities"] if one["kind"] in _ACTIVITIES]
        try:
            yield _as(kind, value)
        except msgspec.ValidationError as error:
            if "Invalid enum value" not in str(error):
                raise
            left_out.facts[tag] += 1  # a phase or a status that came later


_ACTIVITIES = frozenset(Kind)


def _as(kind: type[T], value: Any) -> T:
    return msgspec.convert(value, kind, dec_hook=_from_text)


def _from_text(kind: type, value: Any) -> Path:
    if not issubclass(kind, Path):
        raise TypeError(f"{kind.__name__} in a recording")
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"no path: {line(str(value), 40)!r}")
    return Path(value)
