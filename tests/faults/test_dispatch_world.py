"""Clocks that jump, disks that are full, directories and mailboxes that go, two dispatches at once: how runs end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailcore.dispatch.admission.hold import place_hold
from mailcore.dispatch.lifecycle import after_run
from mailcore.dispatch.process import run_processes
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.release import release_hold
from mailcore.dispatch.runs.run_list import read_run
from mailcore.formats import journal
from mailcore.model.run import Phase
from mailcore.system.processes import alive
from mailcore.workspace import create
from tests.faults.test_dispatch_matrix import BOUNCE, DONE, nothing_is_left, pids, register, told
from tests.faults.test_mail_disk import FULL, fill
from tests.mailcore import conftest as lab
from tests.mailcore.conftest import NAMES, House, wait_until

house, mark, stranger, clean_room = lab.house, lab.mark, lab.stranger, lab.clean_room

# The clock


def shifted(house: House, run_id: str, hours: float) -> None:
    """Write a run's journal as if the clock had been wrong by so many hours."""
    path = house.agent("@writer").runs_dir / run_id / "run.jsonl"
    records = journal.read_records(path)
    for one in records:
        one["at"] = (datetime.fromisoformat(one["at"]) + timedelta(hours=hours)).isoformat()
    path.write_text("".join(json.dumps(one) + "\n" for one in records))


@pytest.mark.parametrize("hours", [-48, 48])
def test_a_clock_that_jumps_in_mid_run(house: House, hours: float) -> None:
    house.shell("writer", "echo up; until [ -e go ]; do sleep 0.02; done")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    shifted(house, run_id, hours)
    (house.agent("@writer").branch / "go").touch()
    run = house.over("@writer", run_id)
    assert run.phase is Phase.COMPLETED and told(house) == [DONE]
    nothing_is_left(house, run)


def test_after_the_clock_was_set_back_the_newest_run_is_still_the_newest(house: House) -> None:
    first = house.started("@operator", "@writer", "old")
    house.over("@writer", first)
    ahead = f"{datetime.now(UTC) + timedelta(days=400):%Y%m%dT%H%M%S_%f}-00000000"
    runs = house.agent("@writer").runs_dir
    (runs / first).rename(runs / ahead)
    path = runs / ahead / "run.jsonl"
    path.write_text(path.read_text().replace(first, ahead))
    second = house.started("@operator", "@writer", "new")
    assert house.over("@writer", second).phase is Phase.COMPLETED
    assert [run.subject for run in house.runs("@writer")] == ["old", "new"]
    assert house.json("run", "@writer")["run"]["subject"] == "new"


def test_failures_of_a_clock_that_was_ahead_stop_no_retries(house: House) -> None:
    house.limit(fleet_failures=3)
    path = house.root / ".praxmonitor" / "failures.jsonl"
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    path.write_text("".join(json.dumps({"at": later, "agent": "@lead", "cause": "exit 1"}) + "\n" for _ in range(5)))
    house.shell("writer", "test $MAILCORE_ATTEMPT = 2")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert (run.phase, len(run.attempts)) == (Phase.COMPLETED, 2)


# The disk, the directory, the sender's mailbox


@pytest.fixture
def small_house(small_disk: Path, mark: str) -> Iterator[House]:
    """A house on a disk of 512 KiB."""
    house = House(create.create_workspace(small_disk / "project", [(name, f"agents/{name}") for name in NAMES]))
    house.limit(attempts=1)
    yield house
    (small_disk / "ballast").unlink(missing_ok=True)
    house.close()
    wait_until(lambda: not lab.marked(mark), 10, "nothing is left")


