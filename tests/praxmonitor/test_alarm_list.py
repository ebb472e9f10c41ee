"""The list of alarms on the running screen: groups, what they hide, mutes, what is over, answers, the load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs
from textual.events import MouseDown
from textual.pilot import Pilot
from textual.widgets import Input

from mailcore.formats import journal
from mailcore.model.activity import Kind
from mailcore.model.fleet import Fleet
from mailcore.model.run import Phase
from mailcore.text.units import clock_time
from mailcore.workspace import create
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.episode import ACKNOWLEDGED
from praxmonitor.alarms.groups import AlarmState, groups_of
from praxmonitor.alarms.history import HistoryEntry
from praxmonitor.alarms.store import AlarmStore
from praxmonitor.app.app import PraxApp
from praxmonitor.dialogs.alarm_load import AlarmLoadScreen
from praxmonitor.dialogs.alarm_mutes import AlarmMutesScreen
from praxmonitor.dialogs.mute_alarm import MuteAlarmScreen, offers
from praxmonitor.sound.mutes import mutes_path
from praxmonitor.views.alarms import AlarmsScreen
from praxmonitor.widgets.line_list import Lines
from tests.clock import NOON, Clock
from tests.praxmonitor.fake_feed import (
    CONFIG,
    PATIENT,
    STUCK_SOON,
    FakeFeed,
    FakeSpeaker,
    act,
    app_on,
    attempt,
    lighthouse,
    lock,
    run,
    text_of,
    troubled,
    until,
    workspace,
)

pytestmark = pytest.mark.anyio

Size = tuple[int, int]
SIZES: list[Size] = [(60, 24), (80, 24), (120, 36), (200, 50)]


def next_run(fleet: Fleet) -> Fleet:
    """The builder's next run has begun: the one that bounced is its newest no more."""
    again = run(
        "builder", "Build it again", Phase.RUNNING, 1, (attempt(1, 2, running=1),), run_id="20270115-120000-aaaa"
    )
    began = structs.replace(
        fleet.agents[-1], run=again, lock=lock(2), activities=(act("builder", Kind.STARTED, "Build it again", 1),),
        last_active=NOON,
    )  # fmt: skip
    return structs.replace(fleet, agents=(*fleet.agents[:-1], began))


async def listed(app: PraxApp, pilot: Pilot[None]) -> None:
    """Open the list."""
    await until(pilot, lambda: app.standing, "there are alarms")
    await pilot.press("exclamation_mark")
    await until(pilot, lambda: isinstance(app.screen, AlarmsScreen), "the list opens")


def rows(app: PraxApp) -> str:
    """The list, and what stands beside it on a wide screen."""
    return "\n".join(app.screen.query_one(name, Lines).text for name in ("#list", "#beside"))


def title(app: PraxApp) -> str:
    return " ".join(text_of(app).split())


@pytest.mark.parametrize("size", SIZES)
async def test_a_group_is_one_line_and_is_answered_whole(size: Size) -> None:
    fleet = troubled(12)
    app = app_on(FakeFeed(fleet), workspace(fleet), config=PATIENT)
    async with app.run_test(size=size) as pilot:
        await listed(app, pilot)
        await until(pilot, lambda: "Alarms: 2, of which 2 want you" in title(app), "two lines")
        assert "@builder bounced" in rows(app).splitlines()[0], "the more urgent first"
        assert ("+11 of one cause" if size[0] > 90 else "+11") in rows(app)
        await pilot.press("j")
        await until(pilot, lambda: "with it" in rows(app), "the group is listed when it is chosen")
        assert "? help" in text_of(app), "a long list leaves room for the keys"
        assert all(f"@a{number} limited" in rows(app) for number in range(9)) and "and 3 more" in rows(app)
        await pilot.press("a")
        await until(pilot, lambda: "of which 1 wants you" in title(app), "the group is answered")
        assert {one.alarm.address for one in app.standing if one.acknowledged} == {f"@a{n}" for n in range(12)}


async def test_the_bar_says_a_group_in_one_clause_and_counts_nothing_hidden() -> None:
    fleet = troubled(12)
    app = app_on(FakeFeed(fleet), workspace(fleet), config=STUCK_SOON)
    async with app.run_test(size=(200, 36)) as pilot:
        await until(pilot, lambda: app.standing, "there are alarms")
        said = text_of(app).splitlines()[1]
        assert said.startswith(" !! @builder bounced") and "12 limits: service (command)" in said
        assert len([one for one in app.standing if one.hidden_by]) == 12 and "stuck" not in said


