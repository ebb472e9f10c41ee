"""Several projects on one screen: one is looked at, all are watched, told of and heard."""

from __future__ import annotations

import itertools
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts, Fleet, State
from mailcore.workspace.find import Workspace
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.app.app import PraxApp
from praxmonitor.preferences.arrangement import Arrangement
from praxmonitor.preferences.preferences import Preferences
from praxmonitor.preferences.store import load_preferences, save_preferences
from praxmonitor.sound import Sound
from praxmonitor.state.project_summary import ProjectSummary
from praxmonitor.text.lines import width_of
from praxmonitor.views.fleet import FleetScreen
from praxmonitor.widgets.projects import projects_line
from tests.clock import NOON, Clock
from tests.praxmonitor.fake_feed import (
    CONFIG,
    ROOT,
    FakeFeed,
    FakeSpeaker,
    app_on,
    fleet_screen,
    lighthouse,
    mail_screen,
    text_of,
    until,
)
from tests.praxmonitor.fake_feed import workspace as workspace_of

pytestmark = pytest.mark.anyio
HARBOUR = Path("/srv/harbour")
PILOT_WRITER = Agent("@writer", "WRITER", HARBOUR / "agents/writer", "moors ships")
"""Of the same name as one of the lighthouse."""


def harbour() -> Fleet:
    """Another workspace: the checker of the lighthouse moved there."""
    checker = next(facts for facts in lighthouse().agents if facts.address == "@checker")
    agent = Agent("@pilot", "PILOT", HARBOUR / "agents/pilot", "brings ships in")
    return Fleet(HARBOUR, (structs.replace(checker, agent=agent),), at=NOON)


def both(
    speaker: FakeSpeaker | None = None, clock: Clock | None = None, second: FakeFeed | None = None
) -> tuple[PraxApp, FakeFeed]:
    """The lighthouse with the harbour beside it."""
    clock, feed = clock or Clock(), second or FakeFeed(harbour())
    app = app_on(FakeFeed(lighthouse()), workspace_of(lighthouse()), clock=clock, speaker=speaker)
    where = Workspace(HARBOUR, HARBOUR / "HARBOUR_REGISTRY.json", (harbour().agents[0].agent,))
    app.add_project(OpenWorkspace(where, CONFIG, clock=clock), feed)
    return app, feed


async def test_one_is_looked_at_and_the_other_is_told_of() -> None:
    app, _ = both()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app) and "harbour" in text_of(app), "both are known")
        line = text_of(app).splitlines()[1]
        assert "▸lighthouse" in line and "harbour" in line and "@pilot silent" in line
        assert "brings ships in" not in text_of(app)
        await pilot.press("right_curly_bracket")
        await until(pilot, lambda: "brings ships in" in text_of(app), "the harbour is shown")
        assert app.opened.workspace.root == HARBOUR and "▸harbour" in text_of(app).splitlines()[1]
        await pilot.press("left_curly_bracket")
        await until(pilot, lambda: "▸lighthouse" in text_of(app).splitlines()[1], "and back")
        assert "writer" in text_of(app)


async def test_a_click_on_its_name_shows_a_project() -> None:
    app, _ = both()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "@pilot silent" in text_of(app), "both are known")
        await pilot.click("#projects", offset=(text_of(app).splitlines()[1].index("harbour") + 1, 0))
        await until(pilot, lambda: app.opened.workspace.root == HARBOUR, "it is chosen")
        assert [facts.address for facts in app.snapshot.fleet.agents] == ["@pilot"]


async def test_the_alarms_of_the_one_that_is_not_looked_at_are_heard() -> None:
    clock, speaker = Clock(), FakeSpeaker()
    quiet = structs.replace(harbour(), agents=())
    app, feed = both(speaker, clock, FakeFeed(quiet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "harbour ●0/0" in text_of(app), "both are known")
        heard = len(speaker.played)
        feed.put(harbour())
        await until(pilot, lambda: Sound.SILENCE in speaker.played[heard:], "it is heard")
        assert app.project.opened.workspace.root != HARBOUR
        assert app.snapshot.fleet.find("@pilot") is None


async def test_the_agent_in_view_is_one_of_the_project_in_view() -> None:
    app, _ = both()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app) and "@pilot" in text_of(app), "both are known")
        await pilot.press("enter")
        await until(pilot, lambda: "attempt 1 of 3" in text_of(app), "the writer, whole")
        await pilot.press("right_curly_bracket")
        await until(pilot, lambda: "@pilot" in text_of(app) and "brings ships in" in text_of(app), "the pilot, whole")
        assert app.snapshot.status("@pilot").state is State.SILENT


