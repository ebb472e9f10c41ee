"""What is said before a mail or a task is sent, beside what then happens."""

from __future__ import annotations

import shutil

import pytest

from mailcore.dispatch.admission.hold import place_hold
from mailcore.dispatch.forecast import Outcome, forecast, forecast_text
from mailcore.dispatch.shared_task import TaskTerms, dispatch_to_all
from mailcore.exceptions import MailcoreError, Refused
from mailcore.model.agent import OPERATOR
from tests.mailcore.conftest import House


def said(house: House, *to: str, is_task: bool = True, **terms: object) -> str:
    found = forecast(house.workspace, house.config, OPERATOR, to, TaskTerms(**terms), is_task=is_task)  # type: ignore[arg-type]
    return forecast_text(found)


def test_who_is_free_is_woken_and_who_is_busy_or_held_waits(house: House) -> None:
    for name in ("writer", "editor", "lead"):
        house.shell(name, "echo up; sleep 60")
    assert said(house, "@all") == "wakes 3" and said(house, "@writer") == "wakes @writer"
    place_hold(house.workspace, OPERATOR, "@lead", "")
    run_id = house.started(OPERATOR, "@writer", "first")
    assert said(house, "@all") == (
        "wakes @editor; @writer is busy: queued behind 1; @lead is held: only mail, until it is released"
    )
    second = house.dispatch(OPERATOR, "@writer", "second")
    assert second.queued and said(house, "@writer") == "@writer is busy: queued behind 2"
    assert "and it is to begin now" in said(house, "@writer", "@editor", waits=False)
    with pytest.raises(Refused, match="busy"):
        dispatch_to_all(
            house.workspace, house.config, OPERATOR, ["@editor", "@writer"], "s", "b", TaskTerms(waits=False)
        )
    assert house.runs("@editor") == [] and house.inbox("@editor") == (), "to none of them"
    house.kill(OPERATOR, run_id)


def test_a_mail_wakes_nobody_unless_it_is_urgent(house: House) -> None:
    assert said(house, "@writer", is_task=False) == "mail to @writer; wakes nobody"
    assert said(house, "@writer", "@editor", is_task=False, priority="low") == "mail to 2; wakes nobody"
    assert said(house, "@writer", OPERATOR, is_task=False, priority="high") == f"wakes @writer; mail to {OPERATOR}"
    assert said(house) == ""


def test_what_speaks_against_it_comes_first_with_what_was_meant(house: House) -> None:
    shutil.rmtree(house.agent("@editor").branch)
    found = forecast(
        house.workspace, house.config, OPERATOR, ["@wrtier", "@editor", "@lead"], TaskTerms(), is_task=False
    )
    assert [one.outcome for one in found] == [Outcome.WRONG, Outcome.WRONG, Outcome.MAIL]
    text = forecast_text(found)
    assert text.startswith("no agent @wrtier") and "did you mean @writer?" in text and "branch" in text
    assert "no program" in said(house, "@lead", program="nosuch") or "nosuch" in said(house, "@lead", program="nosuch")


def test_a_task_that_one_refuses_goes_to_none(house: House) -> None:
    house.shell("writer", "echo up")
    shutil.rmtree(house.agent("@editor").branch)
    with pytest.raises(MailcoreError, match="branch"):
        dispatch_to_all(house.workspace, house.config, OPERATOR, ["@writer", "@editor"], "s", "b", TaskTerms())
    assert house.inbox("@writer") == () and house.runs("@writer") == []
