"""Go: panics, fatal errors of its runtime, failed tests, data races, and what does not compile."""

from __future__ import annotations

import re

from mailcore.errors.application_frames import is_application
from mailcore.errors.block import Block, FrameList, Line, Report
from mailcore.model.error_group import Severity, StackFrame

_PANIC = re.compile(r"(?:.{0,200}?)\b(panic(?: serving [^:]{1,80}(?::\d{1,6})?)?|fatal error): (.*)")
_GOROUTINE = re.compile(r"goroutine \d{1,12} .{0,200}\[.{1,100}\]:")
_CALL = re.compile(
    r"\s{0,8}(?:created by )?([\w./\-*()\[\]·{}%~]{1,300}?)(?:\([^()]*(?:\{[^}]*\}[^()]*)*\))?(?: in goroutine"
    r" \d{1,12})?"
)
_PLACE = re.compile(r"\s{1,12}(/?\S[^:\n]{0,400}\.(?:go|s|c)):(\d{1,9})(?: \+0x[0-9a-f]+)?")
_FAIL = re.compile(r"\s{0,40}--- FAIL: ([^\s(]{1,300}) \([\d.]{1,12}s\)")
_SAID = re.compile(r"\s{4,60}([\w\-]{1,200}\.go):(\d{1,9}): (.*)")
_COMPILE = re.compile(r"(?:vet: )?((?:\./|\.\./|[\w.\-]+/)*[\w.\-]+\.go):(\d{1,9}):\d{1,9}: (.*)")
_TOO_MANY = "too many errors"


class GoPanic:
    """The lines after `panic: text`, down to the frames of the goroutine that had it."""

    def __init__(self, title: str) -> None:
        self._title, self._frames, self._call, self._goroutines = title, FrameList(), "", 0
        self._created = False
        self.unfinished = True

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        if _GOROUTINE.fullmatch(text):
            self._goroutines += 1
            return True
        if text.startswith(
            (
                "\tpanic: ",
                "[signal ",
                "[recovered",
                "exit status ",
                "panic: ",
                "runtime stack:",
                "rax ",
                "goroutine running",
            )
        ):
            return not text.startswith("panic: ") or not self._goroutines
        if place := _PLACE.fullmatch(text):
            if self._goroutines <= 1 and self._call and not self._created:
                self._frames.add(place[1], place[2], self._call)
                self.unfinished = not is_application(StackFrame(place[1], 0, self._call))
            return True
        if not self._goroutines:
            return text[:1].isspace()
        if (call := _CALL.fullmatch(text)) and ("." in text or text.startswith("panic(")) and " " not in call[1]:
            self._call, self._created = call[1], text.lstrip().startswith("created by ")
            return True
        return text.startswith(("...additional frames", "\t"))

    def report(self) -> Report:
        """Its message, and the frames of its goroutine."""
        return Report("go", self._title, Severity.FATAL, self._frames.in_order(innermost_first=True))


class GoTest:
    """The lines after `--- FAIL: TestX (0.00s)`."""

    def __init__(self, name: str) -> None:
        self._name, self._frame, self._said, self._inner = name, StackFrame("", 0, name), "", False
        self.unfinished = False

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        if fail := _FAIL.fullmatch(text):
            if self._said or not fail[1].startswith(f"{self._name}/"):
                return False
            self._name = fail[1]
            self._frame = StackFrame("", 0, self._name)
            return True
        if (said := _SAID.fullmatch(text)) and not self._said:
            self._frame, self._said = StackFrame(said[1], int(said[2]), self._name), said[3].strip()
            return True
        if text.startswith("    "):
            key, _, value = text.strip().partition(":")
            if key in ("Error", "Error Trace") and value.strip() and (not self._said):
                self._said = value.strip() if key == "Error" else self._said
            return True
        if text.startswith("panic: "):
            self._inner = not self._said
        return text.startswith("\t")

    def report(self) -> Report | None:
        """The test and what it said; nothing if a panic that follows tells it."""
        if self._inner:
            return None
        title = f"FAIL: {self._name}: {self._said}" if self._said else f"FAIL: {self._name}"
        return Report("go", title, Severity.ERROR, (self._frame,))


class GoRace:
    """The lines after `WARNING: DATA RACE`."""

    def __init__(self) -> None:
        self._frames, self._call, self._part = FrameList(), "", 0
        self.unfinished = True

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        if text.startswith("====="):
            taken, self.unfinished = self.unfinished, False
            return taken
        if not self.unfinished:
            return False
        if place := _PLACE.fullmatch(text):
            if self._part == 1:
                self._frames.add(place[1], place[2], self._call)
        elif text.startswith("  ") and (call := _CALL.fullmatch(text)):
            self._call = call[1]
        elif text.rstrip().endswith(":"):
            self._part += 1
        else:
            return False
        return True

    def report(self) -> Report:
        """Where the access was that it was seen at."""
        return Report("go", "DATA RACE", Severity.ERROR, self._frames.in_order(innermost_first=True))


def go_form(text: str) -> Block | None:
    """A panic, a fatal error, a failed test, a race, or a line of its compiler."""
    if text.startswith("WARNING: DATA RACE"):
        return GoRace()
    if "--- FAIL: " in text and (fail := _FAIL.fullmatch(text)):
        return GoTest(fail[1])
    if ".go:" in text and (found := _COMPILE.fullmatch(text)) and found[3] != _TOO_MANY:
        if found[3].startswith(("error", "warning")):
            return None
        return Line(Report("go", found[3], Severity.ERROR, (StackFrame(found[1], int(found[2])),)))
    if ("panic" in text or "fatal error: " in text) and (panic := _PANIC.fullmatch(text)):
        if panic[1] == "fatal error" and not text.startswith("fatal error: "):
            return None
        if panic[1] == "panic" and not text.startswith("panic: "):
            return None
        return GoPanic(f"{panic[1].partition(' ')[0] if panic[1][0] == 'p' else panic[1]}: {panic[2]}")
    return None
