"""The view of an agent's logs: real files, that grow, are rotated, cut and deleted while they are shown."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from mailcore.model.fleet import Fleet
from praxmonitor.app.app import PraxApp
from tests.praxmonitor.fake_feed import FakeFeed, app_on, text_of, until, workspace
from tests.praxmonitor.logs_on_disk import log_screen, on_disk, shown_rows, stamped, write_log, write_output

pytestmark = pytest.mark.anyio


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """The lighthouse on disk."""
    return on_disk(tmp_path)


@asynccontextmanager
async def at_logs(fleet: Fleet, width: int = 120, height: int = 20) -> AsyncIterator[tuple[PraxApp, Pilot[None]]]:
    """The screen, after `L` on @writer: its logs are in view."""
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(width, height)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("L")
        await until(pilot, lambda: log_screen(app).log_shown.row, "its end is shown")
        yield app, pilot


async def said(app: PraxApp, pilot: Pilot[None], *words: str) -> None:
    """The line above the log says this."""
    line = log_screen(app).said
    await until(pilot, lambda: all(word in line.text for word in words), f"{words} in {line.text!r}")


def under_cursor(app: PraxApp) -> str:
    """The line that the cursor is on."""
    row = log_screen(app).log_shown.row
    return row.text if row is not None else ""


def notices(app: PraxApp) -> str:
    """What the bottom line said."""
    return "\n".join(notice.text for notice in app.notices)


def on(app: PraxApp, text: str) -> Callable[[], bool]:
    """Whether the cursor is on a line with this text."""
    return lambda: text in under_cursor(app)


async def test_one_log_shows_its_end_and_where_it_stands(fleet: Fleet) -> None:
    write_log(fleet, [stamped(n, f"INFO line {n}") for n in range(3000)])
    async with at_logs(fleet) as (app, pilot):
        await said(app, pilot, "@writer", "writer/logs/app.log", "following", "line 3,000 of 3,000", "100 %")
        assert "line 2999" in shown_rows(app)[-1] and shown_rows(app)[-1].startswith("▸")
        await pilot.press("g")
        await until(pilot, on(app, "line 0"), "its beginning is shown")
        await said(app, pilot, "line 1 of 3,000 · 0 %")
        assert "following" not in log_screen(app).said.text
        await pilot.press("pagedown", "j")
        await pilot.press("G")
        await until(pilot, on(app, "line 2999"), "its end is shown again")


async def test_a_long_log_is_scrolled_from_end_to_begin_and_back_without_a_gap(fleet: Fleet) -> None:
    write_log(fleet, [f"line {n} {'x' * (n % 50)}" for n in range(7000)])
    async with at_logs(fleet, height=100) as (app, pilot):
        window = log_screen(app).pane.window
        seen: set[int] = set()
        for key, last in (("pageup", "line 0 "), ("pagedown", "line 6999 ")):
            while last not in f"{under_cursor(app)} ":
                await pilot.press(key)
                await pilot.pause(0.005)
                rows = [int(row.text.split()[1]) for row in window.rows]
                assert rows == list(range(rows[0], rows[0] + len(rows))), "no line is missing or doubled"
                seen.update(rows)
        assert seen == set(range(7000)) and len(window.rows) < 4000


async def test_it_follows_until_the_reader_scrolls_and_counts_what_waits(fleet: Fleet) -> None:
    write_log(fleet, [f"line {n}" for n in range(50)])
    async with at_logs(fleet) as (app, pilot):
        write_log(fleet, ["line 50", "line 51"])
        await until(pilot, on(app, "line 51"), "it went on")
        await pilot.press("k")
        write_log(fleet, ["line 52", "line 53"])
        await said(app, pilot, "2 new lines")
        assert on(app, "line 50")()
        write_log(fleet, ["line 54"])
        await said(app, pilot, "3 new lines")
        await pilot.press("G")
        await until(pilot, on(app, "line 54"), "it goes on")
        await said(app, pilot, "following")
        await pilot.press("f")
        write_log(fleet, ["line 55"])
        await said(app, pilot, "1 new line ")
        await pilot.press("f")
        await until(pilot, on(app, "line 55"), "it follows again")


async def test_a_line_that_is_written_piece_by_piece_is_one(fleet: Fleet) -> None:
    write_log(fleet, ["before", b"10 %"])
    async with at_logs(fleet) as (app, pilot):
        for piece in (b"\r20 %", b"\r30 %", b"\rdone\n"):
            write_log(fleet, [piece])
            shown = piece.strip().decode()
            await until(pilot, lambda shown=shown: shown_rows(app)[1].endswith(shown), shown)
        write_log(fleet, ["after"])
        await until(pilot, on(app, "after"), "it goes on")
        assert [row.lstrip("▸ ") for row in shown_rows(app) if row] == ["before", "done", "after"]


async def test_all_logs_stand_in_the_order_of_time_and_messages_stay_whole(fleet: Fleet) -> None:
    write_log(fleet, [stamped(1, "INFO one"), stamped(4, "INFO four")])
    write_output(fleet, "stdout", [stamped(2, "INFO two")])
    trace = ["Traceback (most recent call last):", '  File "a.py", line 3, in f', "    g()", "ValueError: bad"]
    write_output(fleet, "stderr", [stamped(3, "ERROR three"), *trace])
    async with at_logs(fleet) as (app, pilot):
        await said(app, pilot, "all 3 logs", "following")
        texts = [row.split(maxsplit=2) for row in shown_rows(app) if row]
        assert [row[0].lstrip("▸") for row in texts if row[0].lstrip("▸")[:3] == "11:"] == [
            f"11:00:0{n}" for n in (1, 2, 3, 4)
        ]
        assert [row.strip() for row in shown_rows(app)[3:7]] == [line.strip() for line in trace]
        title = str(log_screen(app).pane.lines.border_title)
        assert "app.log" in title and "attempt 1 stderr" in title, "the signs are explained"
        write_output(fleet, "stderr", [stamped(5, "WARNING five")])
        await until(pilot, on(app, "five"), "it follows all of them")
        await pilot.press("tab")
        await said(app, pilot, ".log", "line")
        assert len(log_screen(app).log_shown.sources) == 1, "Tab: one of them"
        await pilot.press("tab", "tab", "tab")
        await said(app, pilot, "all 3 logs")


async def test_a_log_that_comes_later_is_shown_too(fleet: Fleet) -> None:
    write_log(fleet, [stamped(1, "INFO one")])
    async with at_logs(fleet) as (app, pilot):
        write_log(fleet, [stamped(2, "INFO two")], "other.log")
        log_screen(app)._list_logs()
        await said(app, pilot, "all 2 logs")
        await until(pilot, on(app, "two"), "what stands in it is shown")
        write_log(fleet, [stamped(3, "INFO three")], "third.log")
        log_screen(app)._list_logs()
        await until(pilot, on(app, "three"), "what stands in the third is shown")
        await said(app, pilot, "all 3 logs")


@pytest.mark.parametrize("count", [1, 2])
async def test_errors_are_gone_to_and_levels_filtered(fleet: Fleet, count: int) -> None:
    """In one log and in several as one."""
    for log in range(count):
        lines = [stamped(n, f"{'ERROR' if n % 100 == 50 else 'WARNING' if n % 10 == 5 else 'INFO'} {log}-{n}")
                 for n in range(2000)]  # fmt: skip
        write_log(fleet, lines, f"app{log}.log")
    async with at_logs(fleet) as (app, pilot):
        await pilot.press("left_square_bracket")
        await until(pilot, on(app, f"ERROR {count - 1}-1950"), "the error before")
        await pilot.press("left_square_bracket")
        before = "ERROR 0-1950" if count == 2 else "ERROR 0-1850"
        await until(pilot, on(app, before), "the one before that")
        await pilot.press("right_square_bracket")
        await until(pilot, on(app, f"ERROR {count - 1}-1950"), "the next one")
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "no error behind this line" in notices(app), "it was the last")
        await pilot.press("F")
        await said(app, pilot, "warnings and errors")
        await until(pilot, lambda: not [row for row in shown_rows(app) if "INFO" in row], "all others are gone")
        await pilot.press("F")
        await said(app, pilot, "errors alone")
        await until(pilot, lambda: "WARNING" not in "".join(shown_rows(app)), "warnings too")
        write_log(fleet, [stamped(2001, "INFO hidden"), stamped(2002, "ERROR seen")], "app0.log")
        await pilot.press("G")
        await until(pilot, on(app, "ERROR seen"), "an error that comes is shown")
        await pilot.press("F")
        await until(pilot, lambda: "INFO hidden" in "".join(shown_rows(app)), "all lines are there again")


async def test_long_lines_are_broken_or_moved_sideways(fleet: Fleet) -> None:
    write_log(fleet, ["short", "a" * 100 + "b" * 100 + "end"])
    async with at_logs(fleet, width=80) as (app, pilot):
        assert shown_rows(app)[1].endswith("a…")
        await pilot.press("l", "l", "l", "l", "l", "l", "l")
        assert shown_rows(app)[1].endswith("bend") and shown_rows(app)[0] == ""
        await said(app, pilot, "from cell 140")
        await pilot.press("h")
        await said(app, pilot, "from cell 120")
        await pilot.press("w")
        await until(pilot, lambda: "".join(row.strip("▸ ") for row in shown_rows(app)[1:4]).endswith("bend"), "broken")
        await said(app, pilot, "wrapped")
        await pilot.press("w")
        assert shown_rows(app)[1].endswith("a…")


async def test_times_stand_in_a_column_as_written_or_not_at_all(fleet: Fleet) -> None:
    write_log(fleet, [stamped(61, "INFO one")])
    async with at_logs(fleet) as (app, pilot):
        assert shown_rows(app)[0] == "▸  2027-01-15 11:01:01 INFO one"
        await pilot.press("t")
        assert shown_rows(app)[0] == "▸11:01:01   INFO one"
        await pilot.press("t")
        assert shown_rows(app)[0] == "▸  INFO one"
        await pilot.press("t")
        assert shown_rows(app)[0] == "▸  2027-01-15 11:01:01 INFO one"


async def test_a_rotated_a_cut_and_a_deleted_log_say_so_and_go_on(fleet: Fleet) -> None:
    path = write_log(fleet, ["first"])
    async with at_logs(fleet) as (app, pilot):
        path.rename(path.with_suffix(".old"))
        write_log(fleet, ["second"])
        await said(app, pilot, "rotated")
        await until(pilot, on(app, "second"), "the new file is shown")
        os.truncate(path, 0)
        await said(app, pilot, "cut")
        write_log(fleet, ["third"])
        await until(pilot, on(app, "third"), "it goes on")
        path.unlink()
        await said(app, pilot, "deleted")
        assert "third" in shown_rows(app)[0], "what was read stays"
        write_log(fleet, ["fourth"])
        await until(pilot, on(app, "fourth"), "it is there again")


async def test_who_has_no_logs_is_said(fleet: Fleet) -> None:
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(100, 20)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("6")
        await until(pilot, lambda: "@writer has no logs yet" in text_of(app), "it says so")
