"""Dispatch, kill, retry, wake-back: acts on several agents, and what happens when supervisors die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

from mailcore.dispatch import control
from mailcore.dispatch.kill import processes_to_kill
from mailcore.dispatch.process import run_processes
from mailcore.dispatch.runs.run_list import last_run
from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.formats import journal
from mailcore.model.run import Phase
from mailcore.system import processes
from mailcore.system.processes import alive, start_ticks
from mailcore.workspace.lock_reader import read_lock
from tests.mailcore.conftest import House, wait_until
from tests.mailcore.test_process import TREE

pytestmark = pytest.mark.backends

CLI = f"{sys.executable} -m mailcore.cli"


def idle(house: House, *names: str) -> None:
    wait_until(lambda: not any(house.agent(name).dispatch_lock.exists() for name in names), 30, f"{names} are idle")


@pytest.mark.elsewhere
def test_a_kill_in_mid_run_ends_the_whole_tree_and_nothing_else(
    house: House, tmp_path: Path, stranger: subprocess.Popen[bytes]
) -> None:
    (house.agent("@writer").branch / "tree.py").write_text(TREE)
    house.shell("writer", f"echo up; exec {sys.executable} tree.py {tmp_path}/pids")
    house.shell("editor", "echo up; exec sleep 100")
    run_id = house.started("@operator", "@writer")
    other = house.attempt_pid("@editor", house.started("@operator", "@editor"))

    def written() -> dict[str, int]:
        text = (tmp_path / "pids").read_text() if (tmp_path / "pids").exists() else ""
        found = {name: int(pid) for name, pid in (line.split() for line in text.splitlines())}
        return found if len(found) == 7 else {}

    pids = wait_until(written, what="the tree has grown")
    supervisor = house.run("@writer", run_id).supervisor_pid
    shown = {p.pid for p in processes_to_kill(house.workspace, "@writer")}
    assert shown == {supervisor, *pids.values()}
    killed = house.kill("@lead", "@writer")
    assert [name for name, pid in pids.items() if alive(pid)] == []  # at once: success is said when nothing is left
    assert not alive(supervisor) and set(pids.values()) <= set(killed.ended) and killed.survivors == ()
    run = house.run("@writer", run_id)
    assert (run.phase, run.by) == (Phase.KILLED, "@lead")
    assert not house.agent("@writer").dispatch_lock.exists()
    assert stranger.poll() is None and alive(other)
    (told,) = house.inbox("@operator")
    assert told.subject.startswith("KILLED") and "@lead" in told.body
    acts = [r for r in journal.read_records(house.root / ".praxmonitor" / "audit.jsonl") if r["verb"] == "kill"]
    assert [(r["by"], r["agent"], r["run"]) for r in acts] == [("@lead", "@writer", run_id)]


@pytest.mark.elsewhere
@pytest.mark.linux_only("what leaves its parents and clears its environment is found no more")
def test_a_daemon_that_cleared_its_environment_is_caught_too(house: House, tmp_path: Path) -> None:
    """No mark and no parent of the run: only the supervisor, which orphans of its run come to, can know it."""
    ghost = f"env -i sh -c 'setsid sleep 100 & echo $! > {tmp_path}/ghost'"
    house.shell("writer", f"{ghost}; echo up; exec sleep 100")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    pid = int(house.says(tmp_path / "ghost"))
    assert alive(pid) and pid in {p.pid for p in processes_to_kill(house.workspace, "@writer")}
    try:
        house.kill("@operator", "@writer")
        assert not alive(pid)
    finally:
        processes.send_signal(pid, start_ticks(pid), signal.SIGKILL)


def test_a_run_dispatched_from_within_a_killed_one_goes_on(house: House) -> None:
    house.shell("writer", f"echo up; {CLI} dispatch @editor sub body; exec sleep 100")
    house.shell("editor", "echo up; exec sleep 100")
    house.started("@operator", "@writer")
    inner = wait_until(lambda: house.runs("@editor"), what="the inner run is there")[0]
    pid = house.attempt_pid("@editor", inner.run_id)
    assert inner.sender == "@writer"
    house.kill("@operator", "@writer")
    assert alive(pid) and house.run("@editor", inner.run_id).phase is Phase.RUNNING
    assert alive(house.run("@editor", inner.run_id).supervisor_pid)
    house.kill("@operator", "@editor")
    assert not alive(pid)


def test_after_a_kill_nothing_starts_by_itself(house: House) -> None:
    house.shell("lead", f"echo up; {CLI} dispatch @writer sub body; exit 0")
    house.shell("writer", "echo up; exec sleep 100")
    first = house.started("@operator", "@lead")
    house.over("@lead", first)
    run = wait_until(lambda: house.runs("@writer"), what="the writer works")[0]
    house.attempt_pid("@writer", run.run_id)
    house.kill("@operator", "@writer")
    idle(house, "writer", "lead", "editor")
    assert [r.run_id for r in house.runs("@lead")] == [first]
    assert [m.subject for m in house.inbox("@lead") if m.sender == "@writer"] == ["KILLED: Dispatch to @writer"]


def test_two_dispatches_at_once_are_one_run_and_one_busy(house: House) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "mailcore.cli", "dispatch", "@writer", f"task {n}", "b", "--from", "@operator"],
            cwd=house.root,
            stdout=subprocess.PIPE,
        )
        for n in range(2)
    ]
    said = [p.communicate(timeout=60)[0].decode() for p in both]
    assert sorted(p.returncode for p in both) == [0, 3], said
    assert sorted("busy" in text for text in said) == [False, True]
    assert len(house.runs("@writer")) == 1
    assert sorted(m.subject for m in house.inbox("@writer")) == ["task 0", "task 1"]


@pytest.mark.elsewhere
def test_a_dead_supervisors_run_is_cleaned_up_by_the_next_dispatch(house: House) -> None:
    house.shell("writer", "echo up; setsid sleep 100 & exec sleep 100")
    first = house.started("@operator", "@writer")
    pid = house.attempt_pid("@writer", first)
    left = [p.pid for p in processes_to_kill(house.workspace, "@writer")]
    house.orphan("@writer")
    assert alive(pid)
    second = house.started("@operator", "@writer")
    assert not any(alive(p) for p in left)
    old = house.run("@writer", first)
    assert old.phase is Phase.BOUNCED and "died" in old.reason
    house.attempt_pid("@writer", second)
    lock = read_lock(house.agent("@writer").dispatch_lock)
    assert lock is not None and lock.run_id == second


def test_two_dispatches_onto_a_dead_supervisors_run_are_one_run(house: House) -> None:
    """The slower of the two cleaners must not take the lock of the faster one's new run away."""
    house.limit(stop_grace=1.0)
    house.shell("writer", "trap '' TERM; echo up; while :; do sleep 0.1; done")
    first = house.started("@operator", "@writer")
    house.attempt_pid("@writer", first)
    house.orphan("@writer")
    done: list[control.Dispatched] = []
    threads = []
    for n in range(4):
        threads.append(
            threading.Thread(target=lambda n=n: done.append(house.dispatch("@operator", "@writer", f"t{n}")))
        )
        threads[-1].start()
        threading.Event().wait(0.25 * n)
    for thread in threads:
        thread.join()
    assert len({one.run_id for one in done if one.run_id is not None}) == 1, done
    assert len(house.runs("@writer")) == 2


