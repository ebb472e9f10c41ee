"""What AIPass expects on its half of the files: stamps, register, reports, feed, counters, switches, its channel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mailcore.dispatch.aipass import register
from mailcore.exceptions import MailcoreError
from mailcore.formats import journal
from mailcore.mail import feedback, post
from mailcore.mail.aipass_feed import LINES
from mailcore.workspace import create
from mailcore.workspace.find import Workspace, load_workspace
from tests.mailcore.conftest import House, wait_until


@pytest.fixture
def home(house: House) -> House:
    """The house as an AIPass home: with its registry's name."""
    registry = house.workspace.registry.rename(house.root / "AIPASS_REGISTRY.json")
    return House(load_workspace(registry), commands=house.commands, limits=house.limits)


def feed(house: House) -> list[dict[str, Any]]:
    return journal.read_records(house.workspace.aipass_dir / "notifications.jsonl")


def central(house: House) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((house.root / ".ai_central" / "AI_MAIL.central.json").read_bytes())
    return found


def test_what_a_run_sends_is_stamped_and_stands_in_its_report(home: House) -> None:
    home.python(
        "writer",
        "import json, re, subprocess, sys\n"
        "task = re.search(r'message (\\w+)', sys.argv[1])[1]\n"
        "for words in (['send', '@editor', 'look', 'b'], ['done', task, 'it is done']):\n"
        "    subprocess.run(['mailcore', *words], check=True)\n"
        "print(json.dumps({'type': 'result', 'num_turns': 3, 'usage': {'output_tokens': 42}}), flush=True)\n",
    )
    run_id = home.started("@operator", "@writer", "work")
    home.over("@writer", run_id)
    sent = [json.loads(path.read_bytes()) for path in home.agent("@writer").sent_dir.glob("*.json")]
    assert [mail["dispatch_id"] for mail in sent] == [run_id] * 2
    assert "dispatch_id" not in home.inbox("@editor")[0].raw, "as AIPass: in the sender's record alone"
    report = wait_until(lambda: register.read_report(home.root, run_id))
    assert {key: report[key] for key in ("agents_contacted", "output_tokens", "num_turns")} == {
        "agents_contacted": ["@editor", "@operator"],
        "output_tokens": 42,
        "num_turns": 3,
    }
    assert {(m["to"], m["kind"], m["subject"]) for m in report["emails_sent"]} == {
        ("@editor", "send", "look"),
        ("@operator", "reply", "DONE: work"),
    }
    assert (report["status"], report["result_excerpt"]) == ("completed", "it is done")
    assert (report["bg_orphaned"], report["max_turns_hit"], report["memories_edited"]) == (False, False, False)
    assert report["wake_result"] == "skipped_sender" and report["attempts"] == 1
    rows = [row for row in register.register_rows(home.workspace) if row["dispatch_id"] == run_id]
    assert [row["status"] for row in rows if row["status"] != "outstanding"] == ["completed (replied)", "completed"]


@pytest.mark.parametrize("how", [("reply",), ("done",), ("declined",)])
def test_our_answer_closes_aipass_s_row(home: House, how: tuple[str]) -> None:
    mails = [
        post.send_mail(home.workspace, "@lead", ["@writer"], subject, "b", is_task=True)[0] for subject in ("a", "b")
    ]
    for number, subject in enumerate(("a", "b")):
        fields = {"sender": "@lead", "target": "@writer", "subject": subject, "provider": "claude"}
        register.record_opened(home.workspace, f"uuid-{number}", fields, 60)
    home.json(*how, mails[1].id, "no", cwd=home.agent("@writer").branch)
    rows = register.register_rows(home.workspace)
    assert [(r["dispatch_id"], r["status"]) for r in rows][2:] == [("uuid-1", "completed (replied)")]
    home.json("blocked", mails[0].id, "no", cwd=home.agent("@writer").branch)
    home.json("send", "@lead", "RE: a", "b", cwd=home.agent("@writer").branch)
    assert len(register.register_rows(home.workspace)) == 3, "neither is an answer"


