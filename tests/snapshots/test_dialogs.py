"""Every dialog: as text at every size, in one text; as a picture in every theme, in one picture.

One that no row of `DIALOGS` opens fails the first test.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from inspect import getmembers, isclass
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import pytest
from msgspec.structs import replace
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped]
from rich.console import Console
from rich.segment import Segment, Segments
from syrupy.assertion import SnapshotAssertion
from textual.app import App
from textual.command import CommandPalette
from textual.containers import Vertical
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import ModalScreen, Screen
from textual.strip import Strip

import praxmonitor.app
import praxmonitor.dialogs
import praxmonitor.views
from mailcore.dispatch.landing import WorkStanding
from mailcore.model.fleet import Fleet
from mailcore.model.permission import PermissionAnswer, PermissionRequest
from mailcore.model.usage import Spending, Usage
from mailcore.observe.usage_sum import local_date
from praxmonitor.actions.accepting import ACCEPT_HINT, choice_lines, standing_lines
from praxmonitor.actions.confirm_texts import start_lines as run_lines
from praxmonitor.actions.confirm_texts import start_question, victim_lines
from praxmonitor.actions.kills import Victim
from praxmonitor.actions.work_requests import WorkToAccept
from praxmonitor.app.app import PraxApp
from praxmonitor.dialogs.alarm_load import AlarmLoadScreen
from praxmonitor.dialogs.alarm_mutes import AlarmMutesScreen
from praxmonitor.dialogs.arrange import ArrangeScreen
from praxmonitor.dialogs.choose import ChooseScreen
from praxmonitor.dialogs.compose import ComposeScreen
from praxmonitor.dialogs.compose_options import OptionsScreen
from praxmonitor.dialogs.confirm import ConfirmScreen
from praxmonitor.dialogs.cost import CostScreen
from praxmonitor.dialogs.drafts import DraftsScreen
from praxmonitor.dialogs.help import HelpScreen
from praxmonitor.dialogs.kill_all import KillAllScreen
from praxmonitor.dialogs.link import LinkScreen
from praxmonitor.dialogs.mute_alarm import MuteAlarmScreen
from praxmonitor.dialogs.notices import NoticesScreen
from praxmonitor.dialogs.permission import PermissionScreen
from praxmonitor.dialogs.unlock import UnlockScreen
from praxmonitor.preferences.drafts import Draft
from praxmonitor.state.agent_details import WaitingStart
from praxmonitor.text.letters import Letter
from praxmonitor.views.fleet import FleetScreen
from praxmonitor.widgets.detail import start_lines
from praxmonitor.widgets.row_list import text_row
from tests.clock import NOON
from tests.praxmonitor.fake_feed import FakeFeed, FakeSpeaker, app_on, lighthouse, mail, text_of, until, workspace
from tests.snapshots.screen_text import THEMES, ScreenText, settled

pytestmark = pytest.mark.anyio
SIZES = [(60, 20), (80, 24), (120, 35), (200, 50)]
PICTURED = (80, 24)


@dataclass(frozen=True)
class Way:
    """How a dialog comes up: keys from the view of all agents, or what is pushed where no key alone leads to it."""

    kind: type[Screen[Any]]
    keys: tuple[str, ...] = ()
    push: Callable[[], Screen[Any]] | None = None


def kill_question() -> Screen[bool]:
    victims = [
        Victim(4200, 0, "python -m mailcore.dispatch.supervision.supervisor /nowhere/lighthouse writer", NOON - 130),
        Victim(4211, 1, "claude -p --output-format stream-json", NOON - 130),
        Victim(4290, 2, "bash -c pytest -q", NOON - 12),
        *(Victim(4300 + number, 3, f"python -m pytest -q tests/test_{number}.py", NOON - 12) for number in range(20)),
    ]
    subject = "Write chapter two, and say of each figure where it comes from, since 11:57:50"
    lines = partial(victim_lines, victims, NOON)
    return ConfirmScreen("Kill the run of @writer?", subject, lines, "Yes, kill", ends=True)


def cancel_question() -> Screen[int]:
    why = "@writer is busy on 'Write chapter two'"
    starts = [
        WaitingStart(f"{number:08x}", NOON - 60 * number, f"Chapter {number}", why) for number in range(12, 2, -1)
    ]
    options = [partial(start_lines, start, NOON) for start in starts]
    return ChooseScreen(
        "Cancel which start of @writer?", options, "enter cancel it   j k another   esc back; its mail stays"
    )


def digest() -> Screen[int]:
    said = "since 09:12, 2 h 48 m ago: 3 tasks done, 1 failed, 2 questions asked, 1.2 M tokens for $ 4.10"
    lines = [f"@agent-{number} ended 'a task with a subject that is longer than the line'" for number in range(1, 6)]
    return ChooseScreen(said, [text_row(line) for line in lines], "enter go there   j k another   esc back")


def accept_question() -> Screen[int]:
    standing = WorkStanding("writer", "main", ("chapters/two.md", "figures/lamp.svg"), 3, 12, ("chapters/one.md",))
    work = WorkToAccept.of_standing(standing, "Write chapter two, and say of each figure where it comes from")
    options = [partial(choice_lines, one) for one in work.choices]
    return ChooseScreen(
        "Accept what @writer did? DONE: Write chapter two, and say of each figure where it comes from", options,
        ACCEPT_HINT, head=partial(standing_lines, work.checks),
    )  # fmt: skip


def retry_question() -> Screen[bool]:
    builder = next(facts for facts in busy_day().agents if facts.address == "@builder")
    return ConfirmScreen(*start_question("retry", builder), partial(run_lines, builder, NOON, True), "Yes, start")


def unlock() -> Screen[bool]:
    return UnlockScreen(lambda _: None)


def drafts() -> Screen[int]:
    """One has no subject."""
    letters = [
        Letter("@writer", "Chapter two", "Please write it.", is_task=True),
        Letter("@editor", "", "And a letter without a subject, which is longer than the line in which it is shown"),
    ]
    found = [Draft(f"letter-{n}", "new mail", letter, NOON - 600 * n) for n, letter in enumerate(letters, 1)]
    return DraftsScreen(found, NOON, lambda _draft, _kept: None)


def permission(*, denies: bool = False) -> Screen[PermissionAnswer | None]:
    old = "The lamp burns oil.\nIt is lit at dusk.\nTwo keepers watch it."
    given = {"file_path": "/nowhere/lighthouse/writer/two.md", "old_string": old}
    given["new_string"] = old.replace("oil", "gas").replace("Two keepers", "A keeper and a long line of words " * 3)
    request = PermissionRequest(
        "0a1b2c3d", "@writer", "s-1", "Edit", given, NOON - 75, NOON + 3525, "agent-7", "/nowhere/lighthouse/writer",
        remembers=True, beside=True,
    )  # fmt: skip
    return PermissionScreen(request, NOON, denies=denies)


DIALOGS: dict[str, Way] = {
    "mail": Way(ComposeScreen, ("m",)),
    "task": Way(ComposeScreen, ("d",)),
    "answer": Way(ComposeScreen, ("3", "j", "R")),
    "approve": Way(ComposeScreen, ("5", "Y")),
    "more of a letter": Way(OptionsScreen, ("m", "ctrl+g")),
    "retry": Way(ConfirmScreen, push=retry_question),
    "kill": Way(ConfirmScreen, push=kill_question),
    "kill all": Way(KillAllScreen, ("K",)),
    "cancel": Way(ChooseScreen, push=cancel_question),
    "digest": Way(ChooseScreen, push=digest),
    "mute a sound": Way(ChooseScreen, ("S",)),
    "themes": Way(ChooseScreen, ("colon", *"theme…", "enter")),
    "arrange": Way(ArrangeScreen, ("V",)),
    "cost": Way(CostScreen, ("dollar_sign",)),
    "help": Way(HelpScreen, ("question_mark",)),
    "help, searched": Way(HelpScreen, ("question_mark", "slash", *"kill")),
    "notices": Way(NoticesScreen, ("colon", *"notices", "enter")),
    "palette": Way(CommandPalette, ("colon",)),
    "palette, searched": Way(CommandPalette, ("colon", *"mute")),
    "mute an alarm": Way(MuteAlarmScreen, ("5", "j", "m")),
    "no muted alarm": Way(AlarmMutesScreen, ("u",)),
    "muted alarms": Way(AlarmMutesScreen, ("5", "j", "m", "enter", "u")),
    "load of alarms": Way(AlarmLoadScreen, ("s",)),
    "unlock": Way(UnlockScreen, push=unlock),
    "drafts": Way(DraftsScreen, push=drafts),
    "permission": Way(PermissionScreen, push=permission),
    "permission, denied": Way(PermissionScreen, push=partial(permission, denies=True)),
}  # fmt: skip


def busy_day() -> Fleet:
    """The lighthouse; its planner asks for approval, and what two agents do costs something."""
    fleet = lighthouse()
    assert fleet.operator is not None
    asks = mail(30, "@planner", "Order the second lens", 90, body="It costs 400, and comes in a week.\n\nMay I?")
    asks = dataclasses.replace(asks, raw={"approval": {"run": "", "tier": 1}})
    box = dataclasses.replace(fleet.operator.mailbox, messages=(asks, *fleet.operator.mailbox.messages))
    day = local_date(NOON)
    spent = {"@writer": Usage(120_000, 8_000, cost=2.5), "@editor": Usage(9_000, 700, cost=0.02)}
    agents = [
        replace(facts, spending=Spending(day, today=spent[facts.address])) if facts.address in spent else facts
        for facts in fleet.agents
    ]
    return replace(fleet, agents=tuple(agents), operator=replace(fleet.operator, mailbox=box))


def app_with(theme: str = "prax-dark") -> PraxApp:
    fleet = busy_day()
    return app_on(FakeFeed(fleet), workspace(fleet), theme=theme, speaker=FakeSpeaker())


async def show(pilot: Pilot[None], opening: Way) -> None:
    """Bring it up; its cursor stands still, and all of it is drawn."""
    app = pilot.app
    if opening.push is not None:
        app.push_screen(opening.push())
    for key in opening.keys:
        await pilot.press(key)
        await pilot.pause(0.05)
    await until(pilot, lambda: type(app.screen) is opening.kind, f"{opening.keys} open {opening.kind.__name__}", 20)
    await until(pilot, lambda: not foresees(app), "what it would come to is said", 20)
    await settled(pilot)


def foresees(app: App[None]) -> bool:
    return any(worker.group == "foresee" and worker.is_running for worker in app.workers)


async def leave(pilot: Pilot[None]) -> None:
    """Out of all dialogs, by Esc alone; back to the view of all agents."""
    while (open_dialog := pilot.app.screen).is_modal:
        await pilot.press("escape")
        if isinstance(open_dialog, HelpScreen):
            await pilot.press("escape")  # the first one gives the whole list back
        await until(pilot, lambda: pilot.app.screen is not open_dialog, f"Esc leaves {open_dialog}", 20)
    await pilot.press("1")
    await until(pilot, lambda: isinstance(pilot.app.screen, FleetScreen), "the agents are in front", 20)


@pytest.fixture(autouse=True)
def same_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mute is called alike each time."""
    monkeypatch.setattr("secrets.token_hex", lambda count: "ab12" * (count // 2))


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for module in iter_modules(package.__path__):
        yield import_module(f"{package.__name__}.{module.name}")


def test_every_dialog_has_its_picture() -> None:
    """A new one wants a row in `DIALOGS`; that of the link is among the pictures of three hosts."""
    found = {
        kind
        for package in (praxmonitor.app, praxmonitor.dialogs, praxmonitor.views)
        for module in modules(package)
        for _, kind in getmembers(module, isclass)
        if issubclass(kind, ModalScreen) and kind.__module__ == module.__name__
    }
    assert found and found - {opening.kind for opening in DIALOGS.values()} == {LinkScreen}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
async def test_dialogs_at_a_size(snapshot: SnapshotAssertion, size: tuple[int, int]) -> None:
    app = app_with()
    drawn: list[str] = []
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown", 20)
        for name, opening in DIALOGS.items():
            await show(pilot, opening)
            drawn += [f"{f' {name} ':=^{size[0]}}", *(strip.text.rstrip() for strip in strips(app))]
            await leave(pilot)
    assert "\n".join(drawn) == snapshot.use_extension(ScreenText)


@pytest.mark.parametrize("size", [(60, 20), (120, 35)], ids=lambda size: "x".join(map(str, size)))
async def test_what_becomes_of_work_that_is_accepted(snapshot: SnapshotAssertion, size: tuple[int, int]) -> None:
    app = app_with()
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown", 60)
        await show(pilot, Way(ChooseScreen, push=accept_question))
        drawn = "\n".join(strip.text.rstrip() for strip in strips(app))
    assert drawn == snapshot.use_extension(ScreenText)


@pytest.mark.parametrize("theme", THEMES)
async def test_dialogs_in_a_theme(snapshot: SnapshotAssertion, theme: str) -> None:
    app = app_with(theme)
    drawn: list[Segment] = []
    async with app.run_test(size=PICTURED) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown", 20)
        for opening in DIALOGS.values():
            await show(pilot, opening)
            for strip in strips(app):
                drawn += [*strip, Segment.line()]
            await leave(pilot)
    width = PICTURED[0]
    paper = Console(
        file=io.StringIO(), width=width, record=True, force_terminal=True, color_system="truecolor",
        legacy_windows=False,
    )  # fmt: skip
    paper.print(Segments(drawn), end="")
    assert paper.export_svg(title=theme, unique_id="dialogs") == snapshot.use_extension(SVGImageExtension)


def strips(app: App[None]) -> list[Strip]:
    """The lines of the dialog in front, without what it lies on."""
    dialog = next(child for child in app.screen.children if isinstance(child, Vertical))
    # Textual's palette hides the container of what it shows.
    parts = [part.region for part in app.screen.query(".--list-visible, .--visible")]
    place = (dialog.region or Region.from_union(parts)).intersection(app.screen.region)
    lines = app.screen._compositor.render_strips(app.size)[place.y : place.bottom]
    return [line.crop(place.x, place.right) for line in lines]
