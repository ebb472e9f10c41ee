"""AIPass's runs where we list, find, retry and end them: its register, its mail, dead monitors."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest

from mailcore.dispatch import control
from mailcore.dispatch.aipass import monitor_runs, register
from mailcore.dispatch.runs.run_list import find_run
from mailcore.exceptions import Refused
from mailcore.mail import post
from mailcore.model.agent import Agent
from mailcore.model.run import Phase
from mailcore.observe.aipass_runs import runs_by_id
from tests.mailcore.conftest import House, wait_until


def row(house: House, dispatch_id: str, subject: str = "a task", **more: Any) -> None:
    """One row of AIPass's register: from @lead, to @writer."""
    at = datetime.now(UTC).isoformat()
    told = {"ts": at, "sender": "@lead", "target": "@writer", "subject": subject, "status": "outstanding", **more}
    directory = house.workspace.aipass_dir
    directory.mkdir(exist_ok=True)
    with (directory / "dispatch_register.jsonl").open("a") as file:
        file.write(json.dumps({"dispatch_id": dispatch_id, "provider": "claude", **told}) + "\n")


def dead_monitor(house: House, writer: Agent) -> int:
    """The PID of a monitor that is gone, and whose lock stayed."""
    process = subprocess.Popen(["true"])
    process.wait()
    writer.dispatch_lock.write_text(json.dumps({"pid": process.pid, "timestamp": "2026-11-22T00:43:58"}))
    return process.pid


@pytest.mark.parametrize(
    ("status", "phase", "by", "reason"),
    [
        ("completed", Phase.COMPLETED, "", ""),
        ("completed (replied)", Phase.COMPLETED, "", ""),
        ("killed", Phase.KILLED, "", ""),
        ("killed by @lead", Phase.KILLED, "@lead", ""),
        ("FAILED (code 3)", Phase.BOUNCED, "", "FAILED (code 3)"),
        ("killed-ish", Phase.BOUNCED, "", "killed-ish"),
    ],
)
def test_a_status_says_how_a_run_ended(status: str, phase: Phase, by: str, reason: str) -> None:
    run = runs_by_id([{"dispatch_id": "x", "target": "@writer"}, {"dispatch_id": "x", "status": status}])["x"]
    assert (run.phase, run.by, run.reason) == (phase, by, reason)


def test_a_bounce_of_aipass_that_found_no_mailbox_is_undelivered() -> None:
    status = "FAILED (code 1), bounce NOT delivered to @lead"
    run = runs_by_id([{"dispatch_id": "x", "target": "@writer"}, {"dispatch_id": "x", "status": status}])["x"]
    assert run.undelivered == "the bounce to @lead could not be delivered"


def test_runs_of_both_are_listed_each_once(house: House) -> None:
    row(house, "theirs", "first", monitor_pid=os.getpid())
    ours = house.started("@operator", "@writer")
    house.over("@writer", ours)
    rows = house.json("runs", "@writer")
    assert [(r["run_id"], r["foreign"], r["phase"]) for r in rows] == [
        (ours, False, "completed"), ("theirs", True, "running"),
    ]  # fmt: skip
    assert b"theirs" in house.mailcore("runs").stdout
    assert house.json("runs", "@editor") == []
    agent, run = find_run(house.workspace, "theirs")
    assert run is not None and (agent.address, run.subject) == ("@writer", "first")
    newest = find_run(house.workspace, "@writer")[1]
    assert newest is not None and newest.run_id == ours
    row(house, "later")
    newest = find_run(house.workspace, "@writer")[1]
    assert newest is not None and newest.run_id == "later"


def test_a_run_whose_monitor_is_gone_is_not_shown_as_running(house: House) -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    row(house, "theirs", monitor_pid=process.pid)
    (shown,) = house.json("runs")
    assert (shown["phase"], shown["reason"]) == ("bounced", f"its monitor (PID {process.pid}) is gone")