def test_a_disk_that_is_full_when_a_run_ends(small_house: House, small_disk: Path) -> None:
    """Every number of free pages ends the way of a run's end at another place."""
    house = small_house
    house.shell("writer", "echo up; until [ -e go ]; do sleep 0.02; done; exit 3")
    go = house.agent("@writer").branch / "go"
    ends = set()
    for pages in range(6):
        before = len(told(house))
        run_id = house.started("@operator", "@writer")
        pid = house.attempt_pid("@writer", run_id)
        supervisor = house.run("@writer", run_id).supervisor_pid
        go.touch()  # an empty file takes no page
        fill(small_disk, pages)
        wait_until(lambda: not alive(supervisor), what=f"the supervisor is gone, {pages} pages")  # noqa: B023
        assert not alive(pid)
        (small_disk / "ballast").unlink()
        ends.add(house.agent("@writer").dispatch_lock.exists())
        after_run.clean_up(house.workspace, house.config, house.agent("@writer"))
        run = house.run("@writer", run_id)
        assert run.phase is Phase.BOUNCED, pages
        unsaid = [one["reason"] for one in house.journal("@writer", run_id) if one["event"] == "undelivered"]
        assert len(told(house)) > before or FULL in unsaid[0], f"{pages} pages: neither told nor noted"
        nothing_is_left(house, run)
        go.unlink()
    assert True in ends, "the disk was never full enough to matter"


def test_an_agent_that_fills_the_disk(small_house: House, small_disk: Path) -> None:
    house = small_house
    house.shell("writer", "echo up; head -c 9000000 /dev/zero | tr '\\0' x; exit 3")
    run_id = house.started("@operator", "@writer")
    supervisor = wait_until(lambda: house.run("@writer", run_id).supervisor_pid, what="it is supervised")
    wait_until(lambda: not alive(supervisor), what="the supervisor is gone")
    (house.agent("@writer").runs_dir / run_id / "attempt-1.stdout.log").unlink()
    after_run.clean_up(house.workspace, house.config, house.agent("@writer"))
    run = house.run("@writer", run_id)
    assert run.phase is Phase.BOUNCED and told(house) == [BOUNCE]
    nothing_is_left(house, run)


def test_a_directory_that_is_lost_is_told_at_once_and_only_once(house: House) -> None:
    house.shell("writer", "echo up; sleep 100 & echo $! > pids; wait; exit 3")
    run_id = house.started("@operator", "@writer")
    pid = house.attempt_pid("@writer", run_id)
    wait_until(lambda: pids(house), what="its child is there")
    supervisor = house.run("@writer", run_id).supervisor_pid
    branch = house.agent("@writer").branch
    away = branch.rename(house.root.with_name("away"))
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not alive(supervisor), what="the supervisor is over")
    assert run_processes.run_members(run_id) == [] and not branch.exists()
    assert told(house) == [BOUNCE] and f"its directory {branch} is gone" in house.inbox("@operator")[0].body
    away.rename(branch)
    after_run.clean_up(house.workspace, house.config, house.agent("@writer"))
    run = house.run("@writer", run_id)
    assert run.phase is Phase.BOUNCED and told(house) == [BOUNCE]
    nothing_is_left(house, run)


def test_a_directory_that_is_gone_for_good_in_mid_work(house: House) -> None:
    """The program works on in nothing: it is ended, and whoever waits, also behind it, is told."""
    house.shell("writer", "echo up; sleep 100 & sleep 100")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    later = house.dispatch("@lead", "@writer", "comes next")
    assert later.queued
    run, writer = house.run("@writer", run_id), house.agent("@writer")
    house.lose("@writer")
    wait_until(lambda: not alive(run.supervisor_pid), 15, "the supervisor is over")
    assert run_processes.run_members(run_id) == [] and not writer.branch.exists()
    assert list(queue.all_waiting(house.workspace)) == []
    assert told(house) == [BOUNCE]
    (mail,) = house.inbox("@lead")
    assert mail.subject == BOUNCE and "comes next" in mail.body and mail.raw["in_reply_to"] == later.sent_id
    wait_until(lambda: [r.phase for r in house.runs("@lead")] == [Phase.COMPLETED], what="@lead was woken")
    wait_until(lambda: not house.agent("@lead").dispatch_lock.exists(), what="@lead is idle")
    assert register(house, run_id)[-1].startswith("FAILED")
    kept = journal.read_records(house.root / ".praxmonitor" / "lost.jsonl")
    assert [(one["run_id"], one["to"]) for one in kept] == [(run_id, "@operator"), ("", "@lead")]


def waits_at(house: House, name: str, *senders: str) -> list[str]:
    """Hold an agent, and let each sender dispatch it: nothing runs there. The sent ids of the tasks."""
    place_hold(house.workspace, "@operator", name, "")
    return [house.dispatch(sender, name, f"of {sender}").sent_id for sender in senders]


