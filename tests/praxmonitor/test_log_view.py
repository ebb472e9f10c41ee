"""The view of an agent's logs: real files, that grow, are rotated, cut and deleted while they are shown."""

from __future__ import annotations

import os
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from mailcore.model.fleet import Fleet
from praxmonitor.app.app import PraxApp
from praxmonitor.feed.playback import Playback
from praxmonitor.views.alarms import AlarmsScreen
from praxmonitor.views.log import LogScreen
from praxmonitor.views.stream import StreamScreen
from tests.clock import NOON
from tests.praxmonitor.fake_feed import FakeFeed, app_on, text_of, until, workspace
from tests.praxmonitor.logs_on_disk import (
    at_logs,
    log_screen,
    notices,
    on,
    on_disk,
    said,
    shown_rows,
    stamped,
    under_cursor,
    write_log,
    write_output,
)  # fmt: skip

pytestmark = pytest.mark.anyio


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """The lighthouse on disk."""
    return on_disk(tmp_path)


def iso_local(at: float) -> str:
    """A time as a log of this machine has it."""
    return datetime.fromtimestamp(at).isoformat(" ", "seconds")


def ends_with(app: PraxApp, text: str) -> bool:
    """Whether the second row ends so."""
    return shown_rows(app)[1].endswith(text)


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
            await until(pilot, partial(ends_with, app, piece.strip().decode()), f"{piece!r}")
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
        assert len(log_screen(app).log_shown.sources) == 3


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
        assert "ERROR seen" in "".join(shown_rows(app))


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
        await said(app, pilot, "its file was moved")
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
        await said(app, pilot, "replaced: this is the new file")


async def test_who_has_no_logs_is_said(fleet: Fleet) -> None:
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(100, 20)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("6")
        await until(pilot, lambda: "@writer has no logs yet" in text_of(app), "it says so")
        assert not log_screen(app).log_shown.sources


async def test_all_hits_are_counted_and_gone_to(fleet: Fleet) -> None:
    """While a search is active n and N are its hits; without one they are what needs the operator."""
    write_log(fleet, [f"{'needle' if n % 1000 == 500 else 'straw'} {n}" for n in range(5000)])
    async with at_logs(fleet) as (app, pilot):
        await pilot.press("slash", *"need", "enter")
        await until(pilot, on(app, "needle 4500"), "from the end it goes back to the last hit")
        await said(app, pilot, "'need': hit 5 of 5")
        for key, hit, number in (("N", 3500, 4), ("N", 2500, 3), ("n", 3500, 4)):
            await pilot.press(key)
            await until(pilot, on(app, f"needle {hit}"), f"{key}: hit {number}")
            await said(app, pilot, f"hit {number} of 5")
        lines = log_screen(app).pane.lines
        await until(pilot, lambda: "hit" in str([lines._lines[y] for y in range(len(lines._lines))]), "it stands out")
        await pilot.press("n", "n")
        await until(pilot, lambda: "no hit behind this line; 5 hits in all" in notices(app), "there is no more")
        write_log(fleet, ["needle at last"])
        await said(app, pilot, "of 6")
        await pilot.press("n")
        await until(pilot, on(app, "needle at last"), "what came is searched too")
        await pilot.press("slash", *"(", "enter")
        await until(pilot, lambda: "no valid pattern" in notices(app), "what is no pattern is said")
        await pilot.press("escape")
        await said(app, pilot, "line")
        assert "need" not in log_screen(app).said.text and app.screen.is_current
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(app.screen, LogScreen), "without a search n is what needs you")


async def test_hits_of_several_logs_are_gone_to_in_the_order_of_time(fleet: Fleet) -> None:
    write_log(fleet, [stamped(n, f"INFO {'needle' if n in (3, 40) else 'straw'} a{n}") for n in range(60)], "a.log")
    write_log(fleet, [stamped(n, f"INFO {'needle' if n == 20 else 'straw'} b{n}") for n in range(60)], "b.log")
    trace = ["Traceback (most recent call last):", '  File "a.py", line 3, in needle', "ValueError: bad"]
    write_output(fleet, "stderr", [stamped(30, "ERROR c"), *trace])
    async with at_logs(fleet) as (app, pilot):
        await pilot.press("slash", *"needle", "enter")
        for hit in ("a40", "in needle", "b20", "a3"):
            await until(pilot, on(app, hit), hit)
            await pilot.press("N")
        await said(app, pilot, "'needle': 4 hits")
        assert "'needle': 4 hits" in log_screen(app).said.text


