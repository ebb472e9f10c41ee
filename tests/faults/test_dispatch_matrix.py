"""Agents, supervisors, locks and disks that misbehave: how each run ends, who is told, and that nothing is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailcore import journal, workspace
from mailcore.dispatch import orphan, process, queue
from mailcore.liveness import alive, read_lock, start_ticks
from mailcore.mail.store import locked
from mailcore.model.run import Holder, Phase, Run
from tests.faults.test_mail_disk import fill
from tests.mailcore import conftest as lab
from tests.mailcore.conftest import NAMES, House, wait_until

house, mark, stranger, clean_room = lab.house, lab.mark, lab.stranger, lab.clean_room

BOUNCE, DONE = "BOUNCE: Dispatch to @writer failed", "Done, no reply: a task"
HOLD_OUT = "until [ -s pids ]; do sleep 0.02; done"


@dataclass(frozen=True)
class Case:
    """An agent program, and what has to become of its run."""

    script: str
    phase: Phase
    causes: tuple[str, ...]
    """The beginning of each attempt's cause."""
    limits: dict[str, float] = field(default_factory=dict)

    @property
    def told(self) -> str:
        return DONE if self.phase is Phase.COMPLETED else BOUNCE


CASES = {
    "its start hangs": Case("exec sleep 100", Phase.BOUNCED, ("no sign of life",) * 3, {"startup_timeout": 0.4}),
    "it exits at once, well": Case("exit 0", Phase.COMPLETED, ("exit 0",)),
    "it exits at once, badly": Case("exit 9", Phase.BOUNCED, ("exit 9",) * 3),
    "it crashes on attempts 1 and 2": Case(
        "echo up; test $MAILCORE_ATTEMPT = 3", Phase.COMPLETED, ("exit 1", "exit 1", "exit 0")
    ),
    "it forks": Case(
        "echo up; for n in 1 2 3; do sleep 100 & echo $! >> pids; done; exit 0",
        Phase.BOUNCED,
        ("ended with 3 processes still at work",),
        {"attempts": 1},
    ),
    "it daemonises": Case(
        f"echo up; (setsid sh -c '(sleep 100 & echo $! > pids)'); {HOLD_OUT}; exit 0",
        Phase.BOUNCED,
        ("ended with 1 processes still at work",),
        {"attempts": 1},
    ),
    "it clears its environment": Case(
        f"echo up; env -i setsid sh -c '(sleep 100 & echo $! > pids)' & {HOLD_OUT}; exit 0",
        Phase.BOUNCED,
        ("ended with 1 processes still at work",),
        {"attempts": 1},
    ),
    "it ignores TERM": Case(
        "trap '' TERM INT HUP; echo up; echo $$ > pids; while :; do sleep 0.1; done",
        Phase.BOUNCED,
        ("still running after 0.5 s",),
        {"attempts": 1, "hard_limit": 0.5},
    ),
    "it stops itself": Case(
        "echo up; echo $$ > pids; kill -STOP $$; exit 0",
        Phase.BOUNCED,
        ("still running after 0.5 s",),
        {"attempts": 1, "hard_limit": 0.5},
    ),
    "it stops itself before it shows life": Case(
        "kill -STOP $$; exit 0", Phase.BOUNCED, ("no sign of life",), {"attempts": 1, "startup_timeout": 0.5}
    ),
    "it closes its output": Case("echo up; exec >&- 2>&-; sleep 0.2; exit 0", Phase.COMPLETED, ("exit 0",)),
    "it closes its output and says nothing": Case(
        "exec >&- 2>&-; sleep 100", Phase.BOUNCED, ("no sign of life",), {"attempts": 1, "startup_timeout": 0.5}
    ),
    "it dies by a signal": Case(
        "echo up; test $MAILCORE_ATTEMPT = 1 && kill -KILL $$; kill -ABRT $$",
        Phase.BOUNCED,
        ("ended by SIGKILL", "ended by SIGABRT"),
        {"attempts": 2},
    ),
    "it exceeds the hard limit": Case(
        "echo up; exec sleep 100", Phase.BOUNCED, ("still running after 0.5 s",) * 2, {"attempts": 2, "hard_limit": 0.5}
    ),
}


