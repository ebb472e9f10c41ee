"""Snapshots, and the sounds of what happened between two of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from mailcore.config import Alarms
from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts, Fleet, State, Status
from mailcore.model.message import Message
from mailcore.model.run import Phase
from praxmonitor.sound import ALARMS_ALONE, FAMILIES, Cue, Sound
from praxmonitor.sound.cues import (
    AGENT_MAIL_VOLUME,
    SOUND_OF_ACTIVITY,
    SOUND_OF_MAIL,
    event_cues,
    heartbeat_cue,
    tool_family,
)
from praxmonitor.state.snapshot import EMPTY, Snapshot, next_snapshot, turned
from tests.clock import NOON
from tests.praxmonitor.fake_feed import ROOT, act, facts, lighthouse, lock, run

SILENCE = Alarms(silence=60.0)


def at(fleet: Fleet, now: float = NOON, old: Snapshot = EMPTY) -> Snapshot:
    return next_snapshot(old, fleet, now, SILENCE)


def with_activity(fleet: Fleet, kind: Kind, ago: float = 0.0) -> Fleet:
    first = fleet.agents[0]
    more = structs.replace(first, activities=(*first.activities, act("writer", kind, "x", ago)))
    return structs.replace(fleet, agents=(more, *fleet.agents[1:]))


def heard(kind: Kind, ago: float = 0.0) -> list[Sound]:
    old = at(lighthouse())
    return sounds(event_cues(old, at(with_activity(old.fleet, kind, ago), old=old), NOON - 1000))


def sounds(due: list[Cue]) -> list[Sound]:
    return [cue.sound for cue in due]


def test_each_kind_of_event_has_its_sound() -> None:
    assert {kind: heard(kind) for kind in Kind if heard(kind)} == {
        Kind.SESSION: [Sound.SESSION],
        Kind.PROMPT: [Sound.PROMPT],
        Kind.TOOL: [Sound.TOOL],
        Kind.TURN_END: [Sound.TURN],
        Kind.COMPACT: [Sound.COMPACT],
        Kind.LIMIT: [Sound.LIMIT],
        Kind.ERROR: [Sound.ERROR],
        Kind.STARTED: [Sound.START],
        Kind.RETRYING: [Sound.RETRY],
        Kind.DONE: [Sound.DONE],
        Kind.FAILED: [Sound.FAILED],
        Kind.KILLED: [Sound.FAILED],
    }


def test_every_sound_but_the_engines_own_has_a_cause() -> None:
    """HEARTBEAT is the clock's to play; the alarms play what stands."""
    caused = {*SOUND_OF_ACTIVITY.values(), *SOUND_OF_MAIL.values(), Sound.MAIL, Sound.DISPATCHED}
    assert set(Sound) - caused == {Sound.ALL_CLEAR, Sound.HEARTBEAT, *ALARMS_ALONE}


def test_a_cue_tells_the_agent_its_voice_and_the_tools_family() -> None:
    old = at(lighthouse())
    second = old.fleet.agents[1]
    call = structs.replace(act(second.agent.name, Kind.TOOL, "WebFetch: x", 0), tool="WebFetch")
    busy = structs.replace(second, activities=(*second.activities, call))
    agents = (old.fleet.agents[0], busy, *old.fleet.agents[2:])
    new = at(structs.replace(old.fleet, agents=agents), old=old)
    assert event_cues(old, new, NOON - 1) == [Cue(Sound.TOOL, second.address, 1, "web")]


@pytest.mark.parametrize(
    ("tool", "known"),
    [("Bash", "shell"), ("exec_command", "shell"), ("Grep", "read"), ("MultiEdit", "edit"), ("apply_patch", "edit"),
     ("WebSearch", "web"), ("Task", "agent"), ("mcp__github__list", "other"), ("Skill", "other"), ("", "")],
)  # fmt: skip
def test_tools_have_families(tool: str, known: str) -> None:
    assert tool_family(tool) == known
    assert known in (*FAMILIES, "")


def test_subagents_are_silent_unless_they_have_a_volume() -> None:
    old = at(lighthouse())
    first = old.fleet.agents[0]
    call = structs.replace(act("writer", Kind.TOOL, "Bash: x", 0), tool="Bash", subagent="a17")
    busy = structs.replace(first, activities=(*first.activities, call))
    new = at(structs.replace(old.fleet, agents=(busy, *old.fleet.agents[1:])), old=old)
    assert event_cues(old, new, NOON - 1) == []
    assert event_cues(old, new, NOON - 1, subagents=0.25) == [Cue(Sound.TOOL, "@writer", 0, "shell", volume=0.25)]


