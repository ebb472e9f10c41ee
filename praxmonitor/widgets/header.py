"""The line at the top: where, how many in each state, what waits for the operator, whether one can hear it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from math import isfinite

from mailcore.model.fleet import State, Status
from mailcore.model.message import Mailbox, MailboxStatus
from mailcore.text.units import clock_time, since
from praxmonitor.state.oldest_task import OldestTask
from praxmonitor.state.sound_status import SoundStatus
from praxmonitor.text.agents import ATTENTION, LOOKS, ORDER
from praxmonitor.text.hosts import AWAY
from praxmonitor.text.lines import Line, Span, cut, fit, plain, width_of
from praxmonitor.widgets.line_list import Lines

FULL_NAME, SHORT_NAME = 24, 12
"""Cells of the workspace's name, at most."""
WIDENS_AFTER = 10.0
"""Seconds for which a form with more words must have had room until it is taken."""
_AT_IT = (State.WORKING, State.IN_TOOL, State.STARTING)
COST_FROM = 100
"""Cells from which the header has room for money."""


def counts(
    statuses: Iterable[Status], held: int, *, words: Container[State], close: bool = False, away: int = 0
) -> Line:
    """How many agents are in each state, urgent states first: `● 3 working  ! 1 silent`, or `● 3  ! 1`; those in
    `words` with their words. `close`: `●3 !1`.

    Whoever starts, thinks or is in a tool works: these change many times a minute, and no more is to be known of them
    at a glance. Of those `held`, some may still work: they are counted twice. `away`: how many more are on hosts that
    are not heard.
    """
    number = Counter(State.WORKING if status.state in _AT_IT else status.state for status in statuses)
    number[State.HELD] = held
    spans: list[Span] = []
    for state in ORDER:
        if not number[state]:
            continue
        look = LOOKS[state]
        text = f"{look.glyph}{'' if close else ' '}{number[state]}"
        spans += [(" " if close else "  ", ""), (f"{text} {look.word}" if state in words else text, look.role)]
    if away:
        text = f"{AWAY}{'' if close else ' '}{away}"
        spans += [(" " if close else "  ", ""), (f"{text} away" if State.IDLE in words else text, "muted")]
    return tuple(spans[1:])


def _mail(mailbox: Mailbox | None, *, words: bool) -> Line:
    if mailbox is not None and mailbox.status is MailboxStatus.UNREADABLE:
        return (("✉ your mailbox is unreadable" if words else "✉ ?", "error strong"),)
    if mailbox is None or not mailbox.unread:
        return ()
    return ((f"✉ {mailbox.unread}" + (" for you" if words else ""), "accent strong"),)


def _sound(sound_status: SoundStatus, *, words: bool) -> Line:
    """What is heard of this screen itself; and who sounds the alarms, if that is another."""
    own = _own_sound(sound_status, words=words)
    if not sound_status.duty:
        return own
    duty = (
        f"on duty: {plain(sound_status.duty)}{f', {plain(sound_status.not_heard)}' if sound_status.not_heard else ''}"
    )
    role = "warn" if sound_status.not_heard else "muted"
    if words:
        return (*own, (f"; {duty}" if own else f"♪ {duty}", role))
    silent = sound_status.muted or sound_status.trouble or sound_status.quiet
    return own if silent and own else (("♪ other", role),)


def _until(at: float) -> str:
    return f" until {clock_time(at, seconds=False)}" if isfinite(at) else ""


def _own_sound(sound_status: SoundStatus, *, words: bool) -> Line:
    if sound_status.muted:
        return ((f"♪ muted{_until(sound_status.muted_until)}" if words else "♪ off", "warn"),)
    own = _device(sound_status, words=words)
    if not (words and own and sound_status.agents):
        return own
    address, until = sound_status.agents[0]
    who = (
        f"{plain(address)} muted{_until(until)}"
        if len(sound_status.agents) == 1
        else f"{len(sound_status.agents)} {'agents ' * all(name[:1] == '@' for name, _ in sound_status.agents)}muted"
    )
    return (*own, (f", {who}", "warn"))


def _device(sound_status: SoundStatus, *, words: bool) -> Line:
    if sound_status.trouble:
        role = "error" if sound_status.trouble_is_new else "muted"
        return (("♪ no sound: bell only" if words else "♪ bell", role),)
    if sound_status.quiet:
        until = f" until {sound_status.quiet_until}" if sound_status.quiet_until else ""
        return ((f"♪ quiet hours{until}" if words else "♪ quiet", "warn"),)
    if sound_status.chord:
        return ((f"♪ {sound_status.chord} at once" if words else f"♪ {sound_status.chord}", "faint"),)
    return ((f"♪ {sound_status.backend}" if words else "♪", "faint"),) if sound_status.backend else ()


