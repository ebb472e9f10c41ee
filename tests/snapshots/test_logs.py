"""The view of an agent's logs, on real files, in every state: as text at every size, as a picture in every theme."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from mailcore.model.fleet import Fleet
from praxmonitor.app.app import PraxApp
from praxmonitor.views.log import LogScreen
from tests.clock import NOON
from tests.praxmonitor.fake_feed import FakeFeed, app_on, text_of, until, workspace
from tests.praxmonitor.logs_on_disk import on_disk, stamped, write_log, write_output
from tests.snapshots.screen_text import THEMES, ScreenText, reads, screen_text, settled

pytestmark = pytest.mark.anyio
SIZES = [(60, 20), (80, 24), (120, 35), (200, 50)]


def nothing(fleet: Fleet) -> list[Path]:
    """Nobody has a log."""
    del fleet
    return []


def several(fleet: Fleet) -> list[Path]:
    """A log, both outputs of a run, a traceback, colours, and what would steer a terminal."""
    trace = ["Traceback (most recent call last):", '  File "build.py", line 12, in build', "OSError: no space left"]
    coloured = "\x1b[32mok\x1b[0m 12 passed, \x1b[1;31m1 failed\x1b[0m"
    return [
        write_log(fleet, [stamped(n, f"INFO page {n} of the archive was read") for n in range(0, 120, 2)]),
        write_output(fleet, "stdout", [stamped(61, "INFO building"), coloured]),
        write_output(fleet, "stderr", [stamped(99, "WARNING slow disk"), stamped(101, "ERROR it failed"), *trace]),
    ]


def large(fleet: Fleet) -> list[Path]:
    """One log of many lines, longer than any screen is wide, that cannot be drawn as they are."""
    hostile = "\x1b]0;owned\x07\x1b[2J \u202etxt.exe \x1b[38;5;208morange\x1b[0m 漢字 " + "long " * 100
    return [write_log(fleet, [f"{stamped(n, 'ERROR' if n % 7 == 3 else 'INFO')} {n} {hostile}" for n in range(5000)])]


def unreadable(fleet: Fleet) -> list[Path]:
    """Its log was deleted while it was shown."""
    return [write_log(fleet, ["the last that was known"])]


STATES: dict[str, Callable[[Fleet], list[Path]]] = {
    "empty": nothing,
    "normal": several,
    "overloaded": large,
    "error": unreadable,
}


def app_in(state: str, directory: Path, theme: str = "prax-dark") -> PraxApp:
    """The lighthouse, whose logs are so."""
    root = directory / "lighthouse"
    root.mkdir()
    fleet = on_disk(root)
    for path in STATES[state](fleet):
        os.utime(path, (NOON - 60, NOON - 60))
    return app_on(FakeFeed(fleet), workspace(fleet), theme=theme)


async def shown(pilot: Pilot[None], state: str) -> None:
    """The logs of @writer are in front, and nothing of them is still read."""
    app = pilot.app
    assert isinstance(app, PraxApp)
    await until(pilot, lambda: "writer" in text_of(app), "it was read")
    await pilot.press("6")
    await until(pilot, lambda: isinstance(app.screen, LogScreen) and "reading…" not in text_of(app), "the logs")
    view = app.screen
    assert isinstance(view, LogScreen)
    said = {"empty": "no logs yet", "normal": "all 3 logs", "overloaded": "of 5,000", "error": "of 1"}[state]
    await until(pilot, lambda: said in text_of(app), "its position is known")
    if state == "error":
        Path(view.log_shown.sources[0].path).unlink()
        await until(pilot, lambda: "deleted" in view.said.text, "that is seen")
    if state == "normal":
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "ERROR" in (view.log_shown.row.text if view.log_shown.row else ""), "the error")
    await settled(pilot)
    await until(pilot, lambda: not reads(app), "nothing is read any more")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize("state", STATES)
async def test_the_logs_in_a_state_at_a_size(
    snapshot: SnapshotAssertion, tmp_path: Path, state: str, size: tuple[int, int]
) -> None:
    app = app_in(state, tmp_path)
    async with app.run_test(size=size) as pilot:
        await shown(pilot, state)
        text = screen_text(app)
    assert text == snapshot.use_extension(ScreenText)


@pytest.mark.parametrize("theme", THEMES)
def test_the_logs_in_a_theme(snap_compare: Callable[..., bool], tmp_path: Path, theme: str) -> None:
    app = app_in("normal", tmp_path, theme)
    assert snap_compare(app, terminal_size=(120, 35), run_before=lambda pilot: shown(pilot, "normal"))
