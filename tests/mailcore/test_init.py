"""As the first process of a container: nothing stays a zombie, signals arrive, runs go on when the command is over."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mailcore.model.run import Phase
from tests.mailcore.conftest import House

pytestmark = pytest.mark.linux_only("PID namespaces are Linux's")
FIRST = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


@pytest.fixture(autouse=True)
def namespaces() -> None:
    if subprocess.run([*FIRST, "true"], capture_output=True).returncode:
        pytest.skip("no PID namespace can be made here")


@contextmanager
def first(*words: str, cwd: Path, before: str = "") -> Iterator[subprocess.Popen[str]]:
    """A command as the first process of a namespace of its own; `before` is run by the shell that it replaces."""
    script = f'{before} exec "$@"'
    command = [*FIRST, "sh", "-c", script, "sh", sys.executable, "-m", "mailcore.cli", *words]
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_its_exit_status_is_the_commands(house: House) -> None:
    for words, status in ((["agents"], 0), (["nonsense"], 2), (["read", "99", "--from", "@lead"], 4)):
        with first(*words, cwd=house.root) as process:
            said = process.communicate(timeout=60)
            assert process.returncode == status, said


def test_a_run_goes_on_when_its_dispatch_is_over(house: House) -> None:
    house.shell("writer", "echo up; sleep 1; mailcore done 1 ok")
    with first("dispatch", "--from", "@operator", "@writer", "s", "b", cwd=house.root) as process:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0 and "1 run goes on" in said
        assert [run.phase for run in house.runs("@writer")] == [Phase.COMPLETED]


def test_a_signal_ends_the_run_and_its_end_is_told(house: House) -> None:
    house.shell("writer", "echo up; sleep 100")
    with first("dispatch", "--from", "@operator", "@writer", "s", "b", cwd=house.root) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        assert "goes on" in said, said
        house.attempt_pid("@writer", house.runs("@writer")[0].run_id)
        inner = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
        subprocess.run(["kill", "-TERM", inner], check=True)
        assert process.wait(30) == 0
        assert [run.phase for run in house.runs("@writer")] == [Phase.KILLED]
        assert [m.raw["run_ended"] for m in house.inbox("@operator")] == ["killed"]


def test_what_others_leave_behind_is_reaped(house: House) -> None:
    """Orphans of a shell that the command replaced; and TERM, which a first process would not heed, ends it."""
    orphans = "for i in 1 2 3 4 5; do sh -c 'sleep 0.2 & exit' ; done;"
    with first("watch", "--from", "@operator", cwd=house.root, before=orphans) as process:
        inner = ""
        deadline = time.monotonic() + 20
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while time.monotonic() < deadline and not inner:
            inner = children.read_text().strip()
        below = Path(f"/proc/{inner}/task/{inner}/children")
        states: list[str] = ["?"]
        pace = threading.Event()
        while time.monotonic() < deadline and states != ["S"]:
            with suppress(OSError):  # one of them ended while it was looked at
                pids = below.read_text().split()
                states = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in pids]
            pace.wait(0.02)
        assert states == ["S"], f"left: {states}"
        subprocess.run(["kill", "-TERM", inner], check=True)
        assert process.wait(20) == 128 + 15
