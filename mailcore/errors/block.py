"""The lines of one error as they come, and what they say when they are over."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mailcore.model.error_group import Severity, StackFrame

MAX_FRAMES = 100
"""Of a longer traceback the outermost and the innermost half are kept."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was wrong, as a block of lines says it."""

    kind: str
    title: str
    severity: Severity = Severity.ERROR
    frames: tuple[StackFrame, ...] = ()
    """The innermost last."""


class Block(Protocol):
    """Reads the lines of one error after its first."""

    @property
    def unfinished(self) -> bool:
        """Its end has not come: a line of another writer between its own does not end it."""
        ...

    def take(self, text: str) -> bool:
        """Whether the line belongs to it; it is not called again after the first that does not."""
        ...

    def report(self) -> Report | None:
        """What its lines say; None: no error, or one that was reported before."""
        ...


Form = Callable[[str], Block | None]
"""What knows the first line of one kind of error by sight."""


class Line:
    """An error that is told in one line."""

    unfinished = False

    def __init__(self, report: Report) -> None:
        self._report = report

    def take(self, text: str) -> bool:  # noqa: ARG002
        """None belongs to it."""
        return False

    def report(self) -> Report:
        """As it was."""
        return self._report


class FrameList:
    """The frames of a traceback, bounded."""

    def __init__(self) -> None:
        self._first: list[StackFrame] = []
        self._last: deque[StackFrame] = deque(maxlen=MAX_FRAMES // 2)

    def add(self, file: str, line: str | int = 0, function: str = "") -> None:
        """One more, as the traceback writes them."""
        frame = StackFrame(file[:300], int(str(line)[:9] or 0), function[:200])
        if len(self._first) < MAX_FRAMES // 2:
            self._first.append(frame)
        else:
            self._last.append(frame)

    def __bool__(self) -> bool:
        return bool(self._first)

    def in_order(self, *, innermost_first: bool = False) -> tuple[StackFrame, ...]:
        """The innermost last."""
        found = (*self._first, *self._last)
        return found[::-1] if innermost_first else found
