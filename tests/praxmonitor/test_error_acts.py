"""What is done about an error, on a real workspace: the keys, what the file says then, and what the screen shows."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Input

from mailcore.errors.store import changing_errors, read_groups
from mailcore.exceptions import UsageError
from mailcore.mail import post
from mailcore.model.error_group import ErrorGroup, GroupState
from praxmonitor.actions.errors import parse_minutes
from praxmonitor.actions.keymap import Keymap
from praxmonitor.app.app import PraxApp
from praxmonitor.dialogs.confirm import ConfirmScreen
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.views.errors import ErrorsScreen
from tests.mailcore.conftest import House
from tests.praxmonitor.fake_errors import TRACEBACK, event, group
from tests.praxmonitor.fake_feed import app_on, mail_screen, text_of, until

pytestmark = pytest.mark.anyio


def known(house: House, **more: object) -> ErrorGroup:
    """An error of @writer's that happened just now is in the file."""
    made = group(1, GroupState.NEW, "KeyError: 'title'", "@writer", owner="@writer", owner_why="it reported it")
    now = time.time()
    made = replace(made, first_at=now - 60, last_at=now - 5, recent=(now - 60, now - 5), **more)
    with changing_errors(house.workspace) as at_hand:
        at_hand.book = at_hand.book.with_group(made)
    return made


def kept(house: House) -> ErrorGroup:
    (one,) = read_groups(house.workspace)
    return one


def on(house: House) -> PraxApp:
    return app_on(FileFeed(house.root, 0.5), house.workspace, clock=time.time, config=house.config)


async def opened(app: PraxApp, pilot: Pilot[None]) -> ErrorsScreen:
    await until(pilot, lambda: app.snapshot.fleet.errors, "the errors are read")
    await pilot.press("7")
    view = app.screen
    assert isinstance(view, ErrorsScreen)
    await until(pilot, lambda: view.chosen, "one is chosen")
    return view


async def typed(view: ErrorsScreen, pilot: Pilot[None], key: str, words: str) -> None:
    await pilot.press(key)
    line = view.query_one("#line", Input)
    await until(pilot, lambda: line.has_focus, "the line is open")
    line.value = words
    await pilot.press("enter")


async def test_it_is_resolved_with_a_word_and_is_not_over_after_all(house: House) -> None:
    known(house)
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        view = await opened(app, pilot)
        await typed(view, pilot, "R", "  ")
        await until(pilot, lambda: "say what was done" in text_of(app), "a word is wanted")
        assert kept(house).state is GroupState.NEW and view.query_one("#line", Input).has_focus, "what is typed stays"
        view.query_one("#line", Input).value = "rows without a title are skipped"
        await pilot.press("enter")
        await until(pilot, lambda: kept(house).state is GroupState.RESOLVED, "it is in the file")
        assert (
            kept(house).resolution == "rows without a title are skipped" and kept(house).history[-1].by == "@operator"
        )
        await until(pilot, lambda: app.notices, "it is said")
        assert app.notices[-1].text == "resolved: KeyError: 'title'  (R: not over after all)"
        await until(pilot, lambda: "✓ resolved" in text_of(app), "it stays in the list as what it is")
        assert view.chosen is not None and "not shown" not in text_of(app)
        await pilot.press("R")
        await until(pilot, lambda: kept(house).state is GroupState.NEW, "and is not over after all")
        await until(pilot, lambda: "1 new" in text_of(app), "as the screen says")
        assert app.notices[-1].text == "not over after all: KeyError: 'title'  (R: resolve)"


async def test_what_undoes_an_act_is_named_by_the_operators_own_key(house: House) -> None:
    known(house)
    app = on(house)
    app.keymap = Keymap({"mute_error": ("f6",)})
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await typed(await opened(app, pilot), pilot, "f6", "")
        await until(pilot, lambda: app.notices, "it is said")
        assert app.notices[-1].text == "muted: KeyError: 'title'  (F6: unmute)"


async def test_it_is_muted_for_minutes_and_unmuted(house: House) -> None:
    known(house)
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        view = await opened(app, pilot)
        await typed(view, pilot, "m", "a while")
        await until(pilot, lambda: "no length" in text_of(app), "it says what a length is")
        assert kept(house).state is GroupState.NEW
        view.query_one("#line", Input).value = "2h"
        await pilot.press("enter")
        await until(pilot, lambda: kept(house).state is GroupState.MUTED, "it is muted")
        assert 7100 < kept(house).muted_until - time.time() < 7300
        await until(pilot, lambda: "no open errors" in text_of(app), "the screen says so")
        await until(pilot, lambda: "– muted" in text_of(app), "it stays in the list")
        await pilot.press("m")
        await until(pilot, lambda: kept(house).state is GroupState.NEW, "the same key unmutes it")


