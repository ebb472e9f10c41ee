"""A program without hooks that asks the operator, or waits for another: what its files tell of it. Real processes."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from mailcore.config import Alarms
from mailcore.mail import approvals
from mailcore.model.fleet import Fleet, State, Status
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.state import state
from mailcore.system.processes import alive
from tests.mailcore.conftest import House, wait_until

CLI = f"{sys.executable} -m mailcore.cli"
ASK = f"""
id=$({CLI} ask @operator Deploy? body --json | {sys.executable} -c 'import json,sys; print(json.load(sys.stdin)["id"])')
"""


def status(house: House, name: str = "@writer", later: float = 0.0) -> Status:
    """The state that a program which looks now finds, as it would be so many seconds later."""
    fleet = apply(Fleet(house.root), WorkspaceReader(house.workspace).initial(), time.time())
    facts = fleet.find(name)
    assert facts is not None
    return state(facts, time.time() + later, Alarms())


def asks(house: House, script: str) -> str:
    house.shell("writer", ASK + script)
    run_id = house.started("@operator", "@writer")
    wait_until(lambda: status(house).state is State.WAITING, what="it asks")
    return run_id


@pytest.mark.parametrize("script", [f"{CLI} wait $id --for approval; exec sleep 100", "exec sleep 100"])
def test_who_asked_waits_for_the_operator_until_the_answer_and_is_at_work_then(house: House, script: str) -> None:
    asks(house, script)
    since = status(house).since
    assert status(house, later=9000) == Status(State.WAITING, "asks for your approval: Deploy?", since)
    (request,) = house.inbox("@operator")
    assert since == request.stored_at
    approvals.decide(house.workspace, "@operator", request.id, "approved", "go")
    wait_until(lambda: status(house).state is State.WORKING, what="it is at work again")
    decided = time.time() - 5
    assert status(house, later=290).state is State.WORKING
    assert status(house, later=310).state is State.SILENT and status(house, later=310).since > decided + 300


def test_who_waits_for_another_agent_is_not_silent(house: House) -> None:
    house.shell("lead", "echo up; exec sleep 100")
    house.started("@operator", "@lead")
    house.shell(
        "writer",
        f"id=$({CLI} send @lead 'Build it' b --json | {sys.executable} -c "
        f"'import json,sys; print(json.load(sys.stdin)[\"id\"])'); {CLI} wait $id; exec sleep 100",
    )
    run_id = house.started("@operator", "@writer")
    wait_until(lambda: "waits for @lead: Build it" in status(house).reason, what="it waits for @lead")
    assert status(house, later=9000).state is State.WORKING
    awaits = house.run("@writer", run_id).awaits
    assert awaits is not None
    os.kill(awaits.pid, signal.SIGKILL)
    wait_until(lambda: "waits for" not in status(house).reason, what="a wait that was killed is over")
    assert status(house, later=9000).state is State.SILENT


def test_a_wait_that_ends_by_itself_is_told(house: House) -> None:
    house.shell("writer", ASK + f"{CLI} wait $id --for approval --timeout 0.5; exec sleep 100")
    run_id = house.started("@operator", "@writer")
    wait_until(lambda: [r for r in house.journal("@writer", run_id) if r["event"] == "awaited"], what="it is over")
    assert house.run("@writer", run_id).awaits is None


def test_a_request_lapses_with_its_run(house: House) -> None:
    run_id = asks(house, "exec sleep 100")
    house.kill("@operator", "@writer")
    house.over("@writer", run_id)
    wait_until(lambda: not house.agent("@writer").dispatch_lock.exists(), what="it is free")
    asked = next(m for m in house.inbox("@operator") if "approval" in m.raw)
    assert not asked.undecided and asked.unread
    assert asked.lapsed == "its run is over (killed by @operator): nobody waits for the answer"
    shown = house.mailcore("read", asked.id, "--from", "@operator")
    assert asked.lapsed.encode() in shown.stdout
    told = house.json("wait", asked.id, "--for", "approval", "--timeout", "5", "--from", "@operator", status=4)
    assert told["settled"][0]["state"] == "lapsed"


def test_a_request_of_a_run_that_came_to_its_end_stands_and_its_answer_is_mailed(house: House) -> None:
    run_id = asks(house, "sleep 2")
    house.over("@writer", run_id)
    wait_until(lambda: not house.agent("@writer").dispatch_lock.exists(), what="it is free")
    (asked,) = (m for m in house.inbox("@operator") if "approval" in m.raw)
    assert asked.undecided and not asked.lapsed
    house.json("approve", asked.id, "go on", "--from", "@operator")
    assert any(m.subject.startswith("APPROVED") for m in house.inbox("@writer"))


def test_a_request_lapses_with_a_run_whose_directory_went(house: House) -> None:
    house.limit(vanished_grace=0.3)
    run_id = asks(house, "exec sleep 100")
    supervisor, branch = house.run("@writer", run_id).supervisor_pid, house.agent("@writer").branch
    away = branch.rename(house.root.with_name("elsewhere"))  # out of the workspace: within it, it is followed
    try:
        wait_until(lambda: not alive(supervisor), what="the supervisor is over")
    finally:
        away.rename(branch)
    (asked,) = (m for m in house.inbox("@operator") if "approval" in m.raw)
    assert asked.lapsed == "its run is over (bounced): nobody waits for the answer"


def test_what_was_decided_does_not_lapse(house: House) -> None:
    run_id = asks(house, f"{CLI} wait $id --for approval; exec true")
    (request,) = house.inbox("@operator")
    approvals.decide(house.workspace, "@operator", request.id, "denied", "no")
    house.over("@writer", run_id)
    assert approvals.lapse_requests(house.agent("@operator"), run_id, "over") == []
