"""What the operator has begun outlives a refresh, a resize and the end of the agent that it is about."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from msgspec import structs
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.run import Phase
from mailcore.text.units import clock_time
from praxmonitor.app.app import MOST_NOTICES, PraxApp
from praxmonitor.dialogs.choose import ChooseScreen
from praxmonitor.dialogs.compose import ComposeScreen
from praxmonitor.state.agent_details import Section, WaitingStart
from praxmonitor.state.notices import Notice
from praxmonitor.views.agent import AgentScreen
from praxmonitor.widgets.detail import start_lines
from tests.clock import NOON
from tests.praxmonitor.fake_feed import (
    FakeFeed,
    agent_screen,
    app_on,
    box,
    fleet_screen,
    lighthouse,
    mail,
    text_of,
    until,
    workspace,
)

pytestmark = pytest.mark.anyio


def killed(facts: AgentFacts) -> AgentFacts:
    """The same agent, its run ended."""
    assert facts.run is not None
    return structs.replace(facts, lock=None, turn_open=False, open=(), run=replace(facts.run, phase=Phase.KILLED))


def without(fleet: Fleet, name: str) -> Fleet:
    return structs.replace(fleet, agents=tuple(facts for facts in fleet.agents if facts.address != name))


async def shaken(pilot: Pilot[None], feed: FakeFeed, fleet: Fleet) -> None:
    """The agent's run ends, the terminal is made small and large again, the agent leaves the registry."""
    app = pilot.app
    assert isinstance(app, PraxApp)

    async def follow(after: Fleet) -> None:
        feed.put(after)
        await until(pilot, lambda: app.snapshot.fleet is after, "the screen follows")

    async def resize(width: int, height: int) -> None:
        await pilot.resize_terminal(width, height)
        await until(pilot, lambda: app.screen.size.width == width, "resized")

    ended = structs.replace(fleet, agents=(killed(fleet.agents[0]), *fleet.agents[1:]))
    for after in (ended, without(fleet, "@writer")):
        await follow(after)
        for size in ((60, 20), (140, 40), (100, 30)):
            await resize(*size)


async def test_a_draft() -> None:
    fleet = lighthouse()
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "the form is open")
        await pilot.press(*"Chapter", "tab", *"Begin with", "enter", *"two")
        await shaken(pilot, feed, fleet)
        await pilot.press(*" lamps")
        form = app.screen
        assert isinstance(form, ComposeScreen)
        assert form.query_one("#to", Input).value == "@writer"
        assert form.query_one("#subject", Input).value == "Chapter"
        assert form.query_one(TextArea).text == "Begin with\ntwo lamps"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: form.query_one("#trouble").has_class("-open"), "it cannot be sent")
        assert form.query_one(TextArea).text == "Begin with\ntwo lamps" and app.screen is form


async def test_a_filter_and_the_selection_in_it() -> None:
    fleet = lighthouse()
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("slash", *"er", "enter", "j")
        grid = fleet_screen(app).grid
        chosen, text = grid.selected, grid.lines.text
        assert chosen and chosen != "@writer" and "archivist" not in text
        await shaken(pilot, feed, fleet)
        assert grid.selected == chosen and "archivist" not in grid.lines.text and "● writer" not in grid.lines.text
        assert app.screen.query_one("#filter", Input).value == "er"


async def test_a_mail_that_is_read_and_its_place_in_the_list() -> None:
    fleet = lighthouse()
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AgentScreen), "the agent")
        agent_screen(app).show_section(Section.MAILBOX)
        await until(pilot, lambda: "Outline" in text_of(app), "its mail")
        await pilot.press("j", "enter")
        await until(pilot, lambda: "About outline." in text_of(app), "the mail is read")
        more = structs.replace(
            fleet.agents[0], mailbox=box(mail(9, "@planner", "Newest", 1), *fleet.agents[0].mailbox.messages)
        )
        feed.put(structs.replace(fleet, agents=(more, *fleet.agents[1:])))
        await until(pilot, lambda: "Newest" in text_of(app), "another comes")
        chosen = agent_screen(app).mail.selected
        assert (
            chosen is not None and chosen.subject == "Outline" and "About outline." in agent_screen(app).body.lines.text
        )
        await shaken(pilot, feed, fleet)
        assert "About outline." in agent_screen(app).body.lines.text
        assert "no longer in the registry" in text_of(app)
        feed.put(fleet)
        await until(pilot, lambda: "no longer in the registry" not in text_of(app), "it is back")
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen), "and can be worked with")


async def test_what_was_said_is_harmless_bounded_and_kept_in_its_order() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        for number in range(MOST_NOTICES + 5):
            app.notices.append(Notice(NOON, f"old {number}"))
        app.notify("first\nof [b]two[/b] lines \x1b[2J", title="not done", severity="error", markup=False)
        await pilot.press("colon", *"notices", "enter")
        await until(pilot, lambda: "newest first" in text_of(app), "the list")
        lines = [line for line in text_of(app).splitlines() if clock_time(NOON) in line]
        assert "not done: first of [b]two[/b] lines �[2J" in lines[0] and f"old {MOST_NOTICES + 4}" in lines[1]
        assert "first of [b]two[/b] lines" in text_of(app).splitlines()[-1]
        assert len(app.notices) == MOST_NOTICES
        await pilot.press("G")
        await until(pilot, lambda: "old 6" in text_of(app), "the oldest that is kept")


async def test_the_start_that_is_picked_is_the_one_that_is_marked() -> None:
    fleet = lighthouse()
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet))
    starts = [WaitingStart(f"id{number}", fleet.at - 60, f"Task {number}", "@writer is busy") for number in range(12)]
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        picked: list[int | None] = []
        options = [partial(start_lines, start, fleet.at) for start in starts]
        app.push_screen(ChooseScreen("Cancel which?", options, "enter cancel it"), picked.append)
        await until(pilot, lambda: "▸ Task 0" in text_of(app), "the list")
        await pilot.press(*"jjjjjjjjjk")
        await shaken(pilot, feed, fleet)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "▸ Task 8" in text_of(app), "the mark is seen")
        await pilot.press("enter")
        await until(pilot, lambda: picked, "picked")
    assert picked == [8]
