"""The text of a mail: it stands as it was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from rich.cells import cell_len

from mailcore.model.message import Message
from praxmonitor.state.mail import MailEntry
from praxmonitor.text.written import as_written
from praxmonitor.views.mail import MailScreen
from praxmonitor.widgets.mail import no_limit
from praxmonitor.widgets.mail_lines import MOST_LINES, head_lines, text_lines
from tests.clock import NOON
from tests.praxmonitor.fake_feed import FakeFeed, app_on, box, lighthouse, mail, mail_screen, text_of, until, workspace

REPORT = """Results:

| case   |  ms |    note |
| ------ | --: | ------- |
| warm   | 1.2 |         |

def rank(items):
    if not items:
\treturn []   # nothing

  - a point that is longer than the line and goes on below its own text
    - a second one
10. a tenth point that is longer than the line and hangs as well
"""


def body(text: str, width: int = 40) -> list[str]:
    message = mail(1, "@a", "s", 0, body=text)
    return ["".join(part for part, _ in line) for line in text_lines(message, width, raw=True)]


def head(message: Message, width: int = 60) -> str:
    entry = MailEntry(message, "@operator", message)
    lines = head_lines(entry, NOON, width, no_limit, own=True)
    return "\n".join("".join(part for part, _ in line) for line in lines)


def test_a_request_that_lapsed_says_so_where_it_is_read() -> None:
    raw = {"subject": "Deploy?", "approval": {"tier": 1}, "ack": {"state": "lapsed", "result": "its run is\x1b over"}}
    drawn = head(Message.from_json(raw), 90)
    assert "asked for your approval: tier 1. Expired: its run is\N{REPLACEMENT CHARACTER} over." in drawn, (
        "no time is known"
    )
    assert "Y approves" not in drawn


def test_white_space_within_a_line_stands() -> None:
    lines = body(REPORT)
    assert lines[:9] == [
        "Results:",
        "",
        "| case   |  ms |    note |",
        "| ------ | --: | ------- |",
        "| warm   | 1.2 |         |",
        "",
        "def rank(items):",
        "    if not items:",
        "    return []   # nothing",
    ]


def test_what_is_wrapped_hangs_below_its_own_text() -> None:
    lines = body(REPORT)
    assert lines[10:] == [
        "  - a point that is longer than the line",
        "    and goes on below its own text",
        "    - a second one",
        "10. a tenth point that is longer than",
        "    the line and hangs as well",
    ]


@pytest.mark.parametrize(
    ("written", "drawn"),
    [
        ("a\tb", ["a   b"]),
        ("日本\tb", ["日本    b"]),
        ("\x1b[2J\tx", ["�[2J    x"]),
        ("", [""]),
        ("   ", [""]),
        (" " * 50 + "far to the right", [" " * 20 + "far to the right"]),
        ("- " + "x" * 60, ["- " + "x" * 38, "  " + "x" * 22]),
        ("x" * 90, ["x" * 40, "x" * 40, "x" * 10]),
    ],
)
def test_a_line_of_a_mail(written: str, drawn: list[str]) -> None:
    assert list(as_written(written, 40)) == drawn


@given(st.text(max_size=300), st.integers(4, 60))
def test_no_line_is_too_wide_and_no_word_is_lost(text: str, width: int) -> None:
    once = [part for line in text.splitlines() for part in as_written(line, width)]
    assert all(cell_len(part) <= width for part in once)
    wide = [part for line in text.splitlines() for part in as_written(line, 10_000)]
    assert "".join("".join(once).split()) == "".join("".join(wide).split())


def test_a_body_without_an_end_is_cut_and_says_so() -> None:
    lines = body("word " * 200_000)
    assert len(lines) == MOST_LINES + 1 and lines[-1] == "… and more"


@pytest.mark.anyio
async def test_a_long_mail_is_scrolled_while_the_list_has_the_focus() -> None:
    fleet = lighthouse()
    assert fleet.operator is not None
    long = mail(16, "@editor", "Long", 45, body="\n".join(f"line {number}" for number in range(100)))
    fleet = structs.replace(fleet, operator=structs.replace(fleet.operator, mailbox=box(long)))
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, MailScreen) and "Long" in text_of(app), "the inbox")
        await pilot.press("enter")
        await until(pilot, lambda: "line 0" in text_of(app), "the mail is read")
        shown = mail_screen(app).body.lines.line_count
        await pilot.press("pagedown")
        await until(pilot, lambda: f"line {shown}" in text_of(app), "the next page of it")
        await pilot.press("pageup", "pageup")
        await until(pilot, lambda: "line 0" in text_of(app), "and back")


@pytest.mark.anyio
async def test_a_click_selects_the_mail_under_it_and_a_double_click_opens_it() -> None:
    fleet = lighthouse()
    assert fleet.operator is not None
    mails = [mail(number, "@editor", f"Mail {number}.", number) for number in range(4)]
    several = structs.replace(fleet, operator=structs.replace(fleet.operator, mailbox=box(*mails)))
    app = app_on(FakeFeed(several), workspace(fleet))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("i")
        await until(pilot, lambda: "Mail 3." in text_of(app), "the inbox")
        letters, lines = mail_screen(app).mail, text_of(app).splitlines()
        top = next(y for y, line in enumerate(lines) if "Mail 0." in line)
        await pilot.click(offset=(30, top + 2))
        await until(pilot, lambda: letters.selected == mails[2], "it is selected")
        await pilot.click(offset=(30, top - 1))
        await pilot.pause()
        assert letters.selected == mails[2], "the heading is no mail"
        await pilot.click(offset=(30, top + 1), times=2)
        await until(pilot, lambda: "About mail 1." in text_of(app), "it is read")


@pytest.mark.anyio
async def test_the_cursor_of_a_long_list_is_moved_by_every_key_and_stays_in_sight() -> None:
    fleet = lighthouse()
    assert fleet.operator is not None
    mails = [mail(number, "@editor", f"Mail {number}.", number) for number in range(40)]
    many = structs.replace(fleet, operator=structs.replace(fleet.operator, mailbox=box(*mails)))
    feed = FakeFeed(many)
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, MailScreen) and "Mail 0." in text_of(app), "the inbox")
        letters = mail_screen(app).mail

        def chosen() -> str:
            shown = [line for line in text_of(app).splitlines() if "▸" in line]
            assert letters.selected is not None and len(shown) == 1, text_of(app)
            assert letters.selected.subject in shown[0]
            return letters.selected.subject

        for key, expected in (("down", "Mail 1."), ("end", "Mail 39."), ("up", "Mail 38."), ("home", "Mail 0.")):
            await pilot.press(key)
            await pilot.pause()
            assert chosen() == expected
        await pilot.press("pagedown")
        await pilot.pause()
        assert chosen() == f"Mail {letters.lines.line_count}."
        last = letters.selected
        for size in ((60, 16), (140, 40), (60, 16)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            await until(pilot, lambda: any("▸" in line for line in text_of(app).splitlines()), "the cursor is in sight")
            assert letters.selected == last
        more = box(*(mail(100 + number, "@new", f"New {number}.", 0) for number in range(9)), *mails)
        feed.put(structs.replace(many, operator=structs.replace(fleet.operator, mailbox=more)))
        await until(pilot, lambda: "✉ 49" in text_of(app), "nine more came")
        await pilot.pause()
        assert last is not None and chosen() == last.subject