async def test_acknowledging_a_cause_leaves_what_it_hides_and_that_comes_up_when_it_goes() -> None:
    fleet = troubled(1)
    clock, feed = Clock(), FakeFeed(fleet)
    app = app_on(feed, workspace(fleet), clock=clock, config=STUCK_SOON)
    async with app.run_test(size=(120, 36)) as pilot:
        await listed(app, pilot)
        await pilot.press("j")
        await until(pilot, lambda: "hides 1" in rows(app), "the task that does not move is hidden")
        assert "2, of which 2 want you, 1 hidden" in title(app) and "it hides @a0 stuck" in " ".join(rows(app).split())
        await pilot.press("A")
        await until(pilot, lambda: "of which 0 want you, 1 hidden" in title(app), "the cause is acknowledged")
        assert [one.acknowledged for one in app.standing if one.hidden_by] == [False]
        refused = fleet.agents[0]
        answered = structs.replace(refused, activities=(act("a0", Kind.TOOL_DONE, "Read", 1),))
        feed.put(structs.replace(fleet, agents=(answered, *fleet.agents[1:])))
        clock.now += 1
        await until(pilot, lambda: any(one.cleared_at for one in app.standing), "the limit is gone")
        clock.now += 200
        await until(pilot, lambda: "of which 1 wants you." in title(app), "the task comes up")
        assert "!   @a0 stuck" in rows(app)


@pytest.mark.parametrize(("key", "said"), [("a", "acknowledged"), ("z", "snoozed to")])
async def test_the_same_key_again_asks_again_and_says_so(key: str, said: str) -> None:
    fleet = troubled(1)
    app = app_on(FakeFeed(fleet), workspace(fleet), config=PATIENT)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await listed(app, pilot)
        await pilot.press(key)
        await until(pilot, lambda: said in rows(app), f"it is {said}")
        await pilot.press("j", "j", key)
        await until(pilot, lambda: said not in rows(app), f"it is not {said} any more")
        await until(pilot, lambda: "1 alarm asked again" in text_of(app), "it is said")
        assert all(one.answered_until == 0.0 for one in app.standing)


async def test_what_is_over_stays_until_it_is_acknowledged() -> None:
    fleet = troubled(1)
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet), config=PATIENT)
    async with app.run_test(size=(120, 36)) as pilot:
        await listed(app, pilot)
        feed.put(next_run(fleet))
        await until(pilot, lambda: "over, not acknowledged" in rows(app), "the failure is not forgotten")
        assert "of which 1 wants you, 1 over" in title(app)
        await pilot.press("j", "j", "z")
        await until(pilot, lambda: any("a takes it off" in said.text for said in app.notices), "to snooze is no answer")
        await pilot.press("a")
        await until(pilot, lambda: "@builder" not in rows(app), "it leaves the list")
        assert [one.alarm.address for one in app.standing] == ["@a0"]


async def test_the_chosen_alarm_stays_chosen_when_others_come() -> None:
    fleet = troubled(1)
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet), config=PATIENT)
    async with app.run_test(size=(120, 36)) as pilot:
        await listed(app, pilot)
        await pilot.press("j")
        await until(pilot, lambda: "▸ !   @a0" in rows(app), "the second is chosen")
        reviewer = next(one for one in lighthouse().agents if one.address == "@reviewer")
        feed.put(structs.replace(fleet, agents=(reviewer, *fleet.agents)))
        await until(pilot, lambda: "@reviewer cannot be read" in rows(app), "another comes, above it")
        assert "▸ !   @a0" in rows(app)


async def test_all_of_them_is_what_wants_the_operator_and_what_is_over() -> None:
    fleet = troubled(1)
    reviewer = next(one for one in lighthouse().agents if one.address == "@reviewer")
    fleet = structs.replace(fleet, agents=(reviewer, *fleet.agents))
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet), config=PATIENT)
    async with app.run_test(size=(120, 36)) as pilot:
        await listed(app, pilot)
        await pilot.press("j", "m", "enter")
        await until(pilot, lambda: "1 muted" in title(app), "one is muted")
        feed.put(next_run(fleet))
        await until(pilot, lambda: "over, not acknowledged" in rows(app), "one is over")
        await pilot.press("Z")
        await until(pilot, lambda: "snoozed to" in rows(app), "what wants the operator is snoozed")
        assert "1 muted, 1 over" in title(app), "and that alone"
        await pilot.press("A")
        await until(pilot, lambda: "@builder" not in rows(app), "what is over leaves the list")
        assert [one.acknowledged for one in app.standing if one.muted_by] == [False]


