"""What an operator chooses on the screen: theme, what is muted and for how long, what the help shows."""

from __future__ import annotations

from pathlib import Path

import pexpect
import pytest
from textual.pilot import Pilot

from praxmonitor.app.app import PraxApp
from praxmonitor.assets import themes_dir
from praxmonitor.dialogs.choose import ChooseScreen
from praxmonitor.dialogs.help import HelpScreen, KeyRow, help_lines
from tests.clock import NOON
from tests.mailcore.conftest import House
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, text_of, until, workspace
from tests.praxmonitor.pty_screen import SEQUENCE, output, screen_of

pytestmark = pytest.mark.anyio


async def shown(pilot: Pilot[None], app: PraxApp) -> None:
    """The agents are there."""
    await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")


def screen() -> PraxApp:
    """The lighthouse's."""
    fleet = lighthouse()
    return app_on(FakeFeed(fleet), workspace(fleet))


async def test_a_theme_is_seen_while_it_is_chosen_and_kept_when_it_is_picked() -> None:
    app = screen()
    async with app.run_test(size=(120, 36)) as pilot:
        await shown(pilot, app)
        await pilot.press("colon", *"theme", "enter")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen), "the list of themes")
        assert app.theme == "prax-dark"
        await pilot.press("j")
        await until(pilot, lambda: app.theme != "prax-dark", "the one under the cursor is seen")
        assert app.preferences.theme == "prax-dark", "and not kept"
        await pilot.press("escape")
        await until(pilot, lambda: app.theme == "prax-dark", "Esc: as it was")
        await pilot.press("colon", *"theme light", "enter")
        await until(pilot, lambda: app.theme == "prax-light", "it is the one that was named")
        assert app.preferences.theme == "prax-light"


async def test_motion_is_taken_away_and_given_back() -> None:
    app = screen()
    async with app.run_test(size=(120, 36)) as pilot:
        await shown(pilot, app)
        await pilot.press("colon", *"motion off", "enter")
        await until(pilot, lambda: app.animation_level == "none", "nothing glides")
        assert app.preferences.motion is False
        await pilot.press("colon", *"reduced motion", "enter")
        await until(pilot, lambda: app.animation_level == "full", "it does again")
        assert app.preferences.motion


def test_a_theme_and_keys_of_ones_own_are_found_in_the_config_directory(house: House, tmp_path: Path) -> None:
    """By the command itself; what is wrong with either file stands in the header."""
    own = tmp_path / "config" / "praxmonitor"
    (own / "themes").mkdir(parents=True)
    text = (themes_dir() / "prax-dark.toml").read_text()
    (own / "themes" / "mine.toml").write_text(text.replace("prax-dark", "mine").replace("#111316", "#102030"))
    (own / "themes" / "bad.toml").write_text("name = 3")
    (own / "keys.toml").write_text('[keys]\nkil = "Q"\nquit = ["Q", "Ctrl+q"]\n')
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "COLORTERM": "truecolor"}
    with screen_of(house, "--theme", "mine", **environment) as terminal:
        seen = output(terminal, b"did you mean kill?")
        seen += output(terminal, b"idle") if b"idle" not in seen else b""
        terminal.send(b"Q")
        terminal.expect(pexpect.EOF)
    assert b"48;2;16;32;48" in seen, "the ground of that theme"
    assert b"bad.toml" in SEQUENCE.sub(b"", seen)
    assert terminal.wait() == 0, "X quits"


async def test_one_agent_is_muted_for_some_minutes_and_heard_again() -> None:
    app = screen()
    async with app.run_test(size=(180, 36)) as pilot:
        await shown(pilot, app)
        await pilot.press("S")
        await until(pilot, lambda: "mute @writer: its sounds alone" in text_of(app), "what can be muted")
        await pilot.press("enter", "j", "j")
        await until(pilot, lambda: "Mute @writer for how long?" in text_of(app), "for how long")
        await pilot.press("enter")
        await until(pilot, lambda: app.sound.mutes.agent("@writer", NOON + 1700), "it is muted")
        assert not app.sound.mutes.agent("@writer", NOON + 1900)
        await until(pilot, lambda: "@writer muted until 12:30" in text_of(app).splitlines()[0], "the header says it")
        await pilot.press("S", "enter")
        await until(pilot, lambda: not app.sound.mutes.agents, "heard again")
        assert "muted until" not in text_of(app).splitlines()[0]


