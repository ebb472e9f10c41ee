"""A supervisor that is killed, stopped or fails: its run is ended, its sender told once, and what waited starts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from mailcore.dispatch.admission.hindrances import Hindrance, Precheck
from mailcore.dispatch.admission.hold import place_hold
from mailcore.dispatch.lifecycle import after_run, start
from mailcore.dispatch.process import run_processes
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.queueing.branch_gate import gate
from mailcore.dispatch.recovery import recover
from mailcore.exceptions import MailcoreError
from mailcore.model.lock import Lock
from mailcore.model.run import Phase
from mailcore.system.processes import alive, stopped
from mailcore.workspace import create
from mailcore.workspace.lock_reader import read_lock
from tests.faults.ends import check
from tests.faults.test_dispatch_matrix import BOUNCE, told
from tests.faults.test_dispatch_world import bounces
from tests.mailcore import conftest as lab
from tests.mailcore.conftest import House, wait_until

house, mark, stranger, clean_room = lab.house, lab.mark, lab.stranger, lab.clean_room
pytestmark = pytest.mark.backends

DAEMON = "env -i setsid sh -c 'echo $$ > {0}; exec sleep 100' & echo up; sleep 100 & exec sleep 100"
"""A program with a child, and one that cleared its environment and left its parents."""


def holder_of(house: House, name: str = "@writer") -> Lock:
    lock = read_lock(house.agent(name).dispatch_lock)
    assert lock is not None and lock.sentinel, lock
    return lock


def at_rest(house: House) -> None:
    """Nothing works any more, and the files prove that everything that began has one told end."""
    wait_until(lambda: not any(a.dispatch_lock.exists() for a in house.workspace.agents), what="nobody works")
    wait_until(lambda: not check(house.root).faults, 5, "; ".join(check(house.root).faults))


def run_it(house: House, tmp_path: Path) -> tuple[str, int, list[int]]:
    house.limit(attempts=1)
    house.shell("writer", DAEMON.format(tmp_path / "daemon"))
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    daemon = int(house.says(tmp_path / "daemon"))
    return run_id, daemon, [one.pid for one in run_processes.run_members(run_id)]


@pytest.mark.linux_only("a process that clears its environment and leaves its parents is found no more")
def test_a_killed_supervisor_leaves_nothing_and_its_sender_is_told(house: House, tmp_path: Path) -> None:
    run_id, daemon, below = run_it(house, tmp_path)
    killed = time.monotonic()
    os.kill(holder_of(house).pid, signal.SIGKILL)
    run = house.over("@writer", run_id)
    assert time.monotonic() - killed < 10
    assert run.phase is Phase.BOUNCED and run.reason.endswith("died: ended by SIGKILL")
    assert not any(map(alive, [daemon, *below])) and told(house) == [BOUNCE]
    at_rest(house)


def test_what_waits_starts_when_a_supervisor_was_killed(house: House, tmp_path: Path) -> None:
    run_id, *_ = run_it(house, tmp_path)
    assert house.dispatch("@lead", "@writer", "comes next").queued
    house.shell("writer", "echo up")
    os.kill(holder_of(house).pid, signal.SIGKILL)
    wait_until(lambda: [run.phase for run in house.runs("@writer")] == [Phase.BOUNCED, Phase.COMPLETED], what=run_id)
    wait_until(lambda: house.runs("@lead") and house.runs("@lead")[0].phase.ended, what="@lead is woken")
    at_rest(house)


@pytest.mark.parametrize("who", ["wait", "runs", "kill", "dispatch", "attend"])
def test_killed_with_its_sentinel_the_next_look_acts_once(house: House, tmp_path: Path, who: str) -> None:
    run_id, daemon, below = run_it(house, tmp_path)
    number = house.inbox("@writer")[0].id
    house.orphan("@writer")
    assert not house.run("@writer", run_id).phase.ended
    for _ in range(2):
        if who == "wait":
            assert house.mailcore("wait", number, "--from", "@operator", "--timeout", "20").returncode == 4
        elif who == "runs":
            house.mailcore("runs")
        elif who == "kill":
            done = house.mailcore("kill", "@writer", "--from", "@operator", "--json")
            assert done.returncode == 3 or len(json.loads(done.stdout)["ended"]) >= 2, "it says how many it ended"
        elif who == "dispatch":
            house.shell("writer", "echo up")
            house.over("@writer", str(house.dispatch("@lead", "@writer", "next").run_id))
        else:
            recover(house.workspace, house.config, house.workspace.agents)
        if who == "dispatch":
            break
    run = house.run("@writer", run_id)
    assert run.phase is (Phase.KILLED if who == "kill" else Phase.BOUNCED)
    assert not any(alive(pid) for pid in below if pid != daemon)
    os.kill(daemon, signal.SIGKILL) if alive(daemon) else None  # both that could find it are dead
    assert len(told(house)) == (0 if who == "kill" else 1)
    if who == "dispatch":
        wait_until(lambda: house.runs("@lead") and house.runs("@lead")[-1].phase.ended, what="@lead is woken")
    at_rest(house)


def test_a_wait_ends_when_the_supervisor_dies_while_it_waits(house: House, tmp_path: Path) -> None:
    run_it(house, tmp_path)
    number = house.inbox("@writer")[0].id
    words = [sys.executable, "-m", "mailcore.cli", "wait", number, "--from", "@operator", "--json"]
    waiting = subprocess.Popen(words, cwd=house.root, stdout=subprocess.PIPE)
    threading.Event().wait(1.0)
    assert waiting.poll() is None
    house.orphan("@writer")  # its sentinel too: nobody else looks
    out, _ = waiting.communicate(timeout=25)
    assert waiting.returncode == 4 and json.loads(out)["settled"][0]["state"] == "bounced"
    assert told(house) == [BOUNCE]


@pytest.mark.parametrize("both", [False, True])
def test_a_stopped_supervisor_goes_on_and_heeds_its_limits(house: House, both: bool) -> None:
    house.limit(attempts=1, hard_limit=3)
    house.shell("writer", "echo up; exec sleep 100")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    lock = holder_of(house)
    for pid in (lock.sentinel, lock.pid) if both else (lock.pid,):
        os.kill(pid, signal.SIGSTOP)
    if both:  # the look of anybody
        wait_until(lambda: stopped(lock.pid) and stopped(lock.sentinel), what="both stand still")
        recover(house.workspace, house.config, house.workspace.agents)
    wait_until(lambda: not stopped(lock.pid), what="it goes on")
    run = house.over("@writer", run_id)
    assert run.reason == "still running after 3 s" and told(house) == [BOUNCE]


def test_a_wait_lets_both_go_on(house: House) -> None:
    house.limit(attempts=1, hard_limit=1)
    house.shell("writer", "echo up; exec sleep 100")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    lock = holder_of(house)
    for pid in (lock.sentinel, lock.pid):
        os.kill(pid, signal.SIGSTOP)
    number = house.inbox("@writer")[0].id
    assert house.mailcore("wait", number, "--from", "@operator", "--timeout", "30").returncode == 4
    assert house.run("@writer", run_id).reason == "still running after 1 s"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_sentinel_asked_to_end_asks_its_supervisor(house: House, number: signal.Signals) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    lock = holder_of(house)
    os.kill(lock.sentinel, number)
    run = house.over("@writer", run_id)
    assert (run.phase, run.by) == (Phase.KILLED, "a signal") and told(house) == ["KILLED: Dispatch to @writer"]
    wait_until(lambda: not alive(lock.sentinel, lock.sentinel_ticks), what="it is over")


def test_a_killed_sentinel_changes_nothing(house: House) -> None:
    house.shell("writer", "echo up; until [ -e go ]; do sleep 0.05; done")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    lock = holder_of(house)
    os.kill(lock.sentinel, signal.SIGKILL)
    wait_until(lambda: not alive(lock.sentinel, lock.sentinel_ticks), what="it is dead")
    (house.agent("@writer").branch / "go").touch()
    assert house.over("@writer", run_id).phase is Phase.COMPLETED
    at_rest(house)


def test_a_sentinel_that_stands_still_sees_its_supervisors_end(house: House) -> None:
    """No lock names it by then, so nobody else would find it."""
    house.shell("writer", "echo up; until [ -e go ]; do sleep 0.05; done")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    lock = holder_of(house)
    os.kill(lock.sentinel, signal.SIGSTOP)
    wait_until(lambda: stopped(lock.sentinel), what="it stands still")
    (house.agent("@writer").branch / "go").touch()
    assert house.over("@writer", run_id).phase is Phase.COMPLETED
    wait_until(lambda: not alive(lock.sentinel, lock.sentinel_ticks), what="it is over")


def test_the_two_share_no_session(house: House) -> None:
    """A signal for all of one's session leaves the other."""
    house.shell("writer", "echo up; exec sleep 100")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    lock = holder_of(house)
    assert len({os.getsid(lock.pid), os.getsid(lock.sentinel), os.getsid(0)}) == 3
    os.killpg(lock.pid, signal.SIGKILL)
    assert house.over("@writer", run_id).phase is Phase.BOUNCED


