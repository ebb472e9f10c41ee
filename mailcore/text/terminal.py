"""The door to standard output and standard error: what is said there is text that steers no terminal."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from mailcore.text import plain
from mailcore.text.escape import escaped

WIDTH = 80
"""Cells of a terminal that does not say how many it has."""


def person() -> int:
    """The width of the terminal at which a person reads standard output; 0 where that is none, or in an agent's run."""
    if "MAILCORE_RUN_ID" in os.environ or not sys.stdout.isatty():
        return 0
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or WIDTH
    except OSError:
        return WIDTH


def say(text: str, *, end: str = "\n", flush: bool = False) -> None:
    """Print text to standard output, harmless."""
    print(plain(text), end=end, flush=flush)


def complain(text: str, *, end: str = "\n") -> None:
    """The same to standard error, at once."""
    print(plain(text), end=end, file=sys.stderr, flush=True)


def say_json(value: Any, *, indent: bool = True, flush: bool = False) -> None:
    """Print one JSON value to standard output; what a terminal would act on is escaped in it."""
    print(escaped(json.dumps(value, ensure_ascii=False, indent=2 if indent else None)), flush=flush)
