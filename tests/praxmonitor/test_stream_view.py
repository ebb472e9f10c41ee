"""The view of all that happens: filter, pause, folds, the way to the source, and back over hours."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from textual.pilot import Pilot

from mailcore.model.activity import Activity, Kind
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.workspace import create
from praxmonitor.app.app import PraxApp
from praxmonitor.feed.playback import Playback
from praxmonitor.state.stream_pages import FARTHEST, MOST_HELD, StreamPages
from praxmonitor.text.activity_filter import read_filter
from praxmonitor.text.activity_rows import activity_rows
from praxmonitor.text.lines import width_of
from praxmonitor.views.stream import StreamScreen
from praxmonitor.widgets.stream import stream_line
from tests.clock import NOON
from tests.praxmonitor.fake_feed import (
    FakeFeed,
    act,
    app_on,
    lighthouse,
    text_of,
    until,
    workspace,
)

HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold]evil[/]\u202etxt.exe\nsecond line"
STREAM = (
    act("writer", Kind.TOOL, "Edit: notes.md", 50, "Edit"),
    act("writer", Kind.ERROR, "OSError: no space left", 40),
    act("builder", Kind.TOOL_FAILED, "make: exit 2", 30),
    act("builder", Kind.LOG, "compiling notes", 20),
    act("editor", Kind.WARNING, "slow", 10),
)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("notes", [0, 3]),
        ("NOTES !compil", [0]),
        ("@builder", [2, 3]),
        ("@w @e", [0, 1, 4]),
        ("!@writer", [2, 3, 4]),
        ("kind:tool", [0, 2]),
        ("kind:tool kind:log", [0, 2, 3]),
        ("!kind:tool", [1, 3, 4]),
        ("level:error", [1, 2]),
        ("level:warn", [1, 2, 4]),
        ("!level:error @builder", [3]),
        ("kind:", [0, 1, 2, 3, 4]),
        ("kind:log level:error", []),
    ],
)
def test_a_filter_is_words_that_all_hold(typed: str, shown: list[int]) -> None:
    assert [STREAM.index(one) for one in read_filter(typed).each(STREAM)] == shown


def test_a_filter_says_what_it_does_not_know_and_leaves_nothing_out_for_it() -> None:
    found = read_filter("kind:x level:y")
    assert found.shows_all and found.trouble.startswith("no kind 'x': session prompt")
    assert "no level 'y': error warning" in found.trouble and not read_filter("kind:tool").shows_all


@given(st.text(max_size=40))
def test_whatever_is_typed_is_a_filter(typed: str) -> None:
    shown = read_filter(typed).each(STREAM)
    assert [one for one in STREAM if one in shown] == list(shown)


def test_what_a_run_begins_with_is_one_row_that_says_what_is_in_it() -> None:
    begin = (
        act("writer", Kind.STARTED, "Report (attempt 1/3)", 60),
        act("builder", Kind.LOG, "between", 59.9),
        act("writer", Kind.SESSION, "session: startup", 59),
        act("writer", Kind.PROMPT, "You are @writer. Your passport is…", 58),
        act("writer", Kind.LOG, "@writer is up", 57),
        act("writer", Kind.LOG, "working", 56),
        act("writer", Kind.TOOL, "Read: a.py", 50),
        act("writer", Kind.PROMPT, "and now this", 40),
    )
    rows = activity_rows(begin)
    assert [row.activity for row in rows] == [begin[0], begin[1], *begin[5:]]
    assert rows[0].folded == "session up after 1 s, prompt given, “@writer is up”" and rows[3].folded == ""
    line = "".join(text for text, _ in stream_line(rows[0], 120))
    assert "Report (attempt 1/3)  session up after 1 s, prompt given" in line
    assert len(activity_rows(begin[2:4])) == 2, "of a session that a person began nothing is folded"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(list(Kind))), max_size=30))
def test_a_row_stands_for_one_activity_and_nothing_else_is_lost(told: list[tuple[str, Kind]]) -> None:
    activities = [act(name, kind, "x", 100 - n) for n, (name, kind) in enumerate(told)]
    rows = activity_rows(activities)
    folded = sum(len(row.folded.split(", ")) for row in rows if row.folded)
    assert not [row for row in rows if row.folded and row.activity.kind is not Kind.STARTED]
    assert len(rows) + folded == len(activities)
    assert [row.activity for row in rows] == [one for one in activities if one in [row.activity for row in rows]]


@pytest.mark.parametrize("width", [20, 60, 80, 120, 200])
def test_a_row_is_as_wide_as_asked_and_harmless(width: int) -> None:
    (row,) = activity_rows([act("wri\x1bter", Kind.MESSAGE, HOSTILE, 5)])
    line = stream_line(row, width)
    assert width_of(line) == width and all(text.isprintable() for text, _ in line)


def test_pages_hold_what_was_read_back_beside_the_end_of_the_stream() -> None:
    pages, now = StreamPages(), NOON
    live = (act("writer", Kind.LOG, "a log", 300), act("writer", Kind.TOOL, "live", 5))
    live = (structs.replace(live[0], source="log"), live[1])
    assert pages.follow(live) == 2 and pages.activities == live
    begin, end = pages.wanted(now)
    assert (begin, end) == (now - 300 - 600, now)
    older = tuple(act("writer", Kind.TOOL, f"older {n}", 800 - n) for n in range(3))
    pages.add((*older, structs.replace(live[1])), begin, end, now)
    assert [one.text for one in pages.activities] == ["older 0", "older 1", "older 2", "a log", "live"]
    assert pages.activities[-1] is live[-1], "what was held stays what it was"
    more = (*live[1:], act("writer", Kind.TOOL, "came", -1))
    assert pages.follow(more) == 1 and pages.activities[-1].text == "came", "what falls off the fleet's stream stays"
    assert pages.wanted(now) == (begin - 1200, begin), "few were found: the next page covers twice the time"
    pages.forget()
    assert pages.activities == more and pages.begin == 0.0


def test_pages_end_and_are_bounded() -> None:
    pages, now = StreamPages(), NOON
    reads = 0
    while (wanted := pages.wanted(now))[1]:
        pages.add((), *wanted, now)
        reads += 1
    assert pages.none_older and pages.begin == now - FARTHEST and reads < 20
    pages = StreamPages()
    begin, end = pages.wanted(now)
    pages.add(tuple(act("writer", Kind.TOOL, "x", 1) for _ in range(MOST_HELD + 5)), begin, end, now)
    assert len(pages.activities) == MOST_HELD and pages.full and pages.wanted(now) == (0.0, 0.0)


def test_where_nothing_is_older_it_says_so_and_names_no_time_before_the_first() -> None:
    pages, now = StreamPages(), 1_000_000.0
    pages.follow((act("writer", Kind.TOOL, "x", 1),))
    begin, end = pages.wanted(now)
    pages.add((), begin, end, now, older=False)
    assert pages.words(now) == "read back to the beginning" and pages.wanted(now) == (0.0, 0.0)
    pages.forget()
    assert "beginning" not in pages.words(now) and pages.wanted(now) != (0.0, 0.0)


def numbered(count: int, first: int = 0) -> tuple[Activity, ...]:
    return tuple(act("writer", Kind.TOOL, f"line {n} of many", count - n) for n in range(first, count))


async def at_stream(app: PraxApp, pilot: Pilot[None]) -> StreamScreen:
    """Open the view."""
    await until(pilot, lambda: app.snapshot.fleet.agents, "the agents are read")
    await pilot.press("4")
    view = app.screen
    assert isinstance(view, StreamScreen)
    await until(pilot, lambda: len(view.stream.lines.text) > 20, "the stream is drawn")
    return view


def rows(view: StreamScreen) -> list[str]:
    return [line.strip(" ▸") for line in view.stream.lines.text.splitlines()]


@pytest.mark.anyio
async def test_slash_filters_as_it_is_typed_and_esc_shows_all() -> None:
    fleet = structs.replace(lighthouse(), stream=STREAM)
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 30)) as pilot:
        view = await at_stream(app, pilot)
        await pilot.press("slash", *"level:error")
        await until(pilot, lambda: len(rows(view)) == 2, "errors are shown")
        assert "OSError" in rows(view)[0] and "make: exit 2" in rows(view)[1]
        await pilot.press("enter")
        assert "only level:error" in text_of(app)
        await pilot.press("escape")
        await until(pilot, lambda: len(rows(view)) == 5, "all are shown")


@pytest.mark.anyio
async def test_space_freezes_what_is_shown_counts_what_comes_and_goes_on() -> None:
    fleet = structs.replace(lighthouse(), stream=numbered(20))
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(120, 40)) as pilot:
        view = await at_stream(app, pilot)
        await pilot.press("space")
        await until(pilot, lambda: "paused, not live: 0 came since (Space goes on)" in text_of(app), "it stands still")
        more = (*fleet.stream[2:], act("writer", Kind.TOOL, "one", 0), act("writer", Kind.TOOL, "two", 0))
        feed.put(structs.replace(fleet, stream=more))
        await until(pilot, lambda: "paused, not live: 2 came since" in text_of(app), "what came is counted")
        assert "line 19 of many" in rows(view)[-1]
        await pilot.press("space")
        await until(pilot, lambda: rows(view)[-1].endswith("two"), "it goes on")
        assert "paused" not in text_of(app)


@pytest.mark.anyio
async def test_in_a_replay_space_is_the_recordings() -> None:
    fleet = structs.replace(lighthouse(), stream=STREAM)
    playback = Playback(NOON)
    app = app_on(FakeFeed(fleet), workspace(fleet), playback=playback)
    async with app.run_test(size=(120, 30)) as pilot:
        await at_stream(app, pilot)
        before = playback.label
        await pilot.press("space")
        await until(pilot, lambda: playback.label != before, "the recording stands still")
        assert "came since" not in text_of(app)


@pytest.mark.anyio
async def test_the_cursor_stays_on_its_activity_while_others_come_and_follows_at_the_end() -> None:
    fleet = structs.replace(lighthouse(), stream=numbered(60))
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(120, 30)) as pilot:
        view = await at_stream(app, pilot)
        await pilot.press("k", "k", "k")
        await until(pilot, lambda: "ago · not live · G: now" in text_of(app), "it says that it stands still")
        await pilot.click("#stream", offset=(5, view.stream.lines.line_count))
        await until(pilot, lambda: "not live" not in text_of(app), "a click on the newest follows again")
        await pilot.press("k", "k", "k")
        chosen = view.stream.selected
        assert chosen is not None and chosen.text == "line 56 of many"
        moved = structs.replace(fleet, stream=(*fleet.stream[5:], act("writer", Kind.TOOL, "newest", 0)))
        feed.put(moved)
        await until(pilot, lambda: app.snapshot.fleet.stream is moved.stream, "something comes")
        await pilot.pause()
        assert view.stream.selected is chosen
        await pilot.press("G")
        feed.put(structs.replace(moved, stream=(*moved.stream, act("writer", Kind.TOOL, "last of all", 0))))
        await until(pilot, lambda: getattr(view.stream.selected, "text", "") == "last of all", "it follows")


@pytest.mark.anyio
async def test_the_row_under_the_cursor_is_marked_as_in_other_lists() -> None:
    app = app_on(FakeFeed(lighthouse()), workspace(lighthouse()))
    async with app.run_test(size=(120, 36)) as pilot:
        view = await at_stream(app, pilot)
        await pilot.press("k")
        marked = [line for line in view.stream.lines.text.splitlines() if line.startswith("▸")]
        assert view.activity is not None and len(marked) == 1 and view.activity.text[:20] in marked[0]
        assert all(line[0] in "▸ " for line in view.stream.lines.text.splitlines())


@pytest.mark.anyio
async def test_enter_leads_to_the_agent_or_to_the_mail() -> None:
    arrived = act("operator", Kind.MAIL, "@planner: RE: Plan of three phases", 30)
    fleet = structs.replace(lighthouse(), stream=(STREAM[0], arrived))
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 30)) as pilot:
        await at_stream(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.get_screen("mail"), "the mail view is in front")
        await until(
            pilot, lambda: getattr(getattr(app.screen, "message", None), "id", "") == "00000011", "the mail is selected"
        )
        await pilot.press("4", "k", "enter")
        await until(pilot, lambda: getattr(app.screen, "selected", "") == "@writer", "the agent's view")
        assert app.screen is app.get_screen("agent")


def with_history(root: Path, hours: int) -> tuple[PraxApp, FakeFeed]:
    """A workspace whose agent's hooks tell of one prompt a minute, so many hours back from NOON."""
    made = create.create_workspace(root, [("writer", "agents/writer")])
    log = made.agent("@writer").hooks_log
    log.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        {"hook_event_name": "UserPromptSubmit", "session_id": "s", "prompt": f"{n} minutes ago",
         "timestamp": datetime.fromtimestamp(NOON - 60 * n, UTC).isoformat()}
        for n in range(60 * hours, 0, -1)
    ]  # fmt: skip
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    fleet = Fleet(
        made.root, (AgentFacts(made.agent("@writer")),), stream=(act("writer", Kind.TOOL, "now", 1),), at=NOON
    )
    feed = FakeFeed(fleet)
    return app_on(feed, made), feed


