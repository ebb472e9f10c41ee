"""What of the alarms that stand is told: hidden in their cause, joined, muted, latched, repeated together."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.alarm_mutes import AlarmMute
from praxmonitor.alarms.episode import ACKNOWLEDGED, AlarmEvents, Answers
from praxmonitor.alarms.episodes import CHATTER, MOST_LATCHED, Episodes, advance
from praxmonitor.alarms.inhibition import EARLIER, INHIBITIONS, Inhibition
from praxmonitor.alarms.repeats import LONGEST_ATTENDED, Repeat
from praxmonitor.alarms.telling import COME_UP, GROUP_INTERVAL
from praxmonitor.sound import Urgency

NOW = 1_800_000_000.0
REPEAT = Repeat({Urgency.HIGH: (10.0, 20.0, 60.0), Urgency.MEDIUM: (60.0, 300.0)})


def alarm(
    kind: AlarmKind = AlarmKind.FAILED, who: str = "@a", since: float = NOW, *, id: str = "r1", cause: str = ""
) -> Alarm:
    return Alarm(kind, who, since, f"{kind}: a task", id=id, cause=cause)


LIMIT = Alarm(
    AlarmKind.LIMIT, "", NOW, "usage limit of work", id="work 5h", cause="service claude", agents=("@a", "@b")
)


MUTE = AlarmMute("ab12", NOW + 3600, agent="@a")


class Watch:
    """The fold over time, with its answers."""

    def __init__(self) -> None:
        self.episodes, self.answers, self.mutes = Episodes(), dict[str, float](), list[AlarmMute]()
        self.attended_at = 0.0
        self.at_rest: set[str] = set()

    def look(self, at: float, *alarms: Alarm) -> AlarmEvents:
        answers: Answers = self.answers
        repeat = replace(REPEAT, attended_at=self.attended_at)
        self.episodes, events = advance(self.episodes, alarms, answers, NOW + at, repeat, self.mutes, self.at_rest)
        for episode in events.joined:
            if episode.answered(NOW + at):
                self.answers[episode.alarm.key] = episode.answered_until
        return events

    def wanting(self, at: float) -> list[str]:
        return [episode.alarm.key for episode in self.episodes.unanswered(NOW + at)]


def keys(episodes: object) -> list[str]:
    assert isinstance(episodes, tuple)
    return [episode.alarm.key for episode in episodes]


NAMED = {AlarmKind.DISK: "disk", AlarmKind.NETWORK: "network codex", AlarmKind.LIMIT: "network claude"}
"""How one of the effects names its cause."""


@pytest.mark.parametrize("rule", INHIBITIONS, ids=lambda rule: f"{rule.cause} hides {'|'.join(sorted(rule.effects))}")
def test_each_rule_hides_its_effects_and_lets_them_up_again(rule: Inhibition) -> None:
    agent = "" if rule.everywhere else "@a"
    cause = Alarm(rule.cause, agent, NOW, "the cause", id="c", cause="service claude" if rule.named else "")
    named = NAMED[rule.cause] if rule.named else ""
    for kind in sorted(rule.effects - {rule.cause}):
        watch, effect = Watch(), alarm(kind, since=NOW + 5, cause=named)
        assert keys(watch.look(0, cause).raised) == [cause.key]
        assert not watch.look(5, cause, effect).raised
        assert keys(watch.episodes.hidden_in(cause.key)) == [effect.key] and watch.wanting(5) == [cause.key]
        events = watch.look(5 + watch.episodes.by_key[cause.key].settle + 1, effect)
        later = watch.look(400, effect)
        assert keys((*events.raised, *later.raised)) == [effect.key], "the cause went, and the effect stayed"
        assert watch.wanting(400) == [effect.key]


@pytest.mark.parametrize(
    ("effect", "why"),
    [
        (alarm(AlarmKind.BOUNCED, "@a", cause="auth"), "it names another cause"),
        (alarm(AlarmKind.BOUNCED, "@a"), "it failed for a reason of its own"),
        (alarm(AlarmKind.BOUNCED, "@a", cause="service codex"), "the service of another program"),
        (alarm(AlarmKind.BOUNCED, "@a", cause="network codex"), "the way to another program's service"),
        (alarm(AlarmKind.BOUNCED, "@a", NOW - EARLIER - 1, cause="service claude"), "it failed long before"),
        (alarm(AlarmKind.STUCK, "@c"), "an agent that does not wait for that limit"),
        (alarm(AlarmKind.SILENCE, "@a"), "who waits for a limit tries again, in time"),
        (alarm(AlarmKind.WAITING, "@a", cause="service claude"), "it waits for a person, not for the limit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_effect_is_not_hidden(effect: Alarm, why: str) -> None:
    watch = Watch()
    watch.look(0, LIMIT)
    assert keys(watch.look(5, LIMIT, effect).raised) == [effect.key], why


def test_what_stood_before_its_cause_is_hidden_by_it_and_told_again_after_it() -> None:
    watch, effect = Watch(), alarm(AlarmKind.STUCK, "@a", NOW - 60)
    assert keys(watch.look(0, effect).raised) == [effect.key]
    assert keys(watch.look(5, LIMIT, effect).raised) == [LIMIT.key] and watch.wanting(5) == [LIMIT.key]
    watch.look(100, effect)
    assert watch.wanting(100) == [], "the limit settles still"
    assert keys(watch.look(230, effect).raised) == [effect.key]


def test_what_comes_up_is_one_notification_of_the_most_urgent() -> None:
    watch, disk = Watch(), alarm(AlarmKind.DISK, "")
    lost = [alarm(AlarmKind.UNDELIVERED, f"@a{n}", cause="disk") for n in range(3)]
    silent = alarm(AlarmKind.SILENCE, "@z")
    watch.look(0, disk, *lost, silent)
    watch.look(10, *lost, silent)
    events = watch.look(10 + watch.episodes.by_key[disk.key].settle, *lost, silent)
    assert keys(events.raised) == [lost[0].key, silent.key], "the first of medium urgency, and what is more urgent"
    assert keys(events.joined) == [lost[1].key, lost[2].key]


def test_a_cause_that_is_hidden_itself_hides_in_the_first() -> None:
    watch = Watch()
    gone = alarm(AlarmKind.GONE, "@a")
    silent, stuck = alarm(AlarmKind.SILENCE, "@a"), alarm(AlarmKind.STUCK, "@a")
    watch.look(0, gone, silent, stuck)
    assert {one.hidden_by for one in watch.episodes.by_key.values()} == {"", gone.key}


def test_the_cause_of_a_hidden_cause_hides_what_that_one_explains() -> None:
    watch, disk = Watch(), alarm(AlarmKind.DISK, "")
    orphaned, stuck = alarm(AlarmKind.ORPHANED, "@a", NOW - 200), alarm(AlarmKind.STUCK, "@a", NOW - 450)
    watch.look(0, disk, orphaned, stuck)
    assert keys(watch.episodes.hidden_in(disk.key)) == [orphaned.key, stuck.key], "though it stuck before the disk"


def test_what_concerns_others_too_is_not_hidden() -> None:
    watch, both = Watch(), replace(alarm(AlarmKind.STUCK, ""), agents=("@a", "@z"))
    assert keys(watch.look(0, LIMIT, both).raised) == [LIMIT.key, both.key]


def test_nobody_joins_a_group_that_is_hidden() -> None:
    watch = Watch()
    disk = alarm(AlarmKind.DISK, "")
    hidden_one = alarm(AlarmKind.UNREADABLE, "@a", cause="disk", id="")
    watch.look(0, disk, hidden_one)
    early = alarm(AlarmKind.UNREADABLE, "@z", NOW - EARLIER - 1, cause="disk", id="")
    assert keys(watch.look(2, disk, hidden_one, early).raised) == [early.key]


def test_who_tries_again_and_comes_back_to_those_that_wait_lets_nothing_up() -> None:
    watch, stuck = Watch(), alarm(AlarmKind.STUCK, "@a")
    trying = replace(LIMIT, agents=("@b",))
    watch.look(0, LIMIT, stuck)
    told = [watch.look(at, trying if at % 600 < 200 else LIMIT, stuck) for at in range(10, 3600, 10)]
    assert not any(events.raised for events in told)
    assert not watch.look(3600 + COME_UP - 1, trying, stuck).raised
    assert keys(watch.look(3600 + 2 * COME_UP, trying, stuck).raised) == [stuck.key], "it does not wait any more"


def test_a_run_that_lost_its_supervisor_is_told_once_though_it_bounces_then() -> None:
    watch = Watch()
    orphaned, bounced = alarm(AlarmKind.ORPHANED, "@a"), alarm(AlarmKind.BOUNCED, "@a")
    assert watch.look(0, orphaned).raised
    assert keys(watch.look(500, bounced).joined) == [bounced.key]
    another = alarm(AlarmKind.BOUNCED, "@a", id="r2")
    assert keys(watch.look(600, another).raised) == [another.key]


def test_who_meets_a_limit_that_stands_joins_it_whenever() -> None:
    watch = Watch()
    first, late = (alarm(AlarmKind.LIMIT, who, cause="service claude") for who in ("@a", "@b"))
    watch.look(0, first)
    assert keys(watch.look(3 * GROUP_INTERVAL, first, late).joined) == [late.key]
    codex = alarm(AlarmKind.LIMIT, "@c", cause="service codex")
    assert keys(watch.look(3 * GROUP_INTERVAL + 1, first, late, codex).raised) == [codex.key], "another's service"


def test_after_a_restart_what_was_hidden_stays_hidden_until_its_cause_is_seen() -> None:
    watch, disk, orphaned = Watch(), alarm(AlarmKind.DISK, ""), alarm(AlarmKind.ORPHANED, "@a")
    watch.look(0, disk, orphaned)
    told = {key: episode.report() for key, episode in watch.episodes.by_key.items()}
    after = Watch()
    after.episodes = Episodes(reported_before=told)
    assert not after.look(10, orphaned), "nobody looked at the disk yet"
    assert not after.look(15, disk, orphaned) or after.wanting(15) == [disk.key]
    gone = Watch()
    gone.episodes = Episodes(reported_before=told)
    gone.look(10, orphaned)
    gone.episodes = replace(gone.episodes, reported_before={})
    assert keys(gone.look(80, orphaned).raised) == [orphaned.key], "the disk is not full any more"


def test_the_end_of_what_nobody_was_told_of_is_not_told() -> None:
    watch = Watch()
    watch.mutes = [MUTE]
    watch.look(0, alarm(AlarmKind.STUCK))
    assert not watch.look(5).over and not watch.episodes.by_key


def test_thirty_of_one_cause_are_one_notification() -> None:
    watch = Watch()
    failed = [alarm(AlarmKind.BOUNCED, f"@a{n}", NOW + n, cause="auth", id=f"r{n}") for n in range(30)]
    told = [watch.look(n, *failed[: n + 1]) for n in range(30)]
    assert [len(events.raised) for events in told] == [1] + [0] * 29
    assert sum(len(events.joined) for events in told) == 29 and len(watch.wanting(30)) == 30
    watch.answers = dict.fromkeys(watch.wanting(30), ACKNOWLEDGED)
    late = alarm(AlarmKind.BOUNCED, "@late", NOW + 40, cause="auth", id="late")
    events = watch.look(40, *failed, late)
    assert keys(events.joined) == [late.key] and watch.wanting(41) == [], "answered with its group"
    watch.look(41, *failed, late)
    assert watch.wanting(41) == []
    other = alarm(AlarmKind.BOUNCED, "@late", NOW + 50, cause="disk", id="other")
    assert keys(watch.look(50, *failed, late, other).raised) == [other.key], "another cause is another alarm"
    again = alarm(AlarmKind.BOUNCED, "@b", NOW + GROUP_INTERVAL + 1, cause="auth", id="again")
    assert keys(watch.look(GROUP_INTERVAL + 1, *failed, late, other, again).raised) == [again.key]


def test_without_a_cause_each_is_its_own() -> None:
    assert len(Watch().look(0, alarm(who="@a"), alarm(who="@b")).raised) == 2


def test_a_failure_stays_listed_when_the_next_run_starts_until_it_is_acknowledged() -> None:
    watch, failed = Watch(), alarm(AlarmKind.BOUNCED)
    watch.look(0, failed)
    events = watch.look(10)
    assert keys(events.over) == [failed.key] and events.clear
    (latched,) = watch.episodes.by_key.values()
    assert latched.latched and watch.wanting(10) == [] and not watch.look(10_000)
    watch.answers[failed.key] = ACKNOWLEDGED
    assert not watch.look(10_001).over and not watch.episodes.by_key, "it was over before"


def test_what_fails_again_after_it_was_latched_is_heard() -> None:
    watch, failed = Watch(), alarm(AlarmKind.FAILED)
    watch.look(0, failed)
    watch.look(10)
    assert keys(watch.look(20, failed).raised) == [failed.key] and watch.wanting(20) == [failed.key]


def test_an_acknowledged_failure_is_not_latched_and_one_that_was_never_told_neither() -> None:
    watch, failed = Watch(), alarm(AlarmKind.FAILED)
    watch.look(0, failed)
    watch.answers[failed.key] = ACKNOWLEDGED
    watch.look(1, failed)
    watch.look(2)
    assert not watch.episodes.by_key


def test_of_very_many_latched_the_newest_are_kept() -> None:
    watch = Watch()
    for number in range(MOST_LATCHED + 5):
        watch.look(2 * number, alarm(id=f"r{number}", since=NOW + 2 * number))
        watch.look(2 * number + 1)
    latched = [one.alarm.id for one in watch.episodes.by_key.values() if one.latched]
    assert len(latched) == MOST_LATCHED and "r0" not in latched and f"r{MOST_LATCHED + 4}" in latched


def test_a_condition_that_chatters_is_told_twice_not_again_and_again() -> None:
    watch, silent = Watch(), replace(alarm(AlarmKind.SILENCE), settle=10.0)
    raised = over = 0
    for second in range(3600):
        events = watch.look(second, *([silent] if second % 60 < 30 else []))
        raised, over = raised + len(events.raised), over + len(events.over)
    assert (raised, over) == (2, 1), "it came again a moment after it was over: from then on it chatters"
    assert not watch.look(3600 + CHATTER - 40).over
    assert keys(watch.look(3600 + CHATTER).over) == [silent.key], "quiet for as long: it is over"


def chattering(settles: Alarm) -> Watch:
    """It came again just after it was over, and is gone again since 100."""
    watch = Watch()
    for second, found in ((0, [settles]), (30, []), (40, []), (60, [settles]), (100, [])):
        watch.look(second, *found)
    assert watch.episodes.by_key[settles.key].cleared_at == NOW + 100
    return watch


def test_what_chatters_is_over_once_it_was_gone_for_longer_than_it_takes_to_come_again() -> None:
    silent = replace(alarm(AlarmKind.SILENCE), settle=10.0, comes_again=16.0)
    watch = chattering(silent)
    assert not watch.look(115).over and keys(watch.look(117).over) == [silent.key]
    rare = replace(silent, comes_again=2 * CHATTER)
    watch = chattering(rare)
    assert not watch.look(100 + CHATTER - 1).over and watch.look(101 + CHATTER).over, "never later than before"


def test_a_silence_is_over_with_the_work_in_which_it_came() -> None:
    silent = replace(alarm(AlarmKind.SILENCE), settle=10.0)
    watch = chattering(silent)
    assert not watch.look(200).over, "it works, and may fall silent again"
    watch.at_rest.add(silent.address)
    assert keys(watch.look(201).over) == [silent.key]
    watch = chattering(lost := replace(alarm(AlarmKind.GONE), settle=10.0))
    watch.at_rest.add(lost.address)
    assert not watch.look(201).over, "of no other kind does the rest of an agent say so"


def test_an_agent_that_speaks_just_after_its_limit_is_one_alarm() -> None:
    watch, silent = Watch(), replace(alarm(AlarmKind.SILENCE), settle=6.0)
    told = [watch.look(second, *([silent] if second % 5 >= 3 else [])) for second in range(600)]
    assert [sum(len(found) for found in (events.raised, events.over)) for events in told].count(1) == 1


def test_of_several_the_most_urgent_repeat_and_at_one_time() -> None:
    watch = Watch()
    high, later = alarm(AlarmKind.SILENCE, "@a"), alarm(AlarmKind.SILENCE, "@b", NOW + 7)
    medium = alarm(AlarmKind.FAILED, "@c")
    repeated: list[tuple[int, int]] = []
    for second in range(120):
        events = watch.look(second, *([high, medium] if second < 7 else [high, later, medium]))
        if events.repeated:
            repeated.append((second, len(events.repeated)))
            assert {one.alarm.kind for one in events.repeated} == {AlarmKind.SILENCE}
    assert repeated == [(10, 2), (30, 2), (90, 2)], "soon again, for another came"
    assert len({watch.episodes.by_key[one.key].next_at for one in (high, later)}) == 1
    assert keys(watch.look(121, medium).repeated) == [medium.key], "it waited for the more urgent"


def test_one_that_comes_late_brings_the_others_back_to_its_time() -> None:
    watch, first, late = Watch(), alarm(AlarmKind.SILENCE, "@a"), alarm(AlarmKind.SILENCE, "@b", NOW + 200)
    for second in range(200):
        watch.look(second, first)
    watch.look(200, first, late)
    assert watch.look(210, first, late).repeated
    assert {one.next_at for one in watch.episodes.by_key.values()} == {NOW + 230}


def test_once_a_person_was_at_the_keys_repetitions_grow_apart() -> None:
    watch, silent = Watch(), alarm(AlarmKind.SILENCE)
    watch.look(0, silent)
    watch.episodes = watch.episodes.with_heard([silent.key], heard=True)
    watch.attended_at = NOW + 5
    repeated = [second for second in range(6 * 3600) if watch.look(second, silent).repeated]
    waits = [after - before for before, after in pairwise(repeated)]
    assert waits == sorted(waits) and waits[-1] == LONGEST_ATTENDED, waits
    unattended = Watch()
    unattended.look(0, silent)
    assert len([second for second in range(3600) if unattended.look(second, silent).repeated]) > 50


def test_what_grows_more_urgent_is_heard_at_once() -> None:
    watch, waiting = Watch(), alarm(AlarmKind.WAITING, id="w")
    watch.look(0, waiting)
    watch.look(899, waiting)
    events = watch.look(900, waiting)
    assert keys(events.repeated) == [waiting.key] and events.repeated[0].urgency is Urgency.HIGH


@pytest.mark.parametrize(
    ("mute", "hides"),
    [
        (MUTE, True),
        (replace(MUTE, agent="@b"), False),
        (replace(MUTE, kind="failed"), True),
        (replace(MUTE, kind="silence"), False),
        (replace(MUTE, agent="", task="r1"), True),
        (replace(MUTE, agent="", task="a task"), True),
        (replace(MUTE, agent="", task="another"), False),
        (replace(MUTE, agent="", text="failed: a"), True),
        (replace(MUTE, agent="", cause="auth"), False),
        (replace(MUTE, until=NOW - 1), False),
    ],
)
def test_a_mute_hides_what_all_of_it_matches_while_it_holds(mute: AlarmMute, hides: bool) -> None:
    watch, failed = Watch(), alarm()
    watch.mutes = [mute]
    assert bool(watch.look(0, failed).raised) is not hides
    assert watch.episodes.by_key[failed.key].muted_by == ("ab12" if hides else "")
    if hides:
        watch.mutes = []
        assert keys(watch.look(10, failed).raised) == [failed.key], "ended early, it is heard"


def test_a_mute_of_a_cause_holds_for_every_program_or_for_one() -> None:
    failed = alarm(AlarmKind.BOUNCED, cause="network claude")
    hidden = [replace(MUTE, agent="", cause=cause).matches(failed) for cause in ("network", "network claude")]
    assert hidden == [True, True] and not replace(MUTE, agent="", cause="network codex").matches(failed)


def test_a_mute_of_one_agent_hides_nothing_that_concerns_another_too() -> None:
    watch, both = Watch(), replace(alarm(AlarmKind.FAILED, ""), agents=("@a", "@b"))
    watch.mutes = [MUTE]
    assert keys(watch.look(0, both).raised) == [both.key]


def test_a_mute_that_ends_by_itself_lets_its_alarm_up() -> None:
    watch, failed = Watch(), alarm()
    watch.mutes = [MUTE]
    assert not watch.look(3599, failed).raised
    assert keys(watch.look(3600, failed).raised) == [failed.key]


def test_a_mute_never_hides_a_new_cause() -> None:
    watch, gone = Watch(), alarm(AlarmKind.GONE, "@a")
    watch.mutes = [MUTE, replace(MUTE, id="cd34", agent="", text="gone")]
    assert keys(watch.look(0, gone).raised) == [gone.key]
    watch.mutes.append(replace(MUTE, id="ef56", kind="gone"))
    watch.look(1, gone)
    assert watch.episodes.by_key[gone.key].muted_by == "ef56", "it is named"


KINDS = st.sampled_from(
    [AlarmKind.FAILED, AlarmKind.SILENCE, AlarmKind.LIMIT, AlarmKind.DISK, AlarmKind.STUCK, AlarmKind.GONE]
)
ALARMS = st.builds(
    Alarm, KINDS, st.sampled_from(["", "@a", "@b"]), st.sampled_from([0.0, NOW, NOW + 50]), st.just("x"),
    id=st.sampled_from(["1", "2"]), cause=st.sampled_from(["", "disk", "service claude"]),
)  # fmt: skip
LOOKS = st.lists(st.tuples(st.integers(1, 400), st.lists(ALARMS, max_size=5)), max_size=25)


@given(LOOKS, st.booleans())
def test_nothing_that_stands_is_ever_lost(looks: list[tuple[int, list[Alarm]]], muted: bool) -> None:
    """Whatever stands is listed; and it was told, or a standing alarm explains it, or a mute matches it."""
    watch, at = Watch(), 0
    watch.mutes = [replace(MUTE, until=NOW + 1e9)] if muted else []
    for passed, found in looks:
        at += passed
        standing = list({one.key: one for one in found}.values())
        events = watch.look(at, *standing)
        listed = watch.episodes.by_key
        for one in standing:
            episode = listed[one.key]
            assert not episode.cleared_at and not episode.latched
            if episode.hidden_by:
                cause = listed[episode.hidden_by]
                assert not cause.latched and not cause.hidden_by
            else:
                assert episode.times_notified or episode.muted_by
        for key, episode in listed.items():
            assert key in {one.key for one in standing} or episode.cleared_at
        told = [*events.raised, *events.joined, *events.repeated]
        assert len({one.alarm.key for one in told}) == len(told), "nothing is told twice by one look"
        assert not {one.alarm.key for one in told} & {one.alarm.key for one in events.over}