def test_a_dead_supervisors_run_is_cleaned_up_by_a_kill(house: House) -> None:
    house.shell("writer", "echo up; setsid sleep 100 & exec sleep 100")
    first = house.started("@operator", "@writer")
    house.attempt_pid("@writer", first)
    left = [p.pid for p in processes_to_kill(house.workspace, "@writer")]
    house.orphan("@writer")
    house.kill("@operator", "@writer")
    assert not any(alive(p) for p in left)
    run = house.run("@writer", first)
    assert (run.phase, run.by) == (Phase.KILLED, "@operator")
    assert not house.agent("@writer").dispatch_lock.exists()


def test_a_stopped_supervisor_is_ended_with_its_tree(house: House, tmp_path: Path) -> None:
    house.shell(
        "writer", f"env -i setsid sh -c 'echo $$ > {tmp_path}/hidden; exec sleep 100' & echo up; exec sleep 100"
    )
    run_id = house.started("@operator", "@writer")
    pid = house.attempt_pid("@writer", run_id)
    hidden = int(house.says(tmp_path / "hidden"))
    os.kill(house.run("@writer", run_id).supervisor_pid, signal.SIGSTOP)
    begun = time.monotonic()
    house.kill("@operator", "@writer")
    assert time.monotonic() - begun < 8
    assert not alive(pid) and not alive(hidden)
    assert house.run("@writer", run_id).by == "@operator"


