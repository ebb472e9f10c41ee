"""A dialog is never drawn empty nor narrower than it is, and what is not read yet says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from mailcore.model.fleet import Fleet
from praxmonitor.dialogs.notices import NoticesScreen
from praxmonitor.state.notices import Notice
from praxmonitor.views.alarms import AlarmsScreen
from praxmonitor.widgets.line_list import Lines
from tests.clock import NOON
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, text_of, until, workspace

pytestmark = pytest.mark.anyio


class Slow:
    """A feed that reads until it is told that it has."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self.read = fleet, asyncio.Event()

    async def fleets(self) -> AsyncGenerator[Fleet, None]:
        await self.read.wait()
        yield self.fleet
        await asyncio.Event().wait()


async def test_a_screen_that_has_read_nothing_says_that_it_reads() -> None:
    feed = Slow(lighthouse())
    app = app_on(feed, workspace(lighthouse()))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert text_of(app).count("reading…") == 2, "where the agents come, and in the detail"
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(app.screen, AlarmsScreen), "the alarms are open")
        assert "reading…" in app.screen.query_one("#list", Lines).text
        feed.read.set()
        await until(pilot, lambda: "Alarms: " in text_of(app), "what was read is shown")
        await pilot.press("escape")
        await until(pilot, lambda: "reading…" not in text_of(app), "and nothing says that it is being read")


async def test_the_alarms_stand_in_their_view_before_it_is_drawn() -> None:
    """Nothing may have to happen after it is shown: on a busy machine that comes a second later."""
    app = app_on(FakeFeed(lighthouse()), workspace(lighthouse()))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.standing, "there are alarms")
        await pilot.press("5")
        view = app.screen
        assert isinstance(view, AlarmsScreen)
        assert "expected" in view.list.lines.text and "reading…" not in view.list.lines.text


@pytest.mark.parametrize("width", [80, 120])
async def test_what_was_said_is_wrapped_at_the_width_of_its_sheet(width: int) -> None:
    app = app_on(FakeFeed(lighthouse()), workspace(lighthouse()))
    async with app.run_test(size=(width, 30)) as pilot:
        said = "word " * 40
        drawn: list[str] = []

        class Watched(NoticesScreen):
            def on_mount(self) -> None:
                drawn.append(self.query_one(Lines).text)

        sheet = Watched([Notice(NOON, said)])
        app.push_screen(sheet)
        await until(pilot, lambda: drawn and sheet.query_one(Lines).line_width > 60, "it is laid out")
        await pilot.pause()
        for text in (drawn[0], sheet.query_one(Lines).text):
            rows = text.splitlines()
            assert len(rows) <= 4 and max(map(len, rows)) > 55, text
        await pilot.resize_terminal(60, 30)
        await until(pilot, lambda: max(map(len, sheet.query_one(Lines).text.splitlines())) < 56, "laid out anew")
