"""Which files a thing goes through on its way: what a person has to open to follow it.

The way is cut at its waypoints: where the thing takes another shape, or is handed to another thread or to what waits.
Each waypoint is met once. A file is on the way if one of its functions stands on the call stack at a waypoint, what
awaits included: it carries the thing. What is only asked along the way and returns (how a text is cut, whether an
alarm is due) is not on it, nor is what the clock's ticks do meanwhile, nor what runs when a module is imported.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

from textual.strip import Strip

ROOT = Path(__file__).parents[2]
OURS = (f"{ROOT}/praxmonitor/", f"{ROOT}/mailcore/")
TICKS = ("_tick",)
"""Functions that a clock calls: what stands on them was caused by no line and no key."""

Waypoint: TypeAlias = Callable[[FrameType, str, Any], bool]
"""(frame, `call` or `return`, what is returned) → whether the thing comes by here."""


class Way:
    """The files, in the order in which they were come to."""

    def __init__(self, waypoints: Mapping[str, Waypoint]) -> None:
        self.ahead = dict(waypoints)
        """The waypoints that are not met yet."""
        self.files: dict[str, str] = {}
        """Each with the waypoint by which it was come to first."""
        self.called: set[str] = set()
        """Every file of ours of which anything was called meanwhile, on the way or not."""
        self.open = False

    def look(self, frame: FrameType, event: str, value: Any) -> None:
        """What Python calls at each call and return."""
        if not self.open or event not in ("call", "return") or frame.f_code.co_name == "<module>":
            return
        if frame.f_code.co_filename.startswith(OURS):
            self.called.add(_name(frame))
        for name, met in list(self.ahead.items()):  # another thread may meet one meanwhile
            if met(frame, event, value):
                if self._stands_on(frame, name):
                    self.ahead.pop(name, None)
                return

    def _stands_on(self, frame: FrameType | None, waypoint: str) -> bool:
        stack = []
        while frame is not None:
            stack.append(frame)
            frame = frame.f_back
        if any(each.f_code.co_name in TICKS for each in stack):
            return False
        for each in reversed(stack):
            if each.f_code.co_filename.startswith(OURS):
                self.files.setdefault(_name(each), waypoint)
        return True


def _name(frame: FrameType) -> str:
    return str(Path(frame.f_code.co_filename).relative_to(ROOT))


@contextmanager
def watched(waypoints: Mapping[str, Waypoint]) -> Iterator[Way]:
    """Look at this thread and all that begin from now on, while the way is open."""
    way = Way(waypoints)
    threading.setprofile(way.look)
    sys.setprofile(way.look)
    try:
        yield way
    finally:
        way.open = False
        sys.setprofile(None)
        threading.setprofile(None)


def calls(function: Callable[..., Any]) -> Waypoint:
    """Met when this function is called."""
    code = function.__code__
    return lambda frame, event, _: event == "call" and frame.f_code is code


def gives(kind: type | tuple[type, ...], mark: str, by: Callable[..., Any] | None = None) -> Waypoint:
    """Met when a function of ours, or just this one, first gives back such a value that holds the `mark`."""

    def met(frame: FrameType, event: str, value: Any) -> bool:
        code = frame.f_code
        mine = code is by.__code__ if by is not None else code.co_filename.startswith(OURS)
        return event == "return" and mine and isinstance(value, kind) and mark in _written(value)

    return met


def _written(value: object) -> str:
    try:
        return value.text if isinstance(value, Strip) else repr(value)
    except Exception:  # it is not made yet
        return ""
