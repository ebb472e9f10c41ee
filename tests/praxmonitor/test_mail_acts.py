"""The mail view on a real workspace: its mailboxes, threads and search, and each act on the mail under the cursor."""

from __future__ import annotations

import time

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from mailcore.mail import answer, approval_expiry, approvals, archive, mailbox, post
from mailcore.model.agent import OPERATOR
from mailcore.model.message import Message
from mailcore.text.units import clock_time
from praxmonitor.actions import mail_requests
from praxmonitor.app.app import PraxApp
from praxmonitor.dialogs.choose import ChooseScreen
from praxmonitor.dialogs.compose import ComposeScreen
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.state.mail import MailFolder
from praxmonitor.state.needs import needs_of
from praxmonitor.views.mail import MailScreen
from tests.mailcore.conftest import House
from tests.praxmonitor.fake_feed import app_on, mail_screen, text_of, until

pytestmark = pytest.mark.anyio


def on(house: House) -> PraxApp:
    return app_on(FileFeed(house.root, 0.5), house.workspace, clock=time.time, config=house.config)


async def in_the_mail(app: PraxApp, pilot: Pilot[None], shown: str) -> MailScreen:
    await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
    await pilot.press("i")
    await until(pilot, lambda: isinstance(app.screen, MailScreen) and shown in text_of(app), f"{shown} is listed")
    return mail_screen(app)


def send(house: House, sender: str, to: str, subject: str, body: str = "About it.", **more: str | bool) -> Message:
    sent = post.send_mail(house.workspace, sender, [to], subject, body, **more)[0]  # type: ignore[arg-type]
    return next(message for message in house.inbox(to) if message.id == sent.id)


def closed(house: House) -> list[str]:
    return sorted(path.name for path in house.workspace.operator.archive_dir.glob("*.json"))


async def test_a_reply_of_one_line_is_sent_by_enter_and_the_mail_is_closed(house: House) -> None:
    send(house, "@editor", OPERATOR, "A question")
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await in_the_mail(app, pilot, "A question")
        await pilot.press("o", *"Yes do", "enter")
        await until(pilot, lambda: house.inbox("editor"), "the answer is delivered")
        await until(pilot, lambda: "no open mail" in text_of(app), "answered mail is closed")
        (said,) = house.inbox("editor")
        assert (said.subject, said.body) == ("RE: A question", "Yes do")


async def test_a_new_mail_goes_to_the_other_party_of_the_mail_under_the_cursor(house: House) -> None:
    send(house, "@editor", OPERATOR, "A question")
    send(house, OPERATOR, "@writer", "An order")
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await in_the_mail(app, pilot, "A question")
        for keys, shown, other in (((), "A question", "@editor"), (("l",), "An order", "@writer")):
            await pilot.press(*keys)
            await until(pilot, lambda shown=shown: mail_screen(app).mail.entry and shown in text_of(app), shown)  # type: ignore[misc]
            await pilot.press("m")
            await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "the form is open")
            assert app.screen.query_one("#to", Input).value == other
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, MailScreen), "left")


async def test_escape_sends_nothing_and_leaves_the_list_as_it_was(house: House) -> None:
    send(house, "@editor", OPERATOR, "A question")
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await in_the_mail(app, pilot, "A question")
        await pilot.press("o", *"Yes", "escape")
        await until(pilot, lambda: screen.mail.lines.has_focus, "the list has the focus again")
        assert house.inbox("editor") == () and not closed(house) and app.screen is screen


@pytest.mark.parametrize(
    ("steps", "state", "open_still"), [(0, "done", False), (1, "blocked", True), (2, "declined", False)]
)
async def test_the_outcome_of_a_task_is_chosen_and_its_result_said_in_a_line(
    house: House, steps: int, state: str, open_still: bool
) -> None:
    task = send(house, "@editor", OPERATOR, "Sign it", is_task=True)
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await in_the_mail(app, pilot, "Sign it")
        await pilot.press("E")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen), "it asks what became of it")
        await pilot.press(*["j"] * steps, "enter")
        await until(pilot, lambda: isinstance(app.screen, MailScreen) and isinstance(app.focused, Input), "the line")
        await pilot.press(*"signed", "enter")
        await until(pilot, lambda: house.inbox("editor"), "the sender is told")
        (told,) = house.inbox("editor")
        assert told.ack is not None and (told.ack.state, told.ack.result) == (state, "signed")
        await until(pilot, lambda: bool(house.inbox(OPERATOR)) is open_still, "open only where it is blocked")
        assert told.in_reply_to == task.sent_id


