"""`usage`: what the agents used, by agent, task or day."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import sender_option
from mailcore.exceptions import UsageError
from mailcore.model.usage import Usage
from mailcore.text import line
from mailcore.text.money import cost, unpriced_note
from mailcore.text.units import date

MAX_DAYS = 3660


def arguments(verb: str, parser: Parser) -> None:
    """`usage [@a…] [--days N] [--by agent|task|day]`."""
    del verb
    parser.add_argument("addresses", nargs="*", metavar="@a", help="whose; without it everybody's that you may see")
    parser.add_argument("--days", type=int, default=7, metavar="N", help="today and the days before it, N in all (7)")
    parser.add_argument("--by", choices=("agent", "task", "day"), default="agent", help="a line for each (agent)")
    sender_option(parser)


def usage(call: Call) -> VerbResult:
    """Tokens and money from the agents' session files and the journals of their runs; what these omit is estimated."""
    from mailcore.accounts.account import accounts
    from mailcore.observe.usage_ledger import Entry, ledger
    from mailcore.programs.prices import Prices

    days, by = call.arguments.days, call.arguments.by
    if not 1 <= days <= MAX_DAYS:
        raise UsageError(f"--days {days}: 1 to {MAX_DAYS}")
    if call.arguments.addresses:
        agents = [call.visible(address) for address in dict.fromkeys(call.arguments.addresses)]
    else:
        agents = [agent for agent in call.workspace.agents if call.sees(agent.address)]
    today = datetime.fromtimestamp(time.time()).replace(hour=0, minute=0, second=0, microsecond=0)
    since = today - timedelta(days=days - 1)
    places, prices = accounts(call.config), Prices(call.config.prices)
    found = ledger(agents, since.timestamp(), call.workspace.agents, places, prices)

    def key(entry: Entry) -> tuple[str, ...]:
        if by == "day":
            return (entry.day,)
        if by == "agent":
            return (entry.agent,)
        run = entry.run
        return (run.run_id, entry.agent, run.subject) if run is not None else ("", entry.agent, "no task")

    sums: dict[tuple[str, ...], Usage] = {}
    for entry in found.entries:
        sums[key(entry)] = sums.get(key(entry), Usage()) + entry.usage
    # Run ids begin with the second they were made in.
    order = list(sums) if by == "agent" else sorted(sums)
    heads = {"agent": ("agent",), "day": ("day",), "task": ("run", "agent", "task")}[by]
    total = sum(sums.values(), Usage())
    notes = [*found.notes, *unpriced_note(total)]
    value = {
        "since": date(since.timestamp()),
        "by": by,
        "rows": [{**dict(zip(heads, names, strict=True)), **sums[names].as_json()} for names in order],
        "total": total.as_json(),
        "notes": notes,
    }
    if not sums:
        return value, "\n".join([f"nothing was used since {value['since']}", *map(line, notes)])
    rows = [[*(line(name, 40) for name in names), *_cells(sums[names])] for names in order]
    rows.append(["total", *[""] * (len(heads) - 1), *_cells(total)])
    titles = [*heads, "input", "output", "cache read", "cache write", "cost"]
    return value, "\n".join([*_table([titles, *rows], len(heads)), *(f"note: {line(note)}" for note in notes)])


def _cells(used: Usage) -> list[str]:
    return [
        *(f"{n:,}" for n in (used.input, used.output, used.cache_read, used.cache_write)),
        cost(used, digits=4),
    ]


def _table(rows: Sequence[Sequence[str]], names: int) -> list[str]:
    """Columns as wide as they need: the first `names` to the left, the figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if n < names else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
