"""One agent as a card of two to five lines: pure functions, the grid's pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailcore.model.activity import Activity, Kind
from mailcore.model.fleet import AgentFacts, State, Status
from mailcore.model.message import MailboxStatus
from mailcore.model.permission import request_words
from mailcore.model.run import Phase
from mailcore.text.units import clock_cells, since, soon
from praxmonitor.text.activities import KINDS
from praxmonitor.text.agents import BYPASS, LOOKS, Look, attempts, run_subject, shortened, task
from praxmonitor.text.hosts import AWAY, away_words, name_spans
from praxmonitor.text.lines import Line, Span, fit, plain, spread, width_of, wrapped

CARD_HEIGHTS = (4, 3, 2)
"""Lines of a card. The lowest has its title and the last sign of life, or the task where there is none."""
TALLEST = 5
"""Lines of one where there is room for more: a long task has two of them."""

_EXIT = re.compile(r"(?:attempt \d+/\d+: )?(exit -?\d+): (.+)")
_OF_A_RUN = frozenset((Kind.STARTED, Kind.RETRYING, Kind.DONE, Kind.FAILED, Kind.KILLED))


def bar(role: str, selected: bool) -> Span:
    """The edge at the left: its colour is the state's, its thickness says which agent is selected."""
    return ("█" if selected else "▎", role)


def marked_glyph(look: Look, marked: bool) -> Line:
    """The glyph of a state, and beside it the sign of one that is marked."""
    return ((look.glyph, f"{look.role} strong"), ("*", "accent strong") if marked else (" ", ""))


def badge(facts: AgentFacts) -> Span:
    """`✉2`, `✉?` where the mailbox cannot be read; empty where nothing waits to be opened."""
    if facts.mailbox.status is MailboxStatus.UNREADABLE:
        return ("✉?", "error strong")
    return (f"✉{facts.mailbox.unread}", "accent strong") if facts.mailbox.unread else ("", "")


def timed(activity: Activity) -> str:
    """Its time of day in ten cells; `<` before it where it was then or before."""
    return f"{'<' if activity.before else ''}{clock_cells(activity.at)}".ljust(10)


def activity_spans(activity: Activity, role: str) -> Line:
    """Glyph and text of one activity; `role` colours the text."""
    return _sign(activity, shortened(plain(activity.text)), role)


def _sign(activity: Activity, said: str, role: str) -> Line:
    glyph, glyph_role = KINDS[activity.kind]
    return ((glyph, glyph_role), (f" {said}", role))


def held(facts: AgentFacts, status: Status) -> Span:
    """`‖` beside the state of one that is held while it still works; empty else."""
    look = LOOKS[State.HELD]
    return (look.glyph, look.role) if facts.held and status.state is not State.HELD else ("", "")


def card_lines(
    facts: AgentFacts,
    status: Status,
    now: float,
    width: int,
    selected: bool,
    bypass: bool = False,
    height: int = CARD_HEIGHTS[0],
    marked: bool = False,
    away: float | None = None,
) -> tuple[Line, ...]:
    """The `height` lines of a card, each exactly `width` cells; with `bypass` and `marked` it wears their signs.

    `away`: since when its host is not heard; None: it is."""
    look = LOOKS[status.state]
    edge = (bar(look.role, selected), (" ", ""))
    inner = width - 3
    title, whole = _title(facts, status, now, inner, marked, away)
    lines = [title, *_body(facts, now, inner, bypass, height - 1, kept=not whole)]
    if not whole and not lines[-1]:
        said = (("for ", "faint"), (since(status.since, now), look.role))
        lines[-1] = spread((), said if away is None else ((away_words(away, now), ""),), inner)
    return tuple((*edge, *fit(line, inner), (" ", "")) for line in lines)


def _title(
    facts: AgentFacts, status: Status, now: float, width: int, marked: bool, away: float | None
) -> tuple[Line, bool]:
    """The first line, and whether it has room for how long the state lasts. Where it has not, name, mail and both
    activities are worth more: the length stands in the last line if that is empty."""
    look = LOOKS[status.state]
    length = since(status.since, now) if status.state is not State.LIMITED else next_try(facts, now)
    if away is not None:
        length = away_words(away, now)
    mail, mark = badge(facts), held(facts, status) if away is None else (AWAY, "")
    name = plain(facts.address.removeprefix("@"))
    if status.state is State.UNREADABLE and width_of(((name, ""), mail, mark)) + len(look.word) + 4 > width:
        mail = ("", "")  # the state says it too
    room = width - width_of((mail, mark)) - len(look.word) - (4 if mail[0] else 3)
    right: Line = (mark, (look.word, look.role))
    whole = not length or width_of(((name, ""),)) + len(length) + 1 <= room
    if length and whole:
        right = (*right, (f" {length}", "faint"))
    named = name_spans(facts.address, (facts.agent.host,), max(4, room), "strong")
    left = (*marked_glyph(look, marked), *named, (" " if mail[0] else "", ""), mail)
    return spread(left, right, width), whole


