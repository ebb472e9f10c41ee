"""Reads back what `recording` wrote: the header, then the readings as the same facts."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from mailcore.observe.fact_codec import FACT_KINDS, LeftOut, decoded, decoded_facts
from mailcore.observe.facts import Fact, HoldRead, LockRead, Lost, MailboxRead, Roster, RunRead, Seen, Used
from mailcore.system import safe_open
from mailcore.text.units import size
from praxmonitor.feed.recording import LONGEST_LINE, RecordingError, RecordingHeader, harmless

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
    2: FACT_KINDS,
}
"""A format that is read → its tags → the kinds of fact that they stand for. That of 0.1.0 had the types' names then."""


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
                reading = decoded(float, value["at"]), tuple(decoded_facts(value["facts"], kinds, left_out))
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
        return harmless(decoded(RecordingHeader, value))
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordingError(f"{path}: line 1: no header of a recording by `praxmonitor record`: {error}") from error
