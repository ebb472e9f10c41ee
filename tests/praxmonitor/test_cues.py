"""Moments, and the sounds between two of them."""

from __future__ import annotations

from dataclasses import replace

from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts, Fleet, State
from mailcore.model.run import Phase
from praxmonitor.cues import cues
from praxmonitor.moment import EMPTY, Moment, following
from praxmonitor.sound import Sound
from tests.praxmonitor.fake_feed import NOON, ROOT, act, facts, lighthouse, lock, run

SILENCE = 60.0


def at(fleet: Fleet, now: float = NOON, old: Moment = EMPTY) -> Moment:
    return following(old, fleet, now, SILENCE)


def with_activity(fleet: Fleet, kind: Kind, ago: float = 0.0) -> Fleet:
    first = fleet.agents[0]
    more = replace(first, activities=(*first.activities, act("writer", kind, "x", ago)))
    return replace(fleet, agents=(more, *fleet.agents[1:]))


def heard(kind: Kind, ago: float = 0.0) -> list[Sound]:
    old = at(lighthouse())
    return cues(old, at(with_activity(old.fleet, kind, ago), old=old), NOON - 1)


def test_each_kind_of_event_has_its_sound() -> None:
    assert {kind: heard(kind) for kind in Kind if heard(kind)} == {
        Kind.STARTED: [Sound.START],
        Kind.TOOL: [Sound.TOOL],
        Kind.MAIL: [Sound.MAIL],
        Kind.DONE: [Sound.DONE],
        Kind.FAILED: [Sound.FAILED],
        Kind.KILLED: [Sound.FAILED],
    }


def test_history_is_silent_even_where_it_is_read_late() -> None:
    assert heard(Kind.TOOL, ago=30) == []


def test_what_was_there_when_the_screen_opened_is_silent() -> None:
    first = at(lighthouse())
    assert cues(first, at(lighthouse(), old=first), NOON + 5) == []


def test_nothing_new_is_silent() -> None:
    old = at(lighthouse())
    assert cues(old, at(old.fleet, NOON + 1, old), NOON - 1000) == []


def quiet_agent() -> Fleet:
    working: AgentFacts = facts(
        "checker",
        lock=lock(100),
        run=run("checker", "Check", Phase.RUNNING, 100),
        activities=(act("checker", Kind.LOG, "page 1", 59.5),),
    )
    return Fleet(ROOT, (working,))


def test_silence_appears_with_time_alone_and_is_heard_once() -> None:
    before = at(quiet_agent())
    after = at(before.fleet, NOON + 1, before)
    later = at(before.fleet, NOON + 2, after)
    assert before.status("@checker").state is State.WORKING
    assert after.status("@checker").state is State.SILENT
    assert cues(before, after, NOON) == [Sound.SILENCE]
    assert cues(after, later, NOON) == []


def test_an_agent_that_begins_to_wait_is_heard() -> None:
    old = at(lighthouse())
    asking = act("writer", Kind.WAITING, "May I?", 0)
    first = replace(old.fleet.agents[0], waiting=asking, activities=(*old.fleet.agents[0].activities, asking))
    new = at(replace(old.fleet, agents=(first, *old.fleet.agents[1:])), old=old)
    assert cues(old, new, NOON - 1) == [Sound.WAITING]


def test_the_most_urgent_comes_first() -> None:
    old = at(quiet_agent())
    noisy = facts("writer", activities=(act("writer", Kind.TOOL, "x", -1), act("writer", Kind.FAILED, "y", -1)))
    new = at(replace(old.fleet, agents=(*old.fleet.agents, noisy)), NOON + 1, old)
    assert cues(old, new, NOON) == [Sound.FAILED, Sound.TOOL]


def test_a_moment_that_differs_in_nothing_is_the_same_moment() -> None:
    first = at(lighthouse())
    assert following(first, first.fleet, NOON + 0.4, SILENCE) is first


def test_a_status_that_did_not_change_is_the_same_object() -> None:
    first = at(lighthouse())
    second = at(with_activity(first.fleet, Kind.LOG), NOON + 1, first)
    same = [address for address in first.statuses if first.statuses[address] is second.statuses[address]]
    assert len(same) >= len(first.statuses) - 1


def test_who_needs_the_operator() -> None:
    assert at(lighthouse()).needs_me() == ("@editor", "@checker", "@builder", "@reviewer")
