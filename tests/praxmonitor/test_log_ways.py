"""Ways through the view of logs on which something is not there: no error, no such place, a file that moved."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from mailcore.logs.patterns import highlights
from mailcore.model.fleet import Fleet
from praxmonitor.actions.app_parts import LogTarget
from praxmonitor.state.log_hits import LogHits
from praxmonitor.state.merged_pages import MergedPages
from praxmonitor.views.log_choices import LogChoices
from tests.mailcore.conftest import wait_until
from tests.praxmonitor.fake_feed import text_of, until
from tests.praxmonitor.logs_on_disk import (
    at_logs,
    log_screen,
    notices,
    on,
    on_disk,
    said,
    shown_rows,
    stamped,
    write_log,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """The lighthouse on disk."""
    return on_disk(tmp_path)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("key", ["k", "g"])
async def test_a_filter_that_keeps_nothing_says_so_and_what_ends_it(fleet: Fleet, count: int, key: str) -> None:
    for log in range(count):
        write_log(fleet, [stamped(n, f"INFO {n}") for n in range(60)], f"app{log}.log")
    async with at_logs(fleet) as (app, pilot):
        await pilot.press(key, "F")
        await until(
            pilot, lambda: "no warning and no error here; F twice: all lines again" in text_of(app), "it says so"
        )
        await pilot.press("F")
        await until(pilot, lambda: "no error here; F: all lines again" in text_of(app), "of errors alone, too")
        await pilot.press("F")
        await until(pilot, on(app, "INFO"), "they are there again")
        assert "all lines again" not in text_of(app)


async def test_an_error_nobody_foresaw_is_said_and_the_view_stays(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for log in range(2):
        write_log(fleet, [stamped(n, f"INFO {n}") for n in range(60)], f"app{log}.log")

    def fails(*_: object) -> None:
        raise ValueError("by surprise")

    async with at_logs(fleet) as (app, pilot):
        with monkeypatch.context() as patched:
            patched.setattr(MergedPages, "around", fails)
            await pilot.press("k", "F")
            await said(app, pilot, "ValueError: by surprise")
            patched.setattr("praxmonitor.views.log_reading.listed_logs", fails)
            log_screen(app)._list_logs()
            await said(app, pilot, "its logs cannot be listed: ValueError: by surprise")
        await pilot.press("F", "F")
        await until(pilot, on(app, "INFO"), "it goes on")
        assert app.is_running and log_screen(app).selected == "@writer"


async def test_what_is_opened_is_not_hidden_by_what_was_wanted_of_another_log(fleet: Fleet) -> None:
    path = write_log(fleet, [stamped(n, f"INFO needle {n}") for n in range(60)])
    write_log(fleet, [stamped(n, f"INFO other {n}") for n in range(60)], "b.log")
    write_log(fleet, ["INFO of the builder"], agent="@builder")
    async with at_logs(fleet) as (app, pilot):
        view = log_screen(app)
        await pilot.press("tab", "tab")
        await said(app, pilot, "app.log")
        await pilot.press("slash", *"needle", "enter")
        await said(app, pilot, "'needle': ")
        await pilot.press("k", "F")
        await said(app, pilot, "warnings and errors")
        app.navigation.show_log("@writer")
        await said(app, pilot, "all 2 logs")
        app.navigation.show_log("@writer", LogTarget(str(path), path.read_bytes().index(b"needle 7\n") - 25))
        await until(pilot, on(app, "needle 7"), "the line that was asked for")
        assert "needle'" not in view.said.text and "warnings" not in view.said.text and not view.searched
        await pilot.press("slash", *"needle", "enter", "F")
        await said(app, pilot, "'needle': ", "warnings and errors")
        app.navigation.show_log("@builder")
        await until(pilot, on(app, "of the builder"), "the other's")
        assert not view.searched


@pytest.mark.parametrize("gone", [True, False])
async def test_a_line_that_is_gone_is_told_in_words(fleet: Fleet, gone: bool) -> None:
    path = write_log(fleet, [f"INFO {n}" for n in range(60)])
    write_log(fleet, ["INFO another", "INFO last"], "b.log")
    async with at_logs(fleet) as (app, pilot):
        size = path.stat().st_size
        if gone:
            path.unlink()
        else:
            os.truncate(path, 7)
        app.navigation.show_log("@writer", LogTarget(str(path), size - 8))
        words = "app.log is gone, and the line with it" if gone else "app.log was cut: the line is gone"
        await until(pilot, lambda: words in notices(app), "it says so")
        await until(pilot, on(app, "INFO"), "what there is is shown")
        assert app.return_code is None and log_screen(app).selected == "@writer"


@pytest.mark.parametrize("count", [1, 2])
async def test_a_hit_far_in_a_line_is_brought_into_view(fleet: Fleet, count: int) -> None:
    far = f"漢{'x' * 400} needle {'y' * 300}"
    write_log(
        fleet, ["INFO needle first", *(f"INFO {n}" for n in range(2000)), far, "y" * 70_000 + "needle", "INFO end"]
    )
    if count == 2:
        write_log(fleet, ["INFO other"], "b.log")
    async with at_logs(fleet) as (app, pilot):
        await pilot.press("slash", *"needle", "enter")
        await until(pilot, lambda: "the hit stands further in this line" in notices(app), "it is not read so far")
        await pilot.press("N")
        await until(pilot, lambda: any("▸" in row and "needle" in row for row in shown_rows(app)), "it is in view")
        await said(app, pilot, "from cell")
        await pilot.press("w", "w", "j", "N")
        await until(pilot, lambda: any("▸" in row and "needle" in row for row in shown_rows(app)), "once more")
        await pilot.press("N")
        await until(pilot, lambda: any("▸" in row and "needle first" in row for row in shown_rows(app)), "back")
        assert log_screen(app).pane.look.column == 0


async def test_the_list_of_logs_begins_at_the_one_that_is_shown(fleet: Fleet) -> None:
    for name in ("app.log", "b.log"):
        write_log(fleet, [f"INFO {name} of the builder"], name, agent="@builder")
    path = write_log(fleet, ["INFO of the writer"])
    async with at_logs(fleet) as (app, pilot):
        app.navigation.show_log("@builder", LogTarget(str(path.parents[2] / "builder" / "logs" / "b.log")))
        await said(app, pilot, "b.log")
        for _ in range(2):
            await pilot.press("s")
            await until(pilot, lambda: "Which logs?" in text_of(app), "the list")
            await pilot.press("enter")
            await until(pilot, lambda: "Which logs?" not in text_of(app), "it is closed")
            await said(app, pilot, "@builder", "builder/logs/b.log")
        assert log_screen(app).selected == "@builder"


async def test_hits_are_counted_once_when_a_log_is_rotated(fleet: Fleet) -> None:
    path = write_log(fleet, [stamped(n, f"INFO {'needle' if n % 50 == 0 else 'straw'} {n}") for n in range(3000)])
    write_log(fleet, [stamped(0, "INFO other")], "b.log")
    async with at_logs(fleet) as (app, pilot):
        search = log_screen(app).log_shown.search
        await pilot.press("slash", *"needle", "enter")
        await until(pilot, lambda: search.state.done and search.state.count == 60, "they are counted")
        path.rename(path.with_name("app.log.1"))
        write_log(fleet, [stamped(3001, "INFO needle new")])
        await until(pilot, lambda: search.state.done and search.state.count > 60, "what came is searched")
        write_log(fleet, [stamped(3002, "INFO needle newer")])
        await until(pilot, lambda: search.state.done and search.state.count > 61, "more came")
        assert search.state.count == 62


@pytest.mark.parametrize("fails", [False, True])
async def test_matches_stand_out_though_those_asked_for_before_never_came(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    for name in ("app.log", "b.log"):
        path = write_log(fleet, [stamped(n, f"INFO needle {n}") for n in range(60)], name)
    reached, go_on = threading.Event(), threading.Event()

    def held(*words: Any) -> Any:
        if not reached.is_set():
            reached.set()
            go_on.wait(20)
            if fails:
                raise ValueError("by surprise")
        return highlights(*words)

    async with at_logs(fleet) as (app, pilot):
        view = log_screen(app)
        view.choose_log(str(path.with_name("app.log")))
        await said(app, pilot, "app.log")
        monkeypatch.setattr("praxmonitor.views.log_searching.highlights", held)
        await pilot.press("slash", *"needle", "enter")
        await until(pilot, reached.is_set, "matches are looked for")
        if not fails:
            view.choose_log(str(path))
        go_on.set()
        if fails:
            await said(app, pilot, "ValueError: by surprise")
            await pilot.press("k")
        pane = view.log_shown.pane
        await until(pilot, lambda: pane.row is not None and bool(pane.stretches(pane.row)), "what matches stands out")
        assert reached.is_set() and pane.row is not None and len(pane.stretches(pane.row) or ()) == 1


async def test_a_search_ends_with_its_log_though_nobody_was_told_of_it_yet(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("app.log", "b.log"):
        path = write_log(fleet, [stamped(n, f"INFO needle {n}") for n in range(60)], name)
    reached, go_on = threading.Event(), threading.Event()
    open_hits: list[LogHits] = []

    class Held(LogHits):
        def __init__(self, *words: Any) -> None:
            super().__init__(*words)
            open_hits.append(self)
            reached.set()
            go_on.wait(20)

        def close(self) -> None:
            super().close()
            open_hits.remove(self)

    monkeypatch.setattr("praxmonitor.views.log_reading.LogHits", Held)
    async with at_logs(fleet) as (app, pilot):
        view = log_screen(app)
        view.choose_log(str(path.with_name("app.log")))
        await said(app, pilot, "app.log")
        await pilot.press("slash", *"needle", "enter")
        await until(pilot, reached.is_set, "the search begins")
        view.choose_log(str(path))
        go_on.set()
        await said(app, pilot, "b.log", "'needle': ")
        await until(pilot, lambda: len(open_hits) == 1, "the former log's search has ended")
        await pilot.press("slash", *"INFO", "enter")
        await said(app, pilot, "INFO': ")
        await until(pilot, lambda: len(open_hits) == 1, "so has what was searched for before")
    wait_until(lambda: not open_hits, 20, "with the view the last one ends")


async def test_a_list_that_has_no_room_is_made_for_nobody_and_is_there_once_it_has(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_log(fleet, [stamped(n, f"INFO {n}") for n in range(60)])
    made: list[int] = []
    show = LogChoices.show

    def counted(self: LogChoices, *words: Any) -> None:
        made.append(1)
        show(self, *words)

    async with at_logs(fleet) as (app, pilot):
        view = log_screen(app)
        await until(pilot, on(app, "INFO"), "the log is shown")
        monkeypatch.setattr(LogChoices, "show", counted)
        view._draw()
        assert not made
        await pilot.resize_terminal(220, 20)
        await until(pilot, lambda: bool(made) and "app.log" in text_of(app), "the list is there")
        drawn = len(made)
        view._draw()
        assert len(made) > drawn
