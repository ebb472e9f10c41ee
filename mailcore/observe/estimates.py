"""What the messages of one agent cost: known where a program reports it, else estimated by price, else unknown.

A program may report the money of messages later than the messages: Claude Code the total of a session when it ends, the
journal of a run what the run cost. What was estimated of these messages until then is taken back, and what was reported
stands in its place, each message's share at its own time. Which is read first makes no difference.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from mailcore.model.run import Attempt, Run
from mailcore.model.usage import Spent, Usage
from mailcore.observe.open_messages import OpenMessage, OpenMessages
from mailcore.programs.prices import MAX_NAME, Prices
from mailcore.programs.transcript_reader import Recent

MAX_OPEN_MESSAGES = 20_000
"""Messages of an agent whose estimates may still be taken back (0.5 MB); those of older ones stand."""
MAX_SESSIONS = 500
"""Sessions of an agent whose reports are remembered."""
MAX_REPORTS = 500
"""Reports that are remembered of a session."""
MAX_UNPRICED = 20
"""Models without a price that an agent's sums name; what is beyond bears one name."""
OTHERS = "other models"
CLOCKS = 1.0
"""Seconds by which a program's clock and the journal's may differ."""

Stretch = tuple[float, float]
"""From when until when."""


@dataclass(slots=True)
class _Reports:
    """Of when the money of a session was reported."""

    id: str
    totals: deque[Stretch] = field(default_factory=lambda: deque(maxlen=MAX_REPORTS))
    """By its program itself."""
    attempts: deque[Stretch] = field(default_factory=lambda: deque(maxlen=MAX_REPORTS))
    """By the journals of runs, CLOCKS more on either side."""


class Estimates:
    """Puts the money to what one agent used, in whatever order that is read."""

    def __init__(self, agent: str, prices: Prices) -> None:
        self._agent = agent
        self._prices = prices
        self._open = OpenMessages(MAX_OPEN_MESSAGES)
        self._sessions: Recent[str, _Reports] = Recent(MAX_SESSIONS)
        self._any = _Reports("")
        """Of the attempts whose journals name no session: it may be each."""
        self._journals: Recent[tuple[str, int], None] = Recent(MAX_SESSIONS)
        """The attempts whose money was taken from there."""
        self._unpriced: set[str] = set()

    def priced(self, spent: Iterable[Spent]) -> Iterator[Spent]:
        """The same with their money; what was estimated before and is reported now is taken back among them."""
        for one in spent:
            if one.usage.cost and not one.usage.tokens:
                yield from self._total(one)
            else:
                yield one if one.usage.cost else self._estimated(one)

    def reported_by(self, run: Run) -> list[Spent]:
        """What the run's journal reports of its attempts' money; nothing of what was reported before."""
        found: list[Spent] = []
        for attempt in _paid_attempts(run):
            key = run.run_id, attempt.number
            if key not in self._journals:
                self._journals.put(key, None)
                money = Spent(attempt.ended_at, self._agent, Usage(cost=attempt.cost), attempt.session_id)
                found += self._attempt(money, attempt.started_at)
        return found

    def _estimated(self, one: Spent) -> Spent:
        session = self._session(one.session)
        for stretches in (session.totals, session.attempts, self._any.attempts):
            if stretches and _within(one.at, stretches):
                return one
        dollars = self._prices.dollars(one)
        model = self._named(one.model) if dollars is None else ""
        message = OpenMessage(one.at, session.id, model, one.usage.tokens, dollars)
        self._open.add(message)
        return replace(one, usage=one.usage + message.money)

    def _total(self, one: Spent) -> list[Spent]:
        """A session's program reports what it cost since its last total."""
        session = self._session(one.session)
        if _within(one.at, session.attempts) or _within(one.at, self._any.attempts):
            return []
        session.totals.append((one.begun, one.at))
        return _instead(one, self._open.take(one.begun, one.at, session.id))

    def _attempt(self, one: Spent, begun: float) -> list[Spent]:
        """A journal reports what an attempt cost; of one without a session by the time alone."""
        begin, end = begun - CLOCKS, one.at + CLOCKS
        sessions = [self._session(one.session)] if one.session else self._sessions.values()
        if any(begin <= at <= end for session in sessions for _, at in session.totals):
            return []
        (self._session(one.session) if one.session else self._any).attempts.append((begin, end))
        return _instead(one, self._open.take(begin, end, one.session or None))

    def _session(self, id: str) -> _Reports:
        session = self._sessions.get(id) or _Reports(id)
        self._sessions.put(session.id, session)
        return session

    def _named(self, model: str) -> str:
        if model in self._unpriced:
            return model
        model = model[:MAX_NAME] if len(self._unpriced) < MAX_UNPRICED else OTHERS
        self._unpriced.add(model)
        return model


def _within(at: float, stretches: Iterable[Stretch]) -> bool:
    return any(begin <= at <= end for begin, end in stretches)


def _paid_attempts(run: Run) -> list[Attempt]:
    """The attempts of which the journal reports money; all of them as one where it reports no more than the sum."""
    paid = [attempt for attempt in run.attempts if attempt.cost > 0]
    if paid or run.cost <= 0 or not run.phase.ended:
        return paid
    session = run.attempt.session_id if run.attempt is not None else ""
    return [Attempt(0, "", run.started_at, ended_at=run.since, session_id=session, cost=run.cost)]


def _instead(reported: Spent, taken: Sequence[OpenMessage]) -> list[Spent]:
    """What was reported, shared among the messages as their estimates were, or else their tokens; and these less."""
    if not taken:
        return [reported]
    estimates = [one.dollars or 0.0 for one in taken]
    shares = estimates if sum(estimates) > 0 else [max(1.0, one.tokens) for one in taken]
    whole, left = sum(shares), reported.usage.cost
    found = []
    for one, share in zip(taken, shares, strict=True):
        cost = left if one is taken[-1] else reported.usage.cost * share / whole
        left -= cost
        found.append(Spent(one.at, reported.agent, one.reported(cost), one.session))
    return found
