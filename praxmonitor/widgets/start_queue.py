"""The starts that wait for one agent, the next first."""

from __future__ import annotations

from functools import partial

from mailcore.text.units import since
from praxmonitor.state.agent_details import AgentDetails, WaitingStart
from praxmonitor.text.lines import Line, plain, spread, wrapped
from praxmonitor.widgets.line_list import READING
from praxmonitor.widgets.row_list import Row, marked

WAITS_FOR = 2
NO_START = (
    "nothing waits for this agent: a task that is dispatched while it works, is held or has reached a limit would "
    "stand here until it begins"
)


def queue_head(details: AgentDetails | None, width: int) -> list[Line]:
    """What the list is, or why it is empty."""
    if details is None:
        return [READING]
    if not details.starts:
        return [((part, "faint"),) for part in wrapped(NO_START, width, 4)]
    count = len(details.starts)
    return [((f"{count} start{'s wait' if count > 1 else ' waits'}, the next first", "strong"),), ()]


def queue_rows(details: AgentDetails | None, now: float) -> list[Row]:
    """A row of each start: its place and subject, its age, and what it waits for."""
    starts = details.starts if details is not None else ()
    return [
        Row((start.id,), marked(partial(_start_lines, start, place + 1, now))) for place, start in enumerate(starts)
    ]


def _start_lines(start: WaitingStart, place: int, now: float, width: int) -> list[Line]:
    number = f"{place}. "
    first = spread(
        ((number, "muted"), (plain(start.subject) or "a wake", "")), ((since(start.at, now), "faint"),), width
    )
    indent = len(number)
    why = wrapped(plain(start.reason), width - indent, WAITS_FOR) if start.reason else []
    return [first, *(((" " * indent, ""), (part, "faint")) for part in why)]
