"""The grid in the app: it scrolls by whole rows, says what is out of view, and can put those in need first."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count, groupby

import pytest
from msgspec import structs
from textual import events
from textual.pilot import Pilot
from textual.strip import Strip

from mailcore.model.activity import Kind
from mailcore.model.fleet import AgentFacts, Fleet, State, Status
from mailcore.model.message import Mailbox, MailboxStatus
from praxmonitor.app.app import PraxApp
from praxmonitor.views import fleet as fleet_view
from praxmonitor.views.agent import AgentScreen
from praxmonitor.widgets.grid import Grid
from praxmonitor.widgets.line_list import Lines
from tests.clock import NOON
from tests.praxmonitor.fake_feed import (
    FakeFeed,
    act,
    agent_screen,
    app_on,
    facts,
    fleet_screen,
    lighthouse,
    many,
    text_of,
    until,
    workspace,
)

pytestmark = pytest.mark.anyio

SIZES = [(60, 24), (60, 14), (80, 24), (80, 19), (100, 17), (120, 30), (120, 36), (200, 31)]


async def grid_of(app: PraxApp, pilot: Pilot[None]) -> Grid:
    await until(pilot, lambda: app.snapshot.fleet.agents and "writer" in text_of(app), "the agents are shown")
    await pilot.pause()  # the lines are shared out once it is known how many agents there are
    return fleet_screen(app).grid


def heights(grid: Grid) -> set[float]:
    """Lines of each card in view: those between two lines that have no edge at the left, or where there is no line
    between two cards those of all, by their number."""
    edges = [line[:1] in ("▎", "█") for line in grid.lines.text.splitlines()]
    close = grid._layout.rows if grid._layout.pitch == grid._layout.height > 1 else 1
    return {len(list(lines)) / close for edge, lines in groupby(edges) if edge}


def marked(grid: Grid) -> int:
    """Lines in view that wear the mark of the selected agent."""
    return sum("█" in line for line in grid.lines.text.splitlines())


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_no_card_is_ever_shown_in_part_and_the_selected_one_is_always_whole(size: tuple[int, int]) -> None:
    fleet = many(12)
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=size) as pilot:
        grid = await grid_of(app, pilot)
        tall = heights(grid)
        assert len(tall) == 1 and tall <= {2, 3, 4}
        for key in ("j", "j", "j", "l", "G", "k", "h", "pageup", "pagedown", "g"):
            await pilot.press(key)
            assert heights(grid) == tall and {marked(grid)} == tall, f"after {key}"
        for way in (events.MouseScrollDown, events.MouseScrollUp):
            for _ in range(4):
                grid.lines.post_message(way(grid.lines, 5, 5, 0, 1, 0, False, False, False))
                await pilot.pause()
                assert heights(grid) == tall and {marked(grid)} == tall, "after the wheel"
        assert "writer" in grid.lines.text, "back at the top"


async def test_every_size_between_shows_whole_cards_or_lines() -> None:
    fleet = many(12)
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(80, 24)) as pilot:
        grid = await grid_of(app, pilot)
        await pilot.press("G")
        for height in range(30, 7, -1):
            await pilot.resize_terminal(80, height)
            await pilot.pause()
            assert app.size.height == height and (len(heights(grid)) <= 1 or grid._layout.height == 1)
            assert marked(grid) == grid._layout.height, f"the selected one is whole at {height} lines"


async def test_the_wheel_scrolls_by_rows_and_takes_the_selection_along() -> None:
    fleet = many(30)
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(80, 24)) as pilot:
        grid = await grid_of(app, pilot)
        grid.lines.post_message(events.MouseScrollDown(grid.lines, 5, 5, 0, 1, 0, False, False, False))
        await until(pilot, lambda: "writer" not in grid.lines.text, "a row is out of view")
        assert grid.selected == "@researcher" and "1 more above" in grid.lines.text


async def test_the_keys_stay_in_their_column_at_the_first_and_the_last_row() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(80, 24)) as pilot:
        grid = await grid_of(app, pilot)
        await pilot.press("l", "k")
        assert grid.selected == "@researcher"
        await pilot.press("G", "j")
        assert grid.selected == "@archivist"


def reversed_crowd() -> Fleet:
    """Thirty; those in trouble are the last in the registry."""
    fleet = many(30)
    return structs.replace(fleet, agents=fleet.agents[::-1])


async def test_the_foot_says_what_is_out_of_view_and_n_finds_it() -> None:
    fleet = reversed_crowd()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "helper-30" in text_of(app), "the agents are shown")
        grid = fleet_screen(app).grid
        seen = grid._layout.rows
        assert f"{30 - seen} more below, ⊠ 1 unreadable  ✗ 1 failed  ? 1 waiting  ! 1 silent" in grid.lines.text
        await pilot.press("n")
        assert grid.selected == "@checker" and "checker" in grid.lines.text
        assert "more above" in grid.lines.text and "⊠" not in grid.lines.text.splitlines()[-1]
        await pilot.press("G")
        assert grid.lines.text.splitlines()[-1].strip() == f"{30 - seen} more above"
        app.project.show(torn(fleet, "@helper-30"))
        await until(pilot, lambda: "more above, ⊠ 1 unreadable" in grid.lines.text, "what changes out of view is told")


def torn(fleet: Fleet, name: str) -> Fleet:
    """The same, but one agent's mailbox cannot be read."""
    mailbox = Mailbox(MailboxStatus.UNREADABLE, reason="torn")
    agents = (structs.replace(known, mailbox=mailbox) if known.address == name else known for known in fleet.agents)
    return structs.replace(fleet, agents=tuple(agents))


