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
from textual.widgets import Input, OptionList

from mailcore.mail.outgoing import Outgoing
from mailcore.model.agent import OPERATOR
from mailcore.model.error_group import ErrorGroups
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.log import GrowingLog
from mailcore.model.message import Ack
from mailcore.model.permission import PermissionRequest
from praxmonitor.actions import mail_preconditions
from praxmonitor.actions.action import Action
from praxmonitor.actions.context import View
from praxmonitor.actions.preconditions import Situation
from praxmonitor.actions.scope import AGENT, ALARMS, ERRORS, FLEET, LOGS, MAIL, MAILBOX, MOVE, REPLAY, STREAM
from praxmonitor.actions.table import ACTIONS, BY_ID
from praxmonitor.actions.views import ViewName
from praxmonitor.app.app import PraxApp
from praxmonitor.app.navigation import MAKERS
from praxmonitor.feed.playback import Playback
from praxmonitor.state.agent_details import Section
from praxmonitor.views.alarms import AlarmsScreen
from praxmonitor.views.errors import ErrorsScreen
from praxmonitor.views.fleet import FleetScreen
from praxmonitor.views.log import LogScreen
from praxmonitor.views.mail import MailScreen
from tests.clock import NOON
from tests.praxmonitor.fake_errors import each_state
from tests.praxmonitor.fake_feed import (
    FakeFeed,
    app_on,
    box,
    lighthouse,
    mail,
    mail_screen,
    many,
    text_of,
    until,
    workspace,
)  # fmt: skip

pytestmark = pytest.mark.anyio


def everything() -> Fleet:
    """The lighthouse, in which each action can be asked for by somebody: @builder's program keeps a session and asks
    for a permission, one of its logs grows, and a request for approval waits."""
    fleet = lighthouse()
    builder = fleet.agents[4]
    assert builder.run is not None and builder.run.attempt is not None
    kept = replace(builder.run, attempts=(replace(builder.run.attempt, session_id="5e55"),))
    grows = GrowingLog(str(builder.agent.logs_dir / "build.log"), 1e6, NOON, NOON - 600, steady=True)
    asks = PermissionRequest("0a", "@builder", "5e55", "Bash", {"command": "make"}, NOON - 5, NOON + 600)
    builder = structs.replace(builder, run=kept, log_growth=(grows,), permissions=(asks,))
    return structs.replace(
        fleet,
        agents=(*fleet.agents[:4], builder, *fleet.agents[5:]),
        operator=_with_each_sort_of_mail(fleet.operator),
        errors=ErrorGroups(each_state()),
    )


def _with_each_sort_of_mail(operator: AgentFacts | None) -> AgentFacts | None:
    """A request for approval and the end of a task are among the operator's mail too."""
    assert operator is not None
    asked = replace(mail(19, "@editor", "Deploy?", 10), raw={"approval": {"tier": 1}})
    ended = replace(mail(20, "@writer", "DONE: Chapter one", 5), ack=Ack("done", "it stands", NOON, "@writer"))
    return structs.replace(operator, mailbox=box(asked, ended, *operator.mailbox.messages))


