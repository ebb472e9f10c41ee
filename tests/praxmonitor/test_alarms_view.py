"""The view of alarms: requests for approval among them, decided on their row; it keeps its place; it draws no harm."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs
from textual.pilot import Pilot

from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import Fleet
from mailcore.model.message import Message
from mailcore.text.units import iso
from praxmonitor.actions.keymap import Keymap
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.episode import ACKNOWLEDGED, Episode
from praxmonitor.alarms.history import HistoryEntry
from praxmonitor.alarms.listing import alarm_rows
from praxmonitor.app.app import PraxApp
from praxmonitor.dialogs.alarm_lines import approval_lines
from praxmonitor.dialogs.compose import ComposeScreen
from praxmonitor.text.lines import width_of
from praxmonitor.views.alarms import AlarmsScreen
from praxmonitor.views.mail import MailScreen
from tests.clock import NOON
from tests.praxmonitor.fake_feed import FakeFeed, app_on, box, lighthouse, mail, mail_screen, text_of, until, workspace

HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold]evil[/]\u202etxt.exe\nsecond line"


def request(number: int, sender: str, subject: str, ago: float, body: str = "", *, expires: str = "") -> Message:
    asked = mail(number, sender, subject, ago, body=body)
    approval = {"tier": 2, **({"expires_at": expires} if expires else {})}
    return replace(asked, raw={"approval": approval}, stored_at=NOON - ago)


def asking(*requests: Message) -> Fleet:
    fleet = lighthouse()
    assert fleet.operator is not None
    return structs.replace(fleet, operator=structs.replace(fleet.operator, mailbox=box(*requests)))


def alarm(kind: AlarmKind, address: str, what: str, id: str = "") -> Episode:
    return Episode(Alarm(kind, address, NOON, what, id=id), NOON)


async def opened(app: PraxApp, pilot: Pilot[None]) -> AlarmsScreen:
    await until(pilot, lambda: app.standing, "the alarms stand")
    await pilot.press("5")
    view = app.screen
    assert isinstance(view, AlarmsScreen)
    await until(pilot, lambda: view.rows, "they are listed")
    return view


def test_requests_stand_first_those_whose_alarm_wants_you_before_the_others() -> None:
    mails = (request(1, "@a", "New", 10), request(2, "@b", "Old", 20), mail(3, "@c", "News", 5),
             request(4, "@d", "Seen", 30))  # fmt: skip
    standing = (
        alarm(AlarmKind.FAILED, "@builder", "bounced", "r"),
        alarm(AlarmKind.APPROVAL, OPERATOR, "@b asks", "00000002"),
        alarm(AlarmKind.APPROVAL, OPERATOR, "@gone asks", "000000ff"),
        replace(alarm(AlarmKind.APPROVAL, OPERATOR, "@d asks", "00000004"), answered_until=ACKNOWLEDGED),
        replace(alarm(AlarmKind.FAILED, "@planner", "failed", "q"), answered_until=ACKNOWLEDGED),
    )
    rows = alarm_rows(standing, mails, NOON)
    assert [(row.request and row.request.subject, row.group and row.group.leader.alarm.what) for row in rows] == [
        ("Old", "@b asks"), ("Seen", "@d asks"), ("New", None), (None, "bounced"), (None, "@gone asks"),
        (None, "failed"),
    ]  # fmt: skip
    assert rows[0].keys == ("request 00000002", "approval @operator 00000002")
    assert alarm_rows((), (replace(mails[0], status="closed"),), NOON) == ()
    over = request(5, "@b", "Over", 600, expires=iso(NOON - 1) or "")
    assert alarm_rows((), (over,), NOON) == () and alarm_rows((), (over,), NOON - 2) != ()


@pytest.mark.parametrize("width", [30, 60, 80, 120, 200])
@pytest.mark.parametrize("chosen", [True, False])
def test_a_request_says_tier_and_end_in_lines_that_fit_and_are_harmless(width: int, chosen: bool) -> None:
    asked = request(1, HOSTILE, HOSTILE, 30, body=(HOSTILE + " ") * 30, expires="2027-01-15T12:10:00+00:00")
    lines = approval_lines(asked, None, NOON, width, str if chosen else None)
    assert all(width_of(line) <= width and all(text.isprintable() for text, _ in line) for line in lines)
    said = " ".join(text for line in lines for text, _ in line)
    assert len(lines) == 1 if not chosen else len(lines) > 5
    assert ("Enter reads all of it" in " ".join(said.split())) is (chosen and width > 40)


@pytest.mark.anyio
@pytest.mark.parametrize(("keys", "word"), [("Y", "Approve"), ("enter enter N", "Deny")])
async def test_a_request_is_approved_by_two_keys_and_denied_where_it_is_open(keys: str, word: str) -> None:
    fleet = asking(request(1, "@editor", "Drop it?", 30))
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        view = await opened(app, pilot)
        assert view.selected == OPERATOR and "1 request for your approval" in text_of(app)
        *before, last = keys.split()
        for number, key in enumerate(before):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, MailScreen), "among the mail")
            screen, opens = mail_screen(app), bool(number)
            await until(pilot, lambda: screen.message and screen.message_open is opens, "on it, then open")  # noqa: B023
        await pilot.press(last)
        await until(
            pilot, lambda: isinstance(app.screen, ComposeScreen) or bool(app.notices), "the decision is asked for"
        )
        said = text_of(app) if isinstance(app.screen, ComposeScreen) else app.notices[-1].text
        assert word.upper() in said.upper() or "not done" in said


@pytest.mark.anyio
async def test_on_an_alarm_the_one_request_that_waits_is_decided_and_the_cursor_goes_to_it() -> None:
    app = app_on(FakeFeed(asking(request(1, "@editor", "Drop it?", 30))), workspace(lighthouse()))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        view = await opened(app, pilot)
        await pilot.press("j")
        assert view.message is None and view.selected == "@checker"
        await pilot.press("Y")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen) or bool(app.notices), "it is decided")
        assert view.message is not None and view.message.subject == "Drop it?"


@pytest.mark.anyio
async def test_on_an_alarm_with_several_requests_one_must_be_chosen() -> None:
    asked = asking(request(1, "@editor", "Drop it?", 30), request(2, "@writer", "And this?", 20))
    app = app_on(FakeFeed(asked), workspace(lighthouse()))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        view = await opened(app, pilot)
        await pilot.press("j", "j")
        assert view.message is None
        await pilot.press("Y")
        await until(pilot, lambda: "2 requests wait: this is the first" in text_of(app), "which?")
        assert app.screen is view and view.message is not None and view.message.subject == "Drop it?", (
            "nothing is asked"
        )


@pytest.mark.anyio
@pytest.mark.parametrize("asked", [True, False])
async def test_n_goes_back_and_y_with_no_request_says_why_not(asked: bool) -> None:
    fleet = asking(request(1, "@editor", "Drop it?", 30)) if asked else lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await opened(app, pilot)
        if not asked:
            await pilot.press("Y")
            await until(pilot, lambda: "no request waits for your approval" in text_of(app), "why not")
            assert isinstance(app.screen, AlarmsScreen), "no form was opened"
        await pilot.press("N")
        await until(pilot, lambda: not isinstance(app.screen, AlarmsScreen), "N is the need before this one")
        assert not app.screen.is_modal, "nothing is denied"


@pytest.mark.anyio
async def test_the_head_names_the_keys_that_hold() -> None:
    app = app_on(FakeFeed(asking(request(1, "@editor", "Drop it?", 30))), workspace(lighthouse()))
    app.keymap = Keymap({"approve_request": ("f5",), "open_alarm": ("f6",)})
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: "1 request for your approval: F5 approves, F6 opens" in text_of(app), "they do")
        assert "Y approves" not in text_of(app)


@pytest.mark.anyio
async def test_it_keeps_its_place_and_esc_leads_back() -> None:
    app = app_on(FakeFeed(lighthouse()), workspace(lighthouse()))
    async with app.run_test(size=(120, 36)) as pilot:
        view = await opened(app, pilot)
        await pilot.press("j", "j", "escape")
        await until(pilot, lambda: app.screen is app.get_screen("fleet"), "back")
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: app.screen is view, "the same view")
        assert view.list.index == 2
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "selected", "") == "@builder", "its agent")


@pytest.mark.anyio
async def test_enter_on_a_request_reads_it_among_the_mail() -> None:
    fleet = asking(mail(1, "@a", "News", 5), request(2, "@editor", "Drop it?", 30))
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, AlarmsScreen), "another view")
        await until(pilot, lambda: app.screen is app.get_screen("mail"), "the mail is in front")
        await until(pilot, lambda: getattr(getattr(app.screen, "message", None), "subject", "") == "Drop it?", "on it")
        assert "News" in text_of(app), "among the other mail"


@pytest.mark.anyio
async def test_the_keys_of_an_agent_act_on_the_chosen_alarms() -> None:
    """What an alarm says to do names them: `kill (D)`."""
    app = app_on(FakeFeed(lighthouse()), workspace(lighthouse()))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        view = await opened(app, pilot)
        assert view.selected == "@checker"
        await pilot.press("r")
        await until(pilot, lambda: "@checker is at work: kill its run first" in text_of(app), "r is about it")


@pytest.mark.anyio
@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 36), (200, 50)])
async def test_it_fits_every_size_with_hostile_words(size: tuple[int, int]) -> None:
    app = app_on(FakeFeed(asking(request(1, "@editor", HOSTILE, 30, body=HOSTILE * 9))), workspace(lighthouse()))
    async with app.run_test(size=size) as pilot:
        view = await opened(app, pilot)
        drawn = text_of(app)
        assert "evil" in drawn and "\x1b" not in drawn and "\u202e" not in drawn and "? help" in drawn
        await pilot.click("#list", offset=(5, view.list.lines.line_count - 1))
        assert view.chosen is not None


@pytest.mark.anyio
async def test_on_a_wide_screen_what_explains_the_chosen_row_stands_beside_the_list() -> None:
    fleet = asking(request(1, "@editor", "Drop it?", 30, body="The second figure is wrong."))
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(200, 50)) as pilot:
        view = await opened(app, pilot)
        await pilot.press("j")
        await until(pilot, lambda: "expected" in view.beside.text, "it is explained")
        assert "expected" not in view.list.lines.text and view.list.lines.text.count("\n") == len(view.rows) - 1
        assert view.beside.text.startswith("@checker silent") and "history" not in view.beside.text
        key = view.rows[1].keys[0]
        view._entries = (HistoryEntry(NOON - 60, "raised", key), HistoryEntry(NOON - 5, "snoozed", key, by="@operator"))
        view.refresh_all()
        told = [line.split() for line in view.beside.text.splitlines()[-2:]]
        assert told == [["history", "11:59:55", "snoozed", "by", "@operator"], ["11:59:00", "raised"]]
        await pilot.press("k")
        assert "The second figure is wrong." in view.beside.text and "Drop it?" in view.beside.text
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: "The second figure is wrong." in view.list.lines.text, "in the list")
        assert not view.beside.display
