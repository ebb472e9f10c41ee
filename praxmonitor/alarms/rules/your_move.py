"""Alarms of the operator's own sessions: one that ended its turn waits for its person. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.config import Config
from mailcore.model.fleet import AgentFacts
from mailcore.observe.your_move import Move, open_moves
from mailcore.text import line
from mailcore.text.units import date_and_time
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.rules.timed_alarm import TimedAlarm

TURN_SETTLES = 10.0
"""Seconds after the end of a turn within which it is looked where the focus is, and a hook may begin the next turn."""


def your_move_alarms(facts: AgentFacts, config: Config) -> Iterator[TimedAlarm]:
    """One for each session whose turn is over, unless its person is at it (`[alarms] your_move`)."""
    policy = config.alarms
    if policy.your_move == "never":
        return
    for move in open_moves(facts):
        ended, session = move.turn.ended, move.session
        if policy.your_move == "always" or session.focused is False:
            yield TimedAlarm(_alarm(facts, move), ended, TURN_SETTLES)
        elif session.focused is None:
            yield TimedAlarm(
                _alarm(facts, move), max(ended, session.typed_at), max(TURN_SETTLES, policy.your_move_after)
            )


def _alarm(facts: AgentFacts, move: Move) -> Alarm:
    turn, session = move.turn, move.session
    which = f"session {line(turn.session, 8)}" if turn.session else f"the session in process {session.pid}"
    where = session.terminal.removeprefix("/dev/") or "its window"
    return Alarm(
        AlarmKind.YOUR_MOVE, facts.address, turn.ended, f"your move: {move.words}",
        f"your next prompt to {which}, begun {date_and_time(session.began, seconds=False)}",
        f"its turn ended {date_and_time(turn.ended, seconds=False)}",
        f"answer it in its terminal ({where}), or end it there", f"{turn.session or session.pid} {turn.ended:.3f}",
    )  # fmt: skip
