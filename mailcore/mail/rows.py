"""Rows written many at a time, where it is worth it by a thread of its own: SQLite works while Python goes on."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Any

MOST = 990
"""Values in one statement; every SQLite takes 999."""

Row = tuple[Any, ...]


class Writer:
    """Writes rows within a transaction of its connection. A context, at whose end all is written."""

    def __init__(self, connection: sqlite3.Connection, *, apart: bool) -> None:
        """`apart`: in a thread, while who gives the rows makes the next ones, and leaves the connection alone."""
        self._connection = connection
        self._given: SimpleQueue[tuple[str, Sequence[Row]] | None] = SimpleQueue()
        self._failed: list[Exception] = []
        self._thread = threading.Thread(target=self._work) if apart else None

    def __enter__(self) -> Writer:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(self, kind: object, *raised: object) -> None:
        if self._thread is not None:
            self._given.put(None)
            self._thread.join()
            if self._failed and kind is None:
                raise self._failed[0]

    def write(self, statement: str, rows: Sequence[Row]) -> None:
        """Write these with `statement` (`INSERT INTO t`), now or soon; sqlite3.Error at the latest at the end."""
        if not rows:
            return
        if self._thread is None:
            self._write(statement, rows)
        else:
            self._given.put((statement, rows))

    def _work(self) -> None:
        while (given := self._given.get()) is not None:
            if self._failed:
                continue
            try:
                self._write(*given)
            except Exception as error:  # whatever it is, it is the other thread's
                self._failed.append(error)

    def _write(self, statement: str, rows: Sequence[Row]) -> None:
        places = ", ".join("?" * len(rows[0]))
        self._connection.executemany(f"{statement} VALUES ({places})", rows)
