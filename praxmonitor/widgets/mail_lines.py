"""One mail in lines: its row in a list, its head with its ladder, what it asks for, its text. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from mailcore.mail.message_text import issue_url, proof_of, sender_text
from mailcore.model.message import FINAL, Message
from mailcore.text import counted, hidden_characters
from mailcore.text.units import UNKNOWN_TIME, clock_time, date, date_and_time, duration, since
from praxmonitor.state.mail import MailEntry
from praxmonitor.text.lines import Line, Span, cut, fit, plain, sender, spread, width_of, wrapped
from praxmonitor.text.markdown import markdown_lines, written_lines

MOST_LINES = 2000
"""Of a body; a longer one says that it goes on."""
ONE_LINE = 56
"""Cells from which on a mail is one line in a list; in fewer its subject stands below."""
ROOMY = 76
"""Cells from which on both parties of what was found stand in full."""
_GOOD = {"done": "✓", "approved": "✓", "blocked": "‖", "declined": "✗", "denied": "✗", "refused": "✗"}
_SHORT = {"acknowledged": "taken", "submitted": "told", "unknown": "?"}
Limit = Callable[[str], float]
"""Seconds that a mail of this priority may stand on one rung."""


def row_height(width: int, *, found: bool) -> int:
    """Lines of a mail in a list of that width; `found`: with what stands around what was sought."""
    return 1 + (width < ONE_LINE) + found


def mail_rows(entry: MailEntry, now: float, width: int, limit: Limit, *, found: bool = False) -> list[Line]:
    """One mail in a list, in lines of `width` cells: mark, number, priority, party, subject, where it stands since
    when, its age; below what was `found`."""
    message = entry.message
    indent: Span = ("  " * min(entry.depth, 6, max(0, width // 16)), "")
    mark: Span = ("✉ ", "accent strong") if message.unread and not entry.sent else ("  ", "")
    number: Span = (f"{f'#{message.seq}' if message.seq else '':>5} ", "faint")
    name = min(16, max(10, width // 6)) * (2 if found and width >= ROOMY else 1)
    who = cut(_party(entry, name, both=found and width >= ROOMY), name)
    party: Span = (f"{who:<{name}} " if width >= ONE_LINE else who, "muted")
    expired = message.expired_at(now)
    asks: Span = (f"[approval, tier {message.tier}] ", "warn") if message.undecided else ("", "")
    if expired:
        asks = (f"[expired {_time_of(expired, now)}] ", "muted")
    news = message.unread and not message.lapsed
    subject: Span = (
        plain(message.subject) or "(no subject)", "" if (news or message.undecided) and not expired else "muted"
    )  # fmt: skip
    times = f"x{message.updates} " if message.updates > 1 else ""
    right: Line = (_standing(entry, now, limit), (f" {times}{since(message.at, now):>4}", "faint"))
    left: Line = (mark, number, _priority(message), indent, party)
    if width >= ONE_LINE:
        lines = [spread((*left, asks, subject), right, width)]
    else:
        lines = [spread(left, right, width), fit((("  ", ""), indent, asks, subject), width)]
    if found:
        lines.append(fit((("  ", ""), (plain(entry.passage), "faint")), width))
    return lines


def _party(entry: MailEntry, width: int, *, both: bool) -> str:
    """Who wrote, or to whom; of what was found both, for it may lie in any mailbox."""
    who, to = sender(entry.message.sender), sender(entry.message.recipient or entry.owner)
    if entry.sent:
        return f"→ {to}"
    return f"{cut(who, width // 2 - 2)} → {to}" if both else who


def _priority(message: Message) -> Span:
    match message.urgency:
        case 0:
            return "! ", "warn strong"
        case 2:
            return "↓ ", "faint"
    return ("» ", "faint") if message.is_task else ("  ", "")


def _time_of(at: float, now: float) -> str:
    """In five cells: of today the time, else month and day."""
    return clock_time(at, seconds=False) if date(at) == date(now) else date(at)[5:]


def _standing(entry: MailEntry, now: float, limit: Limit) -> Span:
    rung, at = entry.stands
    stuck = entry.stuck(limit(entry.message.priority), now)
    said = f"{_GOOD.get(rung, '')}{' ' if rung in _GOOD else ''}{_SHORT.get(rung, rung)}"
    when = _time_of(at, now) if at else ""
    text = f"{'stuck: ' if stuck else ''}{said}{' ' if when else ''}{when}"
    if stuck:
        return text, "warn"
    return text, "accent" if rung in ("done", "approved", "answered") else "error" if rung == "refused" else "faint"


def brief_head_lines(entry: MailEntry, now: float, width: int, limit: Limit, *, own: bool = False) -> Iterator[Line]:
    """The same for a low panel: subject, who and when, its ladder, and what it asks for."""
    message = entry.message
    yield ((cut(plain(message.subject) or "(no subject)", width), "strong"),)
    number = f"#{message.seq} " if message.seq else ""
    facts = f"{number}{sender(message.sender)} ({proof_of(message)}) · {date_and_time(message.at, never=UNKNOWN_TIME)}"
    yield ((cut(facts, width), "muted"),)
    yield from ladder_lines(entry, now, width, limit, brief=True)
    yield from request_lines(message, now, width, own=own)


def head_lines(
    entry: MailEntry, now: float, width: int, limit: Limit, *, own: bool = False, mails: int = 0
) -> Iterator[Line]:
    """What is known of a mail beside its text. `own`: it lies open in the operator's mailbox; `mails`: of its thread, 0
    where that is not known."""
    message = entry.message
    for part in wrapped(plain(message.subject) or "(no subject)", width, 3):
        yield ((part, "strong"),)
    names = [f"#{message.seq}" if message.seq else "", plain(message.id)]
    facts = [" ".join(filter(None, names)), f"{message.priority} priority" if message.urgency != 1 else ""]
    facts += ["a task: the agent is woken for it" if message.is_task else "", "archived" if entry.archived else ""]
    facts += [f"said {message.updates} times" if message.updates > 1 else ""]
    yield from _flow(filter(None, facts), width, "muted")
    parties = [f"from {plain(sender_text(message))}", f"to {sender(message.recipient or entry.owner)}"]
    yield from _flow(parties, width, "muted")
    yield from _flow(
        [
            f"sent {date_and_time(message.at, never=UNKNOWN_TIME)}",
            f"thread {plain(message.thread_id)[:12]}" if message.thread_id else "",
            f"{counted(mails, 'mail')} in it" if mails > 1 else "",
            "answers another" if message.in_reply_to else "",
        ],
        width,
        "faint",
    )
    yield from ladder_lines(entry, now, width, limit)
    if issue := issue_url(message):
        yield from _flow([f"issue {issue}"], width, "muted")
    if unseen := hidden_characters(message.body):
        yield from _flow([f"{counted(unseen, 'unseen character')} taken out of the text"], width, "warn")
    yield from request_lines(message, now, width, own=own)


def ladder_lines(entry: MailEntry, now: float, width: int, limit: Limit, *, brief: bool = False) -> Iterator[Line]:
    """Each rung that it has reached, with its time; the one that it is stuck on; unless it is to be `brief`, who saw it
    and what was said of it at the end."""
    climbed = entry.climbed
    if climbed is None:
        yield from _flow([f"{entry.became or 'unknown'}: no copy of it is known here"], width, "warn")
    else:
        day = date(climbed.rungs[0][1])
        steps = []
        for rung, at in climbed.rungs:
            steps.append(f"{rung} {clock_time(at) if date(at) == day else date_and_time(at, seconds=False)}")
        if entry.became in ("answered", "closed"):
            steps.append(entry.became)
        yield from _flow(steps, width, "accent", " → ")
        if entry.stuck(most := limit(entry.message.priority), now):
            told = f"stuck on {climbed.rung!r} for {duration(now - climbed.since)}: {duration(most)} are allowed"
            yield from _flow([told], width, "warn")
        if not brief:
            yield from _flow(receipts(climbed.rungs, entry.message), width, "faint")
    if brief:
        return
    ack = entry.message.ack
    said = entry.result or (ack.result if ack is not None and ack.state in (*FINAL, "approved", "denied") else "")
    if said:
        word = ack.state if ack is not None else entry.became
        for part in wrapped(f"{word}: {plain(said)}", width, 6):
            yield ((part, ""),)


def receipts(rungs: tuple[tuple[str, float], ...], message: Message) -> list[str]:
    """Who saw it and where it was told, as its copy says."""
    seen_by, where = message.raw.get("seen_by"), message.raw.get("told_where")
    known = dict(rungs)
    found = [f"seen by {sender(seen_by)}" if isinstance(seen_by, str) and "seen" in known else ""]
    found.append(f"told through {plain(where)}" if isinstance(where, str) and where else "")
    return [one for one in found if one]


def request_lines(message: Message, now: float, width: int, *, own: bool) -> Iterator[Line]:
    """What a request for approval asks for, until when, and what decides it; that a task's end waits for a word."""
    expired = message.expired_at(now)
    if expired or message.lapsed:
        why, when = message.lapsed or "nobody decided in time", date_and_time(expired, seconds=False) if expired else ""
        yield ()
        yield from _barred(
            f"asked for {'your ' if own else ''}approval: tier {message.tier}. "
            f"{f'Expired {when}'.strip()}: {plain(why)}.",
            width,
        )
        if own:
            yield from _barred(f"Nothing is decided any more: {sender(message.sender)} has to ask again.", width)
    elif message.undecided:
        left = message.expires_at - now
        until = f", until {date_and_time(message.expires_at, seconds=False)}" if message.expires_at else ", for ever"
        in_time = f" (in {duration(left)})" if message.expires_at else ""
        yield ()
        yield from _barred(f"asks for {'your ' if own else ''}approval: tier {message.tier}{until}{in_time}", width)
        if own:
            yield from _barred(
                "Y approves, N denies (opened by Enter): you say why. No reply and no close decides it.", width
            )
    elif own and tells_an_end(message):
        yield ()
        yield from _barred("tells the end of a task: Y accepts it, O opens it again and says why", width)


