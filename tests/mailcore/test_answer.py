"""What became of a task: done, blocked, declined, escalated; accepted or reopened by who asked. Nothing doubled."""

from __future__ import annotations

import json

import pytest

from mailcore.config import Mail
from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.formats import journal
from mailcore.mail import answer, lookup, mailbox, post
from mailcore.mail.outbox import Sent
from mailcore.model.message import Message
from tests.mailcore.conftest import House, wait_until


def task(house: House, sender: str = "@operator", to: str = "@writer") -> Sent:
    return post.send_mail(house.workspace, sender, [to], "build it", "the body", is_task=True)[0]


def said(house: House, by: str, name: str, state: str, result: str = "because") -> Sent:
    return answer.acknowledge(house.workspace, by, name, state, result)


def verbs(house: House) -> list[tuple[str, str]]:
    return [(r["by"], r["verb"]) for r in journal.read_records(house.root / ".praxmonitor" / "audit.jsonl")]


def test_done_is_said_with_its_result_in_the_thread_and_archived(house: House) -> None:
    sent = task(house)
    told = said(house, "@writer", str(sent.seq), "done", "deployed at 10:00")
    (notice,) = house.inbox("@operator")
    assert (notice.id, notice.seq, notice.subject, notice.body) == (
        told.id, told.seq, "DONE: build it", "deployed at 10:00",
    )  # fmt: skip
    assert (notice.in_reply_to, notice.thread_id) == (sent.sent_id, sent.sent_id)
    copy = lookup.find_copy(house.workspace, sent.id)
    assert copy.archived and copy.message.ack is not None
    assert (copy.message.ack.state, copy.message.ack.result, copy.message.ack.by) == (
        "done",
        "deployed at 10:00",
        "@writer",
    )
    assert copy.message.ack.at > 0 and house.inbox("@writer") == ()
    assert ("@writer", "done") in verbs(house)


@pytest.mark.parametrize(("state", "stays"), [("acknowledged", True), ("blocked", True), ("declined", False)])
def test_what_is_not_done_yet_stays_open(house: House, state: str, stays: bool) -> None:
    sent = task(house)
    said(house, "@writer", sent.id, state)
    assert [m.id for m in house.inbox("@writer")] == [sent.id] * stays
    assert [m.subject for m in house.inbox("@operator")] == [f"{state.upper()}: build it"]


def test_each_state_is_a_notice_of_its_own_and_said_twice_is_one(house: House) -> None:
    """A `done` that only rewrote the `acknowledged` that was read already would never be seen."""
    sent = task(house)
    said(house, "@writer", sent.id, "acknowledged", "")
    post.read_messages(house.workspace, "@operator", [house.inbox("@operator")[0].id])
    said(house, "@writer", sent.id, "blocked", "need X")
    said(house, "@writer", sent.id, "blocked", "need Y")
    said(house, "@writer", sent.id, "done", "it works")
    found = [(m.subject.split(":")[0], m.body, m.unread, m.ack and m.ack.result) for m in house.inbox("@operator")]
    assert found == [
        ("DONE", "it works", True, "it works"),
        ("BLOCKED", "need Y", True, "need Y"),
        ("ACKNOWLEDGED", "", False, ""),
    ]


def test_killed_between_the_notice_and_the_archive_it_can_be_said_again(house: House) -> None:
    sent = task(house)
    first = said(house, "@writer", sent.id, "done", "it works")
    post.restore(house.workspace, "@writer", sent.id)  # as if it had never been closed
    again = said(house, "@writer", sent.id, "done", "it works")
    assert (again.id, again.seq, again.sent_id) == (first.id, first.seq, first.sent_id)
    assert len(house.inbox("@operator")) == 1 and house.inbox("@writer") == ()


def test_what_cannot_be_said(house: House) -> None:
    sent = task(house)
    with pytest.raises(UsageError, match="result"):
        said(house, "@writer", sent.id, "done", "  ")
    with pytest.raises(UsageError, match="allowed"):
        said(house, "@writer", sent.id, "approved")
    with pytest.raises(MailcoreError, match="no open message"):
        said(house, "@editor", sent.id, "done")
    assert [m.ack for m in house.inbox("@writer")] == [None] and house.inbox("@operator") == ()


def test_the_notice_goes_where_the_mail_says(house: House) -> None:
    """`reply_to` of AIPass, and a sender without a row, whose mailbox `reply_path` names."""
    raw = {
        "from": "@editor",
        "reply_to": "@lead",
        "subject": "s",
        "message": "m",
        "status": "new",
        "sent_id": "5e5e5e5e",
    }
    said(house, "@writer", mailbox.deliver(house.agent("@writer"), raw), "done")
    assert [m.subject for m in house.inbox("@lead")] == ["DONE: s"] and house.inbox("@editor") == ()
    place = house.root / "elsewhere" / ".ai_mail.local" / "inbox.json"
    place.parent.mkdir(parents=True)
    raw = {"from": "@ghost", "reply_path": str(place), "subject": "s", "message": "m", "status": "new"}
    said(house, "@writer", mailbox.deliver(house.agent("@writer"), raw), "done")
    assert json.loads(place.read_bytes())["messages"][0]["subject"] == "DONE: s"


