from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mailcore.observe.file_stamps import inode
from mailcore.observe.watch import Batch, WorkspaceWatch

pytestmark = pytest.mark.backends

ROOT = Path(__file__).parents[2]
Wait = Callable[[Callable[[], object], float, str], None]


def directories(*paths: Path) -> Callable[[], dict[str, int]]:
    return lambda: {str(path): inode(path) for path in paths if inode(path)}


def until(batches: WorkspaceWatch, wanted: Callable[[Batch], object], seconds: float = 5) -> Batch:
    deadline = threading.Timer(seconds, batches.stop)
    deadline.start()
    try:
        for batch in batches:
            if wanted(batch):
                return batch
    finally:
        deadline.cancel()
    raise AssertionError(f"it did not come within {seconds:g} s")


def standing(batches: WorkspaceWatch) -> None:
    """The watches stand: told by a sweep, long before its period is over."""
    until(batches, lambda batch: batch.sweep)


def watching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "watch"]


@pytest.mark.elsewhere
def test_a_changed_file_is_told_within_a_tenth_of_a_second(tmp_path: Path) -> None:
    with WorkspaceWatch(directories(tmp_path), 60) as batches:
        standing(batches)
        inbox = tmp_path / "inbox.json"
        began = time.monotonic()
        inbox.write_text("{}")
        batch = until(batches, lambda batch: str(inbox) in batch.paths)
        assert time.monotonic() - began < 1.0
        assert not batch.sweep


def test_files_of_nobodys_concern_are_not_told(tmp_path: Path) -> None:
    with WorkspaceWatch(directories(tmp_path), 60) as batches:
        standing(batches)
        for name in (".inbox.lock", ".inbox.json.tmp", "main.py", "x.swp"):
            (tmp_path / name).write_text("")
        (tmp_path / ".dispatch.lock").write_text("")
        batch = until(batches, lambda batch: batch.paths)
        assert batch.paths == {str(tmp_path / ".dispatch.lock")}


def test_a_directory_that_came_later_is_watched_too(tmp_path: Path) -> None:
    run = tmp_path / "20261122T010000-aa"
    with WorkspaceWatch(directories(tmp_path, run), 60) as batches:
        standing(batches)
        run.mkdir()
        standing(batches)
        (run / "run.jsonl").write_text("")
        assert until(batches, lambda batch: str(run / "run.jsonl") in batch.paths)


def test_a_directory_made_anew_is_watched_again(tmp_path: Path) -> None:
    mail = tmp_path / ".ai_mail.local"
    mail.mkdir()
    with WorkspaceWatch(directories(tmp_path, mail), 0.2) as batches:
        standing(batches)
        for _ in range(3):
            shutil.rmtree(mail)
            mail.mkdir()
            for _ in range(3):
                until(batches, lambda batch: batch.sweep)
            (mail / "inbox.json").write_text("{}")
            assert until(batches, lambda batch: str(mail / "inbox.json") in batch.paths)


def test_many_late_directories_are_watched_too(tmp_path: Path) -> None:
    wanted = [tmp_path]
    with WorkspaceWatch(lambda: directories(*wanted)(), 0.2) as batches:
        standing(batches)
        for n in range(300):
            wanted.append(tmp_path / f"d{n}")
            wanted[-1].mkdir()
        last = str(wanted[-1] / "x.log")
        # Until a sweep has found them no watch stands, so the file is written again and again.
        for _ in range(200):
            (wanted[-1] / "x.log").write_text("")
            if last in until(batches, lambda batch: batch.sweep or batch.paths).paths:
                break
        else:
            raise AssertionError("the newest directory is not watched")
        assert sum(thread.name == "watch" for thread in threading.enumerate()) <= 2


def test_without_the_kernel_the_sweeps_go_on(tmp_path: Path) -> None:
    with WorkspaceWatch(directories(tmp_path), 0.05, kernel=False) as batches:
        for _ in range(3):
            assert until(batches, lambda batch: batch.sweep and not batch.paths)
        assert watching() == []


@pytest.mark.linux_only("the portable backend looks each period")
def test_while_nothing_changes_all_is_looked_at_in_every_fifth_period(tmp_path: Path) -> None:
    with WorkspaceWatch(directories(tmp_path), 0.2) as batches:
        stream = iter(batches)
        assert next(stream).sweep, "the watch stands"
        began = time.monotonic()
        assert next(stream).sweep
        assert 0.9 < time.monotonic() - began < 3.0
        (tmp_path / "a.log").write_text("")
        assert not next(stream).sweep
        assert next(stream).glance, "what changed is looked at once more, before all is"
        assert next(stream).sweep


