"""What a real hook asks for is shown whole and answered from the real screen: once, always, or no and why."""
# ruff: noqa: F811 (a fixture is imported)

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from mailcore.model.agent import Agent
from mailcore.model.fleet import State
from mailcore.programs.codex.program import Codex
from praxmonitor.alarms.alarm import AlarmKind
from praxmonitor.app.app import PraxApp
from praxmonitor.dialogs.choose import ChooseScreen
from praxmonitor.dialogs.permission import PermissionScreen
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.views.alarms import AlarmsScreen
from tests.mailcore.conftest import House
from tests.mailcore.test_permissions import Asking, decide, waiting, watched  # noqa: F401
from tests.praxmonitor.fake_feed import app_on, text_of, until

pytestmark = pytest.mark.anyio
EDIT = {"file_path": "/p/report.md", "old_string": "one\nand two\nthree", "new_string": "one\nand 2\nthree"}
EVIL = "touch one\x1b]0;OWNED\x07 \u202egnp"


def on(house: House) -> PraxApp:
    return app_on(FileFeed(house.root, 0.5), house.workspace, clock=time.time, config=house.config)


def said(app: PraxApp) -> str:
    return "\n".join(notice.text for notice in app.notices)


async def shown(app: PraxApp, pilot: Pilot[None], words: str) -> None:
    await until(pilot, lambda: words in text_of(app), f"{words} is shown", 20)


async def selected(app: PraxApp, pilot: Pilot[None]) -> None:
    """@writer is under the cursor, and asks."""
    await until(pilot, lambda: app.snapshot.fleet.agents and asking_of(app), "it is known that it asks", 20)
    app.navigation.select_agent("@writer")
    await pilot.pause()


def asking_of(app: PraxApp) -> tuple[Any, ...]:
    facts = app.snapshot.fleet.find("@writer")
    return facts.permissions if facts is not None else ()


async def opened(app: PraxApp, pilot: Pilot[None], *keys: str) -> PermissionScreen:
    await pilot.press(*keys)
    await until(pilot, lambda: isinstance(app.screen, PermissionScreen), f"{keys} show the request")
    assert isinstance(app.screen, PermissionScreen)
    await pilot.pause()
    return app.screen


async def test_it_is_allowed_once_from_the_view_of_all_agents(house: House, watched: Agent) -> None:
    app = on(house)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(app, pilot, "writer")
        asking = Asking(watched, agent_id="sub-7")
        await selected(app, pilot)
        await shown(app, pilot, "asks for permission: Bash: touch one")
        assert app.snapshot.status("@writer").state is State.WAITING
        await opened(app, pilot, "Y")
        text = text_of(app)
        for words in (
            "touch one",
            "sub-7",
            str(watched.branch)[:40],
            "at the same time",
            "Bash(touch one)",
            "Y allow once",
        ):
            assert words in text, (words, text)
        await pilot.press("enter")
        assert isinstance(app.screen, PermissionScreen), "Enter decides nothing"
        await pilot.press("Y")
        await until(pilot, lambda: asking.process.poll() is not None, "its hook has the answer")
        assert asking.said() == {"behavior": "allow"}
        await until(pilot, lambda: not asking_of(app), "it is over")
        await until(pilot, lambda: app.snapshot.status("@writer").state is not State.WAITING, "it waits no more")
    (act,) = [one for one in house.json("history") if one["verb"].startswith("permission")]
    assert (act["verb"], act["by"], act["proof"]) == ("permission allow", "@operator", "screen")


async def test_always_is_what_was_shown_and_only_where_the_program_remembers_it(house: House, watched: Agent) -> None:
    rule = {"type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": "touch:*"}], "behavior": "allow"}
    app = on(house)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(app, pilot, "writer")
        asking = Asking(watched, permission_suggestions=[rule])
        await selected(app, pilot)
        await opened(app, pilot, "Y")
        assert "without asking: Bash(touch:*)" in text_of(app)
        await pilot.press("S")
        await until(pilot, lambda: asking.process.poll() is not None, "its hook has the answer")
        assert asking.said()["updatedPermissions"] == [rule | {"destination": "session"}]
        await until(pilot, lambda: not asking_of(app), "it is over")
        codex = Asking(watched, Codex.hooks)
        await until(pilot, lambda: asking_of(app), "the other asks")
        screen = await opened(app, pilot, "Y")
        assert "this once alone" in text_of(app) and "S always" not in text_of(app)
        await pilot.press("S")
        assert app.screen is screen, "nothing is decided"
        await pilot.press("Y")
        await until(pilot, lambda: codex.process.poll() is not None, "its hook has the answer")
        assert codex.said() == {"behavior": "allow"}


async def test_it_is_denied_from_the_alarms_with_a_reason(house: House, watched: Agent) -> None:
    app = on(house)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(app, pilot, "writer")
        asking = Asking(watched, tool_name="Edit", tool_input=EDIT)
        await until(pilot, lambda: asking_of(app), "it asks")
        await pilot.press("5")
        await until(pilot, lambda: isinstance(app.screen, AlarmsScreen) and app.screen.rows, "it is listed")
        assert isinstance(app.screen, AlarmsScreen)
        await until(pilot, lambda: app.screen.rows[0].group is not None, "its alarm is raised")  # type: ignore[attr-defined]
        (row,) = app.screen.rows
        assert row.permission is not None and row.group is not None, "the request and its alarm are one row"
        assert row.group.leader.alarm.kind is AlarmKind.WAITING
        await shown(app, pilot, "@writer asks for permission: Edit: /p/report.md")
        await pilot.press("g")
        await shown(app, pilot, "- and two")
        await shown(app, pilot, "+ and 2")
        await opened(app, pilot, "enter")
        await pilot.press("N", "enter")
        assert isinstance(app.screen, PermissionScreen), "a denial wants a reason"
        await pilot.press("escape")
        assert isinstance(app.screen, PermissionScreen) and not app.screen.query_one("#why", Input).has_focus
        await pilot.press("N", *"Yes? No.", "enter")
        await until(pilot, lambda: asking.process.poll() is not None, "its hook has the answer")
        assert asking.said() == {"behavior": "deny", "message": "Yes? No."}
        await until(
            pilot, lambda: isinstance(app.screen, AlarmsScreen) and not app.screen.rows, "the alarm is over", 20
        )


