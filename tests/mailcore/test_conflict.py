"""Tasks that conflict: none of them starts until the approver chooses, and every sender is told."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from mailcore.dispatch import control
from mailcore.exceptions import Refused, UsageError
from mailcore.mail import answer, approvals, post
from mailcore.model.run import Phase
from praxmonitor.actions import requests
from tests.mailcore.conftest import House, wait_until

CLI = f"{sys.executable} -m mailcore.cli"
OPERATOR = ("--from", "@operator")


@pytest.fixture
def tasks(house: House) -> list[str]:
    """Two tasks of @writer, of two senders, that wait since it is held."""
    house.json("hold", "@writer", *OPERATOR)
    tabs = house.dispatch("@lead", "@writer", "tabs")
    spaces = house.dispatch("@editor", "@writer", "spaces")
    return [tabs.message_id, spaces.message_id]


def escalate(house: House, *words: str, name: str = "writer", status: int = 0) -> Any:
    return house.json("escalate", *words, "tabs or spaces?", cwd=house.agent(name).branch, status=status)


def request(house: House) -> str:
    return next(mail.id for mail in house.inbox("@operator") if mail.undecided)


def test_none_of_them_starts_and_every_sender_is_told(house: House, tasks: list[str]) -> None:
    told = escalate(house, *tasks)
    assert told["to"] == "@operator" and [one["to"] for one in told["told"]] == ["@lead", "@editor"]
    for name in ("lead", "editor"):
        (mail,) = house.inbox(name)
        assert mail.subject.startswith("CONFLICT: #") and "tabs or spaces?" in mail.body
    assert house.json("release", "@writer", *OPERATOR)["started"] == []
    other = house.dispatch("@lead", "@writer", "something else")  # what does not conflict goes on
    assert other.run_id and house.over("writer", other.run_id)
    assert [run.subject for run in house.runs("writer")] == ["something else"]
    rows = house.json("tasks", "@writer", *OPERATOR)
    notes = {row["subject"]: row["note"] for row in rows}
    assert notes["tabs"].endswith(": the approver is to choose") and notes["spaces"].endswith(notes["tabs"][-25:])
    assert len(house.json("queue", *OPERATOR)) == 2


def test_the_chosen_one_starts_the_other_is_declined_and_all_are_told(house: House, tasks: list[str]) -> None:
    escalate(house, *tasks)
    house.json("release", "@writer", *OPERATOR)
    told = house.json("approve", request(house), "spaces it is", "--choose", tasks[1], *OPERATOR)
    assert sorted(what.partition(" ")[0] for what in told["tasks"].values()) == ["declined", "run"]
    run = wait_until(lambda: [one for one in house.runs("writer") if one.subject == "spaces"], what="it starts")[0]
    house.over("writer", run.run_id)
    assert not [one for one in house.runs("writer") if one.subject == "tabs"]
    assert house.inbox("lead")[0].subject == "DECLINED: tabs" and "spaces it is" in house.inbox("lead")[0].body
    assert any(mail.subject == "CHOSEN: spaces" for mail in house.inbox("editor"))
    waited = house.json("wait", tasks[0], "--for", "done", cwd=house.agent("lead").branch, status=4)
    assert waited["settled"][0]["state"] == "declined"
    assert not any((house.root / ".praxmonitor" / "conflicts").iterdir())
    wait_until(lambda: house.json("queue", *OPERATOR) == [], what="nothing waits")
    for one in house.runs("writer"):
        house.over("writer", one.run_id)


def test_to_deny_is_to_decline_them_all(house: House, tasks: list[str]) -> None:
    escalate(house, *tasks)
    house.json("release", "@writer", *OPERATOR)
    told = house.json("deny", request(house), "neither", *OPERATOR)
    assert list(told["tasks"].values()) == ["declined", "declined"]
    assert house.json("queue", *OPERATOR) == []
    assert [house.inbox(name)[0].subject for name in ("lead", "editor")] == ["DECLINED: tabs", "DECLINED: spaces"]
    assert not [run for run in house.runs("writer") if run.subject in ("tabs", "spaces")]
    for run in house.runs("writer"):
        house.over("writer", run.run_id)


def test_an_approval_without_a_choice_decides_nothing(house: House, tasks: list[str]) -> None:
    escalate(house, *tasks)
    name = request(house)
    for words in ([], ["--choose", "nonesuch"]):
        assert house.json("approve", name, "yes", *words, *OPERATOR, status=2)["error"]["code"] == "usage"
    assert request(house) == name
    (plain,) = post.send_mail(house.workspace, "@lead", ["@operator"], "s", "b", extra={"approval": {"tier": 1}})
    assert house.json("approve", plain.id, "y", "--choose", tasks[0], *OPERATOR, status=2)["error"]["code"] == "usage"


def test_a_run_that_finds_the_conflict_is_started_again_with_the_chosen_task(house: House) -> None:
    house.json("hold", "@editor", *OPERATOR)
    other = house.dispatch("@lead", "@editor", "spaces")
    house.python(
        "writer",
        "import os, re, subprocess, sys\n"
        "print('up', flush=True)\n"
        "name = re.search(r'message ([0-9a-f]+)', sys.argv[1])\n"
        "if name and not os.path.exists('asked'):\n"
        "    open('asked', 'w').close()\n"
        f"    sys.exit(subprocess.call({CLI.split()!r} + ['dispatch', '@editor', 'tabs', 'b', '--queue']))\n",
    )
    first = house.dispatch("@lead", "@writer", "tabs")
    assert first.run_id and house.over("writer", first.run_id).phase is Phase.COMPLETED
    escalate(house, first.message_id, other.message_id, name="lead")
    with pytest.raises(Refused, match="the approver is to choose"):
        control.retry_run(house.workspace, house.config, "@operator", first.run_id)
    told = house.json("approve", request(house), "tabs", "--choose", first.message_id, *OPERATOR)
    (run_id,) = (what.removeprefix("run ") for what in told["tasks"].values() if what.startswith("run "))
    assert house.over("writer", run_id).subject == "tabs" and house.run("writer", run_id).message_id == first.message_id


def test_what_is_no_open_task_of_ones_own_is_no_conflict(house: House, tasks: list[str]) -> None:
    (mail,) = post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    assert escalate(house, tasks[0], mail.id, status=3)["error"]["code"] == "no_task"
    assert escalate(house, tasks[0], tasks[0], status=2)["error"]["code"] == "usage"
    foreign = house.dispatch("@lead", "@editor", "another's").message_id
    assert escalate(house, tasks[0], foreign, status=3)["error"]["code"] == "visibility"
    answer.acknowledge(house.workspace, "@writer", tasks[1], "done", "ready")
    assert escalate(house, *tasks, status=3)["error"]["code"] == "no_task"
    assert not (house.root / ".praxmonitor" / "conflicts").exists() and not house.inbox("@operator")
    for run in house.runs("editor"):
        house.over("editor", run.run_id)


def test_said_twice_it_is_one_conflict_and_one_request(house: House, tasks: list[str]) -> None:
    escalate(house, *tasks)
    escalate(house, *reversed(tasks))
    assert len([mail for mail in house.inbox("@operator") if mail.undecided]) == 1
    assert len(house.inbox("lead")) == 1
    assert len(list((house.root / ".praxmonitor" / "conflicts").iterdir())) == 1


def test_what_was_decided_and_cut_off_is_carried_out_when_it_is_said_again(house: House, tasks: list[str]) -> None:
    escalate(house, *tasks)
    name = request(house)
    approvals.decide(house.workspace, "@operator", name, "approved", "spaces")
    told = house.json("approve", name, "spaces", "--choose", tasks[1], *OPERATOR)
    assert sorted(told["tasks"].values()) == ["declined", "waits for its turn"]  # the agent is held
    house.json("release", "@writer", *OPERATOR)
    wait_until(lambda: [run for run in house.runs("writer") if run.subject == "spaces"], what="it starts")
    for run in house.runs("writer"):
        house.over("writer", run.run_id)


def test_the_screen_denies_and_says_how_to_choose(house: House, tasks: list[str]) -> None:
    escalate(house, *tasks)
    with pytest.raises(UsageError, match="--choose"):
        requests.decide(house.workspace, house.config, request(house), "approved", "yes")
    assert "declined" in requests.decide(house.workspace, house.config, request(house), "denied", "no")