async def test_a_line_a_share_and_a_time_are_gone_to(fleet: Fleet) -> None:
    write_log(fleet, [stamped(n, f"INFO {n}") for n in range(3000)])
    async with at_logs(fleet) as (app, pilot):
        await said(app, pilot, "of 3,000")
        clock = "2027-01-15 11:30:05"
        for typed, there in (("1200", "INFO 1199"), ("50%", "INFO 15"), ("11:20", "INFO 1200"), (clock, "INFO 1805")):
            await pilot.press("T", *("space" if letter == " " else letter for letter in typed), "enter")
            await until(pilot, on(app, there), typed)
        await pilot.press("T", *"nowhere", "enter")
        await until(pilot, lambda: "'nowhere' is no place: a line (1200)" in notices(app), "it says what would be one")
        typed_line = log_screen(app)._typed
        assert typed_line.has_focus and typed_line.value == "nowhere", "what was typed stays"
        await pilot.press("escape", "T", *"99999", "enter")
        await until(pilot, lambda: "there is no such line" in notices(app), "nor is this")
        assert typed_line.has_focus and typed_line.value == "99999"
        await pilot.press("escape", "T", *"11:59", "enter")
        await until(pilot, lambda: "this is the end, of 11:49:59" in notices(app), "a time behind it")
        await until(pilot, on(app, "INFO 2999"), "its end")
        write_log(fleet, [stamped(0, "INFO other")], "other.log")
        log_screen(app)._list_logs()
        await said(app, pilot, "all 2 logs")
        await pilot.press("T", "7", "enter")
        await until(pilot, lambda: "several logs as one have no line numbers" in notices(app), "it says why not")
        await pilot.press("escape")
        assert not typed_line.has_focus


