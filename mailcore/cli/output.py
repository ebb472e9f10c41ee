"""What a command prints. An act that was done stays done, even where its result cannot be printed."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import IO

CLOSED = "standard output is closed"
READER_GONE = "the reader of standard output is gone"
"""`head` has what it wanted: no failure, and nothing to tell."""


def keep_standard_descriptors() -> None:
    """Open the null device in place of each standard descriptor that the caller has closed.

    Else the next file of ours gets its number, and what a program prints by that number is written into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def print_stdout(line: bytes) -> str:
    """Print a line on standard output: why that was not possible, empty if it was."""
    if sys.stdout is None:
        return CLOSED
    try:
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _divert(sys.stdout)
        return READER_GONE
    except (OSError, ValueError) as error:
        _divert(sys.stdout)
        return f"standard output: {getattr(error, 'strerror', None) or error}"
    return ""


def print_note(text: str) -> None:
    """Print a note on standard error, made safe to show; nowhere if that is closed or full.

    Further lines of it are indented: what it repeats of others can be taken for no line of ours.
    """
    from mailcore.text import hanging

    if sys.stderr is None:
        return
    try:
        sys.stderr.write(hanging(text) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        _divert(sys.stderr)


def is_seen() -> bool:
    """Whether a person reads standard error: a terminal that can clear a line, and no agent's run."""
    if sys.stderr is None or "MAILCORE_RUN_ID" in os.environ or os.environ.get("TERM") == "dumb":
        return False
    try:
        return sys.stderr.isatty()
    except ValueError:
        return False


def flush_stdout() -> None:
    """Write out what others have printed (argparse's help): at the end Python would make a failure an exit status."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except (OSError, ValueError):
                _divert(stream)


def _divert(stream: IO[str]) -> None:
    """What is still buffered is written at exit: let it go nowhere."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