@pytest.mark.parametrize("size", SIZES)
async def test_m_mutes_what_is_chosen_and_u_ends_it_early(size: Size) -> None:
    fleet = troubled(1)
    app = app_on(FakeFeed(fleet), workspace(fleet), config=PATIENT)
    async with app.run_test(size=size, notifications=True) as pilot:
        await listed(app, pilot)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, MuteAlarmScreen) and "1h" in text_of(app), "the form opens")
        assert "bounced of @builder" in text_of(app) and "enter mute" in text_of(app)
        app.screen.query_one("#length", Input).value = "soon"
        await pilot.press("enter")
        await until(pilot, lambda: "'soon' says no end: 30m, 2h, 1d" in title(app), "it says what is wrong")
        app.screen.query_one("#length", Input).value = "30m"
        app.screen.query_one("#why", Input).value = "a known flake"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AlarmsScreen), "it closes")
        await until(pilot, lambda: "muted to 12:30" in rows(app), "it is muted")
        assert "2, of which 1 wants you, 1 muted" in title(app)
        (mute,) = app.alarms.mutes()
        assert (mute.agent, mute.kind, mute.by, mute.why) == ("@builder", "bounced", "@operator", "a known flake")
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, AlarmMutesScreen) and mute.id in text_of(app), "it is listed")
        assert "a known flake" in text_of(app) and "by @operator" in text_of(app) and "until 12:30" in text_of(app)
        await pilot.press("x")
        await until(pilot, lambda: "No alarm is muted" in text_of(app), "it is ended")
        await until(pilot, lambda: "heard again: @builder, kind bounced" in title(app), "it is said")
        await pilot.press("escape")
        await until(pilot, lambda: "of which 2 want you" in title(app), "it wants again")


async def test_what_is_muted_may_be_another_choice_of_the_form() -> None:
    fleet = troubled(2)
    app = app_on(FakeFeed(fleet), workspace(fleet), config=PATIENT)
    async with app.run_test(size=(120, 36)) as pilot:
        await listed(app, pilot)
        await pilot.press("j", "m")
        await until(pilot, lambda: isinstance(app.screen, MuteAlarmScreen), "the form opens")
        assert "limit of @a0" in text_of(app) and "every alarm of" not in text_of(app), "others come of it: name it"
        await pilot.press("down", "tab", "1", "8", "colon", "0", "0", "enter")
        await until(pilot, lambda: app.alarms.mutes(), "it is muted")
        (mute,) = app.alarms.mutes()
        assert mute.words == "kind limit" and clock_time(mute.until) == "18:00:00"
        await until(pilot, lambda: all(one.muted_by for one in app.standing if one.alarm.kind == "limit"), "both")


@pytest.mark.parametrize(
    ("alarm", "expected"),
    [
        (
            Alarm(AlarmKind.BOUNCED, "@a", NOON, "bounced: T", id="r1", cause="network"),
            ["@a, kind bounced", "@a", "kind bounced", "cause network", 'task "r1"'],
        ),
        (Alarm(AlarmKind.DISK, "", NOON, "disk full", id="disk"), ["kind disk"]),
        (Alarm(AlarmKind.LIMIT, "", NOON, "limit", id="w", agents=("@a", "@b")), ["kind limit"]),
    ],
)
def test_the_form_offers_what_would_hide_the_alarm_and_nothing_else(alarm: Alarm, expected: list[str]) -> None:
    offered = list(offers(alarm))
    assert [mute.words for _, mute in offered] == expected and all(mute.matches(alarm) for _, mute in offered)


async def test_s_tells_the_load_and_the_history(tmp_path: Path) -> None:
    made = create.create_workspace(tmp_path / "house", [("writer", "agents/writer")])
    fleet = structs.replace(troubled(), root=made.root)
    clock = Clock(runs=True)
    app = app_on(
        FakeFeed(fleet), replace(workspace(fleet), registry=made.registry), live=True, clock=clock, config=PATIENT
    )
    store = AlarmStore(mutes_path(made.root).parent)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: list(store.history.entries()), "what was raised is kept", seconds=10)
        await listed(app, pilot)
        await until(
            pilot, lambda: "2 in ten minutes, 2 in the last hour" in text_of(app), "the load is said", seconds=10
        )
        await pilot.press("a")
        await until(pilot, lambda: any(one.by for one in store.history.entries()), "the answer is kept", seconds=10)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, AlarmLoadScreen) and "history" in text_of(app), "it opens")
        said = title(app)
        assert "2 raised (6 in steady work at most)" in said and "bounced @builder (1)" in said
        assert "acknowledged by @operator" in said and "1 medium, 1 low" in said
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, AlarmsScreen), "it closes")