async def test_the_end_of_a_task_is_accepted(house: House) -> None:
    task = send(house, OPERATOR, "@editor", "Edit it", is_task=True)
    answer.acknowledge(house.workspace, "@editor", task.id, "done", "edited")
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await in_the_mail(app, pilot, "DONE: Edit it")
        await pilot.press("enter")
        await until(pilot, lambda: "Y accepts it" in text_of(app), "it says what can be done")
        await pilot.press("Y")
        await until(pilot, lambda: "no open mail" in text_of(app), "its notice is closed")
        assert '"accept"' in (house.workspace.state_dir / "audit.jsonl").read_text()


async def test_a_task_is_opened_again_and_its_agent_started(house: House) -> None:
    house.shell("editor", "true")
    task = send(house, OPERATOR, "@editor", "Edit it", is_task=True)
    answer.acknowledge(house.workspace, "@editor", task.id, "done", "edited")
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await in_the_mail(app, pilot, "DONE: Edit it")
        await pilot.press("O", *"two pages more", "enter")
        await until(pilot, lambda: house.runs("editor"), "it is dispatched again", seconds=15)
        (run,) = house.runs("editor")
        assert run.subject == "REOPENED: Edit it"
        house.over("editor", run.run_id)
        await until(pilot, lambda: "DONE: Edit it" not in {m.subject for m in house.inbox(OPERATOR)}, "it is closed")


async def test_a_mail_is_forwarded_with_its_text_quoted(house: House) -> None:
    send(house, "@editor", OPERATOR, "The figures", "One.\n\nTwo.")
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await in_the_mail(app, pilot, "The figures")
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "the form is open")
        assert app.screen.query_one("#subject", Input).value == "FWD: The figures"
        app.screen.query_one("#to", Input).value = "@writer"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: house.inbox("writer"), "it is delivered")
        (got,) = house.inbox("writer")
        assert "@editor wrote:\n> One.\n>\n> Two." in got.body and got.raw["forwarded_from"]


async def test_an_answer_opens_with_what_it_answers_and_a_quotation_alone_is_none(house: House) -> None:
    send(house, "@editor", OPERATOR, "The figures", "One.")
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await in_the_mail(app, pilot, "The figures")
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and app.focused, "the form is open")
        text = app.screen.query_one(TextArea)
        assert text.text == "\n\n@editor wrote:\n> One.\n"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "a reply needs a text" in text_of(app), "the form says why")
        text.text = f"Fine.{text.text}"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: house.inbox("editor"), "it is sent")
        assert house.inbox("editor")[0].body == "Fine.\n\n@editor wrote:\n> One."


async def test_what_was_closed_last_is_opened_again(house: House) -> None:
    for subject in ("First", "Second"):
        send(house, "@editor", OPERATOR, subject)
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await in_the_mail(app, pilot, "Second")
        await pilot.press("c")
        await until(pilot, lambda: len(closed(house)) == 1 and "Second" not in text_of(app), "closed")
        await pilot.press("c")
        await until(pilot, lambda: len(closed(house)) == 2 and "no open mail" in text_of(app), "both are closed")
        await pilot.press("U")
        await until(pilot, lambda: "First" in text_of(app), "the last one is back")
        assert [message.subject for message in house.inbox(OPERATOR)] == ["First"]
        await pilot.press("U")
        await until(pilot, lambda: "Second" in text_of(app), "then the one before")
        assert not closed(house) and '"restore"' in (house.workspace.state_dir / "audit.jsonl").read_text()


def test_of_several_closed_in_one_second_the_last_is_known_and_without_any_it_says_so(house: House) -> None:
    with pytest.raises(Exception, match="no mail of yours was closed"):
        mail_requests.reopen_closed(house.workspace, "")
    mails = [send(house, "@editor", OPERATOR, f"Mail {number}") for number in range(5)]
    for message in (mails[3], mails[0], mails[4], mails[1], mails[2]):
        mailbox.archive_messages(house.workspace.operator, [message.id])
    assert mail_requests.reopen_closed(house.workspace, "") == "open again: Mail 2"


