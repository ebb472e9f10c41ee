"""A line of a log that tells an error, and what may follow it: the traceback of what was raised."""

from __future__ import annotations

import re

from mailcore.errors.block import Block, Report
from mailcore.errors.forms.go import GoPanic
from mailcore.errors.forms.python import PythonTraceback, python_form
from mailcore.errors.forms.stacks import JavaStack, NodeStack, stack_after
from mailcore.model.activity import Kind
from mailcore.model.error_group import Severity
from mailcore.observe.log_levels import parse_log_line

_NAME = (
    r"(?:[\w$]{1,100}\.){0,20}(?:[A-Z][\w$]{0,100}?)?(?:Error|Exception|Throwable|Fault|Interrupt|Exit|Rejection)"
    r"(?: \[\w{1,60}\])?"
)
_RAISED = re.compile(rf"(?:Uncaught (?:Exception )?|Unhandled )?({_NAME}(?:: .*)?)|\[({_NAME}: .*?)\]?(?: \{{)?")
_WITHIN = re.compile(rf".{{0,300}}?(?:^|[\s:(])({_NAME}: .*)")
_ELIXIR = re.compile(r"\*\* \(([\w.]{1,100})\) (.*)")
_GO_CALL = re.compile(r"[\w./\-*()]{1,300}\.[\w.()*\[\]]{1,200}")
_GO_PLACE = re.compile(r"\t/\S{1,400}\.go:\d{1,9}")
_BEFORE_TRACEBACK = ("----------", "future: <Task", "handle: <Handle", "Stack trace:", "Require stack:")
_MAX_MORE = 30


def raised_title(text: str) -> str:
    """What was raised, of a line that tells nothing else: `TypeError: x is not a function`; else nothing."""
    if (found := _RAISED.fullmatch(text)) and text[:1] not in "/.":
        return found[1] or found[2] or ""
    return ""


class Suspicion:
    """A line that names what was raised among other words: an error if its stack follows, else none."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._inner: Block | None = None

    @property
    def unfinished(self) -> bool:
        """As the stack that it has."""
        return self._inner is not None and self._inner.unfinished

    def take(self, text: str) -> bool:
        """Whether the line belongs to the stack."""
        if self._inner is None:
            self._inner = stack_after(self._title, text, Severity.ERROR)
            return self._inner is not None
        return self._inner.take(text)

    def report(self) -> Report | None:
        """What was raised, if its stack was told."""
        return self._inner.report() if self._inner is not None else None


def suspicion_form(text: str) -> Suspicion | None:
    """`sync failed: TypeError: x is null`, above its stack."""
    if ("Error" in text or "Exception" in text) and (found := _WITHIN.fullmatch(text)):
        return Suspicion(found[1])
    return None


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
        if not self._raised and not self._more and (title := raised_title(text.strip())):
            self._title, self._raised = title, True
            return True
        if self._raised and self._title.endswith(":") and self._more < 6 and parse_log_line(text).kind is Kind.LOG:
            self._more += 1
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
        if elixir := _ELIXIR.fullmatch(text):
            self._title, self._raised = f"{elixir[1]}: {elixir[2]}", True
            return True
        if text.startswith("- /") or text.startswith(_BEFORE_TRACEBACK):
            return True
        if text[0].isspace() and self._more < _MAX_MORE:
            self._more += 1
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
