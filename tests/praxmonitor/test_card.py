"""Cards, rows, header and footer as text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts, State, Status
from mailcore.model.message import Mailbox, MailboxStatus
from mailcore.model.run import Phase
from praxmonitor.present import Line, bypasses, width_of
from praxmonitor.widgets.card import card_lines, heading, row_line
from praxmonitor.widgets.detail import detail_lines
from praxmonitor.widgets.grid import MOST_CARDS, lay_out
from praxmonitor.widgets.header import Hearing, header_line
from praxmonitor.widgets.keys import Hint, keys_line
from praxmonitor.widgets.story import story_lines
from tests.praxmonitor.fake_feed import NOON, act, agent, box, facts, lighthouse, mail

WORKING = Status(State.WORKING, "at it", NOON - 12)


def text(lines: tuple[Line, ...] | list[Line]) -> str:
    return "\n".join("".join(part for part, _ in line) for line in lines)


def writer() -> AgentFacts:
    return lighthouse().agents[0]


def test_a_card_says_who_what_how_long_and_what_last() -> None:
    drawn = text(card_lines(writer(), WORKING, NOON, 40, False)).splitlines()
    assert drawn[0].startswith("▎ ● writer ✉2") and drawn[0].rstrip().endswith("working 12s")
    assert "Write chapter two" in drawn[1] and drawn[1].rstrip().endswith("1/3")
    assert "◆ Edit: chapter-2.md" in drawn[2] and drawn[2].rstrip().endswith("3s")
    assert "The outline stands" in drawn[3]


def test_an_agent_that_asks_for_no_permissions_wears_a_badge_and_no_other() -> None:
    status = WORKING
    for width in (25, 40, 64):
        assert "BYPASS" in text(card_lines(writer(), status, NOON, width, False, True))
        assert all(width_of(line) == width for line in card_lines(writer(), status, NOON, width, False, True))
    for width in (60, 80, 200):
        assert "BYPASS" in text([row_line(writer(), status, NOON, width, False, True)])
        assert width_of(row_line(writer(), status, NOON, width, False, True)) == width
    assert "BYPASS" in text(detail_lines(writer(), status, None, NOON, 50, 30, True)[:1])
    assert "BYPASS" in text(story_lines(writer(), status, None, NOON, 50, True)[:1])
    for lines in (
        card_lines(writer(), status, NOON, 40, False),
        (row_line(writer(), status, NOON, 80, False),),
        detail_lines(writer(), status, None, NOON, 50, 30),
        story_lines(writer(), status, None, NOON, 50),
    ):
        assert "BYPASS" not in text(lines)


def test_whose_run_was_started_without_asking_wears_it_while_that_goes_on() -> None:
    run = writer().run
    assert run is not None
    free = replace(run, attempts=(replace(run.attempts[0], bypass=True),))
    assert bypasses(structs.replace(writer(), run=free), ())
    assert not bypasses(structs.replace(writer(), run=replace(free, phase=Phase.COMPLETED)), ())
    assert not bypasses(writer(), ("@editor",)) and bypasses(writer(), ("@writer",))


def test_the_selected_card_is_marked_by_more_than_colour() -> None:
    assert text(card_lines(writer(), WORKING, NOON, 40, True)).startswith("█ ")


def test_a_mailbox_that_cannot_be_read_is_never_an_empty_one() -> None:
    broken = facts("writer", mailbox=Mailbox(MailboxStatus.UNREADABLE, reason="inbox.json: not JSON"))
    drawn = text(card_lines(broken, Status(State.UNREADABLE, "inbox.json: not JSON"), NOON, 40, False))
    assert "✉?" in drawn and "inbox.json: not JSON" in drawn and "unreadable" in drawn


def test_the_name_outlives_the_age_in_a_narrow_card() -> None:
    drawn = text(card_lines(facts("researcher"), WORKING, NOON, 25, False)).splitlines()
    assert "researcher" in drawn[0] and "12s" not in drawn[0]


def test_the_length_of_the_state_gives_way_to_name_mail_and_activities() -> None:
    mailed = structs.replace(writer(), agent=agent("researcher"))
    drawn = text(card_lines(mailed, WORKING, NOON, 27, False)).splitlines()
    assert drawn[0].split() == ["▎", "●", "researcher", "✉2", "working"]
    assert "Write chapter" in drawn[1] and "Edit: chapter" in drawn[2]
    assert "outline" in drawn[3] and "12s" not in "".join(drawn)
    quiet = structs.replace(mailed, activities=mailed.activities[-1:])
    assert text(card_lines(quiet, WORKING, NOON, 27, False)).rstrip().endswith("for 12s")


def test_one_that_is_held_while_it_works_says_so_beside_its_state() -> None:
    held = structs.replace(writer(), held="@writer is held by @operator")
    assert "‖working 12s" in text(card_lines(held, WORKING, NOON, 40, False))
    row = text([row_line(held, WORKING, NOON, 100, False)])
    assert "‖working" in row and row.index("working") == text([heading(100)]).index("state")
    idle = Status(State.HELD, "@writer is held by @operator", NOON - 5)
    drawn = text(card_lines(held, idle, NOON, 40, False))
    assert "held" in drawn and drawn.count("‖") == 1
    assert "held     @writer is held by @operator" in text(detail_lines(held, WORKING, None, NOON, 60, 40))
    assert "held     @writer is held by @operator" in text(story_lines(held, WORKING, None, NOON, 60))


hostile = st.text(max_size=80)


@given(hostile, hostile, hostile, st.integers(25, 90), st.sampled_from(State))
def test_no_text_breaks_a_card_or_a_row(subject: str, said: str, role: str, width: int, state: State) -> None:
    known = facts(
        "writer",
        role,
        mailbox=box(mail(1, said, subject, 5)),
        activities=(act("writer", Kind.TOOL, said, 3), act("writer", Kind.LOG, subject, 1)),
    )
    known = structs.replace(known, run=replace(writer().run, subject=subject), held=role)  # type: ignore[type-var]
    lines = card_lines(known, Status(state, said, NOON - 5), NOON, width, True)
    row = row_line(known, Status(state, said, NOON - 5), NOON, max(width, 60), False)
    assert [width_of(line) for line in lines] == [width] * 4
    assert width_of(row) == max(width, 60)


@pytest.mark.parametrize("width", [60, 72, 100, 120, 200])
def test_a_row_stands_under_its_heading(width: int) -> None:
    head, row = text([heading(width)]), text([row_line(writer(), WORKING, NOON, width, False)])
    assert len(head) == len(row) == width
    assert head.index("state") == row.index("working")
    assert head.index("task") == row.index("Write")
    assert head.index("since") + len("since") == row.index("12s") + len("12s")


@pytest.mark.parametrize(("count", "width", "height"), [(8, 78, 14), (12, 118, 40), (1, 70, 20), (3, 40, 10)])
def test_cards_fill_the_width_with_the_fewest_columns_that_show_all(count: int, width: int, height: int) -> None:
    layout = lay_out(count, width, height)
    assert layout.columns * layout.width + layout.columns - 1 <= width
    rows = -(-count // layout.columns)
    assert rows * layout.pitch - 1 <= height or layout.width < 2 * 25 + 1


def test_more_than_a_dozen_are_rows() -> None:
    assert lay_out(MOST_CARDS, 200, 50).height == 4
    assert lay_out(MOST_CARDS + 1, 200, 50).height == 1


STATUSES = {"@a": WORKING, "@b": WORKING, "@c": Status(State.SILENT, "quiet", NOON - 3)}


def head(width: int, hearing: Hearing, unread: int = 2, held: int = 0) -> str:
    mails = box(*(mail(number, "@a", "s", 5) for number in range(unread)))
    return text([header_line("lighthouse", STATUSES, held, mails, hearing, NOON, width)])


def test_the_header_counts_with_words_where_there_is_room() -> None:
    drawn = head(120, Hearing("miniaudio/pulse"))
    assert "! 1 silent" in drawn and "● 2 working" in drawn and "✉ 2 for you" in drawn and "12:00" in drawn
    assert drawn.index("silent") < drawn.index("working"), "urgent first"


def test_the_header_counts_whoever_is_held_even_at_work() -> None:
    assert "‖ 2 held" in head(120, Hearing("x"), held=2)
    assert "‖ 2" in head(60, Hearing("x"), held=2)
    assert "held" not in head(120, Hearing("x"))


def test_the_header_keeps_glyphs_and_numbers_where_there_is_none() -> None:
    drawn = head(60, Hearing("miniaudio/pulse"))
    assert len(drawn) == 60 and "! 1" in drawn and "● 2" in drawn and "✉ 2" in drawn


def test_the_header_says_when_nothing_can_be_heard() -> None:
    assert "no sound: bell only" in head(120, Hearing(trouble="no playback device"))
    assert "♪ muted" in head(120, Hearing("x", muted=True))


def test_the_footer_keeps_help_and_quit_at_every_width() -> None:
    hints = [Hint(f"a{n}", "x", "something", n == 1) for n in range(9)] + [
        Hint("help", "?", "help"),
        Hint("quit", "q", "quit"),
    ]
    for width in (30, 60, 200):
        line, places = keys_line(hints, width)
        assert width_of(line) == width
        assert [name for _, _, name in places][-2:] == ["help", "quit"]
    start, end, name = keys_line(hints, 200)[1][1]
    assert (name, text([keys_line(hints, 200)[0]])[start:end]) == ("a1", "(x something)")
