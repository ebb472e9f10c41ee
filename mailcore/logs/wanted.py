"""Which entries of logs are wanted: those of errors, those in which an expression is found, those of a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mailcore.model.activity import Kind
from mailcore.model.log import LogEntry

if TYPE_CHECKING:  # of a search alone
    from mailcore.logs.patterns import LogPattern

MAX_SEARCHED = 4096
"""Characters of a line in which an expression is looked for."""

_ERROR_WORDS = (
    b"err", b"eror", b"severe", b"crit", b"fatal", b"fail", b"panic", b"alert", b"emerg", b"exception", b"traceback",
    b"fault", b"abort", b"illegal instruction", b"not found", b"no such", b"denied", b"terminate called", b"unhandled",
    b"interrupt", b"exit", b"**", b"[e]", b"(e)", b"<e>", b"[f]", b"(f)", b"<f>", b"[c]", b"(c)", b"<c>", b'level":5',
    b'level":6', b'level": 5', b'level": 6', b"e: ",
)  # fmt: skip
_ERROR_FORMS = re.compile(rb"\.[A-Z]\w+: |[EF]\d{4} \d\d:")
"""What has none of these words in it, in small letters, nor one of these forms, is no error."""
_HAS_ENDS = re.compile(r"\(\?|\\[AZ]")
"""What may mean something else among other lines."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What is looked for in the bytes of many lines at once."""

    expression: re.Pattern[bytes]
    lowered: bool = False
    """It is looked for in small letters."""
    words: tuple[bytes, ...] = ()
    """Or one of these, in small letters: each is found faster than an expression of them all."""

    def first(self, data: bytes) -> int:
        """Where the first one begins; -1: there is none."""
        small = data.lower() if self.lowered or self.words else data
        found = self.expression.search(small if self.lowered else data)
        begins = [found.start()] if found is not None else []
        return min([*begins, *(at for word in self.words if (at := small.find(word)) >= 0)], default=-1)

    def last(self, data: bytes) -> int:
        """The same of the last one."""
        small = data.lower() if self.lowered or self.words else data
        begins = [found.start() for found in self.expression.finditer(small if self.lowered else data)]
        return max([*begins[-1:], *(small.rfind(word) for word in self.words)], default=-1)


@dataclass(frozen=True)
class LogFilter:
    """What is wanted of logs; of all that it says each is demanded."""

    errors: bool = False
    pattern: LogPattern | None = None
    begin: float = 0.0
    """Seconds since the epoch."""
    end: float = float("inf")
    warnings: bool = False
    """Only warnings and errors."""

    def wants(self, entry: LogEntry) -> bool:
        """True of what is wanted."""
        if self.errors and entry.level is not Kind.ERROR:
            return False
        if self.warnings and entry.level is Kind.LOG:
            return False
        if not self.begin <= entry.at <= self.end:
            return False
        return self.pattern is None or any(self.pattern.expression.search(line[:MAX_SEARCHED]) for line in entry.lines)

    @cached_property
    def candidates(self) -> Candidates | None:
        """What is found in the bytes of all that is wanted, and can be looked for among other lines; None: nothing."""
        if self.pattern is not None and self.pattern.text.isascii() and not _HAS_ENDS.search(self.pattern.text):
            # What ignores case is found in small letters four times as fast, if the expression has none but these.
            lowered = self.pattern.ignores_case and self.pattern.text == self.pattern.text.lower()
            flags = (re.IGNORECASE if self.pattern.ignores_case and not lowered else 0) | re.MULTILINE
            return Candidates(re.compile(self.pattern.text.encode(), flags), lowered)
        return Candidates(_ERROR_FORMS, words=_ERROR_WORDS) if self.errors else None


EVERYTHING = LogFilter()
