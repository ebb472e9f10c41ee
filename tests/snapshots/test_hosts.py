"""Three hosts on one screen, one of them away: as text at every size, as a picture dark and light."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from mailcore.hosts.link_status import LinkReport, LinkStatus
from mailcore.model.agent import Agent
from praxmonitor.app.app import PraxApp
from praxmonitor.dialogs.link import LinkScreen
from praxmonitor.preferences.arrangement import Arrangement
from praxmonitor.state.agent_details import AgentDetails, CopyState
from praxmonitor.state.link_view import HostView, LinkView
from praxmonitor.state.remote_files import RemoteFiles
from praxmonitor.views.fleet import FleetScreen
from tests.clock import NOON
from tests.praxmonitor.fake_feed import (
    FakeFeed,
    FakeSpeaker,
    agent_screen,
    app_on,
    host,
    linked,
    text_of,
    until,
    workspace,
)
from tests.snapshots.screen_text import ScreenText, reads, screen_text, settled

pytestmark = pytest.mark.anyio
SIZES = [(60, 20), (80, 24), (120, 35), (200, 50)]
THEMES = ("prax-dark", "prax-light")
Play = Callable[[Pilot[None], PraxApp], object]


async def cards(pilot: Pilot[None], app: PraxApp) -> None:
    """One host alone: its agents as cards."""
    app.navigation.show_host("beta")
    screen = app.screen
    assert isinstance(screen, FleetScreen)
    screen.list_as(Arrangement(table=False))
    screen.query_one("#filter").cursor_blink = False  # type: ignore[attr-defined]


async def grouped(pilot: Pilot[None], app: PraxApp) -> None:
    """All of them, by host."""
    screen = app.screen
    assert isinstance(screen, FleetScreen)
    screen.list_as(Arrangement(group="host"))


async def one_agent(pilot: Pilot[None], app: PraxApp) -> None:
    """One of another host, whole, its log as it was copied a moment ago."""
    app.navigation.show_agent("@researcher.gamma")
    await until(pilot, lambda: "researcher.gamma" in text_of(app), "it is shown")
    screen = agent_screen(app)
    await until(pilot, lambda: screen.reading.details is not None, "it was read")
    lines = tuple(f"12:00:{second:02} page {second} read" for second in range(9))
    screen.reading.show(
        AgentDetails("@researcher.gamma", log_name="work.log", log=lines, copy=CopyState("gamma", NOON - 2))
    )


async def alarms(pilot: Pilot[None], app: PraxApp) -> None:
    """What is wrong, and what the host that is away hides."""
    app.navigation.show_view("alarms")
    await pilot.press("j", "j")


async def link(pilot: Pilot[None], app: PraxApp) -> None:
    """How it stands with the link."""
    status = LinkStatus(
        "alpha", "lighthouse", "hub", ("127.0.0.1:7422",), LinkReport(4711, 1, NOON - 600, connected=True)
    )
    away, there = (
        host("beta", away=720.0, agents=("@writer",) * 10),
        host("gamma", agents=("@writer",) * 10, skew=180.0),
    )
    link_view = LinkView(status, (HostView(away, 3, NOON - 660), HostView(there)))
    await app.push_screen(LinkScreen(link_view, NOON))


VIEWS: dict[str, Play] = {"grouped": grouped, "cards": cards, "agent": one_agent, "alarms": alarms, "link": link}


@pytest.fixture(autouse=True)
def nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no link on disk: what an agent's own host would say is put in by hand."""

    def bring(_: RemoteFiles, agent: Agent, kinds: Collection[str]) -> CopyState:
        del kinds
        return CopyState(agent.host, NOON - 2)

    monkeypatch.setattr(RemoteFiles, "bring", bring)


def app_of(theme: str = "prax-dark") -> PraxApp:
    fleet = linked()
    return app_on(FakeFeed(fleet), workspace(fleet), theme=theme, speaker=FakeSpeaker())


async def shown(pilot: Pilot[None], view: str) -> None:
    """The view is in front, and nothing of it is still read."""
    app = pilot.app
    assert isinstance(app, PraxApp)
    await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
    await pilot.pause(0.2)
    await until(pilot, lambda: not reads(app), "nothing is read any more")
    await VIEWS[view](pilot, app)  # type: ignore[misc]
    await pilot.pause(0.2)
    await until(pilot, lambda: not reads(app), "nothing is read any more")
    await settled(pilot)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize("view", VIEWS)
async def test_three_hosts_at_a_size(snapshot: SnapshotAssertion, view: str, size: tuple[int, int]) -> None:
    app = app_of()
    async with app.run_test(size=size) as pilot:
        await shown(pilot, view)
        text = screen_text(app)
    assert text == snapshot.use_extension(ScreenText)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("view", ["grouped", "cards"])
def test_three_hosts_in_a_theme(snap_compare: Callable[..., bool], view: str, theme: str) -> None:
    assert snap_compare(app_of(theme), terminal_size=(120, 35), run_before=lambda pilot: shown(pilot, view))
