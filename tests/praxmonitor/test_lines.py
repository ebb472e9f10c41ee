"""The lines that are painted: what of them is painted again, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.strip import Strip

from praxmonitor.text.lines import Line, changed_cells, fit
from praxmonitor.widgets.line_list import Lines
from tests.praxmonitor.fake_feed import until

SPANS = st.tuples(st.sampled_from(("", "a", "ab", "日", "日b")), st.sampled_from(("", "muted", "strong")))
LINES = st.lists(SPANS, max_size=6).map(tuple)


def cells(line: Line, width: int) -> list[tuple[str, str]]:
    """What stands in each cell of a line that is drawn in so many, and its roles."""
    return [(sign, roles) for text, roles in fit(line, width) for sign in text for _ in range(1 + (sign == "日"))]


@given(LINES, LINES, st.integers(1, 14))
def test_no_cell_beyond_those_that_are_said_to_differ_does(before: Line, after: Line, width: int) -> None:
    start, end = changed_cells(before, after)
    old, new = cells(before, width), cells(after, width)
    assert old[:start] == new[:start] and old[end:] == new[end:]


def test_a_clock_that_ticks_changes_its_own_cells_alone() -> None:
    before: Line = (("lighthouse", "strong"), ("    ", ""), ("12:00", "muted"))
    assert changed_cells(before, (*before[:2], ("12:01", "muted"))) == (14, 19)
    assert changed_cells(before, (("Lighthouse", "strong"), *before[1:])) == (0, 10)
    assert changed_cells(before, before[:2]) == (14, 19), "what is left over is drawn blank"


class Counted:
    """Lines that note which of them were made."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.made: set[int] = set()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> Line:
        self.made.add(place)
        return ((f"line {place}", ""),)


class Page(App[None]):
    """Lines, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = Lines()

    def compose(self) -> ComposeResult:
        yield self.lines

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {**dict.fromkeys(VARIABLES, "#808080"), "selected-style": "none"}


def variables() -> Iterator[str]:
    """The names that the stylesheet of the lines wants of a theme."""
    for part in Lines.DEFAULT_CSS.split("$")[1:]:
        yield part.partition(";")[0]


VARIABLES = tuple(set(variables()) - {"background", "surface", "panel"})


@pytest.mark.anyio
async def test_of_a_thousand_lines_those_in_view_are_made() -> None:
    page, many = Page(), Counted(1000)
    async with page.run_test(size=(40, 10)) as pilot:
        page.lines.set_lines(many)
        await pilot.pause()
        assert many.made and max(many.made) < 10
        page.lines.step("last")
        await until(pilot, lambda: 999 in many.made, "the last one is in view")
        assert len(many.made) <= 20
        others = Counted(1000)
        page.lines.set_lines(others)
        await pilot.pause()
        assert min(others.made, default=999) >= 990, "nor are those out of view compared"


@pytest.mark.anyio
async def test_a_line_that_did_not_change_is_not_painted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page()
    async with page.run_test(size=(40, 10)) as pilot:
        said: list[Line] = [((f"line {number}", ""),) for number in range(10)]
        page.lines.set_lines(said)
        await pilot.pause()
        painted: list[int] = []

        def render_line(y: int) -> Strip:
            painted.append(y)
            return Lines.render_line(page.lines, y)

        monkeypatch.setattr(page.lines, "render_line", render_line)
        page.lines.set_lines([*said[:4], (("another", ""),), *said[5:]])
        await until(pilot, lambda: painted, "it is painted")
        assert set(painted) == {4}


@pytest.mark.anyio
async def test_a_list_that_overflows_already_grows_without_laying_out_the_screen() -> None:
    page = Page()
    async with page.run_test(size=(40, 10)) as pilot:
        page.lines.set_lines(Counted(50))
        await until(pilot, lambda: page.lines.vertical_scrollbar.window_virtual_size == 50, "they are shown")
        await pilot.pause()
        laid_out: list[object] = []
        page.screen.screen_layout_refresh_signal.subscribe(page.screen, laid_out.append, immediate=True)
        page.lines.set_lines(Counted(70))
        assert page.lines.max_scroll_y == 60 and page.lines.vertical_scrollbar.window_virtual_size == 70
        page.lines.jump(60)
        await until(pilot, lambda: "line 69" in page.lines.render_line(9).text, "its end is shown")
        page.lines.set_lines(Counted(40))
        assert page.lines.scroll_offset.y == page.lines.max_scroll_y == 30, "it is scrolled to what there is"
        await pilot.pause()
        assert not laid_out
        page.lines.set_lines(Counted(5))
        await until(pilot, lambda: laid_out, "without a scrollbar the lines are wider")
        assert not page.lines.show_vertical_scrollbar
