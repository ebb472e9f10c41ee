"""What stands in a question before an act: pure, from the facts that the screen shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mailcore.model.fleet import AgentFacts
from mailcore.model.message import Message
from mailcore.text.units import age, since, soon
from praxmonitor.actions.kills import Victim
from praxmonitor.text.agents import task
from praxmonitor.text.lines import Line, cut, pad, plain, sender, spread, wrapped
from praxmonitor.text.usage import amount, so_far

MOST_MAILS = 10
MOST_PROCESSES = 12
"""Of each so many are listed; the rest are counted."""


def start_question(what: str, facts: AgentFacts, earlier: str = "") -> tuple[str, str]:
    """Question and subject before a `retry` or a `wake` of this agent; `earlier`: its run, if not the last one."""
    address, unread = plain(facts.address), facts.mailbox.unread
    if what == "retry" and facts.run is not None and facts.run.parked:
        until = f"until {soon(facts.run.resets_at)}" if facts.run.resets_at else "and nobody knows until when"
        return f"Let {address} go on now?", f"its limit is known to stand {until}"
    if earlier:
        return f"Run an earlier task of {address} again?", f"{task(facts)} (run {plain(earlier)})"
    if what == "retry":
        return f"Run the last task of {address} again?", task(facts)
    if not unread:
        return f"Wake {address}?", "it has no new mail: it would go on with its worklog"
    return f"Wake {address}?", f"{unread} new mail{'s' if unread > 1 else ''} wait{'' if unread > 1 else 's'} for it"


def start_lines(facts: AgentFacts, now: float, bypass: bool, width: int) -> list[Line]:
    """How its last run ended, what that used and today did, and whether the new one asks for permissions."""
    told = _start(facts, now, bypass)
    return [
        ((pad("" if number else label, 10), "muted"), (part, role))
        for label, said, role in told
        for number, part in enumerate(wrapped(said, max(10, width - 10), 2))
    ]


def _start(facts: AgentFacts, now: float, bypass: bool) -> Iterator[tuple[str, str, str]]:
    run, spending = facts.run, facts.spending
    if run is not None:
        why = f": {plain(run.reason)}" if run.reason else ""
        yield "last run", f"{run.phase} {age(now - run.since)} ago{why}", ""
        if run.run_id == spending.run_id and amount(spending.task):
            yield "used", so_far(spending, spending.task), ""
    if amount(spending.today):
        yield "today", so_far(spending, spending.today), ""
    if bypass:
        yield "BYPASS", "it works without asking for permissions", "warn"
    if not (run or bypass or amount(spending.today)):
        yield "last run", "none yet", "faint"


def agent_lines(agents: Sequence[AgentFacts], width: int) -> list[Line]:
    """Several agents that an act would take: name and task of each."""
    lines: list[Line] = [
        ((pad(plain(facts.address), 16), ""), (f" {cut(task(facts) or 'no task', width - 17)}", "muted"))
        for facts in agents[:MOST_PROCESSES]
    ]
    if len(agents) > MOST_PROCESSES:
        lines.append(((f"and {len(agents) - MOST_PROCESSES} more", "faint"),))
    return lines


def close_lines(messages: Sequence[Message], now: float, width: int) -> list[Line]:
    """The mails that would be closed: sender, subject, age."""
    lines = [
        spread(
            ((pad(sender(message.sender), 16), "muted"), (plain(message.subject), "")),
            ((since(message.at, now), "faint"),),
            width,
        )
        for message in messages[:MOST_MAILS]
    ]
    if len(messages) > MOST_MAILS:
        lines.append(((f"and {len(messages) - MOST_MAILS} more", "faint"),))
    return lines


def victim_lines(victims: Sequence[Victim], now: float, width: int, *, host: str = "") -> list[Line]:
    """The process tree: PID, command, age. `host`: the other host on which alone it is seen."""
    if host:
        return [((f"{plain(host)} ends it; its processes are seen there alone", "muted"),)]
    if not victims:
        return [(("no process is left of it; its lock will be cleared", "muted"),)]
    lines: list[Line] = []
    for victim in victims[:MOST_PROCESSES]:
        branch = f"{'  ' * (victim.depth - 1)}└ " if victim.depth else ""
        left = ((f"{victim.pid:>8}  ", ""), (f"{branch}{plain(victim.command)}", "muted"))
        lines.append(spread(left, ((age(now - victim.started_at), "faint"),), width))
    if len(victims) > MOST_PROCESSES:
        lines.append(((f"          and {len(victims) - MOST_PROCESSES} more", "faint"),))
    return lines
