"""Signs that a reader takes for one: kept whole, by one rule everywhere, and as wide as terminals draw them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.observe.activities import neutral
from mailcore.text import hidden_characters, line, plain
from mailcore.text.clusters import MAX_CLUSTER, cells, clusters, cut
from mailcore.text.frames import indented

SIGNS = {
    "a family": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "a flag": "\U0001f1e9\U0001f1ea",
    "the flag of Scotland": "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "a rainbow flag": "\U0001f3f3\ufe0f\u200d\U0001f308",
    "a skin tone": "\U0001f44d\U0001f3fd",
    "newer than Python 3.11's table": "\U0001fae9",
    "newer than any Python's table": "\U0001fade",
    "a heart": "\u2764\ufe0f",
    "a letter with a mark": "e\u0301",
    "a conjunct": "\u0915\u094d\u0937\u093f",
}


@pytest.mark.parametrize("sign", SIGNS.values(), ids=SIGNS)
def test_a_sign_stays_as_it_is_in_activities_and_in_subjects(sign: str) -> None:
    text = f"before {sign} after"
    assert neutral(text) == line(text) == plain(text) == text and hidden_characters(text) == 0
    assert list(clusters(sign)) == [sign] and cells(sign) in (1, 2)


@pytest.mark.parametrize("sign", SIGNS.values(), ids=SIGNS)
def test_no_sign_is_cut_in_two(sign: str) -> None:
    text = f"ab{sign}cd"
    for limit in range(len(text) + 1):
        found = cut(text, limit)
        assert len(found) <= limit
        assert found == text or not found or (found[-1] == "…" and found[:-1] in ("", "a", "ab", f"ab{sign}"))
    shown = indented(f"{sign}" * 40, 24)
    assert all(row.replace(sign, "") == "  " for row in shown.split("\n"))


def test_tags_that_spell_another_word_go_and_what_steers_a_terminal_is_shown() -> None:
    spelled = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    assert neutral(f"\U0001f3f4{spelled}\U000e007f x") == line(f"\U0001f3f4{spelled}\U000e007f x") == "\U0001f3f4 x"
    assert neutral("a\u202eb\x9b\ud800\u3164") == line("a\u202eb\x9b\ud800\u3164") == "a�b��"


def test_a_sign_without_end_is_cut_like_any_text() -> None:
    text = "a" + "\u0301" * 5000
    assert len(cut(text, 100)) == 100 and cut(text, 100)[-1] == "…"
    assert len(cut("x" * 50 + text, 100)) == 100 - 49 or len(cut("x" * 50 + text, 100)) <= 100
    assert MAX_CLUSTER < 100


@given(st.text(), st.integers(0, 40))
def test_a_cut_text_is_a_beginning(text: str, limit: int) -> None:
    found = cut(text, limit)
    assert len(found) <= limit or found == text == ""
    assert found == text or text.startswith(found.removesuffix("…"))


@given(st.text(max_size=300))
def test_activities_follow_the_rule_of_all_texts(text: str) -> None:
    without = text.replace("\x1b", "")
    assert neutral(without) == line(without[:1600], 200) or len(without) > 200
