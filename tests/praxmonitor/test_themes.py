"""Themes: ours are readable, a bad one is told and not fatal."""

from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from rich.color import Color as Rich
from rich.color import ColorSystem, ColorType
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from praxmonitor.assets import themes_dir
from praxmonitor.text.agents import LOOKS
from praxmonitor.text.lines import ROLES
from praxmonitor.themes import load
from praxmonitor.widgets.line_list import Lines
from praxmonitor.widgets.role_style import role_style
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, until, workspace

SHIPPED = load.load_themes([themes_dir()])
BY_NAME = {theme.name: theme for theme in SHIPPED.loaded}
SHADES = ("muted", "faint")


OF_THE_TERMINAL = "ansi-16"
OF_OURS = sorted(BY_NAME.keys() - {OF_THE_TERMINAL})
"""Those whose colours are known here."""


def test_five_themes_ship_and_one_is_light() -> None:
    assert SHIPPED.failed == ()
    names = {"prax-dark", "prax-light", "high-contrast", "colour-blind-safe", OF_THE_TERMINAL}
    assert set(BY_NAME) == names and [name for name, theme in BY_NAME.items() if not theme.dark] == ["prax-light"]
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


def test_every_role_has_a_look_and_the_selected_row_is_seen_without_colours_too() -> None:
    palette = {**load.variable_defaults(BY_NAME["prax-dark"]), **BY_NAME["prax-dark"].to_color_system().generate()}
    palette |= BY_NAME["prax-dark"].variables
    looks = {role: role_style(role, palette, no_color=False) for role in ROLES}
    assert all(looks.values())  # none of them is drawn as if it were no role
    assert looks["selected"].bgcolor and not looks["selected"].reverse
    bare = role_style("selected", palette, no_color=True) + role_style("strong", palette, no_color=True)
    assert bare.reverse and bare.bold  # what is strong in the selected row is no hole in it


@pytest.mark.anyio
async def test_every_list_is_painted_anew_in_a_theme_that_differs_in_one_colour() -> None:
    fleet, dark, pink = lighthouse(), BY_NAME["prax-dark"], "#ff00ff"
    app = app_on(FakeFeed(fleet), workspace(fleet), theme=dark.name)
    app.register_theme(replace(dark, name="pink", variables={**dark.variables, "state-working": pink}))
    async with app.run_test(size=(120, 36)) as pilot:

        def drawn(colour: str) -> bool:
            """Whether anything on the screen has this colour."""
            wanted = Color.parse(colour).rich_color.triplet
            styles = [each.style for strip in app.screen._compositor.render_strips() for each in strip]
            return any(style is not None and style.color is not None and style.color.triplet == wanted
                       for style in styles)  # fmt: skip

        await until(pilot, lambda: drawn(dark.variables["state-working"]), "an agent works")
        app.theme = "pink"
        await until(pilot, lambda: drawn(pink), "it is pink")
        assert not drawn(dark.variables["state-working"]), "and nothing has the former colour"


def test_a_colour_is_moved_only_as_far_as_it_must() -> None:
    white, grey = Color.parse("#ffffff"), Color.parse("#777777")
    black = Color.parse("#000000")
    assert load.readable(black, [white], black, 4.5) is black
    moved = load.readable(grey, [white], black, 4.5)
    assert 4.5 <= contrast(moved, white) < 5.5
    assert load.readable(Color.parse("ansi_red"), [white], black, 4.5) == Color.parse("ansi_red")


@pytest.mark.parametrize("name", OF_OURS)
def test_the_grounds_are_greys_of_their_own_in_256_colours(name: str) -> None:
    theme = BY_NAME[name]
    grounds = [getattr(theme, key) for key in ("background", "surface", "panel")] + [theme.variables["rule"]]
    numbers = [Rich.parse(ground).downgrade(ColorSystem.EIGHT_BIT).number for ground in grounds]
    # 16 is black, 231 white, 232 to 255 are the greys from black to white.
    assert all(number is not None and (number >= 231 or number == 16) for number in numbers), numbers
    assert len(set(numbers)) == len(numbers), numbers


def test_high_contrast_is_seven_on_every_ground() -> None:
    """WCAG's level AAA."""
    theme = BY_NAME["high-contrast"]
    palette = {**load.variable_defaults(theme), **theme.to_color_system().generate(), **theme.variables}
    roles = (*INKS, *SHADES, *(look.role for look in LOOKS.values()))
    pairs = [(role, ground) for role in roles for ground in load.GROUNDS]
    seen = {pair: contrast(Color.parse(palette[pair[0]]), Color.parse(palette[pair[1]])) for pair in pairs}
    assert {pair: round(value, 1) for pair, value in seen.items() if value < 7.0} == {}


DICHROMACY = {
    "trichromat": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}
"""Linear RGB as such an eye sees it: Machado, Oliveira and Fernandes 2009, severity 1."""
APART = 15.0
"""Distance of two colours in CIELAB: 2.3 is just noticed, side by side."""


def as_seen(colour: str, eye: str) -> tuple[float, float, float]:
    """A colour in CIELAB (D65) as that eye sees it."""
    parts = Color.parse(colour).normalized
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    red, green, blue = (
        min(1.0, max(0.0, sum(weight * part for weight, part in zip(row, linear, strict=True))))
        for row in DICHROMACY[eye]
    )
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    f, g, h = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return 116 * g - 16, 500 * (f - g), 200 * (g - h)


def nearest(theme: Theme, eye: str) -> float:
    """How far apart the two states are that look most alike to that eye."""
    seen = [as_seen(theme.variables[look.role], eye) for look in LOOKS.values()]
    return min(math.dist(one, other) for one, other in combinations(seen, 2))


@pytest.mark.parametrize("eye", DICHROMACY)
def test_no_two_states_look_alike_to_any_eye(eye: str) -> None:
    assert nearest(BY_NAME["colour-blind-safe"], eye) > APART


def test_that_some_look_alike_would_be_seen() -> None:
    """The usual theme is not made for that: there the glyph and the word tell them apart."""
    assert nearest(BY_NAME["prax-dark"], "deuteranopia") < APART


def test_a_theme_is_the_terminals_whole_or_not_at_all() -> None:
    text = (themes_dir() / f"{OF_THE_TERMINAL}.toml").read_text()
    assert load.parse(tomllib.loads(text)).ansi
    with pytest.raises(ValueError, match="all of them, or none"):
        load.parse(tomllib.loads(text.replace("ansi_blue", "#0000ff")))


@pytest.mark.anyio
async def test_the_terminals_own_colours_are_sent_as_its_own() -> None:
    """None is turned into one of ours, and what is selected is reversed."""
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet), theme=OF_THE_TERMINAL)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.screen.query_one("#alarm-bar").display, "the alarm is told")
        segments = [part for strip in app.screen._compositor.render_strips(app.size) for part in strip]
        drawn = {
            colour for part in segments if part.style for colour in (part.style.color, part.style.bgcolor) if colour
        }
        assert {colour.type for colour in drawn} <= {ColorType.DEFAULT, ColorType.STANDARD}
        assert any(part.style is not None and part.style.reverse for part in segments)


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
    assert {look.role for look in LOOKS.values()} | {*INKS, *SHADES, "rule", "selected-style"} == set(made)
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
