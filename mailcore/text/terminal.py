"""The door to standard output and standard error: what is said there is text that steers no terminal."""

from __future__ import annotations

import json
import sys
from typing import Any

from mailcore.text import plain
from mailcore.text.escape import escaped


def say(text: str, *, end: str = "\n", flush: bool = False) -> None:
    """Print text to standard output, harmless."""
    print(plain(text), end=end, flush=flush)


def complain(text: str, *, end: str = "\n") -> None:
    """The same to standard error, at once."""
    print(plain(text), end=end, file=sys.stderr, flush=True)


def say_json(value: Any, *, indent: bool = True, flush: bool = False) -> None:
    """Print one JSON value to standard output; what a terminal would act on is escaped in it."""
    print(escaped(json.dumps(value, ensure_ascii=False, indent=2 if indent else None)), flush=flush)
