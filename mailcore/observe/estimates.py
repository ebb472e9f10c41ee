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
from mailcore.programs.prices import MAX_NAME, Prices
from mailcore.programs.transcript_reader import Recent

MAX_SESSIONS = 500
"""Sessions of an agent whose estimates may still be taken back."""
MAX_OPEN = 5000
"""Messages of a session of which that holds; the estimates of older ones stand."""
MAX_REPORTS = 500
"""Totals and runs that are remembered of a session."""
MAX_UNPRICED = 20
"""Models without a price that an agent's sums name; what is beyond bears one name."""
OTHERS = "other models"
CLOCKS = 1.0
"""Seconds by which a program's clock and the journal's may differ."""


@dataclass(slots=True)
class _Session:
    """What is known of one session's money."""

    open: deque[Spent] = field(default_factory=lambda: deque(maxlen=MAX_OPEN))
    """The money of its messages, estimated or unknown, that may be reported yet."""
    totals: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=MAX_REPORTS))
    """From when and until when its program reported a total of all messages."""
    runs: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=MAX_REPORTS))
    """Begin and end of attempts whose journals report their money, CLOCKS more on either side."""

    def is_reported(self, at: float) -> bool:
        """Whether the money of a message of that time was reported."""
        return _within(at, self.totals) or _within(at, self.runs)


class Estimates:
    """Puts the money to what one agent used, in whatever order that is read."""

    def __init__(self, agent: str, prices: Prices) -> None:
        self._agent = agent
        self.prices = prices
        self._sessions: Recent[str, _Session] = Recent(MAX_SESSIONS)
        self._attempts: Recent[tuple[str, int], None] = Recent(MAX_SESSIONS)
        """Those whose money was taken from the journal."""
        self._any = _Session()
        """Of the attempts whose journals name no session: it may be each."""
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
        for attempt in paid_attempts(run):
            key = run.run_id, attempt.number
            if key not in self._attempts:
                self._attempts.put(key, None)
                money = Spent(attempt.ended_at, self._agent, Usage(cost=attempt.cost), attempt.session_id)
                found += self._attempt(money, attempt.started_at)
        return found

    def _estimated(self, one: Spent) -> Spent:
        session = self._session(one.session)
        if session.is_reported(one.at) or self._any.is_reported(one.at):
            return one
        dollars = self.prices.dollars(one)
        if dollars is None:
            money = Usage(unpriced=((self._named(one.model), one.usage.tokens),))
        else:
            money = Usage(estimated=dollars)
        session.open.append(Spent(one.at, self._agent, money, one.session))
        return replace(one, usage=one.usage + money)

    def _total(self, one: Spent) -> list[Spent]:
        """A session's program reports what it cost since its last total."""
        session = self._session(one.session)
        if _within(one.at, session.runs) or _within(one.at, self._any.runs):
            return []
        session.totals.append((one.begun, one.at))
        return _instead(one, _taken([session], one.begun, one.at))

    def _attempt(self, one: Spent, begin: float) -> list[Spent]:
        """A journal reports what an attempt cost; of one without a session by the time alone."""
        begin, end = begin - CLOCKS, one.at + CLOCKS
        sessions = [self._session(one.session)] if one.session else self._sessions.values()
        if any(begin <= at <= end for session in sessions for _, at in session.totals):
            return []
        (self._session(one.session) if one.session else self._any).runs.append((begin, end))
        return _instead(one, _taken(sessions, begin, end))

    def _session(self, id: str) -> _Session:
        session = self._sessions.get(id) or _Session()
        self._sessions.put(id, session)
        return session

    def _named(self, model: str) -> str:
        model = model[:MAX_NAME]
        if model not in self._unpriced and len(self._unpriced) >= MAX_UNPRICED:
            return OTHERS
        self._unpriced.add(model)
        return model


def _within(at: float, times: Iterable[tuple[float, float]]) -> bool:
    return any(begin <= at <= end for begin, end in times)


def paid_attempts(run: Run) -> list[Attempt]:
    """The attempts of which the journal reports money; all of them as one where it reports no more than the sum."""
    paid = [attempt for attempt in run.attempts if attempt.cost > 0]
    if paid or run.cost <= 0 or not run.phase.ended:
        return paid
    session = run.attempt.session_id if run.attempt is not None else ""
    return [Attempt(0, "", run.started_at, ended_at=run.since, session_id=session, cost=run.cost)]


def _taken(sessions: Iterable[_Session], begin: float, end: float) -> list[Spent]:
    """The messages of that time whose money was open."""
    taken: list[Spent] = []
    for session in sessions:
        taken += [one for one in session.open if begin <= one.at <= end]
        session.open = deque((one for one in session.open if not begin <= one.at <= end), MAX_OPEN)
    return taken


def _instead(reported: Spent, taken: Sequence[Spent]) -> list[Spent]:
    """What was reported, shared among the messages as their estimates were, or else their tokens; and these less."""
    if not taken:
        return [reported]
    estimates = [max(0.0, one.usage.estimated or 0.0) for one in taken]
    shares = estimates if sum(estimates) > 0 else [max(1.0, one.usage.unpriced_tokens) for one in taken]
    whole, left = sum(shares), reported.usage.cost
    found = []
    for one, share in zip(taken, shares, strict=True):
        cost = left if one is taken[-1] else reported.usage.cost * share / whole
        left -= cost
        old = one.usage.estimated
        less = tuple((model, -tokens) for model, tokens in one.usage.unpriced)
        found.append(replace(one, usage=Usage(cost=cost, estimated=None if old is None else -old, unpriced=less)))
    return found
