"""In which of the sessions that a person began by hand something goes on. Pure; a part of `state`."""

from __future__ import annotations

from mailcore.model.activity import Activity
from mailcore.model.fleet import AgentFacts
from mailcore.model.session import LiveSession

START_ROUNDING = 1.0
"""Seconds by which the start of a program may be said too late: some systems know it to a second."""


def session_at_work(facts: AgentFacts) -> LiveSession | None:
    """The program in which the newest of what is open was begun, by an agent whose turn there is not over.

    None: nothing is open there, or the program is gone that could end it. One that began later is another session's.
    """
    if not facts.sessions:
        return None
    turns = {turn.session: turn for turn in facts.turns}
    for one in reversed(facts.open):
        turn = turns.get(one.session)
        goes_on = not turn.ended if turn is not None else facts.turn_open
        if goes_on and (session := _session_of(one, facts.sessions)) is not None:
            return session
    return None


def root_of(facts: AgentFacts) -> int:
    """The PID below which runs what it is at: its supervisor, or the program of its person's session; 0: none."""
    if facts.lock is not None:
        return facts.lock.pid
    session = session_at_work(facts)
    return session.pid if session is not None else 0


def _session_of(activity: Activity, sessions: tuple[LiveSession, ...]) -> LiveSession | None:
    named = next((one for one in sessions if one.session and one.session == activity.session), None)
    others = [one for one in sessions if not one.session and one.began <= activity.at + START_ROUNDING]
    return named or max(others, key=lambda one: one.began, default=None)