ELSEWHERE = [action for action in ACTIONS if action.key and action.scope is not AGENT]
"""Those of the view of one agent are asked for in `test_agent_view.py`, where they can be; some have no key."""
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
    asks = action.precondition in (mail_preconditions.request, mail_preconditions.some_request)
    if action.scope is ALARMS:
        await until(pilot, lambda: app.standing, "there are alarms")
        await pilot.press("5", *([] if asks else ["G"]))
        await until(pilot, lambda: isinstance(app.screen, AlarmsScreen) and app.screen.rows, "they are listed")
        view = app.screen
        assert isinstance(view, AlarmsScreen)
        for _ in view.rows if asks else ():
            if view.message is None:
                await pilot.press("j")
        able = OPERATOR if asks else app.standing[-1].alarm.address
    elif action.scope is ERRORS:
        await pilot.press("7")
        await until(pilot, lambda: isinstance(app.screen, ErrorsScreen) and app.screen.chosen, "they are listed")
        able = "@writer"
    elif action.scope is STREAM:
        await pilot.press("4")
        able = app.snapshot.fleet.stream[-1].agent
    elif action.scope is LOGS:
        await pilot.press("6")
        await until(pilot, lambda: isinstance(app.screen, LogScreen) and app.screen.selected, "the logs of an agent")
        assert isinstance(app.screen, LogScreen)
        app.screen.log_shown.search.begin("word", lambda: None)
        able = app.screen.selected
    elif action.scope in (MAIL, MAILBOX):
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, MailScreen) and app.screen.mail.entries, "the mail")
        letters = mail_screen(app).mail
        able, opens = OPERATOR, action.precondition is mail_preconditions.open_request
        letters.put_cursor(
            next(
                entry.key for entry in letters.entries
                if not action.refusal(
                    Situation(fleet, able, played, needing, message=entry.message, message_open=opens)
                )
            )
        )  # fmt: skip
        await pilot.pause()
        if opens:
            await pilot.press("enter")
            await until(pilot, lambda: mail_screen(app).message_open, "it is open")
    else:
        able = next(
            facts.address for facts in fleet.agents
            if not action.refusal(Situation(fleet, facts.address, played, needing, sending=app.opened.sending))
        )  # fmt: skip
        assert isinstance(app.screen, FleetScreen)
        app.screen.grid.select(able)
    await until(pilot, lambda: isinstance(app.screen, View) and app.screen.selected == able, f"{able} is in view")


@pytest.mark.parametrize("action", ELSEWHERE, ids=lambda action: action.id)
async def test_each_key_calls_its_handler(action: Action) -> None:
    fleet = everything()
    playback = Playback(NOON) if action.scope is REPLAY else None
    keys = [key for key in action.default_keys if key != TEXTUALS]
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
    "log": {"open", "notices", "show log"},
    "queue": {"show queue", "cancel start @writer"},
    "timeline": {"show timeline"},
    "cpu": {"show processes"},
    "passport": {"show memories"},
    "search": {"filter"},
    "cost": {"open"},
    "key": {"help"},
    "away": {"snooze", "mute for 30 minutes"},
    "silence": {"mute", "snooze", "acknowledge"},
    "unmute": {"mute", "muted alarms"},
    "statistics": {"alarm load"},
    "shelve": {"view alarms"},
    "diff": {"open", "show changes"},
    "send message": {"mail @writer"},
    "theme": {"theme", "theme prax-light"},
    "undo": {"take back"},
    "mute one agent": {"mute @writer", "mute @editor", "mute @writer for 30 minutes"},
    "mute ticks": {"mute ticks for 15 minutes"},
    "read the log": {"logs"},
    "change the colours": {"theme", "theme prax-dark"},
    "give a task": {"dispatch @writer"},
    "kill and retry": {"kill @writer", "retry @writer"},
    "last ten minutes": {"10 min ago, in stream"},
    "turn sound off": {"mute"},
    "needs me next": {"next"},
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


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("cancel", "cancel start @writer"),
        ("mail", "mail @writer"),
        ("view mail", "view mail"),
        ("mute", "mute"),
        ("theme", "theme"),
        ("help", "help"),
        ("kill", "kill @writer"),
        ("editor", "open @editor"),
        ("error", "view errors"),
        ("errors", "view errors"),
        ("traceback", "view errors"),
        ("exception", "view errors"),
        ("crash", "view errors"),
    ],
)
async def test_a_label_is_found_before_another_word_for_something_else(words: str, first: str) -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("colon", *words)
        await until(pilot, lambda: listed(app)[:1] == [first], "it is the first")
        assert listed(app)[0] == first


