"""Agents, supervisors, locks and disks that misbehave: how each run ends, who is told, and that nothing is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from mailcore.dispatch.lifecycle import after_run, supervisor_ready
from mailcore.dispatch.process import run_processes
from mailcore.dispatch.queueing import queue
from mailcore.formats import journal
from mailcore.model.lock import Holder
from mailcore.model.run import Phase, Run
from mailcore.system.locks import locked
from mailcore.system.processes import alive, start_ticks
from mailcore.workspace.lock_reader import read_lock
from tests.mailcore import conftest as lab
from tests.mailcore.conftest import House, wait_until

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
    "its start hangs": Case("exec sleep 100", Phase.BOUNCED, ("no sign of life",) * 3, {"startup_timeout": 0.3}),
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
        ("ended with 1 process still at work",),
        {"attempts": 1},
    ),
    "it clears its environment": Case(
        f"echo up; env -i setsid sh -c '(sleep 100 & echo $! > pids)' & {HOLD_OUT}; exit 0",
        Phase.BOUNCED,
        ("ended with 1 process still at work",),
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
        "echo up; exec sleep 100", Phase.BOUNCED, ("still running after 0.3 s",) * 2, {"attempts": 2, "hard_limit": 0.3}
    ),
}


def pids(house: House) -> list[int]:
    """The processes that the agent wrote down: also those that no mark can find."""
    path = house.agent("@writer").branch / "pids"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def nothing_is_left(house: House, run: Run) -> None:
    """No process of the run, no lock, nobody waiting; its supervisor is gone too."""
    writer = house.agent("@writer")
    assert [p.name for p in run_processes.run_members(run.run_id)] == []
    assert [pid for pid in pids(house) if alive(pid)] == []
    assert [a.pid for a in run.attempts if alive(a.pid, a.start_ticks)] == []
    assert read_lock(writer.dispatch_lock) is None
    assert list(queue.all_waiting(house.workspace)) == []
    wait_until(lambda: not alive(run.supervisor_pid), 10, "the supervisor is gone")
    assert not [p.name for p in writer.mail_dir.iterdir() if p.name.startswith(".dispatch")]


def told(house: House) -> list[str]:
    return [mail.subject for mail in house.inbox("@operator")]


def register(house: House, run_id: str) -> list[str]:
    """What AIPass's register says of the run, one status each line."""
    rows = journal.read_records(house.root / ".aipass" / "dispatch_register.jsonl")
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


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dispatch of this process does not wait until the supervisor stands: it is met before it has the gate."""
    monkeypatch.setattr(supervisor_ready, "wait_until_ready", lambda *_: "")


PHASES = {
    Phase.QUEUED: "exec sleep 100",
    Phase.STARTING: "exec sleep 100",
    Phase.RUNNING: "echo up; setsid sleep 100 & sleep 100 & exec sleep 100",
    Phase.WAITING: "exit 1",
}


@pytest.mark.parametrize("phase", PHASES)
def test_a_supervisor_killed_leaves_an_orphan_that_the_next_look_ends(
    house: House, phase: Phase, at_once: None
) -> None:
    house.limit(retry_wait=100)
    house.shell("writer", PHASES[phase])
    run_id = house.started("@operator", "@writer")
    if phase is Phase.QUEUED:
        house.orphan("@writer")  # before it has begun to work
    else:
        await_phase(house, run_id, phase)
        house.orphan("@writer")
    assert house.run("@writer", run_id).phase is phase
    lock = read_lock(house.agent("@writer").dispatch_lock)
    assert lock is not None and lock.holder is Holder.DEAD
    after_run.clean_up(house.workspace, house.config, house.agent("@writer"))
    run = house.run("@writer", run_id)
    assert run.phase is Phase.BOUNCED and "died" in run.reason
    assert told(house) == [BOUNCE]
    nothing_is_left(house, run)
    after_run.clean_up(house.workspace, house.config, house.agent("@writer"))
    assert told(house) == [BOUNCE]


def test_a_supervisor_killed_while_it_ends_has_its_end_told_by_the_next_look(house: House) -> None:
    """Its journal says that it ended; nobody has heard of it yet."""
    house.limit(attempts=1)
    house.shell("writer", "until [ -e go ]; do sleep 0.02; done; exit 5")
    run_id = house.started("@operator", "@writer")
    with locked(house.workspace.operator.mail_dir / ".inbox.lock"):
        (house.agent("@writer").branch / "go").touch()
        await_phase(house, run_id, Phase.BOUNCED)
        house.orphan("@writer")
    assert told(house) == []
    after_run.clean_up(house.workspace, house.config, house.agent("@writer"))
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


def test_a_lock_stolen_before_the_supervisor_has_it_is_told(
    house: House, stranger: subprocess.Popen[bytes], at_once: None
) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    writer = house.agent("@writer")
    theirs = json.dumps({"pid": stranger.pid, "timestamp": f"{datetime.now():%Y-%m-%dT%H:%M:%S}", "branch": "b"})
    run_id = house.started("@operator", "@writer")
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
    queue.drop_starts(house.workspace, house.agent("@writer"), next(queue.all_waiting(house.workspace)).id)
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
