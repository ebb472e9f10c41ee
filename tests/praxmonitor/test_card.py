"""Cards, rows, header and footer as text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from mailcore.dispatch.texts import end_mails
from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts, State, Status
from mailcore.model.message import Mailbox, MailboxStatus
from mailcore.model.run import Phase
from praxmonitor.state.oldest_task import OldestTask
from praxmonitor.state.sound_status import SoundStatus
from praxmonitor.text.agents import bypasses, task
from praxmonitor.text.lines import Line, width_of
from praxmonitor.widgets.agent_story import story_lines
from praxmonitor.widgets.card import activity_spans, card_lines, news
from praxmonitor.widgets.detail import detail_lines, mail_line
from praxmonitor.widgets.footer import Hint, keys_line
from praxmonitor.widgets.grid_layout import MOST_CARDS, foot_line, lay_out, whole
from praxmonitor.widgets.header import WIDENS_AFTER, SteadyForm, header_line
from praxmonitor.widgets.table import TableRow, heading, row_line
from tests.clock import NOON
from tests.praxmonitor.fake_feed import act, agent, box, facts, lighthouse, mail

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
        assert "BYPASS" in text([row_line(TableRow(writer(), status, NOON, bypass=True), width)])
        assert width_of(row_line(TableRow(writer(), status, NOON, bypass=True), width)) == width
    assert "BYPASS" in text(detail_lines(writer(), status, None, NOON, 50, 30, True)[:1])
    assert "BYPASS" in text(story_lines(writer(), status, None, NOON, 50, True)[:1])
    for lines in (
        card_lines(writer(), status, NOON, 40, False),
        (row_line(TableRow(writer(), status, NOON), 80),),
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


def test_the_name_outlives_the_badge_that_says_what_the_state_says() -> None:
    broken = lighthouse().agents[6]
    drawn = text(card_lines(broken, Status(State.UNREADABLE, "torn", NOON), NOON, 26, False)).splitlines()
    assert drawn[0].split() == ["▎", "⊠", "reviewer", "unreadable"]


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
    row = text([row_line(TableRow(held, WORKING, NOON), 100)])
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
    row = row_line(TableRow(known, Status(state, said, NOON - 5), NOON), max(width, 60))
    assert [width_of(line) for line in lines] == [width] * 4
    assert width_of(row) == max(width, 60)


@pytest.mark.parametrize("width", [60, 72, 100, 120, 200])
def test_a_row_stands_under_its_heading(width: int) -> None:
    head, row = text([heading(width)]), text([row_line(TableRow(writer(), WORKING, NOON), width)])
    assert len(head) == len(row) == width
    assert head.index("state") == row.index("working")
    assert head.index("task") == row.index("Write")
    assert head.index("since") + len("since") == row.index("12s") + len("12s")


def test_the_numbers_of_rows_and_the_ages_of_cards_and_mails_stand_below_each_other() -> None:
    def mailed(count: int) -> AgentFacts:
        return structs.replace(writer(), mailbox=box(*(mail(number, "@a", "s", 5) for number in range(count))))

    rows = [text([row_line(TableRow(mailed(count), WORKING, NOON), 120)]) for count in (0, 3, 12)]
    assert {row.index("Write") for row in rows} == {rows[0].index("Write")}
    assert rows[1].index("✉ 3") + 1 == rows[2].index("✉12") + 1
    ages = text(card_lines(writer(), WORKING, NOON, 40, False)).splitlines()
    assert all(line.endswith(end) for line, end in zip(ages, ("12s ", "1/3 ", " 3s ", "20s "), strict=True))
    for width in (40, 60, 120, 200):
        drawn = [text([mail_line(mail(1, "@a", "s" * 300, ago), NOON, width)]) for ago in (5, 50, 86400 * 400)]
        assert [line[-4:] for line in drawn] == ["… 5s", " 50s", "400d"] and {len(line) for line in drawn} == {width}


@pytest.mark.parametrize("height", [3, 2])
def test_a_lower_card_keeps_its_title_and_the_last_sign_of_life(height: int) -> None:
    drawn = text(card_lines(writer(), WORKING, NOON, 40, False, False, height)).splitlines()
    assert len(drawn) == height and "writer ✉2" in drawn[0] and "◆ Edit: chapter-2.md" in drawn[-1]
    assert ("Write chapter two" in drawn[1]) == (height == 3)


LONG = "Compare what the five of them found with last year's report"


def test_a_long_task_has_a_second_line_where_nothing_else_needs_it() -> None:
    run = writer().run
    assert run is not None
    at_work = structs.replace(writer(), run=replace(run, subject=LONG))

    def drawn(known: AgentFacts, width: int, height: int = 4, status: Status = WORKING) -> list[str]:
        lines = card_lines(known, status, NOON, width, False, height=height)
        assert len(lines) == height and all(width_of(line) == width for line in lines)
        return [line.strip(" ▎") for line in text(lines).splitlines()]

    usual = drawn(at_work, 44)
    assert usual[1].startswith("Compare what") and "…" in usual[1] and usual[2].startswith("◆ Edit")
    tall = drawn(at_work, 44, 5)
    assert tall[1].startswith("Compare what") and "…" not in tall[1] and tall[1].endswith("1/3")
    assert tall[2].endswith("with last year's report") and tall[3].startswith("◆ Edit") and "outline" in tall[4]
    assert drawn(writer(), 44, 5)[2].startswith("◆ Edit"), "a short one needs none"
    resting = structs.replace(facts("idler"), agent=replace(agent("idler"), role=LONG))
    rests = drawn(resting, 44, status=Status(State.IDLE, "", NOON - 60))
    assert rests[2].endswith("last year's report") and not rests[3], "an idle one has room in any card"
    narrow = drawn(resting, 25, status=Status(State.IDLE, "", NOON - 60))
    assert narrow[1] and narrow[2]


def test_the_lowest_card_says_the_task_where_the_last_sign_does_not() -> None:
    def low(known: AgentFacts, bypass: bool = False) -> str:
        return text(card_lines(known, WORKING, NOON, 40, False, bypass, 2)).splitlines()[1]

    agents = lighthouse().agents
    assert "keeps what was decided" in low(agents[7]), "no sign yet: the role"
    assert "✓ Plan of three phases" in low(agents[5]), "a run that is done says no more than its task"
    assert "✗ attempt 3/3: exit 1" in low(agents[4])
    assert "⊠ inbox.json: line 1" in low(agents[6])
    assert "BYPASS" in low(writer(), True)


def test_a_sign_of_life_does_not_repeat_the_task_beside_it() -> None:
    agents = lighthouse().agents
    failed = text(card_lines(agents[4], Status(State.FAILED, "", NOON), NOON, 30, False)).splitlines()
    assert "Build the site" in failed[1] and "✗ attempt 3/3: exit 1" in failed[2], "its end is in view"
    said = [act("planner", Kind.MESSAGE, "Three phases it is", 31), agents[5].activities[0]]
    planner = structs.replace(agents[5], activities=tuple(said))
    done = Status(State.DONE, "", NOON - 30)
    assert "“ Three phases it is" in text(card_lines(planner, done, NOON, 40, False)).splitlines()[2]
    assert "“ Three phases it is" in text([row_line(TableRow(planner, done, NOON), 160)])
    assert "✓" not in text([row_line(TableRow(agents[5], done, NOON), 160)])[30:]


@pytest.mark.parametrize(
    ("kind", "said", "left"),
    [
        (Kind.FAILED, "Build the site (attempt 3/3): exit 1", "attempt 3/3: exit 1"),
        (Kind.KILLED, "Build the site, by @operator: too slow", "by @operator: too slow"),
        (Kind.LOG, "Build the site: step 2 of 2", "step 2 of 2"),
        (Kind.DONE, "Build the site", ""),
        (Kind.LOG, "Build the site", "Build the site"),
        (Kind.MESSAGE, "Build the sitemap first", "Build the sitemap first"),
        (Kind.DONE, "Another task", "Another task"),
    ],
)
def test_what_is_news_beside_a_task(kind: Kind, said: str, left: str) -> None:
    builder = lighthouse().agents[4]
    assert news(act("builder", kind, said, 1), builder) == left
    assert news(act("builder", kind, said, 1), facts("builder")) == said, "no task stands beside it"


@pytest.mark.parametrize(
    ("count", "width", "height", "tall", "columns"),
    [
        *(
            (8, 78, 14, 4, 3),
            (12, 118, 34, 4, 2),
            (12, 118, 35, 5, 2),
            (1, 70, 20, 5, 2),
            (12, 71, 23, 3, 2),
            (12, 78, 11, 2, 3),
        ),
        (12, 58, 12, 2, 2),
        (12, 71, 24, 4, 2),
        (12, 131, 22, 4, 3),
        (12, 131, 23, 5, 3),
        (12, 78, 12, 3, 3),
    ],
)
def test_cards_are_as_tall_and_in_as_few_columns_as_lets_all_be_seen(
    count: int, width: int, height: int, tall: int, columns: int
) -> None:
    layout = lay_out(count, width, height)
    assert (layout.height, layout.columns) == (tall, min(columns, count))


@given(st.integers(1, 40), st.integers(20, 240), st.integers(2, 60), st.booleans())
def test_only_whole_cards_are_in_view_and_a_foot_where_some_are_not(
    count: int, width: int, height: int, foot: bool
) -> None:
    layout = lay_out(count, width, height, foot)
    drawn = layout.top + layout.rows * layout.pitch - (layout.pitch - layout.height)
    assert layout.rows >= 1 and drawn + layout.foot <= height
    assert layout.columns * layout.width + layout.columns - 1 <= width
    assert layout.foot == (foot or layout.rows * layout.columns < count)


def test_a_key_leads_to_the_agent_beside_above_or_below_and_a_click_to_the_one_drawn_there() -> None:
    layout = lay_out(8, 78, 14)
    assert (layout.columns, layout.rows) == (3, 3)
    led = {way: layout.moved(way, 4, 8) for way in ("left", "right", "up", "down", "first", "last", "else")}
    assert led == {"left": 3, "right": 5, "up": 1, "down": 7, "first": 0, "last": 7, "else": 4}
    assert layout.moved("up", 1, 8) == 1 and layout.moved("down", 7, 8) == 7, "no row above, none below"
    for place in range(9):
        x, y = place % 3 * (layout.width + 1), place // 3 * layout.pitch
        corners = ((x, y), (x + layout.width - 1, y + layout.height - 1))
        assert [layout.place(*corner) for corner in corners] == [place, place]
    assert layout.place(0, 4) is None and layout.place(0, 15) is None, "between two rows, below the last"


def test_what_agents_want_at_their_best_is_what_they_are_given() -> None:
    for count, width in ((1, 58), (4, 78), (4, 118), (8, 94), (12, 78), (20, 78)):
        lines = whole(count, width)
        layout = lay_out(count, width, lines)
        assert layout.height == (4 if count <= MOST_CARDS else 1) and not layout.foot
        tallest = lay_out(count, width, whole(count, width, None, 5))
        assert tallest.height == (5 if count <= MOST_CARDS else 1) and not tallest.foot
        assert layout.top + layout.rows * layout.pitch - (layout.pitch - layout.height) == lines, "not one line more"


def test_more_than_a_dozen_are_lines() -> None:
    assert lay_out(MOST_CARDS, 200, 50).height == 5
    assert lay_out(MOST_CARDS + 1, 200, 50).height == 1


def test_the_foot_says_how_many_are_out_of_view_and_what_is_wrong_with_them() -> None:
    fine, silent = WORKING, Status(State.SILENT, "quiet", NOON - 3)
    assert text([foot_line((), (fine, silent, fine), (), 50)]).strip() == "3 more below, ! 1 silent"
    assert text([foot_line((fine,), (silent,), (), 60)]).strip() == "1 more above  ·  1 more below, ! 1 silent"
    ordered = text([foot_line((), (fine,), (("attention first", ""),), 60)])
    assert ordered.startswith(" 1 more below") and ordered.endswith("attention first ") and len(ordered) == 60
    assert text([foot_line((silent,) * 3, (silent,) * 40, (), 36)]).strip() == "3 above, ! 3  ·  40 below, ! 40"
    assert text([foot_line((), (), (), 30)]).strip() == ""


STATUSES = {"@a": WORKING, "@b": WORKING, "@c": Status(State.SILENT, "quiet", NOON - 3)}


def head(width: int, sound_status: SoundStatus, unread: int = 2, held: int = 0) -> str:
    mails = box(*(mail(number, "@a", "s", 5) for number in range(unread)))
    return text([header_line("lighthouse", STATUSES, held, mails, sound_status, NOON, width)])


def test_the_header_counts_with_words_where_there_is_room() -> None:
    drawn = head(120, SoundStatus("miniaudio/pulse"))
    assert "! 1 silent" in drawn and "● 2 working" in drawn and "✉ 2 for you" in drawn and "12:00" in drawn
    assert drawn.index("silent") < drawn.index("working"), "urgent first"


@pytest.mark.parametrize("width", [46, 120])
def test_the_header_stays_as_it_is_while_an_agent_goes_from_tool_to_tool(width: int) -> None:
    def drawn(state: State) -> str:
        statuses = {"@a": Status(state, "", NOON), "@b": Status(State.WORKING, "", NOON)}
        return text([header_line("lighthouse", statuses, 0, None, SoundStatus("x"), NOON, width)])

    assert drawn(State.STARTING) == drawn(State.WORKING) == drawn(State.IN_TOOL) != drawn(State.DONE)
    assert "● 2" in drawn(State.IN_TOOL)


def test_the_header_counts_whoever_is_held_even_at_work() -> None:
    assert "‖ 2 held" in head(120, SoundStatus("x"), held=2)
    assert "‖ 2" in head(60, SoundStatus("x"), held=2)
    assert "held" not in head(120, SoundStatus("x"))


def test_the_header_keeps_the_words_of_what_needs_attention_longest() -> None:
    drawn = head(52, SoundStatus("miniaudio/pulse"))
    assert len(drawn) == 52 and "! 1 silent" in drawn and "● 2" in drawn and "working" not in drawn


def test_the_header_keeps_glyphs_and_numbers_where_there_is_none() -> None:
    drawn = head(46, SoundStatus("miniaudio/pulse"))
    assert len(drawn) == 46 and "silent" not in drawn and "! 1" in drawn and "● 2" in drawn and "✉ 2" in drawn


def test_the_header_says_that_it_left_counts_out_and_cuts_none() -> None:
    states = (*(State.FAILED, State.WAITING, State.SILENT, State.WORKING, State.DONE), *(State.IDLE,) * 12)
    statuses = {f"@{number}": Status(state, "", NOON) for number, state in enumerate(states)}
    for width in range(36, 80):
        line = header_line("lighthouse", statuses, 0, box(mail(1, "@a", "s", 5)), SoundStatus("x"), NOON, width)
        drawn = text([line])
        assert width_of(line) == width
        told = drawn.replace(" ", "")
        assert ("○12" in told) != ("…" in told), f"{width}: {drawn}"
        assert "○12" in told or "○" not in told, f"{width}: a number is whole or not there: {drawn}"
    assert "✗1 ?1 !1 ●1 ✓1 ○12  " in text([header_line("lighthouse", statuses, 0, None, SoundStatus(), NOON, 43)])
    assert "✗1 ?1 !1 ●1 …" in text([header_line("lighthouse", statuses, 0, None, SoundStatus(), NOON, 36)])


def test_the_header_names_the_oldest_open_task_and_that_the_operator_is_away_where_there_is_room() -> None:
    def said(width: int, statuses: dict[str, Status] = STATUSES) -> str:
        oldest, mails = OldestTask("@builder", NOON - 840), box(mail(1, "@a", "s", 5))
        sound = SoundStatus("x")
        line = header_line("lighthouse", statuses, 0, mails, sound, NOON, width, oldest=oldest, away="15:00")
        assert width_of(line) == width
        return text([line])

    assert "oldest task @builder 14m" in said(140) and "you are away until 15:00" in said(140)
    assert "⌛@builder 14m" in said(70) and "away" in said(70) and "! 1" in said(70) and "✉ 1" in said(70)
    assert "⌛@builder 14m" in said(60) and "!1" in said(60) and "✉ 1" in said(60)
    crowd = {f"@{state}": Status(state, "", NOON) for state in State}
    some = dict(list(crowd.items())[:8])
    long = text([header_line("a-house-with-a-long-name", some, 0, None, SoundStatus("x"), NOON, 60)])
    assert long.startswith(" a-house-wit…") and "…" not in long[14:], "the name gives way before a count does"
    assert "@builder" not in said(60, crowd) and "⊠" in said(60, crowd) and "✉ 1" in said(60, crowd)
    assert "task" not in head(140, SoundStatus("x")) and "away" not in head(140, SoundStatus("x"))


def test_who_reads_its_mail_says_so_instead_of_a_task() -> None:
    """Seen by a stranger: `@patents finished: … It took 16 s, cost unknown…` stood where the task should."""
    planner = lighthouse().agents[5]
    assert planner.run is not None
    ended = replace(planner.run, subject="Sources (part 1)", sender="@editor", since=NOON)
    woken = end_mails.wake_reason(planner.agent, ended)
    reads = structs.replace(planner, run=replace(planner.run, subject=woken))
    assert task(reads) == "reads its mail: @planner finished Sources (part 1)"
    assert "It took" not in text(card_lines(reads, WORKING, NOON, 200, False))
    failed = end_mails.wake_reason(planner.agent, replace(ended, phase=Phase.BOUNCED))
    assert task(structs.replace(planner, run=replace(planner.run, subject=failed))).startswith(
        "reads its mail: @planner did not finish (bounced) Sources"
    )
    assert task(planner) == "Plan of three phases"
    told = act("planner", Kind.DONE, woken, 1)
    assert news(told, planner) == "@planner finished Sources (part 1)", "an older run is told as shortly"
    assert "It took" not in text([activity_spans(told, "")])
    assert news(act("planner", Kind.STARTED, f"{woken} (attempt 1/3)", 1), reads) == "attempt 1/3"


def test_an_error_that_ended_a_run_stands_once_in_a_card() -> None:
    said = ("OSError: no space left", "Build the site (attempt 3/3): exit 4: OSError: no space left")
    builder = structs.replace(
        lighthouse().agents[4],
        activities=(
            act("builder", Kind.TOOL, "Bash: make", 90),
            act("builder", Kind.ERROR, said[0], 76),
            act("builder", Kind.FAILED, said[1], 75),
        ),
    )
    drawn = text(card_lines(builder, Status(State.FAILED, "", NOON), NOON, 64, False)).splitlines()
    assert "✗ OSError: no space left (exit 4)" in drawn[2] and "Bash: make" in drawn[3]


def test_the_footer_shows_what_the_moment_asks_for_before_what_does_nothing_now() -> None:
    ids, last = ("mail", "dispatch", "kill", "retry", "next", "open", "inbox", "help", "quit"), ("help", "quit")
    hints = [
        Hint(name, name[0], name, name in ("kill", "retry"), name in ("next", "inbox"), name in last) for name in ids
    ]

    def shown(width: int) -> list[str]:
        return [name for _, _, name in keys_line(hints, width)[1]]

    assert shown(200) == list(ids)
    assert shown(33) == ["next", "inbox", "help", "quit"]
    assert shown(62) == ["mail", "dispatch", "next", "open", "inbox", "help", "quit"]


def test_the_header_says_when_nothing_can_be_heard() -> None:
    assert "no sound: bell only" in head(120, SoundStatus(trouble="no playback device"))
    assert "♪ muted" in head(120, SoundStatus("x", muted=True))


def test_the_footer_keeps_help_and_quit_at_every_width() -> None:
    hints = [Hint(f"a{n}", "x", "something", n == 1) for n in range(9)] + [
        Hint("help", "?", "help", always=True),
        Hint("quit", "q", "quit", always=True),
    ]
    for width in (30, 60, 200):
        line, places = keys_line(hints, width)
        assert width_of(line) == width
        assert [name for _, _, name in places][-2:] == ["help", "quit"]
    start, end, name = keys_line(hints, 200)[1][1]
    assert (name, text([keys_line(hints, 200)[0]])[start:end]) == ("a1", " " * 13), "its place stays, and is blank"


def test_words_of_the_header_come_back_only_when_they_had_room_for_a_while() -> None:
    steady = SteadyForm()

    def drawn(second: float, *states: State, width: int = 76) -> str:
        statuses = {f"@{number}": Status(state, "", NOON) for number, state in enumerate(states)}
        line = header_line(
            "lighthouse", statuses, 0, None, SoundStatus("miniaudio"), NOON + second, width, steady=steady
        )
        assert width_of(line) == width
        return text([line])

    few = (State.WORKING, State.DONE, State.IDLE)
    many_states = (*few, State.IN_TOOL, State.STARTING, State.RETRYING, State.HELD, State.FAILED)
    assert "1 working" in drawn(0, *few)
    assert "working" not in drawn(1, *many_states), "no room: at once"
    for second in range(2, 30, 2):
        assert "working" not in drawn(second, *few), "they would go again"
        assert "working" not in drawn(second + 1, *many_states)
    assert "working" not in drawn(29 + WIDENS_AFTER - 1, *few)
    assert "1 working" in drawn(29 + WIDENS_AFTER, *few), "calm for a while"
    drawn(50, *many_states)
    assert "1 working" in drawn(51, *few, width=120), "another width is another line"
