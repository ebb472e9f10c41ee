"""The index of all mail's words: an SQLite file, made from the mailboxes and never more than a copy of them.

Whoever uses it brings it up to date first: a file of mail whose stamp is another is read again. Where it is broken, of
another form or of another boot (it is written without waiting for the disk), it is made again.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from mailcore.formats import json_codec
from mailcore.mail.mail_files import Files, Source, Stamp, mail_sources, read_mails, searchable_text
from mailcore.model.message import as_text, parse_time
from mailcore.system import self_ignore
from mailcore.system.processes import boot_id
from mailcore.text.progress import step
from mailcore.workspace.find import Workspace

FORM = 4
"""Of the tables, and of the texts in them: another one is made again."""
YOUNG_NS = 2_100_000_000
"""Of a file that changed so short a time before it was read the next change may bear the same time: FAT counts 2 s."""
BATCH = 500
"""Mails that are written at a time."""
UPDATE_PATIENCE = 2.0
"""Seconds that another who brings it up to date is waited for."""

_TABLES = (
    "CREATE TABLE form (boot TEXT)",
    "CREATE TABLE source (id INTEGER PRIMARY KEY, path TEXT, size INT, mtime INT, inode INT, touched INT)",
    "CREATE TABLE mail (id INTEGER PRIMARY KEY, source INT, owner TEXT, sender TEXT, name TEXT, sent_name TEXT,"
    " at REAL, archive TEXT, open INT, seq INT, raw BLOB)",
    "CREATE INDEX lies_open ON mail (owner, name, sent_name) WHERE archive = ''",
    "CREATE INDEX of_number ON mail (seq)",
    "CREATE INDEX of_source ON mail (source)",
    "CREATE INDEX by_time ON mail (at)",
    "CREATE VIRTUAL TABLE words USING fts5 (text, content='', columnsize=0, detail=none,"
    " tokenize=\"ascii tokenchars '_'\")",
    "INSERT INTO words (words, rank) VALUES ('hashsize', 33554432)",
)


_unused: ContextVar[bool] = ContextVar("index_unused", default=False)


class IndexBehind(Exception):
    """The index has some way to go until it holds all mail."""


@contextmanager
def without_index() -> Iterator[None]:
    """In it no index is made or read: whoever opens it gets an OSError, as where there is no right to write it, and
    reads the mail itself."""
    token = _unused.set(True)
    try:
        yield
    finally:
        _unused.reset(token)


@contextmanager
def open_index(
    workspace: Workspace, files: Files | None = None, most: int | None = None
) -> Iterator[tuple[sqlite3.Connection, list[str]]]:
    """The index as the mailboxes are at this moment, and the notes about those that cannot be read.

    `files`: the workspace's `mail_sources`, if known. `most`: where more of them have changed, so many are taken in,
    or an eighth if that is more, and IndexBehind is raised: the next search goes on from there.
    sqlite3.Error or OSError where it cannot be had: SQLite without FTS5, no right to write, a full disk.
    """
    with open_as_it_is(workspace) as connection:
        yield connection, _refresh(connection, list(mail_sources(workspace)) if files is None else files, most)


@contextmanager
def open_as_it_is(workspace: Workspace) -> Iterator[sqlite3.Connection]:
    """The index as it was left: no file of mail is looked at. Raises as `open_index`."""
    if _unused.get():
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    path = workspace.state_dir / f"search-{os.geteuid()}.sqlite3"
    self_ignore.make_ignored(workspace.state_dir)
    try:
        connection = _ready(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):  # locked, read-only, no FTS5: it need not be broken
            raise
        for name in (f"{path.name}-journal", path.name):
            path.with_name(name).unlink(missing_ok=True)
        connection = _ready(path)
    try:
        yield connection
    finally:
        connection.close()


def _ready(path: Path) -> sqlite3.Connection:
    """A connection to an index of our form. Only who made it may read it: it holds everybody's mail."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            path.unlink()
    except FileNotFoundError:
        pass
    connection = sqlite3.connect(path, timeout=UPDATE_PATIENCE, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -32768")  # KiB; by default what is made spills to the disk at 2 MB
        if connection.execute("PRAGMA user_version").fetchone() != (FORM,) or _boot(connection) != boot_id():
            path.chmod(0o600)
            _make(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _boot(connection: sqlite3.Connection) -> str:
    return str(connection.execute("SELECT boot FROM form").fetchone()[0])


def _make(connection: sqlite3.Connection) -> None:
    with _transaction(connection):
        known = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'words_%'")
        for (name,) in known.fetchall():
            if not name.startswith("sqlite_"):
                connection.execute(f'DROP TABLE "{name}"')
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute("INSERT INTO form VALUES (?)", [boot_id()])
        connection.execute(f"PRAGMA user_version = {FORM}")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _refresh(connection: sqlite3.Connection, found: Files, most: int | None) -> list[str]:
    """Read again what has changed; the notes about mailboxes that cannot be read."""
    now = {source.path: source.stamp for _, some in found for source in some}
    if now == {path: stamp for path, (_, stamp) in _known(connection).items()}:
        return []
    troubles: list[str] = []
    with _transaction(connection):
        known = _known(connection)
        change = _Change(connection)
        for path in known.keys() - now.keys():
            change.forget(known[path][0])
        changed = [
            (agent, [one for one in some if one.path not in known or known[one.path][1] != one.stamp])
            for agent, some in found
        ]
        many = sum(len(some) for _, some in changed)
        taken = 0
        left = many if most is None else max(most, many // 8)
        for agent, some in changed:
            for source, raws, trouble in read_mails(agent, some[:left]):
                change.take(source, known.get(source.path, (0,))[0], raws)
                taken += 1
                step("taking new mail into the index", taken, many)
                troubles += [trouble] if trouble else []
            change.write()
            left -= len(some[:left])
    if most is not None and many > max(most, many // 8):
        raise IndexBehind
    return troubles


def _known(connection: sqlite3.Connection) -> dict[str, tuple[int, Stamp]]:
    """Path → number and stamp of each file that was read."""
    found = connection.execute("SELECT path, id, size, mtime, inode, touched FROM source")
    return {path: (number, (size, mtime, inode, touched)) for path, number, size, mtime, inode, touched in found}


class _Change:
    """What is to be written within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.last_source = self._last("source")
        self.last_mail = self._last("mail")
        self.files: list[tuple[Any, ...]] = []
        self.mails: list[tuple[Any, ...]] = []
        self.texts: list[tuple[int, str]] = []

    def _last(self, table: str) -> int:
        return int(self.connection.execute(f"SELECT ifnull(max(id), 0) FROM {table}").fetchone()[0])

    def take(self, source: Source, number: int, raws: list[dict[str, Any]] | None) -> None:
        """Let the rows of a file be what lies in it now (None: unreadable): those that stay are not touched.

        `number`: of its row; 0 for a file that has none.
        """
        # A file that could not be read, or that may change once more within its time, is read again next time.
        sure = raws is not None and time.time_ns() - max(source.stamp[1], source.stamp[3]) > YOUNG_NS
        kept: dict[bytes, list[int]] = {}
        if number:
            for row, raw in self.connection.execute("SELECT id, raw FROM mail WHERE source = ?", [number]):
                kept.setdefault(raw, []).append(row)
        else:
            number = self.last_source = self.last_source + 1
        self.files.append((number, _storable(source.path), *(source.stamp if sure else (-1, *source.stamp[1:]))))
        for one in raws or ():
            raw = json_codec.dumps_line(one)
            if kept.get(raw):
                kept[raw].pop()
                continue
            self.last_mail += 1
            is_open = not source.name and one.get("status") != "closed"
            sender, name, sent_name = (
                _storable(as_text(one, "from")),
                _storable(as_text(one, "id")),
                _storable(as_text(one, "sent_id")),
            )
            whose = (source.agent.address, sender, name, sent_name)
            at = parse_time(one.get("timestamp"))
            seq = one.get("seq")
            seq = seq if isinstance(seq, int) and 0 < seq < 1 << 62 else None
            self.mails.append((self.last_mail, number, *whose, at, _storable(source.name), is_open, seq, raw))
            self.texts.append((self.last_mail, searchable_text(one)))
        if len(self.texts) >= BATCH:
            self.write()
        if kept:
            self._drop([(row, raw) for raw, numbers in kept.items() for row in numbers])

    def forget(self, number: int) -> None:
        """Take out a file that is gone, with its mail."""
        self._drop(self.connection.execute("SELECT id, raw FROM mail WHERE source = ?", [number]).fetchall())
        self.connection.execute("DELETE FROM source WHERE id = ?", [number])

    def _drop(self, rows: list[tuple[int, bytes]]) -> None:
        old = ((number, searchable_text(json_codec.loads(raw))) for number, raw in rows)
        self.connection.executemany("INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", old)
        self.connection.executemany("DELETE FROM mail WHERE id = ?", ((number,) for number, _ in rows))

    def write(self) -> None:
        """Write what was taken since the last time."""
        self.connection.executemany("REPLACE INTO source VALUES (?, ?, ?, ?, ?, ?)", self.files)
        self.connection.executemany("INSERT INTO mail VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", self.mails)
        self.connection.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", self.texts)
        self.files, self.mails, self.texts = [], [], []


def lies_open(connection: sqlite3.Connection, names: tuple[str, str, str]) -> bool:
    """True if a mail of that owner, id and sent id is among the open ones."""
    query = "SELECT 1 FROM mail WHERE archive = '' AND owner = ? AND name = ? AND sent_name = ?"
    return connection.execute(query, [*map(_storable, names)]).fetchone() is not None


def _storable(text: str) -> str:
    """A text that SQLite can hold: halves of surrogate pairs become `?`."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
