"""Ways through the view of logs on which something is not there: no error, no such place, a file that moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailcore.model.fleet import Fleet
from praxmonitor.state.merged_pages import MergedPages
from tests.praxmonitor.fake_feed import text_of, until
from tests.praxmonitor.logs_on_disk import at_logs, log_screen, on, on_disk, said, stamped, write_log

pytestmark = pytest.mark.anyio


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """The lighthouse on disk."""
    return on_disk(tmp_path)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("key", ["k", "g"])
async def test_a_filter_that_keeps_nothing_says_so_and_what_ends_it(fleet: Fleet, count: int, key: str) -> None:
    for log in range(count):
        write_log(fleet, [stamped(n, f"INFO {n}") for n in range(60)], f"app{log}.log")
    async with at_logs(fleet) as (app, pilot):
        await pilot.press(key, "F")
        await until(
            pilot, lambda: "no warning and no error here; F twice: all lines again" in text_of(app), "it says so"
        )
        await pilot.press("F")
        await until(pilot, lambda: "no error here; F: all lines again" in text_of(app), "of errors alone, too")
        await pilot.press("F")
        await until(pilot, on(app, "INFO"), "they are there again")


async def test_an_error_nobody_foresaw_is_said_and_the_view_stays(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for log in range(2):
        write_log(fleet, [stamped(n, f"INFO {n}") for n in range(60)], f"app{log}.log")

    def fails(*_: object) -> None:
        raise ValueError("by surprise")

    async with at_logs(fleet) as (app, pilot):
        with monkeypatch.context() as patched:
            patched.setattr(MergedPages, "around", fails)
            await pilot.press("k", "F")
            await said(app, pilot, "ValueError: by surprise")
            patched.setattr("praxmonitor.views.log.listed_logs", fails)
            log_screen(app)._list_logs()
            await said(app, pilot, "its logs cannot be listed: ValueError: by surprise")
        await pilot.press("F", "F")
        await until(pilot, on(app, "INFO"), "it goes on")
