from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailcore.observe.file_tail import FileTail
from mailcore.system.open_files import OpenFiles

pytestmark = pytest.mark.backends


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "s.jsonl"
    path.write_text("")
    return path


def test_a_file_is_opened_once_and_closed_when_it_was_not_used_for_a_while(path: Path) -> None:
    held = OpenFiles()
    first = held.descriptor(str(path))
    held.tidy()
    assert held.descriptor(str(path)) == first
    held.tidy()
    held.tidy()
    assert len(held) == 0
    assert not is_open(first)


def test_of_too_many_the_one_used_last_of_all_goes(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in "abc"]
    for name in names:
        Path(name).write_text("")
    held = OpenFiles(2)
    a, b = held.descriptor(names[0]), held.descriptor(names[1])
    assert held.descriptor(names[0]) == a
    held.descriptor(names[2])
    assert (is_open(a), is_open(b), len(held)) == (True, False, 2)


def test_nothing_stays_open_when_it_is_gone(path: Path) -> None:
    held = OpenFiles()
    descriptor = held.descriptor(str(path))
    del held
    assert not is_open(descriptor)


def test_a_tail_reads_what_grows_without_opening_it_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, tail = OpenFiles(), FileTail(path)
    assert tail.read(held) == []
    monkeypatch.setattr(os, "open", None)
    append(path, "one\ntwo\nth")
    assert tail.read(held) == [b"one", b"two"]
    append(path, "ree\n")
    assert tail.read(held) == [b"three"]


def test_what_takes_the_place_of_a_held_file_is_read_from_its_start(path: Path) -> None:
    held, tail = OpenFiles(), FileTail(path)
    append(path, "old\n")
    tail.read(held)
    new = path.with_suffix(".new")
    new.write_text("new\n")
    new.replace(path)
    assert tail.read(held) == [b"new"]
    assert tail.restarts == 1


def test_a_held_file_that_is_truncated_or_deleted(path: Path) -> None:
    held, tail = OpenFiles(), FileTail(path)
    append(path, "a line of the old\n")
    tail.read(held)
    path.write_text("short\n")
    assert tail.read(held) == [b"short"]
    path.unlink()
    assert tail.read(held) == []
    assert len(held) == 0
    path.write_text("again\n")
    assert tail.read(held) == [b"again"]


def test_a_file_that_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    fifo = tmp_path / "s.jsonl"
    os.mkfifo(fifo)
    assert FileTail(fifo).read(OpenFiles()) == []