def pids(house: House) -> list[int]:
    """The processes that the agent wrote down: also those that no mark can find."""
    path = house.agent("@writer").branch / "pids"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def nothing_is_left(house: House, run: Run) -> None:
    """No process of the run, no lock, nobody waiting; its supervisor is gone too."""
    writer = house.agent("@writer")
    assert [p.command for p in process.members(run.run_id)] == []
    assert [pid for pid in pids(house) if alive(pid)] == []
    assert [a.pid for a in run.attempts if alive(a.pid, a.start_ticks)] == []
    assert read_lock(writer.dispatch_lock) is None
    assert list(queue.waiting(house.workspace)) == []
    wait_until(lambda: not alive(run.supervisor_pid), 10, "the supervisor is gone")
    assert not [p.name for p in writer.mail_dir.iterdir() if p.name.startswith(".dispatch")]


def told(house: House) -> list[str]:
    return [mail.subject for mail in house.inbox("@operator")]


def register(house: House, run_id: str) -> list[str]:
    """What AIPass's register says of the run, one status each line."""
    rows = journal.read(house.root / ".aipass" / "dispatch_register.jsonl")
    return [row["status"] for row in rows if row["dispatch_id"] == run_id]


@pytest.mark.parametrize("name", CASES)
def test_an_agent_that_misbehaves(house: House, name: str) -> None:
    case = CASES[name]
    house.limit(**case.limits)
    house.shell("writer", case.script)
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert run.phase is case.phase
    causes = [attempt.cause for attempt in run.attempts]
    assert len(causes) == len(case.causes) and all(map(str.startswith, causes, case.causes)), causes
    assert told(house) == [case.told]
    assert len(register(house, run.run_id)) == 2
    nothing_is_left(house, run)


def blocks(path: Path) -> int:
    """Bytes that a file takes on disk."""
    try:
        return path.stat().st_blocks * 512
    except OSError:
        return 0


def test_a_flood_of_output_takes_bounded_disk(house: House, rounds: Callable[[int, int], int]) -> None:
    size, limit = rounds(300_000_000, 1_000_000_000), 10_000_000
    house.limit(output_limit=limit, attempts=1)
    house.python(
        "writer",
        f"import os, sys\nline = b'x' * 99 + b'\\n'\nfor _ in range({size} // 100_000): os.write(1, line * 1000)\n"
        "print('end')",
    )
    run_id = house.started("@operator", "@writer")
    log = house.agent("@writer").runs_dir / run_id / "attempt-1.stdout.log"
    peak = 0

    def over() -> bool:
        nonlocal peak
        peak = max(peak, blocks(log))
        return house.run("@writer", run_id).phase.ended

    wait_until(over, 120, "the flood is over")
    run = house.over("@writer", run_id)
    assert (run.phase, run.result) == (Phase.COMPLETED, "end")
    assert log.stat().st_size == size + 4 and blocks(log) <= limit + 3 * 2**20
    assert told(house) == [DONE]
    nothing_is_left(house, run)
    print(f"{size / 1e6:.0f} MB written: at most {peak / 1e6:.0f} MB on disk, {blocks(log) / 1e6:.0f} MB at the end")


# The supervisor dies


def await_phase(house: House, run_id: str, phase: Phase) -> None:
    wait_until(lambda: house.run("@writer", run_id).phase is phase, what=f"{run_id} is {phase}")


def kill_supervisor(house: House) -> None:
    lock = read_lock(house.agent("@writer").dispatch_lock)
    assert lock is not None
    os.kill(lock.pid, signal.SIGKILL)
    wait_until(lambda: not alive(lock.pid, lock.start_ticks), what="the supervisor is dead")


PHASES = {
    Phase.QUEUED: "exec sleep 100",
    Phase.STARTING: "exec sleep 100",
    Phase.RUNNING: "echo up; setsid sleep 100 & sleep 100 & exec sleep 100",
    Phase.WAITING: "exit 1",
}


@pytest.mark.parametrize("phase", PHASES)
def test_a_supervisor_killed_leaves_an_orphan_that_the_next_look_ends(house: House, phase: Phase) -> None:
    house.limit(retry_wait=100)
    house.shell("writer", PHASES[phase])
    run_id = house.started("@operator", "@writer")
    if phase is Phase.QUEUED:
        with locked(queue.gate(house.workspace)):  # it waits here, before it says that it supervises
            kill_supervisor(house)
    else:
        await_phase(house, run_id, phase)
        kill_supervisor(house)
    assert house.run("@writer", run_id).phase is phase
    lock = read_lock(house.agent("@writer").dispatch_lock)
    assert lock is not None and lock.holder is Holder.DEAD
    orphan.clean(house.workspace, house.config, house.agent("@writer"))
    run = house.run("@writer", run_id)
    assert run.phase is Phase.BOUNCED and "died" in run.reason
    assert told(house) == [BOUNCE]
    nothing_is_left(house, run)
    orphan.clean(house.workspace, house.config, house.agent("@writer"))
    assert told(house) == [BOUNCE]


