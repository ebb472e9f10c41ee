from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

from mailcore.observe.file_tail import MAX_LINE_BYTES, READ_BYTES, FileTail, last_lines


def drain(tail: FileTail) -> list[bytes]:
    lines = tail.read()
    while tail.behind:
        lines += tail.read()
    return lines


def test_only_new_lines_come_and_a_torn_one_waits_for_its_end(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"one\ntwo\n")
    tail = FileTail(log)
    assert tail.read() == [b"one", b"two"]
    assert tail.read() == []
    with log.open("ab") as file:
        file.write(b"thr")
    assert tail.read() == []
    with log.open("ab") as file:
        file.write(b"ee\r\nfour\n")
    assert tail.read() == [b"three", b"four"]


def test_starts_near_the_end_at_the_beginning_of_a_line(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"".join(b"line %04d\n" % n for n in range(1000)))
    assert FileTail(log, start_bytes=25).read() == [b"line 0998", b"line 0999"]
    assert FileTail(log, start_bytes=20).read() == [b"line 0998", b"line 0999"], "a line that is whole is kept"


def test_rotation_reads_the_new_file_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"old\n")
    tail = FileTail(log)
    tail.read()
    log.rename(tmp_path / "a.log.1")
    log.write_bytes(b"new, and longer than the old one\n")
    assert tail.read() == [b"new, and longer than the old one"]
    log.rename(tmp_path / "a.log.2")
    log.write_bytes(b"new, and longer than the old one\nmore\n")
    assert tail.read() == [b"new, and longer than the old one", b"more"], "another file, though it begins the same"


def test_truncation_is_seen_even_if_the_file_grew_past_the_old_place(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"first\nsecond\n")
    tail = FileTail(log)
    tail.read()
    os.truncate(log, 0)
    with log.open("ab") as file:
        file.write(b"x\n")
    assert tail.read() == [b"x"]
    os.truncate(log, 0)
    with log.open("ab") as file:
        file.write(b"something much longer than before\n")
    assert tail.read() == [b"something much longer than before"]


def test_a_vanished_file_comes_back_and_is_read_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    tail = FileTail(log, start_bytes=4)
    assert tail.read() == []
    log.write_bytes(b"born after the first look\n")
    assert tail.read() == [b"born after the first look"]
    log.unlink()
    assert (tail.read(), tail.modified) == ([], 0.0)
    log.write_bytes(b"again\n")
    assert tail.read() == [b"again"]


def test_a_huge_line_is_skipped_and_counted(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"before\n")
    tail = FileTail(log)
    tail.read()
    with log.open("ab") as file:
        file.write(b"x" * (MAX_LINE_BYTES + READ_BYTES) + b"\nafter\n")
    assert drain(tail) == [b"after"]
    assert tail.skipped == 1


def test_any_bytes_are_lines(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(bytes(b for b in range(256) if b != 10) + b"\n\x00\xff\n")
    assert len(FileTail(log).read()) == 2


def test_a_directory_or_a_pipe_in_its_place_reads_as_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.log")
    assert FileTail(tmp_path).read() == []
    assert FileTail(tmp_path / "pipe.log").read() == []


def test_one_call_costs_bounded_memory(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"")
    tail = FileTail(log)
    tail.read()
    log.write_bytes((b"x" * 99 + b"\n") * 200_000)  # 20 MB
    tracemalloc.start()
    lines = tail.read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert tail.behind
    assert len(lines) == READ_BYTES // 100
    assert peak < 8 * READ_BYTES


def test_last_lines_costs_what_it_returns(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"".join(b"line %06d\n" % n for n in range(100_000)) + b"torn")
    assert last_lines(log, 3) == ["line 099998", "line 099999", "torn"]
    assert len(last_lines(log, 20_000)) == 20_000
    assert last_lines(log, 0) == []
    assert last_lines(tmp_path / "none.log", 3) == []
    assert last_lines(tmp_path, 3) == []
    with log.open("r+b") as file:
        file.seek(10_000_000_000)  # sparse: a read of all of it would not end in time
        file.write(b"\nthe end\n")
    assert last_lines(log, 1) == ["the end"]
    assert sum(map(len, last_lines(log, 5, max_bytes=1000))) <= 1000
