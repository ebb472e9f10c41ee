"""The index of all mail's words: an SQLite file, made from the mailboxes and never more than a copy of them.

Whoever uses it brings it up to date first (`search_update`). Where it is broken, of
another form or of another boot (it is written without waiting for the disk), it is made again.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

from mailcore.system import self_ignore
from mailcore.system.processes import boot_id
from mailcore.workspace.find import Workspace

FORM = 5
"""Of the tables, and of the texts in them: another one is made again."""
SECOND = 1 << 4
"""Numbers that a second has: of more mails of one second the last ones have numbers of the next. With more of them the
lists of numbers are longer, and slower to read."""
UPDATE_PATIENCE = 2.0
"""Seconds that another who brings it up to date is waited for."""

_TABLES = (
    "CREATE TABLE form (boot TEXT, version INT, whole INT)",
    "CREATE TABLE source (id INTEGER PRIMARY KEY, path TEXT, size INT, mtime INT, inode INT, touched INT)",
    "CREATE INDEX of_path ON source (path)",
    "CREATE TABLE mail (id INTEGER PRIMARY KEY, source INT, owner TEXT, sender TEXT, name TEXT, sent_name TEXT,"
    " at REAL, archive TEXT, open INT, seq INT, raw BLOB)",
    "CREATE INDEX lies_open ON mail (owner, name, sent_name) WHERE archive = ''",
    "CREATE INDEX of_number ON mail (seq)",
    "CREATE INDEX of_source ON mail (source)",
    "CREATE VIRTUAL TABLE words USING fts5 (text, content='', columnsize=0, detail=none,"
    " prefix='1 2', tokenize=\"ascii tokenchars '_'\")",
    "INSERT INTO words (words, rank) VALUES ('hashsize', 33554432)",
)


_unused: ContextVar[bool] = ContextVar("index_unused", default=False)


class IndexState(NamedTuple):
    """What an index says of itself."""

    version: int
    """Another one where something else is found in it."""
    whole: bool
    """It held all mail when it was last brought up to date; else some was left for the next time."""


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
def open_as_it_is(workspace: Workspace) -> Iterator[sqlite3.Connection]:
    """The index as it was left: no file of mail is looked at.

    sqlite3.Error or OSError where it cannot be had: SQLite without FTS5, no right to write, a full disk.
    """
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
    with transaction(connection):
        known = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'words_%'")
        for (name,) in known.fetchall():
            if not name.startswith("sqlite_"):
                connection.execute(f'DROP TABLE "{name}"')
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute("INSERT INTO form VALUES (?, 0, 0)", [boot_id()])
        connection.execute(f"PRAGMA user_version = {FORM}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """In it something is written: all of it, or if it raises nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def lies_open(connection: sqlite3.Connection, names: tuple[str, str, str]) -> bool:
    """True if a mail of that owner, id and sent id is among the open ones."""
    query = "SELECT 1 FROM mail WHERE archive = '' AND owner = ? AND name = ? AND sent_name = ?"
    return connection.execute(query, [*map(storable, names)]).fetchone() is not None


def first_number(at: float) -> int:
    """The smallest number that a mail of this time, or of a later one, may have."""
    return max(0, int(at)) * SECOND


def newest_of(number: int) -> float:
    """A time that is later than that of each mail with this number, or a smaller one."""
    return number // SECOND + 1


def index_state(connection: sqlite3.Connection) -> IndexState:
    """What is said of it at this moment."""
    version, whole = connection.execute("SELECT version, whole FROM form").fetchone()
    return IndexState(version, bool(whole))


def storable(text: str) -> str:
    """A text that SQLite can hold: halves of surrogate pairs become `?`."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
