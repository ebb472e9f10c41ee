"""The stream: it follows, unless the reader has scrolled up."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mailcore.model.activity import Kind
from praxmonitor.app.app import PraxApp
from tests.praxmonitor.fake_feed import FakeFeed, act, app_on, fleet_screen, lighthouse, text_of, until, workspace

pytestmark = pytest.mark.anyio


def ready(app: PraxApp) -> bool:
    return bool(app.snapshot.fleet.agents) and app.screen.is_mounted and "writer" in text_of(app)


async def test_a_change_of_size_leaves_the_reader_of_the_stream_where_he_is() -> None:
    items = tuple(act("writer", Kind.LOG, f"line {number} of many", 0) for number in range(60))
    fleet = replace(lighthouse(), stream=items)
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "line 59 of many" in text_of(app), "the newest line is in view")
        stream = fleet_screen(app).stream.lines
        await pilot.resize_terminal(100, 40)
        await until(pilot, lambda: "line 59 of many" in text_of(app), "it follows")
        await pilot.resize_terminal(120, 24)
        await until(pilot, lambda: "line 59 of many" in text_of(app), "it follows when it gets smaller")
        stream.step("page_up")
        stream.step("page_up")
        await pilot.pause()
        top = stream.render_line(0).text.split()
        for size in ((80, 24), (120, 40), (120, 24)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda size=size: app.size == size, "the size is taken")  # type: ignore[misc]
            await pilot.pause(0.2)
            assert stream.render_line(0).text.split() == top
        stream.step("last")
        await pilot.resize_terminal(120, 22)
        await until(pilot, lambda: "line 59 of many" in text_of(app), "it follows again")


async def test_the_stream_follows_unless_it_is_scrolled_up() -> None:
    fleet = lighthouse()
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        stream = fleet_screen(app).stream.lines
        more = replace(fleet, stream=(*fleet.stream, act("writer", Kind.LOG, "freshly written", 0)))
        feed.put(more)
        await until(pilot, lambda: "freshly written" in text_of(app), "the newest line is in view")
        stream.step("first")
        await pilot.pause()
        top = stream.render_line(0).text
        feed.put(replace(more, stream=(*more.stream[1:], act("writer", Kind.LOG, "the very last", 0))))
        await until(pilot, lambda: "the very last" in stream.text, "it arrived")
        assert "the very last" not in text_of(app)
        assert stream.scroll_offset.y == 0 and stream.render_line(0).text != top, "the oldest line fell off"


async def test_the_stream_follows_a_burst() -> None:
    fleet = replace(lighthouse(), stream=())
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        for number in range(30):  # no turn of the loop in between: nothing is drawn, nothing scrolls late
            fleet = replace(fleet, stream=(*fleet.stream, act("writer", Kind.LOG, f"line {number} of a burst", 0)))
            app.project.show(fleet)
        await until(pilot, lambda: "line 29 of a burst" in text_of(app), "the newest line is in view")
        assert "line 0 of a burst" not in text_of(app)