def test_the_task_of_a_run_is_the_mail_that_it_was_dispatched_for(house: House) -> None:
    writer = house.agent("@writer")
    for sender, subject in (("@lead", "a task"), ("@lead", "another"), ("@editor", "a task")):
        post.send_mail(house.workspace, sender, ["@writer"], subject, "b", is_task=True)
    post.send_mail(house.workspace, "@lead", ["@writer"], "a task", "no task, a mail")
    row(house, "theirs")
    run = find_run(house.workspace, "theirs")[1]
    wanted = next(m for m in house.inbox("@writer") if (m.sender, m.subject, m.is_task) == ("@lead", "a task", True))
    assert run is not None and monitor_runs.task_message(writer, run) == wanted
    first = monitor_runs.record_to_repeat(writer, run)
    assert (first["message_id"], first["sent_id"], first["sender"]) == (wanted.id, wanted.sent_id, "@lead")
    assert wanted.id in first["prompt"]
    post.close_messages(house.workspace, "@writer", [wanted.id])
    assert monitor_runs.record_to_repeat(writer, run)["message_id"] == wanted.id, "closed mail is found too"
    row(house, "of another time", ts="2020-01-01T00:00:00+00:00")
    old = find_run(house.workspace, "of another time")[1]
    assert old is not None and monitor_runs.task_message(writer, old) is None
    assert monitor_runs.record_to_repeat(writer, old)["message_id"] == ""


def test_a_retry_of_a_foreign_run_is_a_run_of_ours(house: House) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "a task", "b", is_task=True)
    row(house, "theirs")
    row(house, "theirs", status="FAILED (code 3)")
    run = house.over("@writer", control.retry_run(house.workspace, house.config, "@operator", "@writer"))
    (mail,) = house.inbox("@writer")
    assert (run.phase, run.sender, run.message_id) == (Phase.COMPLETED, "@lead", mail.id)
    assert house.journal("@writer", run.run_id)[0]["retry_of"] == "theirs"


@pytest.mark.parametrize("how", ["kill", "dispatch"])
def test_a_dead_monitors_run_is_closed_told_and_ended(house: House, how: str) -> None:
    writer = house.agent("@writer")
    monitor = dead_monitor(house, writer)
    post.send_mail(house.workspace, "@lead", ["@writer"], "a task", "b", is_task=True)
    row(house, "theirs", monitor_pid=monitor)
    left = subprocess.Popen(["sleep", "100"], env={**os.environ, "AIPASS_DISPATCH_ID": "theirs"})
    if how == "kill":
        assert house.kill("@operator", "@writer").run_id == "theirs"
    else:
        house.over("@writer", house.started("@operator", "@writer", "ours"))
    assert left.wait(10) < 0
    assert not writer.dispatch_lock.exists()
    run = runs_by_id(register.register_rows(house.workspace))["theirs"]
    by, reason = ("@operator", "") if how == "kill" else ("", f"FAILED (its monitor (PID {monitor}) died)")
    assert (run.phase, run.by, run.reason) == (Phase.KILLED if by else Phase.BOUNCED, by, reason)
    told = wait_until(lambda: [m for m in house.inbox("@lead") if m.sender == "@writer"], what="@lead is told")
    assert [m.subject for m in told] == ["KILLED: Dispatch to @writer" if by else "BOUNCE: Dispatch to @writer failed"]


def test_a_dead_lock_that_no_row_knows_is_only_removed(house: House) -> None:
    writer = house.agent("@writer")
    dead_monitor(house, writer)
    row(house, "another's", monitor_pid=os.getpid())
    house.kill("@operator", "@writer")
    assert not writer.dispatch_lock.exists() and house.inbox("@lead") == ()
    assert not runs_by_id(register.register_rows(house.workspace))["another's"].phase.ended


def test_a_foreign_run_is_killed_by_its_own_id_and_no_other(house: House) -> None:
    monitor = subprocess.Popen(["sleep", "100"], start_new_session=True)
    house.agent("@writer").dispatch_lock.write_text(json.dumps({"pid": monitor.pid}))
    row(house, "before")
    row(house, "before", status="completed")
    row(house, "theirs", monitor_pid=monitor.pid)
    with pytest.raises(Refused, match="is over"):
        house.kill("@operator", "before")
    assert monitor.poll() is None
    assert house.kill("@operator", "theirs").run_id == "theirs"
    assert monitor.wait(10) < 0
