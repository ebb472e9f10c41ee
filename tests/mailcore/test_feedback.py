"""Across projects all mail is refused, save feedback, and a reply to what came across."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailcore.exceptions import MailcoreError, NoWorkspace, Refused
from mailcore.formats import journal
from mailcore.mail import answer, feedback, mailbox, post
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.workspace import create, find
from tests.mailcore.conftest import House


@pytest.fixture
def other(tmp_path: Path) -> Iterator[find.Workspace]:
    """A second project, which has agents of the same names, and takes feedback."""
    made = create.create_workspace(tmp_path / "other", [("lead", "agents/lead"), ("writer", "agents/writer")])
    (made.root / ".praxmonitor").mkdir(exist_ok=True)
    (made.root / ".praxmonitor" / "config.toml").write_text('[mail]\norchestrator = "@lead"\n')
    yield made


def subjects(made: find.Workspace, name: str) -> list[str]:
    document = json.loads(made.agent(name).inbox.read_bytes())
    return [m["subject"] for m in document["messages"]]


def test_feedback_reaches_the_orchestrator_stays_open_and_is_in_both_histories(
    house: House, other: find.Workspace
) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")  # the counts differ
    told = house.json("feedback", str(other.root), "it breaks", "the log", cwd=house.agent("@writer").branch)
    assert told["to"] == "@lead" and subjects(other, "@lead") == ["FEEDBACK: it breaks"]
    (raw,) = json.loads(other.agent("@lead").inbox.read_bytes())["messages"]
    assert (raw["from"], raw["project"], raw["seq"], raw["status"]) == ("@writer", house.root.name, 1, "new")
    assert raw["reply_path"] == str(house.agent("@writer").inbox)
    assert house.inbox("@lead") == ()
    for root, verb in ((house.root, "send"), (other.root, "feedback")):
        acts = journal.read_records(root / ".praxmonitor" / "audit.jsonl")
        assert [(r["by"], r["id"]) for r in acts if r["verb"] == verb][-1] == ("@writer", raw["id"])


@pytest.mark.parametrize("how", ["reply", "done"])
def test_the_answer_goes_across_even_where_both_have_an_agent_of_that_name(
    house: House, other: find.Workspace, how: str
) -> None:
    for author in (house.agent("@writer"), house.workspace.operator):
        sent = feedback.deliver_feedback(author, house.workspace, other.root, "it breaks", "the log")
        if how == "reply":
            post.reply_to(other, "@lead", sent.id, "thanks")
        else:
            answer.acknowledge(other, "@lead", sent.id, "done", "mended")
        assert subjects(other, "@writer") == [] and subjects(other, "@lead") == []
        (came,) = read_mailbox(author.inbox).messages
        assert (came.sender, came.in_reply_to, came.body) == (
            "@lead",
            sent.sent_id,
            "thanks" if how == "reply" else "mended",
        )
        # And back again: it is answered across too, not to one's own @lead.
        post.reply_to(house.workspace, author.address, came.id, "you are welcome")
        assert house.inbox("@lead") == ()
        (back,) = read_mailbox(other.agent("@lead").inbox).messages
        assert (back.body, back.sender) == ("you are welcome", author.address)
        post.close_messages(other, "@lead", [back.id])


def test_an_urgent_answer_across_starts_nobody_of_that_name_here(house: House, other: find.Workspace) -> None:
    raw = {"from": "@writer", "reply_path": str(other.agent("@writer").inbox), "feedback": True, "priority": "high"}
    name = mailbox.deliver(house.agent("@lead"), {"subject": "s", "message": "m", "status": "new", **raw})
    told = house.json("reply", name, "b", cwd=house.agent("@lead").branch)
    assert told["delivered"] and "woken" not in told and house.runs("writer") == []
    assert subjects(other, "@writer") == ["RE: s"]


def test_all_other_mail_across_is_refused(house: House, other: find.Workspace, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="this project"):
        feedback.deliver_feedback(house.agent("@writer"), house.workspace, house.agent("@lead").branch, "s", "b")
    (other.root / ".praxmonitor" / "config.toml").unlink()
    with pytest.raises(Refused, match="orchestrator"):
        feedback.deliver_feedback(house.agent("@writer"), house.workspace, other.root, "s", "b")
    with pytest.raises(NoWorkspace):
        feedback.deliver_feedback(house.agent("@writer"), house.workspace, tmp_path / "nowhere", "s", "b")
    foreign = str(other.agent("@writer").inbox)
    for raw in (
        {"from": "@ghost", "reply_path": foreign},
        {"from": "@ghost", "reply_path": foreign, "feedback": True},
        {"from": "@writer", "reply_path": str(tmp_path / ".ai_mail.local" / "inbox.json"), "feedback": True},
        {"from": "@ghost", "reply_path": "\0"},
        {"from": "@ghost", "reply_path": str(house.root / "x.json")},
    ):
        name = mailbox.deliver(house.agent("@lead"), {"subject": "s", "message": "m", "status": "new", **raw})
        with pytest.raises(MailcoreError):
            post.reply_to(house.workspace, "@lead", name, "b")
        with pytest.raises(MailcoreError):
            answer.acknowledge(house.workspace, "@lead", name, "done", "b")
        assert name in [m.id for m in house.inbox("@lead")]
    assert subjects(other, "@writer") == []


def gh(directory: Path, script: str) -> dict[str, str]:
    directory.mkdir()
    (directory / "gh").write_text(f"#!/bin/sh\n{script}\n")
    (directory / "gh").chmod(stat.S_IRWXU)
    return {"PATH": f"{directory}{os.pathsep}{os.environ['PATH']}"}


def test_an_issue_too(house: House, other: find.Workspace, tmp_path: Path) -> None:
    env = gh(
        tmp_path / "bin",
        f'pwd >{tmp_path}/said; printf "%s\\n" "$@" >>{tmp_path}/said; cat >>{tmp_path}/said; echo url',
    )
    words = ["feedback", str(other.root / "agents"), "--issue", "--json", "--", "-t", "the body"]
    done = house.mailcore(*words, cwd=house.agent("@writer").branch, env=env)
    assert done.returncode == 0 and json.loads(done.stdout)["issue"] == "url", done
    expected = [str(other.root), "issue", "create", "--title", "-t", "--body-file", "-", "the body"]
    assert (tmp_path / "said").read_text().splitlines() == expected


@pytest.mark.parametrize(
    ("script", "why"), [("echo no login >&2; exit 4", "no login"), ("printf '\\377' >&2; exit 1", "gh failed")]
)
def test_its_failure_loses_nothing(house: House, other: find.Workspace, tmp_path: Path, script: str, why: str) -> None:
    env = gh(tmp_path / "bin", script)
    words = ["feedback", str(other.root), "s", "b", "--issue", "--json"]
    done = house.mailcore(*words, cwd=house.agent("@writer").branch, env=env)
    assert done.returncode == 0 and why in json.loads(done.stdout)["issue"]
    assert subjects(other, "@lead") == ["FEEDBACK: s"]


def test_nor_does_one_that_hangs_or_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "GH_TIMEOUT", 0.1)
    monkeypatch.setenv("PATH", gh(tmp_path / "bin", "exec sleep 30")["PATH"])
    assert "timed out" in feedback.open_issue(tmp_path, "s", "b\ud800")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "not on PATH" in feedback.open_issue(tmp_path, "s", "b")


def test_the_orchestrator_is_started_for_it_by_its_own_config(house: House, other: find.Workspace) -> None:
    there = House(other, commands={"lead": ["sh", "-c", "echo up; mailcore inbox; exit 0"]})
    there.extra = '[mail]\norchestrator = "@lead"\n'
    there.configure()
    told = house.json("feedback", str(other.root), "it breaks", "the log", cwd=house.agent("@writer").branch)
    run = there.over("@lead", told["woken"])
    assert (run.sender, run.message_id) == ("", "") and "of the project" in run.subject and "it breaks" in run.subject
    assert house.runs("@lead") == [] and there.runs("@writer") == []
    house.json("hold", "--all", "later", "--from", "@operator")
    (other.root / ".praxmonitor" / ".hold").write_text('{"by": "@operator"}')
    told = house.json("feedback", str(other.root), "again", "the log", cwd=house.agent("@writer").branch)
    assert (told["code"], told["queued"]) == ("held", True), "its own holds count, not ours"


def test_a_foreign_sender_is_shown_with_its_project(house: House, other: find.Workspace) -> None:
    """Also where an agent here has that very name; and what the other side answers."""
    sent = feedback.deliver_feedback(house.agent("@writer"), house.workspace, other.root, "it breaks", "the log")
    there = House(other)
    text = there.mailcore("inbox", cwd=other.agent("@lead").branch).stdout.decode()
    assert "@writer of project" in text
    text = there.mailcore("read", sent.id, cwd=other.agent("@lead").branch).stdout.decode()
    assert f'of the project "{house.root.name}", not in this project\'s registry' in text
    post.reply_to(other, "@lead", sent.id, "thanks")
    text = house.mailcore("inbox", cwd=house.agent("@writer").branch).stdout.decode()
    assert "@lead of other" in text
    hostile = {"from": "@x", "project": "y\n\x1b[2Jz " + "w" * 99, "feedback": True, "subject": "s", "message": "b"}
    mailbox.deliver(house.agent("@editor"), {**hostile, "status": "new"})
    lines = house.mailcore("inbox", cwd=house.agent("@editor").branch).stdout.decode().splitlines()
    assert len(lines) == 1 and "\x1b" not in lines[0] and "w" * 30 not in lines[0]


def test_the_issue_s_address_stays_with_the_thread(house: House, other: find.Workspace, tmp_path: Path) -> None:
    url = "https://github.com/o/r/issues/7"
    env = gh(tmp_path / "bin", f"echo creating >&2; echo {url}")
    writer = house.agent("@writer").branch
    words = ["feedback", str(other.root), "it breaks", "b", "--issue", "--json"]
    told = json.loads(house.mailcore(*words, cwd=writer, env=env).stdout)
    (mail,) = read_mailbox(other.agent("@lead").inbox).messages
    assert mail.raw["issue"] == url and mail.id == told["id"]
    (record,) = [json.loads(path.read_bytes()) for path in house.agent("@writer").sent_dir.glob("*.json")]
    assert record["issue"] == url
    assert f'issue: "{url}"' in House(other).mailcore("read", mail.id, cwd=other.agent("@lead").branch).stdout.decode()
    post.reply_to(other, "@lead", mail.id, "mended")
    assert house.inbox("@writer")[0].raw["issue"] == url, "an answer carries it on"
    bad = {"from": "@lead", "issue": "javascript:x\n", "subject": "s", "message": "b", "status": "new"}
    name = mailbox.deliver(house.agent("@writer"), bad)
    assert "issue:" not in house.mailcore("read", name, cwd=writer).stdout.decode()
