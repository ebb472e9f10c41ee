"""The form: what is pasted into it, and how it looks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest
from textual import events
from textual.widget import Widget
from textual.widgets import Input, TextArea

from praxmonitor.app.app import PraxApp
from praxmonitor.dialogs.compose import ComposeScreen
from praxmonitor.dialogs.compose_desk import Opening
from praxmonitor.text.letters import Letter, Template
from tests.mailcore.conftest import wait_until
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, text_of, until, workspace

pytestmark = pytest.mark.anyio


class Table:
    """A desk without files."""

    addresses = ("@writer", "@writing", "@editor", "@all")
    keeps = False

    def __init__(self, submit: Callable[[Letter], str]) -> None:
        self.submit = submit

    def sent(self) -> None:
        """Nobody is told."""

    def foresee(self, letter: Letter) -> str:
        return f"mail to {len(letter.addresses)}"

    def keep(self, letter: Letter) -> None:
        raise AssertionError(letter)

    def discard(self) -> None:
        """Nothing is kept."""

    def templates(self) -> tuple[list[Template], list[str]]:
        return [], []

    def attachable(self, words: Sequence[str]) -> tuple[str, ...]:
        return tuple(words)

    @property
    def addressees(self) -> str:
        return "@writer"

    def complete_path(self, text: str) -> str:
        return text

    async def edit(self, body: str) -> str:
        return body


def ready(app: PraxApp) -> bool:
    return bool(app.snapshot.fleet.agents) and app.screen.is_mounted and "writer" in text_of(app)


async def test_a_paste_of_several_lines_loses_none() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "the form is open")
        to, subject = app.screen.query_one("#to", Input), app.screen.query_one("#subject", Input)
        body = app.screen.query_one(TextArea)
        app.post_message(events.Paste("\nThe outline\r\n\r\nPlease look.\nTwo lines.\n"))
        await until(pilot, lambda: "Two lines." in body.text, "the rest is in the text")
        assert (subject.value, body.text) == ("The outline", "Please look.\nTwo lines.")
        app.post_message(events.Paste(" again\nMore"))
        await until(pilot, lambda: "More" in body.text, "more is added below")
        assert (subject.value, body.text) == ("The outline again", "Please look.\nTwo lines.\nMore")
        app.post_message(events.Paste(", once"))
        await until(pilot, lambda: subject.value == "The outline again, once", "one line stays where it is")
        to.value = ""
        to.focus()
        await pilot.pause()
        app.post_message(events.Paste("@writer\n@editor"))
        await until(pilot, lambda: to.value == "@writer @editor", "addresses stand in one line")


class Leaving(Widget):
    """Takes its time to go: what stands beside it and below has gone before the form has."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = asyncio.Event()

    async def on_unmount(self) -> None:
        await self.gone.wait()


@pytest.mark.parametrize("fails", [False, True])
async def test_what_comes_of_a_letter_may_come_while_the_form_closes(fails: bool) -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    read = threading.Event()

    class Slow(Table):
        def foresee(self, letter: Letter) -> str:
            assert read.wait(30)
            return super().foresee(letter)

        def templates(self) -> tuple[list[Template], list[str]]:
            assert read.wait(30)
            return [], ["lens.md: no subject"]

    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        form, leaving = ComposeScreen(Slow(str), Opening("Mail", Letter("@writer"))), Leaving()
        await app.push_screen(form)
        await form.mount(leaving)
        if fails:
            await pilot.press("ctrl+l")
        await until(pilot, lambda: len([one for one in app.workers if one.node is form]) == 1 + fails, "it is read")
        begun = [one for one in app.workers if one.node is form]
        closed = app.pop_screen()
        # Not by the pilot, which waits for the form to be gone.
        await asyncio.to_thread(wait_until, lambda: not form.query("#forecast"), 20)
        read.set()
        await asyncio.to_thread(wait_until, lambda: all(one.is_finished for one in begun), 20)
        leaving.gone.set()
        await closed
        assert app.return_code is None, "the screen goes on"


def typed(app: PraxApp, *keys: str) -> None:
    """Keys that come faster than they are handled, as over a slow line."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_ctrl_s_and_escape_do_not_overtake_what_was_typed_before_them() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    taken: list[tuple[list[str], str, str]] = []

    def submit(letter: Letter) -> str:
        taken.append((letter.addresses, letter.subject, letter.body))
        return "mail"

    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        app.push_screen(ComposeScreen(Table(submit), Opening("Mail", Letter("@writer"))))
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "the form is open")
        typed(app, *"Third", "tab", *"Begin", "ctrl+s")
        await until(pilot, lambda: taken, "it is sent")
        assert taken == [(["@writer"], "Third", "Begin")]
        await until(pilot, lambda: not isinstance(app.screen, ComposeScreen), "closed")
        app.push_screen(ComposeScreen(Table(submit), Opening("Mail", Letter("@writer"))))
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "the form is open")
        typed(app, *"Fourth", "escape")
        await until(pilot, lambda: "press esc again" in text_of(app), "it asks")
        assert app.screen.query_one("#subject", Input).value == "Fourth"


@pytest.mark.parametrize("size", [(60, 24), (80, 24)], ids=str)
async def test_the_fields_of_the_form_have_an_edge_without_colours(size: tuple[int, int]) -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        await pilot.press("m")
        await until(pilot, lambda: "ctrl+s send" in text_of(app), "the form is open")
        lines = text_of(app).splitlines()
        for label in ("To", "Subject", "Text"):
            assert any(f"╭─ {label} ──" in line for line in lines), "\n".join(lines)
        assert sum("╰──" in line for line in lines) == 4
        app.screen.query_one("#to", Input).value = ""
        await until(pilot, lambda: "one address or several" in text_of(app), "it says what goes there")