async def test_o_puts_those_in_need_first_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_view, "REST", 0.02)
    fleet, feed = many(30), FakeFeed(many(30))
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(80, 24)) as pilot:
        grid = await grid_of(app, pilot)
        registry = grid.addresses
        await pilot.press("G", "o")
        first = ("@checker", "@editor", "@builder", "@reviewer", "@writer", "@researcher")
        assert grid.addresses == (*first, *(address for address in registry if address not in first))
        assert grid.selected == "@checker" and "attention first" in grid.lines.text
        await pilot.press("enter", "escape")
        assert "attention first" in text_of(app), "it is remembered"
        needing = []
        for _ in range(4):
            await pilot.press("n")
            needing.append(grid.selected)
        assert set(needing) == set(first[:4]), "each of those that need the operator"
        await pilot.press("g")
        calm = structs.replace(fleet.agents[0], open=())
        feed.put(structs.replace(fleet, agents=(calm, *fleet.agents[1:])))
        await until(pilot, lambda: app.snapshot.status("@writer").state is State.WORKING, "its tool ended")
        assert grid.addresses[:6] == first, "the class of its state is the same"
        feed.put(torn(fleet, "@helper-20"))
        await until(pilot, lambda: grid.addresses[4] == "@helper-20", "it moves up, behind those before it")
        assert grid.selected == "@checker"
        await pilot.press("o")
        assert grid.addresses == registry and grid.selected == "@checker"
        assert "attention first" not in text_of(app)


async def test_nobody_changes_place_while_the_selection_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_view, "REST", 3600.0)
    fleet = many(30)
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(80, 24)) as pilot:
        grid = await grid_of(app, pilot)
        await pilot.press("o", "j")
        before = grid.addresses
        app.project.show(torn(fleet, "@helper-20"))
        await pilot.pause()
        assert app.snapshot.status("@helper-20").state is State.UNREADABLE and grid.addresses == before
        await pilot.press("o", "o")
        assert grid.addresses[4] == "@helper-20", "who asks for the order gets it at once"


async def test_n_shows_one_in_need_whole_that_a_filter_hides() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await grid_of(app, pilot)
        await pilot.press("slash", *"writer", "enter", "n")
        await until(pilot, lambda: isinstance(app.screen, AgentScreen), "it is shown")
        assert agent_screen(app).selected in app.snapshot.needs_me()


def calm(known: AgentFacts) -> AgentFacts:
    return facts(known.address[1:], activities=(act(known.address[1:], Kind.LOG, "page 1", 60),))


# From 30 and from 42 lines on there is just enough to spare for the stream.
@pytest.mark.parametrize("size", [(80, 24), (80, 29), (80, 30), (80, 31), (160, 41), (160, 42), (160, 43)], ids=str)
async def test_an_alarm_that_comes_moves_no_card(size: tuple[int, int]) -> None:
    fleet = lighthouse()
    feed = FakeFeed(structs.replace(fleet, agents=tuple(calm(known) for known in fleet.agents)))
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=size) as pilot:
        grid = await grid_of(app, pilot)
        await pilot.pause()
        bar, before = app.screen.query_one("#alarm-bar"), grid.lines.region
        assert not bar.display
        feed.put(fleet)
        await until(pilot, lambda: bar.display and bar.region.height, "the alarm is told")
        await pilot.pause()
        assert grid.lines.region == before


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=str)
async def test_a_card_is_painted_again_when_its_agent_changes_and_only_then(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody moves, and the selection stays: one agent's tool ended, and its card alone says so."""
    fleet = lighthouse()
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=size) as pilot:
        grid = await grid_of(app, pilot)
        await pilot.pause()
        painted: set[int] = set()

        def render_line(y: int) -> Strip:
            painted.add(y)
            return Lines.render_line(grid.lines, y)

        monkeypatch.setattr(grid.lines, "render_line", render_line)
        assert "◆ writer" in text_of(app)
        changed = structs.replace(fleet.agents[0], open=())
        feed.put(structs.replace(fleet, agents=(changed, *fleet.agents[1:])))
        await until(pilot, lambda: app.snapshot.status("@writer").state is State.WORKING, "its tool ended")
        await until(pilot, lambda: "● writer" in text_of(app), "its card says so")
        assert len(painted) <= max(heights(grid)), "of the others nothing is painted"


def few(count: int) -> Fleet:
    """The first agents of the lighthouse."""
    fleet = lighthouse()
    return structs.replace(fleet, agents=fleet.agents[:count])