@pytest.mark.parametrize(("ago", "told"), [(1.9, True), (2.1, False)])
def test_late_news_is_no_news(ago: float, told: bool) -> None:
    assert bool(heard(Kind.DONE, ago)) is told


def test_a_stamp_of_whole_seconds_may_mean_a_second_later() -> None:
    assert heard(Kind.DONE, ago=3.0) == [Sound.DONE]
    assert heard(Kind.DONE, ago=4.0) == []


def mailed(message: Message, to: str = "writer") -> list[Cue]:
    old = at(lighthouse())

    def with_mail(facts: AgentFacts) -> AgentFacts:
        return structs.replace(facts, mailbox=replace(facts.mailbox, messages=(message, *facts.mailbox.messages)))

    operator = old.fleet.operator
    assert operator is not None
    agents = tuple(with_mail(facts) if facts.address == f"@{to}" else facts for facts in old.fleet.agents)
    fleet = structs.replace(old.fleet, agents=agents, operator=with_mail(operator) if to == "operator" else operator)
    return event_cues(old, at(fleet, old=old), NOON - 1000)


def letter(priority: str = "normal", *, task: bool = False, ago: float = 0.0) -> Message:
    return Message("beef0001", "beef0002", NOON - ago, "@editor", "s", "b", "new", priority, is_task=task)


def test_mail_sounds_by_priority_and_a_task_is_a_dispatch() -> None:
    assert mailed(letter("low")) == [Cue(Sound.MAIL_LOW, "@writer", 0, volume=AGENT_MAIL_VOLUME)]
    assert mailed(letter()) == [Cue(Sound.MAIL, "@writer", 0, volume=AGENT_MAIL_VOLUME)]
    assert mailed(letter("high")) == [Cue(Sound.MAIL_HIGH, "@writer", 0, volume=AGENT_MAIL_VOLUME)]
    assert mailed(letter("high", task=True)) == [Cue(Sound.DISPATCHED, "@writer", 0)]


def test_mail_for_the_operator_has_its_senders_pitch() -> None:
    assert mailed(letter("high"), to="operator") == [Cue(Sound.MAIL_HIGH, "@editor", 2)]


def test_mail_that_was_there_before_is_silent() -> None:
    assert mailed(letter(ago=60)) == [], "restored from the archive, or a new agent's old mail"


def test_the_heartbeat_beats_while_somebody_works_and_nothing_else_is_heard() -> None:
    working = at(quiet_agent())
    assert working.status("@checker").state is State.WORKING
    assert heartbeat_cue(working, NOON - 10, 10.0) == Cue(Sound.HEARTBEAT)
    assert heartbeat_cue(working, NOON - 9, 10.0) is None, "something was heard"
    assert heartbeat_cue(working, NOON - 10, 0.0) is None, "not asked for"
    idle = at(Fleet(ROOT, (facts("checker"),)))
    assert heartbeat_cue(idle, NOON - 10, 10.0) is None


def test_the_heartbeat_beats_while_a_run_is_starting() -> None:
    """Its program may take a minute to its first sign of life; that is no silence."""
    starting = at(Fleet(ROOT, (facts("writer", run=run("writer", "Report", Phase.STARTING, 5.0), lock=lock(5.0)),)))
    assert starting.status("@writer").state is State.STARTING
    assert heartbeat_cue(starting, NOON - 10, 10.0) == Cue(Sound.HEARTBEAT)


def test_history_is_silent_even_where_it_is_read_late() -> None:
    assert heard(Kind.TOOL, ago=30) == []


def test_what_was_there_when_the_screen_opened_is_silent() -> None:
    first = at(lighthouse())
    assert event_cues(first, at(lighthouse(), old=first), NOON + 5) == []


def test_nothing_new_is_silent() -> None:
    old = at(lighthouse())
    assert event_cues(old, at(old.fleet, NOON + 1, old), NOON - 1000) == []


def quiet_agent() -> Fleet:
    working: AgentFacts = facts(
        "checker",
        lock=lock(100),
        run=run("checker", "Check", Phase.RUNNING, 100),
        activities=(act("checker", Kind.LOG, "page 1", 59.5),),
    )
    return Fleet(ROOT, (working,))


def test_silence_appears_with_time_alone_and_is_left_to_the_alarms() -> None:
    before = at(quiet_agent())
    after = at(before.fleet, NOON + 1, before)
    assert before.status("@checker").state is State.WORKING
    assert after.status("@checker").state is State.SILENT
    assert event_cues(before, after, NOON) == []


def test_the_most_urgent_comes_first() -> None:
    old = at(quiet_agent())
    noisy = facts("writer", activities=(act("writer", Kind.TOOL, "x", -1), act("writer", Kind.FAILED, "y", -1)))
    new = at(structs.replace(old.fleet, agents=(*old.fleet.agents, noisy)), NOON + 1, old)
    assert sounds(event_cues(old, new, NOON)) == [Sound.FAILED, Sound.TOOL]


