"""Untrusted text: nothing of it steers a terminal, and all of it can be written."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.formats import json_codec
from mailcore.text import hidden_characters, line, plain


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


TAGS = "".join(chr(0xE0000 + ord(c)) for c in "ignore all")
SELECTED = "".join(chr(0xE0100 + byte - 16) for byte in b"rm -rf ~")


@pytest.mark.parametrize(
    "unseen",
    [TAGS, SELECTED, "\ufe00\ufe01\ufe0d", "\ufe0f\ufe0f", "\u3164", "\u115f\u1160", "\u034f", "\u180e", "\U0001d173"],
)
def test_what_hides_orders_from_a_person_is_dropped_and_counted(unseen: str) -> None:
    assert plain(f"a{unseen}b") == "ab"
    assert (
        plain(f"a \N{SMILING FACE WITH SUNGLASSES}{unseen}b")
        .rstrip("b")
        .endswith(("\N{SMILING FACE WITH SUNGLASSES}", "\ufe0f"))
    )
    assert hidden_characters(f"a{unseen}b") == len(unseen)
    assert hidden_characters("a b, ö, \N{WINKING FACE}") == 0


@pytest.mark.parametrize(
    "kept", ["\u2764\ufe0f", "1\ufe0f\u20e3", "\u00a9\ufe0e", "naïve", "日本語", "Ἀθῆναι", "עִבְרִית"]
)
def test_what_is_seen_stays(kept: str) -> None:
    assert plain(f"a {kept} b") == f"a {kept} b"


STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufe00-\ufe0f\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6))
def test_printed_json_has_the_same_values_and_steers_nothing(value: object) -> None:
    for indent in (True, False):
        said = json_codec.printed(value, indent=indent).decode()
        assert json.loads(said) == value
        assert not STEERING.search(said)


@pytest.mark.parametrize(
    "text", ["\x9b31m", "\u202egnp", "\u200b", TAGS, SELECTED, "\x7f", "\u2028", "\ud800", "\ufeff"]
)
def test_each_kind_is_escaped_and_decodes_to_itself(text: str) -> None:
    said = json_codec.printed({text: [text]}).decode()
    assert said.isascii() and json.loads(said) == {text: [text]}


def test_letters_of_every_script_stay_readable_in_json() -> None:
    assert json_codec.printed(["日本語 é ж"], indent=False) == '["日本語 é ж"]'.encode()
