"""A request for permission of any size is shown at once, and scrolled to its end."""

from __future__ import annotations

import time

import pytest

from mailcore.model.permission import PermissionRequest
from praxmonitor.dialogs.permission import FIRST_ROWS, PermissionScreen
from tests.clock import NOON
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, text_of, until, workspace

pytestmark = pytest.mark.anyio
LINES = 100_000


@pytest.mark.parametrize("kind", ["a file", "an edit", "one line"])
async def test_it_opens_at_once_and_shows_its_end(kind: str) -> None:
    given = {
        "a file": {
            "content": "".join(f"line {number} of a text that fills the line well\n" for number in range(LINES))
        },
        "an edit": {"old_string": "old\n" * (LINES // 2), "new_string": "new\n" * (LINES // 2)},
        "one line": {"content": "x" * 5_000_000},
    }[kind]
    request = PermissionRequest("0a1b2c3d", "@writer", "s-1", "Write", given, NOON - 75, NOON + 3525)
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown", 30)
        shown = PermissionScreen(request, NOON)
        began = time.thread_time()
        first = shown._panel
        await app.push_screen(shown)
        await until(pilot, lambda: "tool" in first.lines.text[:200], "its beginning is shown", 30)
        assert time.thread_time() - began < 1.0, "the app's own thread lays out no more than is seen"
        await until(pilot, lambda: len(first.lines._lines) > FIRST_ROWS + 1, "all of it is counted", 60)
        assert len(first.lines._lines) > LINES // 2
        await pilot.press("G")
        await until(pilot, lambda: "its program takes an answer for this once alone" in text_of(app), "its end", 30)
        await pilot.press("g")
        await until(pilot, lambda: "tool        Write" in text_of(app), "its beginning", 30)