def test_a_moment_that_differs_in_nothing_is_the_same_moment() -> None:
    first = at(lighthouse())
    assert next_snapshot(first, first.fleet, NOON + 0.4, SILENCE) is first


def test_a_status_that_did_not_change_is_the_same_object() -> None:
    first = at(lighthouse())
    second = at(with_activity(first.fleet, Kind.LOG), NOON + 1, first)
    same = [address for address in first.statuses if first.statuses[address] is second.statuses[address]]
    assert len(same) >= len(first.statuses) - 1


def test_of_fleets_that_follow_each_other_fast_only_who_changed_is_derived() -> None:
    """What time alone changes is looked at again after a while, not with every line that any agent writes."""
    checker = structs.replace(quiet_agent().agents[0], activities=(act("checker", Kind.LOG, "page 1", 59.7),))
    first = at(Fleet(ROOT, (facts("writer"), checker)))
    soon = at(with_activity(first.fleet, Kind.LOG), NOON + 0.4, first)
    assert soon.status("@checker").state is State.WORKING and soon.derived == NOON
    late = at(with_activity(soon.fleet, Kind.LOG), NOON + 0.6, soon)
    assert late.status("@checker").state is State.SILENT and late.derived == NOON + 0.6


def test_who_needs_the_operator() -> None:
    assert at(lighthouse()).needs_me() == ("@editor", "@checker", "@builder", "@reviewer")


@pytest.mark.parametrize("when", [float("inf"), float("nan"), 1e300])
def test_news_of_no_real_time_ends_nothing(when: float) -> None:
    assert isinstance(event_cues(at(Fleet(ROOT, (facts("a"),))), at(Fleet(ROOT, (_acted(when),))), NOON), list)


def _acted(when: float) -> AgentFacts:
    return structs.replace(facts("a"), activities=(structs.replace(act("a", Kind.TOOL, "x", 0), at=when),))


@pytest.mark.parametrize("seconds", [0.1, 0.2, 0.4])
def test_the_moment_after_a_few_changes_is_the_one_that_looking_at_all_gives(seconds: float) -> None:
    old = at(lighthouse())
    for number, changed in enumerate(old.fleet.agents):
        new = structs.replace(
            changed, lock=None, activities=(*changed.activities, act(changed.address[1:], Kind.TOOL, "x", 0))
        )
        agents = tuple(new if one is changed else one for one in old.fleet.agents)
        fleet = structs.replace(old.fleet, agents=agents)
        quick, whole = at(fleet, NOON + seconds, old), at(fleet, NOON + seconds)
        assert quick.statuses == whole.statuses, number
        assert quick.derived == old.derived, "only that one was looked at"


def test_an_activity_that_was_read_anew_is_not_heard_again() -> None:
    """The very same objects are passed over; those that are equal, too."""
    old = at(lighthouse())
    agents = old.fleet.agents
    anew = tuple(structs.replace(one, activities=tuple(map(structs.replace, one.activities))) for one in agents)
    assert anew[0].activities[0] is not agents[0].activities[0]
    assert event_cues(old, at(structs.replace(old.fleet, agents=anew), NOON, old), NOON - 1000) == []


def test_a_session_that_nobody_ends_is_idle_to_the_moment() -> None:
    """Its state is not derived again until then."""
    typed = act("writer", Kind.PROMPT, "do it", 0)
    fleet = structs.replace(
        lighthouse(), agents=(facts("writer", turn_open=True, last_active=NOON, activities=(typed,)),)
    )
    first = at(fleet)
    assert first.status("@writer").state is State.WORKING and first.holds["@writer"] == NOON + SILENCE.silence
    at_work = at(fleet, NOON + SILENCE.silence, first)
    assert at_work.status("@writer").state is State.WORKING
    assert at(fleet, NOON + SILENCE.silence + 1, at_work).status("@writer").state is State.IDLE


def test_a_state_that_ends_or_begins_turns_the_moment_and_a_tool_does_not() -> None:
    first = at(lighthouse())
    working, in_tool, failed = (Status(state, "") for state in (State.WORKING, State.IN_TOOL, State.FAILED))

    def of(status: Status) -> Snapshot:
        return replace(first, statuses={**first.statuses, "@writer": status})

    assert turned(of(working), of(failed)) and turned(of(failed), of(working))
    assert not turned(of(working), of(in_tool)) and not turned(of(in_tool), of(working))
    assert not turned(first, first) and not turned(of(failed), of(Status(State.FAILED, "another reason")))
