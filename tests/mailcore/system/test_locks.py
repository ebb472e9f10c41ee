"""Locks between processes, seen with real processes that hold them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailcore.system.locks import is_locked, locked, try_lock, wait_for_lock

pytestmark = pytest.mark.backends

HOLD = (
    "import fcntl, sys; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
)
COUNT = """
import sys
from pathlib import Path
from mailcore.system.locks import locked
lock, number, rounds = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
for _ in range(rounds):
    with locked(lock):
        value = int(number.read_text())
        number.write_text(str(value + 1))
        if value % 7 == 0:
            lock.unlink()  # as `git clean` does, or a person who tidies up
"""
TURNS = """
import sys, time
from pathlib import Path
from mailcore.system.locks import locked
lock, log, until = Path(sys.argv[1]), Path(sys.argv[2]), time.monotonic() + 3.0
while time.monotonic() < until:
    with locked(lock, 30), log.open("a") as file:
        file.write(sys.argv[3] + "\\n")
        busy = time.monotonic() + 0.002
        while time.monotonic() < busy:
            pass
"""


@contextmanager
def holder(lock: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "\n"
        yield process
    finally:
        process.communicate()


def test_a_lock_that_is_removed_under_its_holder_still_lets_one_in_at_a_time(tmp_path: Path) -> None:
    """Each seventh holder removes the file: on the name alone two would be in, and counts would be lost."""
    number = tmp_path / "number"
    number.write_text("0")
    words = [sys.executable, "-c", COUNT, str(tmp_path / ".lock"), str(number), "300"]
    writers = [subprocess.Popen(words) for _ in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    assert number.read_text() == "1200"


def test_whoever_waits_for_a_file_that_is_removed_gets_the_one_that_took_its_place(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    got = threading.Event()
    with holder(lock):

        def wait() -> None:
            with locked(lock, 20):
                assert is_locked(lock)
                got.set()

        thread = threading.Thread(target=wait)
        thread.start()
        lock.unlink()
    thread.join(20)
    assert got.is_set()


def test_a_lock_is_waited_for_and_tried_on_the_file_that_is_there(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    with holder(lock):
        assert try_lock(lock) is None
        lock.unlink()
        first = try_lock(lock)
        assert first is not None, "another file of that name is free"
        assert try_lock(lock) is None
    with open(first, "rb"):
        pass
    with open(wait_for_lock(lock), "rb"):
        assert is_locked(lock)
    assert not is_locked(lock)


@pytest.mark.parametrize("kind", ["fifo", "link", "directory"])
def test_what_is_no_regular_file_is_no_lock_and_keeps_nobody_waiting(tmp_path: Path, kind: str) -> None:
    lock = tmp_path / ".lock"
    if kind == "fifo":
        os.mkfifo(lock)
    elif kind == "link":
        lock.symlink_to(tmp_path / "made")
    else:
        lock.mkdir()
    with pytest.raises(OSError, match=r"refused|directory"), locked(lock):
        pytest.fail("it is no lock")
    with pytest.raises(OSError, match=r"refused|directory"):
        try_lock(lock)
    assert not (tmp_path / "made").exists()


def test_nobody_who_waits_is_passed_over(tmp_path: Path) -> None:
    """Eight contend for three seconds: each gets its turns, none a tenth of what is fair."""
    log = tmp_path / "log"
    words = [sys.executable, "-c", TURNS, str(tmp_path / ".lock"), str(log)]
    contenders = [subprocess.Popen([*words, str(n)]) for n in range(8)]
    assert [one.wait(60) for one in contenders] == [0] * 8
    turns = Counter(log.read_text().split())
    fair = turns.total() / 8
    print("turns:", dict(turns))
    assert len(turns) == 8 and min(turns.values()) > fair / 10
