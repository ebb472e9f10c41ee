"""A lock of ours that somebody else holds: he is named, and stepped around where it is sure that he is none of ours."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailcore.exceptions import MailcoreError
from mailcore.system.lock_holder import name_holder, named_holder
from mailcore.system.lock_wait import STRANGER_TIMEOUT
from mailcore.system.locks import is_locked, locked, newest_lock_file, try_lock, wait_for_lock
from mailcore.system.processes import lock_holders, start_ticks
from tests.mailcore.conftest import House, wait_until

pytestmark = pytest.mark.linux_only("who holds a flock is told by /proc alone")

OURS = """
import sys, time
from pathlib import Path
from mailcore.system.locks import locked
with locked(Path(sys.argv[1]), own=True):
    print("held", flush=True)
    sys.stdin.read()
"""
COUNT = """
import sys
from pathlib import Path
from mailcore.system.locks import locked
lock, number, rounds = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
for _ in range(rounds):
    with locked(lock, 60, own=True):
        value = int(number.read_text())
        number.write_text(str(value + 1))
"""


@contextmanager
def ours(lock: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process of ours that holds the lock."""
    words = [sys.executable, "-c", OURS, str(lock)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def flock(lock: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """flock(1), which opens the file for reading alone; gone with its child afterwards."""
    process = subprocess.Popen(["flock", *words, str(lock), "sleep", "60"], start_new_session=True)
    try:
        deadline = time.monotonic() + 10
        while not lock_holders(lock.stat()):
            assert time.monotonic() < deadline
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock's file, there already."""
    path = tmp_path / ".dispatch.flock"
    path.touch(mode=0o644)
    return path


@pytest.mark.parametrize("how", [["-x"], ["-s"]], ids=["exclusive", "shared"])
def test_a_stranger_is_stepped_around_and_named(lock: Path, how: list[str]) -> None:
    told: list[str] = []
    with flock(lock, *how) as stranger:
        begun = time.monotonic()
        with locked(lock, own=True, on_stranger=told.append):
            took = time.monotonic() - begun
            assert is_locked(lock, own=True) and newest_lock_file(lock).name == ".dispatch.flock.1"
        assert STRANGER_TIMEOUT < took < STRANGER_TIMEOUT + 3
        begun = time.monotonic()
        with locked(lock, own=True, on_stranger=told.append):
            pass
        assert time.monotonic() - begun < 0.5, "from then on nobody waits for him"
    assert len(told) == 1 and f"PID {stranger.pid} (flock" in told[0]
    with locked(lock, own=True):
        assert newest_lock_file(lock).name == ".dispatch.flock.1", "nor is it taken back, since others may hold either"


def test_a_stranger_that_handed_the_lock_to_a_child_and_went_is_found(lock: Path) -> None:
    """As `( flock 9; sleep 60 ) 9< file` in a shell: the kernel names a process that is gone."""
    script = f"exec 9<{lock}; flock 9; echo; exec sleep 60"
    child = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert child.stdout is not None and child.stdout.readline() == "\n"
    told: list[str] = []
    try:
        with locked(lock, own=True, on_stranger=told.append):
            assert newest_lock_file(lock).name == ".dispatch.flock.1"
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
    assert f"PID {child.pid} (sleep 60)" in told[0]


def test_one_of_ours_is_waited_for_and_never_stepped_around(lock: Path) -> None:
    """However long it takes: stopped, it holds what it began."""
    with ours(lock) as holder:
        os.kill(holder.pid, signal.SIGSTOP)
        with (
            pytest.raises(MailcoreError, match=rf"locked for more than 5 s by PID {holder.pid} ") as raised,
            locked(lock, 5, own=True),
        ):
            pytest.fail("two hold it")
        assert raised.value.code == "locked" and newest_lock_file(lock) == lock
        assert try_lock(lock, own=True) is None


def test_an_older_version_of_ours_which_named_nobody_is_waited_for(lock: Path, tmp_path: Path) -> None:
    program = tmp_path / "mailcore"
    shutil.copy(shutil.which("flock") or "/usr/bin/flock", program)
    process = subprocess.Popen([program, str(lock), "sleep", "60"], start_new_session=True)
    try:
        wait_until(lambda: is_locked(lock), what="it holds the lock")
        with pytest.raises(MailcoreError, match=f"PID {process.pid} "), locked(lock, 4, own=True):
            pytest.fail("two hold it")
        assert newest_lock_file(lock) == lock
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_name_that_is_not_the_holders_protects_no_stranger(lock: Path) -> None:
    """Somebody of ours is named there, and lives, but it is not he who holds it."""
    with lock.open("r+b") as file:
        name_holder(file.fileno())
        assert named_holder(file.fileno())["start_ticks"] == start_ticks(os.getpid())
    with flock(lock), locked(lock, own=True):
        assert newest_lock_file(lock).name == ".dispatch.flock.1"


def test_what_another_program_shares_is_never_stepped_around(lock: Path) -> None:
    with flock(lock) as stranger, pytest.raises(MailcoreError, match=f"by PID {stranger.pid} "), locked(lock, 4):
        pytest.fail("two hold it")


def test_of_many_that_step_around_one_at_a_time_gets_in(lock: Path, tmp_path: Path) -> None:
    """While strangers take each file in its turn: every count is counted."""
    number = tmp_path / "number"
    number.write_text("0")
    with flock(lock):
        writers = [subprocess.Popen([sys.executable, "-c", COUNT, str(lock), str(number), "200"]) for _ in range(6)]
        assert [writer.wait(60) for writer in writers] == [0] * 6
    assert number.read_text() == "1200" and newest_lock_file(lock).name == ".dispatch.flock.1"


def test_a_stranger_that_comes_and_goes_lets_nobody_in_twice(lock: Path, tmp_path: Path) -> None:
    """It lets go just when it is to be stepped around."""
    number = tmp_path / "number"
    number.write_text("0")
    begun = time.monotonic()
    words = [sys.executable, "-c", COUNT, str(lock), str(number), "50"]
    with flock(lock):
        writers = [subprocess.Popen(words) for _ in range(4)]
        wait_until(lambda: time.monotonic() - begun > STRANGER_TIMEOUT + 0.45, what="it is about to be stepped around")
    assert [writer.wait(60) for writer in writers] == [0] * 4
    assert number.read_text() == "200"


def test_who_tries_steps_around_too(lock: Path) -> None:
    with flock(lock):
        descriptor = try_lock(lock, own=True)
        assert descriptor is not None
        assert try_lock(lock, own=True) is None
        os.close(descriptor)


def waiting_for(lock: Path) -> int:
    """How many wait for a lock, as the kernel tells."""
    inode = f":{lock.stat().st_ino} "
    return sum("->" in row and inode in row for row in Path("/proc/locks").read_text().splitlines())


def test_who_waits_without_a_limit_steps_around_whoever_comes_after_one_of_ours(lock: Path) -> None:
    got: list[int] = []
    with ours(lock) as holder:
        thread = threading.Thread(target=lambda: got.append(wait_for_lock(lock, own=True)))
        thread.start()
        # A stranger queues behind, and gets it first or after us: either way we come to have it.
        stranger = subprocess.Popen(["flock", str(lock), "sleep", "60"], start_new_session=True)
        wait_until(lambda: waiting_for(lock) >= 2, what="both wait in the kernel")
        holder.kill()
        thread.join(STRANGER_TIMEOUT * 3 + 5)
    os.killpg(stranger.pid, signal.SIGKILL)
    stranger.wait()
    assert got
    os.close(got[0])


@pytest.mark.parametrize(("was", "is_now"), [(0o644, 0o600), (0o664, 0o660), (0o666, 0o666), (0o640, 0o600)])
def test_who_may_only_read_a_lock_cannot_open_it(lock: Path, was: int, is_now: int) -> None:
    lock.chmod(was)
    with locked(lock):
        assert stat.S_IMODE(lock.stat().st_mode) == is_now


def test_another_user_cannot_hold_a_lock_of_this_one(lock: Path) -> None:
    if os.geteuid():
        pytest.skip("needs root: another user tries it")
    lock.parent.chmod(0o755)
    with locked(lock):
        pass
    words = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "flock", "-n", str(lock), "true"]
    assert subprocess.run(words, capture_output=True).returncode != 0


def test_a_directory_that_a_stranger_has_locked_keeps_no_mail_back(house: House) -> None:
    """Whoever may look into it can lock it, another user too; and agents wait for nothing that another keeps."""
    mail = house.agent("@writer").mail_dir
    with subprocess.Popen(["flock", str(mail), "sleep", "60"], start_new_session=True) as stranger:
        try:
            wait_until(lambda: is_locked_directory(mail), what="it is locked")
            began = time.monotonic()
            done = house.mailcore("send", "@writer", "s", "b", "--from", "@lead")
            assert done.returncode == 0 and time.monotonic() - began < 9, done.stderr
            assert b"is kept locked by PID" in done.stderr and b"flock" in done.stderr
        finally:
            os.killpg(stranger.pid, signal.SIGKILL)
    assert [one.subject for one in house.inbox("@writer")] == ["s"]


def is_locked_directory(path: Path) -> bool:
    number = os.open(path, os.O_RDONLY)
    try:
        return bool(lock_holders(os.fstat(number)))
    finally:
        os.close(number)
