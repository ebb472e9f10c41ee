"""Brings the index of all mail up to date: what is new or another is read and taken in, what is gone is taken out.

What is written at a time is sorted by its number, as SQLite's index of words is quick with rising numbers alone.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from mailcore.formats import json_codec
from mailcore.mail.mail_files import Source, Stamp, in_parts, mail_sources, read_mails, searchable_text
from mailcore.mail.search_index import (
    SECOND,
    IndexState,
    first_number,
    index_state,
    open_as_it_is,
    storable,
    transaction,
)
from mailcore.model.message import as_text, parse_time
from mailcore.text.progress import step
from mailcore.workspace.find import Workspace

YOUNG_NS = 2_100_000_000
"""Of a file that changed so short a time before it was read the next change may bear the same time: FAT counts 2 s."""
BATCH = 2000
"""Mails that are written at a time."""


class IndexBehind(Exception):
    """The index has some way to go until it holds all mail."""


@contextmanager
def open_index(
    workspace: Workspace, files: Sequence[Source] | None = None, most: int | None = None
) -> Iterator[tuple[sqlite3.Connection, list[str]]]:
    """The index as the mailboxes are at this moment, and the notes about those that cannot be read.

    `files`: the workspace's `mail_sources`, if known. Raises as `open_as_it_is` and `take_in`.
    """
    with open_as_it_is(workspace) as connection:
        done = take_in(connection, mail_sources(workspace) if files is None else files, most)
        yield connection, [*done.troubles.values()]


class Update(NamedTuple):
    """What bringing an index up to date came to."""

    troubles: dict[str, str]
    """Path of a mailbox that cannot be read → why, in words."""
    state: IndexState
    """What it came to."""


def take_in(
    connection: sqlite3.Connection,
    files: Sequence[Source],
    most: int | None = None,
    places: Collection[str] | None = None,
) -> Update:
    """Read again what has changed: `files` are those that there are, as of `mail_sources`, with the same `places`.

    `most`: where more of them have changed, so many are taken in, or a sixteenth if that is more, and IndexBehind is
    raised: the next one goes on from there.
    """
    now = {source.path: source.stamp for source in files}
    state = index_state(connection)
    settled = places is not None or state.whole
    if settled and now == {path: stamp for path, (_, stamp) in _known(connection, places).items()}:
        return Update({}, state)
    troubles: dict[str, str] = {}
    with transaction(connection):
        known = _known(connection, places)
        change = _Change(connection)
        for path in known.keys() - now.keys():
            change.forget(known[path][0])
        changed = [one for one in files if one.path not in known or known[one.path][1] != one.stamp]
        left = len(changed) if most is None else max(most, len(changed) // 16)
        taken = 0
        for part in in_parts(changed[:left]):
            taken += len(part)
            for source, raws, trouble in read_mails(part):
                change.take(source, known.get(source.path, (0,))[0], raws)
                step("taking new mail into the index", taken, len(changed))
                troubles |= {source.path: trouble} if trouble else {}
            change.write_if_many()
        change.write()
        whole = taken == len(changed) and (places is None or index_state(connection).whole)
        connection.execute("UPDATE form SET whole = ?, version = version + ?", [whole, change.changed])
        state = index_state(connection)
    if taken < len(changed):
        raise IndexBehind
    return Update(troubles, state)


def _known(connection: sqlite3.Connection, places: Collection[str] | None) -> dict[str, tuple[int, Stamp]]:
    """Path → number and stamp of each file that was read."""
    select, found = "SELECT path, id, size, mtime, inode, touched FROM source", []
    if places is None:
        found = connection.execute(select).fetchall()
    for place in places or ():
        path = storable(place)
        values = [path, f"{path}/", f"{path}0"]
        found += connection.execute(f"{select} WHERE path = ? OR path > ? AND path < ?", values)
    return {path: (number, (size, mtime, inode, touched)) for path, number, size, mtime, inode, touched in found}


class _Change:
    """What is to be written within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.changed = False
        self.last_source = int(connection.execute("SELECT ifnull(max(id), 0) FROM source").fetchone()[0])
        self.last_of: dict[int, int] = {}
        """Second → the last number of it that is taken."""
        self.files: list[tuple[Any, ...]] = []
        self.mails: list[tuple[Any, ...]] = []
        self.texts: list[tuple[int, str]] = []
        self.gone: list[tuple[int, str]] = []

    def take(self, source: Source, number: int, raws: list[dict[str, Any]] | None) -> None:
        """Let the rows of a file be what lies in it now (None: unreadable): those that stay are not touched.

        `number`: of its row; 0 for a file that has none.
        """
        # A file that could not be read, or that may change once more within its time, is read again next time.
        sure = raws is not None and time.time_ns() - max(source.stamp[1], source.stamp[3]) > YOUNG_NS
        kept: dict[bytes, list[tuple[int, str, int]]] = {}
        if number:
            for row, owner, is_open, raw in self._rows_of(number):
                kept.setdefault(raw, []).append((row, owner, is_open))
        else:
            number = self.last_source = self.last_source + 1
        self.files.append((number, storable(source.path), *(source.stamp if sure else (-1, *source.stamp[1:]))))
        for one in raws or ():
            raw = json_codec.dumps_line(one)
            if kept.get(raw):
                kept[raw].pop()
            else:
                self._add(source, number, one, raw)
        for raw, left in kept.items():
            for row, owner, is_open in left:
                self._drop(row, owner, is_open, raw)

    def _add(self, source: Source, number: int, mail: dict[str, Any], raw: bytes) -> None:
        owner, sender = source.agent.address, storable(as_text(mail, "from"))
        names = storable(as_text(mail, "id")), storable(as_text(mail, "sent_id"))
        at = parse_time(mail.get("timestamp"))
        seq = mail.get("seq")
        seq = seq if isinstance(seq, int) and 0 < seq < 1 << 62 else None
        is_open = not source.name and mail.get("status") != "closed"
        row = self._number(at)
        self.mails.append((row, number, owner, sender, *names, at, storable(source.name), is_open, seq, raw))
        self.texts.append((row, searchable_text(mail, owner, is_open=is_open)))

    def _number(self, at: float) -> int:
        """One that no mail has yet: of the second of its time, or of the first one after it that is not full."""
        first = first_number(at)
        while True:
            last = self.last_of.get(first)
            if last is None:
                query = "SELECT ifnull(max(id), ?) FROM mail WHERE id >= ? AND id < ?"
                last = int(self.connection.execute(query, [first - 1, first, first + SECOND]).fetchone()[0])
            if last + 1 < first + SECOND:
                self.last_of[first] = last + 1
                return last + 1
            self.last_of[first] = last
            first += SECOND

    def forget(self, number: int) -> None:
        """Take out a file that is gone, with its mail."""
        for row, owner, is_open, raw in self._rows_of(number):
            self._drop(row, owner, is_open, raw)
        self.connection.execute("DELETE FROM source WHERE id = ?", [number])

    def _rows_of(self, number: int) -> list[tuple[int, str, int, bytes]]:
        return self.connection.execute("SELECT id, owner, open, raw FROM mail WHERE source = ?", [number]).fetchall()

    def _drop(self, row: int, owner: str, is_open: int, raw: bytes) -> None:
        self.gone.append((row, searchable_text(json_codec.loads(raw), owner, is_open=bool(is_open))))

    def write_if_many(self) -> None:
        """Write what was taken, if that is much by now."""
        if len(self.texts) >= BATCH:
            self.write()

    def write(self) -> None:
        """Write what was taken since the last time."""
        self.changed = self.changed or bool(self.mails or self.gone)
        many = self.connection.executemany
        many("INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", sorted(self.gone))
        many("DELETE FROM mail WHERE id = ?", [(row,) for row, _ in self.gone])
        many("REPLACE INTO source VALUES (?, ?, ?, ?, ?, ?)", self.files)
        many("INSERT INTO mail VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", sorted(self.mails))
        many("INSERT INTO words (rowid, text) VALUES (?, ?)", sorted(self.texts))
        self.files, self.mails, self.texts, self.gone = [], [], [], []
