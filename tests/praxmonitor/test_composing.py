"""The form on a real workspace: what is said before it is sent, drafts, templates, and what is taken back."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static, TextArea

from mailcore.dispatch.admission.hold import place_hold
from mailcore.mail import outgoing, post
from mailcore.model.agent import OPERATOR
from praxmonitor.actions import composing
from praxmonitor.app.app import PraxApp
from praxmonitor.dialogs.choose import ChooseScreen
from praxmonitor.dialogs.compose import ComposeScreen
from praxmonitor.dialogs.compose_options import OptionsScreen
from praxmonitor.dialogs.drafts import DraftsScreen
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.preferences.drafts import Draft, all_drafts, drafts_directory, keep_draft
from praxmonitor.text.letters import Letter, completed, manner, read_template, started_word, with_template
from praxmonitor.views.mail import MailScreen
from tests.mailcore.conftest import House
from tests.praxmonitor.fake_feed import app_on, text_of, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def home(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A workspace whose screen keeps drafts, in a state directory of the test's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return house


def on(house: House, undo: float = 0.0) -> PraxApp:
    return app_on(
        FileFeed(house.root, 0.5), house.workspace, clock=time.time, config=house.config, live=True, undo=undo
    )


async def form(app: PraxApp, pilot: Pilot[None], key: str) -> ComposeScreen:
    await until(pilot, lambda: "writer" in text_of(app) and app.screen.is_mounted, "the agents are shown")
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "the form is open")
    assert isinstance(app.screen, ComposeScreen)
    return app.screen


def fill(screen: ComposeScreen, to: str = "", subject: str = "", body: str = "") -> None:
    if to:
        screen.query_one("#to", Input).value = to
    screen.query_one("#subject", Input).value = subject
    screen.query_one(TextArea).text = body


def closed(app: PraxApp) -> bool:
    return not isinstance(app.screen, ComposeScreen)


def forecast_of(app: PraxApp) -> str:
    return str(app.screen.query_one("#forecast", Static).render())


async def test_a_typo_among_several_sends_to_none_and_says_who_was_meant(home: House) -> None:
    app = on(home)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await form(app, pilot, "m")
        fill(screen, "@editor @wrtier", "Style", "British.")
        await until(pilot, lambda: "did you mean @writer?" in forecast_of(app), "it is said while it is written")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: screen.query_one("#trouble").has_class("-open"), "it is refused")
        assert "did you mean @writer?" in text_of(app) and home.inbox("editor") == ()
        await until(pilot, lambda: app.focused is screen.query_one("#to"), "the field is focused")
        fill(screen, "@editor @writer", "Style", "British.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: closed(app), "sent")
    assert len(home.inbox("editor")) == len(home.inbox("writer")) == 1


async def test_what_fails_in_writing_names_who_has_it_and_the_form_sends_to_the_rest(home: House) -> None:
    lock = home.agent("writer").inbox.with_name(".inbox.lock")
    lock.unlink(missing_ok=True)
    lock.mkdir()
    app = on(home)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await form(app, pilot, "m")
        fill(screen, "@editor @writer", "Style", "British.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "@editor has it" in text_of(app), "it says who has it")
        assert "@writer:" in text_of(app) and len(home.inbox("editor")) == 1
        lock.rmdir()
        await pilot.press("ctrl+s")
        await until(pilot, lambda: closed(app), "the rest")
    assert len(home.inbox("editor")) == len(home.inbox("writer")) == 1


async def test_it_says_before_what_a_task_would_come_to(home: House) -> None:
    home.shell("writer", "echo up; sleep 60")
    run_id = home.started(OPERATOR, "@writer", "first")
    place_hold(home.workspace, OPERATOR, "@lead", "")
    app = on(home)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await form(app, pilot, "d")
        fill(screen, "@all", "s", "b")
        wanted = "wakes @editor; @writer is busy: queued behind 1; @lead is held"
        await until(pilot, lambda: wanted in forecast_of(app), "of a task")
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "mail to 3; wakes nobody" in forecast_of(app), "of a mail")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "wakes @editor" in forecast_of(app), "of one of high priority")
        assert "mail · high priority" in text_of(app)
    home.kill(OPERATOR, run_id)


async def test_names_are_completed_and_tab_then_goes_on(home: House) -> None:
    app = on(home)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await form(app, pilot, "m")
        to = screen.query_one("#to", Input)
        to.value = ""
        to.focus()
        await pilot.press(*"@ed")
        await until(pilot, lambda: "@editor" in forecast_of(app), "it says which begin so")
        await pilot.press("tab")
        await until(pilot, lambda: to.value == "@editor ", "completed")
        await pilot.press(*"@al", "tab", "tab")
        await until(pilot, lambda: app.focused is screen.query_one("#subject"), "on")
        assert to.value == "@editor @all "


async def test_a_draft_is_kept_by_esc_offered_back_and_gone_when_it_is_sent(home: House) -> None:
    app = on(home)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        screen = await form(app, pilot, "m")
        fill(screen, "@editor", subject="Half", body="a thought")
        await pilot.press("ctrl+r", "escape")
        await until(pilot, lambda: closed(app) and "draft kept" in text_of(app), "kept")
        (draft,) = all_drafts(home.root)
        assert (draft.letter.subject, draft.letter.body, draft.letter.priority) == ("Half", "a thought", "high")
        (path,) = drafts_directory(home.root).glob("*.json")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600 and not path.is_relative_to(home.root)
        screen = await form(app, pilot, "m")
        assert "your draft is back" in text_of(app) and "high priority" in text_of(app)
        assert screen.query_one(TextArea).text == "a thought"
        await pilot.press("ctrl+n")
        await until(pilot, lambda: screen.query_one(TextArea).text == "", "thrown away")
        await until(pilot, lambda: all_drafts(home.root) == [], "on disk, too")
        assert screen.query_one("#to", Input).value == "@writer", "whom the form was opened for"
        fill(screen, subject="Whole", body="b")
        await until(pilot, lambda: all_drafts(home.root), "written by itself, without a key")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: closed(app), "sent")
        assert all_drafts(home.root) == [] and len(home.inbox("writer")) == 1


async def test_a_draft_is_on_disk_a_second_after_the_last_letter(home: House) -> None:
    app = on(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await form(app, pilot, "d")
        await pilot.press(*"Lamps")
        await until(pilot, lambda: [d.letter.subject for d in all_drafts(home.root)] == ["Lamps"], "kept", seconds=1.0)
        (draft,) = all_drafts(home.root)
        assert draft.letter.is_task and draft.letter.to == "@writer"
    later = on(home)
    async with later.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "writer" in text_of(later) and later.screen.is_mounted, "the agents are shown")
        await pilot.press("ctrl+e")
        await until(pilot, lambda: isinstance(later.screen, DraftsScreen) and "Lamps" in text_of(later), "listed")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(later.screen, ComposeScreen) and later.focused, "gone on with")
        assert later.screen.query_one("#subject", Input).value == "Lamps"


async def test_a_draft_is_thrown_away_and_brought_back_in_the_list(home: House) -> None:
    for number, subject in enumerate(("Old", "New")):
        keep_draft(
            home.root, Draft(f"mail {number}", "Mail", Letter("@writer", subject, "b"), time.time() - 60 + number)
        )

    def kept() -> list[str]:
        return [draft.letter.subject for draft in all_drafts(home.root)]

    app = on(home)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app) and app.screen.is_mounted, "the agents are shown")
        await pilot.press("ctrl+e")
        await until(pilot, lambda: isinstance(app.screen, DraftsScreen) and "▸" in text_of(app), "listed")
        await pilot.press("x")
        await until(pilot, lambda: "thrown away; x brings it back" in text_of(app), "it is said how it comes back")
        assert kept() == ["Old"]
        await pilot.press("x")
        await until(pilot, lambda: "thrown away" not in text_of(app), "it is back")
        assert kept() == ["New", "Old"]
        await pilot.press("j", "x")
        await until(pilot, lambda: "thrown away" in text_of(app), "the other")
        assert kept() == ["New"]
        await pilot.press("escape")
        await until(pilot, lambda: not app.screen.is_modal, "closed")
        assert kept() == ["New"]


@pytest.mark.parametrize("undo", [0.0, 60.0], ids=["sent", "waits"])
@pytest.mark.parametrize("key", ["m", "d"], ids=["mail", "task"])
async def test_what_was_sent_is_no_draft_though_the_screen_was_killed_before_it_forgot_it(
    home: House, monkeypatch: pytest.MonkeyPatch, undo: float, key: str
) -> None:
    app = on(home, undo)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await form(app, pilot, key)
        fill(screen, subject="Lamps", body="Trim them.")
        with monkeypatch.context() as killed:
            killed.setattr(composing, "discard_draft", lambda *_: None)
            await pilot.press("ctrl+s")
            await until(pilot, lambda: closed(app), "asked")
    assert len(outgoing.waiting(home.workspace)) + len(home.inbox("writer")) == 1
    assert [draft.letter.subject for draft in all_drafts(home.root)] == ["Lamps"], "the file lies there"
    later = on(home, undo)
    async with later.run_test(size=(120, 36), notifications=True) as pilot:
        screen = await form(later, pilot, key)
        assert screen.query_one(TextArea).text == "" and all_drafts(home.root) == []
        await pilot.press("escape")
        await until(pilot, lambda: closed(later), "left")
        await pilot.press("ctrl+e")
        await until(pilot, lambda: "no draft" in text_of(later), "nothing to go on with")


async def test_what_was_not_sent_when_the_screen_was_killed_is_a_draft(home: House) -> None:
    """The same words went to another before, and to none of those since."""
    post.send_mail(home.workspace, OPERATOR, ["@writer"], "Lamps", "Trim them.")
    letter = Letter("@writer @editor", "Lamps", "Trim them.")
    keep_draft(home.root, Draft("mail @writer", "Mail", letter, time.time(), begun=time.time()))
    app = on(home)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await form(app, pilot, "m")
        assert screen.query_one(TextArea).text == "Trim them."


async def test_templates_are_offered_and_a_bad_one_is_told(home: House) -> None:
    directory = home.workspace.state_dir / "templates"
    directory.mkdir()
    (directory / "bug.md").write_text("subject: A bug\nto: @editor\npriority: low\n\nWhat:\nExpected:\n")
    (directory / "bad.md").write_text("priority: soon\n\ntext")
    (directory / "raw.md").write_bytes(b"\xff\xfe\x00")
    os.mkfifo(directory / "pipe.md")
    app = on(home)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await form(app, pilot, "m")
        await pilot.press("ctrl+l")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen), "they are offered")
        await pilot.press("enter")
        await until(pilot, lambda: "What:" in screen.query_one(TextArea).text, "taken")
        assert screen.query_one("#subject", Input).value == "A bug"
        assert screen.query_one("#to", Input).value == "@writer", "what was written stays"
        await until(pilot, lambda: "low priority" in text_of(app), "its priority")
        told = str(screen.query_one("#trouble", Static).render())
        assert "'soon'; allowed: low, normal, high" in told and "raw.md: is no text" in told and "pipe.md" in told


async def test_files_are_attached_as_paths_of_the_project(home: House) -> None:
    (home.root / "notes").mkdir()
    (home.root / "notes" / "plan.md").write_text("x")
    (home.root / "notes" / "play.md").write_text("x")
    app = on(home)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await form(app, pilot, "m")
        fill(screen, subject="See", body="the plan")
        await pilot.press("ctrl+g")
        await until(pilot, lambda: isinstance(app.screen, OptionsScreen), "more is asked")
        field = app.screen.query_one("#attach", Input)
        field.focus()
        await pilot.press(*"../x", "enter")
        await until(pilot, lambda: "outside of the project" in text_of(app), "refused")
        field.value = ""
        await pilot.press(*"notes/p")
        await until(pilot, lambda: field._suggestion == "notes/pla", "what they have in common")
        await pilot.press("tab", *"n")
        await until(pilot, lambda: field._suggestion == "notes/plan.md", "one of them")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: app.screen is screen and "1 attached" in text_of(app), "taken")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: closed(app), "sent")
    assert home.inbox("writer")[0].body == "the plan\n\nAttached: notes/plan.md\n"


@pytest.mark.parametrize("size", [(60, 20), (120, 36), (200, 50)], ids=str)
async def test_the_mail_that_is_answered_stays_in_view(home: House, size: tuple[int, int]) -> None:
    post.send_mail(home.workspace, "@editor", [OPERATOR], "A question", "May I drop\n\x1b[2Jthe figure?")
    app = on(home)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "writer" in text_of(app) and app.screen.is_mounted, "the agents are shown")
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, MailScreen) and "A question" in text_of(app), "the inbox")
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "the form is open")
        await until(pilot, lambda: "May I drop" in text_of(app) and "\x1b" not in text_of(app), "it is in view")
        assert app.screen.query_one("#to", Input).disabled


async def test_a_mail_waits_is_taken_back_into_the_form_and_nobody_has_it(home: House) -> None:
    app = on(home, undo=60.0)
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        screen = await form(app, pilot, "m")
        fill(screen, "@writer @editor", "Style", "British.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: closed(app), "asked")
        assert len(outgoing.waiting(home.workspace)) == 1 and home.inbox("writer") == ()
        app.clear_notifications()
        await until(pilot, lambda: "Ctrl+u take back, sent in" in text_of(app), "the bottom line says so")
        await pilot.press("ctrl+u")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "it is back in the form")
        assert app.screen.query_one("#to", Input).value == "@writer @editor"
        assert app.screen.query_one(TextArea).text == "British."
        assert "taken back: Style" in [notice.text for notice in app.notices]
        assert outgoing.waiting(home.workspace) == [] and [d.letter.subject for d in all_drafts(home.root)] == ["Style"]
        await pilot.press("escape")
        await until(pilot, lambda: closed(app), "left")
        await until(pilot, lambda: "take back" not in text_of(app), "nothing waits")
    assert home.inbox("writer") == home.inbox("editor") == ()


async def test_an_open_screen_sends_it_on_time_and_a_task_starts(home: House) -> None:
    home.shell("writer", "echo up")
    app = on(home, undo=0.6)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await form(app, pilot, "d")
        fill(screen, subject="Lamps", body="b")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: closed(app), "asked")
        assert home.inbox("writer") == ()
        await until(pilot, lambda: home.runs("writer"), "it starts by itself", seconds=10)
        assert [m.subject for m in home.inbox("writer")] == ["Lamps"]
        await until(pilot, lambda: not app.opened.waiting_mail, "and waits no more")


async def test_a_screen_that_opens_later_sends_what_was_left_and_high_priority_never_waits(home: House) -> None:
    outgoing.put(home.workspace, outgoing.Outgoing(OPERATOR, ("@editor",), "left", "b"), 0.0)
    app = on(home, undo=60.0)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: home.inbox("editor"), "what another screen left is sent")
        screen = await form(app, pilot, "m")
        fill(screen, "@editor", "Now", "b")
        await pilot.press("ctrl+r", "ctrl+s")
        await until(pilot, lambda: closed(app), "asked")
        assert {m.subject for m in home.inbox("editor")} == {"left", "Now"}
    for run in home.runs("editor"):
        home.over("editor", run.run_id)


async def test_an_answer_waits_too_and_can_be_taken_back(home: House) -> None:
    post.send_mail(home.workspace, "@editor", [OPERATOR], "A question", "May I?")
    app = on(home, undo=60.0)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app) and app.screen.is_mounted, "the agents are shown")
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, MailScreen) and "A question" in text_of(app), "the inbox")
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "the form is open")
        app.screen.query_one(TextArea).text = "You may."
        await pilot.press("ctrl+s")
        await until(pilot, lambda: closed(app), "asked")
        assert home.inbox("editor") == () and len(home.inbox(OPERATOR)) == 1
        await pilot.press("ctrl+u")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "it is back")
        assert app.screen.query_one("#to", Input).disabled
        assert app.screen.query_one(TextArea).text == "You may."


async def test_the_text_goes_to_the_editor_and_stays_if_that_dies(
    home: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from praxmonitor.app.terminal import Terminal

    script = tmp_path / "edit"
    script.write_text("#!/bin/sh\nprintf ' and more' >> \"$1\"\nexit ${EXIT:-0}\n")
    script.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(script))
    monkeypatch.delenv("VISUAL", raising=False)
    from contextlib import nullcontext

    monkeypatch.setattr(Terminal, "lend", lambda _: nullcontext())  # a test has no terminal to lend
    app = on(home)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await form(app, pilot, "m")
        fill(screen, subject="s", body="some")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: screen.query_one(TextArea).text == "some and more", "edited")
        monkeypatch.setenv("EXIT", "7")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "ended with status 7" in text_of(app), "it says so")
        assert screen.query_one(TextArea).text == "some and more"
        assert list(drafts_directory(home.root).glob("letter-*")) == [], "no copy is left"


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 36), (200, 50)], ids=str)
async def test_the_form_can_be_used_at_every_size(home: House, size: tuple[int, int]) -> None:
    app = on(home)
    async with app.run_test(size=size) as pilot:
        screen = await form(app, pilot, "d")
        await until(pilot, lambda: "wakes @writer" in forecast_of(app), "what it would come to")
        text = text_of(app)
        for shown in ("To", "Subject", "Text", "task: wakes its agents", "ctrl+s send", "ctrl+g more", "wakes @writer"):
            assert shown in text, text
        assert screen.query_one(TextArea).size.height >= 3, text
        await pilot.press("ctrl+g")
        await until(pilot, lambda: isinstance(app.screen, OptionsScreen) and "Priority" in text_of(app), "more")
        assert "enter done" in text_of(app)


def test_what_is_typed_of_an_address_is_completed() -> None:
    known = ("@writer", "@writing", "@editor", "@all")
    assert completed("wri", known) == "@writ" and completed("@editor, @writi", known) == "@editor, @writing "
    assert completed("@writer", known) == "@writer" and completed("@x", known) == "@x" and completed("", known) == ""
    assert started_word("@editor @wr", known) == ("@wr", ["@writer", "@writing"])
    assert started_word("@writer", known) == ("@writer", []) and started_word("@wr ", known) == ("", [])


def test_a_letter_says_how_it_goes_and_carries_its_files() -> None:
    letter = Letter("@a", "s", "text\n", True, "low", expect="a file", model="m", at_once=True, attached=("a b",))
    assert manner(letter) == (
        "task: wakes its agents · low priority · done when a file · model m · now or not at all · 1 attached"
    )
    assert letter.whole_body == "text\n\nAttached: a b\n" and manner(Letter()) == "mail · normal priority"


def test_a_template_may_be_fenced_and_leaves_what_is_written() -> None:
    fenced = read_template("t", '---\nsubject: "S"\nkind: task\nexpect: tests\n---\n\nBody\n')
    assert fenced.letter == Letter("", "S", "Body", True, "normal", "tests")
    assert read_template("t", "Body: with a colon\nto: nobody").letter.body == "Body: with a colon\nto: nobody"
    assert with_template(Letter("@a", "mine", "text"), fenced.letter) == Letter(
        "@a", "mine", "text\n\nBody", True, "normal", "tests"
    )
    for text in ("---\nsubject: s\n", "---\nnonsense\n---\n", "priority: soon\n", "kind: letter\n"):
        with pytest.raises(ValueError, match=r":"):
            read_template("t", text)
