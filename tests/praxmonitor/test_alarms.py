"""Each alarm explains itself, and many are told as many. When each is raised is told by the stories."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from praxmonitor.alarms.alarm import Alarm, AlarmKind, headline
from praxmonitor.alarms.inhibition import CAUSES
from praxmonitor.alarms.rules.evaluate import AlarmRules
from praxmonitor.alarms.urgency import URGENCY_OF, urgency_of
from praxmonitor.sound import Sound, Urgency
from praxmonitor.state.snapshot import EMPTY, next_snapshot
from tests.clock import NOON
from tests.praxmonitor.fake_feed import CONFIG, lighthouse
from tests.stories.expectation import EXPECTATION
from tests.stories.linked_hosts import LINKED_HOSTS
from tests.stories.made import RAISING, STORIES
from tests.stories.masks import MASKS
from tests.stories.moves import MOVES
from tests.stories.play import Story, play
from tests.stories.recorded import RECORDED
from tests.stories.repeated_errors import REPEATED_ERRORS


def alarms_of(story: Story) -> dict[AlarmKind, Alarm]:
    """Every alarm that the story raises, by kind."""
    found: dict[AlarmKind, Alarm] = {}
    play(story, on_events=lambda due: found.update({e.alarm.kind: e.alarm for e in due.raised}))
    return found


def told_by(name: str) -> Alarm:
    story = next(story for story in (*STORIES, *MOVES) if story.name.startswith(name))
    (alarm,) = alarms_of(story).values()
    return alarm


EXPLAINED = {
    "thinking": (
        ("Report, attempt 1/3", "a hook event", "last sign of life", "processes idle", "kill (D)", "retry (r)")
    ),
    "inside a tool": ("the end of Bash: make all", "last sign of life", "in Bash: make all"),
    "a compaction that": ("the end of the compaction",),
    "a subagent without": ("a word of its subagent",),
    "the supervisor began": ("the first sign of the attempt",),
    "the next attempt does not": ("the next attempt",),
    "a timer's wake": ("its timer did not wake it", "a wake every 1 h", "wake (w)"),
    "asks for permission": ("waits for you: may I?", "your answer", "asked"),
    "a request for approval": (
        "@writer asks for your approval: Deploy?",
        "your decision",
        "approve (Y) or deny (N)",
        '"why" --from @operator`',
    ),
    "bounced after": ("bounced: Report: exit 1", "after 1 attempt; ", "@operator was told by mail", "retry (r)"),
    "a wake fails": ("failed: Report: exit 1", "retry (r)"),
    "done, and nobody": ("has not heard of it: disk full", "hears of Report", "tell it by mail (m)"),
    "three wait in": (
        "deadlock: @a waits for @b, @b for @c, @c for @a",
        "an answer to one of 'Build it' of @a",
        "closed",
        "kill (D)",
    ),
    "a session of one's own that asks": (
        "your move: asks: Shall I deploy it?",
        "your next prompt to session s1, begun",
        "its turn ended",
        "(pts/7)",
    ),
    "sessions at work report": (
        "no network: 2 agents cannot reach",
        "to one of @b, @writer",
        "@b reported: API error (ENOTFOUND)",
        "retry (r)",
    ),
    "ordinary letters to the operator": ("3 mails to you, the oldest from @writer: Note 0", "[alarms] unread", "(i)"),
    "the supervisor died": ("orphaned", "PID 10", "kill (D) cleans up"),
    "an unreadable mailbox": ("inbox.json is not JSON", "`mailcore repair @", "mend or remove"),
    "an urgent task that nobody": ("stuck on the rung 'stored'", "within 10 min", "rung_high", "wake (w)"),
    "a task that was read": ("overdue on the rung 'seen'", "within 2 h", "ask it by mail (m)"),
    "ten errors": ("error storm: connection refused", "10 errors in a minute", "log"),
    "its program says": ("limited: 429", "the service's next answer"),
    "the watcher runs": ("watching by a look every 2 s only",),
    "PraxMonitor itself": ("late by more than 1.5 s", "[alarms] lag"),
    "its disk is not mounted": ("/house/writer is missing or empty", "missing since", "mount or restore", "registry"),
    "the disk is": ("less than 500 MB free", "make room"),
}


@pytest.mark.parametrize("name", EXPLAINED)
def test_an_alarm_says_what_was_expected_what_was_seen_and_what_helps(name: str) -> None:
    alarm = told_by(name) if name != "an unreadable mailbox" else alarms_of(
        next(story for story in (*STORIES, *MOVES) if story.name.startswith(name))
    )[AlarmKind.UNREADABLE]  # fmt: skip
    for word in EXPLAINED[name]:
        assert word in alarm.text


def test_every_kind_is_raised_by_some_story() -> None:
    masks = [mask.story for mask in MASKS]
    raised = {
        kind
        for story in (*STORIES, *MOVES, *EXPECTATION, *REPEATED_ERRORS, *masks, *RECORDED, *LINKED_HOSTS)
        for _, kind, _ in story.expected
    }
    assert set(map(str, AlarmKind)) - raised == set()


def test_every_kind_has_an_alarm_s_sound_and_an_urgency() -> None:
    assert set(URGENCY_OF) == set(AlarmKind)
    assert all(kind.sound.alarming for kind in AlarmKind)
    assert all(steps[0][0] == 0 and list(steps) == sorted(steps) for steps in URGENCY_OF.values()), "it only grows"
    assert {kind.sound for kind in AlarmKind} >= {Sound.LIMIT, Sound.STUCK, Sound.ERROR, Sound.WAITING}


def test_the_page_of_alarms_has_every_kind_under_its_urgency() -> None:
    page = (Path(__file__).parents[2] / "docs" / "alarms.md").read_text()
    for urgency in (Urgency.HIGH, Urgency.MEDIUM, Urgency.LOW):
        row = next(line for line in page.splitlines() if line.startswith(f"| {urgency.word}: "))
        named = row.split("|")[3].partition(";")[0].replace(" ", "").split(",")
        assert sorted(named) == sorted(kind for kind, steps in URGENCY_OF.items() if steps[0][1] is urgency)
    muted = page.partition("**No mute hides a new cause:**")[2].partition("are")[0].replace("and", ",")
    assert {word.strip() for word in muted.split(",")} == CAUSES


def test_urgency_is_of_the_kind_and_of_its_age() -> None:
    waiting = Alarm(AlarmKind.WAITING, "@a", NOON, "waits")
    assert urgency_of(waiting, NOON + 899, NOON + 1) is Urgency.MEDIUM
    assert urgency_of(waiting, NOON + 900, NOON + 1) is Urgency.HIGH
    unknown = Alarm(AlarmKind.WAITING, "@a", 0.0, "waits")
    assert urgency_of(unknown, NOON + 900, NOON + 1) is Urgency.MEDIUM, "of unknown age, from when it was raised"
    assert urgency_of(Alarm(AlarmKind.SILENCE, "@a", NOON, "silent"), NOON, NOON) is Urgency.HIGH


def test_many_are_told_as_many() -> None:
    five = [Alarm(AlarmKind.SILENCE, f"@a{n}", 0.0, "silent: x") for n in range(5)]
    one = Alarm(AlarmKind.BOUNCED, "@b", 0.0, "bounced: Report")
    disk = Alarm(AlarmKind.DISK, "", 0.0, "disk nearly full: 1 MB")
    assert headline(five) == "5 agents silent"
    assert headline([*five, one]) == "5 agents silent, @b bounced: Report", "in the order in which they are given"
    assert headline([disk]) == "disk nearly full: 1 MB"
    assert headline([]) == ""


def test_states_and_alarms_agree() -> None:
    """Whoever needs the operator by state has an alarm, and the other way round."""
    snapshot = next_snapshot(EMPTY, lighthouse(), NOON, CONFIG.alarms)
    raised = AlarmRules(CONFIG).alarms(snapshot.fleet, NOON, snapshot.statuses)
    assert {alarm.address for alarm in raised} == set(snapshot.needs_me())
    assert [alarm.since for alarm in raised] == sorted(alarm.since for alarm in raised)


def test_without_states_at_hand_the_rules_derive_the_same() -> None:
    snapshot = next_snapshot(EMPTY, lighthouse(), NOON, CONFIG.alarms)
    rules = AlarmRules(CONFIG)
    assert rules.alarms(snapshot.fleet, NOON, snapshot.statuses) == rules.alarms(snapshot.fleet, NOON)


def test_the_text_of_an_alarm_does_not_change_while_it_stands() -> None:
    """A text with an age in it would be another text every second, and repaint the screen."""
    fleet, rules = lighthouse(), AlarmRules(CONFIG)
    assert rules.alarms(fleet, NOON) == rules.alarms(fleet, NOON + 20)


def test_agents_that_left_are_forgotten() -> None:
    fleet, rules = lighthouse(), AlarmRules(CONFIG)
    rules.alarms(fleet, NOON)
    few = replace(fleet, agents=fleet.agents[:1])
    rules.alarms(few, NOON)
    assert len(rules._known) == 2


def test_the_first_raising_stories_are_of_silence() -> None:
    assert sum(any(kind == "silence" for _, kind, _ in story.expected) for story in RAISING) >= 20