def test_a_supervisor_killed_while_it_ends_has_its_end_told_by_the_next_look(house: House) -> None:
    """Its journal says that it ended; nobody has heard of it yet."""
    house.limit(attempts=1)
    house.shell("writer", "exit 5")
    operator = house.workspace.operator
    operator.mail_dir.mkdir(parents=True, exist_ok=True)
    with locked(operator.mail_dir / ".inbox.lock"):
        run_id = house.started("@operator", "@writer")
        await_phase(house, run_id, Phase.BOUNCED)
        kill_supervisor(house)
    assert told(house) == []
    orphan.clean(house.workspace, house.config, house.agent("@writer"))
    assert told(house) == [BOUNCE] and "exit 5" in house.inbox("@operator")[0].body
    run = house.run("@writer", run_id)
    assert run.reason == "exit 5"
    nothing_is_left(house, run)


# The lock


def test_a_lock_that_another_took_is_left_to_it(house: House, stranger: subprocess.Popen[bytes]) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    run_id = house.started("@operator", "@writer")
    pid = house.attempt_pid("@writer", run_id)
    writer = house.agent("@writer")
    theirs = json.dumps({"pid": stranger.pid, "timestamp": f"{datetime.now():%Y-%m-%dT%H:%M:%S}", "branch": "b"})
    writer.dispatch_lock.write_text(theirs)
    os.kill(house.run("@writer", run_id).supervisor_pid, signal.SIGTERM)
    wait_until(lambda: house.run("@writer", run_id).phase.ended, what="the run has ended")
    run = house.run("@writer", run_id)
    wait_until(lambda: not alive(run.supervisor_pid), what="the supervisor is gone")
    assert run.phase is Phase.KILLED and not alive(pid)
    assert writer.dispatch_lock.read_text() == theirs and stranger.poll() is None
    assert told(house) == ["KILLED: Dispatch to @writer"]
    writer.dispatch_lock.unlink()
    nothing_is_left(house, run)


def test_a_lock_stolen_before_the_supervisor_has_it_is_told(house: House, stranger: subprocess.Popen[bytes]) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    writer = house.agent("@writer")
    theirs = json.dumps({"pid": stranger.pid, "timestamp": f"{datetime.now():%Y-%m-%dT%H:%M:%S}", "branch": "b"})
    run_id = house.started("@operator", "@writer")
    with locked(queue.gate(house.workspace)):
        writer.dispatch_lock.write_text(theirs)
    wait_until(lambda: house.run("@writer", run_id).phase.ended, what="the run has ended")
    run = house.run("@writer", run_id)
    wait_until(lambda: told(house) == [BOUNCE], what="the sender is told")
    assert run.phase is Phase.BOUNCED and "lock" in run.reason and run.attempts == ()
    assert writer.dispatch_lock.read_text() == theirs and stranger.poll() is None
    writer.dispatch_lock.unlink()
    nothing_is_left(house, run)


@pytest.mark.parametrize("gone", [True, False], ids=["removed", "corrupt"])
def test_without_its_lock_a_run_is_still_the_only_one_and_can_be_killed(house: House, gone: bool) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    run_id = house.started("@operator", "@writer")
    pid = house.attempt_pid("@writer", run_id)
    path = house.agent("@writer").dispatch_lock
    path.unlink()
    if not gone:
        path.write_text('{"pid": 1')
        os.utime(path, (1, 1))
    second = house.dispatch("@operator", "@writer", "another")
    assert (second.run_id, second.code) == (None, "busy") and alive(pid)
    killed = house.kill("@lead", "@writer")
    assert killed.run_id == run_id and not alive(pid)
    assert house.run("@writer", run_id).by == "@lead"
    with locked(queue.gate(house.workspace)):
        queue.drop(house.agent("@writer"), next(queue.waiting(house.workspace)).id)
    nothing_is_left(house, house.run("@writer", run_id))


