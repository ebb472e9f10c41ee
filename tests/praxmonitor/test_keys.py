"""Every row of the table on the running screen: its key reaches its handler; the palette finds it by its words."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import CodeType, FrameType
from typing import Any

import pytest
from msgspec import structs
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import OptionList

from mailcore.mail.outgoing import Outgoing
from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import Fleet
from praxmonitor.actions.action import Action
from praxmonitor.actions.context import View
from praxmonitor.actions.preconditions import Situation
from praxmonitor.actions.scope import FLEET, MAIL, MOVE, REPLAY
from praxmonitor.actions.table import ACTIONS, BY_ID
from praxmonitor.app.app import PraxApp
from praxmonitor.feed.playback import Playback
from praxmonitor.views.fleet import FleetScreen
from tests.clock import NOON
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, text_of, until, workspace

pytestmark = pytest.mark.anyio


def everything() -> Fleet:
    """The lighthouse, in which each action can be asked for by somebody: @builder's program keeps a session."""
    fleet = lighthouse()
    builder = fleet.agents[4]
    assert builder.run is not None and builder.run.attempt is not None
    kept = replace(builder.run, attempts=(replace(builder.run.attempt, session_id="5e55"),))
    return structs.replace(fleet, agents=(*fleet.agents[:4], structs.replace(builder, run=kept), *fleet.agents[5:]))


TEXTUALS = "ctrl+p"
"""Textual opens the palette by itself at this key, which the table lists beside ours."""


@contextmanager
def called(code: CodeType) -> Iterator[list[str]]:
    """Whether a function is called meanwhile: a name for each call."""
    found: list[str] = []

    def see(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code is code:
            found.append(code.co_name)

    sys.setprofile(see)
    try:
        yield found
    finally:
        sys.setprofile(None)


async def in_place(pilot: Pilot[None], app: PraxApp, action: Action) -> None:
    """Go to the view, and to the agent, where nothing is in the action's way."""
    await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
    fleet, played = app.snapshot.fleet, app.opened.playback is not None
    needing = app.snapshot.needs_me()
    app.opened.waiting_mail = (Outgoing(OPERATOR, ("@writer",), "s", "b", due=app.opened.clock() + 3600),)
    agents = [OPERATOR] if action.scope is MAIL else [facts.address for facts in fleet.agents]
    able = next(a for a in agents if not action.refusal(Situation(fleet, a, played, needing, app.opened.sending)))
    if action.scope is MAIL:
        await pilot.press("i")
    else:
        assert isinstance(app.screen, FleetScreen)
        app.screen.grid.select(able)
    await until(pilot, lambda: isinstance(app.screen, View) and app.screen.selected == able, f"{able} is in view")


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
async def test_each_key_calls_its_handler(action: Action) -> None:
    fleet = everything()
    playback = Playback(NOON) if action.scope is REPLAY else None
    keys = [key for key in action.key.split(",") if key != TEXTUALS]
    # Keys that only move leave the view in front: one app does for all of them.
    for group in [keys] if action.scope is MOVE or action.scope is FLEET else [[key] for key in keys]:
        app = app_on(FakeFeed(fleet), workspace(fleet), playback=playback)
        async with app.run_test(size=(120, 36)) as pilot:
            await in_place(pilot, app, action)
            for key in group:
                with called(action.handler.__code__) as calls:
                    await pilot.press(key)
                    await until(pilot, lambda: calls, f"{key} calls the handler of {action.id}")
                assert calls, key


def listed(app: PraxApp) -> list[str]:
    """What the palette lists now, best first."""
    if not isinstance(app.screen, CommandPalette):
        return []
    return [str(option.prompt).splitlines()[0] for option in app.screen.query_one(OptionList).options]


WORDS = {
    "stop": {"kill @writer", "kill all", "hold @writer", "cancel start @writer"},
    "end": {"kill @writer", "kill all", "suspend"},
    "restart": {"retry @writer"},
    "log": {"open", "notices"},
    "search": {"filter"},
    "cost": {"open"},
    "key": {"help"},
    "away": {"snooze", "mute for 30 minutes"},
    "silence": {"mute", "snooze", "acknowledge"},
    "unmute": {"mute", "muted alarms"},
    "statistics": {"alarm load"},
    "shelve": {"alarms"},
    "diff": {"open"},
    "send message": {"mail @writer"},
}


@pytest.mark.parametrize("words", WORDS)
async def test_the_palette_finds_an_action_by_the_words_of_a_person(words: str) -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("colon", *words)
        await until(pilot, lambda: WORDS[words] <= set(listed(app)), f"{WORDS[words]} are listed for {words}")
        assert WORDS[words] <= set(listed(app))


@pytest.mark.parametrize(("words", "first"), [("cancel", "cancel start @writer"), ("mail", "mail @writer")])
async def test_a_label_is_found_before_another_word_for_something_else(words: str, first: str) -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("colon", *words)
        await until(pilot, lambda: listed(app)[:1] == [first] and "kill all" not in listed(app), "it is the first")
        assert listed(app)[0] == first


async def test_what_the_palette_says_of_an_action_is_its_help_as_it_stands() -> None:
    """`[alarms]` is no style."""
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("colon", *"snooze")
        await until(pilot, lambda: "([alarms] snooze)" in text_of(app), "its help is shown")
        assert "([alarms] snooze)" in text_of(app)


def test_only_keys_that_move_have_no_words() -> None:
    silent = {action.id for action in ACTIONS if not action.words}
    moves = {"up", "down", "left", "right", "first", "last", "page_up", "page_down", "panel", "back", "palette"}
    assert silent == moves and BY_ID["left"].scope is FLEET