@pytest.mark.parametrize("gone", ["before its journal", "with its journal", "with its directory"])
def test_a_supervisor_killed_where_the_journal_is_gone_is_told(house: House, tmp_path: Path, gone: str) -> None:
    run_id, *_ = run_it(house, tmp_path)
    lock, run_dir = holder_of(house), house.agent("@writer").runs_dir / run_id
    os.kill(lock.sentinel, signal.SIGSTOP)
    os.kill(lock.pid, signal.SIGKILL)
    if gone == "with its directory":
        shutil.rmtree(run_dir)
    else:
        (run_dir / "run.jsonl").unlink()
    if gone == "before its journal":
        house.agent("@writer").dispatch_lock.unlink()
    os.kill(lock.sentinel, signal.SIGCONT)
    wait_until(lambda: told(house), what="its sender is told")
    wait_until(lambda: not alive(lock.sentinel, lock.sentinel_ticks), what="the sentinel is done")
    assert told(house) == [BOUNCE] and not run_processes.run_members(run_id)
    at_rest(house)


def test_a_run_that_dies_before_the_next_begins_is_told_first(house: House, tmp_path: Path) -> None:
    """It died after the look at what is to be cleared away, and before the gate: found by the model of all ends."""
    run_id, *_ = run_it(house, tmp_path)
    house.orphan("@writer")
    first = {"sender": "@operator", "subject": "next", "message_id": "m", "program": "command"}
    agent, seen = house.agent("@writer"), Precheck(occupants_checked=True)
    with gate(house.workspace, agent):
        found = start.reserve(house.workspace, house.config, agent, first, seen)
    assert isinstance(found, Hindrance) and found.code == "unseen" and len(house.runs("@writer")) == 1
    house.shell("writer", "echo up")
    house.over("@writer", house.started("@operator", "@writer", "another"))
    assert house.run("@writer", run_id).phase is Phase.BOUNCED and told(house)[-1:] == [BOUNCE]
    at_rest(house)