@pytest.mark.anyio
async def test_up_from_the_oldest_reads_on_and_what_was_read_goes_when_it_follows_again(tmp_path: Path) -> None:
    app, _ = with_history(tmp_path / "house", 3)
    async with app.run_test(size=(120, 24)) as pilot:
        view = await at_stream(app, pilot)
        await pilot.press("k")
        await until(pilot, lambda: "9 minutes ago" in view.stream.lines.text, "the last ten minutes are read")
        for _ in range(20):
            await pilot.press("g")
            await until(pilot, lambda: "reading…" not in text_of(app), "a page is read", seconds=10)
            if "older: none" in text_of(app):
                break
        assert "180 minutes ago" in rows(view)[0]
        await until(pilot, lambda: "older: none in the last 7 days" in text_of(app), "it says that this was all")
        await pilot.press("G")
        await until(pilot, lambda: len(rows(view)) == 1, "what was read back is let go")


@pytest.mark.anyio
async def test_t_goes_ten_minutes_back(tmp_path: Path) -> None:
    app, _ = with_history(tmp_path / "house", 3)
    async with app.run_test(size=(120, 24)) as pilot:
        view = await at_stream(app, pilot)
        await pilot.press("T")
        await until(pilot, lambda: getattr(view.stream.selected, "text", "") == "10 minutes ago", "the cursor is there")
        assert not view.stream.follows, "and stays there"
        assert "10m ago · not live · G: now" in text_of(app)
        await pilot.press("G")
        await until(pilot, lambda: "not live" not in text_of(app), "here it is live")


@pytest.mark.anyio
async def test_a_filter_searches_back_over_hours(tmp_path: Path) -> None:
    app, _ = with_history(tmp_path / "house", 9)
    async with app.run_test(size=(120, 24)) as pilot:
        view = await at_stream(app, pilot)
        await pilot.press("slash", *"500", "enter")
        await until(pilot, lambda: "500 minutes ago" in view.stream.lines.text, "it is found", seconds=20)
        await until(pilot, lambda: "PgUp reads on" in text_of(app), "for twelve hours by itself", seconds=20)
        assert len(rows(view)) == 1


def test_what_comes_first_after_a_page_without_anything_is_held() -> None:
    pages, came = StreamPages(), Activity(NOON, "@writer", Kind.TOOL, "Read", "hooks")
    assert pages.follow(()) == 0
    pages.add((), NOON - 600, NOON, NOON)
    assert pages.follow((came,)) == 1 and pages.activities == (came,)