def ends_a_run(house: House, name: str = "@editor") -> None:
    """Any end of a run is a look at what waits elsewhere; it is over when its supervisor is."""
    run = house.over(name, house.started("@operator", name))
    wait_until(lambda: not alive(run.supervisor_pid), what="the supervisor is over")


def bounces(house: House, name: str) -> list[object]:
    return [mail.raw["in_reply_to"] for mail in house.inbox(name) if mail.subject == BOUNCE]


@pytest.mark.parametrize("row", ["kept", "removed"])
@pytest.mark.parametrize("what", ["", ".ai_mail.local"], ids=["branch", "mail"])
def test_a_task_that_waits_where_nothing_runs_is_told_when_its_directory_is_gone(
    house: House, what: str, row: str
) -> None:
    of_lead, of_operator = waits_at(house, "@writer", "@lead", "@operator")
    gone = house.agent("@writer").branch / what
    shutil.rmtree(gone)
    if row == "removed":
        kept = tuple(agent for agent in house.workspace.agents if agent.address != "@writer")
        registry = house.workspace.registry
        document = json.loads(registry.read_text())
        document["branches"] = [one for one in document["branches"] if one["email"] != "@writer"]
        registry.write_text(json.dumps(document))
        house.workspace = replace(house.workspace, agents=kept)
    assert bounces(house, "@lead") == bounces(house, "@operator") == []
    ends_a_run(house)
    wait_until(lambda: house.runs("@lead") and house.runs("@lead")[-1].phase.ended, what="@lead was woken")
    assert (bounces(house, "@lead"), bounces(house, "@operator")) == ([of_lead], [of_operator])
    assert f"its directory {gone} is gone" in house.inbox("@lead")[0].body and not gone.exists()
    wait_until(lambda: not house.agent("@lead").dispatch_lock.exists(), what="@lead is idle")
    ends_a_run(house)
    assert (bounces(house, "@lead"), len(house.runs("@lead"))) == ([of_lead], 1), "told twice"


def test_a_task_that_began_or_was_cancelled_is_not_told_when_the_directory_goes_later(house: House) -> None:
    waits_at(house, "@writer", "@operator", "@lead")
    entry = next(one for one in queue.all_waiting(house.workspace) if one.sender == "@lead")
    assert house.mailcore("queue", "cancel", entry.id, "--from", "@operator").returncode == 0
    (run_id,) = release_hold(house.workspace, house.config, "@operator", "@writer")
    house.over("@writer", run_id)
    said = told(house)
    shutil.rmtree(house.agent("@writer").branch)
    ends_a_run(house)
    assert bounces(house, "@lead") == bounces(house, "@operator") == []
    assert [subject for subject in told(house) if "of @operator" in subject] == said


def test_what_waits_in_a_directory_that_is_only_moved_about_goes_on_waiting(house: House) -> None:
    waits_at(house, "@writer", "@lead")
    branch = house.agent("@writer").branch
    away = branch.rename(branch.with_name("away"))
    editor = house.started("@operator", "@editor")
    supervisor = house.run("@editor", editor).supervisor_pid
    wait_until(lambda: not house.agent("@editor").dispatch_lock.exists(), what="the branch was freed")
    away.rename(branch)
    wait_until(lambda: not alive(supervisor), what="the supervisor is over")
    assert bounces(house, "@lead") == [] and len(list(queue.all_waiting(house.workspace))) == 1
    assert len(release_hold(house.workspace, house.config, "@operator", "@writer")) == 1
    wait_until(lambda: house.runs("@lead") and house.runs("@lead")[-1].phase.ended, what="@lead was woken")


def test_a_directory_that_is_only_moved_about_ends_nothing(house: House) -> None:
    house.shell("writer", "echo up; until [ -e go ]; do sleep 0.02; done")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    branch = house.agent("@writer").branch
    away = branch.rename(branch.with_name("away"))
    # Its looks come after 0.1, 0.2, 0.4 s: one of them falls into this time, and it looks again a second later.
    begun = time.monotonic()
    wait_until(lambda: time.monotonic() - begun > 0.5, what="half a second")
    away.rename(branch)
    (branch / "go").touch()
    run = house.over("@writer", run_id)
    assert run.phase is Phase.COMPLETED and told(house) == [DONE]
    nothing_is_left(house, run)


