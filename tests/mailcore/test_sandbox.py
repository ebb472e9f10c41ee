"""An agent whose program runs its commands in a PID namespace of its own, as Codex's sandbox does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mailcore.model.run import Phase
from mailcore.system import processes
from mailcore.workspace import lock_reader
from tests.mailcore.conftest import House
from tests.tools.elsewhere import opened

UNSHARE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
works = shutil.which("unshare") and subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0
needs_unshare = pytest.mark.skipif(not works, reason="no PID namespace can be made here (unshare --user --pid)")


@needs_unshare
@pytest.mark.linux_only("POSIX knows no PID namespaces")
def test_a_dispatch_from_within_a_sandbox_begins_when_the_sandbox_is_left(
    house: House, wait_until: Callable[[Callable[[], object], float, str], None]
) -> None:
    """The lock of an agent at work, unseen from within, is honoured, and the run begins outside."""
    house.shell("editor", "echo at work; sleep 60")
    at_work = house.started("@operator", "@editor", "long")
    inside = " ".join(UNSHARE)
    cli = f"{sys.executable} -m mailcore.cli"
    script = f"{cli} dispatch @writer a b --json; echo ---; {cli} kill @editor --json; {cli} dispatch @editor c d"
    house.shell("lead", f"echo up; {inside} sh -c '{script}' > told 2>&1; sleep 0.2")
    begun = house.started("@operator", "@lead", "delegate")
    run = house.over("@lead", begun)
    told = (house.agent("@lead").branch / "told").read_text()
    queued, refused = (json.JSONDecoder().raw_decode(part)[0] for part in told.split("---\n"))
    assert (queued["code"], queued["queued"]) == ("sandbox", True)
    assert refused["error"]["code"] in ("sandbox", "visibility")
    assert run.phase is Phase.COMPLETED
    wait_until(lambda: house.runs("@writer"), 10, "the run that was asked for begins outside")
    house.over("@writer", house.runs("@writer")[0].run_id)
    assert [one.subject for one in house.inbox("@writer")] == ["a"]
    lock = lock_reader.read_lock(house.agent("@editor").dispatch_lock)
    assert lock is not None and lock.run_id == at_work, "the agent at work was left alone"


def test_what_a_sandbox_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(lock_reader.PID_NAMESPACE, raising=False)
    assert not lock_reader.sandboxed(), "an ordinary caller"
    monkeypatch.setenv(lock_reader.PID_NAMESPACE, processes.pid_namespace())
    assert not lock_reader.sandboxed(), "an agent's ordinary program"
    monkeypatch.setenv(lock_reader.PID_NAMESPACE, "pid:[1]")
    assert lock_reader.sandboxed()


# Root needs no user namespace for it, from which nothing could be seen of processes outside.
SHIFTED = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--time", "--fork", "--boottime"]
shifts = shutil.which("unshare") and subprocess.run([*SHIFTED, "9", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not shifts, reason="no time namespace can be made here (unshare --user --time)")
@pytest.mark.linux_only("POSIX knows no time namespaces")
@pytest.mark.parametrize("shift", ["100000", "-1"])
def test_from_a_time_namespace_a_live_run_is_seen_to_live(house: House, shift: str) -> None:
    """The kernel shifts all start times there: a live supervisor looked like another process of its PID."""
    house.shell("writer", "echo up; sleep 60")
    run_id = house.started("@operator", "@writer")
    pid = house.attempt_pid("@writer", run_id)
    program = [*SHIFTED, shift, sys.executable, "-m", "mailcore.cli"]
    for words in (["inbox"], ["runs"], ["dispatch", "@writer", "s", "b", "--from", "@lead", "--queue"]):
        done = house.mailcore(*words, program=program)
        assert done.returncode == 0, done.stderr
    assert house.run("@writer", run_id).phase is Phase.RUNNING and processes.alive(pid)
    assert [run.run_id for run in house.runs("@writer")] == [run_id], "no second one beside it"
    code = "from mailcore.system import processes as p; import os; me = p.look(os.getpid()); print(p.started_at(me))"
    said = subprocess.run([*SHIFTED, shift, sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert abs(float(said.stdout) - time.time()) < 20, "when it started is not shifted"
    ended = house.mailcore("kill", "@writer", "--from", "@operator", program=program)
    if os.geteuid() == 0:
        assert ended.returncode == 0 and not processes.alive(pid), ended.stderr


@needs_unshare
@pytest.mark.linux_only("POSIX knows no user namespaces")
def test_of_a_run_that_a_user_namespace_hides_nobody_is_told_to_remove_the_lock(house: House) -> None:
    house.shell("writer", "echo up; sleep 60")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    program = ["unshare", "--user", "--map-root-user", sys.executable, "-m", "mailcore.cli"]
    done = house.mailcore("kill", "@writer", "--from", "@operator", program=program)
    assert done.returncode == 3 and b"End it from there" in done.stderr and b"Remove" not in done.stderr
    busy = house.mailcore("dispatch", "@writer", "s", "b", "--from", "@lead", program=program)
    assert busy.returncode == 3 and house.run("@writer", run_id).phase is Phase.RUNNING


@pytest.mark.linux_only("hidepid is Linux's")
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can become another user")
@pytest.mark.parametrize("hiding", ["mount -t proc -o hidepid=invisible proc /proc", "mount -t tmpfs none /proc"])
def test_a_run_that_is_not_shown_is_running_elsewhere(house: House, hiding: str, tmp_path: Path) -> None:
    """Another user where each sees only its own processes, or where no /proc is: its PID looked as if it were free."""
    house.shell("writer", "echo up; sleep 60")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    lock = house.agent("@writer").dispatch_lock
    code = "from mailcore.workspace.lock_reader import read_lock; from pathlib import Path; import sys"
    code += "; print(read_lock(Path(sys.argv[1])).holder)"
    lines = [*opened(sys.executable), hiding, 'exec "$@"']
    other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if "hidepid" in hiding else []
    for path in (*house.root.rglob("*"), house.root, *house.root.parents):
        if path.is_relative_to(tmp_path.parent) or path == tmp_path.parent.parent:
            path.chmod(path.stat().st_mode | 0o755)
    script = ["unshare", "-m", "sh", "-c", "\n".join(lines), "sh", *other, sys.executable, "-c", code, str(lock)]
    told = subprocess.run(script, capture_output=True, text=True, timeout=60)
    assert told.stdout.strip() == "elsewhere", told.stderr
    text = lock.read_bytes()
    house.kill("@operator", "@writer")
    lock.write_bytes(text)
    told = subprocess.run(script, capture_output=True, text=True, timeout=60)
    assert told.stdout.strip() == "dead", "its PID is free, and nobody holds the run's flock"
