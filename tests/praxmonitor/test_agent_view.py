"""The view of one agent on the running screen: its sections, and each action in them, on real files and git."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from textual.pilot import Pilot

from mailcore.dispatch.queueing import queue
from praxmonitor.actions.scope import AGENT
from praxmonitor.actions.table import ACTIONS
from praxmonitor.app.app import PraxApp
from praxmonitor.dialogs.confirm import ConfirmScreen
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.feed.playback import Playback
from praxmonitor.state.agent_details import Section
from tests.clock import NOON
from tests.mailcore.conftest import House, git
from tests.mailcore.test_queue import GATED, order, waiting
from tests.praxmonitor.fake_feed import FakeFeed, agent_screen, app_on, lighthouse, text_of, until, workspace

pytestmark = pytest.mark.anyio


def on(house: House) -> PraxApp:
    return app_on(FileFeed(house.root, 0.5), house.workspace, clock=time.time, config=house.config)


async def opened(app: PraxApp, pilot: Pilot[None], section: Section = Section.STORY) -> None:
    """@writer, whole, in this section."""
    await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
    app.navigation.show_section("@writer", section)
    await until(pilot, lambda: app.screen is app.get_screen("agent"), "the agent is in view")
    await until(pilot, lambda: agent_screen(app).section is section, f"its {section} is")


@pytest.mark.parametrize("width", [60, 80, 120, 200])
async def test_sections_are_gone_through_by_key_and_mouse_and_remembered(width: int) -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(width, 36)) as pilot:
        await opened(app, pilot)
        seen = []
        for _ in Section:
            seen.append(agent_screen(app).section)
            await pilot.press("tab")
        assert seen == list(Section) and agent_screen(app).section is Section.STORY
        await pilot.press("left_square_bracket")
        assert agent_screen(app).section is Section.CHANGES
        await pilot.press("h", "h", "l", "right_square_bracket", "shift+tab")
        assert agent_screen(app).section is Section.MEMORIES
        shown = agent_screen(app).shown
        assert shown == ((Section.STORY, Section.MEMORIES) if width >= 160 else (Section.MEMORIES,))
        _, places = agent_screen(app).tabs.lines, agent_screen(app).tabs._places
        start = next(start for start, _, section in places if section is Section.TIMELINE)
        await pilot.click(agent_screen(app).tabs.lines, offset=(start + 1, 0))
        await until(pilot, lambda: agent_screen(app).section is Section.TIMELINE, "a click chooses")
        await pilot.press("1", "2")
        assert agent_screen(app).section is Section.TIMELINE, "it stays as it was left"


@pytest.mark.parametrize("width", [120, 200])
async def test_another_agent_begins_at_its_story_and_the_same_one_where_it_was_left(width: int) -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(width, 36)) as pilot:
        await opened(app, pilot, Section.QUEUE)
        app.navigation.show_agent("@writer")
        assert agent_screen(app).section is Section.QUEUE, "the same agent"
        app.navigation.show_agent("@checker")
        await until(pilot, lambda: "Check the dates" in text_of(app), "another")
        assert agent_screen(app).section is Section.STORY and Section.STORY in agent_screen(app).shown
        assert agent_screen(app).story.lines.has_focus
        app.navigation.show_section("@builder", Section.LOG)
        assert agent_screen(app).section is Section.LOG, "what is asked for wins"


async def test_a_section_that_is_asked_for_before_any_agent_was_looked_at_is_the_first_ones() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        app.navigation.show_section("", Section.QUEUE)
        await until(pilot, lambda: agent_screen(app).selected == "@writer", "the first one")
        assert agent_screen(app).section is Section.QUEUE


async def test_two_sections_stand_side_by_side_where_there_is_room() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(159, 36)) as pilot:
        await opened(app, pilot, Section.MAILBOX)
        await until(pilot, lambda: "Outline" in text_of(app) and "attempt 1 of 3" not in text_of(app), "one")
        await pilot.resize_terminal(160, 36)
        await until(pilot, lambda: "Outline" in text_of(app) and "attempt 1 of 3" in text_of(app), "both")
        assert agent_screen(app).mail.lines.has_focus
        await pilot.press("h", "h", "h")
        await until(pilot, lambda: agent_screen(app).story.lines.has_focus, "the story is chosen, beside the last")
        assert agent_screen(app).shown == (Section.STORY, Section.PROCESSES)


async def test_what_is_asked_for_by_words_is_brought_to_the_front_from_any_view() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("4", "colon", *"show queue")
        await until(pilot, lambda: "what waits for the selected agent" in text_of(app), "it is found")
        await pilot.pause(0.2)
        await pilot.press("enter")
        await until(pilot, lambda: "nothing waits for this agent" in text_of(app), "the queue of an agent")
        assert agent_screen(app).section is Section.QUEUE


async def test_a_key_out_of_its_section_says_where_it_means_something() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await opened(app, pilot)
        await pilot.press("e")
        await until(pilot, lambda: "to edit, go to the changes of an agent" in text_of(app), "it says why")
        await pilot.press("less_than_sign")
        await until(pilot, lambda: "to move, go to the queue of an agent" in text_of(app), "it says why")
        app.clear_notifications()
        await until(pilot, lambda: "go to" not in text_of(app), "it is gone")
        assert "begin now" not in text_of(app) and "earlier" not in text_of(app)


async def test_a_recording_says_what_it_does_not_hold(tmp_path: Path) -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet), playback=Playback(NOON))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await opened(app, pilot, Section.QUEUE)
        for section in (Section.QUEUE, Section.LOG, Section.PROCESSES, Section.MEMORIES, Section.CHANGES):
            app.navigation.show_section("@writer", section)
            await until(pilot, lambda: f"it holds no {section}" in text_of(app), f"no {section}")  # noqa: B023
            assert "Write chapter two" in text_of(app)
        app.navigation.show_section("@writer", Section.TIMELINE)
        await until(pilot, lambda: "Edit: chapter-2.md" in text_of(app), "what was recorded")
        await pilot.press("x")
        await until(pilot, lambda: "a recording is played" in text_of(app), "nothing is done in it")


async def test_processes_timeline_log_and_memories_of_an_agent_at_work(house: House) -> None:
    house.shell("writer", "echo the lamp is lit; sleep 299 & sleep 300")
    run_id = house.started("@operator", "@writer", "Chapter two")
    pid = house.attempt_pid("@writer", run_id)
    (house.agent("@writer").branch / "CLAUDE.md").write_text("Be brief.\n")
    app = on(house)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, Section.PROCESSES)
        await until(pilot, lambda: "sleep 299" in text_of(app) and str(pid) in text_of(app), "its processes")
        await until(pilot, lambda: "0 %" in text_of(app), "and what they use")
        app.navigation.show_section("@writer", Section.TIMELINE)
        await until(pilot, lambda: "Chapter two (attempt 1/3)" in text_of(app), "what it did")
        app.navigation.show_section("@writer", Section.LOG)
        await until(pilot, lambda: "the lamp is lit" in text_of(app), "its log")
        app.navigation.show_section("@writer", Section.MEMORIES)
        await until(pilot, lambda: ".trinity/passport.json" in text_of(app), "its passport")
        await pilot.press("G")
        await until(pilot, lambda: "CLAUDE.md   10 B" in text_of(app) and "Be brief." in text_of(app), "memories")
        copied: list[str] = []
        app.copy_to_clipboard = copied.append  # type: ignore[method-assign, assignment]
        await pilot.press("y")
        await until(pilot, lambda: copied, "it is copied")
        assert "Be brief." in copied[0] and ".trinity/passport.json" in copied[0]
    house.kill("@operator", "@writer")


async def test_the_queue_is_moved_cancelled_and_begun(house: House) -> None:
    ids = waiting(house, 3)
    app = on(house)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await opened(app, pilot, Section.QUEUE)
        await until(pilot, lambda: "3 starts wait" in text_of(app) and "1. task 0" in text_of(app), "the queue")
        await pilot.press("j", "j", "less_than_sign")
        await until(pilot, lambda: "2. task 2" in text_of(app), "it is moved")
        assert order(house) == "021"
        start = agent_screen(app).start
        assert start is not None and start.id == ids[2], "the cursor stays on it"
        await until(pilot, lambda: "2 of 3, was 3; > moves it back" in text_of(app), "the way back is said")
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: order(house) == "012", "it is moved back")
        await until(pilot, lambda: "3. task 2" in text_of(app), "and shown")
        await pilot.press("enter")
        await until(pilot, lambda: agent_screen(app).section is Section.MAILBOX, "its mail is read")
        assert agent_screen(app).body.lines.text.startswith("task 2\n")
        app.navigation.show_section("@writer", Section.QUEUE)

        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and "task 2" in text_of(app), "it asks")
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen), "no")
        assert order(house) == "012"
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and app.focused, "it asks again")
        await pilot.press("y")
        await until(pilot, lambda: order(house) == "01", "it is cancelled")
        assert "task 2" in [mail.subject for mail in house.inbox("@writer")]
        await until(pilot, lambda: "2 starts wait" in text_of(app), "one less")

        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and "Yes, begin" in text_of(app), "it asks")
        await pilot.press("y")
        await until(pilot, lambda: "is the next of @writer; it waits" in text_of(app), "it is the next", 10)
        assert order(house) == "10"

        queue.cancel_start(house.workspace, "@operator", ids[1])
        queue.cancel_start(house.workspace, "@operator", ids[0])
        await pilot.press("less_than_sign")
        await until(pilot, lambda: "no start of the id" in text_of(app) or "no start waits" in text_of(app), "gone")
        await until(pilot, lambda: "nothing waits for this agent" in text_of(app), "and shown so")
    house.kill("@operator", "@writer")


@pytest.fixture
def edited(house: House, monkeypatch: pytest.MonkeyPatch) -> Path:
    """@writer at work in a repository, in which it changed and made a file; a file that the editor writes."""
    house.shell("writer", GATED)
    git(house.root, "init", "-q", "-b", "main")
    branch = house.agent("@writer").branch
    (branch / "chapter.md").write_text("".join(f"line {n}\n" for n in range(1, 31)))
    git(house.root, "add", str(branch / "chapter.md"))
    git(house.root, "commit", "-qm", "first")
    run_id = house.started("@operator", "@writer", "Chapter two")
    house.attempt_pid("@writer", run_id)
    lines = (branch / "chapter.md").read_text().splitlines()
    lines[19] = "the twentieth\x1b]0;title\x07"
    (branch / "chapter.md").write_text("\n".join(lines) + "\n")
    (branch / "zz\x1b[31m.md").write_text("made\n")
    seen = house.root / "editor.txt"
    editor = house.root / "vi"
    editor.write_text(f'#!/bin/sh\necho "$@" > {seen}\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    monkeypatch.delenv("VISUAL", raising=False)
    return seen


async def test_changes_are_listed_read_copied_and_edited(
    house: House, edited: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = on(house)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await opened(app, pilot, Section.CHANGES)
        await until(pilot, lambda: "chapter.md" in text_of(app) and "branch main" in text_of(app), "the files", 10)
        assert "since the run began" in text_of(app) and "+1 -1" in text_of(app)
        assert "zz\N{REPLACEMENT CHARACTER}[31m.md" in text_of(app) and "\x1b" not in text_of(app)
        await until(pilot, lambda: agent_screen(app).panels.files.index is not None, "one is chosen")
        while (found := agent_screen(app).changed_file) is None or not found[1].path.endswith("chapter.md"):
            await pilot.press("j")
        await pilot.press("enter")
        await until(pilot, lambda: "+the twentieth\N{REPLACEMENT CHARACTER}]0;title" in text_of(app), "its lines", 10)
        assert "-line 20" in text_of(app) and "\x1b" not in text_of(app)
        copied: list[str] = []
        monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
        await pilot.press("y")
        await until(pilot, lambda: copied, "they are copied")
        assert "-line 20\n+the twentieth" in copied[0] and "\x1b" not in copied[0]

        lent: list[list[str]] = []

        async def lend(_terminal: object, argv: list[str], **_: object) -> int:
            lent.append(argv)
            return 0

        monkeypatch.setattr("praxmonitor.actions.editor.lend", lend)
        await pilot.press("e")
        await until(pilot, lambda: lent, "the editor is opened", 10)
        assert lent[0][1:] == ["+20", str(house.agent("@writer").branch / "chapter.md")]

        await pilot.press("escape")
        await until(pilot, lambda: "+the twentieth" not in text_of(app), "the lines are closed")
        (house.agent("@writer").branch / "chapter.md").unlink()
        await pilot.press("e")
        await until(pilot, lambda: any("no file any more" in n.text for n in app.notices), "it says why not", 10)
        (house.agent("@writer").branch / "chapter.md").symlink_to("/etc/hosts")
        await pilot.press("e")
        await until(pilot, lambda: any("leads out of" in n.text for n in app.notices), "nor what lies elsewhere", 10)
        assert len(lent) == 1
    house.kill("@operator", "@writer")


async def test_what_is_changed_meanwhile_is_shown_when_more_is_known(house: House, edited: Path) -> None:
    app = on(house)
    branch = house.agent("@writer").branch
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, Section.CHANGES)
        await until(pilot, lambda: "chapter.md" in text_of(app), "the files", 10)
        (branch / "later.md").write_text("later\n")
        (branch / "logs").mkdir(exist_ok=True)
        with (branch / "logs/work.log").open("a") as log:
            log.write("a sign of life\n")
        await until(pilot, lambda: "later.md" in text_of(app), "the new one", 15)
        assert os.fspath(branch) not in text_of(app).split("later.md")[0].splitlines()[-1]
    house.kill("@operator", "@writer")


@pytest.mark.parametrize("leaves", [False, True])
async def test_the_changes_stay_those_of_the_run_that_is_read_until_f_goes_to_the_newer_or_they_are_opened_again(
    house: House, edited: Path, leaves: bool
) -> None:
    app = on(house)
    branch = house.agent("@writer").branch
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await opened(app, pilot, Section.CHANGES)
        await until(pilot, lambda: "chapter.md" in text_of(app), "the files", 10)
        await pilot.press("f")
        await until(pilot, lambda: "this is the newest run" in text_of(app), "there is no newer")
        view = agent_screen(app)
        shown = view.changing.of("@writer")
        assert shown is not None and "a newer run" not in text_of(app)
        house.kill("@operator", "@writer")
        began = time.time()
        await until(pilot, lambda: time.time() > began + 1, "git's record tells whole seconds", 5)
        git(house.root, "add", str(branch))
        git(house.root, "commit", "-qm", "second")
        house.started("@operator", "@writer", "Chapter three")
        (branch / "third.md").write_text("later\n")
        await until(pilot, lambda: "a newer run began at" in text_of(app), "it is said", 15)
        await until(pilot, lambda: "third.md" in text_of(app), "read again", 15)
        assert "chapter.md" in text_of(app) and shown.since in text_of(app), "against what it was"
        await pilot.press("question_mark")
        await until(pilot, lambda: app.screen.is_modal, "the help is over it")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is view and "a newer run began" in text_of(app), "as it was")
        await pilot.press(*(("3",) if leaves else ("f",)))
        if leaves:
            await until(pilot, lambda: app.screen is not view, "another view")
            await pilot.press("2")
            await until(pilot, lambda: app.screen is view, "opened again")
        await until(pilot, lambda: "chapter.md" not in text_of(app), "those of the newer run", 15)
        assert "third.md" in text_of(app) and "a newer run" not in text_of(app)
    house.kill("@operator", "@writer")


def test_each_action_of_the_view_is_asked_for_in_a_test() -> None:
    """By its key, above."""
    asked = {
        "section_next", "section_before", "start_earlier", "start_later", "start_now", "start_cancel", "open_diff",
        "newest_run", "edit_file", "copy_section",
    }  # fmt: skip
    assert {action.id for action in ACTIONS if action.scope is AGENT} == asked