async def test_too_many_alarms_are_said_above_the_list(tmp_path: Path) -> None:
    app = screens(tmp_path / "house")()
    store = AlarmStore(mutes_path(app.opened.workspace.root).parent)
    store.history.add(HistoryEntry(NOON - 300 * n, "raised", "k", "silence", "@a", "high", "x") for n in range(9))
    async with app.run_test(size=(120, 36)) as pilot:
        await listed(app, pilot)
        await until(pilot, lambda: "in an hour: more than one in ten minutes" in title(app), "it warns", seconds=10)
        said = app.screen.query_one("#summary", Lines)
        assert said.text.splitlines()[2].startswith("! ") and said.size.height == 3


def screens(root: Path) -> Callable[[], PraxApp]:
    """A maker of live screens on one workspace with that root."""
    made = create.create_workspace(root, [("writer", "agents/writer")])
    fleet = structs.replace(troubled(2), root=made.root)

    def one() -> PraxApp:
        place = replace(workspace(fleet), registry=made.registry)
        return app_on(FakeFeed(fleet), place, live=True, clock=Clock(runs=True), config=PATIENT)

    return one


async def test_two_screens_agree_within_two_seconds_and_a_mute_survives_both(tmp_path: Path) -> None:
    screen = screens(tmp_path / "house")
    first, second = screen(), screen()
    async with first.run_test(size=(120, 36)) as one:
        await until(one, lambda: len(first.standing) == 3, "the first has them", seconds=10)
        async with second.run_test(size=(120, 36)) as two:
            await until(two, lambda: len(second.standing) == 3, "the second has them", seconds=10)
            await listed(first, one)
            await one.press("m")
            await until(one, lambda: isinstance(first.screen, MuteAlarmScreen), "the form opens")
            await one.press("enter")
            await until(one, lambda: first.alarms.mutes(), "the first has muted")
            await until(two, lambda: [m.id for m in second.alarms.mutes()] == [m.id for m in first.alarms.mutes()],
                        "the second knows of it", seconds=2.0)  # fmt: skip
            await until(two, lambda: any(e.muted_by for e in second.standing), "and follows", seconds=2.0)
            await one.press("k", "a")
            await until(
                two, lambda: sum(e.acknowledged for e in second.standing) == 2, "so it does answers", seconds=2.5
            )
    third = screen()
    async with third.run_test(size=(120, 36)) as later:
        await until(later, lambda: len(third.standing) == 3, "opened again", seconds=10)
        assert [mute.words for mute in third.alarms.mutes()] == ["@builder, kind bounced"]
        states = {group.state for group in groups_of(third.standing, third.opened.clock())}
        assert states == {AlarmState.MUTED, AlarmState.ACKNOWLEDGED} and not third.alarms.unanswered()
    acts = journal.read_records(tmp_path / "house" / ".praxmonitor" / "audit.jsonl")
    assert [(each["by"], each["alarms"]) for each in acts if each["verb"] == "mute"] == [
        ("@operator", "@builder, kind bounced")
    ]


async def test_what_a_command_answers_is_followed_within_two_seconds(tmp_path: Path) -> None:
    app = screens(tmp_path / "house")()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: len(app.standing) == 3, "they stand", seconds=10)
        store = AlarmStore(mutes_path(app.opened.workspace.root).parent)
        store.answer([one.alarm.key for one in app.standing], ACKNOWLEDGED)
        await until(pilot, lambda: not app.alarms.unanswered(), "the screen follows", seconds=2.0)
        assert all(one.acknowledged for one in app.standing)


@pytest.mark.parametrize("how", ["key", "mouse", "nobody"])
async def test_a_key_or_a_click_lets_repetitions_grow_apart(how: str) -> None:
    clock, speaker = Clock(), FakeSpeaker()
    soon = replace(CONFIG, alarms=replace(CONFIG.alarms, repeat=(5.0,)))
    checker = next(one for one in lighthouse().agents if one.address == "@checker")
    fleet = structs.replace(lighthouse(), agents=(checker,))
    app = app_on(FakeFeed(fleet), workspace(fleet), clock=clock, speaker=speaker, config=soon)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: speaker.cues, "it was heard")
        clock.now += 1
        if how == "key":
            await pilot.press("j")
        elif how == "mouse":
            app.post_message(MouseDown(None, 40, 10, 0, 0, 1, False, False, False))
        await pilot.pause()
        for _ in range(60):
            clock.now += 1
            app.project.look_again()
        heard = len([cue for cue in speaker.cues if cue.urgency])
        assert heard > 10 if how == "nobody" else 1 < heard <= 5, heard
