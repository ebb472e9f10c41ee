"""`--read-only`: every key of the table may be pressed, in every view, and not a byte of the workspace changes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pexpect
import pytest
from textual.widgets import Input

from mailcore.mail import post
from mailcore.system import user_directories
from praxmonitor.__main__ import _options
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.actions.preconditions import Situation
from praxmonitor.actions.table import ACTIONS, BY_ID
from praxmonitor.app.app import PraxApp
from praxmonitor.app.keys import view_scopes
from praxmonitor.app.navigation import MAKERS
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.preferences.preferences import Preferences
from tests.mailcore.conftest import House
from tests.praxmonitor.fake_feed import FakeSpeaker, lighthouse, text_of, until
from tests.praxmonitor.pty_screen import output, screen_of

CHANGES = {action.id for action in ACTIONS if not (action.in_replay or action.looks)}


def tree(*roots: Path) -> dict[str, str]:
    """Each file below these, with what it holds and when it was written; each directory."""
    found = {}
    for root in roots:
        for directory, _, names in os.walk(root):
            found[directory] = "directory"
            for name in names:
                path = Path(directory, name)
                found[str(path)] = f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}"
    return found


def read_only(house: House) -> PraxApp:
    """As `praxmonitor --read-only` opens it."""
    opened = OpenWorkspace(house.workspace, house.config, live=False)
    opened.read_only = True
    return PraxApp(opened, FileFeed(house.root, 0.5), FakeSpeaker(), None, Preferences())


def test_nothing_that_changes_anything_can_be_asked_for() -> None:
    fleet = lighthouse()
    for address in ("@writer", "@builder", "@operator", ""):
        now = Situation(fleet, address, read_only=True)
        assert {action.id for action in ACTIONS if "read-only" in action.refusal(now)} == CHANGES
    assert {"kill", "compose", "dispatch", "reply", "hold", "wake"} <= CHANGES
    assert BY_ID["kill"].refusal(Situation(fleet, "@writer")) == ""


def test_the_command_line_says_so() -> None:
    assert _options(["--read-only"])[1].read_only and not _options([])[1].read_only
    _, options = _options(["--ascii", "--theme", "prax-light", "--no-motion"])
    assert options.ascii and options.still and not options.muted and options.theme == "prax-light"


@pytest.mark.anyio
async def test_every_key_is_pressed_and_nothing_is_written(house: House) -> None:
    """Own mail is not marked as read, nobody goes on duty, no presence is noted, nothing of it is kept."""
    post.send_mail(house.workspace, "@editor", ["@operator"], "A question", "May I?")
    state = user_directories.state_home()
    before = tree(house.root, state)
    assert any("inbox.json" in path for path in before)
    app = read_only(house)
    pressed = set()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown", 20.0)
        assert "read-only" in text_of(app).splitlines()[0]
        for name in MAKERS:
            for action in ACTIONS:
                if action.id in ("quit", "suspend"):
                    continue
                app.navigation.show_view(name)
                await pilot.pause(0.02)
                for key in action.default_keys:
                    await pilot.press(key)
                    pressed.add(action.id)
                    while app.screen.is_modal or isinstance(app.focused, Input):
                        await pilot.press("escape")
        app.choices.prefer(motion=False)
        await pilot.pause(0.3)
        assert app.is_running
    assert tree(house.root, state) == before
    assert CHANGES & pressed == {action_id for action_id in CHANGES if BY_ID[action_id].key}


@pytest.mark.anyio
async def test_what_only_looks_can_be_asked_for_and_writes_nothing(house: House) -> None:
    """All mail is searched without an index; what happened of late is told."""
    post.send_mail(house.workspace, "@editor", ["@operator"], "A question", "May I trim the lamps?")
    state = user_directories.state_home()
    before = tree(house.root, state)
    app = read_only(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown", 20.0)
        await pilot.press("3", "slash", *"trim")
        await until(pilot, lambda: "found: trim" in text_of(app) and "A question" in text_of(app), "it is found")
        await pilot.press("enter", "W")
        await until(pilot, lambda: app.screen.is_modal and "unread mail" in text_of(app), "what happened is told")
    assert tree(house.root, state) == before


def test_the_command_writes_nothing_either(house: House) -> None:
    """Trust, limits, duty, heartbeat and mutes: all that a screen keeps beside what it is asked for."""
    post.send_mail(house.workspace, "@editor", ["@operator"], "A question", "May I?")
    state = user_directories.state_home()
    before = tree(house.root, state)
    with screen_of(house, "--read-only") as terminal:
        assert b"read-only" in output(terminal, b"1 for you")
        terminal.send(b"AZMMi\r")
        output(terminal, b"May I?")
        terminal.send(b"q")
        terminal.expect(pexpect.EOF)
    assert terminal.wait() == 0
    assert tree(house.root, state) == before


def test_every_view_was_pressed_in() -> None:
    assert len(MAKERS) == len(view_scopes())
