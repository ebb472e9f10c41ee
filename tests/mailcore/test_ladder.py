"""The rungs of a message: each once, in order, with the time that something recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mailcore.mail.ladder import RUNGS, ladder
from mailcore.mail.lookup import Copy
from mailcore.mail.sent_mail import SentMail
from mailcore.model.agent import Agent
from mailcore.model.message import FINAL, Message
from mailcore.model.run import Attempt, Run


def mail(**raw: Any) -> Message:
    return Message.from_json({"timestamp": "2026-11-22T01:00:00+00:00", "status": "new", **raw})


def at(seconds: int) -> str:
    return f"2026-11-22T01:00:{seconds:02}+00:00"


def run(*attempts: Attempt) -> Run:
    return Run("r", "@b", "@a", "s", "1", "command", 0.0, attempts=attempts)


def test_all_rungs_with_their_times() -> None:
    message = mail(stored_at=at(1), status="opened", seen_at=at(4), ack={"state": "acknowledged", "at": at(5)})
    start = message.stored_at
    steps = ladder(message, run(Attempt(1, "start", start + 1, running_at=start + 2), Attempt(2, "fresh", start + 9)))
    assert [(rung, when - start) for rung, when in steps.rungs] == [(r, float(n)) for n, r in enumerate(RUNGS)]
    assert (steps.rung, steps.since - start, steps.ended) == ("acknowledged", 4.0, False)


@pytest.mark.parametrize("state", FINAL)
def test_the_last_rung_ends_it(state: str) -> None:
    steps = ladder(mail(ack={"state": state, "at": at(7)}))
    assert steps.ended and steps.rung == state and [r for r, _ in steps.rungs] == ["stored", state]


@pytest.mark.parametrize(
    ("raw", "rungs"),
    [
        ({}, ["stored"]),
        ({"status": "opened"}, ["stored", "seen"]),
        ({"status": "closed"}, ["stored", "seen"]),
        ({"status": "parked"}, ["stored", "seen"]),
        ({"status": None}, ["stored"]),
        ({"status": None, "read": True}, ["stored", "seen"]),
        ({"ack": "done"}, ["stored"]),
        ({"ack": {"state": "approved"}}, ["stored", "acknowledged"]),
        ({"status": "closed", "read": True, "unseen": True}, ["stored"]),
    ],
)
def test_what_other_programs_say_and_leave_out(raw: dict[str, Any], rungs: list[str]) -> None:
    """AIPass writes no times; its old mail has no status either."""
    steps = ladder(mail(**raw))
    assert [rung for rung, _ in steps.rungs] == rungs
    assert all(when == mail().at for _, when in steps.rungs)


def test_rungs_stand_in_the_order_of_their_times() -> None:
    """Read in a session of its own, and woken for it later: the highest rung is still that it was seen."""
    message = mail(stored_at=at(0), status="opened", seen_at=at(1))
    start = message.stored_at
    steps = ladder(message, run(Attempt(1, "start", start + 5, running_at=start + 6)))
    assert [rung for rung, _ in steps.rungs] == ["stored", "seen", "woken", "submitted"]
    assert steps.rung == "seen" and steps.since < start + 5


def test_a_mail_that_tells_of_an_answer_is_not_answered_itself() -> None:
    told: dict[str, Any] = {
        "from": "@b",
        "to": "@a",
        "subject": "DONE: s",
        "ack": {"state": "done", "at": at(0), "by": "@b"},
    }
    assert [rung for rung, _ in ladder(mail(**told)).rungs] == ["stored"]
    assert [rung for rung, _ in ladder(mail(**told, status="opened", seen_at=at(9))).rungs] == ["stored", "seen"]
    assert SentMail(mail(**told), Copy(Agent("@a", "A", Path("/")), mail(**told))).became == "stored"
    mine = {**told, "from": "@a", "auto_execute": True}
    assert ladder(mail(**{**mine, "ack": {**told["ack"], "by": "@a"}})).rung == "done", "a task that one gave oneself"


def test_a_run_without_an_attempt_has_woken_nobody() -> None:
    assert ladder(mail(), run()).rung == "stored"
    assert ladder(mail(), run(Attempt(1, "start", 5.0))).rung == "woken"


def test_what_its_hook_told_an_agent_is_submitted() -> None:
    told = mail(stored_at=at(1), told_at=at(5), told_where="Stop")
    start = told.stored_at
    assert [(rung, when - start) for rung, when in ladder(told).rungs] == [("stored", 0.0), ("submitted", 4.0)]
    seen = mail(stored_at=at(1), told_at=at(5), seen_at=at(7), status="opened")
    assert [rung for rung, _ in ladder(seen).rungs] == ["stored", "submitted", "seen"]
    for running, submitted in ((start + 3, 3.0), (start + 9, 4.0), (0.0, 4.0)):
        steps = ladder(told, run(Attempt(1, "start", start + 2, running_at=running)))
        assert [(rung, when - start) for rung, when in steps.rungs][1:] == [("woken", 2.0), ("submitted", submitted)]
    later = run(Attempt(1, "start", start + 8))
    assert ladder(told, later).rung == "woken", "a former session was told, this run was not yet"
    bad: list[Any] = [None, 7, "yesterday", []]
    for wrong in bad:
        assert ladder(mail(told_at=wrong)).rung == "stored"