def next_try(facts: AgentFacts, now: float) -> str:
    """When a run goes on that waits for a limit: `03:30`."""
    return soon(facts.run.next_at, now=now) if facts.run is not None and facts.run.next_at else ""


def next_start(facts: AgentFacts, now: float, every: float = 0.0) -> str:
    """When its run goes on, or is tried again, or a timer is due that wakes it `every` so many seconds: `next try
    03:30`, `goes on now`, `timer late since 02:00`; empty where nothing is known to come."""
    run = facts.run
    if run is None:
        return ""
    if run.phase.ended and every:
        due = run.created_at + every
        return f"timer {'' if due > now else 'late since '}{soon(due, now=now)}"
    if run.phase is not Phase.WAITING or not run.next_at:
        return ""
    return f"{'goes on' if run.parked else 'next try'} {soon(run.next_at, now=now) if run.next_at > now else 'now'}"


def _body(facts: AgentFacts, now: float, width: int, bypass: bool, count: int, *, kept: bool) -> list[Line]:
    """The `count` lines under the title. A long task has a second one where neither of the last two signs of life needs
    it, nor the length of the state (`kept`)."""
    badge: Line = (BYPASS, (" ", "")) if bypass else ()
    signs = list(_signs(facts, now, count == 1))
    if count == 1 and signs:
        left, right = signs[0]
        return [spread(left, (*badge, *right), width)]
    subject, role = task(facts), ""
    if not subject:
        subject, role = plain(facts.agent.role) or "no task", "faint"
    tries = attempts(facts)
    right = (*(badge if tries else badge[:1]), (tries, "muted"))
    room = width - 2 - (width_of(right) and width_of(right) + 1)
    free = count - 1 - min(2, len(signs)) - kept
    said = wrapped(subject, room, 2) if free > 0 and room > 0 else [subject]
    lines = [spread((("  ", ""), (said[0], role)), right, width), *((("  ", ""), (part, role)) for part in said[1:])]
    return [*lines, *(spread(left, right, width) if right else left for left, right in signs), *[()] * count][:count]


def _signs(facts: AgentFacts, now: float, alone: bool) -> Iterator[tuple[Line, Line]]:
    """What is wrong with the mailbox, then the last three signs of life, each with its age. `alone`: no task stands
    beside them, so a run that began or is done says it."""
    if facts.mailbox.status is MailboxStatus.UNREADABLE:
        yield (("⊠ ", "error"), (plain(facts.mailbox.reason), "error")), ()
    roles, above = iter(("muted", "faint", "faint")), ""
    if facts.permissions:
        oldest, *more = facts.permissions
        next(roles)
        asks = f"? {plain(request_words(oldest))}{f' (and {len(more)} more)' if more else ''}"
        yield ((asks, LOOKS[State.WAITING].role),), ((since(oldest.at, now), "faint"),)
    for activity in reversed(facts.activities):
        if facts.permissions and activity.kind is Kind.WAITING:
            continue  # said above
        whole = alone and activity.kind in (Kind.STARTED, Kind.DONE)
        said = shortened(plain(activity.text)) if whole else news(activity, facts)
        if said and not (activity.kind is Kind.ERROR and above.startswith(said)):  # it ended the run
            above = said
            if (role := next(roles, None)) is None:
                return
            yield _sign(activity, said, role), ((since(activity.at, now), "faint"),)


def news(activity: Activity, facts: AgentFacts) -> str:
    """What an activity says beyond the task that stands beside it, for the end of a text is what is cut: `attempt 3/3:
    exit 1`, `step 2 of 2`; empty where a run says no more than that task."""
    text, subject = plain(activity.text), run_subject(facts)
    rest = text.removeprefix(subject)
    if not subject or rest == text:
        return shortened(text)
    if not rest:
        return "" if activity.kind in _OF_A_RUN else text
    if rest.startswith(" ("):
        return _cause_first(rest[2:].replace(")", "", 1))
    return _cause_first(rest[2:]) if rest.startswith((": ", ", ")) else text


def _cause_first(said: str) -> str:
    """`ValueError: row 4711 (exit 3)` of `attempt 3/3: exit 3: ValueError: row 4711`: what is cut is the end, and which
    attempt it is stands beside the task."""
    told = _EXIT.fullmatch(said)
    return f"{told[2]} ({told[1]})" if told is not None else said


def newest_sign(facts: AgentFacts, role: str) -> Line:
    """Its newest activity that says something beyond its task; empty for none."""
    for activity in reversed(facts.activities):
        if said := news(activity, facts):
            return _sign(activity, said, role)
    return ()
