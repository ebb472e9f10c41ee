"""Whose move it is in the sessions that a person began by hand: those that ended their turn wait for it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts
from mailcore.model.session import LiveSession, Turn
from mailcore.text import line
from mailcore.text.masks import masked
from mailcore.text.questions import question_in

MAX_WORDS = 120
"""Characters of an agent's last words that are said."""


@dataclass(frozen=True, slots=True)
class Move:
    """A turn that is over, in a session that lives."""

    turn: Turn
    session: LiveSession

    @property
    def words(self) -> str:
        """What was said last: `asks: Shall I deploy it?`, or the words themselves; harmless, and secrets masked."""
        words = line(masked(self.turn.words))
        question = question_in(words)
        return f"asks: {line(question, MAX_WORDS)}" if question else line(words, MAX_WORDS) or "its turn is over"


def open_moves(facts: AgentFacts) -> tuple[Move, ...]:
    """The sessions of an agent that wait for the next prompt of their person, the one that ended its turn first first.

    None while a run works there, and none of a session that asks for something: that is told by itself.
    """
    if not facts.sessions or facts.lock is not None:
        return ()
    found = [Move(turn, session) for turn, session in _of_live(facts) if turn.ended and not _goes_on(facts, turn)]
    return tuple(sorted(found, key=lambda move: move.turn.ended))


def _of_live(facts: AgentFacts) -> Iterator[tuple[Turn, LiveSession]]:
    """Each live session with its newest turn: by its id; else the newest begun has the newest turn of the others."""
    by_id = {turn.session: turn for turn in facts.turns if turn.session}
    named = {session.session for session in facts.sessions if session.session}
    yield from ((by_id[one.session], one) for one in facts.sessions if one.session in by_id)
    attempts = facts.run.attempts if facts.run is not None else ()
    taken = named | {attempt.session_id for attempt in attempts if attempt.session_id}
    free = sorted((turn for turn in facts.turns if turn.session not in taken), key=lambda turn: turn.newest)
    for session in sorted((one for one in facts.sessions if not one.session), key=lambda one: -one.began):
        while free and (turn := free.pop()):
            if turn.newest >= int(session.began):
                yield turn, session
                break


def _goes_on(facts: AgentFacts, turn: Turn) -> bool:
    """Its subagents work on in the background, or it asks for a permission."""
    sessions = [one.session for one in facts.open if one.kind is Kind.SUBAGENT]
    sessions += (one.session for one in facts.prompts)
    sessions += (one.session for one in facts.permissions)
    return any(one in ("", turn.session) for one in sessions)
