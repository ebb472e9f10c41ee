from __future__ import annotations

import time

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.text import plain
from mailcore.text.ansi import PLAIN_STYLE, AnsiStyle, ansi_coloured, ansi_spans, ansi_text

COLOURS = ["\x1b[31m", "\x1b[0m", "\x1b[48;5;200m", "\x1b[38;2;1;2;3m"]
MOVES = ["\r", "\b\b", "\t", "\x1b[K", "\x1b[1K", "\x1b[2K"]
OTHERS = ["\x1b]52;c;aGk=\a", "\x1b]0;title\a", "\x1b[2J", "\x1b[?1049h", "\x1b]8;;http://x\x1b\\", "\x9b31m", "\x7f"]
UNSEEN = ["\x00\x00", "\u202e", "\u200b", "\u200d", "👩\u200d💻", "\ufe0f", "\udcff", "\ud800", "\n", "\u2028"]
PARTS = st.sampled_from(["a", "wide 字", "e\u0301", *COLOURS, *MOVES, *OTHERS, *UNSEEN])
LINES = st.lists(st.one_of(PARTS, st.text(max_size=4), st.characters(max_codepoint=0x9F)), max_size=30).map("".join)


def printed(text: str, columns: int = 2000) -> tuple[str, pyte.Screen]:
    screen = pyte.Screen(columns, 2)
    pyte.Stream(screen).feed(text)
    return screen.display[0].rstrip(), screen


@given(LINES)
def test_nothing_of_a_line_is_a_control_character_or_unseen(text: str) -> None:
    shown = ansi_text(text)
    assert plain(shown) == shown
    assert not set(shown) & set("\t\n\r\x1b")


@given(
    st.lists(st.sampled_from(["a", "bcd", "字", "\r", "\b", "\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[31m"]), max_size=20)
)
def test_what_is_overwritten_stands_as_in_a_terminal(parts: list[str]) -> None:
    text = "".join(parts)
    if "字" in text and set(parts) & {"\b", "\x1b[1K"}:
        return  # pyte leaves half of a wide sign where another overwrites it
    if text.count("字") and "\r" in text:
        return
    assert ansi_text(text).rstrip() == printed(text)[0]


@given(LINES)
def test_a_terminal_is_left_as_it_was(text: str) -> None:
    _, screen = printed("before\r\n" + ansi_coloured(text) + "\r\n")
    assert screen.title == "" and screen.mode == pyte.Screen(1, 1).mode
    assert screen.cursor.attrs == pyte.Screen(1, 1).cursor.attrs


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("31", AnsiStyle("red")),
        ("91;44", AnsiStyle("bright_red", "blue")),
        ("38;5;9", AnsiStyle("bright_red")),
        ("38;5;123;1", AnsiStyle("color(123)", bold=True)),
        ("48;2;1;2;255", AnsiStyle(background="#0102ff")),
        ("38:2::1:2:3", AnsiStyle("#010203")),
        ("38:2:1:2:3;3", AnsiStyle("#010203", italic=True)),
        ("58;5;1;2", AnsiStyle(dim=True)),
        ("1;2;3;4;7;9", AnsiStyle(bold=True, dim=True, italic=True, underline=True, reverse=True, strike=True)),
        ("1;4;22;24", PLAIN_STYLE),
        ("4:3;4:0", PLAIN_STYLE),
        ("31;", PLAIN_STYLE),
        ("31;39", PLAIN_STYLE),
        ("8;5", PLAIN_STYLE),
        ("31;41", AnsiStyle("red")),
        ("38;5;999", PLAIN_STYLE),
        ("38;5", PLAIN_STYLE),
        ("38", PLAIN_STYLE),
        ("9999999999;1", AnsiStyle(bold=True)),
        ("107", AnsiStyle(background="bright_white")),
    ],
)
def test_colours(codes: str, style: AnsiStyle) -> None:
    assert ansi_spans(f"\x1b[{codes}mx\x1b[my") == (
        [("x", style), ("y", PLAIN_STYLE)] if style != PLAIN_STYLE else [("xy", PLAIN_STYLE)]
    )
    told = ansi_coloured(f"\x1b[{codes}mx")
    assert ansi_spans(told) == [("x", style)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;aGk=\a", "^[]52;c;aGk=^G"),
        ("\x1b[2J\x1b[H", "^[[2J^[[H"),
        ("a\x00b", "a^@b"),
        ("a" + "\x00" * 4096 + "b", "a<NUL×4096>b"),
        ("\x9b31m", "<U+009B>31m"),
        ("ab\u202ecd", "ab<U+202E>cd"),
        ("a\u200bb", "a<U+200B>b"),
        ("👩\u200d💻", "👩\u200d💻"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), "caf<E9>"),
        ("a\tb", "a       b"),
        ("字\tb", "字      b"),
        ("a\nb", "a^Jb"),
        ("10%\r20%\rdone", "done"),
        ("long\rX", "Xong"),
        ("字字\r x", " x字"),
        ("a\r", "a"),
        ("字\bx", " x"),
        ("字\b\x1b[Kx", " x"),
        ("Downloading  5%\r\x1b[KInstalled", "Installed"),
        ("\x1b[" + "1;" * 200 + "m", "^[[" + "1;" * 200 + "m"),
        ("ab\be\u0301", "ae\u0301"),
        ("", ""),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert ansi_text(text) == shown


def test_a_mark_is_told_from_the_same_text_of_the_line() -> None:
    assert ansi_spans("^[ \x1b") == [("^[ ", PLAIN_STYLE), ("^[", AnsiStyle(mark=True))]


def test_a_row_of_the_longest_costs_little() -> None:
    """As CPU time, with room for a slow machine: 64 KB of the worst take 0.1 s here."""
    for hostile in ("x\r", "\x1b[31m", "字\b", "\u202e", "a\t", "\x1b[1K\r", "e\u0301\r", "\x1b[", "\x1b]52;"):
        begun = time.process_time()
        ansi_spans((hostile * 65536)[:65536])
        assert time.process_time() - begun < 3, hostile
