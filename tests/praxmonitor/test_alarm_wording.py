"""One line says one thing: each alarm of every story says what lifts it, and says nothing twice."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache

import pytest

from praxmonitor.alarms.alarm import Alarm, AlarmKind
from tests.stories.expectation import EXPECTATION
from tests.stories.linked_hosts import LINKED_HOSTS
from tests.stories.made import STORIES
from tests.stories.masks import MASKS
from tests.stories.moves import MOVES
from tests.stories.play import play
from tests.stories.repeated_errors import REPEATED_ERRORS

LONGEST = 9000.0
"""Stories that are longer are not played again here, but where no other raises a kind."""
UNREAD = tuple(story for story in MOVES if "unread" in {kind for _, kind, _ in story.expected})
ALL = (*STORIES, *MOVES, *EXPECTATION, *REPEATED_ERRORS, *LINKED_HOSTS, *(mask.story for mask in MASKS))
PLAYED = (*(story for story in ALL if story.expected and story.seconds < LONGEST), *UNREAD[:1])
TIME = re.compile(r"(?:\b\d{4}-\d{2}-\d{2} )?\b\d{1,2}:\d{2}(?::\d{2})?\b")
CLAUSE = re.compile(r"; |, (?!\d)|: |\. ")
SHORTEST = 16
"""Characters of a clause that would be noticed if it came twice."""


@cache
def told_by(name: str) -> tuple[Alarm, ...]:
    """The alarms that a story raises."""
    told: list[Alarm] = []
    story = next(story for story in PLAYED if story.name == name)
    play(story, on_events=lambda due: told.extend(e.alarm for e in due.raised))
    return tuple(told)


@cache
def raised() -> dict[AlarmKind, dict[str, Alarm]]:
    """Every alarm that the stories raise, by kind and text."""
    found: defaultdict[AlarmKind, dict[str, Alarm]] = defaultdict(dict)
    for story in PLAYED:
        for alarm in told_by(story.name):
            found[alarm.kind][alarm.text] = alarm
    return dict(found)


def clauses(text: str) -> set[str]:
    return {clause.strip().casefold() for clause in CLAUSE.split(text) if len(clause.strip()) >= SHORTEST}


@pytest.mark.parametrize("kind", AlarmKind)
def test_an_alarm_says_how_it_is_lifted_and_nothing_twice(kind: AlarmKind) -> None:
    assert raised()[kind]
    for alarm in raised()[kind].values():
        parts = [alarm.what, alarm.expected, alarm.seen, alarm.remedy]
        assert alarm.remedy, f"{alarm.text}: what lifts it?"
        for place, part in enumerate(parts):
            for other in parts[place + 1 :]:
                assert not clauses(part) & clauses(other), f"said twice in: {alarm.text}"
                assert not set(TIME.findall(part)) & set(TIME.findall(other)), f"one time twice in: {alarm.text}"


def test_two_alarms_of_one_story_share_no_clause() -> None:
    """What two alarms that stand together say of one agent differs in each of its clauses but the remedies."""
    for story in PLAYED:
        told = told_by(story.name)
        for place, one in enumerate(told):
            for other in told[place + 1 :]:
                if one.address == other.address and one.kind is not other.kind:
                    shared = clauses(f"{one.seen}; {one.expected}") & clauses(f"{other.seen}; {other.expected}")
                    assert not shared, (story.name, shared)
