"""Open tasks: on which rung, how old, what is wrong; and what high priority and `@all` set going."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mailcore.config import Mail
from mailcore.dispatch import control
from mailcore.dispatch.runs.open_tasks import newest_run_of, open_tasks_of
from mailcore.mail import answer, lookup, post
from tests.mailcore.conftest import House, wait_until


def tasks(house: House, *words: str) -> dict[str, dict[str, Any]]:
    return {row["subject"]: row for row in house.json("tasks", *words)}


def test_tasks_with_rung_age_and_note(house: House) -> None:
    house.limit(attempts=1)
    scripts = {"no reply": "echo up", "bounced": "exit 3", "killed": "echo up; exec sleep 100"}
    for subject, script in scripts.items():
        house.shell("writer", script)
        run_id = house.started("@lead", "@writer", subject)
        if subject == "killed":
            house.attempt_pid("@writer", run_id)
            house.kill("@operator", "@writer")
        house.over("@writer", run_id)
    post.send_mail(house.workspace, "@lead", ["@writer"], "no task", "b")
    waiting = post.send_mail(house.workspace, "@lead", ["@editor"], "waits", "b", is_task=True)[0]
    stuck = post.send_mail(house.workspace, "@operator", ["@editor"], "stuck", "b", is_task=True)[0]
    over = post.send_mail(house.workspace, "@lead", ["@editor"], "over", "b", is_task=True)[0]
    answer.acknowledge(house.workspace, "@editor", stuck.id, "blocked", "need X\nand Y")
    answer.acknowledge(house.workspace, "@editor", over.id, "done", "it")
    found = tasks(house)
    assert {s: (r["rung"], r["note"], r["to"], r["from"]) for s, r in found.items()} == {
        "no reply": ("submitted", "done, no reply", "@writer", "@lead"),
        "bounced": ("woken", "bounced", "@writer", "@lead"),
        "killed": ("submitted", "killed", "@writer", "@lead"),
        "waits": ("stored", "", "@editor", "@lead"),
        "stuck": ("blocked", "blocked: need X\nand Y", "@editor", "@operator"),
    }
    assert found["waits"]["seq"] == waiting.seq and 0 <= found["waits"]["age"] < 60
    assert set(tasks(house, "@editor")) == {"waits", "stuck"}
    text = house.mailcore("tasks").stdout.decode().splitlines()
    assert len(text) == 5 and "[blocked: need X and Y]" in house.mailcore("tasks").stdout.decode()


def test_overdue_is_older_than_the_limit(house: House) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b", is_task=True)
    writer = house.agent("@writer")
    assert [t.overdue for t in open_tasks_of(writer, Mail(rung_normal=100), time.time())] == [False]
    assert [(t.overdue, t.age > 100) for t in open_tasks_of(writer, Mail(rung_normal=100), time.time() + 200)] == [
        (True, True)
    ]
    assert [t.age for t in open_tasks_of(writer, Mail(rung_normal=100), 0.0)] == [0.0]  # a clock that was set back


def test_the_newest_run_of_a_message_counts(house: House) -> None:
    house.limit(attempts=1)
    house.command("writer", "false")
    done = house.dispatch("@lead", "@writer", "s")
    assert done.run_id
    house.over("@writer", done.run_id)
    house.shell("writer", "echo up")
    wait_until(lambda: not house.agent("@lead").dispatch_lock.exists(), what="the lead is idle")
    again = control.retry_run(house.workspace, house.config, "@lead", done.run_id)
    house.over("@writer", again)
    run = newest_run_of(house.agent("@writer"), done.message_id)
    assert run is not None and run.run_id == again and tasks(house)["s"]["note"] == "done, no reply"
    assert newest_run_of(house.agent("@writer"), "unknown") is None


def test_high_priority_wakes_an_idle_agent_at_once_and_a_busy_one_when_it_is_free(house: House) -> None:
    house.shell("writer", f"echo up; until [ -e {house.root}/go ]; do sleep 0.02; done")
    told = house.json("send", "@writer", "now", "b", "--priority", "high", "--from", "@lead")
    (first,) = wait_until(lambda: house.runs("@writer"), what="it is woken")
    assert told["id"] in first.subject and first.sender == "@lead"
    house.attempt_pid("@writer", first.run_id)
    for n in range(2):
        house.json("send", "@writer", f"again {n}", "b", "--priority", "high", "--from", "@lead")
    house.json("send", "@writer", "no hurry", "b", "--from", "@lead")
    assert len(house.runs("@writer")) == 1
    (house.root / "go").touch()
    house.over("@writer", first.run_id)
    wait_until(lambda: len(house.runs("@writer")) == 2, what="what waited is one wake")
    second = house.runs("@writer")[1]
    house.over("@writer", second.run_id)
    assert "again 0" in second.subject and "again 1" in second.subject and len(house.runs("@writer")) == 2


def test_an_agent_that_cannot_be_woken_has_its_mail_all_the_same(house: House) -> None:
    """Said as a success with a remark: an error would make the sender send it twice."""
    branch = house.agent("@writer").branch
    del house.commands["writer"]
    house.configure()
    env = {"PATH": "/nonexistent"}
    words = ["send", "@writer", "@editor", "s", "b", "--priority", "high", "--from", "@lead"]
    done = house.mailcore(*words, env=env)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode().splitlines()
    assert "not woken" in text[0] and "delivered as" in text[0] and "not woken" not in text[1]
    assert len(house.inbox("@writer")) == 1 and branch.is_dir()
    wait_until(lambda: house.runs("@editor"), what="the other one is woken")


def test_two_agents_cannot_wake_each_other_for_ever(house: House) -> None:
    house.limit(wake_depth=2)
    for name, to in (("writer", "editor"), ("editor", "writer")):
        house.shell(name, f"mailcore send @{to} ping b --priority high >> said 2>&1; echo up")
    house.json("send", "@writer", "ping", "b", "--priority", "high", "--from", "@lead")

    def quiet() -> bool:
        said = [house.agent(n).branch / "said" for n in ("writer", "editor")]
        over = not any(house.agent(n).dispatch_lock.exists() for n in ("writer", "editor"))
        return over and any(path.exists() and "wake_depth" in path.read_text() for path in said)

    wait_until(quiet, what="the limit is said")
    assert len(house.runs("@writer")) + len(house.runs("@editor")) == 3


@pytest.mark.parametrize("sender", ["@lead", "@operator"])
def test_to_all_is_everyone_but_the_sender_once(house: House, sender: str) -> None:
    told = house.json("send", "@writer", "@ALL", "@all", "s", "b", "--from", sender)
    assert sorted(row["to"] for row in told) == sorted({"@writer", "@editor", "@lead"} - {sender})
    assert len({row["seq"] for row in told}) == len({row["sent_id"] for row in told}) == len(told)
    assert house.inbox(sender) == () and len(house.inbox("@writer")) == 1
    assert house.json("send", "@all", sender, "s", "b", "--from", sender)[-1]["to"] == sender  # named, it is meant


def test_a_key_rewrites_the_open_mail_counts_up_and_keeps_its_names(house: House) -> None:
    words = ["--key", "status", "--from", "@lead"]
    first = house.json("send", "@writer", "at 10 %", "a", *words)
    house.mailcore("read", first["id"], cwd=house.agent("@writer").branch)
    again = house.json("send", "@writer", "at 20 %", "b", *words, "--priority", "high")
    assert again.pop("woken") and again == first
    house.json("send", "@writer", "mine", "c", "--key", "status", "--from", "@editor")
    mine, one = house.inbox("@writer")
    assert (one.subject, one.body, one.raw["updates"], one.priority) == ("at 20 %", "b", 2, "high")
    assert one.unread and mine.subject == "mine"  # it says something new: nobody has read that
    post.read_messages(house.workspace, "@writer", [one.id])
    house.json("send", "@writer", "at 20 %", "b", *words)
    assert not house.inbox("@writer")[1].unread and house.inbox("@writer")[1].raw["updates"] == 3
    post.close_messages(house.workspace, "@writer", [one.id])
    assert house.json("send", "@writer", "at 30 %", "d", *words)["id"] != first["id"]
    wait_until(lambda: not house.agent("@writer").dispatch_lock.exists(), what="it is idle")


def test_forward_says_what_was_not_delivered(house: House) -> None:
    sent = post.send_mail(house.workspace, "@lead", ["@writer"], "s", "line 1\nline 2")[0]
    inbox = house.agent("@editor").inbox
    inbox.unlink()
    inbox.mkdir()
    writer = house.agent("@writer").branch
    assert house.json("forward", sent.id, "@editor", "look", cwd=writer, status=4)["error"]["code"] == "undelivered"
    house.json("forward", str(sent.seq), "@lead", "look", cwd=writer)
    (one,) = house.inbox("@lead")
    assert one.subject == "FWD: s" and one.body == "look\n\n@lead wrote:\n> line 1\n> line 2\n"
    assert [m.id for m in house.inbox("@writer")] == [sent.id]


def test_what_else_somebody_waits_for_is_listed(house: House) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "urgent", "which?", priority="high")
    post.send_mail(house.workspace, "@lead", ["@writer"], "no hurry", "b")
    request = house.json("ask", "@operator", "spend", "20 dollars", "--from", "@writer")
    task = post.send_mail(house.workspace, "@operator", ["@editor"], "build", "b", is_task=True)[0]
    answer.acknowledge(house.workspace, "@editor", task.id, "done", "it")  # a notice asks for nothing
    kinds = {row["kind"]: (row["from"], row["to"]) for row in house.json("tasks")}
    assert kinds == {"question": ("@lead", "@writer"), "request": ("@writer", "@operator")}
    text = house.mailcore("tasks").stdout.decode()
    assert "[question]" in text and "[request]" in text and "[overdue]" not in text
    post.reply_to(
        house.workspace, "@writer", next(m.id for m in house.inbox("@writer") if m.subject == "urgent"), "this"
    )
    house.json("approve", request["id"], "yes", "--from", "@operator")
    assert [row["kind"] for row in house.json("tasks")] == []
    (mail,) = post.send_mail(house.workspace, "@lead", ["@writer"], "which", "b")
    answer.escalate_message(house.workspace, Mail(), "@writer", mail.id, "I cannot know")
    assert [(row["kind"], row["to"]) for row in house.json("tasks")] == [("question", "@operator")]


def test_overdue_is_said_to_people(house: House) -> None:
    house.extra = "[mail]\nrung_normal = 0.001\n"
    house.configure()
    post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b", is_task=True)
    assert "[overdue]" in house.mailcore("tasks").stdout.decode()


def test_a_task_that_was_given_again_stands_once(house: House) -> None:
    house.shell("writer", "echo up")
    sent = house.json("dispatch", "@writer", "build", "b", "--from", "@operator")
    house.over("@writer", sent["run_id"])
    house.json("blocked", sent["message_id"], "no key", "--from", "@writer")
    assert [row["note"] for row in house.json("tasks")] == ["blocked: no key"]
    again = house.json("reopen", sent["message_id"], "here it is", "--from", "@operator")
    house.over("@writer", again["run_id"])
    assert [(row["id"], row["subject"]) for row in house.json("tasks")] == [(again["message_id"], "REOPENED: build")]


def test_mail_that_nobody_answers_is_listed_once_it_is_overdue(house: House) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "which names?", "b")
    assert house.json("tasks") == []
    house.extra = "[mail]\nrung_normal = 0.001\n"
    house.configure()
    (row,) = house.json("tasks")
    assert (row["kind"], row["subject"], row["overdue"]) == ("mail", "which names?", True)
    post.reply_to(house.workspace, "@writer", house.inbox("@writer")[0].id, "these")
    assert house.json("tasks") == [], "an answer asks for none"


def test_a_plan_whose_orchestrator_bounced_is_not_passed_on(house: House) -> None:
    """It passed its task on, and was started when that was over; there it failed."""
    house.limit(attempts=1)
    house.shell(
        "lead",
        "echo up; if [ -e begun ]; then until [ -e go ]; do sleep 0.02; done; exit 7; fi; "
        "touch begun; mailcore dispatch @writer part b",
    )
    house.shell("writer", "echo up")
    run_id = house.started("@operator", "@lead", "plan")
    house.over("@lead", run_id)
    woken = wait_until(lambda: house.runs("@lead")[1:], what="the lead is woken")[0]
    assert tasks(house)["plan"]["note"] == "work was passed on"
    (house.agent("@lead").branch / "go").touch()
    house.over("@lead", woken.run_id)
    assert tasks(house)["plan"]["note"] == "bounced when it was to go on"


def test_a_notice_goes_when_its_task_came_to_an_end_after_all(house: House) -> None:
    """A bounce, a second one in its place, then the retry that works; and what was handed up goes with the answer."""
    house.limit(attempts=1)
    house.command("writer", "false")
    first = house.started("@operator", "@writer", "s")
    house.over("@writer", first)
    (bounce,) = house.inbox("@operator")
    house.over("@writer", house.json("retry", first, "--from", "@operator")["run_id"])
    (second,) = house.inbox("@operator")
    assert bounce.subject == second.subject and bounce.id != second.id
    house.shell("writer", "echo up")
    house.over("@writer", house.json("retry", "@writer", "--from", "@operator")["run_id"])
    wait_until(lambda: "bounced" not in {m.raw.get("run_ended") for m in house.inbox("@operator")})
    over = [event for event in house.json("history") if event["verb"] == "over"]
    assert [(e["by"], e["to"], e["ids"]) for e in over] == [
        ("@writer", "@operator", [bounce.id]),
        ("@writer", "@operator", [second.id]),
    ]
    assert {raw["id"] for _, raw in lookup.archived_messages(house.workspace.operator)} == {bounce.id, second.id}
    (mail,) = post.send_mail(house.workspace, "@lead", ["@editor"], "which?", "b")
    handed = answer.escalate_message(house.workspace, Mail(), "@editor", mail.id, "I cannot know")
    assert handed.id in {m.id for m in house.inbox("@operator")}
    post.reply_to(house.workspace, "@editor", mail.id, "I do know")
    assert handed.id not in {m.id for m in house.inbox("@operator")}
