"""What Textual and Rich remember stays small, however long the screen is open."""

from __future__ import annotations

import gc

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from praxmonitor.app import library_caches
from praxmonitor.app.library_caches import MOST_ANSWERS, large_caches, shrink
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, text_of, until, workspace


def _ask(texts: range) -> None:
    for number in texts:
        cell_len(f"text {number}")
        Region(number, 0, 10, 1).intersection(Region(0, 0, 80, 24))
        Segment(f"… {number}", Style()).split_cells(1)


def _answers() -> int:
    return max(one.cache_info().currsize for one in large_caches())


def test_what_is_never_asked_again_goes() -> None:
    """Three times as many answers as may be kept, of a function, a method and a class method: none is kept."""
    for turn in range(3):
        _ask(range(turn * MOST_ANSWERS, (turn + 1) * MOST_ANSWERS))
    names = {one.__qualname__ for one in large_caches() if one.cache_info().currsize > MOST_ANSWERS}
    assert names >= {"cached_cell_len", "Region.intersection", "Segment._split_cells"}
    shrink(())
    assert _answers() <= MOST_ANSWERS


def test_what_is_asked_again_and_again_stays() -> None:
    """A painting's own answers are not thrown away."""
    for one in large_caches():
        one.cache_clear()
    _ask(range(MOST_ANSWERS // 4))
    before = _answers()
    shrink(())
    assert _answers() == before >= MOST_ANSWERS // 4


@pytest.mark.anyio
async def test_the_screen_looks_after_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to press a key for it."""
    monkeypatch.setattr(library_caches, "SHRINK_PERIOD", 0.05)
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test() as pilot:
        _ask(range(3 * MOST_ANSWERS))
        assert _answers() > MOST_ANSWERS
        await until(pilot, lambda: _answers() <= MOST_ANSWERS, "what was asked once is forgotten")


def _strips() -> int:
    gc.collect()
    return sum(type(one) is Strip for one in gc.get_objects())


@pytest.mark.anyio
async def test_lines_that_stay_do_not_gather_pieces_of_past_paintings() -> None:
    """Beside lines that do not change others are painted, in ever other places: what was cut for that is let go."""
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "chapter two" in text_of(app), "the fleet is drawn")
        shrink(app.screen_stack)
        before = _strips()
        grid = app.screen.query_one("#grid")
        for column in range(16):
            grid.refresh(Region(column, 0, 20 + column, 1), Region(column, 30, 20 + column, 1))
            await pilot.pause()
        drawn = text_of(app)
        assert _strips() > before + 500
        shrink(app.screen_stack)
        assert _strips() < before + 200
        assert text_of(app) == drawn
