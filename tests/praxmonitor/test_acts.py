"""The keys on a real workspace: what is asked for is done by mailcore, and shows when the files say so."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from mailcore.dispatch.admission.hold import WHOLE_WORKSPACE, place_hold
from mailcore.dispatch.runs import run_story
from mailcore.dispatch.runs.run_list import find_run
from mailcore.exceptions import MailcoreError, Refused
from mailcore.mail import approvals, post
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import OPERATOR
from mailcore.model.run import Phase
from mailcore.system.processes import start_ticks
from mailcore.workspace import create, presence
from mailcore.workspace.find import find_workspace
from mailcore.workspace.holds import hold_text
from mailcore.workspace.lock_reader import read_lock
from praxmonitor.actions import requests
from praxmonitor.actions.preconditions import busy
from praxmonitor.app.app import PraxApp
from praxmonitor.dialogs.choose import ChooseScreen
from praxmonitor.dialogs.compose import ComposeScreen
from praxmonitor.dialogs.confirm import ConfirmScreen
from praxmonitor.dialogs.kill_all import KillAllScreen
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.views.agent import AgentScreen
from praxmonitor.views.mail import MailScreen
from tests.mailcore.conftest import House
from tests.praxmonitor.fake_feed import app_on, fleet_screen, text_of, until

pytestmark = pytest.mark.anyio

SLEEPER = "echo begin; sleep 300 & sleep 300"


def on(house: House) -> PraxApp:
    return app_on(FileFeed(house.root, 0.5), house.workspace, clock=time.time, config=house.config)


async def opened(app: PraxApp, pilot: Pilot[None]) -> None:
    await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")


async def write(app: PraxApp, pilot: Pilot[None], key: str, subject: str, body: str, to: str = "") -> None:
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "the form is open")
    if to:
        app.screen.query_one("#to", Input).value = to
    app.screen.query_one("#subject", Input).value = subject
    app.screen.query_one(TextArea).text = body
    await pilot.press("ctrl+s")


async def test_a_mail_is_on_disk_before_the_form_closes_and_on_screen_when_the_file_says_so(house: House) -> None:
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await write(app, pilot, "m", "The outline", "Please look.\nTwo lines.", to="@writer, editor")
        await until(pilot, lambda: not isinstance(app.screen, ComposeScreen), "the form closes")
        for name in ("writer", "editor"):
            (message,) = house.inbox(name)
            assert (message.sender, message.subject, message.body) == (
                OPERATOR,
                "The outline",
                "Please look.\nTwo lines.",
            )
        await until(pilot, lambda: "✉1" in text_of(app), "the badge is shown")


async def test_a_mail_to_nobody_keeps_every_word_and_says_why(house: House) -> None:
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await write(app, pilot, "m", "Hello", "Long text.", to="@nobody")
        await until(pilot, lambda: "no agent @nobody" in text_of(app), "the form says why")
        assert app.screen.query_one(TextArea).text == "Long text."
        await pilot.press("escape")
        await until(pilot, lambda: "press esc again" in text_of(app), "escape asks first")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ComposeScreen), "thrown away")
        assert house.inbox("writer") == ()


async def test_an_untouched_form_closes_at_once(house: House) -> None:
    app = on(house)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen), "the form is open")
        assert app.screen.query_one("#to", Input).value == "@writer"
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ComposeScreen), "closed")
        assert app.is_running


async def test_dispatch_kill_and_retry(house: House) -> None:
    house.shell("writer", SLEEPER)
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await write(app, pilot, "d", "Chapter two", "Write it.")
        await until(pilot, lambda: "working" in text_of(app), "it works", seconds=15)
        (run,) = house.runs("writer")
        pid = house.attempt_pid("writer", run.run_id)
        await until(pilot, lambda: f"pid {pid}" in text_of(app), "its process is shown")

        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and str(pid) in text_of(app), "it asks")
        asked = text_of(app)
        assert "@writer" in asked and "Chapter two" in asked and "sleep 300" in asked
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen), "the default is No")
        assert os.path.exists(f"/proc/{pid}")  # noqa: PTH110

        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and app.focused, "it asks again")
        await pilot.press("y")
        await until(pilot, lambda: "killed" in text_of(app), "the files say killed", seconds=15)
        assert house.over("writer", run.run_id).phase is Phase.KILLED
        assert house.run("writer", run.run_id).by == OPERATOR
        assert not os.path.exists(f"/proc/{pid}")  # noqa: PTH110

        house.shell("writer", "echo done")
        app.opened.adopt(house.config)
        await until(pilot, lambda: not busy(app.snapshot.fleet), "its lock is gone too")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and app.focused, "it asks: it costs money")
        await until(
            pilot, lambda: "killed 0s ago" in text_of(app) or "killed 1s ago" in text_of(app), "what it came to"
        )
        assert "Chapter two" in text_of(app) and "Yes, start" in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen), "the default is No")
        assert len(house.runs("writer")) == 1
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and app.focused, "it asks again")
        await pilot.press("y")
        await until(pilot, lambda: len(house.runs("writer")) == 2, "a second run", seconds=15)
        await until(pilot, lambda: "✓ writer" in text_of(app), "it is done", seconds=20)


async def test_a_retry_repeats_the_run_that_was_shown_and_no_later_one(house: House) -> None:
    house.shell("writer", "echo done")
    house.over("@writer", house.started(OPERATOR, "@writer", "first"))
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, lambda: "✓ writer" in text_of(app), "it is done", seconds=15)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and "first" in text_of(app), "it asks")
        house.over("@writer", house.started(OPERATOR, "@writer", "second"))
        await pilot.press("y")
        await until(pilot, lambda: len(house.runs("writer")) == 3, "a third run", seconds=15)
    assert sorted(run.subject for run in house.runs("writer")) == ["first", "first", "second"]


async def test_a_retry_on_an_alarm_repeats_the_run_of_the_alarm_and_no_later_one(house: House) -> None:
    house.shell("writer", "exit 7")
    failed = house.over("@writer", house.started(OPERATOR, "@writer", "first"))
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, lambda: app.standing, "its alarm stands", seconds=15)
        house.shell("writer", "echo done")
        house.over("@writer", house.started(OPERATOR, "@writer", "second"))
        await until(pilot, lambda: "✓ writer" in text_of(app), "it is done", seconds=15)
        await pilot.press("5")
        await until(pilot, lambda: getattr(app.screen, "run_id", "") == failed.run_id, "the alarm is still listed")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and app.focused, "it asks", seconds=10)
        await until(pilot, lambda: "Run an earlier task of @writer again?" in text_of(app), "what it is")
        assert f"first (run {failed.run_id})" in text_of(app)
        await pilot.press("y")
        await until(pilot, lambda: len(house.runs("writer")) == 3, "a third run", seconds=15)
    assert sorted(run.subject for run in house.runs("writer")) == ["first", "first", "second"]


@pytest.mark.parametrize("foreign", [False, True])
async def test_a_yes_ends_the_run_that_was_shown_and_no_later_one(house: House, foreign: bool) -> None:
    house.shell("writer", SLEEPER)
    lock = house.agent("writer").dispatch_lock
    if foreign:
        lock.parent.mkdir(exist_ok=True)
        lock.write_text(f'{{"pid": {os.getpid()}, "timestamp": "2099-01-01T00:00:00", "subject": "first"}}')
    else:
        house.started(OPERATOR, "writer", "first")
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, lambda: "first" in text_of(app) and "working" in text_of(app), "it works", seconds=15)
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and app.focused, "it asks")
        assert "first" in text_of(app)
        if foreign:
            lock.unlink()
        else:
            house.kill(OPERATOR, "@writer")
        second = house.started(OPERATOR, "writer", "second")
        pid = house.attempt_pid("writer", second)
        await pilot.press("y")
        await until(pilot, lambda: "is over" in text_of(app), "it says that the first is over", seconds=15)
    assert not house.run("writer", second).phase.ended
    assert os.path.exists(f"/proc/{pid}")  # noqa: PTH110


async def test_kill_all_spares_what_began_after_the_list_was_shown(house: House) -> None:
    for name in ("writer", "editor", "lead"):
        house.shell(name, SLEEPER)
    first = {name: house.started(OPERATOR, name, "first") for name in ("writer", "editor")}
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, lambda: "● 2 working" in text_of(app), "two work", seconds=15)
        await pilot.press("K")
        await until(pilot, lambda: isinstance(app.screen, KillAllScreen) and app.focused, "it asks")
        house.kill(OPERATOR, "@writer")
        later = {name: house.started(OPERATOR, name, "second") for name in ("writer", "lead")}
        for name, run_id in later.items():
            house.attempt_pid(name, run_id)
        app.screen.query_one(Input).value = house.root.name
        await pilot.press("enter")
        await until(pilot, lambda: "what @lead @writer began" in text_of(app), "it says what it left", seconds=15)
        assert house.over("editor", first["editor"]).phase is Phase.KILLED
    assert not any(house.run(name, run_id).phase.ended for name, run_id in later.items())


async def test_an_agent_is_held_and_released_and_what_waited_starts(house: House) -> None:
    house.shell("writer", "echo done")
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await pilot.press("H")
        await until(pilot, lambda: "‖ 1 held" in text_of(app), "the files say held")
        assert "@writer is held by @operator" in text_of(app)
        await write(app, pilot, "d", "Later", "Wait for it.")
        await until(pilot, lambda: house.inbox("writer"), "the mail is delivered")
        await until(pilot, lambda: not isinstance(app.screen, ComposeScreen), "the form closes")
        assert house.runs("writer") == []
        await pilot.press("H")
        await until(pilot, lambda: house.runs("writer"), "it starts when it is released", seconds=15)
        await until(pilot, lambda: "✓ writer" in text_of(app), "it is done", seconds=20)
        await until(pilot, lambda: "held" not in text_of(app), "nothing of it is left")


async def test_one_that_works_goes_on_while_it_is_held(house: House) -> None:
    house.shell("writer", SLEEPER)
    run_id = house.started(OPERATOR, "writer")
    pid = house.attempt_pid("writer", run_id)
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "working" in text_of(app), "it works", seconds=15)
        await pilot.press("H")
        await until(pilot, lambda: "‖working" in text_of(app), "held, beside its state")
        await until(pilot, lambda: "‖ 1 held" in text_of(app).splitlines()[0], "the header counts it")
        assert os.path.exists(f"/proc/{pid}")  # noqa: PTH110
        await pilot.press("H")
        await until(pilot, lambda: "‖" not in text_of(app), "released")


async def test_one_that_is_held_with_all_others_is_not_released_alone(house: House) -> None:
    place_hold(house.workspace, OPERATOR, WHOLE_WORKSPACE, "lunch")
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, lambda: "‖ 3 held" in text_of(app), "all are held")
        await pilot.press("H")
        await until(pilot, lambda: "release --all" in text_of(app), "it says how")
    assert hold_text(house.workspace.state_dir, "every agent")


async def test_a_wake_starts_an_idle_agent_and_its_story_is_copied(house: House) -> None:
    house.shell("writer", "echo looked")
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await opened(app, pilot)
        await pilot.press("w")
        await until(pilot, lambda: "it has no new mail" in text_of(app), "it asks")
        await pilot.press("y")
        await until(pilot, lambda: "asked: wake @writer; D ends it" in text_of(app), "it says how to take it back")
        await until(pilot, lambda: "✓ writer" in text_of(app), "it was woken and is done", seconds=20)
        (run,) = house.runs("writer")
        assert run.sender == OPERATOR
        await pilot.press("y")
        await until(pilot, lambda: "copied" in text_of(app), "the story is copied")
        agent, same = find_run(house.workspace, "@writer")
        assert same is not None and app.clipboard == run_story.read_story(house.workspace, agent, same).as_markdown()
        assert run.run_id in app.clipboard and "| attempt |" in app.clipboard


async def test_what_waits_for_an_agent_is_listed_and_one_of_it_is_cancelled(house: House) -> None:
    house.shell("writer", SLEEPER)
    house.attempt_pid("writer", house.started(OPERATOR, "writer", "The present one"))
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, lambda: "working" in text_of(app), "it works", seconds=15)
        await pilot.press("x")
        await until(pilot, lambda: "no start waits for @writer" in text_of(app), "there is none yet")
        for subject in ("Chapter three", "Chapter four"):
            await write(app, pilot, "d", subject, "Write it.")
            await until(pilot, lambda: "dispatch to @writer (waits: busy)" in text_of(app), "it says so, shortly")
            app.clear_notifications()
        await until(pilot, lambda: "2 tasks wait" in text_of(app), "the detail tells", seconds=10)
        shown = text_of(app)
        assert "Chapter three" in shown and "Chapter four" in shown and "is busy on 'The present" in shown
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen) and "▸ Chapter three" in text_of(app), "a list")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ChooseScreen), "none is cancelled")
        assert len(requests.waiting(house.workspace, "@writer")) == 2
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen) and "Chapter four" in text_of(app), "again")
        await pilot.press("j", "enter")
        await until(pilot, lambda: "cancel @writer: Chapter four" in text_of(app), "it is cancelled")
        await until(pilot, lambda: "1 task waits" in text_of(app), "and gone from the detail")
    (left,) = requests.waiting(house.workspace, "@writer")
    assert left.subject == "Chapter three" and len(house.inbox("writer")) == 3
    with pytest.raises(MailcoreError, match="no start of the id '00000000' waits"):
        requests.cancel(house.workspace, "00000000")


async def test_a_notification_covers_no_dialog_and_is_found_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PraxApp, "NOTIFICATION_TIMEOUT", 60)  # what is looked at here is not to go meanwhile
    app = on(house)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot)
        await write(app, pilot, "m", "One", "Text.", to="@writer")
        await until(
            pilot, lambda: "asked: mail to @writer" in text_of(app).splitlines()[-1], "it is said at the bottom"
        )
        app.notify("trouble " * 30, title="not done", severity="error", markup=False)
        await pilot.press("m")
        await until(pilot, lambda: "ctrl+s send" in text_of(app) and "not done" in text_of(app), "over the form")
        lines = text_of(app).splitlines()
        assert lines[-1].lstrip("▌█▐ ").startswith("not done: trouble")
        assert any("╰───" in line and line.count("╰") == 1 for line in lines[-3:-1]), "\n".join(lines)
        await pilot.press("escape", "colon", *"notices", "enter")
        await until(pilot, lambda: "asked: mail to @writer" in "\n".join(text_of(app).splitlines()[:-1]), "the list")
        assert text_of(app).count("trouble") > 30
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1, "closed")


async def test_all_mail_that_was_read_is_closed_by_its_number(house: House) -> None:
    read = [post.send_mail(house.workspace, "@editor", [OPERATOR], f"Old {number}", "x")[0].id for number in (1, 2)]
    post.read_messages(house.workspace, OPERATOR, read)
    post.send_mail(house.workspace, "@editor", [OPERATOR], "New", "x")
    asked = approvals.request_approval(house.workspace, "@editor", OPERATOR, OPERATOR, "Deploy?", "To production.", 2)
    post.read_messages(house.workspace, OPERATOR, [asked.id])
    app = on(house)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, MailScreen) and "Old 1" in text_of(app), "the inbox")
        await pilot.press("C")
        await until(pilot, lambda: "Close 2 mails that you have read?" in text_of(app), "it asks by their number")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen), "not yet")
        assert len(house.inbox(OPERATOR)) == 4
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and app.focused, "it asks again")
        late = post.send_mail(house.workspace, "@editor", [OPERATOR], "Late", "x")[0]
        post.read_messages(house.workspace, OPERATOR, [late.id])
        await pilot.press("y")
        await until(pilot, lambda: "asked: close 2 mails" in text_of(app), "closed")
        await until(pilot, lambda: "your mail" in text_of(app) and "▸ " in text_of(app), "back in the list")
        assert {message.subject for message in house.inbox(OPERATOR)} == {"New", "Deploy?", "Late"}


async def test_kill_all_wants_the_workspaces_name_and_ends_every_run(house: House) -> None:
    house.limit(max_runs=2)
    for name in ("writer", "editor", "lead"):
        house.shell(name, SLEEPER)
    runs = {name: house.started(OPERATOR, name) for name in ("writer", "editor")}
    pids = [house.attempt_pid(name, run_id) for name, run_id in runs.items()]
    assert house.dispatch(OPERATOR, "lead").queued, "it waits for a place, and would begin when one is ended"
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "● 2 working" in text_of(app), "two work", seconds=15)
        await pilot.press("K")
        await until(pilot, lambda: isinstance(app.screen, KillAllScreen) and "@editor" in text_of(app), "it asks")
        assert "@writer" in text_of(app) and house.root.name in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: "not its name" in text_of(app), "no name is no yes")
        await pilot.press("y", "enter", "escape")
        await until(pilot, lambda: not isinstance(app.screen, KillAllScreen), "back")
        assert all(os.path.exists(f"/proc/{pid}") for pid in pids)  # noqa: PTH110

        await pilot.press("K")
        await until(pilot, lambda: isinstance(app.screen, KillAllScreen) and app.focused, "it asks again")
        app.screen.query_one(Input).value = house.root.name
        await pilot.press("enter")
        await until(pilot, lambda: "■ 3 killed" in text_of(app), "the files say killed", seconds=30)
        await until(pilot, lambda: not any(start_ticks(pid) for pid in pids), "none of them is left", seconds=10)
        for name in ("writer", "editor", "lead"):
            (run,) = house.runs(name)
            assert (house.over(name, run.run_id).phase, run.by) == (Phase.KILLED, OPERATOR)
        await until(pilot, lambda: not busy(app.snapshot.fleet), "their locks are gone too")
        await pilot.press("K")
        await until(pilot, lambda: "nothing runs in this workspace" in {n.text for n in app.notices}, "it is refused")
        assert not isinstance(app.screen, KillAllScreen)


async def test_an_act_says_that_the_operator_is_there_and_looking_does_not(house: House) -> None:
    noted = house.workspace.state_dir / "presence.json"
    presence.set_away(house.workspace, "15:00")
    away = noted.read_bytes()
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await pilot.press("l", "j", "enter", "escape", "question_mark", "escape", "m", "escape")
        await until(pilot, lambda: len(app.screen_stack) == 1, "back")
        assert noted.read_bytes() == away
        await write(app, pilot, "m", "Back", "I am here.", to="@writer")
        await until(pilot, lambda: noted.read_bytes() != away, "it is noted")
        assert presence.presence_of(house.workspace, house.workspace.operator) == "at the screen"
        first = noted.read_bytes()
        await write(app, pilot, "m", "Again", "Still here.", to="@writer")
        await until(pilot, lambda: len(house.inbox("writer")) == 2, "sent")
        await until(pilot, lambda: not isinstance(app.screen, ComposeScreen), "closed")
    assert noted.read_bytes() == first, "not twice within half a minute"


async def test_presence_that_cannot_be_noted_hinders_no_act(house: House) -> None:
    (house.workspace.state_dir / "presence.json").mkdir()
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await write(app, pilot, "m", "Back", "I am here.", to="@writer")
        await until(pilot, lambda: not isinstance(app.screen, ComposeScreen), "sent")
        assert house.inbox("writer")


async def test_arrows_reach_yes_in_the_dialog(house: House) -> None:
    house.shell("writer", SLEEPER)
    app = on(house)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        run_id = house.started(OPERATOR, "writer")
        house.attempt_pid("writer", run_id)
        await until(pilot, lambda: "working" in text_of(app), "it works", seconds=15)
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and app.focused, "it asks")
        await pilot.press("right", "left", "right", "enter")
        await until(pilot, lambda: "killed" in text_of(app), "killed", seconds=15)
        assert house.over("writer", run_id).phase is Phase.KILLED


async def test_quitting_stops_no_agent_and_the_next_screen_finds_the_run(house: House) -> None:
    house.shell("writer", SLEEPER)
    run_id = house.started(OPERATOR, "writer", "The long one")
    pid = house.attempt_pid("writer", run_id)
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await pilot.press("q")
        await until(pilot, lambda: app._exit, "it leaves")
    assert os.path.exists(f"/proc/{pid}")  # noqa: PTH110
    again = on(house)
    async with again.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "The long one" in text_of(again) and "working" in text_of(again), "found")
        await until(pilot, lambda: f"pid {pid}" in text_of(again), "with its process")


async def test_the_operators_mail_is_read_answered_and_closed(house: House) -> None:
    first = post.send_mail(house.workspace, "@editor", [OPERATOR], "A question", "May I?\x1b[2J")[0]
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "✉ 1 for you" in text_of(app), "the header says so")
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, MailScreen) and "A question" in text_of(app), "the inbox")
        await pilot.press("enter")
        await until(pilot, lambda: "May I?�[2J" in text_of(app), "the body, harmless")
        await until(pilot, lambda: "for you" not in text_of(app), "it is marked opened, in the file")
        assert post.find_message(house.workspace.operator, first.id).status == "opened"

        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "the form is open")
        assert app.screen.query_one("#to", Input).disabled
        app.screen.query_one(TextArea).text = "You may."
        await pilot.press("ctrl+s")
        await until(pilot, lambda: house.inbox("editor"), "the answer is delivered")
        (answer,) = house.inbox("editor")
        assert (answer.subject, answer.body, answer.in_reply_to) == ("RE: A question", "You may.", first.sent_id)
        await until(pilot, lambda: "no open mail" in text_of(app), "answered mail is closed")

        second = post.send_mail(house.workspace, "@editor", [OPERATOR], "Another", "x")[0]
        await until(pilot, lambda: "Another" in text_of(app), "the next one is shown")
        await pilot.press("c")
        await until(pilot, lambda: "no open mail" in text_of(app), "closed")
        assert list(house.workspace.operator.archive_dir.glob(f"*{second.id}*"))


async def test_an_empty_reply_is_not_sent(house: House) -> None:
    post.send_mail(house.workspace, "@editor", [OPERATOR], "A question", "May I?")
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, MailScreen) and "A question" in text_of(app), "the inbox")
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "the form is open")
        await pilot.press("space", "ctrl+s")
        await until(pilot, lambda: "a reply needs a text" in text_of(app), "the form says why")
    assert house.inbox("editor") == () and len(house.inbox(OPERATOR)) == 1


@pytest.mark.parametrize(("key", "decision"), [("Y", "approved"), ("N", "denied")])
async def test_a_request_for_approval_is_decided_and_neither_answered_nor_closed(
    house: House, key: str, decision: str
) -> None:
    approvals.request_approval(house.workspace, "@editor", OPERATOR, OPERATOR, "Deploy?", "To production.", 2)
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await opened(app, pilot)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, MailScreen) and "Deploy?" in text_of(app), "the inbox")
        await pilot.press("enter")
        await until(pilot, lambda: "Y approves, N denies" in text_of(app), "the mail says how")
        for wrong in ("R", "c"):
            await pilot.press(wrong)
            await until(pilot, lambda: "waits for your decision" in text_of(app), "it says why not")
            app.clear_notifications()
            await until(pilot, lambda: "waits for your decision" not in text_of(app), "the word is gone")
        assert house.inbox(OPERATOR)[0].undecided and not isinstance(app.screen, ComposeScreen)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "the form is open")
        app.screen.query_one(TextArea).text = "Because."
        await pilot.press("ctrl+s")
        await until(pilot, lambda: house.inbox("editor"), "the asker is told")
        (told,) = house.inbox("editor")
        assert (told.subject, told.body) == (f"{decision.upper()}: Deploy?", "Because.")
        await until(pilot, lambda: "no open mail" in text_of(app), "it is decided")


async def test_what_asks_for_no_approval_cannot_be_approved(house: House) -> None:
    post.send_mail(house.workspace, "@editor", [OPERATOR], "A question", "May I?")
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await opened(app, pilot)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, MailScreen) and "A question" in text_of(app), "the inbox")
        await pilot.press("Y")
        await until(pilot, lambda: "asks for no approval" in text_of(app), "it says so")
        assert isinstance(app.screen, MailScreen)


def test_the_screen_approves_only_for_the_approver_that_config_names(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = approvals.request_approval(house.workspace, "@editor", OPERATOR, OPERATOR, "Deploy?", "b", 1)
    other = replace(house.config, mail=replace(house.config.mail, approver="@lead"))
    with pytest.raises(Refused, match="only @lead"):
        requests.decide(house.workspace, other, request.id, "approved", "why")
    monkeypatch.chdir(house.agent("editor").branch)
    with pytest.raises(Refused, match=f"only {OPERATOR}"):
        requests.decide(house.workspace, house.config, request.id, "approved", "why")
    assert house.inbox(OPERATOR)[0].undecided


async def test_looking_into_an_agents_mail_changes_nothing(house: House) -> None:
    post.send_mail(house.workspace, OPERATOR, ["@writer"], "Yours", "only yours")
    before = house.agent("writer").inbox.read_bytes()
    app = on(house)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AgentScreen), "the agent")
        await pilot.press("enter")
        await until(pilot, lambda: "only yours" in text_of(app), "the body")
        await pilot.press("R")
        await until(pilot, lambda: "@writer's mail" in text_of(app), "it says why not")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: len(app.screen_stack) == 1, "back")
    # The app waits for its workers when it ends: what they write is there by now.
    assert house.agent("writer").inbox.read_bytes() == before
    records = (house.workspace.state_dir / "audit.jsonl").read_text()
    assert '"read"' not in records
    assert [notice.text for notice in app.notices if notice.severity == "error"] == [], "it was not even tried"


async def test_an_open_agent_shows_the_end_of_its_newest_log(house: House) -> None:
    logs = house.agent("writer").logs_dir
    logs.mkdir(exist_ok=True)
    (logs / "lantern.log").write_text("the lamp is lit\n")
    app = on(house)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AgentScreen) and "lantern.log" in text_of(app), "the log")
        assert "the lamp is lit" in text_of(app)


async def test_a_refused_act_is_told_in_mailcores_words(house: House) -> None:
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await opened(app, pilot)
        lock = house.agent("writer").dispatch_lock
        lock.parent.mkdir(exist_ok=True)
        lock.write_text(f'{{"pid": {os.getpid()}, "timestamp": "2099-01-01T00:00:00", "subject": "x"}}')
        await until(pilot, lambda: "working" in text_of(app), "a foreign lock shows")
        assert read_lock(lock) is not None
        await write(app, pilot, "d", "More", "work")
        await until(pilot, lambda: "is busy" in text_of(app), "the busy agent is named")
        assert house.inbox("writer"), "the mail is delivered all the same"


async def test_the_aipass_workspace_opens_as_it_is_and_looking_changes_nothing(aipass_workspace: Path) -> None:

    def listing() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in aipass_workspace.rglob("*") if path.is_file()}

    before = listing()
    app = app_on(FileFeed(aipass_workspace, 0.5), find_workspace(aipass_workspace))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "gamma" in text_of(app), "its agents are shown")
        grid = fleet_screen(app).grid
        for _ in range(4):
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, AgentScreen), "open")
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, AgentScreen), "closed")
            await pilot.press("right")
        assert "failed" in grid.lines.text
    assert listing() == before


async def test_an_agent_registered_meanwhile_can_be_written_to(house: House) -> None:
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        create.add_agent(house.workspace, "newcomer", "agents/newcomer")
        await until(pilot, lambda: "newcomer" in text_of(app), "the newcomer is shown")
        await write(app, pilot, "m", "Welcome", "Make yourself at home.", to="@newcomer")
        newcomer = find_workspace(house.root).agent("@newcomer")
        await until(pilot, lambda: read_mailbox(newcomer.inbox).messages, "the mail is delivered")
        assert read_mailbox(newcomer.inbox).messages[0].subject == "Welcome"
