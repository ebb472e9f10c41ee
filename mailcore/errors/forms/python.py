"""Python: tracebacks, chained and grouped ones, those of Rich, and syntax errors."""

from __future__ import annotations

import re

from mailcore.errors.block import Block, FrameList, Report
from mailcore.model.error_group import Severity, StackFrame
from mailcore.observe.traceback_forms import CHAINED, PYTHON_HEAD, RAISED

_FRAME = re.compile(r'\s{0,40}(?:> ?)?File "([^"]{1,500})", line (\d{1,9})(?:, in (.{1,300}))?')
_BARE = re.compile(r'  File "([^"]{1,500})", line (\d{1,9})(?:, in .*)?')
"""How a syntax error of the file that is run begins, which has no head."""
_RICH_FRAME = re.compile(r"\s{0,20}│ (\S.{0,400}?):(\d{1,9}) in (\S{1,200})\s*│")
_BARS = re.compile(r"\s{0,60}(?:\| ?|\+(?= Exception Group)|\+[-+]{3,80}(?: (?:\d{1,6}|\.\.\.) -{3,60})?\+?$)")
"""What stands before the lines of an ExceptionGroup's."""
_GROUP = re.compile(r".*\((\d{1,6}) sub-exceptions?\)")
_FAULT = re.compile(r"(?:Current thread|Thread) 0x[0-9a-f]+.* \(most recent call first\):")
_MESSAGE_LINES = 30


class PythonTraceback:
    """The lines after its head."""

    def __init__(self, *, grouped: bool = False, syntax: re.Match[str] | None = None) -> None:
        self.unfinished = True
        self._grouped = grouped
        self._raised: list[tuple[str, FrameList, bool]] = []
        """Title, frames, and whether the one before it is its cause."""
        self._frames, self._explicit, self._more = FrameList(), False, 0
        if syntax is not None:
            self._frames.add(syntax[1], syntax[2])

    def take(self, text: str) -> bool:
        """Whether the line belongs to the traceback."""
        if self._grouped and (bars := _BARS.match(text)):
            text = text[bars.end() :]
            if not text.strip():
                return True
        if (frame := _FRAME.fullmatch(text)) or (frame := _RICH_FRAME.fullmatch(text)):
            self._frames.add(frame[1], frame[2], frame[3] or "")
            self.unfinished = True
            return True
        if CHAINED.fullmatch(text.strip()):
            self._explicit, self.unfinished = "direct cause" in text, True
            return bool(self._raised)
        if PYTHON_HEAD in text or text.startswith("╭─"):
            return self.unfinished or self._grouped
        if text[:1].isspace() or text[:1] in "│╰":
            self._more += 1
            return self.unfinished or self._more <= _MESSAGE_LINES
        if not self.unfinished and not self._grouped:
            return False
        if not RAISED.fullmatch(text):
            return False
        self._raised.append((text, self._frames, self._explicit))
        self._frames, self._explicit, self.unfinished, self._more = FrameList(), False, False, 0
        return True

    def report(self) -> Report | None:
        """The error at the root: of a chain `from` which each was raised the first, else the last one."""
        if not self._raised:
            cut = self._frames.in_order()
            return Report("python", "Traceback that was cut off", Severity.FATAL, cut) if cut else None
        place = len(self._raised) - 1
        if self._grouped:
            place = next((n for n, one in enumerate(self._raised) if not _GROUP.fullmatch(one[0])), place)
        else:
            while place and self._raised[place][2]:
                place -= 1
        title, frames, _ = self._raised[place]
        outer: tuple[StackFrame, ...] = ()
        if self._grouped and place:
            outer = self._raised[0][1].in_order()
        return Report("python", title, Severity.FATAL, (*outer, *frames.in_order()))


class FaultHandler:
    """What Python writes when a signal ends it."""

    def __init__(self, title: str) -> None:
        self._title, self._frames, self._threads = title, FrameList(), 0
        self.unfinished = True

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        if _FAULT.fullmatch(text):
            self._threads += 1
            return True
        if frame := _FRAME.fullmatch(text):
            if self._threads <= 1:
                self._frames.add(frame[1], frame[2], frame[3] or "")
            return True
        return text[:1].isspace() or text.startswith(("Python runtime state", "Extension modules:"))

    def report(self) -> Report:
        """Its first line, and the frames of the thread that had it."""
        return Report("python", self._title, Severity.FATAL, self._frames.in_order(innermost_first=True))


def python_form(text: str) -> Block | None:
    """A traceback, a syntax error, or a fault."""
    if "Traceback (most recent call last)" in text:
        if text.rstrip().endswith(PYTHON_HEAD):
            return PythonTraceback(grouped="Exception Group Traceback" in text)
        return PythonTraceback() if text.startswith("╭─") else None
    if text.startswith("Fatal Python error: "):
        return FaultHandler(text)
    if text.startswith("  File ") and (bare := _BARE.fullmatch(text)) and ", in " not in text:
        return PythonTraceback(syntax=bare)
    return None