def record(house: House, **changes: object) -> dict[str, object]:
    """The lock of a run that this process holds, changed."""
    own = {"pid": os.getpid(), "start_ticks": start_ticks(os.getpid()), "run_id": "r", "nonce": "n"}
    return {**own, "timestamp": "2026-11-22T00:43:58", "branch": str(house.agent("@writer").branch), **changes}


@pytest.mark.parametrize(
    ("content", "age"),
    [
        ({"start_ticks": 1}, 0.0),
        ({"boot_id": "another boot"}, 0.0),
        ({"pid": 2**22 + 1}, 0.0),
        ('{"pid": 12', 60.0),
        ("\0" * 200, 60.0),
        ('{"pid": 12', -3600.0),
    ],
    ids=["recycled PID", "before the reboot", "dead", "torn", "zeros", "torn, and of a clock that was ahead"],
)
def test_a_stale_lock_makes_way(house: House, content: dict[str, object] | str, age: float) -> None:
    path = house.agent("@writer").dispatch_lock
    path.write_text(content if isinstance(content, str) else json.dumps(record(house, **content)))
    then = time.time() - age
    os.utime(path, (then, then))
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert run.phase is Phase.COMPLETED
    nothing_is_left(house, run)


# The clock


def shifted(house: House, run_id: str, hours: float) -> None:
    """Write a run's journal as if the clock had been wrong by so many hours."""
    path = house.agent("@writer").runs_dir / run_id / "run.jsonl"
    records = journal.read(path)
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
    """A house on a disk of 256 KiB."""
    house = House(workspace.init(small_disk / "project", [(name, f"agents/{name}") for name in NAMES]))
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
        for mail in house.inbox("@operator"):
            (house.agent("@writer").branch / "go").unlink(missing_ok=True)
            assert mail.subject == BOUNCE
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
        orphan.clean(house.workspace, house.config, house.agent("@writer"))
        run = house.run("@writer", run_id)
        assert run.phase is Phase.BOUNCED, pages
        assert len(told(house)) > before, f"{pages} pages: nobody was told"
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
    orphan.clean(house.workspace, house.config, house.agent("@writer"))
    run = house.run("@writer", run_id)
    assert run.phase is Phase.BOUNCED and told(house) == [BOUNCE]
    nothing_is_left(house, run)


def test_a_directory_that_is_lost_is_told_when_it_comes_back(house: House) -> None:
    house.shell("writer", "echo up; sleep 100 & echo $! > pids; wait; exit 3")
    run_id = house.started("@operator", "@writer")
    pid = house.attempt_pid("@writer", run_id)
    wait_until(lambda: pids(house), what="its child is there")
    supervisor = house.run("@writer", run_id).supervisor_pid
    branch = house.agent("@writer").branch
    away = branch.rename(branch.with_name("away"))
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not alive(supervisor), what="the supervisor is over")
    assert process.members(run_id) == [] and not branch.exists()
    away.rename(branch)
    orphan.clean(house.workspace, house.config, house.agent("@writer"))
    run = house.run("@writer", run_id)
    assert run.phase is Phase.BOUNCED and told(house) == [BOUNCE]
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
from mailcore import workspace
from mailcore.config import read_config
from mailcore.dispatch import control
from mailcore.errors import MailcoreError
space = workspace.find(Path.cwd())
print("ready", flush=True)
for line in sys.stdin:
    config = read_config(space.config_file)
    done = control.dispatch(space, config, "@operator", "@writer", line.strip(), "b")
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
    go = house.agent("@writer").branch / "go"
    count = rounds(15, 1000)
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
            assert len(house.runs("@writer")) == 2 * n + 1 if n < 20 else True
            go.touch()
            first = next(run_id for run_id, _ in said if run_id)
            house.over("@writer", first)

            def idle() -> bool:
                return not list(queue.waiting(house.workspace)) and not house.agent("@writer").dispatch_lock.exists()

            wait_until(idle, 30, f"both tasks of round {n} are over")
    finally:
        for racer in racers:
            racer.communicate()
    found = house.runs("@writer")
    assert [run.phase for run in found] == [Phase.COMPLETED] * 2 * count
    assert len({run.subject for run in found}) == len(house.inbox("@writer")) == 2 * count
    print(f"{count} rounds: {count} times one run and one busy")
