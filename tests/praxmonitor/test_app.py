"""The app on a feed, a clock and a sound device of the test's own."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from msgspec import structs

from mailcore.exceptions import NoWorkspace
from mailcore.model.activity import Kind
from mailcore.model.fleet import Fleet, State
from mailcore.model.run import Phase
from praxmonitor.app.app import PraxApp
from praxmonitor.dialogs.help import HelpScreen
from praxmonitor.sound import Sound
from praxmonitor.text.agents import LOOKS
from praxmonitor.views.agent import AgentScreen
from praxmonitor.widgets.grid import Grid
from tests.clock import NOON, Clock
from tests.praxmonitor.fake_feed import (
    ROOT,
    FakeFeed,
    FakeSpeaker,
    act,
    app_on,
    facts,
    fleet_screen,
    lighthouse,
    lock,
    many,
    run,
    text_of,
    until,
    workspace,
)

pytestmark = pytest.mark.anyio


def ready(app: PraxApp) -> bool:
    return bool(app.snapshot.fleet.agents) and app.screen.is_mounted and "writer" in text_of(app)


SIZES = [(60, 24), (80, 24), (120, 36), (200, 60)]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_every_agent_and_state_is_in_view(size: tuple[int, int]) -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        seen = text_of(app)
        for _ in fleet.agents:
            await pilot.press("j")
            seen += text_of(app)
        for name in ("writer", "researcher", "editor", "checker", "builder", "planner", "archivist"):
            assert name in seen
        for word in ("in tool", "working", "waiting", "silent", "failed", "done", "unreadable", "idle"):
            assert word in seen
        assert max(len(line) for line in text_of(app).splitlines()) <= size[0]


async def test_only_what_changed_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = many(20)
    clock = Clock()
    app = app_on(FakeFeed(fleet), workspace(fleet), clock=clock)
    drawn: list[str] = []
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        await pilot.pause(0.3)
        grid = fleet_screen(app).grid
        original = Grid._cell

        def spy(self: Grid, index: int) -> object:
            before = self._drawn.get(index)
            lines = original(self, index)
            if self._drawn[index] is not before:
                drawn.append(self._agents[index].address)
            return lines

        monkeypatch.setattr(Grid, "_cell", spy)
        changed = structs.replace(fleet.agents[2], activities=(act("editor", Kind.LOG, "something new", 0),))
        more = structs.replace(fleet, agents=(*fleet.agents[:2], changed, *fleet.agents[3:]))
        app.project.show(more)
        await pilot.pause(0.2)
        assert drawn == ["@editor"]
        assert "something new" in grid.lines.text or grid.lines.line_width < 100


async def test_the_selection_stays_with_its_agent() -> None:
    fleet = lighthouse()
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        await pilot.press("G")
        grid = fleet_screen(app).grid
        assert grid.selected == "@archivist"
        feed.put(structs.replace(fleet, agents=(facts("newcomer"), *fleet.agents)))
        await until(pilot, lambda: "newcomer" in grid.lines.text, "the newcomer is shown")
        assert grid.selected == "@archivist"
        feed.put(structs.replace(fleet, agents=fleet.agents[:3]))
        await until(pilot, lambda: "newcomer" not in grid.lines.text, "they are gone")
        assert grid.selected == "@editor"
        feed.put(Fleet(ROOT))
        await until(pilot, lambda: grid.selected == "", "nobody is left")


async def test_n_goes_round_those_that_need_the_operator() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        grid, visited = fleet_screen(app).grid, []
        for _ in range(4):
            await pilot.press("n")
            visited.append(grid.selected)
        assert visited == ["@checker", "@editor", "@builder", "@reviewer"], "as the alarms stand, the most urgent first"


async def test_the_filter_hides_the_others_and_escape_shows_them() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        grid = fleet_screen(app).grid
        await pilot.press("slash", *"silent", "enter")
        await until(pilot, lambda: "writer" not in grid.lines.text, "only the silent one")
        assert grid.selected == "@checker" and app.focused is grid.lines
        await pilot.press("escape")
        await until(pilot, lambda: "writer" in grid.lines.text, "everyone again")


async def test_a_filter_without_a_match_says_so_and_escape_shows_everyone() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        await pilot.press("slash", *"nosuch")
        await until(pilot, lambda: "no agent matches nosuch · Esc" in text_of(app), "it says so")
        await pilot.press("x", "enter")
        await until(pilot, lambda: "no agent matches nosuchx · Esc" in text_of(app), "with what was typed since")
        await pilot.press("escape")
        await until(pilot, lambda: ready(app), "everyone again")
        assert "matches" not in text_of(app)


async def test_a_workspace_without_agents_says_how_to_add_one() -> None:
    app = app_on(FakeFeed(Fleet(ROOT)), workspace(Fleet(ROOT)))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "mailcore agent add" in text_of(app), "it says how")
        assert fleet_screen(app).grid.selected == ""


async def test_h_and_l_are_left_and_right() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        await pilot.press("l", "l", "h")
        assert fleet_screen(app).grid.selected == "@researcher"


async def test_what_does_nothing_now_is_not_offered_and_says_why_when_pressed() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(200, 36), notifications=True) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        await pilot.press("i")
        await until(pilot, lambda: "your mail" in text_of(app), "the inbox")
        keys = text_of(app).splitlines()[-1]
        assert "D kill" not in keys and "r retry" not in keys
        assert " R reply " in keys and "d dispatch                   n next  N previous  i inbox" in keys, (
            "the others stay where they are"
        )
        await pilot.press("D")
        await until(pilot, lambda: "@operator is you: nothing to kill" in text_of(app), "it says why")


async def test_control_c_says_how_to_leave_and_control_q_leaves() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "q leaves; agents go on" in text_of(app), "it says how")
        await pilot.press("m", *"words", "ctrl+q")
        await pilot.pause(0.1)
        assert not app._exit, "what is written in a form is not lost"
        await pilot.press("escape", "escape", "ctrl+q")
        await until(pilot, lambda: app._exit, "it leaves")


async def test_tab_cycles_the_panels_and_the_keys_move_in_the_one_that_has_the_focus() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        stream = fleet_screen(app).stream.lines
        await pilot.press("tab")
        assert app.focused is fleet_screen(app).detail.lines
        await pilot.press("tab")
        assert app.screen.focused is stream
        await pilot.press("g")
        assert stream.scroll_offset.y == 0 and fleet_screen(app).grid.selected == "@writer"
        await pilot.press("tab")
        assert app.focused is fleet_screen(app).grid.lines


async def test_a_key_that_can_do_nothing_says_why() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        await pilot.press("G", "D")
        await until(pilot, lambda: "nothing runs at @archivist" in text_of(app), "it says why")
        assert len(app.screen_stack) == 1


async def test_help_lists_every_action_and_escape_only_backs_out() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 150)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "help is open")
        await until(pilot, lambda: "end its run and every process of it" in text_of(app), "the table is shown")
        assert "agents and runs go on without the screen" in text_of(app)
        await pilot.press("escape", "escape", "escape")
        await until(pilot, lambda: len(app.screen_stack) == 1, "back")
        assert app.is_running


async def test_the_end_of_the_help_can_be_read_on_a_small_screen() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        await pilot.press("question_mark", "G")
        await until(pilot, lambda: "States" in text_of(app), "its end")
        for look in LOOKS.values():
            assert f"{look.glyph} {look.word}" in text_of(app)


async def test_enter_opens_an_agent_and_the_palette_finds_another() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AgentScreen), "the agent is open")
        await until(pilot, lambda: "attempt 1 of 3" in text_of(app), "its story is told")
        await pilot.press("escape", "colon")
        await until(pilot, lambda: "Search for commands" in text_of(app), "the palette is open")
        await pilot.press(*"open @check")
        await until(pilot, lambda: "open @checker" in text_of(app), "it is found")
        await pilot.pause(0.2)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AgentScreen), "the other agent is open")
        assert isinstance(app.screen, AgentScreen) and app.screen.selected == "@checker"


async def test_hostile_text_is_drawn_as_text() -> None:
    evil = "[bold]x[/] \x1b[2J\x1b]0;owned\x07 \u202egnp [@click=app.exit]here"
    fleet = lighthouse()
    first = structs.replace(fleet.agents[0], run=replace(fleet.agents[0].run, subject=evil))  # type: ignore[type-var]
    fleet = structs.replace(fleet, agents=(first, *fleet.agents[1:]), notes=(evil,))
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(200, 40)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        shown = text_of(app)
        assert "[bold]x[/] �[2J�]0;owned� �gnp [@click=app.exit]here" in shown
        assert "\x1b" not in shown and "\u202e" not in shown


def quiet() -> Fleet:
    working = facts(
        "checker",
        lock=lock(100),
        run=run("checker", "Check", Phase.RUNNING, 100),
        activities=(act("checker", Kind.LOG, "page 1", 50),),
    )
    return Fleet(ROOT, (working,))


async def test_silence_is_shown_and_heard_by_time_alone_within_a_second() -> None:
    clock, speaker = Clock(), FakeSpeaker()
    app = app_on(FakeFeed(quiet()), workspace(quiet()), clock=clock, speaker=speaker)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "checker" in text_of(app), "the agent is shown")
        assert app.snapshot.status("@checker").state is State.WORKING
        clock.now = NOON + 10.1
        await until(pilot, lambda: "silent" in text_of(app), "its silence is shown", seconds=1.0)
        assert speaker.played == [Sound.SILENCE]


async def test_without_a_device_the_bell_rings_for_what_is_urgent_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet, feed = quiet(), FakeFeed(quiet())
    clock, speaker = Clock(), FakeSpeaker(device=False)
    app = app_on(feed, workspace(fleet), clock=clock, speaker=speaker)
    bells: list[None] = []
    monkeypatch.setattr(app, "bell", lambda: bells.append(None))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "no sound: bell only" in text_of(app), "the note is there")
        busy = structs.replace(fleet.agents[0], activities=(act("checker", Kind.TOOL, "Read: x", 0),))
        feed.put(structs.replace(fleet, agents=(busy,)))
        await until(pilot, lambda: speaker.played == [Sound.TOOL], "the tool was to be heard")
        assert not bells
        clock.now = NOON + 61
        await until(pilot, lambda: bells, "the bell rings for silence")


async def test_m_mutes_and_says_so() -> None:
    speaker = FakeSpeaker()
    app = app_on(FakeFeed(quiet()), workspace(quiet()), speaker=speaker)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "♪ miniaudio/pulse" in text_of(app), "the device is named")
        await pilot.press("M")
        await until(pilot, lambda: "♪ muted" in text_of(app), "the header says so")
        assert speaker.mutes.until
        await pilot.press("M")
        await until(pilot, lambda: "♪ miniaudio/pulse" in text_of(app), "on again")


async def test_what_is_wrong_with_the_observing_stands_in_the_header() -> None:
    fleet = structs.replace(lighthouse(), notes=("LIGHTHOUSE_REGISTRY.json: row 'x' leaves the project: '../x'",))
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "leaves the project" in text_of(app), "the note is shown")
        feed.put(structs.replace(fleet, notes=()))
        await until(pilot, lambda: app.screen.query_one("#header").size.height == 1, "it goes when it is mended")
        assert "leaves the project" not in text_of(app)


async def test_words_carry_the_state_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        assert app.no_color
        assert "! checker" in text_of(app) and "silent" in text_of(app)


@pytest.mark.parametrize("theme", ["prax-light", "nord", "ansi-dark", "textual-light"])
async def test_other_themes_draw_every_state(theme: str) -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet), theme=theme)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        assert app.theme == theme
        app.theme = "prax-dark"
        await pilot.pause()
        assert "silent" in text_of(app)


async def test_a_click_selects_and_a_click_in_the_footer_is_the_key() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        lines = text_of(app).splitlines()
        row = next(y for y, line in enumerate(lines) if "checker" in line and y > 1)  # the alarms name it too
        await pilot.click(offset=(lines[row].index("checker"), row))
        assert fleet_screen(app).grid.selected == "@checker"
        await pilot.click(offset=(lines[-1].index("? help") + 2, len(lines) - 1))
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "help is open")


async def test_a_reading_that_raises_does_not_end_the_screen() -> None:
    fleet = lighthouse()
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: ready(app), "the agents are shown")
        feed.put(TypeError("unhashable type: list"))
        await until(pilot, lambda: "watching stopped: TypeError" in text_of(app), "the header says so")
        feed.put(many(12))
        await until(pilot, lambda: len(app.snapshot.fleet.agents) == 12, "it goes on")
        await until(pilot, lambda: "watching stopped" not in text_of(app), "the note is gone")


async def test_a_screen_that_has_nothing_to_watch_ends_with_the_reason() -> None:
    fleet = lighthouse()
    feed = FakeFeed()
    feed.put(NoWorkspace("no registry"))
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: app.return_code is not None, "it ends")
    assert app.return_code == 2


async def test_the_header_is_drawn_anew_when_something_of_it_reads_otherwise() -> None:
    fleet = Fleet(ROOT, agents=(facts("writer"),))
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agent is shown")
        frame, first = fleet_screen(app).frame, app.snapshot

        def drawn(at: float) -> float:
            app.snapshot = replace(first, now=at)
            return frame._drawn_at

        minute = first.now // 60 * 60 + 60
        at = frame._drawn_at
        assert drawn(minute - 0.5) == at, "nothing reads otherwise"
        assert drawn(minute) == minute
        await until(pilot, lambda: time.strftime("%H:%M", time.localtime(minute)) in text_of(app), "its clock goes on")
        assert drawn(minute - 120) == minute - 120, "the clock was set back"
        app.sound_status = replace(app.sound_status, muted=True)
        await until(pilot, lambda: "muted" in text_of(app), "and when anything of it changes")
