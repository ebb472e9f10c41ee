"""`wait --any`: the next mail or the end of a run, whichever comes first, each told once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from mailcore.dispatch.queueing import queue
from mailcore.mail import answer, post
from tests.mailcore.conftest import House, wait_until
from tests.mailcore.test_wait import Started, start  # noqa: F401 (a fixture)

CLI = [sys.executable, "-m", "mailcore.cli"]
SLEEPS = "echo up; until [ -e go ]; do sleep 0.02; done; echo fine"


def anything(house: House, begin: Any, *words: str) -> Started:
    one: Started = begin("wait", "--any", *words, "--json", cwd=house.agent("@lead").branch)
    one.sleeps()
    return one


def test_mail_that_comes_while_it_waits_for_an_end(house: House, start: Any) -> None:  # noqa: F811
    house.shell("writer", SLEEPS)
    run_id = house.started("@lead", "@writer")
    one = anything(house, start)
    told = house.json("send", "@lead", "Which?", "a or b", "--priority", "high", cwd=house.agent("@editor").branch)
    assert told["code"] == "hears"
    (came,) = one.result()["settled"]
    assert (came["id"], came["state"], came["by"], came["subject"], came["text"]) == (
        told["id"], "mail", "@editor", "Which?", "a or b",
    )  # fmt: skip
    assert house.inbox("lead")[0].unread  # told of, not read
    two = anything(house, start)  # the same mail is not told again
    (house.agent("@writer").branch / "go").touch()
    (ended,) = two.result()["settled"]
    assert (ended["state"], ended["by"], ended["subject"], ended["text"]) == (
        "completed", "@writer", "a task", "fine",
    )  # fmt: skip
    house.over("@writer", run_id)
    assert house.runs("@lead") == [] and not queue.is_any_waiting(house.agent("@lead"))  # heard: nobody is woken for it


def test_the_end_of_a_run_that_is_named_by_its_id_its_agent_or_its_task(house: House, start: Any) -> None:  # noqa: F811
    for number in range(3):
        house.shell("writer", SLEEPS)
        (house.agent("@writer").branch / "go").unlink(missing_ok=True)
        done = house.dispatch("@lead", "@writer", f"task {number}")
        name = (done.run_id or "", "@writer", done.message_id)[number]
        one = anything(house, start, name)
        (house.agent("@writer").branch / "go").touch()
        (ended,) = one.result()["settled"]
        assert (ended["id"], ended["state"], ended["text"]) == (name, "completed", "fine")
        house.over("@writer", done.run_id or "")


def test_a_bad_end_is_4_and_nothing_in_time_5(house: House, start: Any) -> None:  # noqa: F811
    house.limit(attempts=1)
    lead = house.agent("@lead").branch
    assert house.json("wait", "--any", "--timeout", "0", cwd=lead, status=5) == {"settled": [], "timed_out": True}
    house.shell("writer", "echo up; until [ -e go ]; do sleep 0.02; done; exit 3")
    run_id = house.started("@lead", "@writer")
    one = anything(house, start)
    (house.agent("@writer").branch / "go").touch()
    assert one.result(4)["settled"][0]["state"] == "bounced"
    house.over("@writer", run_id)


def test_an_answer_and_the_end_of_its_run_are_told_once(house: House, start: Any) -> None:  # noqa: F811
    house.shell("writer", SLEEPS)
    done = house.dispatch("@lead", "@writer")
    one = anything(house, start)
    answer.acknowledge(house.workspace, "@writer", done.message_id, "done", "ready")
    (came,) = one.result()["settled"]
    assert (came["state"], came["by"], came["text"]) == ("done", "@writer", "ready")
    (house.agent("@writer").branch / "go").touch()
    house.over("@writer", done.run_id or "")
    assert house.json("wait", "--any", "--timeout", "0", cwd=house.agent("@lead").branch, status=5)["timed_out"]
    assert house.runs("@lead") == []


def test_that_a_task_is_taken_on_is_not_yet_its_end(house: House, start: Any) -> None:  # noqa: F811
    house.shell("writer", SLEEPS)
    done = house.dispatch("@lead", "@writer")
    one = anything(house, start)
    answer.acknowledge(house.workspace, "@writer", done.message_id, "acknowledged", "")
    assert one.result()["settled"][0]["state"] == "acknowledged"
    two = anything(house, start)
    (house.agent("@writer").branch / "go").touch()
    assert two.result()["settled"][0]["state"] == "completed"
    house.over("@writer", done.run_id or "")


def test_mail_that_came_between_two_waits_is_told_by_the_next(house: House) -> None:
    lead = house.agent("@lead").branch
    for subject in ("one", "two"):
        post.send_mail(house.workspace, "@writer", ["@lead"], subject, "b")
    told = house.json("wait", "--any", cwd=lead)["settled"]
    assert [one["subject"] for one in told] == ["one", "two"]
    post.send_mail(house.workspace, "@writer", ["@lead"], "three", "b")
    assert [one["subject"] for one in house.json("wait", "--any", cwd=lead)["settled"]] == ["three"]


def test_a_run_that_waits_is_not_told_its_own_task_and_says_what_it_waits_for(house: House) -> None:
    house.shell("lead", f"echo up; {' '.join(CLI)} wait --any --json > heard.json; sleep 1000")
    run_id = house.started("@operator", "@lead")
    wait_until(lambda: house.run("lead", run_id).awaits, what="it waits")
    waits = house.run("lead", run_id).awaits
    assert waits is not None and (waits.on, waits.want) == ("mail", "any")
    post.send_mail(house.workspace, "@writer", ["@lead"], "hello", "b")
    path = house.agent("@lead").branch / "heard.json"
    told = json.loads(house.says(path))
    assert [one["subject"] for one in told["settled"]] == ["hello"]
    house.kill("@operator", "@lead")


def test_what_makes_no_sense_and_what_is_another_ones_is_refused(house: House) -> None:
    lead = house.agent("@lead").branch
    for words in (["wait"], ["wait", "--any", "--all"]):
        assert house.json(*words, cwd=lead, status=2)["error"]["code"] == "usage"
    house.over("@writer", house.started("@operator", "@writer"))
    assert house.json("wait", "--any", "@writer", cwd=lead, status=3)["error"]["code"] == "visibility"
    assert house.json("wait", "--any", "@editor", cwd=lead, status=4)["error"]["code"] == "no_run"


def test_it_sleeps_meanwhile(house: House, start: Any) -> None:  # noqa: F811
    one = anything(house, start)
    wait_until(lambda: one.state() == "S", what="it sleeps")
    before, until = one.ticks(), time.monotonic() + 1
    try:
        one.process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        assert one.ticks() <= before + 1
    else:
        raise AssertionError("it came back")


def test_mail_that_was_rewritten_after_it_was_told_is_told_again(house: House) -> None:
    lead = house.agent("@lead").branch
    post.send_mail(house.workspace, "@writer", ["@lead"], "at 10 %", "b", key="status")
    assert [one["subject"] for one in house.json("wait", "--any", cwd=lead)["settled"]] == ["at 10 %"]
    told = time.time()
    wait_until(lambda: int(time.time()) > int(told), what="the next second")  # mail has its time to the second
    post.send_mail(house.workspace, "@writer", ["@lead"], "at 20 %", "b", key="status")
    assert [one["subject"] for one in house.json("wait", "--any", cwd=lead)["settled"]] == ["at 20 %"]
