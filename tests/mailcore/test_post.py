"""Send, reply, read, close: both sides' records, threads, the project boundary."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.formats import journal
from mailcore.mail import post, resumable_act
from mailcore.model.agent import Agent
from mailcore.workspace.find import Workspace
from tests.mailcore.conftest import House


def sent(agent: Agent) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(agent.sent_dir.glob("*.json"))]


@pytest.mark.elsewhere
def test_both_sides_have_it_joined_by_sent_id(house: House) -> None:
    (one,) = post.send_mail(house.workspace, "@lead", ["@writer"], "hello", "body", priority="high")
    (message,) = house.inbox("@writer")
    (record,) = sent(house.agent("@lead"))
    assert (one.id, one.sent_id, one.to, one.delivered) == (message.id, record["id"], "@writer", True)
    assert message.sent_id == record["id"] != message.id
    assert (message.sender, message.raw["from_name"], message.subject, message.body) == (
        "@lead", "LEAD", "hello", "body",
    )  # fmt: skip
    assert (message.priority, message.status, message.is_task, message.thread_id) == (
        "high",
        "new",
        False,
        record["id"],
    )
    assert (record["to"], record["status"]) == ("@writer", "sent")
    assert message.reply_path == str(house.agent("@lead").inbox)
    assert next(house.agent("@lead").sent_dir.iterdir()).name.endswith(f"_{record['id']}_hello.json")
    audit = journal.read_records(house.root / ".praxmonitor" / "audit.jsonl")
    assert [(r["by"], r["verb"], r["id"]) for r in audit if r["verb"] == "send"] == [("@lead", "send", message.id)]
    assert "body" not in json.dumps(audit)


def test_several_recipients_each_once_and_an_unknown_one_refuses_all(house: House) -> None:
    done = post.send_mail(house.workspace, "@lead", ["@writer", "@editor", "@WRITER"], "s", "b")
    assert [one.to for one in done] == ["@writer", "@editor"]
    with pytest.raises(Refused, match="@nobody"):
        post.send_mail(house.workspace, "@lead", ["@writer", "@nobody"], "s2", "b")
    assert [m.subject for m in house.inbox("@writer")] == ["s"] and len(sent(house.agent("@lead"))) == 2


@pytest.mark.parametrize(
    ("to", "subject", "priority"), [([], "s", "normal"), (["@writer"], "  \n", "normal"), (["@writer"], "s", "urgent")]
)
def test_what_makes_no_sense_is_a_usage_error(house: House, to: list[str], subject: str, priority: str) -> None:
    with pytest.raises(UsageError):
        post.send_mail(house.workspace, "@lead", to, subject, "b", priority=priority)
    assert sent(house.agent("@lead")) == [] and house.inbox("@writer") == ()


def test_a_delivery_that_fails_is_said_and_restamped(house: House) -> None:
    writer = house.agent("@writer")
    writer.inbox.with_name(".inbox.lock").unlink(missing_ok=True)
    writer.inbox.with_name(".inbox.lock").mkdir()  # its lock cannot be taken, which only shows in writing
    done = post.send_mail(house.workspace, "@lead", ["@writer", "@editor"], "s", "b")
    assert [(one.to, one.delivered) for one in done] == [("@writer", False), ("@editor", True)]
    assert ".inbox.lock" in done[0].error
    by_target = {record["to"]: record for record in sent(house.agent("@lead"))}
    assert by_target["@writer"]["status"] == "refused" and by_target["@writer"]["refused_reason"]
    assert by_target["@editor"]["status"] == "sent"


def test_what_speaks_against_one_recipient_is_said_before_any_gets_it(house: House) -> None:
    writer, editor = house.agent("@writer"), house.agent("@editor")
    writer.inbox.unlink()
    writer.inbox.mkdir()
    shutil.rmtree(editor.branch)
    with pytest.raises(MailcoreError) as told:
        post.send_mail(house.workspace, "@lead", ["@lead", "@writer", "@editor"], "s", "b")
    assert told.value.code == "unreachable" and str(writer.inbox) in str(told.value)
    assert f"@editor's branch {editor.branch} is gone" in str(told.value) and "nothing was sent" in str(told.value)
    assert sent(house.agent("@lead")) == [] and house.inbox("@lead") == ()
    with pytest.raises(Refused) as told_too:
        post.send_mail(house.workspace, "@lead", ["@wrtier", "@lead", "@edtor"], "s", "b")
    assert "no agent @wrtier" in str(told_too.value) and "did you mean @writer?" in str(told_too.value)
    assert "did you mean @editor?" in str(told_too.value), "all of them at once"


def test_a_rate_that_has_no_room_for_all_is_said_before_any_gets_it(house: House) -> None:
    house.extra = "[mail]\nper_minute = 2\n"
    house.configure()
    post.send_mail(house.workspace, "@lead", ["@writer"], "one", "b")
    with pytest.raises(Refused, match="sent 1 mails in a minute, and these are 2 more"):
        post.send_mail(house.workspace, "@lead", ["@writer", "@editor"], "two", "b")
    assert [m.subject for m in house.inbox("@writer")] == ["one"] and house.inbox("@editor") == ()


def test_what_failed_in_writing_goes_to_the_others_alone_when_it_is_said_again(house: House) -> None:
    lock = house.agent("@writer").inbox.with_name(".inbox.lock")
    lock.unlink(missing_ok=True)
    lock.mkdir()
    post.send_mail(house.workspace, "@lead", ["@editor", "@writer"], "s", "b")
    lock.rmdir()
    again = post.send_mail(house.workspace, "@lead", ["@editor", "@writer"], "s", "b")
    assert [(one.delivered, one.again) for one in again] == [(True, True), (True, False)]
    assert len(house.inbox("@editor")) == len(house.inbox("@writer")) == 1


def test_an_act_that_is_cut_off_twice_remembers_what_was_done_before_the_first_cut(house: House) -> None:
    class Cut(BaseException):
        """Killed."""

    lead = house.agent("@lead")
    for known, step in (((), "one"), (("one",), "two")):
        with pytest.raises(Cut), resumable_act.begin_act(lead, "words") as act:
            assert all(act.recall(name) for name in known)
            act.remember(step, {"sent_id": step})
            raise Cut
    with resumable_act.begin_act(lead, "words") as act:
        assert act.again and act.recall("one") and act.recall("two")


def test_a_senders_record_that_cannot_be_written_sends_nothing(house: House) -> None:
    lead = house.agent("@lead")
    lead.sent_dir.rmdir()
    lead.sent_dir.write_text("a file")
    with pytest.raises(MailcoreError, match="sent"):
        post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    assert house.inbox("@writer") == ()


@pytest.mark.elsewhere
def test_a_reply_goes_back_in_the_thread_and_closes(house: House) -> None:
    (one,) = post.send_mail(house.workspace, "@lead", ["@writer"], "question", "b")
    for nothing in ("", " \n"):
        with pytest.raises(UsageError, match="needs a text"):
            post.reply_to(house.workspace, "@writer", one.sent_id, nothing)
    answer = post.reply_to(house.workspace, "@writer", one.sent_id, "forty-two")
    assert answer.to == "@lead" and house.inbox("@writer") == ()
    (message,) = house.inbox("@lead")
    assert (message.subject, message.in_reply_to, message.thread_id) == ("RE: question", one.sent_id, one.sent_id)
    again = post.reply_to(house.workspace, "@lead", message.id, "thanks")
    (third,) = house.inbox("@writer")
    assert (third.id, third.subject, third.thread_id) == (again.id, "RE: question", one.sent_id)
    with pytest.raises(MailcoreError, match=one.id):
        post.reply_to(house.workspace, "@writer", one.id, "twice")


def test_mail_of_the_operator_can_be_answered(house: House) -> None:
    (one,) = post.send_mail(house.workspace, "@operator", ["@writer"], "hi", "b")
    assert house.inbox("@writer")[0].reply_path == str(house.workspace.operator.inbox)
    post.reply_to(house.workspace, "@writer", one.id, "yes")
    assert [m.body for m in house.inbox("@operator")] == ["yes"]


@pytest.mark.parametrize(
    "path",
    [
        "/tmp/elsewhere/.ai_mail.local/inbox.json",
        "agents/../../x/.ai_mail.local/inbox.json",
        "/etc/passwd",
        "a\0b/.ai_mail.local/inbox.json",
        "loop/.ai_mail.local/inbox.json",
        "x" * 5000 + "/.ai_mail.local/inbox.json",
        "",
    ],
)
def test_a_reply_path_never_leads_out_of_the_project(house: House, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(house.root)
    (house.root / "loop").symlink_to("loop")
    raw = {"id": "aaaaaaaa", "from": "@stranger", "subject": "s", "message": "m", "status": "new", "reply_path": path}
    house.agent("@writer").inbox.write_text(json.dumps({"messages": [raw]}))
    try:
        assert not post.reply_to(house.workspace, "@writer", "aaaaaaaa", "secret").delivered
    except MailcoreError as error:
        assert "@stranger" in str(error)
    assert [m.id for m in house.inbox("@writer")] == ["aaaaaaaa"]
    assert not Path("/tmp/elsewhere").exists()


def test_a_reply_path_inside_the_project_is_followed(house: House) -> None:
    guest = house.root / "guest" / ".ai_mail.local" / "inbox.json"
    guest.parent.mkdir(parents=True)
    raw = {
        "id": "aaaaaaaa",
        "from": "@guest",
        "subject": "s",
        "message": "m",
        "status": "new",
        "reply_path": str(guest),
    }
    house.agent("@writer").inbox.write_text(json.dumps({"messages": [raw]}))
    post.reply_to(house.workspace, "@writer", "aaaaaaaa", "hello guest")
    assert [m["message"] for m in json.loads(guest.read_text())["messages"]] == ["hello guest"]


def test_reading_is_told_with_time_and_name(house: House) -> None:
    (one,) = post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    (opened,) = post.read_messages(house.workspace, "@writer", [one.id])
    assert opened.status == "opened" and opened.seen_at > 0 and opened.raw["seen_by"] == "@writer"
    assert [
        r["ids"] for r in journal.read_records(house.root / ".praxmonitor" / "audit.jsonl") if r["verb"] == "read"
    ] == [[one.id]]
    post.close_messages(house.workspace, "@writer", [one.id])
    with pytest.raises(MailcoreError):
        post.find_message(house.agent("@writer"), one.id)


def test_with_aipass_mail_threads_go_by_what_it_gives(aipass: Workspace) -> None:
    """AIPass's inbox copy has neither in_reply_to nor thread_id (contract 0.4); sent_id joins the two sides (0.5)."""
    sent_reply = post.reply_to(aipass, "@alpha", "73c7224b", "well done")
    beta = json.loads(aipass.agent("@beta").inbox.read_text())["messages"]
    assert [(m["id"], m["subject"], m["in_reply_to"]) for m in beta] == [(sent_reply.id, "RE: Demo ok", "73c7224b")]
    (kept,) = aipass.agent("@alpha").archive_dir.iterdir()
    assert kept.name.endswith("_461db5e0_RE_ Demo ok.json")
    left = json.loads(aipass.agent("@alpha").inbox.read_text())
    assert [m["id"] for m in left["messages"]] == ["5f506ad3"] and left["total_messages"] == 1