def _cost(cost: str, width: int, *, words: bool) -> Line:
    return ((cost, "muted"),) if cost and words and width >= COST_FROM else ()


def _oldest(oldest: OldestTask | None, now: float, *, words: bool) -> Line:
    if oldest is None:
        return ()
    return ((f"{'oldest task ' if words else '⌛'}{cut(plain(oldest.address), 16)} {since(oldest.at, now)}", "muted"),)


def _away(away: str, *, words: bool) -> Line:
    return ((f"you are away until {cut(plain(away), 20)}" if words else "away", "accent"),) if away else ()


class SteadyForm:
    """Which form of the header was taken last: words that come and go with each figure cannot be read."""

    def __init__(self) -> None:
        self._form, self._width, self._needed = -1, 0, 0.0
        self._passed_over = False

    def takes(self, form: int, width: int, now: float) -> bool:
        """Whether this form is taken, which has room; asked of each that has, the one with the most words first."""
        if form < self._form and width == self._width and 0 <= now - self._needed < WIDENS_AFTER:
            self._passed_over = True
            return False
        if not self._passed_over:
            self._needed = now
        self._form, self._width, self._passed_over = form, width, False
        return True


def header_line(
    name: str,
    statuses: Mapping[str, Status],
    held: int,
    mailbox: Mailbox | None,
    sound_status: SoundStatus,
    now: float,
    width: int,
    *,
    played: str = "",
    limits: tuple[Line, Line] = ((), ()),
    hosts: tuple[Line, Line] = ((), ()),
    away_agents: int = 0,
    cost: str = "",
    oldest: OldestTask | None = None,
    away: str = "",
    steady: SteadyForm | None = None,
) -> Line:
    """The line in exactly `width` cells: words where there is room, else for what needs attention, else glyphs and
    numbers, at last close together; where these have no room either, some counts are left out and `…` says so.

    `played` says how a recording is played; empty: none is. `limits`: what is known of usage limits, in words and
    without; `hosts`: of the hosts of the link, `away_agents`: how many agents are on those that are not heard, which
    have no place among the `statuses`. `cost`: what all agents cost today. `oldest`: the open task that waits longest
    for its answer; `away`: until when the operator is, empty where he is here. These two are the first to be left out.
    `steady`: the form that was taken before; None: none was.
    """
    tries: tuple[tuple[Container[State], bool, bool, int], ...]
    tries = (
        *((ORDER, True, False, 2), (ORDER, False, False, 2), (ATTENTION, True, False, 2), (ATTENTION, False, False, 2)),
        *(
            ((), False, False, 2),
            ((), False, True, 2),
            ((), False, True, 1),
            ((), False, False, 0),
            ((), False, True, 0),
        ),
    )
    for form, (words_left, words_right, close, extras) in enumerate(tries):
        # Where all is close together the name gives way: it is the same all day.
        title: Line = (
            (f" {cut(plain(name), SHORT_NAME if close else FULL_NAME)}", "strong"),
            *([(f" {played}", "warn strong")] if played else []),
            ("   ", ""),
        )
        left = (*title, *counts(statuses.values(), held, words=words_left, close=close, away=away_agents))
        parts = [
            hosts[not words_right],
            limits[not words_right],
            _cost(cost, width, words=words_right),
            _oldest(oldest, now, words=words_right) if extras else (),
            _away(away, words=words_right) if extras > 1 else (),
            _mail(mailbox, words=words_right),
            _sound(sound_status, words=words_right),
        ]
        right = [span for part in parts if part for span in (*part, ("   ", ""))]
        right.append((f"{clock_time(now, seconds=False)} ", "muted"))
        gap = width - width_of(left) - width_of(right)
        if gap >= 2 and (steady is None or steady.takes(form, width, now)):
            return (*left, (" " * gap, ""), *right)
    room = max(0, width - width_of(right) - 1)
    while len(left) > len(title) and width_of(left) + 2 > room:
        left = left[:-2] if len(left) > len(title) + 1 else title  # a count and the gap before it
    return (*fit((*left, (" …", "faint")), room), (" ", ""), *fit(right, width - room - 1))


class Header:
    """One line, and a red one below it for each thing that is wrong with the observing itself."""

    def __init__(self) -> None:
        self.lines = Lines(id="header", classes="bar")
        self.lines.can_focus = False

    def show(self, line: Line, notes: Sequence[str]) -> None:
        """Show the line and, under it, at most two notes."""
        room = self.lines.line_width - 4
        lines = [line, *(((f" ! {cut(plain(note), room)}", "error"),) for note in notes[:2])]
        height = self.lines.styles.height
        if height is None or height.value != len(lines):
            self.lines.styles.height = len(lines)
        self.lines.set_lines(lines)
