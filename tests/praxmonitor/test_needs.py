"""What needs the operator: one order, each place once, walked through from every view."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from textual.pilot import Pilot

from mailcore.config import Alarms, Config
from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import Fleet
from mailcore.model.message import Ack, Message
from mailcore.model.run import Phase
from mailcore.text.units import iso
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.rules.evaluate import AlarmRules
from praxmonitor.app.app import PraxApp
from praxmonitor.preferences.arrangement import ATTENTION_FIRST
from praxmonitor.state.needs import Need, NeedWalk, needing_agents, needs_of
from praxmonitor.state.snapshot import EMPTY, Snapshot, next_snapshot
from praxmonitor.views.alarms import AlarmsScreen
from tests.clock import NOON
from tests.praxmonitor.fake_feed import (
    CONFIG,
    FakeFeed,
    app_on,
    box,
    facts,
    fleet_screen,
    lighthouse,
    mail,
    mail_screen,
    run,
    text_of,
    until,
    workspace,
)

HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold]evil[/]\u202etxt.exe\nsecond line"


def request(number: int, sender: str, subject: str, ago: float, tier: int = 1, *, expires: str = "") -> Message:
    """A request for approval that nobody has decided."""
    asked = mail(number, sender, subject, ago)
    approval = {"tier": tier, "run": "", **({"expires_at": expires} if expires else {})}
    return replace(asked, raw={"approval": approval}, stored_at=NOON - ago)


def seen(fleet: Fleet) -> Snapshot:
    return next_snapshot(EMPTY, fleet, NOON, Alarms(silence=60.0))


def with_mail(fleet: Fleet, *messages: Message) -> Fleet:
    assert fleet.operator is not None
    return structs.replace(fleet, operator=structs.replace(fleet.operator, mailbox=box(*messages)))


def unanswered_task(name: str = "scribe") -> Fleet:
    """One agent, which ended well and answered nothing; its task lies open."""
    task = replace(mail(1, OPERATOR, "Write it down", 300, unread=False), is_task=True)
    done = run(name, "Write it down", Phase.COMPLETED, 60)
    return structs.replace(lighthouse(), agents=(facts(name, mailbox=box(task), run=done),), stream=())


def test_the_order_is_alarms_approvals_agents_tasks_without_a_reply_and_unread_mail() -> None:
    fleet = lighthouse()
    fleet = structs.replace(fleet, agents=(*fleet.agents, *unanswered_task().agents))
    fleet = with_mail(fleet, mail(1, "@planner", "News", 5), mail(2, "@planner", "Old news", 50, unread=False),
                      request(3, "@editor", "Drop it?", 10), request(4, "@writer", "Deploy?", 20))  # fmt: skip
    alarms = [
        Alarm(AlarmKind.FAILED, "@builder", NOON, "bounced: Build the site", id="r"),
        Alarm(AlarmKind.DISK, "", NOON, "the disk is full", id="disk"),
        Alarm(AlarmKind.APPROVAL, OPERATOR, NOON, "@editor asks for your approval: Drop it?", id="00000003"),
    ]
    needs = needs_of(seen(fleet), alarms)
    assert [need.words for need in needs] == [
        "@builder bounced: Build the site",
        "the disk is full",
        "@editor asks for your approval: Drop it?",
        "@writer asks for your approval: Deploy?",
        "@reviewer unreadable: inbox.json: line 1 column 812: unterminated string",
        "@editor waiting: May I drop the second figure?",
        "@checker silent: Check the dates (attempt 1/3): no sign of life since 11:58:28, more than 60 s",
        "@scribe done without a reply: Write it down",
        "mail from @planner: News",
    ]
    assert needing_agents(needs) == ("@builder", "@editor", "@writer", "@reviewer", "@checker", "@scribe")


def test_an_alarm_about_a_mail_or_an_agent_that_is_listed_is_no_second_need() -> None:
    fleet = with_mail(lighthouse(), mail(1, "@planner", "News", 5), request(3, "@editor", "Drop it?", 10))
    alarms = [
        Alarm(AlarmKind.APPROVAL, OPERATOR, NOON, "@editor asks for your approval: Drop it?", id="00000003"),
        Alarm(AlarmKind.UNREAD, OPERATOR, NOON, "unread: 1 mail to you"),
        Alarm(AlarmKind.FAILED, "@builder", NOON, "bounced: Build the site", id="r"),
        Alarm(AlarmKind.STUCK, "@builder", NOON, "stuck: Another", id="m"),
    ]
    needs = needs_of(seen(fleet), alarms)
    assert [need.key for need in needs] == ["00000003", "00000001", "@builder", "@reviewer", "@editor", "@checker"]
    assert needs[2].words == "@builder bounced: Build the site (+1)", "two alarms of one agent are one place to go to"


@pytest.mark.parametrize("how", ["replied", "delegated", "foreign", "acknowledged", "closed", "killed"])
def test_a_task_that_was_answered_or_closed_needs_nobody(how: str) -> None:
    fleet = unanswered_task()
    (scribe,) = fleet.agents
    ended = scribe.run
    assert ended is not None
    (task,) = scribe.mailbox.messages
    assert "@scribe" in [need.key for need in needs_of(seen(fleet), [])]
    match how:
        case "acknowledged":
            scribe = structs.replace(scribe, mailbox=box(replace(task, ack=Ack("done"))))
        case "closed":
            scribe = structs.replace(scribe, mailbox=box())
        case "killed":
            scribe = structs.replace(scribe, run=replace(ended, phase=Phase.KILLED))
        case _:
            scribe = structs.replace(scribe, run=replace(ended, **{how: True}))  # type: ignore[arg-type]
    assert "@scribe" not in [need.key for need in needs_of(seen(structs.replace(fleet, agents=(scribe,))), [])]


def test_what_agents_wrote_is_harmless_in_the_words_of_a_need() -> None:
    fleet = with_mail(lighthouse(), mail(1, HOSTILE, HOSTILE, 5), request(2, "@editor", HOSTILE, 10))
    needs = needs_of(seen(fleet), [Alarm(AlarmKind.DISK, "", NOON, HOSTILE, id="disk")])
    assert len(needs) == 7 and all(need.words.isprintable() for need in needs)
    assert "evil" in needs[1].words and "\u202e" not in "".join(need.words for need in needs)


keys = st.lists(st.text("abcdefgh", min_size=1, max_size=2), unique=True, min_size=1, max_size=9)


def needs_named(names: list[str]) -> list[Need]:
    return [Need(name, address=name) for name in names]


@given(keys, st.sampled_from([1, -1]))
def test_walking_as_often_as_there_are_needs_visits_each_once_and_begins_again(names: list[str], way: int) -> None:
    walk, needs = NeedWalk(), needs_named(names)
    visited = [names[walk.step(needs, way)] for _ in names]
    assert sorted(visited) == sorted(names) and names[walk.step(needs, way)] == visited[0]


@given(keys, st.data())
def test_what_goes_while_one_walks_takes_nobodys_turn_away(names: list[str], data: st.DataObject) -> None:
    walk, left, visited, gone = NeedWalk(), list(names), [], set[str]()
    for _ in names:
        if not left:
            break
        place = walk.step(needs_named(left), 1)
        if left[place] in visited:
            break
        visited.append(left[place])
        for name in data.draw(st.lists(st.sampled_from(left), unique=True, max_size=2)):
            left.remove(name)
            gone.add(name)
    assert set(names) - gone <= set(visited), "whatever stayed was visited in one round"
    assert visited == [name for name in names if name in visited], "in the one order"


def test_what_came_since_and_is_more_urgent_is_next_and_from_there_it_goes_on() -> None:
    walk, names = NeedWalk(), list("bcde")
    assert [names[walk.step(needs_named(names), 1)] for _ in range(2)] == ["b", "c"]
    names = list("abcxdey")
    assert names[walk.step(needs_named(names), 1)] == "a", "new, and before where the walk stands"
    assert [names[walk.step(needs_named(names), 1)] for _ in range(3)] == ["b", "c", "x"]
    names = list("zabcxdey")
    assert names[walk.step(needs_named(names), -1)] == "c", "back is back"
    assert names[walk.step(needs_named(names), 1)] == "x", "what was passed by going back is not new any more"


def test_a_request_past_its_time_needs_nobody() -> None:
    asked = request(3, "@editor", "Drop it?", 30, expires=iso(NOON + 1) or "")
    lapsed = replace(request(4, "@editor", "And this?", 30), ack=Ack("lapsed", "nobody decided", NOON))
    for mails, now, expected in (((asked,), NOON, 1), ((asked,), NOON + 1, 0), ((lapsed,), NOON, 0)):
        fleet = with_mail(structs.replace(lighthouse(), agents=()), *mails)
        assert len(needs_of(replace(seen(fleet), now=now), [])) == expected
        rules = AlarmRules(Config(alarms=Alarms(unread=1.0)))
        assert len(rules.alarms(fleet, now)) == expected, "nor is it an alarm, nor unread mail"


@given(keys)
def test_back_is_where_one_came_from(names: list[str]) -> None:
    walk, needs = NeedWalk(), needs_named(names)
    first = walk.step(needs, 1)
    walk.step(needs, 1)
    assert walk.step(needs, -1) == first


async def walked(app: PraxApp, pilot: Pilot[None], key: str) -> str:
    """Press it; what the bottom line says."""
    before = len(app.notices)
    await pilot.press(key)
    await until(pilot, lambda: len(app.notices) > before, "it is said which it is")
    return app.notices[-1].text


@pytest.mark.anyio
async def test_n_leads_from_any_view_to_each_need_and_round_again() -> None:
    fleet = with_mail(lighthouse(), mail(16, "@planner", "News", 5), request(3, "@editor", "Drop it?", 10))
    app = app_on(FakeFeed(fleet), workspace(fleet), config=CONFIG)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.standing, "the alarms stand")
        assert (await walked(app, pilot, "n")).startswith("1 of 6: @checker silent")
        assert (await walked(app, pilot, "n")).startswith("2 of 6: @editor waits for you")
        assert app.screen is app.get_screen("fleet") and fleet_screen(app).selected == "@editor"
        assert await walked(app, pilot, "n") == "3 of 6: @editor asks for your approval: Drop it?"
        await until(pilot, lambda: mail_screen(app).message is not None, "the mail is in front")
        await until(pilot, lambda: getattr(mail_screen(app).message, "subject", "") == "Drop it?", "on the request")
        said = [await walked(app, pilot, "n") for _ in range(2)]
        await until(pilot, lambda: app.screen is app.get_screen("fleet"), "the fleet is in front")
        assert [each.split()[3] for each in said] == ["@builder", "@reviewer"]
        assert fleet_screen(app).selected == "@reviewer", "it stays in the view of all agents"
        assert await walked(app, pilot, "n") == "6 of 6: mail from @planner: News"
        await until(pilot, lambda: getattr(mail_screen(app).message, "subject", "") == "News", "on the mail")
        await pilot.press("4")
        await until(pilot, lambda: app.screen is app.get_screen("stream"), "another view")
        assert (await walked(app, pilot, "n")).startswith("1 of 6: @checker"), "from the last to the first"
        await pilot.press("1")
        assert (await walked(app, pilot, "N")).startswith("6 of 6"), "and back"


async def the_first(app: PraxApp, pilot: Pilot[None], first: Alarm) -> str:
    """The agent that this alarm is about, once it was seen that every list begins with it."""
    about = "@writer" if first.kind is AlarmKind.APPROVAL else first.address
    await pilot.press("1")
    grid, bar = fleet_screen(app).grid, fleet_screen(app).frame.alarm_bar.lines.text
    if app.preferences.fleet.sort != ATTENTION_FIRST:
        await pilot.press("o")
    await until(pilot, lambda: grid.addresses[0] == about, f"{about} stands first")
    app.project.walk = NeedWalk()
    said = await walked(app, pilot, "n")
    await pilot.press("5")
    listed = app.screen
    assert isinstance(listed, AlarmsScreen)
    begins = 0 if first.kind is AlarmKind.APPROVAL else sum(row.request is not None for row in listed.rows)
    await until(pilot, lambda: listed.rows and first.key in listed.rows[begins].keys, "so does it behind the requests")
    assert said.startswith("1 of") and about in said and about in bar.split(",")[0], (said, bar)
    return about


@pytest.mark.anyio
async def test_bar_walk_list_and_order_of_the_agents_begin_with_the_same() -> None:
    fleet = with_mail(lighthouse(), mail(16, "@planner", "News", 5), request(3, "@writer", "Drop it?", 10))
    app = app_on(FakeFeed(fleet), workspace(fleet), config=CONFIG)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.standing, "the alarms stand")
        tops = []
        while waiting := app.alarms.unanswered():
            tops.append(await the_first(app, pilot, waiting[0].alarm))
            await app.alarms.acknowledge([waiting[0].alarm.key])
        assert {"@writer", "@editor", "@builder"} <= set(tops) and len(tops) > 4


@pytest.mark.anyio
async def test_n_in_the_view_of_one_agent_shows_the_next_agent_there() -> None:
    app = app_on(FakeFeed(lighthouse()), workspace(lighthouse()))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.standing, "the alarms stand")
        await pilot.press("2")
        await until(pilot, lambda: app.screen is app.get_screen("agent"), "an agent's view is in front")
        assert (await walked(app, pilot, "n")).startswith("1 of 6: @checker")
        assert getattr(app.screen, "selected", "") == "@checker" and app.screen is app.get_screen("agent")


@pytest.mark.anyio
async def test_what_the_filter_hides_is_shown_whole() -> None:
    app = app_on(FakeFeed(lighthouse()), workspace(lighthouse()))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.standing, "the alarms stand")
        await pilot.press("slash", *"planner", "enter")
        assert (await walked(app, pilot, "n")).startswith("1 of 6: @checker")
        await until(pilot, lambda: getattr(app.screen, "selected", "") == "@checker", "its own view shows it")


@pytest.mark.anyio
async def test_an_alarm_of_nobody_is_chosen_in_the_view_of_alarms() -> None:
    app = app_on(FakeFeed(lighthouse()), workspace(lighthouse()))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.standing, "the alarms stand")
        app.navigation.show_alarm(app.standing[-1].alarm.key)
        await until(pilot, lambda: isinstance(app.screen, AlarmsScreen), "the alarms are shown")
        view = app.screen
        assert isinstance(view, AlarmsScreen)
        wanted = app.standing[-1].alarm.key
        await until(pilot, lambda: view.chosen is not None and wanted in view.chosen.keys, "it is chosen")
        assert view.list.index


@pytest.mark.anyio
async def test_where_nothing_needs_the_operator_it_is_said() -> None:
    fleet = with_mail(structs.replace(lighthouse(), agents=lighthouse().agents[:2]))
    app = app_on(FakeFeed(fleet), workspace(fleet), config=replace(CONFIG, alarms=Alarms(silence=0.0)))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        assert await walked(app, pilot, "n") == "nothing needs you"