def test_a_lock_that_is_gone_hides_no_dead_supervisor(house: House, tmp_path: Path) -> None:
    run_id, *_ = run_it(house, tmp_path)
    house.orphan("@writer")
    house.agent("@writer").dispatch_lock.unlink()
    recover(house.workspace, house.config, house.workspace.agents)
    assert house.run("@writer", run_id).phase is Phase.BOUNCED and told(house) == [BOUNCE]
    recover(house.workspace, house.config, house.workspace.agents)
    assert told(house) == [BOUNCE]


KILLED_THERE = """
import os, signal, sys
from pathlib import Path
from mailcore.dispatch.lifecycle import after_run
from mailcore.dispatch.runs import run_end
at = sys.argv[2]
def die(*given, **more): os.kill(os.getpid(), signal.SIGKILL)
if at == "mailed": after_run.wake_sender = die
if at == "woken": run_end.report_to_aipass = die
if at == "registered":
    tell = run_end.report_to_aipass
    run_end.report_to_aipass = lambda *given: (tell(*given), die())
from mailcore.config import read_config
from mailcore.workspace.find import find_workspace
space = find_workspace(Path(sys.argv[1]))
after_run.clean_up(space, read_config(space.config_file), space.agent("@writer"))
"""


@pytest.mark.parametrize("at", ["mailed", "woken", "registered"])
def test_who_dies_while_it_tells_has_told_nothing_twice(house: House, tmp_path: Path, at: str) -> None:
    house.limit(attempts=1)
    house.shell("writer", "echo up; exec sleep 100")
    run_id = house.started("@lead", "@writer")
    house.attempt_pid("@writer", run_id)
    house.orphan("@writer")
    words = [sys.executable, "-c", KILLED_THERE, str(house.root), at]
    assert subprocess.run(words, timeout=60).returncode == -signal.SIGKILL
    assert [mail.subject for mail in house.inbox("@lead")] == [BOUNCE]
    recover(house.workspace, house.config, house.workspace.agents)
    wait_until(lambda: house.runs("@lead") and house.runs("@lead")[-1].phase.ended, what="@lead is woken")
    assert [mail.subject for mail in house.inbox("@lead")] == [BOUNCE] and len(house.runs("@lead")) == 1
    at_rest(house)


