"""One agent as one row of the table, in the columns that the operator chose: pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from mailcore.model.fleet import AgentFacts, Status
from mailcore.text.units import since
from praxmonitor.text.agents import BYPASS, LOOKS, RANK, attempts, last_seen, task
from praxmonitor.text.hosts import AWAY, name_column
from praxmonitor.text.lines import Line, Span, fit, pad, plain, spread, width_of
from praxmonitor.text.usage import COST, cost_cell
from praxmonitor.widgets.card import badge, bar, held, marked_glyph, newest_sign, next_start

LEAST_SHARE = 14
"""Cells of a column that shares what is left; with fewer the least important column is left out."""
GROUP_CELLS = 12
"""Cells of the group, where agents are grouped."""


class TableRow(NamedTuple):
    """What is drawn of one agent."""

    facts: AgentFacts
    status: Status
    now: float
    selected: bool = False
    marked: bool = False
    bypass: bool = False
    """It works without asking for permissions."""
    pulse: str = ""
    """How much it did lately, drawn in cells."""
    every: float = 0.0
    """Seconds of the timer that wakes it; 0.0: it has none."""
    group: str | None = None
    """What it is grouped by, empty where the row above says it; None: nothing is grouped."""
    away: float | None = None
    """Since when its host is not heard; None: it is."""
    linked: bool = False
    """There are agents of other hosts."""


class Column(NamedTuple):
    """One column."""

    title: str
    cell: Callable[[TableRow, int], Line]
    """What stands in it, in so many cells at most."""
    width: int
    """Cells; 0: it shares what the others leave."""
    help: str
    share: int = 0
    right: bool = False


def _mail(row: TableRow, _: int) -> Line:
    text, role = badge(row.facts)
    return ((f"{text[:1]}{text[1:]:>2}", role),)


def _state(row: TableRow, _: int) -> Line:
    look = LOOKS[row.status.state]
    mark, role = held(row.facts, row.status) if row.away is None else (AWAY, "")
    return ((mark or " ", role), (look.word, look.role))


def _since(row: TableRow, _: int) -> Line:
    return ((since(row.away or row.status.since, row.now), "faint"),)


def _task(row: TableRow, width: int) -> Line:
    what, role = task(row.facts), ""
    if not what:
        what, role = plain(row.facts.agent.role), "faint"
    tries = attempts(row.facts)
    mode: tuple[Span, ...] = (BYPASS, (" ", "")) if row.bypass else ()
    return spread((*mode, (what, role)), ((tries, "muted"),), width) if tries else (*mode, (what, role))


def _now(row: TableRow, _: int) -> Line:
    return newest_sign(row.facts, "muted")


def _age(row: TableRow, _: int) -> Line:
    return ((since(last_seen(row.facts), row.now) or "never", "faint"),)


def _next(row: TableRow, _: int) -> Line:
    *_words, day, at = f" {next_start(row.facts, row.now, row.every)}".split(" ")
    return ((day[5:] if day[:2].isdigit() else at, "muted"),)


def _cost(row: TableRow, _: int) -> Line:
    return ((cost_cell(row.facts.spending, row.now), "muted"),)


def _pulse(row: TableRow, _: int) -> Line:
    return ((row.pulse, "muted"),)


def _program(row: TableRow, _: int) -> Line:
    return ((plain(row.facts.run.program) if row.facts.run is not None else "", "faint"),)


COLUMNS: Mapping[str, Column] = {
    "unread": Column("✉", _mail, 4, "mail that nobody has opened"),
    "state": Column(" state", _state, 11, "its state in a word"),
    "since": Column("since", _since, 5, "how long it is in that state", right=True),
    "task": Column("task", _task, 0, "what it is on, and the attempt", share=2),
    "cost": Column("today", _cost, COST, "what it cost today", right=True),
    "now": Column("last sign of life", _now, 0, "what it does now, or did last", share=3),
    "age": Column("seen", _age, 5, "the age of its last sign of life", right=True),
    "next": Column("next", _next, 5, "when its run goes on, or is tried again", right=True),
    "activity": Column("20 min", _pulse, 10, "how much it did in the last twenty minutes"),
    "program": Column("program", _program, 8, "the program of its newest run"),
}
USUAL = ("unread", "state", "since", "task", "cost", "now", "age")
LEFT_OUT = ("program", "next", "activity", "age", "now", "cost")
"""Where there is no room for all: these, in this order."""


def known_columns(chosen: Sequence[str]) -> tuple[str, ...]:
    """Those that there are of the chosen ones; the usual where nothing, or nothing that there is, was chosen."""
    return tuple(dict.fromkeys(each for each in chosen if each in COLUMNS)) or USUAL


def widths(chosen: Sequence[str], width: int, grouped: bool, linked: bool = False) -> tuple[int, dict[str, int]]:
    """Cells of the name, and of each column that has room. `linked`: names have their hosts behind them."""
    name = 20 if width >= 100 else 18 if linked else 14
    kept = list(known_columns(chosen))
    left_out = [each for each in LEFT_OUT if each in kept]
    while True:
        fixed = 4 + name + grouped * (GROUP_CELLS + 1) + sum(COLUMNS[each].width + 1 for each in kept)
        sharing = [each for each in kept if COLUMNS[each].share]
        rest = width - fixed
        if rest >= LEAST_SHARE * len(sharing) or not left_out:
            break
        kept.remove(left_out.pop(0))
    shares = max(1, sum(COLUMNS[each].share for each in sharing))
    given = {each: COLUMNS[each].width for each in kept}
    for each in sharing[:-1]:
        given[each] = max(0, min(LEAST_SHARE, rest // len(sharing)), rest * COLUMNS[each].share // shares)
    for each in sharing[-1:]:
        given[each] = max(0, rest - sum(given[other] for other in sharing[:-1]))
    return name, given


def heading(width: int, chosen: Sequence[str] = (), grouped: bool = False, linked: bool = False) -> Line:
    """Names over the rows."""
    name, given = widths(chosen, width, grouped, linked)
    group = f"{pad('group', GROUP_CELLS)} " if grouped else ""
    titles = (
        f"{COLUMNS[each].title:>{cells}}" if COLUMNS[each].right else pad(COLUMNS[each].title, cells)
        for each, cells in given.items()
    )
    return fit(((f" {group}  {pad('agent', name)} {' '.join(titles)}", "faint"),), width)


def row_line(row: TableRow, width: int, chosen: Sequence[str] = ()) -> Line:
    """One agent in one line of exactly `width` cells."""
    facts, look = row.facts, LOOKS[row.status.state]
    name, given = widths(chosen, width, row.group is not None, row.linked)
    line: list[Span] = [bar(look.role, row.selected)]
    if row.group is not None:
        line.append((f"{pad(row.group, GROUP_CELLS)} ", "muted"))
    line += marked_glyph(look, row.marked)
    role = "strong" if RANK[row.status.state] < 2 else ""
    *before, (last, last_role) = name_column(facts.address, (facts.agent.host,), name, role)
    line += (*before, (f"{last} ", last_role))
    for each, cells in given.items():
        column = COLUMNS[each]
        drawn = column.cell(row, cells)
        if column.right:
            line.append((" " * max(0, cells - width_of(drawn)), ""))
        line += (*fit(drawn, cells if not column.right else min(cells, width_of(drawn))), (" ", ""))
    return fit(line, width)
