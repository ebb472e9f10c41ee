"""The door to standard output and standard error: what is said there is text that steers no terminal."""

from __future__ import annotations

import errno
import json
import os
import sys
from contextlib import suppress
from typing import Any

from mailcore.text import hanging, plain
from mailcore.text.escape import escaped

WIDTH = 80
"""Cells of a terminal that does not say how many it has."""


def person() -> int:
    """The width of the terminal at which a person reads standard output; 0 where that is none, or in an agent's run."""
    if "MAILCORE_RUN_ID" in os.environ or sys.stdout is None or not sys.stdout.isatty():
        return 0
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or WIDTH
    except OSError:
        return WIDTH


def colours() -> bool:
    """Whether standard output is to have colours: a person's terminal that has any, unless NO_COLOR or CLICOLOR=0 say
    no; elsewhere where CLICOLOR_FORCE says so, but never in an agent's run."""
    if os.environ.get("NO_COLOR") or "MAILCORE_RUN_ID" in os.environ:
        return False
    if forced_colours():
        return True
    return bool(person()) and os.environ.get("TERM") != "dumb" and os.environ.get("CLICOLOR") != "0"


def screen_width() -> int | None:
    """The cells that a row may have; 0 for whole rows in colours that a pipe is to have; None if nobody looks."""
    return person() or (0 if forced_colours() and "MAILCORE_RUN_ID" not in os.environ else None)


def forced_colours() -> bool:
    """Whether CLICOLOR_FORCE asks for what a terminal gets where standard output is none: `mailcore sent | less -R`."""
    return os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0") and not os.environ.get("NO_COLOR")


def print_line(text: str, *, end: str = "\n", flush: bool = False) -> None:
    """Print text to standard output, harmless."""
    print(plain(text), end=end, flush=flush)


def print_error(text: str, *, end: str = "\n", more: str = "") -> None:
    """The same to standard error, at once; nowhere if that is closed or full.

    Further lines of `text`, which may repeat what others wrote, are indented; those of `more` are ours.
    """
    if sys.stderr is not None:  # else `print` means standard output
        with suppress(OSError):
            print(hanging(text), end=end + more, file=sys.stderr, flush=True)


def print_json(value: Any, *, indent: bool = True, flush: bool = False) -> None:
    """Print one JSON value to standard output; what a terminal would act on is escaped in it."""
    print(escaped(json.dumps(value, ensure_ascii=False, indent=2 if indent else None)), flush=flush)


class Lines:
    """Lines on standard output that may be full or closed, which ends nothing: what it does not take is counted.

    The count, and why, is said before the next line that it takes. For what has to go on without its own log.
    """

    def __init__(self) -> None:
        self.lost = 0
        """Lines that could not be written since the last that could."""
        self._why = ""

    def say(self, text: str) -> None:
        """One line, at once. From any thread."""
        before = f"{self.lost} lines before this could not be written: {self._why}\n" if self.lost else ""
        try:
            if sys.stdout is None:
                raise OSError(errno.EBADF, "standard output is closed")
            data = f"{before}{plain(text)}\n".encode(sys.stdout.encoding, "backslashreplace")
            while data:
                data = data[os.write(sys.stdout.fileno(), data) :]
        except OSError as error:
            self.lost += 1
            self._why = error.strerror or str(error)
        else:
            self.lost = 0