@pytest.mark.elsewhere
def test_a_finished_task_wakes_its_sender(house: House) -> None:
    house.shell("writer", "echo done")
    house.shell("lead", "echo up")
    house.over("@writer", house.started("@lead", "@writer", "sum it up"))
    (woken,) = wait_until(lambda: house.runs("@lead"), what="@lead is woken")
    assert woken.sender == "@writer" and "sum it up" in woken.subject and woken.message_id == ""
    house.over("@lead", woken.run_id)
    idle(house, "lead", "writer")
    assert len(house.runs("@lead")) == 1 and len(house.runs("@writer")) == 1  # a wake wakes nobody back


def test_wakes_of_a_busy_sender_wait_and_become_one(house: House, tmp_path: Path) -> None:
    gate = tmp_path / "go"
    house.shell("lead", f"echo up; while ! test -e {gate}; do sleep 0.05; done")
    house.shell("writer", "echo one")
    house.shell("editor", "echo two")
    busy = house.started("@operator", "@lead")
    house.attempt_pid("@lead", busy)
    for name in ("writer", "editor"):
        house.over(f"@{name}", house.started("@lead", f"@{name}", f"task of {name}"))
    idle(house, "writer", "editor")
    assert len(house.runs("@lead")) == 1
    gate.touch()
    house.over("@lead", busy)
    woken = wait_until(lambda: house.runs("@lead")[1:], what="@lead is woken")
    house.over("@lead", woken[0].run_id)
    idle(house, "lead")
    assert len(house.runs("@lead")) == 2
    assert "task of writer" in woken[0].subject and "task of editor" in woken[0].subject


def test_a_bounce_reaches_an_agent_and_wakes_it(house: House) -> None:
    house.limit(attempts=1)
    house.shell("writer", "echo up; exit 3")
    house.over("@writer", house.started("@lead", "@writer"))
    (woken,) = wait_until(lambda: house.runs("@lead"), what="@lead is woken")
    house.over("@lead", woken.run_id)
    assert [m.subject for m in house.inbox("@lead")] == ["BOUNCE: Dispatch to @writer failed"]


@pytest.mark.parametrize("declared", ["", " --from @operator"])
def test_nesting_has_a_limit(house: House, tmp_path: Path, declared: str) -> None:
    house.limit(wake_depth=1)
    once = f"test -e {tmp_path}/once || {{ touch {tmp_path}/once; {CLI} dispatch @editor inner body; }}"
    house.shell("writer", f"echo up; {once}")
    innermost = f"{CLI} dispatch @lead innermost body{declared} > {tmp_path}/said 2>&1; echo $? >> {tmp_path}/said"
    house.shell("editor", f"echo up; {innermost}")
    house.started("@operator", "@writer")

    def refused() -> str:
        text = (tmp_path / "said").read_text() if (tmp_path / "said").exists() else ""
        return text if text.endswith("3\n") else ""

    said = wait_until(refused, what="the innermost dispatch is refused")
    assert ("no other name is taken" if declared else "wake_depth") in said and house.runs("@lead") == []
    assert house.inbox("@lead") == ()
    idle(house, "writer", "editor")


def test_refusals_come_before_any_mail_is_written(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    config = house.root / ".praxmonitor" / "config.toml"
    config.write_text("")
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Refused, match=r"config\.toml") as error:
        house.dispatch("@operator", "@writer")
    assert error.value.code == "no_program" and error.value.exit_status == 3
    house.configure()
    with pytest.raises(Refused, match="@nobody"):
        house.dispatch("@operator", "@nobody")
    with pytest.raises(Refused):
        house.dispatch("@writer", "@writer")
    with pytest.raises(UsageError):
        house.dispatch("@writer", "@operator")
    assert house.inbox("@writer") == () and house.inbox("@operator") == ()
    assert not (house.workspace.operator.sent_dir).exists() and not house.agent("@writer").runs_dir.exists()


