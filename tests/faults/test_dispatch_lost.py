"""Queues that move, go and come back: each sender is told once of what waited there, and of nothing that starts."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mailcore.dispatch.admission.hold import place_hold
from mailcore.dispatch.lifecycle import after_run, lost_directory
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.release import release_hold
from mailcore.exceptions import MailcoreError
from mailcore.formats import journal
from mailcore.mail import lookup, mailbox, post
from mailcore.model.run import Phase
from mailcore.workspace import find
from tests.faults.conftest import ROOT
from tests.faults.test_dispatch_matrix import BOUNCE, told
from tests.faults.test_dispatch_world import bounces, ends_a_run, waits_at
from tests.mailcore import conftest as lab
from tests.mailcore.conftest import House, wait_until

house, mark, stranger, clean_room = lab.house, lab.mark, lab.stranger, lab.clean_room


def look(house: House) -> list[str]:
    """What any end of a run and any release does; the runs that it began."""
    return after_run.start_all_waiting(house.workspace, house.config)


def noted(house: House) -> Path:
    return house.root / ".praxmonitor" / "waiting.jsonl"


def spoil(house: House, name: str) -> Path:
    """Put a directory in the place of an agent's mailbox: no mail can be delivered to it."""
    inbox = house.agent(name).inbox
    inbox.unlink(missing_ok=True)
    inbox.mkdir()
    return inbox


def test_a_task_waits_on_where_its_agent_moved_with_its_row(house: House) -> None:
    waits_at(house, "@writer", "@operator")
    branch = house.agent("@writer").branch
    branch.rename(branch.with_name("scribe"))
    registry = house.workspace.registry
    registry.write_text(registry.read_text().replace("agents/writer", "agents/scribe"))
    house.workspace = find.load_workspace(registry)
    assert look(house) == [] and bounces(house, "@operator") == []
    (run_id,) = release_hold(house.workspace, house.config, "@operator", "@writer")
    assert house.over("@writer", run_id).phase is Phase.COMPLETED


def test_a_task_waits_on_in_a_workspace_that_moved(house: House) -> None:
    waits_at(house, "@writer", "@operator")
    before = house.workspace
    away = house.root.rename(house.root.with_name("moved"))
    try:
        house.workspace = find.find_workspace(away)
        assert look(house) == [] and bounces(house, "@operator") == []
        assert len(list(queue.all_waiting(house.workspace))) == 1
    finally:
        away.rename(before.root)
        house.workspace = before


def test_what_was_told_as_lost_is_not_started_when_the_directory_comes_back(house: House) -> None:
    (task,) = waits_at(house, "@writer", "@operator")
    branch = house.agent("@writer").branch
    away = branch.rename(branch.with_name("away"))
    look(house)
    assert bounces(house, "@operator") == [task]
    away.rename(branch)
    later = house.dispatch("@operator", "@writer", "after its return")
    assert [entry.subject for entry in queue.all_waiting(house.workspace)] == ["after its return"]
    (run_id,) = release_hold(house.workspace, house.config, "@operator", "@writer")
    assert house.over("@writer", run_id).subject == "after its return" and later.queued
    ends_a_run(house)
    assert len(house.runs("@writer")) == 1 and bounces(house, "@operator") == [task]
    assert not queue.is_any_waiting(house.agent("@writer"))


@pytest.mark.parametrize("by", ["mail", "hold"])
def test_a_mailbox_that_is_made_again_does_not_hide_the_loss_of_its_queue(house: House, by: str) -> None:
    (task,) = waits_at(house, "@writer", "@lead")
    writer = house.agent("@writer")
    shutil.rmtree(writer.mail_dir)
    if by == "mail":
        post.send_mail(house.workspace, "@editor", ["@writer"], "hello", "b")
    else:
        place_hold(house.workspace, "@operator", "@writer", "")
    assert writer.mail_dir.is_dir()
    ends_a_run(house)
    assert bounces(house, "@lead") == [task]
    assert f"{writer.mail_dir / '.queue.jsonl'} is gone" in house.inbox("@lead")[0].body
    wait_until(lambda: not house.agent("@lead").dispatch_lock.exists(), what="@lead is idle")


def test_who_cannot_be_told_is_told_later_and_keeps_nobody_from_hearing(house: House) -> None:
    of_lead, of_operator = waits_at(house, "@writer", "@lead", "@operator")
    shutil.rmtree(house.agent("@writer").branch)
    lost = house.root / ".praxmonitor" / "lost.jsonl"
    lost.mkdir()
    inbox = spoil(house, "@lead")
    with pytest.raises(MailcoreError, match="@writer"):
        look(house)
    assert bounces(house, "@operator") == [of_operator]
    lost.rmdir()
    inbox.rmdir()
    look(house)
    look(house)
    assert (bounces(house, "@lead"), bounces(house, "@operator")) == ([of_lead], [of_operator])
    assert not noted(house).exists()
    wait_until(lambda: house.runs("@lead") and house.runs("@lead")[-1].phase.ended, what="@lead was woken")


def test_a_loss_that_nobody_can_be_told_of_keeps_nothing_else_from_starting(house: House) -> None:
    house.limit(max_runs=1)
    house.shell("writer", "echo up; sleep 100")
    house.attempt_pid("@writer", house.started("@operator", "@writer"))
    assert house.dispatch("@lead", "@editor").code == "limit"
    (house.root / ".praxmonitor" / "lost.jsonl").mkdir()
    spoil(house, "@operator")
    house.lose("@writer")
    wait_until(lambda: [run.phase for run in house.runs("@editor")] == [Phase.COMPLETED], what="@editor's run")
    wait_until(lambda: not house.agent("@lead").dispatch_lock.exists(), what="@lead is idle")
    assert not house.agent("@writer").branch.exists()