async def test_it_can_be_muted_for_an_hour_and_until_tomorrow() -> None:
    app = screen()
    async with app.run_test(size=(180, 36)) as pilot:
        await shown(pilot, app)
        for downs, said, until_when in ((3, "for 1 hour", "13:00"), (5, "until tomorrow, 08:00", "08:00")):
            await pilot.press("S")
            await until(pilot, lambda: "Mute what?" in text_of(app), "what can be muted")
            await pilot.press("enter")
            await until(pilot, lambda: f" {said}" in text_of(app), "it is offered")  # noqa: B023
            await pilot.press(*["j"] * downs, "enter")
            await until(pilot, lambda: f"@writer muted until {until_when}" in text_of(app), "so long")  # noqa: B023
            assert 0 < app.sound.mutes.agents["@writer"] - NOON < 86400 + 8 * 3600
            await pilot.press("S", "enter")
            await until(pilot, lambda: not app.sound.mutes.agents, "heard again")


async def test_a_kind_of_sound_is_muted_from_the_palette() -> None:
    app = screen()
    async with app.run_test(size=(180, 36)) as pilot:
        await shown(pilot, app)
        await pilot.press("colon", *"mute ticks 30", "enter")
        await until(pilot, lambda: app.sound.mutes.kind("ticks", NOON + 1700), "it is muted")
        assert not app.sound.mutes.all(NOON) and not app.sound.mutes.kind("ticks", NOON + 1900)
        await until(pilot, lambda: "ticks muted until 12:30" in text_of(app).splitlines()[0], "the header says it")
        await pilot.press("colon", *"hear ticks", "enter")
        await until(pilot, lambda: not app.sound.mutes.kinds, "heard again")
        assert "ticks" not in text_of(app).splitlines()[0]


ROWS = (
    KeyRow("Fleet", ("n",), "next agent that needs you", "next"),
    KeyRow("Fleet", ("/",), "show only agents whose name holds a text", "filter"),
    KeyRow("Everywhere", (), "what the bottom line said", "notices"),
)


def found(query: str) -> str:
    """The help for this query, as text."""
    return "\n".join("".join(text for text, _ in line) for line in help_lines(ROWS, 76, query))


def test_the_help_is_searched_by_words_and_by_keys() -> None:
    assert "next agent" in found("") and "notices" in found("") and "● working" in found("")
    assert "next agent" in found("needs agent") and "bottom line" not in found("needs agent")
    assert "show only" in found("/") and "next agent" not in found("/")
    assert "working" in found("working") and "idle" not in found("working")
    assert "no key does 'xyzzy'" in found("xyzzy")


async def test_the_help_begins_with_the_view_in_front_and_is_searched_in_place() -> None:
    app = screen()
    async with app.run_test(size=(100, 90)) as pilot:
        await shown(pilot, app)
        await pilot.press("i", "question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "the help")
        text = text_of(app)
        assert text.index("Mail") < text.index("Act on the selected agent") and "Fleet, in its own view" not in text
        await pilot.press("slash", *"palette")
        await until(pilot, lambda: "command palette: every action" in text_of(app), "what was looked for")
        assert "Act on the selected agent" not in text_of(app)
        await pilot.press("enter", "question_mark")
        await until(pilot, lambda: not isinstance(app.screen, HelpScreen), "and it is left")
        assert app.screen.__class__.__name__ == "MailScreen"


async def test_esc_in_the_search_brings_the_whole_help_back_and_then_leaves_it() -> None:
    app = screen()
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, app)
        await pilot.press("question_mark", "slash", *"approve", "escape")
        await until(pilot, lambda: "Act on the selected agent" in text_of(app), "the whole list")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, HelpScreen), "it is left")
        assert "writer" in text_of(app)
