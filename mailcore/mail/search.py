"""Find mail by its words, open and archived, in all mailboxes of a workspace: by the index, or else by reading all."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing
from typing import Any

from mailcore.exceptions import caveat
from mailcore.formats import json_codec
from mailcore.mail import search_index
from mailcore.mail.mail_files import OPEN, mail_sources, party_word
from mailcore.mail.search_query import FoundMail, Query, each_once, found_mail, says
from mailcore.mail.search_scan import scan
from mailcore.mail.search_update import IndexBehind, open_index
from mailcore.workspace.find import Workspace

MAX_NEW_FILES = 500
"""Files that a search takes into the index: 70 ms. Where more are new its answer comes from reading every mail."""


def search_mail(workspace: Workspace, query: Query) -> list[FoundMail]:
    """The mails that are found, newest first, each once. What cannot be read is said by `caveat`."""
    files = mail_sources(workspace)
    try:
        with open_index(workspace, files, MAX_NEW_FILES) as (connection, troubles):
            found = rows(connection, query)
    except (sqlite3.Error, OSError, IndexBehind):
        return scan(workspace, query, files)
    for trouble in troubles:
        caveat(f"{trouble}; its mail is not searched")
    return found


def rows(connection: sqlite3.Connection, query: Query, most: int = 0) -> list[FoundMail]:
    """What an index that is up to date holds of it, newest first; with `most` the first so many.

    They are read by falling numbers, and no further than until no newer one can follow.
    """
    found: list[FoundMail] = []
    times: dict[object, float] = {}
    newest = 0.0
    with closing(_rows(connection, query)) as every:
        for number, one in every:
            another = newest != (newest := search_index.newest_of(number))
            if another and most and len(times) >= most and sorted(times.values())[-most] >= newest:
                break
            if one.may_be_twice and search_index.lies_open(connection, one.names):
                continue
            found.append(one)
            mail = one.names if one.may_be_twice else number
            times[mail] = max(one.message.at, times.get(mail, 0.0))
    return each_once(found, lambda _: False)[: most or None]


def _rows(connection: sqlite3.Connection, query: Query) -> Generator[tuple[int, FoundMail]]:
    """What is found by falling numbers; of what a writer left in two places both."""
    words, phrases = _words(query), query.phrases
    in_order = [phrase for phrase in phrases if " " in phrase]  # the index does not know which word follows which
    conditions = ["id >= ?", "at >= ?"]
    values: list[Any] = [search_index.first_number(query.since), query.since]
    for one in filter(None, (query.agent, query.viewer)):
        conditions.append("(owner = ? OR sender = ?)")
        values += [one, one]
    if query.open is not None:
        conditions.append("open = ?")
        values.append(query.open)
    tables = "mail"
    if words:
        tables = "words CROSS JOIN mail ON id = words.rowid"  # in the order of the words: SQLite may stop anywhere
        conditions.append("words MATCH ?")
        values.append(" ".join(words))
    order = "words.rowid" if words else "id"
    statement = f"SELECT id, owner, archive, raw FROM {tables} WHERE {' AND '.join(conditions)} ORDER BY {order} DESC"
    with closing(connection.execute(statement, values)) as cursor:
        for number, owner, archive, raw in cursor:
            mail = json_codec.loads(raw)
            if not in_order or says(mail, in_order):
                yield number, found_mail(owner, mail, archive)


def _words(query: Query) -> list[str]:
    """What an index of words is asked for. A word holds letters, digits and `_` alone: it cannot end its quotes."""
    phrases = query.phrases
    sought = [f'"{word}"' for phrase in phrases for word in phrase.split(" ")[:-1]]
    sought += [f'"{phrase.rpartition(" ")[2]}" *' for phrase in phrases]
    sought += [f'"{party_word(one)}"' for one in (query.agent, query.viewer) if one]
    return [*sought, f'"{OPEN}"'] if query.open else sought
