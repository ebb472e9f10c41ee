"""The list of the agents in the app: table, order, pins, filter, marks, and that what was chosen is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs
from textual.pilot import Pilot

from mailcore.model.activity import Kind
from mailcore.model.fleet import Fleet
from mailcore.workspace import presence
from praxmonitor.actions import kills, requests, sending
from praxmonitor.app import away
from praxmonitor.app.app import PraxApp
from praxmonitor.dialogs.arrange import ArrangeScreen
from praxmonitor.dialogs.compose import ComposeScreen
from praxmonitor.dialogs.confirm import ConfirmScreen
from praxmonitor.feed.playback import Playback
from praxmonitor.preferences.arrangement import Arrangement
from praxmonitor.text.letters import Letter
from praxmonitor.views import agent_listing
from praxmonitor.views import fleet as fleet_view
from praxmonitor.widgets.grid import Grid
from tests.clock import NOON, Clock
from tests.praxmonitor.fake_feed import FakeFeed, act, app_on, facts, fleet_screen, lighthouse, many, text_of, until
from tests.praxmonitor.fake_feed import workspace as workspace_of

pytestmark = pytest.mark.anyio


def opened(fleet: Fleet, clock: Clock | None = None) -> PraxApp:
    return app_on(FakeFeed(fleet), workspace_of(fleet), clock=clock)


async def grid_of(app: PraxApp, pilot: Pilot[None]) -> Grid:
    await until(pilot, lambda: app.snapshot.fleet.agents and "writer" in text_of(app), "the agents are shown")
    await pilot.pause()
    return fleet_screen(app).grid


async def test_v_shows_few_as_a_table_and_many_as_cards_and_it_is_kept() -> None:
    app = opened(lighthouse())
    async with app.run_test(size=(120, 36)) as pilot:
        grid = await grid_of(app, pilot)
        assert grid._layout.height > 1
        await pilot.press("v")
        await until(pilot, lambda: grid._layout.height == 1, "a table")
        assert "agent          ✉" in grid.lines.text and app.preferences.fleet == Arrangement(table=True)
        await pilot.press("v")
        await until(pilot, lambda: grid._layout.height > 1, "cards")
        assert app.preferences.fleet == Arrangement(table=False)
    app = opened(many(30))
    async with app.run_test(size=(120, 36)) as pilot:
        grid = await grid_of(app, pilot)
        assert grid._layout.height == 1
        await pilot.press("v")
        await until(pilot, lambda: grid._layout.height > 1, "cards of thirty")
        assert "more below" in grid.lines.text


async def test_columns_order_and_groups_are_chosen_in_a_dialog_and_esc_changes_nothing() -> None:
    app = opened(many(30))
    async with app.run_test(size=(140, 40)) as pilot:
        grid = await grid_of(app, pilot)
        await pilot.press("V")
        await until(pilot, lambda: isinstance(app.screen, ArrangeScreen), "the dialog")
        await pilot.press("space", "j", "greater_than_sign", "s", "s", "u", "enter")
        await until(pilot, lambda: not isinstance(app.screen, ArrangeScreen), "it is closed")
        kept = app.preferences.fleet
        assert kept == Arrangement(
            columns=("since", "state", "task", "cost", "now", "age"), sort="name", group="directory"
        )
        head = grid.lines.text.splitlines()[0]
        assert "✉" not in head and head.index("since") < head.index("state") and "group" in head
        assert grid.addresses == tuple(sorted(grid.addresses)) and "by name, grouped by directory" in grid.lines.text
        await pilot.press("V", "s", "escape")
        await until(pilot, lambda: not isinstance(app.screen, ArrangeScreen), "it is closed")
        assert app.preferences.fleet is kept


async def test_the_activity_of_twenty_minutes_is_counted_also_behind_another_view() -> None:
    fleet = many(14)
    app = opened(fleet)
    async with app.run_test(size=(200, 40)) as pilot:
        grid = await grid_of(app, pilot)
        fleet_screen(app).list_as(Arrangement(columns=("state", "activity")))
        drawn = next(line for line in grid.lines.text.splitlines() if "archivist" in line)
        assert drawn.rstrip().endswith("·" * 9), (
            "nothing is known of the time before, and nothing was done in this span"
        )
        await pilot.press("4")
        await until(pilot, lambda: app.screen is not app.screen_stack[0], "the stream")
        done = tuple(act("archivist", Kind.LOG, f"page {number}", 0.0 + number / 10) for number in range(9, -1, -1))
        agents = tuple(
            facts("archivist", activities=done) if one.address == "@archivist" else one for one in fleet.agents
        )
        app.project.show(Fleet(fleet.root, agents, fleet.operator, at=NOON))
        await pilot.press("1")
        await until(pilot, lambda: "·▄" in grid.lines.text, "ten are half of the steps")
        assert grid.lines.text.count("▄") == 1


async def test_a_pinned_agent_stands_first_until_it_is_no_more() -> None:
    app = opened(lighthouse())
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        grid = await grid_of(app, pilot)
        await pilot.press("G", "p")
        await until(pilot, lambda: grid.addresses[0] == "@archivist", "it stands first")
        assert grid.selected == "@archivist" and app.preferences.fleet.pinned == ("@archivist",)
        await pilot.press("p")
        await until(pilot, lambda: grid.addresses[0] == "@writer", "the registry's order")
        assert not app.preferences.fleet.pinned


async def test_no_agent_changes_its_place_while_the_operator_moves_nor_at_each_sign_of_life() -> None:
    fleet, clock = lighthouse(), Clock()
    app = opened(fleet, clock)
    async with app.run_test(size=(120, 36)) as pilot:
        grid = await grid_of(app, pilot)
        fleet_screen(app).list_as(Arrangement(sort="longest quiet"))
        assert grid.addresses[0] == "@archivist"
        awake = facts("archivist", activities=(act("archivist", Kind.LOG, "awake", 0),))
        app.project.show(Fleet(fleet.root, (*fleet.agents[:-1], awake), fleet.operator, at=NOON))
        await until(pilot, lambda: "awake" in text_of(app), "its sign of life is shown")
        assert grid.addresses[0] == "@archivist", "values that change all the time are looked at now and then"
        await pilot.press("h")
        await pilot.pause()
        clock.now += agent_listing.RESORT + 1
        app.project.look_again()
        await pilot.pause()
        assert grid.addresses[0] == "@archivist", "the cursor was moved just now"
        await until(pilot, lambda: grid.addresses[0] != "@archivist", "at rest", fleet_view.REST + 5)
        assert grid.addresses[-1] == "@archivist"


async def test_the_filter_speaks_a_language_is_shown_while_it_holds_and_esc_drops_it() -> None:
    app = opened(many(30))
    async with app.run_test(size=(120, 36)) as pilot:
        grid = await grid_of(app, pilot)
        await pilot.press("slash", *"!@helper state:fa", "enter")
        await until(pilot, lambda: grid.addresses == ("@builder",), "one is left")
        assert "!@helper state:fa" in text_of(app) and "1 of 30 shown" in text_of(app)
        await pilot.press("slash", *"!@helper state:fax")
        await until(pilot, lambda: "no state 'fax': starting" in text_of(app), "a bad filter says so")
        assert len(grid.addresses) == 8, "what can be understood of it holds"
        await pilot.press("escape")
        await until(pilot, lambda: len(grid.addresses) == 30, "all are back")
        assert "shown" not in grid.lines.text


async def test_what_is_typed_right_after_the_slash_is_no_key() -> None:
    """Seen in a slow terminal: `/wri` woke an agent, asked for a retry and opened the inbox."""
    app = opened(lighthouse())
    async with app.run_test(size=(120, 36)) as pilot:
        grid = await grid_of(app, pilot)
        fleet_screen(app).open_filter()
        assert app.focused is not None and app.focused.id == "filter", "before anything else is done"
        await pilot.press(*"wri")
        await until(pilot, lambda: grid.addresses == ("@writer",), "it is typed")


async def test_space_marks_and_goes_on_and_acts_take_the_marked() -> None:
    app = opened(lighthouse())
    async with app.run_test(size=(120, 36)) as pilot:
        grid = await grid_of(app, pilot)
        await pilot.press("space", "space")
        view = fleet_screen(app)
        assert list(view.marked) == ["@writer", "@researcher"] and grid.selected == "@editor"
        assert "◆*writer" in grid.lines.text and "2 marked" in grid.lines.text
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen), "the form")
        assert app.screen.query_one("#to").value == "@writer @researcher"  # type: ignore[attr-defined]
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is view, "back")
        await pilot.press("h", "space")
        assert list(view.marked) == ["@writer"]
        await pilot.press("escape")
        assert list(view.marked) == [] and "marked" not in grid.lines.text


async def test_an_asterisk_marks_all_that_are_shown_and_none_again() -> None:
    app = opened(many(30))
    async with app.run_test(size=(120, 36)) as pilot:
        await grid_of(app, pilot)
        view = fleet_screen(app)
        await pilot.press("slash", *"helper", "enter", "asterisk")
        assert len(view.marked) == 22 and "22 marked" in text_of(app)
        await pilot.press("escape", "g", "space")
        assert len(view.marked) == 23, "the filter is gone, the marks are not"
        await pilot.press("slash", *"writer", "enter")
        assert list(view.marked) == ["@writer"] and "22 of them hidden and left alone" in text_of(app)
        await pilot.press("escape", "asterisk")
        assert len(view.marked) == 30
        app.project.show(lighthouse())
        await until(pilot, lambda: "8 marked" in text_of(app), "who left the registry is marked no more")
        await pilot.press("asterisk")
        assert list(view.marked) == []


async def test_shift_and_an_arrow_mark_a_range_that_grows_and_shrinks_and_leaves_other_marks() -> None:
    app = opened(many(30))
    async with app.run_test(size=(120, 36)) as pilot:
        grid = await grid_of(app, pilot)
        view = fleet_screen(app)
        await pilot.press("G", "space", "g", "j")
        first = grid.addresses.index(grid.selected)
        await pilot.press(*["shift+down"] * 4)
        assert view.marked == (*grid.addresses[first : first + 5], grid.addresses[-1])
        await pilot.press(*["shift+up"] * 5)
        assert view.marked == (*grid.addresses[first - 1 : first + 1], grid.addresses[-1]), "back, and beyond the start"
        await pilot.press("j", "j", "j", "shift+down")
        assert len(view.marked) == 5, "moved in between, another range begins: the first stays"


async def test_of_cards_shift_and_an_arrow_mark_all_between_as_one_reads() -> None:
    app = opened(lighthouse())
    async with app.run_test(size=(120, 36)) as pilot:
        grid = await grid_of(app, pilot)
        across = grid._layout.columns
        await pilot.press("shift+down", "shift+right")
        assert fleet_screen(app).marked == grid.addresses[: across + 2]


ROUTES = {
    "shift": (["shift+down", "shift+down"], "", []),
    "filter": (["slash"], "!archivist", ["enter", "asterisk"]),
}


@pytest.mark.parametrize("route", ROUTES)
async def test_a_task_to_five_takes_six_keys_beside_what_is_typed_and_nobody_is_marked_then(
    route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Letter] = []

    def send(_workspace: object, _config: object, letter: Letter) -> str:
        sent.append(letter)
        return f"dispatch to {letter.to}"

    monkeypatch.setattr(sending, "send_letter", send)
    app = opened(lighthouse())
    before, word, after = ROUTES[route]
    in_form = ["d", "tab", "ctrl+s"]
    assert len(before) + len(after) + len(in_form) <= 6
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await grid_of(app, pilot)
        view = fleet_screen(app)
        await pilot.press(*before, *word, *after)
        marked = view.marked
        assert len(marked) >= 5
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "the form")
        await pilot.press(*"Report", "tab", *"All", "escape")
        await until(pilot, lambda: "press esc again" in text_of(app), "no draft is kept here")
        assert view.marked == marked, "nothing was sent"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is view, "sent")
        assert sent[0].addresses == list(marked) and (sent[0].subject, sent[0].body) == ("Report", "All")
        assert view.marked == () and "marked" not in text_of(app)
        shown = len(lighthouse().agents) - (route == "filter")
        assert len(view.grid.addresses) == shown, "the filter stays"


async def test_one_question_lists_all_that_would_be_killed_and_no_is_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killed: list[str] = []
    monkeypatch.setattr(requests, "is_locked", lambda *_: False)

    def kill(_workspace: object, _config: object, address: str, _lock: object) -> str:
        killed.append(address)
        return f"kill {address}"

    monkeypatch.setattr(kills, "kill", kill)
    app = opened(lighthouse())
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await grid_of(app, pilot)
        await pilot.press("asterisk", "D")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "the question")
        drawn = text_of(app)
        assert "Kill 4 runs of the marked agents?" in drawn and "4 others of those marked cannot" in drawn
        assert all(name in drawn for name in ("@writer", "@researcher", "@editor", "@checker", "Write chapter two"))
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen), "no")
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "the question")
        await pilot.press("y")
        await until(pilot, lambda: len(killed) == 4, "they are killed")
        assert killed == ["@writer", "@researcher", "@editor", "@checker"]
        await until(pilot, lambda: fleet_screen(app).marked == (), "what they were marked for is done")


async def test_what_is_asked_of_the_marked_goes_on_where_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[str] = []

    def hold(_: object, address: str) -> str:
        if address == "@researcher":
            raise OSError("its directory is gone")
        held.append(address)
        return f"hold {address}"

    monkeypatch.setattr(requests, "hold", hold)
    app = opened(lighthouse())
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await grid_of(app, pilot)
        await pilot.press("space", "space", "space", "H")
        await until(pilot, lambda: "its directory is gone; asked all the same: hold @writer" in text_of(app), "told")
        assert held == ["@writer", "@editor"]
        assert len(fleet_screen(app).marked) == 3, "what was refused can be asked for again"


async def test_retry_and_wake_of_the_marked_take_those_that_they_can(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[str] = []

    def wake(_workspace: object, _config: object, address: str) -> str:
        woken.append(address)
        return f"wake {address}"

    monkeypatch.setattr(requests, "wake", wake)
    app = opened(lighthouse())
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await grid_of(app, pilot)
        await pilot.press("asterisk", "w")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "the question")
        assert "Wake 4 agents?" in text_of(app) and "@archivist" in text_of(app)
        await pilot.press("y")
        await until(pilot, lambda: len(woken) == 4, "they are woken")
        assert woken == ["@builder", "@planner", "@reviewer", "@archivist"]
        await until(pilot, lambda: fleet_screen(app).marked == (), "they are marked no more")
        await pilot.press("asterisk", "r")
        await until(pilot, lambda: "Run the last tasks of 2 agents again?" in text_of(app), "the question")
        await pilot.press("escape")


async def test_in_a_replay_space_is_pause() -> None:
    fleet = lighthouse()
    playback = Playback(NOON, 1)
    app = app_on(FakeFeed(fleet), workspace_of(fleet), playback=playback)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.snapshot.fleet.agents, "the agents are shown")
        await pilot.press("space")
        await until(pilot, lambda: "paused" in app.playing, "it stands still")
        assert fleet_screen(app).marked == ()


async def test_the_header_says_that_the_operator_is_away_until_he_acts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    fleet = structs.replace(lighthouse(), root=tmp_path)
    where, clock = workspace_of(fleet), Clock()
    presence.set_away(where, "15:00\x1b[2J")
    app = app_on(FakeFeed(fleet), where, clock=clock, live=True)
    async with app.run_test(size=(200, 36)) as pilot:
        await until(pilot, lambda: app.opened.away, "it is read")
        await until(pilot, lambda: "you are away until 15:00" in text_of(app), "it is said")
        assert "\x1b" not in text_of(app)
        presence.key_pressed(where)
        clock.now += away.AWAY_PERIOD + 1
        await until(pilot, lambda: "you are away" not in text_of(app), "he is here")
        assert presence.away_until(where) == ""


async def test_at_two_hundred_columns_the_agents_have_two_thirds_and_the_detail_tells_more() -> None:
    app = opened(many(12))
    async with app.run_test(size=(200, 50)) as pilot:
        grid = await grid_of(app, pilot)
        assert grid._layout.columns == 3 and grid._layout.height == 5
        assert fleet_screen(app).detail.lines.size.width < 70 and "lately" in fleet_screen(app).detail.lines.text