def test_kill_where_nothing_runs_and_of_a_run_that_is_over(house: House) -> None:
    with pytest.raises(Refused, match="nothing runs"):
        house.kill("@operator", "@writer")
    first = house.started("@operator", "@writer")
    house.over("@writer", first)
    house.shell("writer", "echo up; exec sleep 100")
    second = house.started("@operator", "@writer")
    pid = house.attempt_pid("@writer", second)
    with pytest.raises(Refused, match="is over"):
        house.kill("@operator", first)
    assert alive(pid)
    assert house.kill("@operator", second).run_id == second
    assert not alive(pid)


def test_retry_runs_the_last_task_again(house: House, tmp_path: Path) -> None:
    flag = tmp_path / "mended"
    house.limit(attempts=1)
    house.shell("writer", f"echo up; test -e {flag}")
    first = house.started("@operator", "@writer")
    assert house.over("@writer", first).phase is Phase.BOUNCED
    flag.touch()
    second = control.retry_run(house.workspace, house.config, "@operator", "@writer")
    run = house.over("@writer", second)
    old = house.run("@writer", first)
    assert run.phase is Phase.COMPLETED
    assert (run.subject, run.sender, run.message_id) == (old.subject, old.sender, old.message_id)
    with pytest.raises(Refused, match="no run"):
        control.retry_run(house.workspace, house.config, "@operator", "@editor")


def test_the_newest_of_runs_within_one_second_is_the_newest(house: House) -> None:
    ids = []
    for n in range(4):
        ids.append(house.started("@operator", "@writer", f"task {n}"))
        house.over("@writer", ids[-1])
    assert ids == sorted(ids)
    last = last_run(house.agent("@writer"))
    assert last is not None and last.subject == "task 3"


def test_a_stray_file_among_the_runs_is_passed_over(house: House) -> None:
    run_id = house.started("@operator", "@writer")
    house.over("@writer", run_id)
    (house.agent("@writer").runs_dir / "zzz-stray").write_text("not a run")
    last = last_run(house.agent("@writer"))
    assert last is not None and last.run_id == run_id
    assert [row["run_id"] for row in house.json("runs")] == [run_id]


def test_wake_starts_an_idle_agent_and_refuses_a_busy_one(house: House) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    run_id = control.wake_agent(house.workspace, house.config, "@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    with pytest.raises(Refused, match="busy") as error:
        control.wake_agent(house.workspace, house.config, "@operator", "@writer")
    assert error.value.code == "busy"
    house.kill("@operator", "@writer")


def test_a_foreign_monitor_is_busy_and_is_ended_with_its_session(house: House) -> None:
    """AIPass's monitor leads a session, and its lock carries a PID and a time, no more (contract 0.10 and 4)."""
    monitor = subprocess.Popen(["sh", "-c", "sleep 100 & setsid sleep 100 & wait"], start_new_session=True)
    writer = house.agent("@writer")
    wait_until(lambda: len(run_processes.session_members(monitor.pid)) == 3, what="the monitor and its agents run")
    writer.dispatch_lock.write_text(
        f'{{"pid": {monitor.pid}, "timestamp": "{datetime.now():%Y-%m-%dT%H:%M:%S}", "branch": "{writer.branch}"}}'
    )
    busy = house.dispatch("@operator", "@writer")
    assert busy.run_id is None and str(monitor.pid) in busy.busy
    assert [m.subject for m in house.inbox("@writer")] == ["a task"]
    reaper = threading.Thread(target=monitor.wait)
    reaper.start()
    killed = house.kill("@operator", "@writer")
    reaper.join(10)
    assert monitor.returncode is not None and len(killed.ended) == 3 and killed.survivors == ()
    assert not any(alive(pid) for pid in killed.ended)
    assert not writer.dispatch_lock.exists()


def test_a_foreign_lock_whose_pid_now_is_a_strangers_harms_nobody(
    house: House, stranger: subprocess.Popen[bytes]
) -> None:
    """A process that leads no session is no monitor: its PID was recycled."""
    writer = house.agent("@writer")
    writer.dispatch_lock.write_text(f'{{"pid": {stranger.pid}, "timestamp": "2026-11-22T00:43:58"}}')
    with pytest.raises(MailcoreError, match=str(stranger.pid)):
        house.kill("@operator", "@writer")
    assert stranger.poll() is None
    assert writer.dispatch_lock.exists()
