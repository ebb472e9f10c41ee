"""Logs that are rotated while they are read: every line once, or said to be lost."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailcore.model.agent import Agent
from mailcore.observe.agent_reader import AgentReader
from mailcore.observe.facts import Lost, Seen
from mailcore.observe.file_tail import FileTail
from mailcore.observe.log_rotation import MOST_ROTATED, file_identity, open_moved
from mailcore.system.open_files import OpenFiles


@pytest.fixture
def held() -> Iterator[OpenFiles]:
    files = OpenFiles()
    yield files
    files.close()


def all_of(tail: FileTail, held: OpenFiles) -> list[str]:
    lines = tail.follow(held)
    while tail.behind:
        lines += tail.follow(held)
    return [line.decode() for line in lines]


def put(path: Path, *lines: object) -> None:
    with path.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


def rename(path: Path) -> None:
    path.rename(f"{path}.1")


def dated(path: Path) -> None:
    path.rename(f"{path}-20261129")


def copytruncate(path: Path) -> None:
    shutil.copy(path, f"{path}.1")
    os.truncate(path, 0)


def remove(path: Path) -> None:
    path.unlink()


def pack(path: Path) -> None:
    with path.open("rb") as file, gzip.open(f"{path}.1.gz", "wb") as packed:
        shutil.copyfileobj(file, packed)
    path.unlink()


WAYS: list[Callable[[Path], None]] = [rename, dated, copytruncate, remove, pack]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("unread", [0, 3])
def test_what_was_read_before_is_not_read_again_and_what_comes_after_is(
    tmp_path: Path, held: OpenFiles, way: Callable[[Path], None], unread: int
) -> None:
    path = tmp_path / "app.log"
    put(path, "a", "b")
    tail = FileTail(path)
    assert all_of(tail, held) == ["a", "b"]
    late = [f"late {n}" for n in range(unread)]
    put(path, *late)
    way(path)
    put(path, "c", "d")
    assert all_of(tail, held) == [*late, "c", "d"]
    put(path, "e")
    assert all_of(tail, held) == ["e"] and tail.lost == 0


@pytest.mark.parametrize("way", [rename, dated, remove, pack])
def test_a_file_that_is_not_held_open_is_found_by_its_inode_or_said_to_be_lost(
    tmp_path: Path, held: OpenFiles, way: Callable[[Path], None]
) -> None:
    path = tmp_path / "app.log"
    put(path, "a")
    tail = FileTail(path)
    assert all_of(tail, held) == ["a"]
    put(path, "late")
    held.close()
    inode = path.stat().st_ino
    way(path)
    put(tmp_path / "other", *range(99))  # it may be given the number of the file that went
    put(path, "c")
    found = way in (rename, dated)
    assert all_of(tail, held) == (["late", "c"] if found else ["c"])
    if path.stat().st_ino != inode:  # else the file system gave the number again: it looks as if it was cut
        assert tail.lost == (0 if found else 1)


def test_a_file_that_was_cut_in_the_midst_of_its_writing_is_said_to_have_lost_lines(
    tmp_path: Path, held: OpenFiles
) -> None:
    path = tmp_path / "app.log"
    put(path, "a", "b")
    tail = FileTail(path)
    all_of(tail, held)
    path.write_text("c\n")
    assert all_of(tail, held) == ["c"] and tail.lost == 1
    os.utime(path, (1, 1))
    all_of(tail, held)
    path.write_text("")
    put(path, "e")
    assert all_of(tail, held) == ["e"] and tail.lost == 1, "written long before it was cut"


def test_an_older_copy_is_not_taken_for_that_of_a_file_that_was_cut(tmp_path: Path, held: OpenFiles) -> None:
    path = tmp_path / "app.log"
    put(Path(f"{path}.1"), *["."] * 100)
    os.utime(f"{path}.1", (1, 1))
    put(path, *["."] * 50)
    tail = FileTail(path)
    assert len(all_of(tail, held)) == 50
    path.write_text("new\n")
    assert all_of(tail, held) == ["new"]


def test_what_was_rotated_twice_between_two_looks_is_read_in_order(tmp_path: Path, held: OpenFiles) -> None:
    path = tmp_path / "app.log"
    put(path, "a")
    tail = FileTail(path)
    all_of(tail, held)
    for number in range(3):
        put(path, f"late {number}")
        for age in (2, 1):
            if (older := Path(f"{path}.{age}")).exists():
                older.rename(f"{path}.{age + 1}")
        rename(path)
        os.utime(f"{path}.1", (number + 10, number + 10))  # rotated files are known apart by their times
        put(path, f"first {number}")
    assert all_of(tail, held) == ["late 0", "first 0", "late 1", "first 1", "late 2", "first 2"]


def test_the_last_line_of_a_rotated_file_needs_no_end(tmp_path: Path, held: OpenFiles) -> None:
    path = tmp_path / "app.log"
    put(path, "a")
    tail = FileTail(path)
    all_of(tail, held)
    with path.open("a") as file:
        file.write("torn")
    rename(path)
    put(path, "b")
    assert all_of(tail, held) == ["torn", "b"]


def test_an_old_rotated_file_beside_it_is_not_read(tmp_path: Path, held: OpenFiles) -> None:
    path = tmp_path / "app.log"
    put(Path(f"{path}.1"), "old")
    os.utime(f"{path}.1", (1, 1))
    put(path, "a")
    tail = FileTail(path)
    assert all_of(tail, held) == ["a"]
    Path(f"{path}.1").rename(f"{path}.2")
    rename(path)
    put(path, "b")
    assert all_of(tail, held) == ["b"]


def test_no_descriptor_is_left_open(tmp_path: Path, held: OpenFiles) -> None:
    path = tmp_path / "app.log"
    put(path, "a")
    tail = FileTail(path)
    all_of(tail, held)
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(20):
        put(path, "late")
        rename(path)
        put(path, "b")
        assert all_of(tail, held)[-1] == "b"
    assert len(list(Path("/dev/fd").iterdir())) <= before


class Watch:
    """A branch's logs, read as the screen reads them."""

    def __init__(self, root: Path) -> None:
        self.logs = root / "a" / "logs"
        self.logs.mkdir(parents=True)
        self.files = OpenFiles()
        self.branch = AgentReader(Agent("@a", "A", root / "a", root=root), self.files)
        self.told: list[str] = []
        self.lost = 0
        self.look()

    def look(self) -> list[str]:
        """What one look tells."""
        found = []
        for fact in self.branch.refresh():
            if isinstance(fact, Seen):
                found += [one.text for one in fact.activities]
            if isinstance(fact, Lost):
                self.lost = fact.lines
        self.told += found
        return found


