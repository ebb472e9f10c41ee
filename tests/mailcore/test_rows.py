"""Rows written by a thread of its own are all there at the end, or their error is."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator

import pytest

from mailcore.mail.rows import Writer


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    made.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)")
    yield made
    made.close()


@pytest.mark.parametrize("apart", [False, True], ids=["at once", "apart"])
def test_all_rows_are_there_at_the_end(connection: sqlite3.Connection, apart: bool) -> None:
    with Writer(connection, apart=apart) as writer:
        for start in range(0, 5_000, 500):
            writer.write("INSERT INTO t", [(number, str(number)) for number in range(start, start + 500)])
        writer.write("INSERT INTO t", [])
    assert connection.execute("SELECT count(*), sum(b) FROM t").fetchone() == (5_000, sum(range(5_000)))


@pytest.mark.parametrize("apart", [False, True], ids=["at once", "apart"])
def test_what_fails_is_raised_and_no_thread_stays(connection: sqlite3.Connection, apart: bool) -> None:
    before = threading.active_count()
    with pytest.raises(sqlite3.IntegrityError), Writer(connection, apart=apart) as writer:
        writer.write("INSERT INTO t", [(1, "a"), (1, "b")])
        writer.write("INSERT INTO t", [(2, "c")])
    assert threading.active_count() == before


def test_who_gives_the_rows_may_fail_too(connection: sqlite3.Connection) -> None:
    before = threading.active_count()
    with pytest.raises(OSError, match="the disk"), Writer(connection, apart=True) as writer:
        writer.write("INSERT INTO t", [(1, "a")])
        raise OSError("the disk")
    assert threading.active_count() == before
