"""Stacks that follow what was raised: those of Node, and of Java and Kotlin."""

from __future__ import annotations

import re

from mailcore.errors.block import FrameList, Report
from mailcore.model.error_group import Severity
from mailcore.observe.traceback_forms import JAVA_HEAD

JAVA_FRAME = re.compile(
    r"\s{0,20}at (?:[\w.\-@$]{0,100}/){0,3}((?:[\w$<>\-]{1,200}\.){1,20})([\w$<>\-]{1,200})\(([^():]{1,200})"
    r"(?::(\d{1,9}))?\)"
    r"(?: ~?\[[^\]]{0,200}\])?"
)
_MORE = re.compile(r"\s{0,40}\.\.\. \d{1,9} (?:more|common frames omitted).*")
NODE_FRAME = re.compile(
    r"\s{1,40}at (?:(?:async )?(.{1,300}?) \()?((?:[^()]{1,500}?)(?=:\d|\)$)|<anonymous>"
    r"|native)(?::(\d{1,9}))?(?::\d{1,9})?\)?(?: \{)?"
)
_NODE_CAUSE = re.compile(r"\s{0,40}(?:\[(?:cause|errors)\]: (.*?)\{?|Caused by: (.*)|From previous event:)")
_PROPERTY = re.compile(
    r"\s{1,40}(?:[\w$\[\]'\"]{1,60}: .*|[\]}],?.*|\.\.\. \d{1,9} lines matching .*)|\}+|Node\.js v\d.*|Thrown at:|\]"
    r"|Emitted 'error' event .*"
)
_RAISED = re.compile(r"(?:[\w$]{1,100}\.){0,20}[A-Z][\w$]{0,100}(?:: .*)?")


class JavaStack:
    """The frames after its head, and its causes."""

    def __init__(self, title: str, severity: Severity = Severity.FATAL) -> None:
        self._causes: list[tuple[str, FrameList]] = [(title, FrameList())]
        self._severity, self._suppressed = severity, False
        self.unfinished = False

    def take(self, text: str) -> bool:
        """Whether the line belongs to the stack."""
        if frame := JAVA_FRAME.fullmatch(text):
            if not self._suppressed:
                package, function, file, line = frame.groups()
                self._causes[-1][1].add(file, line or 0, package + function)
            return True
        bare = text.strip()
        if bare.startswith("Caused by: "):
            self._causes.append((bare[11:], FrameList()))
            self._suppressed = False
            return True
        if bare.startswith(("Suppressed: ", "Wrapped by: ")):
            self._suppressed = True
            return True
        if _MORE.fullmatch(text):
            return True
        return text.startswith(("\t", "    ")) and not self._causes[-1][1] and not text.lstrip().startswith("at ")

    def report(self) -> Report:
        """The error at the root, which is told last; what is common to it and to what wraps it is told only there."""
        title, frames = self._causes[-1]
        inner = frames.in_order(innermost_first=True)
        outer = self._causes[0][1].in_order(innermost_first=True) if len(self._causes) > 1 else ()
        return Report("java", title, self._severity, (*outer, *inner))


class NodeStack:
    """The same of Node's."""

    def __init__(self, title: str, severity: Severity = Severity.FATAL) -> None:
        self._causes: list[tuple[str, FrameList]] = [(title, FrameList())]
        self._severity = severity
        self.unfinished = False

    def take(self, text: str) -> bool:
        """Whether the line belongs to the stack."""
        if text.lstrip().startswith("at ") and (frame := NODE_FRAME.fullmatch(text)):
            self._causes[-1][1].add(frame[2].removeprefix("async "), frame[3] or 0, frame[1] or "")
            return True
        if (cause := _NODE_CAUSE.fullmatch(text)) and self._causes[-1][1]:
            if title := cause[1] or cause[2]:
                self._causes.append((title.strip(), FrameList()))
            return True
        if _PROPERTY.fullmatch(text):
            if text.startswith("Node.js v"):
                self._severity = Severity.FATAL
            return True
        return text[:1].isspace() and not self._causes[-1][1]

    def report(self) -> Report:
        """The error at the root."""
        title, frames = self._causes[-1]
        outer = self._causes[0][1].in_order(innermost_first=True) if len(self._causes) > 1 else ()
        return Report("node", title, self._severity, (*outer, *frames.in_order(innermost_first=True)))


def stack_after(title: str, text: str, severity: Severity) -> JavaStack | NodeStack | None:
    """The stack whose first frame is `text`, of the error that `title` told; it has taken it."""
    if not text.lstrip().startswith("at "):
        return None
    block = JavaStack(title, severity) if JAVA_FRAME.fullmatch(text) else NodeStack(title, severity)
    return block if block.take(text) else None


def java_form(text: str) -> JavaStack | None:
    """`Exception in thread "main" java.lang.…`."""
    if "Exception in thread " not in text or not (head := JAVA_HEAD.fullmatch(text)):
        return None
    return JavaStack(head["text"])