def test_a_log_that_was_renamed_to_another_log_is_told_once(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    put(watch.logs / "app.log", "one", "two")
    assert watch.look() == ["one", "two"]
    put(watch.logs / "app.log", "three")
    (watch.logs / "app.log").rename(watch.logs / "app.1.log")
    put(watch.logs / "app.log", "four")
    watch.look()
    watch.look()
    assert sorted(watch.told) == sorted(["one", "two", "three", "four"])


def test_a_log_that_appears_while_we_look_is_read_from_its_beginning(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    lines = [f"line {number} {'x' * 100}" for number in range(200)]
    put(watch.logs / "new.log", *lines)
    assert watch.look() == lines


def test_a_file_that_is_away_for_a_look_comes_back(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    put(watch.logs / "app.log", "one")
    watch.look()
    put(watch.logs / "app.log", "two")
    (watch.logs / "app.log").rename(watch.logs / "app.log.1")
    assert watch.look() == ["two"]
    put(watch.logs / "app.log", *(f"three {'x' * 9000}" for _ in range(2)))
    assert len(watch.look()) == 2


WRITER = """
import logging, logging.handlers, os, sys
handler = logging.handlers.RotatingFileHandler(sys.argv[1], maxBytes=50_000, backupCount=int(sys.argv[4]))
log = logging.getLogger("x"); log.addHandler(handler); log.setLevel(10)
burst, many = int(sys.argv[2]), int(sys.argv[3])
for number in range(many):
    if number % burst == 0: os.write(1, b"."), os.read(0, 1)
    log.info("line %06d of a log that is rotated while it is read", number)
"""


@pytest.mark.parametrize(("burst", "many"), [(20, 4000), (1, 120)])
def test_every_line_of_pythons_rotating_handler_is_told_once(tmp_path: Path, burst: int, many: int) -> None:
    """AIPass's own setting, 50 kB; read while each burst is written."""
    watch = Watch(tmp_path)
    words = [sys.executable, "-c", WRITER, str(watch.logs / "app.log"), str(burst), str(many), "50"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as writer:
        assert writer.stdin is not None and writer.stdout is not None
        while writer.stdout.read(1):  # the burst before is written
            writer.stdin.write(b"\n")
            watch.look()
    watch.look()
    assert writer.returncode == 0
    numbers = [int(text.split()[1]) for text in watch.told]
    assert numbers == sorted(set(numbers)), "none twice, in their order"
    assert len(numbers) == many and watch.lost == 0


def test_a_progress_bar_and_dots_are_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailcore.observe.log_reader.LIFE_PERIOD", 0.0)
    watch = Watch(tmp_path)
    with (watch.logs / "app.log").open("wb", buffering=0) as file:
        file.write(b"\rdownloading 1 %")
        assert watch.look() == ["downloading 1 %"]
        file.write(b"\rdownloading 2 %")
        assert watch.look() == ["downloading 2 %"]
        assert watch.look() == []
        file.write(b"\rdone\n....")
        assert watch.look() == ["done"]
        file.write(b"...")
        assert watch.look() == ["......."]


def test_a_line_that_is_seen_half_written_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel makes two writes of one that crosses a page."""
    monkeypatch.setattr("mailcore.observe.log_reader.LIFE_PERIOD", 0.0)
    watch = Watch(tmp_path)
    with (watch.logs / "app.log").open("wb", buffering=0) as file:
        for number in range(3):
            file.write(b"line %d of a" % number)
            assert watch.look() == []
            file.write(b" log\n")
            assert watch.look() == [f"line {number} of a log"]
        file.write(b".")
        assert watch.look() == []
        file.write(b".")
        assert watch.look() == [".."], "what goes on without an end is a sign of life"


def test_life_of_one_line_is_told_at_times_only(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    with (watch.logs / "app.log").open("wb", buffering=0) as file:
        for number in range(50):
            file.write(b"\r%d %%" % number)
            watch.look()
    assert 1 <= len(watch.told) <= 2


def test_of_many_that_were_rotated_few_are_open_at_once(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    put(path, "first")
    known = file_identity(path.stat())
    path.rename(tmp_path / "app.log.9000")
    for number in range(300):
        put(tmp_path / f"app.log.{number}", number)
        os.utime(tmp_path / f"app.log.{number}", ns=(0, 2**62 + number))
    opened = open_moved(path, known)
    try:
        assert len(opened) == MOST_ROTATED
        assert [os.pread(one, 9, 0) for one in opened[:3]] == [b"first\n", b"0\n", b"1\n"]
    finally:
        for one in opened:
            os.close(one)
