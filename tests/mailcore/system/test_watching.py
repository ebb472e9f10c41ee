"""The one watcher, on the backend that these tests run with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailcore.system.processes import exit_notice
from mailcore.system.watching import Changes, Watcher, inodes

pytestmark = pytest.mark.backends

ROOT = Path(__file__).parents[3]


@contextmanager
def watching(*places: Path) -> Iterator[Watcher]:
    """A watcher whose watches stand."""
    with Watcher(60) as watcher:
        watcher.watch(inodes(places))
        every(watcher, {str(place) for place in places})
        yield watcher


def every(watcher: Watcher, wanted: set[str]) -> None:
    """Wait until each of these paths was told."""
    left = set(wanted)
    while left:
        left -= until(watcher, lambda changes: changes.paths).paths


def until(watcher: Watcher, wanted: Callable[[Changes], object], seconds: float = 5.0) -> Changes:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        changes = watcher.wait(deadline - time.monotonic())
        if wanted(changes):
            return changes
    raise AssertionError(f"it did not come within {seconds:g} s")


def test_each_kind_of_change_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    with watching(tmp_path) as watcher:
        for act in (
            lambda: file.write_text("{}"),
            lambda: file.write_text("{ }"),
            lambda: file.rename(tmp_path / "b.json") and (tmp_path / "b.json").rename(file),
            file.unlink,
            file.mkdir,
        ):
            act()
            assert str(file) in until(watcher, lambda changes: str(file) in changes.paths).paths


def test_a_wait_ends_at_its_time_when_woken_and_when_another_can_be_read(tmp_path: Path) -> None:
    with watching(tmp_path) as watcher:
        while watcher.wait(0.3).paths:  # what was told of its own beginning
            pass
        began = time.monotonic()
        assert watcher.wait(0.2) == Changes()
        assert 0.15 < time.monotonic() - began < 2
        threading.Timer(0.1, watcher.wake).start()
        assert watcher.wait(20) == Changes()
        process = subprocess.Popen(["sleep", "0.2"])
        with exit_notice(process.pid) as notice:
            assert watcher.wait(20, [notice]).ready
        process.wait()
        assert time.monotonic() - began < 10


def test_a_directory_made_anew_under_its_name_is_watched_when_it_is_named_again(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with watching(tmp_path, place) as watcher:
        for _ in range(3):
            shutil.rmtree(place)
            until(watcher, lambda changes: str(place) in changes.paths)
            place.mkdir()
            until(watcher, lambda changes: str(place) in changes.paths)
            watcher.watch(inodes([tmp_path, place]))
            until(watcher, lambda changes: str(place) in changes.paths)
            (place / "inbox.json").write_text("{}")
            assert until(watcher, lambda changes: str(place / "inbox.json") in changes.paths)


def test_two_names_of_one_directory_are_both_told(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    with watching(real, link) as watcher:
        (real / "a.log").write_text("")
        every(watcher, {str(real / "a.log"), str(link / "a.log")})
        watcher.watch(inodes([link]))
        (real / "b.log").write_text("")
        assert str(real / "b.log") not in until(watcher, lambda c: str(link / "b.log") in c.paths).paths


def test_without_the_kernel_each_look_says_that_something_may_be_lost(tmp_path: Path) -> None:
    with Watcher(0.1, kernel=False) as watcher:
        watcher.watch(inodes([tmp_path]))
        began = time.monotonic()
        for _ in range(3):
            assert until(watcher, lambda changes: changes.lost)
        assert 0.25 < time.monotonic() - began < 5
        # Short waits, one after another, come to a look too.
        assert any(watcher.wait(0.02).lost for _ in range(100))


@pytest.mark.linux_only("watchfiles does not tell that the kernel's queue overflowed")
def test_a_queue_that_overflowed_is_told(tmp_path: Path) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    with watching(tmp_path) as watcher:
        for n in range(limit // 2 + 100):
            (tmp_path / f"{n}.log").touch()
            (tmp_path / f"{n}.log").unlink()
        assert until(watcher, lambda changes: changes.lost)


def test_a_name_that_is_no_text_ends_no_watching(tmp_path: Path) -> None:
    with watching(tmp_path) as watcher:
        (tmp_path / os.fsdecode(b"x\xff")).write_text("")
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            (tmp_path / "a.log").write_text(str(time.monotonic()))
            changes = watcher.wait(0.2)
            watcher.watch(inodes([tmp_path]))
            if str(tmp_path / "a.log") in changes.paths:
                return
        pytest.fail("nothing is watched any more")


@pytest.mark.linux_only("the limit that is set here is inotify's")
def test_a_refusal_of_the_kernel_is_over_when_there_is_room_again(tmp_path: Path) -> None:
    """No descriptor left for an inotify instance, and then one: in a process of its own, whose limit is its own."""
    source = (
        "import os, resource, sys; from pathlib import Path; from mailcore.system.watching import Watcher, inodes\n"
        "place = inodes([Path(sys.argv[1])])\n"
        "with Watcher(0.05) as watcher:\n"
        "    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 4096)); taken = []\n"
        "    try:\n"
        "        while True: taken.append(os.open('/dev/null', os.O_RDONLY))\n"
        "    except OSError: pass\n"
        "    watcher.watch(place); print(watcher.trouble); print(watcher.wait(5).lost)\n"
        "    for _ in range(9): os.close(taken.pop())\n"
        "    watcher.watch(place); print(repr(watcher.trouble))\n"
        "    Path(sys.argv[1], 'a').touch()\n"
        "    while sys.argv[1] + '/a' not in watcher.wait(5).paths: pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", source, str(tmp_path)], capture_output=True, text=True, timeout=30, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    refused, lost, after = done.stdout.splitlines()
    assert "Too many open files" in refused and (lost, after) == ("True", "''")
