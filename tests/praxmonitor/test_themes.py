"""Themes: ours are readable, a bad one is told and not fatal."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.color import Color as Rich
from rich.color import ColorSystem
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from praxmonitor.assets import themes_dir
from praxmonitor.text.agents import LOOKS
from praxmonitor.themes import load
from praxmonitor.widgets.line_list import Lines
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, until, workspace

SHIPPED = load.load_themes([themes_dir()])
BY_NAME = {theme.name: theme for theme in SHIPPED.loaded}
SHADES = ("muted", "faint")


def test_two_themes_ship_and_one_is_light() -> None:
    assert SHIPPED.failed == ()
    assert {name: theme.dark for name, theme in BY_NAME.items()} == {"prax-dark": True, "prax-light": False}
    assert load.DEFAULT in BY_NAME


INKS = ("ink", "ink-accent", "ink-warning", "ink-error")


@pytest.mark.parametrize("theme", [*SHIPPED.loaded, *BUILTIN_THEMES.values()], ids=lambda theme: theme.name)
def test_every_colour_of_text_can_be_read_on_every_ground(theme: Theme) -> None:
    """As the stylesheet resolves them: the alarm bar's text (`ink-error`), each state's, the keys', the greys."""
    palette = {**load.variable_defaults(theme), **theme.to_color_system().generate(), **theme.variables}
    roles = (*INKS, *SHADES, *(look.role for look in LOOKS.values()))
    if theme.name.startswith("ansi-"):  # the terminal's own palette: what its colours look like is not ours to know
        assert all(palette[role].startswith("ansi_") for role in roles)
        return
    weak = {
        (role, ground): round(contrast(Color.parse(palette[role]), Color.parse(palette[ground])), 2)
        for role in roles
        for ground in ("background", "surface", "panel")
        # WCAG AA for text; a shade that only repeats what stands elsewhere, on the selection, may have 3.
        if contrast(Color.parse(palette[role]), Color.parse(palette[ground])) < (3.0 if role == "faint" else 4.5)
    }
    assert weak == {}


@pytest.mark.anyio
async def test_the_colours_that_are_drawn_are_the_readable_ones() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet), theme="textual-light")
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.screen.query_one("#alarm-bar").display, "the alarm is told")
        for lines in app.screen.query(Lines):
            ground = lines.background_colors[1]
            for role in ("", "error strong", "warn", "accent", "muted", *(look.role for look in LOOKS.values())):
                drawn = lines.style_of(role).color
                assert drawn is not None and drawn.triplet is not None
                assert contrast(Color(*drawn.triplet), ground) >= 4.5, (lines.id, role)


def test_a_colour_is_moved_only_as_far_as_it_must() -> None:
    white, grey = Color.parse("#ffffff"), Color.parse("#777777")
    black = Color.parse("#000000")
    assert load.readable(black, [white], black, 4.5) is black
    moved = load.readable(grey, [white], black, 4.5)
    assert 4.5 <= contrast(moved, white) < 5.5
    assert load.readable(Color.parse("ansi_red"), [white], black, 4.5) == Color.parse("ansi_red")


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_the_grounds_are_greys_of_their_own_in_256_colours(name: str) -> None:
    theme = BY_NAME[name]
    grounds = [getattr(theme, key) for key in ("background", "surface", "panel")] + [theme.variables["rule"]]
    numbers = [Rich.parse(ground).downgrade(ColorSystem.EIGHT_BIT).number for ground in grounds]
    # 231 is white, 232 to 255 are the greys from black to white.
    assert all(number is not None and number >= 231 for number in numbers), numbers
    assert len(set(numbers)) == len(numbers), numbers


def contrast(one: Color, other: Color) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    parts = [part / 255 for part in (colour.r, colour.g, colour.b)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", BUILTIN_THEMES.values(), ids=lambda theme: theme.name)
def test_textuals_own_themes_get_a_colour_for_every_state(theme: Theme) -> None:
    made = load.variable_defaults(theme)
    assert {look.role for look in LOOKS.values()} | {*INKS, *SHADES, "rule"} == set(made)
    assert all(made.values())


def test_bad_files_are_listed_with_their_cause_and_the_good_ones_load(tmp_path: Path) -> None:
    good = (themes_dir() / "prax-dark.toml").read_text()
    (tmp_path / "good.toml").write_text(good.replace("prax-dark", "mine"))
    (tmp_path / "no-toml.toml").write_text("name = ")
    (tmp_path / "no-name.toml").write_text("dark = true")
    (tmp_path / "colour.toml").write_text(good.replace('"#86b98b"', '"greenish"'))
    (tmp_path / "unknown.toml").write_text(good.replace("idle =", "idel ="))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    found = load.load_themes([tmp_path])
    assert [theme.name for theme in found.loaded] == ["mine"]
    said = {line.split(":")[0].removeprefix("theme "): line for line in found.failed}
    assert set(said) == {"no-toml.toml", "no-name.toml", "colour.toml", "unknown.toml", "bytes.toml"}
    assert "greenish" in said["colour.toml"]
    assert "idel" in said["unknown.toml"]
    assert "'name' is missing" in said["no-name.toml"]
