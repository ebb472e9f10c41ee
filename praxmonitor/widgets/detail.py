"""The selected agent: state and reason, process, task, mailbox, log tail."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.model.fleet import AgentFacts, State, Status
from mailcore.model.message import Mailbox, MailboxStatus, Message
from mailcore.model.session import LiveSession
from mailcore.text.units import UNKNOWN_TIME, clock_time, moment, since, size
from praxmonitor.state.agent_details import AgentDetails, WaitingStart
from praxmonitor.text.agents import BYPASS, LOOKS, attempts, last_seen, running_pid, task
from praxmonitor.text.hosts import NOTHING_SAID, HostSaid, state_words
from praxmonitor.text.lines import Line, Span, cut, plain, sender, spread, wrapped
from praxmonitor.text.usage import inside_lines, usage_lines
from praxmonitor.widgets.card import activity_spans, held, next_start, timed
from praxmonitor.widgets.line_list import Lines

LABEL = 9
MOST_REASON = 3
MOST_MAIL = 6
FEWEST_LOG = 4
MOST_STARTS = 4
MOST_WHY = 2
FEWEST_LATELY = 4
"""Activities: where there is room for fewer, none is shown."""


def detail_lines(
    facts: AgentFacts,
    status: Status,
    details: AgentDetails | None,
    now: float,
    width: int,
    height: int,
    bypass: bool = False,
    every: float = 0.0,
    host: HostSaid = NOTHING_SAID,
) -> list[Line]:
    """All lines of the panel; with `bypass` it wears that badge; `every`: the seconds of its timer; `host`: what is
    said of the host that it lives on, if that is another. What is left of `height` is shared by what it did lately and
    its log, which has at least `FEWEST_LOG` lines."""
    look = LOOKS[status.state]
    badge: Line = (BYPASS, (" ", "")) if bypass else ()
    right = (*badge, held(facts, status), (look.word, look.role), *state_words(status, host.away, now))
    role = plain(facts.agent.role)
    lines = [
        spread(((f"{look.glyph} ", f"{look.role} strong"), (plain(facts.address), "strong")), right, width),
        *([((cut(f"  {role}", width), "faint"),)] if role else []),
        (),
    ]
    reason = wrapped(plain(status.reason), width - LABEL, MOST_REASON) if status.reason else []
    groups = [
        labelled("why", *(((part, look.role),) for part in reason)),
        labelled("host", *host.lines),
        labelled("held", *held_lines(facts, status)),
        labelled("seen", *seen_lines(facts, now, every)),
        labelled("process", *process_lines(facts, details)),
        labelled("task", *(() if facts.agent.is_session else _task(facts))),
        labelled("waiting", *waiting_lines(details, now, width - LABEL)),
        labelled("inside", *inside_lines(facts, now, width - LABEL)),
        labelled("used", *usage_lines(facts.spending, width - LABEL)),
        labelled("mail", *(() if facts.agent.is_session else mail_summary(facts.mailbox, now, width - LABEL))),
    ]
    for group in groups:
        if drawn := list(group):
            lines += [*drawn, ()]
    room = height - len(lines) - 1
    if details is not None and details.log_name:
        room = min(room // 2, room - FEWEST_LOG - 1)
    if room >= FEWEST_LATELY and facts.activities:
        lately = [((timed(one), "faint"), *activity_spans(one, "muted")) for one in facts.activities[-room + 1 :]]
        lines += [(("lately", "muted"),), *lately, ()]
    return [*lines, *log_lines(details, width, height - len(lines))]


def labelled(label: str, *values: Line) -> Iterator[Line]:
    """A group of lines with a dim label before the first."""
    for number, value in enumerate(values):
        yield ((f"{'' if number else label:<{LABEL}}", "muted"), *value)


def held_lines(facts: AgentFacts, status: Status) -> Iterator[Line]:
    """Who holds one that still works: for the others that is the reason of their state."""
    if held(facts, status)[0]:
        yield ((plain(facts.held), LOOKS[State.HELD].role),)


def seen_lines(facts: AgentFacts, now: float, every: float = 0.0) -> Iterator[Line]:
    """Its last sign of life, and when it is started next, as far as that is known; by a timer `every` so many
    seconds, where it has one."""
    last = last_seen(facts)
    said = f"{moment(last, now)}, {since(last, now)} ago" if last else "no sign of life yet"
    coming = next_start(facts, now, every)
    yield ((said, "" if last else "faint"), *((("   ", ""), (coming, "muted")) if coming else ()))


def process_lines(facts: AgentFacts, details: AgentDetails | None) -> Iterator[Line]:
    """PID, tree, CPU and memory; then the sessions that a person has open there. Of another host the PID alone."""
    sessions = facts.sessions
    if facts.agent.is_remote:
        pid, where = running_pid(facts), plain(facts.agent.host)
        yield ((f"pid {pid} on {where}", ""),) if pid else ((f"none known on {where}", "faint"),)
        yield from map(_session, sessions)
        return
    if details is None or not details.pid:
        if not sessions:
            yield (("none", "faint"),)
        yield from map(_session, sessions)
        return
    if not details.alive:
        yield ((f"pid {details.pid}", ""), (" has ended", "muted"))
        return
    yield ((f"pid {details.pid}", ""), (f"   since {clock_time(details.started_at, never=UNKNOWN_TIME)}", "muted"))
    if details.cpu_percent is not None:
        cpu, rss, count = f"{details.cpu_percent:.0f} %", size(details.rss), details.processes
        many = f"   {count} processes" if count > 1 else ""
        yield ((cpu, ""), (" cpu   ", "muted"), (rss, ""), (many, "muted"))
    yield from map(_session, sessions)


def _session(session: LiveSession) -> Line:
    where = f" at {plain(session.terminal)}" if session.terminal and not session.job else ""
    began = clock_time(session.began, seconds=False, never=UNKNOWN_TIME)
    return (
        ("in the background" if session.job else "by hand", ""),
        (f"   pid {session.pid}{where}, since {began}", "muted"),
    )


def waiting_lines(details: AgentDetails | None, now: float, width: int) -> Iterator[Line]:
    """How many starts wait for the agent, then the oldest few, and how to cancel one; nothing where none does. What
    several that follow each other wait for is said once, below them."""
    starts = details.starts if details is not None else ()
    if not starts:
        return
    many = f"{len(starts)} tasks wait" if len(starts) > 1 else "1 task waits"
    yield spread(((many, "strong"),), (("x cancels one", "faint"),), width)
    shown = starts[:MOST_STARTS]
    for start, following in zip(shown, (*shown[1:], None), strict=True):
        subject, *why = start_lines(start, now, width)
        yield subject
        if following is None or following.reason != start.reason:
            yield from why
    if len(starts) > MOST_STARTS:
        yield ((f"and {len(starts) - MOST_STARTS} more", "faint"),)


def start_lines(start: WaitingStart, now: float, width: int) -> list[Line]:
    """Subject and age of a start that waits; below, what it waits for."""
    first = spread(((plain(start.subject) or "a wake", ""),), ((since(start.at, now), "faint"),), width)
    return [first, *(((f"  {part}", "muted"),) for part in wrapped(plain(start.reason), width - 2, MOST_WHY))]


def _task(facts: AgentFacts) -> Iterator[Line]:
    subject, run = task(facts), facts.run
    yield ((subject or "none", "" if subject else "faint"),)
    if run is None:
        return
    count = attempts(facts)
    said = [f"from {sender(run.sender)}"] if run.sender else []
    if count:
        said.append(f"attempt {count}")
    if said:
        yield (("   ".join(said), "muted"),)
    for attempt in run.attempts:
        if attempt.cause and attempt.exit_code != 0:
            yield ((f"{attempt.number}  {plain(attempt.cause)}", "muted"),)


def mail_line(message: Message, now: float, width: int) -> Line:
    """New mark, sender, subject and age of one mail in `width` cells."""
    mark: Span = ("✉ ", "accent strong") if message.unread else ("  ", "")
    name = min(16, max(10, width // 4))
    who = cut(sender(message.sender), name)
    role = "" if message.unread else "muted"
    tier = f"[tier {message.tier}] " if message.awaits_decision(now) and message.tier > 1 else ""
    left = (mark, (f"{who:<{name}}  ", "muted"), (f"{tier}{plain(message.subject)}", role))
    times = f"x{message.updates}  " if message.updates > 1 else ""
    return spread(left, ((f"{times}{since(message.at, now)}", "faint"),), width)


def mail_summary(mailbox: Mailbox, now: float, width: int) -> Iterator[Line]:
    """How much waits, then the newest few. A mailbox that cannot be read says so, never "0"."""
    if mailbox.status is MailboxStatus.UNREADABLE:
        yield (("UNREADABLE", "error strong"),)
        yield ((plain(mailbox.reason), "error"),)
        return
    if mailbox.status is MailboxStatus.MISSING:
        yield (("no mailbox yet", "faint"),)
        return
    unread = mailbox.unread
    yield ((f"{mailbox.open} open" if mailbox.open else "none", "" if mailbox.open else "faint"),) + (
        ((f", {unread} new", "accent"),) if unread else ()
    )
    for message in mailbox.messages[:MOST_MAIL]:
        yield mail_line(message, now, width)
    if len(mailbox.messages) > MOST_MAIL:
        yield ((f"  and {len(mailbox.messages) - MOST_MAIL} more", "faint"),)


def log_lines(details: AgentDetails | None, width: int, room: int) -> Iterator[Line]:
    """Name and last lines of the log, as many as `room` lines hold."""
    if details is None or not details.log_name:
        return
    yield ((f"{'log':<{LABEL}}", "muted"), (cut(plain(details.log_name), width - LABEL), "faint"))
    for text in details.log[-max(FEWEST_LOG, room - 1) :]:
        yield ((cut(plain(text), width), "muted"),)


class Detail:
    """The panel. `show` hands it everything; it keeps no facts of its own."""

    def __init__(self) -> None:
        self.lines = Lines(id="detail", resized=self._lay_out)
        self._shown: tuple[AgentFacts, Status, AgentDetails | None, float, bool, float, HostSaid] | None = None

    def show(
        self,
        facts: AgentFacts | None,
        status: Status,
        details: AgentDetails | None,
        now: float,
        bypass: bool = False,
        every: float = 0.0,
        host: HostSaid = NOTHING_SAID,
    ) -> None:
        """Show one agent; None for none. `every`: the seconds of the timer that wakes it. `host`: what is said of the
        host that it lives on, if that is another."""
        self._shown = None if facts is None else (facts, status, details, now, bypass, every, host)
        if self._shown is None:
            self.lines.set_lines([])
        self._lay_out()

    def _lay_out(self) -> None:
        if self._shown is not None:
            facts, status, details, now, bypass, every, host = self._shown
            width, height = self.lines.line_width, self.lines.line_count
            self.lines.set_lines(detail_lines(facts, status, details, now, width, height, bypass, every, host))
