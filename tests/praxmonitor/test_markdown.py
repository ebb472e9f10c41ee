"""The text of a mail as Markdown: what is drawn of it, and that nothing of it is lost, run or wider than the screen."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailcore.text import plain as text_plain
from praxmonitor.text.lines import ROLES, Line, plain, width_of
from praxmonitor.text.markdown import LEAST_WIDTH, markdown_lines

LETTER = """# Results

All **good** and *fine*, `code` too.
A second line.

- one
- a point that is longer than the line is
  1. nested

> said before

| case |  ms |
|------|----:|
| warm | 1.2 |

```python
def f():
\treturn  1  # **no** emphasis
```
"""


def drawn(text: str, width: int = 34) -> list[str]:
    return ["".join(part for part, _ in line) for line in markdown_lines(text, width)]


def roles_of(word: str, lines: list[Line]) -> str:
    return next(role for line in lines for part, role in line if word in part)


def test_a_letter_is_drawn_by_how_it_is_built() -> None:
    assert drawn(LETTER) == [
        "Results",
        "",
        "All good and fine, code too.",
        "A second line.",
        "",
        "• one",
        "• a point that is longer than the",
        "  line is",
        "  1. nested",
        "",
        "│ said before",
        "",
        "| case |  ms |",
        "|------|----:|",
        "| warm | 1.2 |",
        "",
        "```python",
        "def f():",
        "    return  1  # **no** emphasis",
        "```",
    ]
    lines = list(markdown_lines(LETTER, 60))
    assert roles_of("Results", lines) == "accent strong" and roles_of("good", lines) == "strong"
    assert roles_of("fine", lines) == "emphasis" and roles_of("code", lines) == "accent"


@pytest.mark.parametrize(
    "text",
    [
        "See [the bank](http://evil.example/login) and <http://b.example>.",
        "![a picture](http://evil.example/x.png)",
        "<script>alert(1)</script> <b>bold</b>",
        "&lt;b&gt; &#27;[31m &amp;",
        "[label]: http://evil.example 'hidden'",
        "a line\n---\nand another",
    ],
)
def test_links_pictures_html_and_entities_stand_as_they_were_written(text: str) -> None:
    shown = " ".join("".join(drawn(text, 200)).split())
    for word in text.replace("\n---\n", " ").split():
        assert word in shown, shown


def test_control_characters_are_shown_and_never_drawn() -> None:
    lines = drawn("**\x1b]8;;http://evil.example\x07click\x1b]8;;\x07** \x9b31m `\x1b[2J`\n\n    \x1b[H\u202egnp.exe")
    assert all(unicodedata.category(sign) not in ("Cc", "Cs") and sign != "\u202e" for line in lines for sign in line)
    assert "click" in "".join(lines) and "gnp.exe" in "".join(lines)


@pytest.mark.parametrize(
    "text",
    ["> " * 500 + "deep", "- " * 300 + "deep", "*" * 5000 + "deep" + "*" * 5000, "[" * 9999],
    ids=["quotations", "lists", "emphasis", "brackets"],
)
def test_what_is_nested_without_end_is_shown_all_the_same(text: str) -> None:
    lines = drawn(text, 40)
    assert all(len(line) <= 40 for line in lines)
    assert "deep" in "".join(lines) or "deep" not in text


MARKED = st.lists(
    st.sampled_from(
        [
            "# ",
            "## ",
            "- ",
            "* ",
            "1. ",
            "> ",
            "```",
            "~~~",
            "`",
            "**",
            "*",
            "_",
            "|",
            "|-|",
            "---",
            "\n",
            "\n\n",
            "\t",
            "    ",
            "word",
            "Wörter",
            "日本語",
            "x" * 30,
            "[a](b)",
            "<b>",
            "&amp;",
            "\\",
            "[x]: y",
            "\x1b[31m",
            "\u202e",
            "12)",
        ]
    ),
    max_size=40,
).map("".join)


@given(st.one_of(MARKED, st.text(max_size=200)), st.integers(LEAST_WIDTH, 70))
@example("1. a\n   ```\n   b\n   ```\n", 20)
@example("~~~ info\ntext", 10)
def test_no_line_is_too_wide_nothing_controls_and_no_word_is_lost(text: str, width: int) -> None:
    lines = list(markdown_lines(text, width))
    assert all(width_of(line) <= width for line in lines)
    assert {name for line in lines for _, role in line for name in role.split()} <= ROLES
    shown = "".join(part for line in lines for part, _ in line)
    assert all(unicodedata.category(sign) not in ("Cc", "Cs") for sign in shown)
    assert "".join(filter(str.isalnum, shown)) == "".join(filter(str.isalnum, plain(text_plain(text))))