async def test_where_nothing_is_asked_yes_is_refused_and_no_goes_back_to_what_needs_me(house: House) -> None:
    send(house, "@editor", OPERATOR, "Just so")
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        screen = await in_the_mail(app, pilot, "Just so")
        await pilot.press("Y")
        await until(pilot, lambda: any("asks for no approval" in each.text for each in app.notices), "it says so")
        app.notices.clear()
        await pilot.press("N")
        await until(pilot, lambda: any("Just so" in each.text for each in app.notices), "it is the key of the walk")
        assert app.screen is screen


@pytest.mark.parametrize("lapsed", [False, True])
async def test_a_request_past_its_time_looks_so_and_is_decided_no_more(house: House, lapsed: bool) -> None:
    """`lapsed`: the file says so already; a screen that only looks knows it by the clock."""
    approvals.request_approval(house.workspace, "@lead", OPERATOR, OPERATOR, "Deploy?", "It costs 20 $.", 2, "", 0.01)
    over = clock_time(house.inbox(OPERATOR)[0].expires_at, seconds=False)
    if lapsed:
        approval_expiry.lapse_expired(house.workspace)
        assert house.inbox(OPERATOR)[0].lapsed
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        screen = await in_the_mail(app, pilot, f"[expired {over}] Deploy?")
        for key in ("Y", "enter", "Y", "N"):
            app.notices.clear()
            await pilot.press(key)
            if key == "enter":
                told = ("Expired", "Nothing is decided any more: @lead has to ask again.")
                await until(pilot, lambda: all(each in text_of(app) for each in told), "why")  # noqa: B023
                assert "Y approves" not in text_of(app)
                continue
            said = f"{over}: nothing is decided any more; have @lead ask again: reply (R)"
            await until(pilot, lambda: any(said in each.text for each in app.notices), "what to do")  # noqa: B023
            assert app.screen is screen, "no form"
        assert needs_of(app.snapshot, []) == () and "@lead" not in app.snapshot.needs_me()


async def test_no_denies_where_a_request_is_open_and_leads_back_where_it_is_not(house: House) -> None:
    send(house, "@editor", OPERATOR, "Just so")
    approvals.request_approval(house.workspace, "@lead", OPERATOR, OPERATOR, "Deploy?", "It costs 20 $.", 2)
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        screen = await in_the_mail(app, pilot, "Deploy?")
        await pilot.press("N")
        await until(pilot, lambda: any("2 of 2: mail from @editor" in each.text for each in app.notices), "it walks")
        await pilot.press("N")
        await until(pilot, lambda: screen.message and screen.message.subject == "Deploy?", "on the request")
        await pilot.press("enter")
        await until(pilot, lambda: "N deny" in text_of(app), "here it is no")
        await pilot.press("N")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen), "you say why")
        assert "Deploy?" in [mail.subject for mail in house.inbox(OPERATOR)], "nothing is decided yet"


async def test_on_a_wide_screen_the_mail_under_the_cursor_stands_beside_the_list_and_stays_new(house: House) -> None:
    send(house, "@editor", OPERATOR, "First", "The text of the first.")
    send(house, "@editor", OPERATOR, "Second", "The text of the second.")
    app = on(house)
    async with app.run_test(size=(200, 50)) as pilot:
        screen = await in_the_mail(app, pilot, "The text of the second.")
        assert screen.mail.lines.size.width > 80 and screen.body.lines.size.width > 80
        await pilot.press("j")
        await until(pilot, lambda: "The text of the first." in text_of(app), "the other one")
        assert not screen.message_open and all(mail.unread for mail in house.inbox(OPERATOR))
        assert screen.body.lines.border_title == "message · Enter opens it"
        await pilot.press("enter")
        await until(pilot, lambda: sum(mail.unread for mail in house.inbox(OPERATOR)) == 1, "it is opened")
        assert screen.body.lines.border_title == "message"
        await pilot.press("escape")
        await until(pilot, lambda: not screen.message_open, "it is closed, and stays beside")
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: "The text of the" not in text_of(app), "the list has the room")
        await pilot.resize_terminal(200, 50)
        await until(pilot, lambda: "The text of the first." in text_of(app), "beside again")


