"""The two ways through the house, over the real thing: which files each goes through. docs/architecture.md tells
them, and is held to what is measured here."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from textual.dom import DOMNode
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Button

from mailcore.model.activity import Activity
from mailcore.model.fleet import Fleet
from mailcore.observe.facts import Seen
from mailcore.system.processes import send_signal
from mailcore.workspace import create
from praxmonitor.app.app import PraxApp
from praxmonitor.app.project import LONGEST_FRAME
from praxmonitor.dialogs.confirm import ConfirmScreen
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.state.snapshot import Snapshot
from praxmonitor.widgets.grid import Grid
from praxmonitor.widgets.line_list import Lines
from tests.mailcore.conftest import House
from tests.mailcore.test_sessions import SESSION, said, transcript, write
from tests.praxmonitor.fake_feed import app_on, text_of, until
from tests.praxmonitor.walks import ROOT, Way, Waypoint, calls, gives, watched

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.linux_only("the other backend has a file more: its own watcher, and its own door to processes"),
]
PAGE = ROOT / "docs" / "architecture.md"
MARK = "quince"


def told(way: str) -> list[str]:
    """The files that the page names for a way, in order."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"## {way}\n")
    section = rest.partition("\n#")[0]
    return [line.split("`")[1] for line in section.splitlines() if line[:1].isdigit()]


def of_list(kind: type, mark: str) -> Waypoint:
    """Met when a function of ours first gives back a list of such values, one of which holds the `mark`."""
    listed = gives(list, mark)

    def met(frame: FrameType, event: str, value: Any) -> bool:
        return isinstance(value, list) and any(isinstance(each, kind) for each in value) and listed(frame, event, value)

    return met


async def test_from_a_line_in_a_session_file_to_a_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    workspace = create.create_workspace(tmp_path / "project", [("writer", "agents/writer"), ("coder", "agents/coder")])
    branch = workspace.agent("@writer").branch
    path = transcript(branch)
    path.write_text(said("a beginning", branch, 1, at=time.time()))
    waypoints = {
        "the kernel names the file": gives((tuple, set, frozenset), f"{SESSION}.jsonl"),
        "the line is read": of_list(bytes, MARK),
        "it becomes an activity": of_list(Activity, MARK),
        "a fact of its agent": of_list(Seen, MARK),
        "a fleet": gives(Fleet, MARK),
        "the moment that is shown": gives(Snapshot, MARK),
        "the lines of the agents in view": gives(list, MARK, Grid._lines_in_view),
        "one of them is painted": gives(Strip, MARK, Lines.render_line),
    }
    with watched(waypoints) as way:
        app = app_on(FileFeed(workspace.root, 2.0), workspace, clock=time.time)
        async with app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: "a beginning" in text_of(app), "what was there is shown")
            write(path, said("and it is watched", branch, 2, at=time.time()))
            await until(pilot, lambda: "and it is watched" in text_of(app), "what grows is shown")
            seen = time.monotonic()
            await until(pilot, lambda: time.monotonic() > seen + LONGEST_FRAME, "that frame is over")
            way.open = True
            write(path, said(f"{MARK} jam", branch, 3, at=time.time()))
            await until(pilot, lambda: not way.ahead, "the cell changes")
            way.open = False
    assert list(way.ahead) == []
    check(way, "A line in a session file → a cell", 14)


async def test_from_the_key_to_the_signal(house: House) -> None:
    house.shell("writer", "echo begin; sleep 300")
    pid = house.attempt_pid("writer", house.started("@operator", "@writer"))
    signalled: list[int] = []

    def sent(frame: FrameType, event: str, _: Any) -> bool:
        found = event == "call" and frame.f_code is send_signal.__code__ and frame.f_locals["number"] == signal.SIGTERM
        signalled.extend([frame.f_locals["pid"]] if found else [])
        return found

    def handed(frame: FrameType, event: str, _: Any) -> bool:
        return calls(asyncio.to_thread)(frame, event, _) and frame.f_locals["func"].__name__ == "kill"

    waypoints = {
        "the key's action goes on beside the screen": calls(DOMNode.run_worker),
        "the question is asked": calls(PraxApp.push_screen_wait),
        "it is answered": calls(Screen.dismiss),
        "the act is handed to a thread": handed,
        "the supervisor is signalled": sent,
    }
    app = app_on(FileFeed(house.root, 0.5), house.workspace, clock=time.time, config=house.config)
    with watched(waypoints) as way:
        async with app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: f"pid {pid}" in text_of(app), "its process is shown", seconds=15)
            way.open = True
            await pilot.press("D")
            await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and app.focused, "it asks", seconds=15)
            assert isinstance(app.focused, Button)
            await pilot.press("y")
            await until(pilot, lambda: not way.ahead, "it is signalled", seconds=15)
            way.open = False
            await until(pilot, lambda: "killed" in text_of(app), "the files say killed", seconds=15)
    assert signalled[0] == house.runs("writer")[0].supervisor_pid and not os.path.exists(f"/proc/{pid}")  # noqa: PTH110
    check(way, "The key D → the signal", 12)


def check(way: Way, name: str, most: int) -> None:
    """The files are those that the page names, in their order, and no more than that."""
    files = list(way.files)
    print(f"\n{name}: {len(files)} files on it, {len(way.called)} called meanwhile")
    for number, (file, waypoint) in enumerate(way.files.items(), 1):
        print(f"{number}. `{file}` {waypoint}")
    assert len(files) <= most, files
    assert files == told(name)