async def asked_from_the_fleet(pilot: Pilot[None], app: PraxApp, words: str, wanted: str, among: int) -> list[str]:
    """What the palette lists first for these words, once that has what is wanted."""
    await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
    await pilot.press("colon", *(key.replace(" ", "space") for key in words))
    await until(pilot, lambda: wanted in listed(app)[:among], f"{wanted} is among the first {among} for {words}")
    return listed(app)[:among]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("approve", "approve, in mail"),
        ("search all mail", "search, in mail"),
        ("last ten minutes", "10 min ago, in stream"),
        ("filter the stream", "filter, in stream"),
        ("reply", "reply, in mail"),
    ],
)
async def test_what_another_view_offers_is_found_from_the_fleet(words: str, wanted: str) -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        assert wanted in await asked_from_the_fleet(pilot, app, words, wanted, 2)


async def test_what_another_view_offers_is_done_there() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await asked_from_the_fleet(pilot, app, "search all mail", "search, in mail", 1)
        with called(BY_ID["search_mail"].handler.__code__) as calls:
            await pilot.press("enter")
            await until(pilot, lambda: calls, "the search is opened")
        assert isinstance(app.screen, MailScreen)
        await until(pilot, lambda: isinstance(app.focused, Input), "it can be typed at once")
        assert isinstance(app.focused, Input)


STRANGERS = {
    "error": "view errors",
    "traceback": "view errors",
    "exception": "view errors",
    "crash": "view errors",
    "investigate error": "investigate, in errors",
    "who is silent": "next",
    "silent": "filter",
    "show last error": "filter, in stream",
    "recent errors": "filter, in stream",
    "oldest mail first": "view mail",
    "give task to many": "dispatch @writer",
    "five agents": "mark",
    "kill and retry": "kill @writer",
    "approve a request": "approve, in mail",
    "last ten minutes": "10 min ago, in stream",
    "search all mail": "search, in mail",
    "see a thread": "thread, in mail",
    "change the theme": "theme",
    "mute one agent": "mute @writer",
    "see the diff": "show changes",
    "take mail back": "take back",
    "what it costs": "cost today",
    "tokens": "cost today",
    "change a key": "own keys",
    "rebind": "help",
    "undo send": "take back",
    "undo": "take back",
}


@pytest.mark.parametrize("words", STRANGERS)
async def test_a_stranger_finds_what_he_wants_among_the_first_three(words: str) -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        wanted = STRANGERS[words]
        assert wanted in await asked_from_the_fleet(pilot, app, words, wanted, 3)


@pytest.mark.parametrize("words", ["mute", "open"])
async def test_all_that_match_are_listed_and_can_be_reached(words: str) -> None:
    """None is cut off: the last one of many is scrolled to."""
    fleet = many(60)
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("colon", *words)
        await until(pilot, lambda: len(listed(app)) > 60, "all are listed")
        assert {"mute @helper-60", "mute @writer"} <= set(listed(app)) or words == "open"
        await pilot.press("up", "up")
        last = listed(app)[-1]
        await until(pilot, lambda: last in text_of(app), "the last one is in view")
        assert last in text_of(app)


async def test_each_match_has_its_key() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("colon", *"kill")
        await until(pilot, lambda: "D · end its run" in text_of(app), "its key stands before its help")
        assert "K · end every run" in text_of(app)


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
    moves |= {"section_next", "section_before", "log_left", "log_right", "close_error"}
    assert silent == moves and BY_ID["left"].scope is FLEET


@pytest.mark.anyio
@pytest.mark.parametrize("playback", [False, True], ids=["live", "replay"])
async def test_what_the_footer_says_of_a_key_is_what_it_does(playback: bool) -> None:
    """In every view and section, also where a list has no row: no key means something else than is written."""
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet), playback=Playback(NOON) if playback else None)
    async with app.run_test(size=(300, 40)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        app.navigation.show_agent("@builder")
        checked = 0
        for view in MAKERS:
            for section in Section if view is ViewName.AGENT else (None,):
                if section is None:
                    app.navigation.show_view(view)
                else:
                    app.navigation.show_section("@builder", section)
                await pilot.pause()
                screen: Any = app.screen
                now = app.context(screen).situation
                shown = [hint for hint in screen.frame.keys._hints if not hint.disabled]
                wrong = [hint.id for hint in shown if not app.keymap.elects(hint.id, screen.SCOPES, now)]
                assert not wrong, (view, section)
                checked += len(shown)
        assert checked > 40