async def test_each_project_has_places_of_its_own() -> None:
    """Marks, filter, whose mail is listed: nothing of one project is shown, or acted on, in the other."""
    same = structs.replace(harbour(), agents=(structs.replace(lighthouse().agents[0], agent=PILOT_WRITER),))
    app, _ = both(second=FakeFeed(same))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app) and "harbour ●1/1" in text_of(app), "both are known")
        await pilot.press("space", "slash", *"writer", "enter")
        await until(pilot, lambda: "1 marked" in text_of(app) and "1 of 8 shown" in text_of(app), "marked and filtered")
        await pilot.press("right_curly_bracket")
        await until(pilot, lambda: "moors ships" in text_of(app), "the harbour")
        assert "marked" not in text_of(app) and "shown" not in text_of(app) and fleet_screen(app).marked == ()
        await pilot.press("left_curly_bracket")
        await until(pilot, lambda: "1 of 8 shown" in text_of(app), "as it was left")
        assert fleet_screen(app).marked == ("@writer",)
        app.navigation.show_mail("@writer")
        await until(pilot, lambda: "mail of @writer" in text_of(app), "the writer's mail")
        reading = mail_screen(app).reading
        await pilot.press("right_curly_bracket")
        await until(pilot, lambda: "your mail" in text_of(app), "the mail of the harbour")
        assert mail_screen(app).reading is not reading and mail_screen(app).selected == "@operator"
        await pilot.press("1", "left_curly_bracket")
        await until(pilot, lambda: "1 of 8 shown" in text_of(app), "the fleet of the lighthouse")
        await pilot.press("minus")
        await until(pilot, lambda: "mail of @writer" in text_of(app), "the view before, as it was left")
        await pilot.press("right_curly_bracket", "escape")
        await until(pilot, lambda: "moors ships" in text_of(app), "out of a view of the harbour to its fleet")


async def test_the_alarms_of_one_say_which_projects_are_open() -> None:
    app, _ = both()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "@pilot silent" in text_of(app), "both are known")
        await pilot.press("5")
        await until(pilot, lambda: "▸lighthouse" in text_of(app).splitlines()[1], "the projects stand over the alarms")
        await pilot.press("right_curly_bracket")
        await until(pilot, lambda: "▸harbour" in text_of(app).splitlines()[1], "and the other is chosen there")
        below = "\n".join(text_of(app).splitlines()[2:])
        assert "@pilot silent" in below and "@checker" not in below, "its alarms alone"


async def test_each_project_has_what_was_chosen_there(tmp_path: Path) -> None:
    clock = Clock()
    app = app_on(FakeFeed(lighthouse()), workspace_of(lighthouse()), clock=clock, live=True)
    beside = Workspace(tmp_path, tmp_path / "HARBOUR_REGISTRY.json", (harbour().agents[0].agent,))
    chosen = Preferences(theme="textual-light", fleet=Arrangement(table=True))
    save_preferences(tmp_path, chosen)
    opened = OpenWorkspace(beside, CONFIG, clock=clock, live=True)
    app.add_project(opened, FakeFeed(harbour()), load_preferences(tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "@pilot" in text_of(app), "both are known")
        first = app.preferences
        assert app.theme == first.theme != "textual-light"
        await pilot.press("right_curly_bracket")
        await until(pilot, lambda: "brings ships in" in text_of(app), "the other")
        view = app.screen
        assert isinstance(view, FleetScreen)
        await until(pilot, lambda: view.grid._layout.height == 1, "a table, as there")
        assert app.theme == "textual-light"
        app.choices.prefer(motion=False)
        await until(pilot, lambda: not load_preferences(tmp_path)[0].motion, "it is kept there")
        assert load_preferences(tmp_path)[0] == structs.replace(chosen, motion=False)
        assert load_preferences(ROOT)[0] == Preferences(), "and not here"
        await pilot.press("left_curly_bracket")
        await until(pilot, lambda: fleet_screen(app).grid._layout.height > 1, "cards")
        assert app.preferences == first and app.theme == first.theme


async def test_what_breaks_in_one_leaves_the_other_at_work() -> None:
    second = FakeFeed()
    app, _ = both(second=second)
    second.put(OSError("the disk is gone"))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(
            pilot, lambda: "harbour ! watching stopped: OSError: the disk is" in text_of(app), "the line says why"
        )
        assert "writer" in text_of(app) and not app.stopped


async def test_with_one_project_there_is_no_line_and_the_key_says_why() -> None:
    app = app_on(FakeFeed(lighthouse()), workspace_of(lighthouse()))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        assert "▸lighthouse" not in text_of(app)
        await pilot.press("right_curly_bracket")
        await until(pilot, lambda: "praxmonitor A B opens several" in text_of(app), "it says how")
        assert app.is_running


SUMMARIES = st.builds(
    ProjectSummary,
    st.text(max_size=40),
    st.booleans(),
    st.integers(0, 900),
    st.integers(0, 900),
    st.integers(0, 900),
    st.text(max_size=80),
    st.integers(0, 3),
    st.integers(0, 50),
    st.integers(0, 99),
    st.booleans(),
    st.text(max_size=60),
)


@given(st.lists(SUMMARIES, min_size=2, max_size=9), st.integers(20, 240))
def test_the_line_is_as_wide_as_the_screen_and_harmless(projects: list[ProjectSummary], width: int) -> None:
    line, places = projects_line(projects, width)
    assert width_of(line) == width and len(places) == len(projects)
    assert not [sign for text, _ in line for sign in text if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp")]
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(places))


def test_what_is_not_known_is_not_nought() -> None:
    said = ["".join(text for text, _ in projects_line([ProjectSummary("a", True), each], 80)[0]) for each in (
        ProjectSummary("b", False, known=False), ProjectSummary("b", False, trouble="gone"))]  # fmt: skip
    assert "b …" in said[0] and "b ! gone" in said[1] and "0/0" not in said[0].split("b ")[1]


def test_the_facts_of_one_are_not_those_of_the_other() -> None:
    assert isinstance(harbour().agents[0], AgentFacts) and harbour().find("@checker") is None
