"""Since you were away: offered when the operator comes back, short, and each line leads somewhere."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from mailcore.dispatch.runs.away_summary import AwaySummary, headline, summarize, summary_lines
from mailcore.mail import post
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.run import Phase
from praxmonitor.dialogs.choose import ChooseScreen
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.state.attendance import AWAY_AFTER, USUALLY, Attendance
from praxmonitor.views.mail import MailScreen
from tests.clock import NOON, Clock
from tests.mailcore.conftest import House, wait_until
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, mail, mail_screen, run, text_of, until, workspace

HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold]evil[/]\u202etxt.exe\nsecond line"


def test_nobody_was_away_who_pressed_a_key_in_between() -> None:
    attendance = Attendance(NOON)
    assert attendance.note_key(NOON + AWAY_AFTER - 1) == 0.0 and attendance.since(NOON + 5000) == NOON + 5000 - USUALLY
    assert attendance.note_key(NOON + AWAY_AFTER + 2000) == 2001
    assert attendance.note_key(NOON + AWAY_AFTER + 2001) == 0.0
    assert attendance.since(NOON + 99_999) == NOON + AWAY_AFTER - 1, "the last absence, however long ago"


def test_the_digest_says_first_what_wants_the_operator_and_is_harmless() -> None:
    found = AwaySummary(
        NOON - 2520,
        failed=(run("beta", HOSTILE, Phase.BOUNCED, 60, reason=HOSTILE, cost=1.0),),
        unanswered=(run("scribe", "Notes", Phase.COMPLETED, 50),),
        done=tuple(run("writer", f"Task {n}", Phase.COMPLETED, 40, replied=True, cost=0.01) for n in range(25)),
        going_on=(run("editor", "Edit", Phase.RUNNING, 30),),
        requests=(mail(1, "@editor", "May I?", 20),),
        mails=(mail(2, HOSTILE, HOSTILE, 10),),
    )
    lines = summary_lines(found)
    assert [one.text.split()[0] for one in lines] == ["?", "✗", "!", "✓", "▸", "✉"]
    assert lines[0].message_id == "00000001" and lines[1].address == "@beta" and lines[-1].message_id == "00000002"
    assert lines[3].text.endswith("@writer Task 24 (and 24 more)") and all(one.text.isprintable() for one in lines)
    said = headline(found, NOON)
    assert said.endswith(
        "(42 min): 1 failed, 1 done without a reply, 25 done, 1 at work, 1 request, 1 unread mail; $1.25 spent"
    )
    assert headline(AwaySummary(NOON - 60), NOON).endswith(": nothing happened") and not AwaySummary(NOON)


def test_it_is_read_from_the_runs_and_the_mail_of_that_time(house: House) -> None:
    first = house.over("@editor", house.started("@operator", "@editor", "before"))
    house.shell("editor", "exit 3")
    house.over("@editor", house.started("@operator", "@editor", "breaks"))
    found = summarize(house.workspace, first.since + 0.001)
    assert [each.subject for each in found.failed] == ["breaks"] and found.unanswered == () == found.done
    wait_until(lambda: summarize(house.workspace, first.since + 0.001).mails, what="the bounce is among the mail")
    assert [each.subject for each in summarize(house.workspace, first.since - 1).unanswered] == ["before"]


@pytest.mark.anyio
async def test_it_is_offered_after_an_absence_and_leads_to_the_agent(house: House) -> None:
    ended = house.over("@editor", house.started("@operator", "@editor", "meanwhile"))
    clock = Clock()
    clock.now = ended.since - 60
    fleet = Fleet(house.root, tuple(AgentFacts(agent) for agent in house.workspace.agents), at=clock.now)
    app = app_on(FakeFeed(fleet), house.workspace, clock=clock)
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        await until(pilot, lambda: app.snapshot.fleet.agents, "the agents are read")
        await pilot.press("j")
        assert not app.notices
        clock.now = ended.since + 1200
        await pilot.press("j")
        await until(pilot, lambda: "nobody pressed a key for 21 min: W tells" in text_of(app), "it is offered")
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen), "it is shown", seconds=10)
        assert "1 done without a reply" in text_of(app) and "@editor meanwhile (no reply)" in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "selected", "") == "@editor", "the agent's view")


@pytest.mark.anyio
async def test_a_mail_of_it_is_gone_to(house: House) -> None:
    for number in range(3):
        post.send_mail(house.workspace, "@editor", ["@operator"], f"Letter {number}", "Look at it.")
    clock = Clock()
    clock.now = time.time()
    app = app_on(FileFeed(house.root, 0.5), house.workspace, clock=clock)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.snapshot.fleet.operator is not None, "the mail is read", seconds=10)
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen), "it is shown", seconds=10)
        assert "Letter 0" in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, MailScreen), "the mail view")
        await until(
            pilot, lambda: getattr(mail_screen(app).message, "subject", "") == "Letter 0", "that mail is chosen"
        )
        assert mail_screen(app).listing.place.owner == "@operator"


@pytest.mark.anyio
async def test_where_nothing_happened_it_says_so() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.snapshot.fleet.agents, "the agents are read")
        await pilot.press("W")
        await until(pilot, lambda: app.notices, "it answers")
        assert app.notices[-1].text.endswith("nothing happened")


def test_a_run_that_ended_well_is_no_failure() -> None:
    ended = replace(run("a", "T", Phase.COMPLETED, 5), reason="all of it")
    assert summary_lines(AwaySummary(NOON, done=(ended,)))[0].text.endswith("@a T")
