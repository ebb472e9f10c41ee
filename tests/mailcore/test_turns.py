"""The newest turn of each session, and which of the sessions that live wait for their person."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from mailcore.config import Alarms
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts, State
from mailcore.model.lock import Lock
from mailcore.model.run import Attempt, Run
from mailcore.model.session import LiveSession, Turn
from mailcore.observe.state import state
from mailcore.observe.turns import MAX_TURNS, turns_after
from mailcore.observe.your_move import open_moves

AGENT = Agent("@a", "A", Path("/a"))


def does(
    at: float, kind: Kind, text: str = "", session: str = "s", source: str = "transcript", by: str = ""
) -> Activity:
    return Activity(at, "@a", kind, text, source, session=session, subagent=by)


def turns(*happened: Activity) -> tuple[Turn, ...]:
    found: tuple[Turn, ...] = ()
    for one in happened:
        found = turns_after(found, one)
    return found


BEGUN = does(1, Kind.PROMPT)
SAID = does(5, Kind.MESSAGE, "All is done.")
ENDED = does(5, Kind.TURN_END, "turn over")


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        ([BEGUN], [Turn("s", 1)]),
        ([BEGUN, does(2, Kind.TOOL), does(3, Kind.THINKING)], [Turn("s", 1)]),
        ([BEGUN, SAID, ENDED], [Turn("s", 1, 5, "All is done.", 5)]),
        ([BEGUN, ENDED, SAID], [Turn("s", 1, 5, "All is done.", 5)]),
        ([BEGUN, SAID, does(4, Kind.MESSAGE, "first"), ENDED], [Turn("s", 1, 5, "All is done.", 5)]),
        ([BEGUN, does(5, Kind.TURN_END, "Which one?", source="hooks")], [Turn("s", 1, 5, "Which one?")]),
        ([BEGUN, does(5, Kind.ERROR, "API Error: no")], [Turn("s", 1, 5, "API Error: no")]),
        ([ENDED], [Turn("s", 5, 5, "turn over")]),
        ([BEGUN, SAID, ENDED, does(9, Kind.PROMPT)], [Turn("s", 9)]),
        # Told late, of a moment before the end; a hook may stamp whole seconds.
        ([BEGUN, SAID, ENDED, does(4, Kind.TOOL)], [Turn("s", 1, 5, "All is done.", 5)]),
        ([BEGUN, SAID, does(5.7, Kind.TURN_END), does(5, Kind.PROMPT, source="hooks")], [Turn("s", 5)]),
        # The session is over, whose ever it was.
        ([BEGUN, SAID, ENDED, does(6, Kind.TURN_END, "session over: clear", source="hooks")], []),
        ([does(6, Kind.TURN_END, "session over: clear", source="hooks")], []),
        # None of these is of the agent's own session.
        ([BEGUN, does(5, Kind.TURN_END, by="child")], [Turn("s", 1)]),
        ([BEGUN, does(5, Kind.ERROR, "x", source="log")], [Turn("s", 1)]),
        ([does(5, Kind.LOG), does(5, Kind.MAIL), does(5, Kind.SESSION)], []),
        # Two sessions at a time; the one that began last stands last.
        ([BEGUN, does(2, Kind.PROMPT, session="t"), ENDED], [Turn("s", 1, 5, "turn over"), Turn("t", 2)]),
        ([BEGUN, ENDED, does(2, Kind.PROMPT, session="t"), does(9, Kind.PROMPT)], [Turn("t", 2), Turn("s", 9)]),
    ],
)  # fmt: skip
def test_turns_as_they_are_told(happened: Iterable[Activity], expected: list[Turn]) -> None:
    assert list(turns(*happened)) == expected


def test_what_changes_nothing_makes_no_other_turns() -> None:
    before = turns(BEGUN)
    assert turns_after(before, does(2, Kind.TOOL)) is before


def test_no_more_than_so_many_are_kept() -> None:
    found = turns(*(does(n, Kind.PROMPT, session=f"s{n}") for n in range(3 * MAX_TURNS)))
    assert len(found) == MAX_TURNS and found[-1].session == f"s{3 * MAX_TURNS - 1}"


def facts(*found: Turn, live: tuple[LiveSession, ...] = (LiveSession(7, 0.0, "s"),), **more: object) -> AgentFacts:
    return AgentFacts(AGENT, turns=found, sessions=live, **more)  # type: ignore[arg-type]


OVER = Turn("s", 1, 5, "All is done.", 5)
NAMELESS = (LiveSession(7, 0.0),)
RUN = Run("r", "@a", "@b", "Report", "m", "claude", 0.5, attempts=(Attempt(1, "start", 0.6, session_id="s"),))


@pytest.mark.parametrize(
    ("known", "waiting"),
    [
        (facts(OVER), ["s"]),
        (facts(Turn("s", 1)), []),
        (facts(OVER, live=()), []),
        (facts(OVER, lock=Lock(1, 0.0, run_id="r")), []),
        (facts(OVER, prompts=(does(4, Kind.WAITING, "may I?"),)), []),
        (facts(OVER, prompts=(does(4, Kind.WAITING, "may I?", session="t"),)), ["s"]),
        (facts(OVER, open=(does(4, Kind.SUBAGENT, "child"),)), []),
        (facts(OVER, live=NAMELESS), ["s"]),
        (facts(OVER, live=NAMELESS, run=RUN), []),
        (facts(OVER, live=(LiveSession(7, 6.0),)), []),
        (facts(OVER, Turn("t", 6), live=NAMELESS), []),
        (facts(OVER, Turn("t", 6), live=(*NAMELESS, LiveSession(8, 5.5))), ["s"]),
        (facts(OVER, Turn("t", 2, 3), live=(LiveSession(7, 0.0, "s"), LiveSession(8, 0.0))), ["t", "s"]),
    ],
)
def test_who_waits_for_its_person(known: AgentFacts, waiting: list[str]) -> None:
    assert [move.turn.session for move in open_moves(known)] == waiting


def test_its_words_are_a_question_where_it_asks_one_and_hold_no_secret() -> None:
    def words(text: str) -> str:
        (move,) = open_moves(facts(Turn("s", 1, 5, text, 5)))
        return move.words

    assert words("All is done.") == "All is done."
    assert words("All is done. Shall I deploy it?") == "asks: Shall I deploy it?"
    assert words("") == "its turn is over"
    key = "sk-ant-" + "a1B2c3D4" * 5
    assert key not in words(f"the key is {key} now") and key not in words(f"Is {key} right?")
    assert len(words("word " * 200)) <= 130 and "\x1b" not in words("\x1b[31mred")


def test_an_agent_whose_session_waits_is_idle_and_says_it() -> None:
    status = state(facts(OVER), 9.0, Alarms())
    assert (status.state, status.reason, status.since) == (State.IDLE, "your move: All is done.", 5)
    assert state(facts(OVER, live=()), 9.0, Alarms()).reason == "no mailbox yet"