def test_mail_is_told_to_the_feed_and_the_central_counters(home: House) -> None:
    one = post.send_mail(home.workspace, "@lead", ["@writer"], "first", "line 1\nline 2 " + "x" * 200)[0]
    (line,) = feed(home)
    assert (line["kind"], line["title"], line["source"]) == ("mail", "LEAD -> WRITER", "lead")
    assert line["body"].startswith("first\nline 1 line 2 xxx") and len(line["body"]) == 106
    assert (line["mail_id"], line["recipient"], line["project"]) == (one.id, "writer", "aipass")
    assert central(home)["branch_stats"]["WRITER"] == {"unread": 1, "total": 1}
    post.send_mail(home.workspace, "@lead", ["@writer"], "key", "1", key="k")
    post.send_mail(home.workspace, "@lead", ["@writer"], "key", "2", key="k")
    assert len(feed(home)) == 2, "rewritten mail is silent"
    assert central(home)["system_totals"] == {"total_unread": 2, "total_messages": 2}
    post.read_messages(home.workspace, "@writer", [one.id])
    assert central(home)["branch_stats"]["WRITER"] == {"unread": 1, "total": 2}
    post.close_messages(home.workspace, "@writer", [one.id])
    assert central(home)["system_totals"] == {"total_unread": 1, "total_messages": 1}
    for number in range(LINES[0]):
        post.send_mail(home.workspace, "@lead", ["@editor"], f"mail {number}", "b" * 90)
    assert LINES[1] <= len(feed(home)) <= LINES[0], "cut as AIPass cuts it"
    assert feed(home)[-1]["body"].startswith(f"mail {LINES[0] - 1}\n")


def test_elsewhere_there_is_neither(house: House) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "first", "b")
    assert not house.workspace.aipass_dir.exists() and not (house.root / ".ai_central").exists()


def manager(house: House, name: str) -> None:
    path = house.agent(name).passport
    passport = json.loads(path.read_bytes())
    passport["identity"]["citizen_class"] = "manager"
    path.write_text(json.dumps(passport))


def test_a_manager_s_seat_gets_mail_and_is_not_started(house: House) -> None:
    manager(house, "@lead")
    done = house.dispatch("@operator", "@lead", "look")
    assert (done.run_id, done.code, done.queued) == (None, "manager", False) and "manager" in done.busy
    assert house.inbox("@lead")[0].subject == "look"
    told = house.json("send", "@lead", "urgent", "b", "--priority", "high", "--from", "@writer")
    assert told["code"] == "manager" and not told["queued"]
    assert house.json("wake", "@lead", "--from", "@operator", status=3)["error"]["code"] == "manager"
    run = house.over("@writer", house.started("@lead", "@writer", "part"))
    wait_until(lambda: any("Done" in m.subject for m in house.inbox("@lead")), what="its wake-back is mail")
    assert not house.runs("@lead") and not house.run("@writer", run.run_id).undelivered


def test_devpulse_is_on_the_blocklist_of_a_home_alone(home: House) -> None:
    made = create.add_agent(home.workspace, "devpulse", "agents/devpulse")
    home = House(made, commands={**home.commands, "devpulse": ["true"]}, limits=home.limits)
    home.configure()
    assert home.dispatch("@operator", "@devpulse").code == "manager" and len(home.inbox("@devpulse")) == 1


def test_autonomous_pause_stops_what_starts_by_itself(house: House) -> None:
    """And not what somebody dispatches; what it stopped starts when it is gone."""
    pause = house.workspace.aipass_dir / "autonomous_pause"
    pause.parent.mkdir()
    pause.touch()
    told = house.json("send", "@lead", "urgent", "b", "--priority", "high", "--from", "@writer")
    assert (told["code"], told["queued"]) == ("held", True) and "autonomous_pause" in told["not_woken"]
    house.over("@editor", house.started("@operator", "@editor"))
    assert not house.runs("@lead")
    pause.unlink()
    house.over("@editor", house.started("@operator", "@editor"))
    wait_until(lambda: house.runs("@lead"), what="what waited starts")


@pytest.fixture
def aipass_home(tmp_path: Path) -> Workspace:
    made = create.create_workspace(tmp_path / "there", [("devpulse", "src/aipass/devpulse")])
    return load_workspace(made.registry.rename(made.root / "AIPASS_REGISTRY.json"))


def test_feedback_goes_into_the_channel_of_an_aipass_home(house: House, aipass_home: Workspace) -> None:
    writer = house.agent("@writer")
    told = house.json("feedback", str(aipass_home.root), "it breaks", "the log", cwd=writer.branch)
    path = aipass_home.agent("@devpulse").branch / ".feedback.local" / "inbox.json"
    document = json.loads(path.read_bytes())
    (entry,) = document["messages"]
    assert (document["mailbox"], document["total_messages"], document["unread_count"]) == ("feedback", 1, 1)
    assert told["to"] == "@devpulse" and told["id"] == entry["id"]
    assert entry.items() >= {"from": "writer", "subject": "it breaks", "body": "the log", "read": False}.items()
    assert entry["reply_path"] == str(writer.inbox) and writer.inbox.exists() and entry["thread"] == []
    assert [row["subject"] for row in house.json("sent", cwd=writer.branch)] == ["FEEDBACK: it breaks"]
    path.write_text("{torn")
    with pytest.raises(MailcoreError, match="nothing was left"):
        feedback.deliver_feedback(writer, house.workspace, aipass_home.root, "again", "b")
    assert path.read_text() == "{torn"