async def test_a_request_looks_like_what_it_is(house: House) -> None:
    approvals.request_approval(house.workspace, "@lead", OPERATOR, OPERATOR, "Deploy?", "It costs 20 $.", 2, "", 3600)
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await in_the_mail(app, pilot, "[approval, tier 2] Deploy?")
        await pilot.press("enter")
        await until(pilot, lambda: "asks for your approval: tier 2, until" in text_of(app), "what it asks, until when")
        assert "Y approves, N denies" in text_of(app) and "It costs 20 $." in text_of(app)


async def test_sent_waiting_and_archive_are_read_and_the_cursor_is_kept_in_each(house: House) -> None:
    asked = send(house, OPERATOR, "@writer", "Write it")
    send(house, OPERATOR, "@editor", "Edit it")
    post.reply_to(house.workspace, "@writer", asked.id, "I shall.")
    kept = [send(house, "@lead", OPERATOR, f"Old {number}") for number in range(3)]
    post.close_messages(house.workspace, OPERATOR, [message.id for message in kept])
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await in_the_mail(app, pilot, "RE: Write it")
        await pilot.press("l")
        await until(pilot, lambda: "answered" in text_of(app) and "Edit it" in text_of(app), "what was sent")
        assert "→ @writer" in text_of(app) and "stored" in text_of(app)
        await pilot.press("j")
        assert screen.mail.selected is not None and screen.mail.selected.subject == "Write it"
        await pilot.press("l")
        await until(
            pilot, lambda: screen.listing.place.folder is MailFolder.WAITING and "Edit it" in text_of(app), "what waits"
        )
        assert "Write it" not in text_of(app), "it was answered"
        await pilot.press("right")
        await until(pilot, lambda: all(f"Old {number}" in text_of(app) for number in range(3)), "the archive")
        await pilot.press("left", "h")
        await until(
            pilot, lambda: screen.mail.selected and screen.mail.selected.subject == "Write it", "as it was left"
        )


async def test_a_long_archive_is_read_page_by_page(house: House) -> None:
    operator = house.workspace.operator
    for number in range(130):
        raw = {"id": f"{number:08x}", "from": "@lead", "subject": f"Old {number}", "message": "x", "status": "closed"}
        archive.write_archived(operator, raw)
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await in_the_mail(app, pilot, "no ")
        screen.turn_to(OPERATOR, MailFolder.ARCHIVE)
        await until(pilot, lambda: len(screen.mail.entries) == 60, "one page")
        for count in (120, 130):
            await pilot.press("G")
            await until(pilot, lambda count=count: len(screen.mail.entries) == count, "the next page")  # type: ignore[misc]
        assert len({entry.key for entry in screen.mail.entries}) == 130


async def test_anothers_mail_is_looked_at_and_stays_as_it_was(house: House) -> None:
    send(house, OPERATOR, "@writer", "Yours", "only yours")
    before = house.agent("writer").inbox.read_bytes()
    app = on(house)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        screen = await in_the_mail(app, pilot, "your mail")
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen) and "@writer" in text_of(app), "it asks whose")
        await pilot.press("j", "enter")
        await until(pilot, lambda: "mail of @writer" in text_of(app) and "Yours" in text_of(app), "its mail")
        await pilot.press("enter")
        await until(pilot, lambda: "only yours" in text_of(app), "the text")
        for key in ("o", "E", "U", "c", "R"):
            await pilot.press(key)
        await until(pilot, lambda: any("@writer's mail" in each.text for each in app.notices), "it says why not")
        await pilot.press("v")
        assert screen.body.raw
        await pilot.press("escape", "escape")
    assert house.agent("writer").inbox.read_bytes() == before and house.inbox("writer")[0].unread


async def test_a_thread_is_shown_in_order_with_its_mails_in_one_scroll(house: House) -> None:
    asked = send(house, "@writer", OPERATOR, "A question", "May I?")
    post.reply_to(house.workspace, OPERATOR, asked.id, "You may.")
    said = house.inbox("writer")[0]
    post.reply_to(house.workspace, "@writer", said.id, "Thank you.")
    send(house, "@lead", OPERATOR, "Something else")
    app = on(house)
    async with app.run_test(size=(140, 50)) as pilot:
        screen = await in_the_mail(app, pilot, "RE: A question")
        await pilot.press("j")
        assert screen.mail.selected is not None and screen.mail.selected.body == "Thank you."
        await pilot.press("t")
        await until(pilot, lambda: "thread of 3 mails" in text_of(app), "its thread")
        assert [entry.message.body for entry in screen.mail.entries] == ["May I?", "You may.", "Thank you."]
        assert [entry.depth for entry in screen.mail.entries] == [0, 1, 2]
        assert screen.mail.selected is not None and screen.mail.selected.body == "Thank you.", "the cursor stays on it"
        assert "Something else" not in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: all(text in text_of(app) for text in ("May I?", "You may.", "Thank you.")), "all")
        await pilot.press("escape", "t")
        await until(pilot, lambda: "Something else" in text_of(app), "back in the list")
        assert screen.mail.selected is not None and screen.mail.selected.body == "Thank you."