POISON = [
    {"agent": "@g", "name": "g", "branch": "a" * 5000, "message_id": "m", "sender": "@lead"},
    {"agent": "@g", "branch": "a\0b", "message_id": "m", "sender": "@operator", "subject": "\ud800"},
    {"agent": "@g", "branch": "nope", "message_id": {"a": 1}, "sender": ["@lead"], "depth": "x", "subject": "\ud800"},
    {
        "queue_id": [5],
        "agent": 5,
        "branch": "nope",
        "message_id": 7,
        "sent_id": [1],
        "sender": "@operator",
        "depth": 1e999,
    },
]


@pytest.mark.parametrize("line", POISON, ids=["long", "nul", "types", "numbers"])
def test_a_noted_line_that_somebody_spoilt_keeps_no_sender_from_hearing(house: House, line: dict[str, object]) -> None:
    (task,) = waits_at(house, "@writer", "@lead")
    noted(house).write_text(json.dumps({"queue_id": "poison", **line}) + "\n" + noted(house).read_text())
    shutil.rmtree(house.agent("@writer").branch)
    ends_a_run(house)
    assert bounces(house, "@lead") == [task]
    wait_until(lambda: house.runs("@lead") and house.runs("@lead")[-1].phase.ended, what="@lead was woken")
    said = told(house)
    assert look(house) == [] and told(house) == said, "told twice"
    wait_until(lambda: not house.agent("@lead").dispatch_lock.exists(), what="@lead is idle")


def test_a_line_that_was_left_of_a_task_that_began_is_no_loss(house: House) -> None:
    """As a full disk leaves it: the queue's file goes, the note stays."""
    waits_at(house, "@writer", "@operator")
    left = noted(house).read_text()
    (run_id,) = release_hold(house.workspace, house.config, "@operator", "@writer")
    house.over("@writer", run_id)
    wait_until(lambda: not house.agent("@writer").dispatch_lock.exists(), what="@writer is idle")
    noted(house).write_text(left)
    ends_a_run(house)
    assert bounces(house, "@operator") == []


CLEANER = """
import os, signal, sys
from pathlib import Path
from mailcore.config import read_config
from mailcore.dispatch.lifecycle import orphans
from mailcore.workspace.find import find_workspace
space = find_workspace(Path(sys.argv[1]))
with orphans.clearing(space, read_config(space.config_file), space.agent("@writer")) as cleared:
    assert cleared is not None and cleared.unreported is not None
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_cleaner_did_not_live_to_tell_the_next_one_tells_once(house: House) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    house.orphan("@writer")
    died = subprocess.run([sys.executable, "-c", CLEANER, house.root], cwd=ROOT, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert house.run("@writer", run_id).phase is Phase.BOUNCED and told(house) == []
    for _ in range(2):
        after_run.clean_up(house.workspace, house.config, house.agent("@writer"))
    assert told(house) == [BOUNCE] and not house.agent("@writer").dispatch_lock.exists()
    events = [one["event"] for one in journal.read_records(house.agent("@writer").runs_dir / run_id / "run.jsonl")]
    assert (events.count("ended"), events.count("told")) == (1, 1)


def test_many_who_find_one_orphan_tell_it_once_and_start_what_waited(house: House) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    for n in range(2):
        assert house.dispatch("@lead", "@writer", f"task {n}").queued
    house.shell("writer", "true")
    house.orphan("@writer")
    with ThreadPoolExecutor(4) as pool:
        started = [run for begun in pool.map(lambda _: look(house), range(4)) for run in begun]
    wait_until(lambda: [run.phase.ended for run in house.runs("@writer")] == [True] * 3, 30, "three runs are over")
    assert told(house) == [BOUNCE] and len(started) <= 2
    assert [run.subject for run in house.runs("@writer")] == ["a task", "task 0", "task 1"]
    for name in ("@writer", "@lead"):
        wait_until(lambda: not house.agent(name).dispatch_lock.exists(), what=f"{name} is idle")  # noqa: B023


@pytest.mark.parametrize("then", ["open", "closed", "another's end is mailed"])
def test_an_end_that_was_mailed_before_the_directory_went_is_mailed_once(house: House, then: str) -> None:
    """Its supervisor mails, wakes the sender for a while, and finds no journal any more to write down that it has."""
    house.limit(attempts=1)
    house.shell("writer", "exit 3")
    house.shell("lead", "exit 0")
    run_id = house.started("@lead", "@writer")
    house.over("@writer", run_id)
    wait_until(lambda: not house.agent("@lead").dispatch_lock.exists(), what="@lead is idle")
    ends = [mail for mail in house.inbox("@lead") if mail.raw.get("ended_run") == run_id]
    assert len(ends) == 1
    first = house.journal("@writer", run_id)[0]
    branch = house.agent("@writer").branch
    branch.rename(branch.with_name("away"))
    if then == "closed":
        mailbox.archive_messages(house.agent("@lead"), [ends[0].id])
    if then.startswith("another"):
        first = {**first, "run_id": "20260101T000000_000000-00000000"}
    after_run.report_lost(house.workspace, house.config, house.agent("@writer"), first, "its directory went")
    wait_until(lambda: not house.agent("@lead").dispatch_lock.exists(), what="@lead is idle")
    lead = house.agent("@lead")
    raws = [*(mail.raw for mail in house.inbox("@lead")), *(raw for _, raw in lookup.archived_messages(lead))]
    mailed = [str(raw["ended_run"]) for raw in raws if raw.get("ended_run")]
    assert sorted(mailed) == sorted({run_id, first["run_id"]}), "each end once"
    assert lost_directory.is_recorded(house.workspace, first["run_id"])
