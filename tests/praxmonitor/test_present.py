"""Text first: what the widgets draw, without a widget."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mailcore.model.activity import Kind
from mailcore.model.fleet import State
from mailcore.text import plain as mailcore_plain
from praxmonitor.text import activities, agents, lines


def text(line: lines.Line) -> str:
    return "".join(part for part, _ in line)


def test_every_state_has_a_glyph_and_a_word_of_its_own() -> None:
    assert set(agents.LOOKS) == set(State)
    assert len({look.glyph for look in agents.LOOKS.values()}) == len(State)
    assert len({look.word for look in agents.LOOKS.values()}) == len(State)
    assert all(cell_len(look.glyph) == 1 for look in agents.LOOKS.values())
    assert set(agents.ORDER) == set(State)


def test_every_kind_of_activity_has_a_glyph_one_cell_wide() -> None:
    assert set(activities.KINDS) == set(Kind)
    assert all(cell_len(glyph) == 1 for glyph, _ in activities.KINDS.values())


def test_every_role_that_is_named_exists() -> None:
    named = {role for _, role in activities.KINDS.values()} | {look.role for look in agents.LOOKS.values()}
    assert named <= lines.ROLES


def test_terminal_escapes_become_visible() -> None:
    assert lines.plain("\x1b[2J\x07gone\x7f") == "�[2J�gone�"
    assert lines.plain("a\nb\tc\r\n") == "a b c "


def test_bidirectional_overrides_and_lone_surrogates_are_replaced() -> None:
    assert lines.plain("exe\u202etxt") == "exe�txt"
    assert lines.plain("\ud800x").encode() == "�x".encode()


def test_joined_emoji_are_one_picture_and_what_nobody_sees_is_gone() -> None:
    family, flag = "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f3f3\ufe0f\u200d\U0001f308"
    assert lines.plain(family) == family and cell_len(family) == 2
    assert lines.plain(flag) == flag and cell_len(flag) == 2
    assert lines.plain("\ufeffa\u200bb\u2060c\u200dd ✉\ufe0f") == "abcd ✉"


def test_the_screen_and_the_command_have_one_rule() -> None:
    every = "".join(map(chr, range(0x3000))) + "\U0001f468\u200d\U0001f469\ud800"
    assert lines.plain(every) == mailcore_plain(every).replace("\n", " ").replace("\t", " ")


def test_markup_is_only_text() -> None:
    assert lines.plain("[red]x[/red] [@click=app.quit]y") == "[red]x[/red] [@click=app.quit]y"


@given(st.text())
def test_plain_text_holds_no_control_character(raw: str) -> None:
    drawn = lines.plain(raw)
    assert not [c for c in drawn if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert lines.plain(drawn) == drawn


@given(st.lists(st.tuples(st.text(), st.just("")), max_size=5), st.integers(0, 60))
def test_a_fitted_line_has_exactly_its_width(spans: list[tuple[str, str]], width: int) -> None:
    line = lines.fit([(lines.plain(part), role) for part, role in spans], width)
    assert lines.width_of(line) == width


@given(st.text(max_size=40), st.text(max_size=20), st.integers(0, 60))
def test_a_spread_line_has_exactly_its_width(left: str, right: str, width: int) -> None:
    line = lines.spread([(lines.plain(left), "")], [(lines.plain(right), "")], width)
    assert lines.width_of(line) == width


@given(st.text(max_size=200), st.integers(2, 60))
def test_wrapped_lines_fit_and_lose_no_word(raw: str, width: int) -> None:
    drawn = lines.plain(raw)
    wrapped = lines.wrap(drawn, width)
    assert all(cell_len(line) <= width for line in wrapped)
    assert "".join("".join(wrapped).split()) == "".join(drawn.split())


def test_wrapping_keeps_an_indent() -> None:
    assert lines.wrap("  - one two three", 12) == ["  - one two", "three"]


def test_what_is_cut_says_so() -> None:
    assert lines.cut("chapter two", 8) == "chapter…"
    assert lines.cut("chapter", 7) == "chapter"
    assert text(lines.fit([("日本語", "")], 5)) == "日本…"
