"""A log that grows is cut from the screen, after a question, and nothing else of it is touched."""

from __future__ import annotations

import time

import pytest

from praxmonitor.dialogs.confirm import ConfirmScreen
from praxmonitor.feed.file_feed import FileFeed
from tests.mailcore.conftest import House
from tests.praxmonitor.fake_feed import app_on, text_of, until

pytestmark = pytest.mark.anyio


async def test_the_log_that_grows_is_cut_after_a_yes(house: House) -> None:
    logs = house.agent("@writer").logs_dir
    logs.mkdir(exist_ok=True)
    log, other = logs / "app.log", logs / "other.log"
    log.touch()
    other.write_text("stays\n")
    app = app_on(FileFeed(house.root, 0.2), house.workspace, clock=time.time, config=house.config)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        with log.open("a") as file:
            file.write("a line\n" * 20_000)

        async def asked() -> bool:
            await pilot.press("X")
            return isinstance(app.screen, ConfirmScreen)

        deadline = time.monotonic() + 60
        while not await asked():
            assert time.monotonic() < deadline, "the question never came"
        shown = text_of(app)
        assert "Cut logs/app.log of @writer?" in shown and "a minute" in shown
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen), "no is no")
        assert log.stat().st_size == 140_000
        await pilot.press("X")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "asked again")
        await pilot.press("y")
        await until(pilot, lambda: log.stat().st_size == 0, "it is cut")
        assert log.with_name("app.log.cut").read_text().splitlines()[-1] == "a line"
        assert other.read_text() == "stays\n"
