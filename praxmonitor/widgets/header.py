"""The line at the top: where, how many in each state, what waits for the operator, whether one can hear it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite

from mailcore.model.fleet import State, Status
from mailcore.model.message import Mailbox, MailboxStatus
from mailcore.text.units import clock_time
from praxmonitor.text.lines import ATTENTION, LOOKS, ORDER, Line, Span, cut, fit, plain, width_of
from praxmonitor.widgets.line_list import Lines


@dataclass(frozen=True, slots=True)
class Hearing:
    """Whether sound can be heard, and why not."""

    backend: str = ""
    """Empty while none is open."""
    muted: bool = False
    trouble: str = ""
    """Why nothing can be heard; empty if all is well."""
    burst: int = 0
    """How many events the chord stands for that was just heard; 0 for none."""
    quiet: bool = False
    """These are quiet hours."""
    muted_until: float = inf
    """Seconds since the epoch."""
    quiet_until: str = ""
    """When the quiet hours end, as it is said: `07:00`."""
    agents: tuple[tuple[str, float], ...] = ()
    """Addresses of agents that are muted by themselves, and until when."""
    duty: str = ""
    """Who sounds the alarms in our stead; empty if it is us."""
    deaf: str = ""
    """Why that one is not heard, in words; empty if it is."""


def counts(statuses: Iterable[Status], held: int, *, words: Container[State], close: bool = False) -> Line:
    """How many agents are in each state, urgent states first: `● 3 working  ! 1 silent`, or `● 3  ! 1`; those in
    `words` with their words. `close`: `●3 !1`.

    Of those `held`, some may still work: they are counted twice.
    """
    number = Counter(status.state for status in statuses)
    number[State.HELD] = held
    spans: list[Span] = []
    for state in ORDER:
        if not number[state]:
            continue
        look = LOOKS[state]
        text = f"{look.glyph}{'' if close else ' '}{number[state]}"
        spans += [(" " if close else "  ", ""), (f"{text} {look.word}" if state in words else text, look.role)]
    return tuple(spans[1:])


def _mail(mailbox: Mailbox | None, *, words: bool) -> Line:
    if mailbox is not None and mailbox.status is MailboxStatus.UNREADABLE:
        return (("✉ your mailbox is unreadable" if words else "✉ ?", "error strong"),)
    if mailbox is None or not mailbox.unread:
        return ()
    return ((f"✉ {mailbox.unread}" + (" for you" if words else ""), "accent strong"),)


def _sound(hearing: Hearing, *, words: bool) -> Line:
    """What is heard of this screen itself; and who sounds the alarms, if that is another."""
    own = _own_sound(hearing, words=words)
    if not hearing.duty:
        return own
    duty = f"on duty: {plain(hearing.duty)}{f', {plain(hearing.deaf)}' if hearing.deaf else ''}"
    role = "warn" if hearing.deaf else "muted"
    if words:
        return (*own, (f"; {duty}" if own else f"♪ {duty}", role))
    silent = hearing.muted or hearing.trouble or hearing.quiet
    return own if silent and own else (("♪ other", role),)


def _until(at: float) -> str:
    return f" until {clock_time(at, seconds=False)}" if isfinite(at) else ""


def _own_sound(hearing: Hearing, *, words: bool) -> Line:
    if hearing.muted:
        return ((f"♪ muted{_until(hearing.muted_until)}" if words else "♪ off", "warn"),)
    own = _device(hearing, words=words)
    if not (words and own and hearing.agents):
        return own
    address, until = hearing.agents[0]
    who = (
        f"{plain(address)} muted{_until(until)}" if len(hearing.agents) == 1 else f"{len(hearing.agents)} agents muted"
    )
    return (*own, (f", {who}", "warn"))


def _device(hearing: Hearing, *, words: bool) -> Line:
    if hearing.trouble:
        return (("♪ no sound: bell only" if words else "♪ bell", "error"),)
    if hearing.quiet:
        until = f" until {hearing.quiet_until}" if hearing.quiet_until else ""
        return ((f"♪ quiet hours{until}" if words else "♪ quiet", "warn"),)
    if hearing.burst:
        return ((f"♪ {hearing.burst} at once" if words else f"♪ {hearing.burst}", "faint"),)
    return ((f"♪ {hearing.backend}" if words else "♪", "faint"),) if hearing.backend else ()


def header_line(
    name: str,
    statuses: Mapping[str, Status],
    held: int,
    mailbox: Mailbox | None,
    hearing: Hearing,
    now: float,
    width: int,
    *,
    played: str = "",
) -> Line:
    """The line in exactly `width` cells: words where there is room, else for what needs attention, else glyphs and
    numbers, at last close together; where these have no room either, some counts are left out and `…` says so.

    `played` says how a recording is played; empty: none is.
    """
    title: Line = (
        (f" {cut(plain(name), 24)}", "strong"),
        *([(f" {played}", "warn strong")] if played else []),
        ("   ", ""),
    )
    tries: tuple[tuple[Container[State], bool, bool], ...]
    tries = (
        *((ORDER, True, False), (ORDER, False, False), (ATTENTION, True, False), (ATTENTION, False, False)),
        *(((), False, False), ((), False, True)),
    )
    for words_left, words_right, close in tries:
        left = (*title, *counts(statuses.values(), held, words=words_left, close=close))
        parts = [_mail(mailbox, words=words_right), _sound(hearing, words=words_right)]
        right = [span for part in parts if part for span in (*part, ("   ", ""))]
        right.append((f"{clock_time(now, seconds=False)} ", "muted"))
        gap = width - width_of(left) - width_of(right)
        if gap >= 2:
            return (*left, (" " * gap, ""), *right)
    room = max(0, width - width_of(right) - 1)
    while len(left) > len(title) and width_of(left) + 2 > room:
        left = left[:-2] if len(left) > len(title) + 1 else title  # a count and the gap before it
    return (*fit((*left, (" …", "faint")), room), (" ", ""), *fit(right, width - room - 1))


class Header(Lines, can_focus=False):
    """One line, and a red one below it for each thing that is wrong with the observing itself."""

    DEFAULT_CSS = """
    Header {
        height: 1;
        background: $surface;
        overflow: hidden hidden; scrollbar-gutter: auto;
    }
    """

    def show(self, line: Line, notes: Sequence[str]) -> None:
        """Show the line and, under it, at most two notes."""
        lines = [line, *(((f" ! {cut(plain(note), self.line_width - 4)}", "error"),) for note in notes[:2])]
        if self.styles.height is None or self.styles.height.value != len(lines):
            self.styles.height = len(lines)
        self.set_lines(lines)
