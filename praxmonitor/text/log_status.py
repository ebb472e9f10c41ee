"""The line above a log: which, where in it the cursor stands, what is shown of it, whether it goes on. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from mailcore.text import counted
from mailcore.text.units import size
from praxmonitor.text.lines import Line, Span, cut, plain, spread, width_of
from praxmonitor.text.log_lines import LogLook
from praxmonitor.text.log_rows import LevelFilter, RowPosition, SearchState

LEVEL_WORDS = {LevelFilter.WARNINGS: "warnings and errors", LevelFilter.ERRORS: "errors alone"}
LEAST_RATE = 1.0
"""Bytes a second from which on it is said how fast a log grows."""


@dataclass(frozen=True, slots=True)
class LogStatus:
    """What is said."""

    address: str
    name: str
    """The log's path, from the workspace's directory; or how all of them together are called."""
    position: RowPosition | None
    """None where there is no row."""
    level: LevelFilter
    follows: bool
    waiting: int | None
    """Lines that came since it follows no more; None: more than were counted."""
    rate: float
    """Bytes a second."""
    trouble: str
    look: LogLook
    searched: str
    """The pattern; empty: nothing is searched for."""
    search: SearchState


def status_line(status: LogStatus, width: int) -> Line:
    """The line in `width` cells; of the path the end stays."""
    parts = _states(status)
    while width_of(right := _joined(parts)) > max(20, width * 3 // 4) and len(parts) > 1:
        parts.pop()
    name = plain(status.name)
    room = width - width_of(right) - 2 - len(status.address) - 2
    if len(name) > room:
        name = f"…{name[-max(8, room - 1) :]}" if room > 12 else name.rpartition("/")[2]
    left: list[Span] = [(f" {plain(status.address)}", "strong"), (f"  {name}", "accent")]
    return spread(left, right, width)


def _joined(parts: list[Span]) -> list[Span]:
    spans = [span for number, part in enumerate(parts) for span in ((" · " if number else "", "faint"), part)]
    return [*spans, (" ", "")]


def _states(status: LogStatus) -> list[Span]:
    """What is said of it, the most important first."""
    found: list[Span] = []
    if status.trouble:
        found.append((plain(status.trouble), "warn"))
    if status.follows:
        found.append(("following", "muted"))
    elif status.waiting is None:
        found.append(("many new lines", "warn"))
    elif status.waiting:
        found.append((f"{counted(status.waiting, 'new line')}", "warn"))
    if status.searched:
        found.append((_search(status), "accent"))
    if status.position is not None:
        found.append((_position(status.position), "muted"))
    if status.level is not LevelFilter.ALL:
        found.append((LEVEL_WORDS[status.level], "accent"))
    if status.rate >= LEAST_RATE:
        found.append((f"+{size(status.rate)}/s", "muted"))
    if status.look.wrap:
        found.append(("wrapped", "muted"))
    if status.look.column:
        found.append((f"from cell {status.look.column}", "muted"))
    return found


def _search(status: LogStatus) -> str:
    state = status.search
    many = counted(state.count, "hit") if state.number is None else f"hit {state.number:,} of {state.count:,}"
    far = "" if state.done else f", {state.progress * 100:.0f} % searched"
    trouble = f", {cut(plain(state.trouble), 40)}" if state.trouble else ""
    return f"{cut(plain(status.searched), 24)!r}: {many}{far}{trouble}"


def _position(position: RowPosition) -> str:
    share = f"{position.share * 100:.0f} %"
    if position.number is None:
        return share
    total = f" of {position.total:,}" if position.total is not None else " of …"
    return f"line {position.number:,}{total} · {share}"