@pytest.mark.parametrize("how", ["gone", "unreadable", "corrupt"])
def test_a_sender_that_cannot_be_told(house: House, how: str) -> None:
    """It stands in the run's journal and AIPass's register; a corrupt mailbox is repaired, and is told."""
    house.limit(attempts=1)
    house.shell("writer", "echo up; until [ -e go ]; do sleep 0.02; done; exit 4")
    lead = house.agent("@lead")
    run_id = house.started("@lead", "@writer")
    house.attempt_pid("@writer", run_id)
    if how == "gone":
        lead.branch.rename(lead.branch.with_name("away"))
    elif how == "unreadable":
        lead.inbox.unlink(missing_ok=True)
        lead.inbox.mkdir()
    else:
        lead.inbox.write_bytes(b'{"messages": [{"id": "12')
    (house.agent("@writer").branch / "go").touch()
    run = house.over("@writer", run_id)
    assert run.phase is Phase.BOUNCED and register(house, run_id)[-1] == "FAILED (exit 4)"
    events = {one["event"]: one for one in house.journal("@writer", run_id)}
    if how == "corrupt":
        assert "undelivered" not in events and [m.subject for m in house.inbox("@lead")] == [BOUNCE]
        wait_until(lambda: [r.phase for r in house.runs("@lead")] == [Phase.COMPLETED], what="and woken")
        wait_until(lambda: not lead.dispatch_lock.exists(), what="@lead is idle")
    else:
        assert events["undelivered"]["to"] == "@lead" and str(lead.branch) in events["undelivered"]["reason"]
    nothing_is_left(house, run)


# Two at once

RACER = """
import json, sys
from pathlib import Path
from mailcore.config import read_config
from mailcore.dispatch import control
from mailcore.dispatch.runs.run_list import read_run
from mailcore.exceptions import MailcoreError
from mailcore.workspace.find import find_workspace
space = find_workspace(Path.cwd())
print("ready", flush=True)
for line in sys.stdin:
    config = read_config(space.config_file)
    done = control.dispatch_task(space, config, "@operator", "@writer", line.strip(), "b")
    print(json.dumps([done.run_id, done.code]), flush=True)
"""


def test_two_dispatches_at_once_are_one_run_and_one_busy(house: House, rounds: Callable[[int, int], int]) -> None:
    """Round by round: one starts, one waits and comes next, both mails arrive, and the branch is free again."""
    house.limit(backoff=[])
    house.shell("writer", "echo up; until [ -e go ]; do sleep 0.01; done")
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER], cwd=house.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    go, runs = house.agent("@writer").branch / "go", house.agent("@writer").runs_dir
    count = rounds(20, 1000)
    for racer in racers:
        assert racer.stdout is not None and racer.stdout.readline() == "ready\n"
    try:
        for n in range(count):
            go.unlink(missing_ok=True)
            for who, racer in enumerate(racers):
                assert racer.stdin is not None
                racer.stdin.write(f"task {n}.{who}\n")
                racer.stdin.flush()
            said = [json.loads(racer.stdout.readline()) for racer in racers if racer.stdout is not None]
            assert sorted(code for _, code in said) == ["", "busy"], (n, said)
            before = set(os.listdir(runs)) - {run_id for run_id, _ in said}  # noqa: PTH208
            assert len(before) == 2 * n
            go.touch()
            house.over("@writer", next(run_id for run_id, _ in said if run_id))
            wait_until(lambda: len(os.listdir(runs)) == 2 * n + 2, 30, f"round {n}: the other comes next")  # noqa: B023, PTH208
            newest = max(os.listdir(runs))  # noqa: PTH208
            wait_until(lambda: read_run(runs / newest), 30, "its journal is begun")  # noqa: B023
            house.over("@writer", newest)
    finally:
        for racer in racers:
            racer.communicate()
    found = house.runs("@writer")
    assert [run.phase for run in found] == [Phase.COMPLETED] * 2 * count
    assert len({run.subject for run in found}) == len(house.inbox("@writer")) == 2 * count
    print(f"{count} rounds: {count} times one run and one busy")
