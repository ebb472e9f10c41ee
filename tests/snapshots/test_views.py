"""Every view in every state: as text at every size, as a picture in every theme.

Text shows where each cell stands, and a change of it can be read in a diff; how it is coloured is seen in the pictures.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.error_group import ErrorGroups
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.message import Mailbox, MailboxStatus
from praxmonitor.app.app import PraxApp
from tests.clock import NOON
from tests.praxmonitor.fake_errors import each_state, many_errors
from tests.praxmonitor.fake_feed import (
    CONFIG,
    ROOT,
    STUCK_SOON,
    FakeFeed,
    FakeSpeaker,
    app_on,
    box,
    lighthouse,
    mail,
    many,
    until,
    workspace,
)
from tests.snapshots.screen_text import THEMES, ScreenText, reads, screen_text, settled

pytestmark = pytest.mark.anyio
SIZES = [(60, 20), (80, 24), (120, 35), (160, 48), (200, 50), (300, 80)]
VIEWS = {"fleet": "1", "agent": "2", "mail": "3", "stream": "4", "alarms": "5", "errors": "7"}


def empty() -> Fleet:
    """A workspace that was made just now."""
    operator = Agent(OPERATOR, "OPERATOR", ROOT / ".praxmonitor" / "operator", "the person at the screen")
    return Fleet(ROOT, (), AgentFacts(operator, mailbox=box()))


def overloaded() -> Fleet:
    """Sixty agents, most of a mailbox unread, a name and a subject that no column holds."""
    fleet = many(60)
    assert fleet.operator is not None
    letters = [
        mail(900 + n, f"@helper-{9 + n % 40:02}", f"Question {n}: {'very ' * (n % 30)}long", 60 * n) for n in range(80)
    ]
    return replace(fleet, operator=replace(fleet.operator, mailbox=box(*letters)))


def broken() -> Fleet:
    """The operator's mailbox cannot be read, and the watching has something to complain of."""
    fleet = lighthouse()
    assert fleet.operator is not None
    box_of_none = Mailbox(MailboxStatus.UNREADABLE, reason="inbox.json: line 1 column 4: expected ','")
    notes = ("the kernel's limit of watches is reached: every 2 s all files are looked at",)
    return replace(fleet, operator=replace(fleet.operator, mailbox=box_of_none), notes=notes)


STATES: dict[str, Callable[[], Fleet]] = {
    "empty": empty,
    "normal": lighthouse,
    "overloaded": overloaded,
    "error": broken,
}


ERRORS = {
    "empty": ErrorGroups(),
    "normal": ErrorGroups(each_state(), warnings=3),
    "overloaded": ErrorGroups(many_errors(), warnings=12_345, breaker_at=NOON - 60),
    "error": ErrorGroups(each_state(), f"{ROOT}/.praxmonitor/errors.json: line 1 column 4: expected ','; restore it"),
}
"""By state, what the view of errors knows."""


def app_in(state: str, theme: str = "prax-dark", view: str = "") -> PraxApp:
    fleet, config = STATES[state](), STUCK_SOON if state == "overloaded" else CONFIG
    if view == "errors":
        fleet = replace(fleet, errors=ERRORS[state])
    return app_on(FakeFeed(fleet), workspace(fleet), theme=theme, config=config, speaker=FakeSpeaker())


async def shown(pilot: Pilot[None], view: str) -> None:
    """The view is in front, and nothing of it is still read."""
    app = pilot.app
    assert isinstance(app, PraxApp)
    await until(pilot, lambda: app.snapshot.fleet.root == ROOT, "it was read")
    await pilot.press(VIEWS[view])
    # A cursor that rests is read for: the process of the agent under it.
    await pilot.pause(0.2)
    await until(pilot, lambda: not reads(app), "nothing is read any more")
    await settled(pilot)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("view", VIEWS)
async def test_a_view_in_a_state_at_a_size(
    snapshot: SnapshotAssertion, view: str, state: str, size: tuple[int, int]
) -> None:
    app = app_in(state, view=view)
    async with app.run_test(size=size) as pilot:
        await shown(pilot, view)
        text = screen_text(app)
    assert text == snapshot.use_extension(ScreenText)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_in_a_theme(snap_compare: Callable[..., bool], view: str, theme: str) -> None:
    assert snap_compare(
        app_in("normal", theme, view), terminal_size=(120, 35), run_before=lambda pilot: shown(pilot, view)
    )