def test_a_removed_agents_waiting_tasks_are_told(house: House) -> None:
    place_hold(house.workspace, "@operator", "@writer", "later")
    assert house.dispatch("@operator", "@writer", "of the operator").queued
    assert house.dispatch("@lead", "@writer", "of the lead").queued
    done = house.mailcore("agent", "remove", "@writer", "--from", "@operator")
    assert done.returncode == 0 and b"2 tasks waited there" in done.stdout
    assert told(house) == [BOUNCE] and "taken out of" in house.inbox("@operator")[0].body
    assert [mail.subject for mail in house.inbox("@lead")] == [BOUNCE]
    wait_until(lambda: house.runs("@lead") and house.runs("@lead")[-1].phase.ended, what="@lead is woken")
    wait_until(lambda: not house.agent("@lead").dispatch_lock.exists(), what="@lead is idle")
    house.workspace = create.add_agent(house.workspace, "writer", "agents/writer")
    assert not list(queue.all_waiting(house.workspace)), "what was told as lost does not start when it is back"
    after_run.start_all_waiting(house.workspace, house.config)
    assert told(house) == [BOUNCE]


def test_an_agent_whose_row_goes_in_mid_run_ends_in_order(house: House, tmp_path: Path) -> None:
    run_id, *_ = run_it(house, tmp_path)
    registry = house.workspace.registry
    document = json.loads(registry.read_text())
    document["branches"] = [one for one in document["branches"] if one["email"] != "@writer"]
    registry.write_text(json.dumps(document))
    os.kill(holder_of(house).pid, signal.SIGKILL)
    assert house.over("@writer", run_id).phase is Phase.BOUNCED and told(house) == [BOUNCE]


def test_an_orchestrator_that_cannot_go_on_is_told_to_its_sender(house: House) -> None:
    house.limit(attempts=1)
    cli = f"{sys.executable} -m mailcore.cli"
    house.shell("writer", "echo up")
    house.shell("lead", f"echo up; [ -e passed ] && exit 5; touch passed; {cli} dispatch @writer part b > /dev/null")
    plan = house.started("@operator", "@lead", "the plan")
    house.over("@lead", plan)
    wait_until(lambda: any(mail.subject == BOUNCE.replace("@writer", "@lead") for mail in house.inbox("@operator")),
               what="the operator hears that nobody goes on")  # fmt: skip
    (mail,) = [mail for mail in house.inbox("@operator") if "BOUNCE" in mail.subject]
    assert "was to go on with 'the plan'" in mail.body and "exit 5" in mail.body
    wait_until(lambda: not house.agent("@lead").dispatch_lock.exists(), what="@lead is idle")
    at_rest(house)


def test_a_loss_that_could_not_be_delivered_was_not_told(house: House) -> None:
    """Two readers of one record were of two minds: the bounce of a lost run was skipped."""
    from mailcore.dispatch.lifecycle import lost_directory
    from mailcore.formats import journal

    path = house.root / ".praxmonitor" / "lost.jsonl"
    journal.append_record(path, {"run_id": "r", "undelivered": "disk full"})
    assert not lost_directory.is_recorded(house.workspace, "r")
    journal.append_record(path, {"run_id": "r"})
    assert lost_directory.is_recorded(house.workspace, "r")


