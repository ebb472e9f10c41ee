"""A line of a log that tells an error, and what may follow it: the traceback of what was raised."""

from __future__ import annotations

import re

from mailcore.errors.block import Block, Report
from mailcore.errors.forms.go import GoPanic
from mailcore.errors.forms.python import PythonTraceback, python_form
from mailcore.errors.forms.stacks import JavaStack, NodeStack, stack_after
from mailcore.model.error_group import Severity

_RAISED = re.compile(
    r"(?:Uncaught )?((?:[\w$]{1,100}\.){0,20}[A-Z][\w$]{0,100}(?:Error|Exception|Throwable|Fault|Interrupt"
    r"|Exit)(?: \[\w{1,60}\])?(?:: .*)?)"
)
_GO_CALL = re.compile(r"[\w./\-*()]{1,300}\.[\w.()*\[\]]{1,200}")
_GO_PLACE = re.compile(r"\t/\S{1,400}\.go:\d{1,9}")
_BEFORE_TRACEBACK = ("----------", "future: <Task", "handle: <Handle", "Stack trace:")
_MAX_MORE = 30


class LogBlock:
    """The lines after one of a log that tells an error."""

    def __init__(self, kind: str, title: str, severity: Severity, *, raised: bool) -> None:
        """`raised`: the line is that of what was raised itself, so that another such line is another error."""
        self._kind, self._title, self._severity, self._raised = kind, title, severity, raised
        self._inner: Block | None = None
        self._more, self._causes = 0, False
        self._root = ""

    @property
    def unfinished(self) -> bool:
        """As the traceback that it has."""
        return self._inner.unfinished if self._inner is not None else False

    def take(self, text: str) -> bool:
        """Whether the line belongs to it."""
        if self._inner is not None:
            return self._inner.take(text)
        if (stack := stack_after(self._title, text, self._severity)) is not None:
            self._inner = stack
            return True
        if isinstance(block := python_form(text), PythonTraceback):
            self._inner = block
            return True
        if not self._raised and not self._more and (found := _RAISED.fullmatch(text.strip())):
            self._title, self._raised, self._kind = found[1], True, self._kind
            return True
        if text.startswith("goroutine ") and text.endswith("]:"):
            self._inner = GoPanic(self._title)
            return self._inner.take(text)
        if _GO_CALL.fullmatch(text) and not self._more:
            self._inner = GoPanic(self._title)
            return self._inner.take("goroutine 1 [running]:") and self._inner.take(text)
        if text.startswith("Caused by:"):
            self._causes = True
            self._root = text[10:].strip()
            return True
        if text.startswith(_BEFORE_TRACEBACK):
            return True
        self._more += 1
        if text[0].isspace() and self._more <= _MAX_MORE:
            if self._causes:
                self._root = re.sub(r"^\s*(?:\d+: )?", "", text)
            return True
        return False

    def report(self) -> Report:
        """What was raised, if it was told; else what the log says."""
        inner = self._inner.report() if self._inner is not None else None
        if inner is not None:
            if not inner.frames and isinstance(self._inner, GoPanic):
                return Report(self._kind, self._title, self._severity)
            severity = self._severity if isinstance(self._inner, JavaStack | NodeStack) else Severity.ERROR
            return Report(inner.kind, inner.title, severity, inner.frames)
        return Report(self._kind, f"{self._title}: {self._root}" if self._root else self._title, self._severity)
