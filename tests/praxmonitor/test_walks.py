"""The two walks of docs/architecture.md, walked: each file that it names is entered on the way."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from mailcore.programs.claude.places import directory
from praxmonitor.dialogs.confirm import ConfirmScreen
from praxmonitor.feed.file_feed import FileFeed
from tests.mailcore.conftest import House
from tests.mailcore.session_lines import CWD, SESSION, asked, said, text
from tests.praxmonitor.fake_feed import app_on, text_of, until

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.linux_only("the walks go through its files"),
]

ROOT = Path(__file__).parents[2]
WALK = re.compile(r"<!-- walk: (a \w+) -->\n```text\n(.*?)```\n<!-- /walk -->", re.DOTALL)
WALKS = {name: files.split() for name, files in WALK.findall((ROOT / "docs" / "architecture.md").read_text())}


class Entered(set[str]):
    """The files of ours whose functions are called while it is traced, in this thread and in those that begin then."""

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            self.add(frame.f_code.co_filename.removeprefix(f"{ROOT}/"))


@pytest.fixture
def entered() -> Iterator[Entered]:
    traced = Entered()
    threading.setprofile(traced)
    sys.setprofile(traced)
    yield traced
    sys.setprofile(None)
    threading.setprofile(None)


async def test_each_file_of_the_walks_is_entered(house: House, entered: Entered) -> None:
    house.shell("writer", "echo begin; exec sleep 300")
    house.attempt_pid("@writer", house.started("@operator", "@writer"))
    branch = house.agent("@writer").branch
    session = directory(branch) / f"{SESSION}.jsonl"
    session.parent.mkdir(parents=True)

    def write(line: bytes) -> None:
        with session.open("ab") as file:
            file.write(line.replace(CWD.encode(), str(branch).encode()) + b"\n")

    write(asked(time.time(), "Begin."))
    app = app_on(FileFeed(house.root, 0.5), house.workspace, clock=time.time, config=house.config)
    async with app.run_test(size=(120, 36)) as pilot:
        write(said(time.time(), "first", text("one line")))
        await until(pilot, lambda: "one line" in text_of(app), "the session is followed")
        entered.clear()
        write(said(time.time(), "second", text("another line")))
        await until(pilot, lambda: "another line" in text_of(app), "the line is shown")
        assert set(WALKS["a line"]) - entered == set()
        entered.clear()
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "it asks")
        await pilot.press("y")
        await until(pilot, lambda: "killed" in text_of(app), "the run is over")
        assert set(WALKS["a key"]) - entered == set()
