"""Append-only JSONL that several processes write and any of them may be killed in."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mailcore.formats import journal
from tests.mailcore.conftest import wait_until

APPEND = """
import sys
from pathlib import Path
from mailcore.formats import journal
for n in range(int(sys.argv[3])):
    journal.append_record(Path(sys.argv[1]), {"who": sys.argv[2], "n": n, "pad": "x" * 5000})
"""


def test_what_is_appended_is_read_with_its_time(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    journal.append_record(path, {"event": "a", "text": "zwei\nzeilen ü \ud800"}, durable=True)
    journal.append_record(path, {"event": "b"})
    first, second = journal.read_records(path)
    assert (first["event"], first["text"], second["event"]) == ("a", "zwei\nzeilen ü ?", "b")
    assert datetime.fromisoformat(first["at"]).utcoffset() is not None
    assert path.read_bytes().count(b"\n") == 2


def test_no_file_no_directory_and_a_file_for_a_directory_are_empty(tmp_path: Path) -> None:
    assert journal.read_records(tmp_path / "none.jsonl") == []
    assert journal.read_records(tmp_path / "none" / "none.jsonl") == []
    (tmp_path / "file").write_text("x")
    assert journal.read_records(tmp_path / "file" / "none.jsonl") == []


def test_a_torn_line_is_skipped_and_the_next_record_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    journal.append_record(path, {"n": 1})
    with path.open("ab") as file:
        file.write(b'{"n": 2, "torn": "mid')
    assert [r["n"] for r in journal.read_records(path)] == [1]
    journal.append_record(path, {"n": 3})
    assert [r["n"] for r in journal.read_records(path)] == [1, 3]


def test_writers_never_interleave(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", APPEND, str(path), str(who), "100"]) for who in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    records = journal.read_records(path)
    assert len(records) == 300
    for who in range(3):
        assert [r["n"] for r in records if r["who"] == str(who)] == list(range(100))


def test_a_killed_writer_costs_one_line_at_most(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    for round_ in range(8):
        path.unlink(missing_ok=True)
        writer = subprocess.Popen([sys.executable, "-c", APPEND, str(path), "w", "1000000"])
        wait_until(path.exists, what="it writes")
        threading.Event().wait(0.004 * round_)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        journal.append_record(path, {"who": "after"})
        records = journal.read_records(path)
        assert records[-1]["who"] == "after"
        assert [r["n"] for r in records[:-1]] == list(range(len(records) - 1))


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_any_lines_are_parsed_without_raising(lines: list[bytes]) -> None:
    assert all(isinstance(record, dict) for record in journal.parse_records(lines))
