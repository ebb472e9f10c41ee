"""flock, atomic replace, JSON: the ground that every mailbox stands on. Real processes contend and are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.exceptions import MailcoreError
from mailcore.formats import json_codec
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.message import MailboxStatus
from mailcore.system import locks, safe_open, writing
from tests.mailcore.conftest import wait_until

pytestmark = pytest.mark.backends

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.readline()
"""

COUNT = """
import sys
from pathlib import Path
from mailcore.system import locks
from mailcore.system import writing
path = Path(sys.argv[1])
for _ in range(int(sys.argv[2])):
    with locks.locked(path.with_name(".lock")):
        writing.replace(path, str(int(path.read_text()) + 1).encode())
"""


def test_more_parts_than_the_kernel_takes_at_once_are_written(tmp_path: Path) -> None:
    parts = [str(number).encode() for number in range(5000)]
    writing.replace(tmp_path / "file", *parts)
    assert (tmp_path / "file").read_bytes() == b"".join(parts)


def holder(lock: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def descriptors(path: Path) -> int:
    """How many descriptors of this process are open on `path`."""
    return sum(one.readlink() == path for one in Path("/proc/self/fd").iterdir() if one.is_symlink())


def test_processes_that_contend_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "count"
    path.write_text("0")
    workers = [subprocess.Popen([sys.executable, "-c", COUNT, str(path), "60"]) for _ in range(3)]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    assert path.read_text() == "180"
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "count"]


@pytest.mark.linux_only("POSIX names no holder of a flock")
def test_a_lock_held_too_long_names_the_holder_and_leaks_nothing(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    other = holder(lock)
    begun = time.monotonic()
    with pytest.raises(MailcoreError, match=f"PID {other.pid}") as error, locks.locked(lock, 0.3):
        pass
    assert 0.25 < time.monotonic() - begun < 5
    assert error.value.code == "locked" and str(lock) in str(error.value)
    other.communicate("go\n")
    # Given up for good: the lock is free for others, and nothing of the wait is left open.
    with locks.locked(lock, 10):
        pass
    wait_until(lambda: descriptors(lock) == 0, 10, "the descriptors of the wait are closed")


def test_a_waiter_gets_the_lock_as_soon_as_it_is_free(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    other = holder(lock)
    got = threading.Event()

    def take() -> None:
        with locks.locked(lock, 20):
            got.set()

    waiter = threading.Thread(target=take)
    waiter.start()
    assert not got.wait(0.2)
    other.communicate("go\n")
    assert got.wait(10)
    waiter.join()
    with locks.locked(lock, 0.2):  # and it was let go
        pass
    assert got.is_set()


def test_a_writer_killed_in_the_midst_leaves_old_or_new(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    source = (
        "import sys; from pathlib import Path; from mailcore.system import writing\n"
        "path = Path(sys.argv[1]); letters = 'ab'\n"
        "while True:\n"
        "    for letter in letters: writing.replace(path, (letter * 400_000).encode())\n"
    )
    for round_ in range(12):
        path.unlink(missing_ok=True)
        writer = subprocess.Popen([sys.executable, "-c", source, str(path)])
        wait_until(path.exists, what="the writer writes")
        threading.Event().wait(0.003 * round_)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        assert path.read_bytes() in (b"a" * 400_000, b"b" * 400_000)


def test_rights_are_kept_and_a_failed_write_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o640)
    writing.replace(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o640)
    limited = (
        "import resource, signal, sys; from pathlib import Path; from mailcore.system import writing\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: writing.replace(Path(sys.argv[1]), b'x' * 5000)\n"
        "except OSError as error: print(error.errno)\n"
    )
    done = subprocess.run([sys.executable, "-c", limited, str(path)], capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "27", done.stderr  # EFBIG
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_reader_never_sees_half(tmp_path: Path) -> None:
    path = tmp_path / "file"
    writing.replace(path, b"a" * 200_000)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for letter in (b"a", b"b"):
                writing.replace(path, letter * 200_000)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = [path.read_bytes() for _ in range(300)]
    finally:
        stop.set()
        writer.join()
    assert all(len(data) == 200_000 and len(set(data)) == 1 for data in seen)


def test_what_orjson_refuses_is_still_read_and_written() -> None:
    assert json_codec.loads(b'{"half": "\\ud800"}') == {"half": "\ud800"}
    assert json_codec.loads(json_codec.dumps({"half": "\ud800", "big": 2**70})) == {"half": "\ud800", "big": 2**70}
    assert json_codec.loads(b'\xef\xbb\xbf{"bom": 1}') == {"bom": 1}


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_a_value_survives_the_way_to_disk_and_back(value: Any) -> None:
    assert json_codec.loads(json_codec.dumps(value)) == value


def test_a_writer_put_aside_in_mid_write_makes_no_mailbox_unreadable(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox.json"
    inbox.write_bytes(b'{"messages": [{"id": "aaaa')
    assert read_mailbox(inbox).status is MailboxStatus.UNREADABLE
    begun, seen = threading.Event(), threading.Event()

    def write() -> None:
        with locks.locked(tmp_path / ".inbox.lock"):
            begun.set()
            seen.wait(0.3)  # longer than the 40 ms of quick looks; nobody sets it
            inbox.write_bytes(b'{"messages": [{"id": "aaaa"}]}')

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait(5)
    assert [message.id for message in read_mailbox(inbox).messages] == ["aaaa"]
    writer.join()


def test_a_file_is_read_into_no_more_memory_than_it_has_bytes(tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_bytes(b"x" * 1000)
    tracemalloc.start()
    try:
        assert len(safe_open.read_bytes(path)) == 1000
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_a_file_that_grew_since_it_was_looked_at_is_read_whole_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "grown"
    path.write_bytes(b"x" * 1000)
    with path.open("rb") as file:
        assert len(safe_open.read_whole(file, 10, path, 1000)) == 1000
    with path.open("rb") as file, pytest.raises(OSError, match="larger"):
        safe_open.read_whole(file, 10, path, 999)