@pytest.mark.linux_only("the portable backend looks each period")
def test_what_no_file_tells_is_looked_at_each_period(tmp_path: Path) -> None:
    with WorkspaceWatch(directories(tmp_path), 0.2, waits=lambda: True) as batches:
        stream = iter(batches)
        assert next(stream).sweep
        assert [next(stream).glance for _ in range(3)] == [True] * 3


@pytest.mark.linux_only("the portable backend looks each period")
def test_where_others_may_write_all_is_looked_at_each_period(tmp_path: Path) -> None:
    """Of a file system that other machines write, as of /proc, the kernel tells less than changes."""
    with WorkspaceWatch(directories(tmp_path, Path("/proc/self")), 0.2) as batches:
        stream = iter(batches)
        began = time.monotonic()
        assert [next(stream).sweep for _ in range(4)] == [True] * 4
        assert 0.5 < time.monotonic() - began < 3.0


LIMITED = """
import sys
from pathlib import Path
from mailcore.observe.file_stamps import inode
from mailcore.observe.watch import WorkspaceWatch
places = [Path(sys.argv[1], name) for name in ("a", "b", "c", "d")]
for place in places: place.mkdir(exist_ok=True)
with WorkspaceWatch(lambda: {str(place): inode(place) for place in places}, 0.1) as batches:
    for batch in batches:
        if batch.note and batch.sweep:
            print(batch.note)
            break
"""


@pytest.mark.linux_only("the limit that is set here is inotify's")
@pytest.mark.parametrize("limit", ["max_inotify_watches", "max_inotify_instances"])
def test_at_the_kernels_limit_sweeps_go_on_and_a_note_says_so(tmp_path: Path, limit: str) -> None:
    """A user namespace has limits of its own: the machine's stay as they are."""
    number = 2 if limit == "max_inotify_watches" else 0
    script = f'echo {number} > /proc/sys/user/{limit} && exec "$0" -c "$1" "$2"'
    words = ["unshare", "--user", "--map-root-user", "sh", "-c", script, sys.executable, LIMITED, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, cwd=ROOT)
    if "unshare" in done.stderr:
        pytest.skip(f"no user namespaces here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert "0.1 s" in done.stdout and "raise fs.inotify.max_user" in done.stdout


def test_a_directory_that_went_before_its_watch_stood_is_no_failure(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    told = [{str(tmp_path): 1, str(gone): 2}]
    with WorkspaceWatch(lambda: told.pop() if told else directories(tmp_path)(), 0.1) as batches:
        for _ in range(4):
            batch = until(batches, lambda batch: batch.sweep)
        assert batch.note == ""
        (tmp_path / "a.log").write_text("")
        assert until(batches, lambda batch: str(tmp_path / "a.log") in batch.paths)


def test_a_name_that_is_no_utf8_ends_no_watch_for_good(tmp_path: Path) -> None:
    with WorkspaceWatch(directories(tmp_path), 0.2) as batches:
        standing(batches)
        for n in range(2):
            (tmp_path / os.fsdecode(b"x\xff%d" % n)).write_text("")
            # The watch breaks over it, unseen, and is set up anew after a sweep.
            until(batches, lambda batch: batch.sweep)
            until(batches, lambda batch: batch.sweep)
        for _ in range(5):
            (tmp_path / "a.log").write_text("")
            if str(tmp_path / "a.log") in until(batches, lambda batch: batch.sweep or batch.paths).paths:
                break
        else:
            raise AssertionError("nothing is watched any more")
        assert until(batches, lambda batch: batch.sweep).note == ""


def test_a_directory_whose_name_is_no_utf8_costs_the_others_no_watch(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"odd\xff")
    odd.mkdir()
    with WorkspaceWatch(directories(odd, tmp_path), 60) as batches:
        standing(batches)
        (tmp_path / "a.log").write_text("")
        batch = until(batches, lambda batch: str(tmp_path / "a.log") in batch.paths)
        assert batch.note == ""


def test_closing_ends_the_threads(
    tmp_path: Path, wait_until: Callable[[Callable[[], object], float, str], None]
) -> None:
    with WorkspaceWatch(directories(tmp_path), 60) as batches:
        standing(batches)
    wait_until(lambda: watching() == [], 5, "its threads end")
    assert watching() == []
