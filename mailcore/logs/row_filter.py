"""Finds the lines of standard input that match, where there is no grep that can: a process, so that it can be killed.

    python -m mailcore.logs.row_filter [-b | -c] [-o] [-m NUMBER] [-i] --regexp=PATTERN

The options are grep's, and so is what it prints; of `-b` without `-o` the offsets alone.
"""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import suppress

CUT = 16 * 1024 * 1024
"""Bytes at which a line is cut into several."""


def _lines() -> Iterator[tuple[int, bytes]]:
    """Each line with how many bytes of input stand before it."""
    at, torn = 0, b""
    while chunk := os.read(0, 256 * 1024):
        *lines, torn = (torn + chunk).split(b"\n")
        for line in lines:
            yield at, line
            at += len(line) + 1
        if len(torn) > CUT:
            yield at, torn
            at, torn = at + len(torn), b""
    if torn:
        yield at, torn


def main() -> int:
    """Filter; 0 if a line matched, else 1."""
    parser = ArgumentParser()
    for option in ("-b", "-c", "-o", "-i", "--line-buffered"):
        parser.add_argument(option, action="store_true")
    parser.add_argument("-m", type=int, default=0)
    parser.add_argument("--regexp", required=True)
    options = parser.parse_args()
    flags = re.IGNORECASE if options.i else 0
    letters = not options.regexp.isascii()
    in_text = re.compile(options.regexp, flags) if letters else None
    in_bytes = None if letters else re.compile(options.regexp.encode(), flags)
    start = None
    with suppress(OSError):
        start = os.lseek(0, 0, os.SEEK_CUR)
    count = 0
    for at, line in _lines():
        if in_bytes is not None:
            matches = ((m.start(), m[0]) for m in in_bytes.finditer(line))
        else:
            assert in_text is not None
            text = line.decode("utf-8", "surrogateescape")
            matches = (
                (len(text[: m.start()].encode("utf-8", "surrogateescape")), m[0].encode("utf-8", "surrogateescape"))
                for m in in_text.finditer(text)
            )
        first = next(matches, None)
        if first is None:
            continue
        count += 1
        if options.o:
            for begin, match in (first, *matches):
                if match:
                    os.write(1, b"%d:%s\n" % (at + begin, match))
        elif options.b:
            os.write(1, b"%d:\n" % at)
        if count == options.m:
            if start is not None:
                os.lseek(0, start + at + len(line) + 1, os.SEEK_SET)
            break
    if options.c:
        os.write(1, b"%d\n" % count)
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main())