def test_escalation_climbs_to_the_orchestrator_then_to_the_operator_and_no_higher(house: House) -> None:
    sent = task(house, "@editor")
    config = Mail(orchestrator="Lead")
    up = answer.escalate_message(house.workspace, config, "@writer", sent.id, "too big")
    (high,) = house.inbox("@lead")
    assert (high.subject, high.priority, high.thread_id) == ("ESCALATED: build it", "high", sent.sent_id)
    assert "too big" in high.body and "> the body" in high.body and "@editor" in high.body
    assert house.inbox("@writer")[0].raw["escalated"]["to"] == "@lead"
    assert answer.escalate_message(house.workspace, config, "@writer", sent.id, "really").id == up.id
    assert answer.escalate_message(house.workspace, config, "@lead", up.id, "too big for me").to == "@operator"
    assert answer.escalate_message(house.workspace, Mail(), "@writer", sent.id, "why").to == "@operator"
    with pytest.raises(Refused, match="nobody above"):
        answer.escalate_message(house.workspace, config, "@operator", house.inbox("@operator")[0].id, "why")
    with pytest.raises(Refused, match="known"):
        answer.escalate_message(house.workspace, Mail(orchestrator="@nobody"), "@writer", sent.id, "why")


def test_who_asked_is_the_orchestrator_itself(house: House) -> None:
    sent = task(house, "@lead")
    assert (
        answer.escalate_message(house.workspace, Mail(orchestrator="@lead"), "@writer", sent.id, "why").to
        == "@operator"
    )


def notices(house: House) -> tuple[Sent, Message]:
    sent = task(house)
    said(house, "@writer", sent.id, "acknowledged", "")
    said(house, "@writer", sent.id, "done", "it works")
    return sent, house.inbox("@operator")[0]


@pytest.mark.parametrize("which", ["notice id", "notice number", "task id", "task sent id", "task number"])
def test_accept_takes_any_name_of_the_notice_or_the_task(house: House, which: str) -> None:
    sent, notice = notices(house)
    names = {
        "notice id": notice.id,
        "notice number": f"#{notice.seq}",
        "task id": sent.id,
        "task sent id": sent.sent_id,
        "task number": str(sent.seq),
    }
    accepted = house.json("accept", names[which], "--from", "@operator")
    assert accepted == {"id": notice.id, "task": sent.sent_id}
    assert [m.subject for m in house.inbox("@operator")] == ["ACKNOWLEDGED: build it"]
    closed = lookup.find_copy(house.workspace, notice.id).message
    assert closed.raw["accepted"]["by"] == "@operator" and ("@operator", "accept") in verbs(house)
    assert house.json("accept", names[which], "--from", "@operator", status=3)["error"]["code"] == "no_message"


def test_what_an_agent_said_of_its_own_task_is_no_notice(house: House) -> None:
    """A blocked task stays open with its acknowledgement: `accept` must not archive it, nor `reopen` send it back."""
    sent = task(house)
    said(house, "@writer", sent.id, "blocked", "need X")
    for verb in ("accept", "reopen"):
        words = [verb, sent.id] + ["why"] * (verb == "reopen")
        assert house.json(*words, cwd=house.agent("@writer").branch, status=3)["error"]["code"] == "no_message"
    assert [m.id for m in house.inbox("@writer")] == [sent.id]
    with pytest.raises(Refused):
        answer.accept_done(house.workspace, "@operator", "nothing")


def test_reopen_dispatches_again_in_the_same_thread(house: House) -> None:
    sent, notice = notices(house)
    for n in (1, 2):
        done = house.json("reopen", str(sent.seq) if n == 1 else notice.id, "not yet", "--from", "@operator")
        house.over("@writer", done["run_id"])
        (again,) = house.inbox("@writer")
        assert (again.id, again.is_task, again.subject) == (done["message_id"], True, "REOPENED: build it")
        assert (again.thread_id, again.in_reply_to, again.body) == (sent.sent_id, notice.sent_id, "not yet")
        assert lookup.find_copy(house.workspace, notice.id).archived
        said(house, "@writer", again.id, "done", f"now it works {n}")
        notice = house.inbox("@operator")[0]
    assert verbs(house).count(("@operator", "reopen")) == 2


def test_a_reopen_that_cannot_be_dispatched_keeps_the_notice(house: House) -> None:
    _, notice = notices(house)
    branch = house.agent("@writer").branch
    branch.rename(branch.with_name("gone"))
    told = house.json("reopen", notice.id, "why", "--from", "@operator", status=3)
    assert told["error"]["code"] == "no_branch" and notice.id in [m.id for m in house.inbox("@operator")]


def test_an_answer_that_failed_is_no_answer_of_the_run(house: House) -> None:
    """The operator hears `Done, no reply` where the agent only tried, or answered somebody else."""
    (other,) = post.send_mail(house.workspace, "@editor", ["@writer"], "another thing", "b")
    cli = "mailcore"
    house.shell("writer", f"{cli} done nothing x; {cli} done {other.id} to-the-editor; echo up; exit 0")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert not run.replied and house.inbox("@editor")
    wait_until(lambda: house.inbox("@operator"), what="the operator is told")
    assert house.inbox("@operator")[0].subject.startswith("Done, no reply")


def test_an_answer_from_within_a_run_counts(house: House) -> None:
    house.python(
        "writer",
        "import re, subprocess, sys\n"
        "task = re.search(r'message (\\w+)', sys.argv[1])[1]\n"
        "subprocess.run(['mailcore', 'done', task, 'all of it'], check=True)\n",
    )
    run = house.over("@writer", house.started("@operator", "@writer", "the task"))
    assert run.replied and [m.subject for m in house.inbox("@operator")] == ["DONE: the task"]


def test_expect_reaches_the_agent(house: House) -> None:
    house.shell("writer", 'echo "$MAILCORE_PROMPT" > prompt; echo up')
    done = house.json("dispatch", "@writer", "s", "b", "--expect", "all tests pass", "--from", "@operator")
    house.over("@writer", done["run_id"])
    prompt = (house.agent("@writer").branch / "prompt").read_text()
    assert 'It counts as done, in its words, when "all tests pass". ' in prompt
    assert house.inbox("@writer")[0].raw["expect"] == "all tests pass"
