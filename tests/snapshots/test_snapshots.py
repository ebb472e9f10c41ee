"""What every screen looks like, at the two sizes that must always be right."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from mailcore.model.fleet import Fleet
from praxmonitor.actions.confirm_texts import victim_lines
from praxmonitor.actions.kills import Victim
from praxmonitor.app.app import PraxApp
from praxmonitor.dialogs.choose import ChooseScreen
from praxmonitor.dialogs.confirm import ConfirmScreen
from praxmonitor.state.agent_details import AgentDetails, WaitingStart
from praxmonitor.views.agent import AgentScreen
from praxmonitor.views.fleet import FleetScreen
from praxmonitor.widgets.detail import start_lines
from tests.clock import NOON
from tests.praxmonitor.fake_feed import (
    STUCK_SOON,
    FakeFeed,
    FakeSpeaker,
    app_on,
    lighthouse,
    many,
    text_of,
    troubled,
    until,
    workspace,
)

SIZES = [pytest.param((80, 24), id="80x24"), pytest.param((160, 48), id="160x48")]
Compare = Callable[..., bool]
Play = Callable[[Pilot[None]], Awaitable[None]]

DETAILS = AgentDetails(
    address="@writer",
    pid=4211,
    alive=True,
    started_at=NOON - 130,
    processes=3,
    cpu_percent=12.4,
    rss=84 << 20,
    log_name="attempt-1.stdout.log",
    log=tuple(f"12:00:{second:02} section {second} written, {second * 7} words" for second in range(40)),
)


def app_of(fleet: Fleet, theme: str = "prax-dark", *, device: bool = True) -> PraxApp:
    return app_on(FakeFeed(fleet), workspace(fleet), theme=theme, speaker=FakeSpeaker(device=device))


def after(*keys: str) -> Play:
    """Wait for the agents, put a reading of the process in, press keys, hold the cursors still."""

    async def play(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, PraxApp)
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await read(pilot)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.1)
        for box in (*app.screen.query(Input), *app.screen.query(TextArea)):
            box.cursor_blink = False
        if isinstance(app.screen, AgentScreen):
            await read(pilot)
        await pilot.pause(0.1)

    return play


async def read(pilot: Pilot[None]) -> None:
    """The first real reading finds no such process: wait for it, then put one in that never changes."""
    screen = pilot.app.screen
    assert isinstance(screen, FleetScreen | AgentScreen)
    await until(pilot, lambda: screen.reading.details is not None, "the process was looked for")
    screen.reading.show(DETAILS)


@pytest.mark.parametrize("size", SIZES)
def test_cards(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(lighthouse()), terminal_size=size, run_before=after())


@pytest.mark.parametrize("size", SIZES)
def test_rows(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(many(20)), terminal_size=size, run_before=after())


@pytest.mark.parametrize("size", SIZES)
def test_low_cards(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(many(12)), terminal_size=size, run_before=after())


def test_attention_first(snap_compare: Compare) -> None:
    fleet = many(40)
    fleet = replace(fleet, agents=fleet.agents[::-1])
    assert snap_compare(app_of(fleet), terminal_size=(80, 24), run_before=after("o"))


@pytest.mark.parametrize("size", SIZES)
def test_light(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(lighthouse(), "prax-light"), terminal_size=size, run_before=after())


@pytest.mark.parametrize("size", SIZES)
def test_no_device(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(lighthouse(), device=False), terminal_size=size, run_before=after())


@pytest.mark.parametrize("size", SIZES)
def test_agent(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(lighthouse()), terminal_size=size, run_before=after("enter"))


@pytest.mark.parametrize("size", SIZES)
def test_compose(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(lighthouse()), terminal_size=size, run_before=after("m"))


@pytest.mark.parametrize("size", SIZES)
def test_help(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(lighthouse()), terminal_size=size, run_before=after("question_mark"))


@pytest.mark.parametrize("size", SIZES)
def test_inbox(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        app = pilot.app
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("i", "j", "j", "enter")
        await until(pilot, lambda: "About bounce" in text_of(app), "the mail is read")

    assert snap_compare(app_of(lighthouse()), terminal_size=size, run_before=play)


@pytest.mark.parametrize("size", SIZES)
def test_alarms(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(lighthouse()), terminal_size=size, run_before=after("exclamation_mark", "j"))


@pytest.mark.parametrize("size", SIZES)
def test_alarms_of_one_cause(snap_compare: Compare, size: tuple[int, int]) -> None:
    """A group, what it hides, and an alarm that was acknowledged."""

    async def play(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "builder" in text_of(pilot.app), "the agents are shown")
        await read(pilot)
        await pilot.press("exclamation_mark", "a")
        await until(pilot, lambda: "acknowledged" in text_of(pilot.app), "the first is acknowledged")
        await pilot.pause(0.1)

    app = app_on(FakeFeed(troubled()), workspace(troubled()), config=STUCK_SOON)
    assert snap_compare(app, terminal_size=size, run_before=play)


@pytest.mark.parametrize("size", SIZES)
def test_mute_alarm(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(lighthouse()), terminal_size=size, run_before=after("exclamation_mark", "m", "tab"))


@pytest.mark.parametrize("size", SIZES)
def test_kill_all(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(lighthouse()), terminal_size=size, run_before=after("K"))


@pytest.mark.parametrize("size", SIZES)
def test_held(snap_compare: Compare, size: tuple[int, int]) -> None:
    fleet = lighthouse()
    why = "is held by @operator"
    at_work, idle = replace(fleet.agents[0], held=f"@writer {why}"), replace(fleet.agents[-1], held=f"@archivist {why}")
    fleet = replace(fleet, agents=(at_work, *fleet.agents[1:-1], idle))
    assert snap_compare(app_of(fleet), terminal_size=size, run_before=after())


@pytest.mark.parametrize("size", SIZES)
def test_no_match(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(lighthouse()), terminal_size=size, run_before=after("slash", *"nosuch"))


@pytest.mark.parametrize("size", SIZES)
def test_confirm(snap_compare: Compare, size: tuple[int, int]) -> None:
    victims = [
        Victim(4200, 0, "python -m mailcore.dispatch.supervisor /nowhere/lighthouse writer", NOON - 130),
        Victim(4211, 1, "claude -p --output-format stream-json", NOON - 130),
        Victim(4290, 2, "bash -c pytest -q", NOON - 12),
        Victim(4291, 3, "python -m pytest -q", NOON - 12),
    ]

    async def play(pilot: Pilot[None]) -> None:
        await after()(pilot)
        tree = partial(victim_lines, victims, NOON)
        subject = "Write chapter two, since 11:57:50"
        dialog = ConfirmScreen("Kill the run of @writer?", subject, tree, "Yes, kill", ends=True)
        pilot.app.push_screen(dialog)
        await until(pilot, lambda: "4291" in text_of(pilot.app), "the tree is shown")

    assert snap_compare(app_of(lighthouse()), terminal_size=size, run_before=play)


@pytest.mark.parametrize("size", SIZES)
def test_retry(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(lighthouse()), terminal_size=size, run_before=after("n", "n", "n", "r"))


STARTS = tuple(
    WaitingStart(
        f"{number:08x}", NOON - 60 * number, f"Write chapter {number}", "@writer is busy on 'Write chapter two'"
    )
    for number in (5, 4, 3)
)


@pytest.mark.parametrize("size", SIZES)
def test_waiting(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        app = pilot.app
        await after("enter")(pilot)
        screen = app.screen
        assert isinstance(screen, AgentScreen)
        screen.reading.show(dataclasses.replace(DETAILS, starts=STARTS))
        await until(pilot, lambda: "3 tasks wait" in text_of(app), "what waits is shown")

    assert snap_compare(app_of(lighthouse()), terminal_size=size, run_before=play)


@pytest.mark.parametrize("size", SIZES)
def test_cancel(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await after()(pilot)
        options = [partial(start_lines, start, NOON) for start in STARTS]
        hint = "enter cancel it   j k another   esc back; its mail stays"
        pilot.app.push_screen(ChooseScreen("Cancel which start of @writer?", options, hint))
        await until(pilot, lambda: "▸ Write chapter 5" in text_of(pilot.app), "the list is shown")

    assert snap_compare(app_of(lighthouse()), terminal_size=size, run_before=play)


@pytest.mark.parametrize("size", SIZES)
def test_notices(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await after()(pilot)
        pilot.app.notify("asked: dispatch to @writer (waits: busy)")
        pilot.app.notify("@builder: no program; `claude` is not on PATH", title="not done", severity="error")
        await pilot.press("colon", *"notices", "enter")
        await until(pilot, lambda: "newest first" in text_of(pilot.app), "the list is shown")
        await until(pilot, lambda: "researcher" in pilot.app.export_screenshot(), "and what is behind it")

    assert snap_compare(app_of(lighthouse()), terminal_size=size, run_before=play)