@pytest.mark.parametrize("count", [1, 2])
async def test_lines_are_copied_from_mark_to_mark_as_they_are_shown(
    fleet: Fleet, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_log(fleet, [stamped(n, f"INFO \x1b[31mred\x1b[0m {n}\x07") for n in range(400)])
    if count == 2:
        write_log(fleet, [stamped(0, "INFO other")], "other.log")
    async with at_logs(fleet) as (app, pilot):
        copied: list[str] = []
        monkeypatch.setattr(app.terminal, "copy", copied.append)
        await pilot.press("y")
        await until(pilot, lambda: copied, "one line")
        assert copied.pop() == "2027-01-15 11:06:39 INFO red 399^G"
        await pilot.press("k", "space", *["pageup"] * 3)
        await until(pilot, lambda: not log_screen(app).log_shown.reading.asked, "it is read")
        last = under_cursor(app).split()[-1].rstrip("\x07")
        await pilot.press("y")
        await until(pilot, lambda: copied, "from the mark to here")
        lines = copied.pop().splitlines()
        assert lines[0].endswith(f"red {last}^G") and lines[-1].endswith("red 398^G")
        assert len(lines) == 398 - int(last) + 1
        await pilot.press("space", "g")
        await until(pilot, lambda: log_screen(app).pane.window.cursor == 0, "elsewhere")
        await pilot.press("y")
        await until(pilot, lambda: copied, "from mark to mark")
        assert copied.pop().splitlines() == lines


async def test_editor_and_pager_begin_at_the_line(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_log(fleet, [stamped(n, f"INFO {n}") for n in range(500)])
    write_output(fleet, "stderr", [stamped(1000, "ERROR c"), "further", "lines"])
    for name in ("vim", "less"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\nprintf "%s " "$@" >> {tmp_path}/{name}.said\n')
        program.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(tmp_path / "vim"))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("PAGER", str(tmp_path / "less"))
    async with at_logs(fleet) as (app, pilot):
        monkeypatch.setattr(app.terminal, "lend", nullcontext)
        stderr = log_screen(app).log_shown.row
        assert stderr is not None and stderr.text == "lines"
        await pilot.press("e")
        said_by = tmp_path / "vim.said"
        await until(pilot, said_by.exists, "the editor began")
        await until(pilot, lambda: said_by.read_text() == f"+3 {stderr.source.path} ", "at the third line")
        await pilot.press("k", "k", "k", "vertical_line")
        await until(pilot, lambda: (tmp_path / "less.said").exists(), "the pager began")
        await until(pilot, lambda: (tmp_path / "less.said").read_text() == f"+500g {path} ", "at the last of the other")


async def test_the_logs_open_at_the_time_of_what_happened_and_of_an_alarm(fleet: Fleet) -> None:
    """NOON is 12:00 UTC of the lighthouse's day; @builder failed 75 s before."""
    lines = [f"{iso_local(NOON - 7200 + n)} INFO line {n}" for n in range(7200)]
    write_log(fleet, lines, agent="@builder")
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("4")
        view = app.screen
        assert isinstance(view, StreamScreen)
        await until(pilot, lambda: view.activity, "what happened is shown")
        while view.activity is not None and view.activity.agent != "@builder":
            await pilot.press("k")
        at = view.log_at
        await pilot.press("L")
        await until(pilot, lambda: isinstance(app.screen, LogScreen) and log_screen(app).log_shown.row, "its logs")
        await until(pilot, on(app, f"line {7200 - round(NOON - at)}"), "at that time")
        await pilot.press("5")
        await until(pilot, lambda: "builder" in text_of(app) and app.standing, "the alarms")
        alarms = app.screen
        assert isinstance(alarms, AlarmsScreen)
        for _ in alarms.rows:
            if alarms.selected != "@builder":
                await pilot.press("j")
        assert alarms.selected == "@builder" and alarms.log_at
        await pilot.press("L")
        await until(pilot, on(app, f"line {7200 - round(NOON - alarms.log_at)}"), "at the time of the alarm")


async def test_another_agent_s_logs_are_chosen_from_a_list(fleet: Fleet) -> None:
    write_log(fleet, ["of the writer"])
    write_log(fleet, ["of the builder"], agent="@builder")
    async with at_logs(fleet) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: "Which logs?" in text_of(app), "the list")
        row = next(n for n, line in enumerate(text_of(app).splitlines()) if "builder" in line)
        first = next(n for n, line in enumerate(text_of(app).splitlines()) if "▸ ◆ writer" in line)
        await pilot.press(*["j"] * (row - first), "enter")
        await until(pilot, on(app, "of the builder"), "the other's")
    async with at_logs(fleet, width=200, height=50) as (app, pilot):
        assert "Which logs?" not in text_of(app) and "app.log" in text_of(app), "beside the log"
        await pilot.press("s")
        choices = log_screen(app).choices
        await until(pilot, lambda: choices.has_focus, "the keys are its")
        await pilot.press(*["j"] * 5)
        await until(pilot, on(app, "of the builder"), "the other's")
        await pilot.press("escape")
        assert not choices.has_focus and log_screen(app).selected == "@builder"


async def test_a_recording_holds_no_logs_and_a_read_only_screen_shows_them(fleet: Fleet) -> None:
    write_log(fleet, ["of the writer"])
    app = app_on(FakeFeed(fleet), workspace(fleet), playback=Playback(NOON))
    async with app.run_test(size=(100, 20)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("L", "6")
        await until(pilot, lambda: "a recording holds no logs" in notices(app), "it says why not")
        assert not isinstance(app.screen, LogScreen)
    app = app_on(FakeFeed(fleet), workspace(fleet))
    app.opened.read_only = True
    async with app.run_test(size=(100, 20)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("6")
        await until(pilot, lambda: "of the writer" in text_of(app), "it is shown")
