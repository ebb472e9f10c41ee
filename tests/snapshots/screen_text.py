"""A screen as it is stored: as text, one file of it; and when it stands still enough to be stored."""

from __future__ import annotations

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from praxmonitor.app.app import PraxApp
from praxmonitor.assets import themes_dir
from praxmonitor.themes.load import load_themes
from tests.praxmonitor.fake_feed import text_of, until

THEMES = sorted(theme.name for theme in load_themes([themes_dir()]).loaded)
ENDLESS = ("feed", "alarms")
"""Workers that go on as long as the app does."""


class ScreenText(SingleFileSnapshotExtension):
    """One text file."""

    _write_mode = WriteMode.TEXT
    _file_extension = "txt"


def screen_text(app: PraxApp) -> str:
    """What is on the screen; blanks at the end of a line are none of it."""
    return "\n".join(line.rstrip() for line in text_of(app).splitlines())


def reads(app: PraxApp) -> list[str]:
    """What is done in a worker, save what goes on for ever."""
    return [worker.group for worker in app.workers if worker.is_running and worker.group not in ENDLESS]


async def settled(pilot: Pilot[None]) -> None:
    """No cursor blinks, and nothing that is drawn is still read."""
    for box in (*pilot.app.screen.query(Input), *pilot.app.screen.query(TextArea)):
        box.cursor_blink = False
    await pilot.pause(0.15)
    await until(pilot, lambda: "reading…" not in text_of(pilot.app), "it is drawn", 20)