def tells_an_end(message: Message) -> bool:
    """Whether it is the notice that a task is done, blocked or declined."""
    ack = message.ack
    return ack is not None and ack.state in FINAL and ack.by == message.sender != ""


def _barred(text: str, width: int) -> Iterator[Line]:
    for part in wrapped(text, width - 2, 4):
        yield (("┃ ", "warn"), (part, "warn"))


def _flow(
    facts: Iterator[str] | list[str] | filter[str], width: int, role: str, between: str = " · "
) -> Iterator[Line]:
    """Facts one after the other, in as few lines as they need; none is broken that fits in a line."""
    line = ""
    for fact in filter(None, facts):
        longer = f"{line}{between}{fact}" if line else fact
        if line and width_of([(longer, "")]) > width:
            yield ((cut(line, width), role),)
            longer = f"{between.lstrip()}{fact}" if between.strip() == "→" else fact
        line = longer
    if line:
        for part in wrapped(line, width, 3):
            yield ((part, role),)


def text_lines(message: Message, width: int, *, raw: bool = False) -> list[Line]:
    """The body, as Markdown, or `raw` as it was written."""
    drawn = written_lines(message.body, width) if raw else markdown_lines(message.body, width)
    lines = list(islice(drawn, MOST_LINES + 1))
    if len(lines) > MOST_LINES:
        lines[MOST_LINES] = (("… and more", "faint"),)
    return lines
