"""Answers wake: who asked with high priority and is not there is started, who sits in `wait` hears it there."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from mailcore.dispatch.queueing import queue
from mailcore.mail import active_waits, approvals, post
from mailcore.mail.outbox import Sent
from tests.mailcore.conftest import House, wait_until
from tests.mailcore.test_wait import Started, start  # noqa: F401 (a fixture)

CLI = f"{sys.executable} -m mailcore.cli"
OPERATOR = ("--from", "@operator")


PLAN = f"""
import json, subprocess, time
print("up", flush=True)
if open("begun", "a").tell():
    raise SystemExit  # woken once more
open("begun", "a").write("x")
def mailcore(*words):
    return json.loads(subprocess.run({CLI.split()!r} + [*words, "--json"], capture_output=True).stdout)
task = mailcore("dispatch", "@editor", "s", "b")["message_id"]
open("heard.json", "w").write(json.dumps(mailcore("wait", task)))
open("over", "w").close()
"""


def request(house: House, by: str = "@writer") -> Sent:
    return approvals.request_approval(house.workspace, by, "@operator", "@operator", "Deploy?", "now", 2)


def question(house: House, priority: str = "high") -> Sent:
    (sent,) = post.send_mail(house.workspace, "@writer", ["@editor"], "Which?", "a or b", priority=priority)
    return sent


@pytest.mark.parametrize(("verb", "word"), [("approve", "approved"), ("deny", "denied")])
def test_a_decision_starts_the_asker_with_it(house: House, verb: str, word: str) -> None:
    told = house.json(verb, request(house).id, "until noon", *OPERATOR)
    run = house.over("@writer", told["woken"])
    assert f"@operator {word} what you asked for" in run.subject and "Deploy?" in run.subject
    assert house.journal("@writer", run.run_id)[0]["priority"] == "high"


def test_an_answer_to_an_urgent_question_starts_who_asked_and_another_nobody(house: House) -> None:
    editor = house.agent("@editor").branch
    told = house.json("reply", question(house).id, "b", cwd=editor)
    assert "@editor answered you" in house.over("@writer", told["woken"]).subject
    said = house.json("reply", question(house, "normal").id, "b", cwd=editor)
    assert "woken" not in said and "not_woken" not in said and len(house.runs("@writer")) == 1


def test_what_is_escalated_starts_the_orchestrator_and_a_person_is_not_started(house: House) -> None:
    house.extra = '[mail]\norchestrator = "@lead"\n'
    house.configure()
    editor = house.agent("@editor").branch
    told = house.json("escalate", question(house, "normal").id, "too big", cwd=editor)
    assert "handed a message up to you" in house.over("@lead", told["woken"]).subject
    house.extra = ""
    house.configure()
    said = house.json("escalate", question(house, "normal").id, "too big", cwd=editor)
    assert said["to"] == "@operator" and "woken" not in said


def test_text_and_json_say_why_nobody_was_woken(house: House) -> None:
    house.json("hold", "@writer", "lunch", *OPERATOR)
    told = house.json("approve", request(house).id, "yes", *OPERATOR)
    assert (told["code"], told["queued"]) == ("held", True) and "lunch" in told["not_woken"]
    done = house.mailcore("send", "--priority", "high", "@writer", "s", "b", *OPERATOR)
    assert b"is held by @operator: lunch; it is started when it is released" in done.stdout
    released = house.json("release", "@writer", *OPERATOR)
    (run_id,) = released["started"]
    run = house.over("@writer", run_id)
    assert "approved what you asked for" in run.subject and "sent mail of high priority" in run.subject
    assert house.mailcore("hold", "@writer", *OPERATOR).returncode == 0
    house.json("send", "--priority", "high", "@writer", "s", "b", *OPERATOR)
    assert house.mailcore("hold", "--all", *OPERATOR).returncode == 0
    again = house.json("release", "@writer", *OPERATOR)
    assert again["woken"] == {} and "every agent is held" in again["not_woken"]["@writer"]
    assert b"@writer: run " in house.mailcore("release", "--all", *OPERATOR).stdout
    house.over("@writer", house.runs("@writer")[-1].run_id)


def test_a_dispatch_has_a_priority_in_its_mail_and_in_the_queue(house: House) -> None:
    house.json("hold", "@writer", *OPERATOR)
    for priority in ("low", "normal", "high"):
        house.json("dispatch", "--priority", priority, "@writer", priority, "b", *OPERATOR)
    assert [mail.priority for mail in house.inbox("writer")] == ["high", "normal", "low"]
    assert [entry["subject"] for entry in house.json("queue", *OPERATOR)] == ["high", "normal", "low"]
    told = house.json("dispatch", "--priority", "urgent", "@writer", "s", "b", *OPERATOR, status=2)
    assert "high" in told["error"]["message"]


def test_urgent_mail_is_told_before_a_normal_task_that_waits(house: House) -> None:
    house.json("hold", "@writer", *OPERATOR)
    house.json("dispatch", "@writer", "normal task", "b", *OPERATOR)
    house.json("send", "@writer", "urgent", "b", "--priority", "high", *OPERATOR)
    (run_id,) = house.json("release", "@writer", *OPERATOR)["started"]
    assert "sent mail of high priority" in house.over("@writer", run_id).subject
    wait_until(lambda: len(house.runs("@writer")) == 2, what="the task has its turn")
    assert house.over("@writer", house.runs("@writer")[1].run_id).subject == "normal task"


def test_wake_depth_holds_for_answers(house: House) -> None:
    house.limit(wake_depth=0)
    asked = question(house)
    house.shell("editor", f"echo up; {CLI} reply {asked.id} b > answer.txt")
    run_id = house.started("@lead", "@editor")
    house.over("@editor", run_id)
    assert "not woken: it would nest" in (house.agent("@editor").branch / "answer.txt").read_text()
    assert house.runs("@writer") == []


def test_an_answer_to_the_task_of_a_run_wakes_once_by_its_end(house: House) -> None:
    house.python(
        "editor",
        "import re, subprocess, sys\n"
        "print('up', flush=True)\n"
        "name = re.search(r'message ([0-9a-f]+)', sys.argv[1]).group(1)\n"
        f"subprocess.run({CLI.split()!r} + ['reply', name, 'b'], stdout=open('answer.txt', 'w'))\n",
    )
    done = house.json("dispatch", "--priority", "high", "@editor", "s", "b", cwd=house.agent("@writer").branch)
    house.over("@editor", done["run_id"])
    assert "it is woken when this run is over" in (house.agent("@editor").branch / "answer.txt").read_text()
    (run,) = wait_until(lambda: house.runs("@writer"), what="the sender is woken")
    house.over("@writer", run.run_id)
    assert len(house.runs("@writer")) == 1 and "finished" in run.subject


def hearing_of(house: House, begin: Any, *words: str) -> Started:
    one: Started = begin("wait", *words, "--json", cwd=house.agent("@writer").branch)
    one.sleeps()
    return one


def test_who_waits_live_hears_it_there_and_is_not_woken(house: House, start: Any) -> None:  # noqa: F811
    asked = request(house)
    one = hearing_of(house, start, asked.id, "--for", "approval")
    told = house.json("approve", asked.id, "go", *OPERATOR)
    assert (told["code"], told["queued"]) == ("hears", False)
    assert one.result()["settled"][0]["state"] == "approved"
    other = question(house)
    two = hearing_of(house, start, other.id)
    assert house.json("reply", other.id, "b", cwd=house.agent("@editor").branch)["code"] == "hears"
    assert two.result()["settled"][0]["state"] == "reply"
    assert house.runs("@writer") == [] and not queue.is_any_waiting(house.agent("@writer"))
    assert not any((house.agent("@writer").mail_dir / active_waits.WAITS).iterdir())


def test_a_wait_for_something_else_is_none_for_this(house: House, start: Any) -> None:  # noqa: F811
    hearing_of(house, start, question(house).id)
    told = house.json("approve", request(house).id, "go", *OPERATOR)
    house.over("@writer", told["woken"])


def test_a_run_that_heard_it_in_its_wait_is_not_started_again(house: House) -> None:
    asked = request(house)
    house.shell("writer", f"echo up; {CLI} wait {asked.id} --for approval > heard.txt; touch heard; sleep 1000")
    run_id = house.started("@lead", "@writer")
    waits = wait_until(
        lambda: active_waits.is_waiting_for(house.agent("@writer"), [asked.id], ["approval"]), what="it waits"
    )
    assert waits and house.json("approve", asked.id, "go", *OPERATOR)["code"] == "hears"
    wait_until((house.agent("@writer").branch / "heard").exists, what="it has heard")
    assert not queue.is_any_waiting(house.agent("@writer"))
    house.kill("@operator", "@writer")
    house.over("@writer", run_id)


def test_what_a_wait_that_was_killed_has_not_heard_is_waited_for(house: House) -> None:
    asked = request(house)
    house.shell("writer", f"echo up; {CLI} wait {asked.id} --for approval; sleep 1000")
    house.started("@lead", "@writer")
    wait_until(lambda: active_waits.is_waiting_for(house.agent("@writer"), [asked.id], ["approval"]), what="it waits")
    told = house.json("send", "@writer", "s", "b", "--priority", "high", *OPERATOR)
    assert (told["code"], told["queued"]) == ("busy", True)  # its wait is for something else
    assert queue.is_any_waiting(house.agent("@writer"))


def test_the_end_that_was_heard_in_a_wait_wakes_nobody(house: House) -> None:
    house.shell("editor", "echo up; echo fine")
    house.python("lead", PLAN)
    run_id = house.started("@operator", "@lead")
    wait_until((house.agent("@lead").branch / "over").exists, what="the lead has heard")
    assert "completed" in (house.agent("@lead").branch / "heard.json").read_text()
    house.over("@lead", run_id)
    house.over("@editor", house.runs("@editor")[0].run_id)
    assert len(house.runs("@lead")) == 1 and not queue.is_any_waiting(house.agent("@lead"))
