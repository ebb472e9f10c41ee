"""Untrusted text: nothing of it steers a terminal, and all of it can be written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.text import line, plain


def test_controls_are_shown_and_tab_and_newline_kept() -> None:
    assert plain("a\x1b[2Jb\tc\nd\x07\x9b31m\x7f") == "a\N{REPLACEMENT CHARACTER}[2Jb\tc\nd" + (
        "\N{REPLACEMENT CHARACTER}" * 2 + "31m\N{REPLACEMENT CHARACTER}"
    )
    assert plain("one\r\ntwo\rthree") == "one\ntwo\N{REPLACEMENT CHARACTER}three"
    assert plain("x\u202egpj.exe\u2066") == "x\N{REPLACEMENT CHARACTER}gpj.exe\N{REPLACEMENT CHARACTER}"


def test_a_line_is_one_line_and_is_cut_with_an_ellipsis() -> None:
    assert line(" a\n\n b\tc ") == "a b c"
    assert line("abcdef", 4) == "abc…"
    assert line("abcd", 4) == "abcd"


def test_what_nobody_sees_is_dropped() -> None:
    assert plain("\ufeffpass\u200bword\u2060 soft\u00adhyphen\u200c") == "password softhyphen"
    assert plain("ad\u200dmin \u200d") == "admin "
    assert plain("one\u2028two\u2061") == "one\N{REPLACEMENT CHARACTER}two\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    "emoji",
    [
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family
        "\U0001f3f3\ufe0f\u200d\U0001f308",  # a flag, with a variation selector before the joiner
        "\U0001f9d1\U0001f3fd\u200d\U0001f4bb",  # with a skin tone
    ],
)
def test_one_picture_of_several_emoji_stays_one(emoji: str) -> None:
    assert plain(f"a {emoji} b") == f"a {emoji} b"


def test_half_a_surrogate_pair_can_be_printed() -> None:
    assert plain("a\ud800b") == "a\N{REPLACEMENT CHARACTER}b"


@given(st.text())
def test_any_text_becomes_printable_utf8(text: str) -> None:
    shown = plain(text)
    assert not any((ord(c) < 32 and c not in "\t\n") or 127 <= ord(c) < 160 for c in shown)
    shown.encode("utf-8")
    assert plain(shown) == shown
    assert "\n" not in line(text)