@pytest.mark.parametrize("width", [60, 80, 120, 200])
async def test_what_few_agents_leave_over_is_the_streams_at_once_on_resize(width: int) -> None:
    fleet = few(4)
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(width, 60)) as pilot:
        grid = await grid_of(app, pilot)
        stream = fleet_screen(app).stream.lines
        await pilot.pause()
        assert heights(grid) == {5} and "checker" in grid.lines.text, "the cards are whole, and as high as they can be"
        assert grid.lines.text.splitlines()[-1].startswith("▎"), "nothing is left over below them"
        assert stream.region.y == grid.lines.region.bottom and stream.region.bottom == 59
        await pilot.resize_terminal(width, 22)
        await until(pilot, lambda: stream.region.height <= 10, "a low one has few")
        assert heights(grid) <= {4, 5} and stream.region.width == width
        await pilot.resize_terminal(width, 60)
        await until(pilot, lambda: stream.region.height > 30, "and all the others again")


async def test_an_alarm_and_a_filter_move_no_card_where_the_stream_has_the_rest() -> None:
    fleet = few(4)
    feed = FakeFeed(structs.replace(fleet, agents=tuple(calm(known) for known in fleet.agents)))
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(160, 60)) as pilot:
        grid = await grid_of(app, pilot)
        bar, before = app.screen.query_one("#alarm-bar"), grid.lines.region
        stream = fleet_screen(app).stream.lines
        below = stream.region
        feed.put(fleet)
        await until(pilot, lambda: bar.display and bar.region.height, "the alarm is told")
        await pilot.pause()
        assert (grid.lines.region, stream.region) == (before, below) and below.height > 40
        await pilot.press("slash", *"edi")
        await until(pilot, lambda: "writer" not in grid.lines.text, "it filters")
        assert grid.lines.region == before and heights(grid) == {5}
        assert stream.region.height == below.height - 1, "the stream gives the filter its line"
        await pilot.press("escape")
        await until(pilot, lambda: stream.region == below, "and has it again")


async def test_a_low_terminal_has_no_stream() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(80, 16)) as pilot:
        grid = await grid_of(app, pilot)
        stream = fleet_screen(app).stream.lines
        assert not stream.display and "archivist" in grid.lines.text
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: stream.display, "it has its place again")


async def test_in_a_frame_the_row_of_who_was_quiet_is_drawn_and_no_other() -> None:
    fleet = many(30)
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(200, 30)) as pilot:
        grid = fleet_screen(app).grid
        await until(pilot, lambda: grid.addresses, "the agents are shown")
        snapshot = app.snapshot
        order = grid.addresses

        def after(now: float, *names: str) -> None:
            def told(one: AgentFacts) -> AgentFacts:
                news = act(one.address[1:], Kind.LOG, f"news at {now:g}", 0)
                return structs.replace(one, activities=(*one.activities, news)) if one.address in names else one

            agents = tuple(map(told, fleet.agents))
            grid.show_newest(agents, snapshot.statuses, snapshot.now + now)

        first, second, unseen = order[0], order[1], order[-1]
        after(1.0, first)
        assert "news at 1" in grid.lines.text
        after(1.02, first, second, unseen)
        assert grid.lines.text.count("news at 1.02") == 1, "the first changed a moment ago"
        assert grid.addresses == order
        after(1.2, first)
        assert "news at 1.2" in grid.lines.text
        after(1.21, first)
        assert "news at 1.21" not in grid.lines.text
        snapshot = replace(snapshot, statuses={**snapshot.statuses, first: Status(State.FAILED, "exit 1")})
        after(1.22, first)
        assert "news at 1.22" in grid.lines.text, "another state is seen at once"
        alone = structs.replace(fleet.agents[0], activities=(act("writer", Kind.LOG, "all alone", 0),))
        grid.show_newest([alone], {first: snapshot.statuses[first]}, snapshot.now + 2)
        assert "all alone" in grid.lines.text and grid.addresses == order, "who left stands there until all is drawn"


async def test_within_a_frame_a_row_is_drawn_and_the_rest_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = many(30)
    feed = FakeFeed(fleet)
    moments = count(NOON)
    app = app_on(feed, workspace(fleet), clock=lambda: next(moments))
    monkeypatch.setattr(app.project, "look_again", lambda: None)  # the clock's tick shows all, too
    async with app.run_test(size=(200, 50)) as pilot:
        await until(pilot, lambda: fleet_screen(app).grid.addresses, "the agents are shown")
        shown, project = app.snapshot, app.project
        project._next_frame = asyncio.get_running_loop().time() + 60
        first = fleet.agents[0]
        news = act(first.address[1:], Kind.LOG, "the newest word", 0)
        agents = (structs.replace(first, activities=(*first.activities, news)), *fleet.agents[1:])
        feed.put(structs.replace(fleet, agents=agents, stream=(*fleet.stream, news)))
        await until(pilot, lambda: "the newest word" in fleet_screen(app).grid.lines.text, "its row is drawn")
        assert app.snapshot is shown and "the newest word" not in fleet_screen(app).stream.lines.text
        assert project._waiting is not None
        project._waiting.cancel()
        project._next_frame = 0.0
        project._end_frame()
        assert app.snapshot.fleet.agents == agents and "the newest word" in fleet_screen(app).stream.lines.text