@pytest.mark.parametrize(("typed_words", "minutes"), [("30", 30.0), ("2h", 120.0), ("", 0.0), (" 1.5h ", 90.0)])
def test_a_length_is_read_as_people_write_it(typed_words: str, minutes: float) -> None:
    assert parse_minutes(typed_words) == minutes


@pytest.mark.parametrize("words", ["soon", "-5", "0", "nan", "1e99", "\x1b[2J"])
def test_what_is_no_length_is_refused_in_words(words: str) -> None:
    with pytest.raises(UsageError, match="no length") as raised:
        parse_minutes(words)
    assert "\x1b" not in str(raised.value)


async def test_it_asks_before_it_starts_an_agent_and_says_whom_and_why(house: House) -> None:
    known(house)
    house.shell("writer", "echo begin; sleep 300")
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await opened(app, pilot)
        await pilot.press("I")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asks")
        asked = text_of(app)
        assert "Start @writer to look at it?" in asked and "it reported it" in asked and "KeyError: 'title'" in asked
        await pilot.press("enter")
        await until(pilot, lambda: not app.screen.is_modal, "No is the default")
        assert kept(house).asks == 0 and house.inbox("writer") == ()
        await pilot.press("I")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asks again")
        await pilot.press("y")
        await until(pilot, lambda: house.inbox("writer"), "the mail is there", seconds=60)
        await until(pilot, lambda: kept(house).state is GroupState.INVESTIGATING, "the file says so")
        await until(pilot, lambda: "1 investigating" in text_of(app), "and the screen")
        assert "KeyError" in house.inbox("writer")[0].body
        await until(pilot, lambda: house.runs("writer"), "it was started", seconds=60)


async def test_the_mail_by_which_it_was_asked_is_opened_in_its_agents_mailbox(house: House) -> None:
    post.send_mail(house.workspace, "@operator", ["@writer"], "Error: KeyError", "What is wrong there?")
    (mail,) = house.inbox("writer")
    known(house, message_id=mail.sent_id, state=GroupState.INVESTIGATING)
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await opened(app, pilot)
        await pilot.press("t")
        await until(pilot, lambda: app.navigation.current == "mail", "the mail is in front")
        await until(pilot, lambda: "What is wrong there?" in text_of(app), "it is open")
        assert mail_screen(app).listing.place.owner == "@writer"
        shown = mail_screen(app).message
        assert shown is not None and shown.sent_id == mail.sent_id


async def test_where_nobody_was_asked_it_says_so(house: House) -> None:
    known(house)
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        view = await opened(app, pilot)
        await pilot.press("t")
        await until(pilot, lambda: "nobody was asked about it by mail yet" in text_of(app), "why not")
        assert app.screen is view


async def test_it_is_copied_whole_and_its_log_is_opened(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    log = house.agent("@writer").logs_dir / "writer.log"
    log.parent.mkdir(exist_ok=True)
    before = "".join(f"line {number} of the log\n" for number in range(1, 900))
    log.write_text(f"{before}KeyError: 'title' stands here\n" + "later\n" * 300)
    sample = replace(event("KeyError: 'title'", "@writer", 5), path=str(log), offset=len(before))
    known(house, sample=replace(sample, sample=TRACEBACK))
    app = on(house)
    copied: list[str] = []
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await opened(app, pilot)
        await pilot.press("y")
        await until(pilot, lambda: copied, "it is in the clipboard")
        assert "KeyError: 'title'" in copied[0] and "Traceback" in copied[0] and "asked     @writer" in copied[0]
        await pilot.press("L")
        await until(pilot, lambda: app.navigation.current == "logs", "its logs are in front")
        await until(pilot, lambda: "KeyError: 'title' stands here" in text_of(app), "at the event")
        assert "line 1 " not in text_of(app)


async def test_a_read_only_screen_looks_and_does_nothing(house: House) -> None:
    known(house)
    app = on(house)
    app.opened.read_only = True
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        view = await opened(app, pilot)
        for key in ("I", "R", "m"):
            app.notices.clear()
            await pilot.press(key)
            await until(pilot, lambda: app.notices, f"{key} says why not")
            assert "read-only" in app.notices[-1].text and app.screen is view
        await pilot.press("enter")
        await until(pilot, lambda: view.whole, "it is read")