async def test_a_search_finds_as_it_is_typed_opens_in_the_thread_and_esc_goes_back(house: House) -> None:
    old = send(house, "@lead", "@writer", "Invoice of May", "The invoice of May is paid.")
    post.close_messages(house.workspace, "@writer", [old.id])
    send(house, "@lead", "@editor", "Another", "An invoice came.")
    send(house, "@lead", OPERATOR, "Something else")
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await in_the_mail(app, pilot, "Something else")
        await pilot.press("slash", *"invo")
        await until(pilot, lambda: "2 found" in text_of(app), "open and closed mail of others is found")
        assert "The invoice of May is paid." in text_of(app) and "@lead" in text_of(app) and "closed" in text_of(app)
        await pilot.press(*" is:closed")
        await until(pilot, lambda: "1 found" in text_of(app), "the closed one alone")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "thread of 1 mail" in text_of(app) and "is paid" in text_of(app), "in its thread")
        await pilot.press("escape")
        await until(pilot, lambda: "1 found" in text_of(app), "back at what was found")
        await pilot.press("escape")
        await until(
            pilot, lambda: "Something else" in text_of(app) and not screen.listing.place.search, "where one was"
        )


async def test_a_search_that_means_nothing_says_why(house: House) -> None:
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await in_the_mail(app, pilot, "your mail")
        await pilot.press("slash", *"@nobody")
        await until(pilot, lambda: "@nobody is no agent" in text_of(app), "it says so")
        assert "found" in text_of(app)


async def test_hostile_mail_is_listed_read_and_searched_harmlessly(house: House) -> None:
    evil = "\x1b]8;;http://evil\x07click\x1b[2J \u202egnp [bold red]x[/] <b>y</b>"
    send(house, "@lead", OPERATOR, evil, f"# {evil}\n\n```\n{evil}\n```\n")
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await in_the_mail(app, pilot, "click")
        await pilot.press("enter")
        await until(pilot, lambda: "[bold red]x[/] <b>y</b>" in text_of(app), "it stands as it was written")
        await pilot.press("slash", *"click")
        await until(pilot, lambda: "1 found" in text_of(app), "it is found")
        shown = text_of(app)
        assert "\x1b" not in shown and "\u202e" not in shown and "\x07" not in shown


async def test_a_thread_and_a_search_follow_what_becomes_of_their_mail(house: House) -> None:
    send(house, "@writer", OPERATOR, "A question", "May I?")
    app = on(house)
    async with app.run_test(size=(140, 40)) as pilot:
        screen = await in_the_mail(app, pilot, "A question")
        await pilot.press("t")
        await until(pilot, lambda: screen.listing.place.thread and "thread of 1 mail" in text_of(app), "its thread")
        await pilot.press("o", *"Yes", "enter")
        await until(pilot, lambda: "thread of 2 mails" in text_of(app), "the answer stands in it")
        assert "closed" in text_of(app)
        await pilot.press("escape", "slash", *"question")
        await until(pilot, lambda: "2 found" in text_of(app), "both are found")
        send(house, "@lead", "@editor", "A third question")
        await until(pilot, lambda: "3 found" in text_of(app), "so is what came since")
        assert "A third question" in text_of(app)


async def test_the_mail_of_the_selected_agent_is_one_key_away_and_the_own_one_another(house: House) -> None:
    send(house, OPERATOR, "@writer", "Yours")
    send(house, "@lead", OPERATOR, "Mine")
    app = on(house)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("B")
        await until(pilot, lambda: "mail of @writer" in text_of(app) and "Yours" in text_of(app), "its mail")
        await pilot.press("i")
        await until(pilot, lambda: "your mail" in text_of(app) and "Mine" in text_of(app), "the own mail")
        assert mail_screen(app).listing.place.owner == OPERATOR
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1, "back at the agents")