def test_a_start_that_fails_leaves_no_run_that_is_told_later(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object, **more: object) -> None:
        raise OSError("no process can be made")

    monkeypatch.setattr(start, "_detached", refuse)
    with pytest.raises(MailcoreError, match="no process"):
        house.dispatch("@operator", "@writer")
    assert house.runs("@writer") == [] and read_lock(house.agent("@writer").dispatch_lock) is None
    recover(house.workspace, house.config, house.workspace.agents)
    assert told(house) == []


@pytest.mark.parametrize("what", ["directory", "full directory", "fifo", "garbage", "link", "pid 1", "a stranger"])
def test_a_spoilt_lock_blocks_its_branch_for_half_a_minute_at_most(
    house: House, tmp_path: Path, what: str, stranger: subprocess.Popen[bytes]
) -> None:
    path = house.agent("@writer").dispatch_lock
    if "directory" in what:
        path.mkdir()
        if what.startswith("full"):
            (path / "x").touch()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "link":
        path.symlink_to(tmp_path / "nowhere")
    else:
        pid = {"pid 1": 1, "a stranger": stranger.pid}.get(what)
        path.write_text(json.dumps({"pid": pid, "timestamp": "2026-01-01T00:00:00"}) if pid else "}{")
    os.utime(path, (1, 1), follow_symlinks=False)
    found = house.mailcore("doctor").stdout.decode()
    assert str(path) in found and "FIX" in found
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert run.phase is Phase.COMPLETED and stranger.poll() is None
    at_rest(house)


def test_the_lock_of_aipass_with_a_recycled_pid_ends_nobody(house: House) -> None:
    innocent = subprocess.Popen(["sleep", "100"], start_new_session=True)
    try:
        path = house.agent("@writer").dispatch_lock
        path.write_text(json.dumps({"pid": innocent.pid, "timestamp": "2026-01-01T00:00:00", "branch": "b"}))
        done = house.mailcore("kill", "@writer", "--from", "@operator")
        assert innocent.poll() is None and done.returncode == 3 and b"another process" in done.stderr
        os.utime(path, (1, 1))
        assert house.mailcore("kill", "@writer", "--from", "@operator").returncode == 0
        assert innocent.poll() is None and not path.exists()
    finally:
        innocent.kill()
        innocent.wait()


@pytest.mark.parametrize("age", ["old", "young"])
@pytest.mark.parametrize("lock", ["removed", "garbage"])
def test_a_run_of_which_only_aipass_s_register_is_left_is_told_once(
    house: House, tmp_path: Path, lock: str, age: str
) -> None:
    """Its lock, its watchers and all of its journal are gone; the row in the register says who waits for it."""
    run_id, daemon, members = run_it(house, tmp_path)
    held = holder_of(house)
    for pid in (held.sentinel, held.pid, *members, daemon):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(alive, (held.sentinel, held.pid, *members))), what="all of it is dead")
    agent = house.agent("@writer")
    (agent.runs_dir / run_id / "run.jsonl").write_text('{"at": "2026-')
    agent.dispatch_lock.unlink()
    if lock == "garbage":
        agent.dispatch_lock.write_text('{"pid": 1')
        os.utime(agent.dispatch_lock, (1, 1))
    register = house.workspace.aipass_dir / "dispatch_register.jsonl"
    if age == "old":
        rows = [json.loads(line) for line in register.read_bytes().splitlines()]
        rows[0]["ts"] = "2026-01-01T10:00:00+00:00"
        register.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for _ in range(2):
        assert recover(house.workspace, house.config, house.workspace.agents) == []
    assert len(bounces(house, "@operator")) == (age == "old"), "a young one may be about to begin"
    rows = [json.loads(line) for line in register.read_bytes().splitlines()]
    assert (rows[-1]["status"] == "outstanding") == (age == "young")
    assert not agent.dispatch_lock.exists()
