"""Notices: a notification leaves the screen after seconds, its text is kept for the list of notices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailcore.text.units import clock_time
from praxmonitor.text.lines import Line, plain, wrap

SEVERITY_ROLES = {"warning": "warn", "error": "error"}


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification."""

    at: float
    """Seconds since the epoch."""
    text: str
    """Untrusted: it may quote an agent."""
    severity: str = "information"
    """`information`, `warning` or `error`."""


def notice_lines(notices: Iterable[Notice], width: int) -> Iterator[Line]:
    """Time and words of each, wrapped to `width`, in the order given."""
    empty = True
    for notice in notices:
        empty = False
        role = SEVERITY_ROLES.get(notice.severity, "")
        for number, part in enumerate(wrap(plain(notice.text), max(10, width - 10))):
            yield ((f"{'' if number else clock_time(notice.at):<8}  ", "faint"), (part, role))
    if empty:
        yield (("no notices yet", "faint"),)
