"""What stands as few lines: groups of a cause, what is hidden in them, how each stands; and as one headline."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailcore.text.units import clock_time
from praxmonitor.alarms.alarm import Alarm, AlarmKind, clauses
from praxmonitor.alarms.alarm_mutes import AlarmMute
from praxmonitor.alarms.episode import ACKNOWLEDGED, Answers, Episode
from praxmonitor.alarms.episodes import Episodes, advance
from praxmonitor.alarms.groups import AlarmGroup, AlarmState, groups_of, most_urgent_first, named_since
from praxmonitor.alarms.outlets import headline_of
from praxmonitor.alarms.reports import title_of
from praxmonitor.alarms.telling import GROUP_INTERVAL
from praxmonitor.dialogs.alarm_lines import MOST_LISTED, group_lines
from praxmonitor.text.lines import width_of

NOW = 1_800_000_000.0


def bounced(number: int, at: float = 0.0, cause: str = "network") -> Alarm:
    return Alarm(
        AlarmKind.BOUNCED, f"@a{number}", NOW + at, f"bounced: task {number}", "a reply", "exit 1", "retry (r) it",
        f"r{number}", cause,
    )  # fmt: skip


TWELVE = [bounced(number) for number in range(12)]
LIMIT = Alarm(AlarmKind.LIMIT, "", NOW, "usage limit of work", id="work", agents=("@a0", "@a1"))
STUCK = Alarm(AlarmKind.STUCK, "@a0", NOW, "stuck: task 0", id="m0")
SILENT = Alarm(AlarmKind.SILENCE, "@a0", NOW, "silent: task 0", id="r0")


def stood(
    *alarms: Alarm, answers: Answers | None = None, mutes: tuple[AlarmMute, ...] = (), after: tuple[Alarm, ...] = ()
) -> tuple[AlarmGroup, ...]:
    """The lines after a look at these, and, a second later, one at those `after` it."""
    episodes, _ = advance(Episodes(), alarms, {}, NOW, mutes=mutes)
    episodes, _ = advance(episodes, after or alarms, answers or {}, NOW + 1, mutes=mutes)
    return groups_of(episodes.standing(), NOW + 1)


def text(group: AlarmGroup, width: int = 100, *, chosen: bool = False) -> str:
    lines = group_lines(group, {}, NOW + 60, width, str if chosen else None)
    assert all(width_of(line) <= width for line in lines)
    return "\n".join("".join(part for part, _ in line) for line in lines)


def test_the_age_is_that_of_the_alarm_that_is_named_first() -> None:
    old = replace(SILENT, since=NOW - 9000)
    episodes = [Episode(alarm, NOW) for alarm in (replace(LIMIT, since=0.0), old)]
    assert named_since(episodes) == NOW, "when it was raised, where nobody knows when it began"
    assert named_since(episodes[::-1]) == NOW - 9000
    assert named_since([Episode(bounced(1), NOW), Episode(old, NOW), Episode(bounced(2, -60), NOW)]) == NOW - 60
    assert named_since([Episode(bounced(1), NOW), Episode(bounced(2, -60, "disk"), NOW)]) == NOW, "of another cause"
    assert named_since([]) == 0.0


def test_twelve_of_one_cause_are_one_line_and_named_when_it_is_chosen() -> None:
    (group,) = stood(*TWELVE)
    assert group.leader.alarm is TWELVE[0] and len(group.joined) == 11 and len(group.keys) == 12
    assert "@a0 bounced: task 0" in text(group) and "+11 of one cause" in text(group)
    assert "+11" in text(group, 50) and "of one cause" not in text(group, 50)
    chosen = text(group, chosen=True)
    assert "@a1 bounced: task 1" in chosen and f"and {11 - MOST_LISTED} more" in chosen and "network" in chosen


def test_after_a_restart_they_are_one_line_still() -> None:
    """Who joined whom is not kept: it is told from their times again."""
    before, _ = advance(Episodes(), TWELVE, {}, NOW)
    kept = {key: episode.report() for key, episode in before.by_key.items()}
    again, events = advance(Episodes(reported_before=kept), TWELVE, {}, NOW + 60)
    assert not events.raised and not any(episode.joined for episode in again.by_key.values())
    (group,) = groups_of(again.standing(), NOW + 60)
    assert len(group.joined) == 11


def test_what_was_raised_by_itself_is_a_line_of_its_own() -> None:
    episodes, _ = advance(Episodes(), [bounced(1)], {}, NOW)
    late = NOW + GROUP_INTERVAL + 1
    episodes, events = advance(episodes, [bounced(1), bounced(2, GROUP_INTERVAL)], {}, late)
    assert len(events.raised) == 1
    assert len(groups_of(episodes.standing(), late)) == 2
    assert len(stood(bounced(1), bounced(2, cause="disk"))) == 2, "of another cause"
    assert len(stood(bounced(1, cause=""), bounced(2, cause=""))) == 2, "of no known cause"


def test_who_joins_late_because_it_was_hidden_is_on_the_line_of_who_it_joined() -> None:
    early, late = replace(STUCK, since=NOW), replace(STUCK, id="m1", since=NOW + 50)
    episodes, _ = advance(Episodes(), [LIMIT, early], {}, NOW)
    episodes, _ = advance(episodes, [LIMIT, early, late], {}, NOW + 50)
    episodes, _ = advance(episodes, [early, late], {}, NOW + 1000)
    episodes, events = advance(episodes, [early, late], {}, NOW + 1500)
    assert len(events.raised) == 1 == len(events.joined), "the limit is over, and they come up as one"
    (group,) = groups_of(episodes.standing(), NOW + 1500)
    assert {group.leader.alarm.id, group.joined[0].alarm.id} == {"m0", "m1"}


def test_what_an_alarm_hides_is_counted_on_its_line_and_is_none_itself() -> None:
    group, other = stood(LIMIT, STUCK, bounced(7, cause=""))
    assert other.leader.alarm is LIMIT and group.leader.alarm.kind is AlarmKind.BOUNCED, "the more urgent first"
    assert [one.alarm.key for one in other.hidden] == [STUCK.key] and other.keys == (LIMIT.key,)
    assert "hides 1" in text(other) and "it hides @a0 stuck: task 0" in text(other, chosen=True)
    assert title_of((group, other)) == "Alarms: 2, of which 2 want you, 1 hidden."


def test_what_lasts_joins_its_cause_however_late_also_after_a_restart() -> None:
    first, late = (replace(STUCK, id=f"m{n}", cause="queue", since=NOW + 900 * n) for n in (0, 1))
    episodes, _ = advance(Episodes(), [first], {}, NOW)
    episodes, events = advance(episodes, [first, late], {}, NOW + 900)
    assert [one.alarm for one in events.joined] == [late]
    kept = {key: episode.report() for key, episode in episodes.by_key.items()}
    again, _ = advance(Episodes(reported_before=kept), [first, late], {}, NOW + 950)
    assert [len(group.keys) for group in groups_of(again.standing(), NOW + 950)] == [2]


def test_who_is_answered_otherwise_than_its_group_is_a_line_of_its_own() -> None:
    wanting, taken = stood(*TWELVE, answers={TWELVE[0].key: ACKNOWLEDGED})
    assert (len(wanting.keys), wanting.state) == (11, AlarmState.WANTS), "no wanting alarm hides behind an answered one"
    assert (taken.keys, taken.state) == ((TWELVE[0].key,), AlarmState.ACKNOWLEDGED)


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [(ACKNOWLEDGED, AlarmState.ACKNOWLEDGED, "acknowledged"), (NOW + 600, AlarmState.SNOOZED, "snoozed to ")],
)
def test_each_answer_is_said(answer: float, state: AlarmState, said: str) -> None:
    (group,) = stood(SILENT, answers={SILENT.key: answer})
    assert group.state is state and said in text(group)


def test_what_is_muted_over_and_settling_is_said() -> None:
    (muted,) = stood(SILENT, mutes=(AlarmMute("ab12", NOW + 3600, agent="@a0", by="@operator", why="a build"),))
    mutes = {"ab12": AlarmMute("ab12", NOW + 3600, agent="@a0", by="@operator", why="a build")}
    said = "\n".join("".join(t for t, _ in row) for row in group_lines(muted, mutes, NOW + 1, 100, str))
    assert muted.state is AlarmState.MUTED and "muted to " in said and "ab12: @a0; by @operator; a build" in said
    (over,) = stood(bounced(1), after=(replace(LIMIT, agents=("@x",)),))[1:]
    assert over.state is AlarmState.OVER and "over, not acknowledged" in text(over)
    assert " over  " in text(over, 50) and "not acknowledged" not in text(over, 50)
    (settling,) = stood(replace(SILENT, settle=60.0), after=(replace(LIMIT, agents=("@x",)),))[1:]
    assert settling.state is AlarmState.SETTLING and "settling" in text(settling)


def test_what_settles_asks_for_nothing_and_says_when_it_is_over() -> None:
    silent = replace(SILENT, settle=60.0, remedy="kill (D), then retry (r) it", expected="a line")
    episodes, _ = advance(Episodes(), [silent], {}, NOW)
    episodes, _ = advance(episodes, [], {}, NOW + 30)
    (group,) = groups_of(episodes.standing(), NOW + 40)
    said = "\n".join("".join(t for t, _ in row) for row in group_lines(group, {}, NOW + 40, 130, str))
    goes_on, over = (clock_time(NOW + after, seconds=False) for after in (30, 90))
    assert f"work goes on since {goes_on}" in said and f"settling to {over}" in said
    assert f"nothing: unless it comes again it is over at {over}" in said and "kill" not in said


def test_one_group_is_one_clause_and_the_most_urgent_comes_first() -> None:
    alone = Alarm(AlarmKind.STUCK, "@z", NOW, "stuck: mail")
    episodes, _ = advance(Episodes(), [alone, *TWELVE, SILENT], {}, NOW)
    assert headline_of(episodes.unanswered(NOW)) == "@a0 silent: task 0, 12 runs bounced: network, @z stuck: mail"
    assert clauses([bounced(1)]) == ["@a1 bounced: task 1"]
    assert clauses([bounced(1), bounced(2), bounced(3, cause="disk")]) == [
        "2 runs bounced: network", "@a3 bounced: task 3",
    ]  # fmt: skip
    claude = [bounced(number, cause="network claude") for number in range(3)]
    assert clauses(claude) == ["3 runs bounced: network (claude)"]
    hidden, _ = advance(Episodes(), [LIMIT, STUCK], {}, NOW)
    assert headline_of(hidden.unanswered(NOW)) == "usage limit of work", "what is hidden is not counted"


def test_order_is_of_urgency_kind_and_age() -> None:
    def kinds(*alarms: Alarm) -> list[str]:
        episodes, _ = advance(Episodes(), alarms, {}, NOW)
        found: list[Episode] = most_urgent_first(episodes.by_key.values())
        return [one.alarm.address for one in found]

    assert kinds(bounced(2), replace(SILENT, address="@s"), bounced(1)) == ["@s", "@a2", "@a1"]