async def test_of_several_one_is_chosen(house: House, watched: Agent) -> None:
    app = on(house)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(app, pilot, "writer")
        first = Asking(watched)
        waiting(watched)
        second = Asking(watched, tool_input={"command": "touch two"}, agent_id="sub-2")
        await until(pilot, lambda: len(asking_of(app)) == 2, "both wait", 20)
        await selected(app, pilot)
        await shown(app, pilot, "(and 1 more)")
        await pilot.press("Y")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen), "they are listed")
        assert "2 permissions" in text_of(app) and "Bash: touch two" in text_of(app)
        await opened(app, pilot, "j", "enter")
        assert "touch two" in text_of(app)
        await pilot.press("Y")
        await until(pilot, lambda: second.process.poll() is not None, "the second has its answer")
        assert second.said() == {"behavior": "allow"} and first.process.poll() is None
        await until(pilot, lambda: len(asking_of(app)) == 1, "one is left")
        await pilot.press("5")
        await until(pilot, lambda: isinstance(app.screen, AlarmsScreen) and len(app.screen.rows) == 1, "one row")
        decide(house, watched, asking_of(app)[0], allow=True)
        first.said()


@pytest.mark.parametrize("keys", ["Y", "YN"], ids=["read", "reason"])
async def test_answered_elsewhere_it_closes_and_says_who_was_first(house: House, watched: Agent, keys: str) -> None:
    app = on(house)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(app, pilot, "writer")
        asking, other = Asking(watched), Asking(watched, tool_input={"command": "touch two"}, agent_id="sub")
        requests = {one.subagent: one for one in waiting(watched, 2)}
        app.navigation.select_agent("@writer")
        await until(pilot, lambda: len(asking_of(app)) == 2, "both are known", 20)
        await pilot.press("Y")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen), "which?")
        place = asking_of(app).index(requests[""])
        await opened(app, pilot, *"j" * place, "enter", *keys[1:])
        decide(house, watched, requests["sub"], allow=True)
        other.said()
        await until(pilot, lambda: len(asking_of(app)) == 1, "the other is over")
        assert isinstance(app.screen, PermissionScreen), "another's answer is not this one's"
        decide(house, watched, requests[""], allow=False, why="no")
        asking.said()
        await until(pilot, lambda: not isinstance(app.screen, PermissionScreen), "it closes")
        await until(pilot, lambda: "@writer Bash: @operator denied it at" in said(app), "it is said who was first")


async def test_who_is_too_late_is_told_who_was_first(house: House, watched: Agent) -> None:
    app = on(house)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(app, pilot, "writer")
        asking = Asking(watched)
        await selected(app, pilot)
        screen = await opened(app, pilot, "Y")
        decide(house, watched, asking_of(app)[0], allow=False, why="no")
        screen.action_allow()  # before the screen knows
        assert asking.said() == {"behavior": "deny", "message": "no"}, "the first answer counts"
        await until(pilot, lambda: "@operator denied it" in said(app), "it is said who was first")


async def test_it_is_whole_in_the_view_of_its_agent_and_harmless(house: House, watched: Agent) -> None:
    app = on(house)
    async with app.run_test(size=(120, 50)) as pilot:
        await shown(app, pilot, "writer")
        command = "\n".join([EVIL, *(f"echo {number}" for number in range(30)), "rm -rf the-end"])
        asking = Asking(watched, tool_name="Bash\x1b[31m", tool_input={"command": command, "description": "List"})
        await selected(app, pilot)
        await pilot.press("2")
        await shown(app, pilot, "rm -rf the-end")
        assert not set("\x1b\x07\u202e") & set(text_of(app))
        await pilot.press("5")
        await until(pilot, lambda: isinstance(app.screen, AlarmsScreen) and app.screen.rows, "it is listed")
        await pilot.press("g")
        await shown(app, pilot, "… and more: Y shows all of it")
        await opened(app, pilot, "Y")
        await pilot.press("G")
        await shown(app, pilot, "rm -rf the-end")
        assert not set("\x1b\x07\u202e") & set(text_of(app))
        await pilot.press("escape")
        decide(house, watched, asking_of(app)[0], allow=True)
        asking.said()


def test_status_and_alarms_tell_it_once(house: House, watched: Agent) -> None:
    asking = Asking(watched)
    (request,) = waiting(watched)
    told = {}
    for verb in ("status", "alarms"):
        words = [sys.executable, "-m", "praxmonitor", verb, str(house.root)]
        told[verb] = subprocess.run(words, capture_output=True, text=True, timeout=60).stdout
    assert "waiting" in told["status"] and "asks for permission: Bash: touch one" in told["status"]
    (line,) = [one for one in told["alarms"].splitlines() if "asks for permission: Bash: touch one" in one]
    assert "@writer" in line and "mailcore permission" in told["alarms"]
    decide(house, watched, request, allow=True)
    asking.said()


async def test_who_asks_for_nothing_is_not_answered(house: House) -> None:
    app = on(house)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(app, pilot, "writer")
        app.navigation.select_agent("@writer")
        await pilot.press("Y")
        await until(pilot, lambda: "@writer asks for no permission here" in said(app), "it is refused")
        assert not isinstance(app.screen, PermissionScreen)
