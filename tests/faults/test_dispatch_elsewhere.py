"""The same files seen from a container: what runs in another PID namespace is not called dead, killed or doubled."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack

import pytest

from mailcore.dispatch.recovery import recover
from mailcore.dispatch.runs import branch_lock
from mailcore.model.lock import Holder
from mailcore.model.run import Phase
from mailcore.system.locks import is_held, locked
from mailcore.system.processes import alive, pid_namespace
from mailcore.workspace.lock_reader import FLOCK, read_lock
from tests.faults.test_dispatch_matrix import told
from tests.mailcore import conftest as lab
from tests.mailcore.conftest import House, wait_until

house, mark, clean_room = lab.house, lab.mark, lab.clean_room
WAYS = (["unshare"], ["unshare", "--user", "--map-root-user"])
WAY = next(
    (
        [*way, "--pid", "--fork", "--mount-proc"]
        for way in WAYS
        if shutil.which("unshare")
        and subprocess.run([*way, "--pid", "--fork", "--mount-proc", "true"], capture_output=True).returncode == 0
    ),
    None,
)
pytestmark = [
    pytest.mark.skipif(WAY is None, reason="no PID namespace can be made here (unshare --pid)"),
    pytest.mark.linux_only("a run that goes on in another PID namespace is not told from a dead one"),
]


def inside(house: House, *words: str) -> subprocess.CompletedProcess[bytes]:
    """A command in a container of its own, on the same files."""
    assert WAY is not None
    return house.mailcore(*words, program=(*WAY, sys.executable, "-m", "mailcore.cli"))


def at_work(house: House) -> tuple[str, int]:
    house.limit(attempts=1)
    house.shell("writer", "echo up; until [ -e go ]; do sleep 0.05; done")
    run_id = house.started("@operator", "@writer", "long")
    return run_id, house.attempt_pid("@writer", run_id)


def test_lock_and_journal_say_where_it_runs(house: House) -> None:
    run_id, _ = at_work(house)
    found = read_lock(house.agent("@writer").dispatch_lock)
    assert found is not None and (found.namespace, found.host) == (pid_namespace(), os.uname().nodename)
    supervised = next(one for one in house.journal("@writer", run_id) if one["event"] == "supervised")
    assert (supervised["namespace"], supervised["start_ticks"]) == (pid_namespace(), found.start_ticks)
    assert supervised["sentinel"] == found.sentinel and is_held(house.agent("@writer").runs_dir / run_id / FLOCK)


def test_a_live_run_is_left_alone_from_a_container(house: House) -> None:
    run_id, pid = at_work(house)
    number = house.inbox("@writer")[0].id
    assert inside(house, "wake", "@writer", "--from", "@operator").returncode == 3
    later = json.loads(inside(house, "dispatch", "@writer", "second", "b", "--from", "@operator", "--json").stdout)
    assert (later["code"], later["queued"]) == ("busy", True)
    killed = inside(house, "kill", "@writer", "--from", "@operator")
    assert killed.returncode == 3 and b"PID namespace" in killed.stderr
    assert inside(house, "wait", number, "--from", "@operator", "--timeout", "1").returncode == 5
    shown = json.loads(inside(house, "runs", "--json").stdout)
    assert [row["phase"] for row in shown] == ["running"]
    assert b"elsewhere" in inside(house, "doctor").stdout
    assert inside(house, "agent", "remove", "@writer", "--from", "@operator").returncode == 3
    assert alive(pid) and house.run("@writer", run_id).phase is Phase.RUNNING and told(house) == []
    house.shell("writer", "echo up")
    (house.agent("@writer").branch / "go").touch()
    assert house.over("@writer", run_id).phase is Phase.COMPLETED
    wait_until(lambda: [run.phase.ended for run in house.runs("@writer")] == [True, True], what="the second one ran")


def test_a_run_of_a_container_is_left_alone_from_outside(house: House) -> None:
    house.limit(attempts=1)
    house.shell("writer", "echo up; until [ -e go ]; do sleep 0.05; done")
    assert WAY is not None
    cli = f"{sys.executable} -m mailcore.cli"
    script = f"{cli} dispatch @writer long b --from @operator >/dev/null; until [ -e leave ]; do sleep 0.05; done"
    container = subprocess.Popen([*WAY, "sh", "-c", script], cwd=house.root)
    try:
        (run,) = wait_until(lambda: house.runs("@writer"), what="a run begins inside")
        wait_until(lambda: house.run("@writer", run.run_id).phase is Phase.RUNNING, what="it runs")
        found = read_lock(house.agent("@writer").dispatch_lock)
        assert found is not None and found.holder is Holder.ELSEWHERE
        recover(house.workspace, house.config, house.workspace.agents)
        with pytest.raises(Exception, match="another PID namespace"):
            house.kill("@operator", "@writer")
        assert house.dispatch("@operator", "@writer", "second").code == "busy"
        assert house.run("@writer", run.run_id).phase is Phase.RUNNING and told(house) == []
        (house.root / "leave").touch()  # with its first process all of it ends: supervisor, sentinel and program
        container.wait(20)
        wait_until(lambda: not is_held(house.agent("@writer").runs_dir / run.run_id / FLOCK), what="none of it lives")
        house.shell("writer", "echo up")
        recover(house.workspace, house.config, house.workspace.agents)
        assert house.run("@writer", run.run_id).phase is Phase.BOUNCED
        wait_until(lambda: [one.phase.ended for one in house.runs("@writer")] == [True, True], what="the second ran")
    finally:
        (house.root / "leave").touch()
        container.kill()
        container.wait()


@pytest.mark.parametrize(
    ("changes", "flock", "holder"),
    [
        ({"namespace": "pid:[1]"}, None, Holder.ELSEWHERE),
        ({"namespace": "pid:[1]"}, "free", Holder.DEAD),
        ({"namespace": "pid:[1]"}, "held", Holder.ELSEWHERE),
        ({"boot_id": "another", "host": "another"}, None, Holder.ELSEWHERE),
        ({"boot_id": "another", "host": "another"}, "held", Holder.ELSEWHERE),
        ({"boot_id": "another", "host": "another"}, "free", Holder.DEAD),
        ({"boot_id": "another"}, None, Holder.DEAD),
        ({"boot_id": "another", "host": ""}, None, Holder.DEAD),
    ],
)
def test_what_is_said_of_a_process_that_cannot_be_seen(
    house: House, changes: dict[str, str], flock: str | None, holder: Holder
) -> None:
    writer, run_id = house.agent("@writer"), "20260101T000000_000000-00000000"
    with ExitStack() as stack:
        if flock is not None:
            (writer.runs_dir / run_id).mkdir(parents=True)
            (writer.runs_dir / run_id / FLOCK).touch()
        if flock == "held":
            stack.enter_context(locked(writer.runs_dir / run_id / FLOCK))
        document = {**branch_lock.process_facts(os.getpid()), "run_id": run_id, "nonce": "n", **changes}
        writer.dispatch_lock.write_text(json.dumps(document))
        found = read_lock(writer.dispatch_lock)
        assert found is not None and found.holder is holder
    writer.dispatch_lock.unlink()
