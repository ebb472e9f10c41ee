"""Find mail by its words, open and archived, in all mailboxes of a workspace: by the index, or else by reading all.

A mail is found if each word that is sought begins a word of its subject, body, parties or names; letters' case and
accents do not count. A word of several parts (`notes.md`) is sought as these, one after the other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from mailcore.exceptions import caveat
from mailcore.formats import json_codec
from mailcore.mail import search_index
from mailcore.mail.mail_files import Files, mail_sources, may_hold, plain_words, read_mails, searchable_fields
from mailcore.model.message import Message
from mailcore.text.progress import step
from mailcore.workspace.find import Workspace

MAX_NEW_FILES = 2000
"""Files that a search takes into the index: 70 ms. Where more are new its answer comes from reading every mail."""

SPARE = 20
"""Mails that are read beyond those that are wanted: of a mail that a killed writer left in two places one counts."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is sought; everything that is said has to be so."""

    words: tuple[str, ...] = ()
    agent: str = ""
    """Whose mail: from it or to it."""
    viewer: str = ""
    """Who looks: only its own mail is found; empty for all mail."""
    since: float = 0.0
    """Sent then or later, seconds since the epoch."""
    open: bool | None = None
    """Still open, or closed; None for both."""

    @property
    def phrases(self) -> list[str]:
        """The words as they stand in a text; those without a letter or digit are none."""
        return [phrase for word in self.words if (phrase := plain_words(word))]


@dataclass(frozen=True, slots=True)
class FoundMail:
    """One mail: its recipient's copy."""

    owner: str
    """Whose mailbox it lies in."""
    open: bool
    message: Message
    archive: str = ""
    """The name of its file, if it is archived."""

    @property
    def order(self) -> tuple[Any, ...]:
        """The newest first; of copies of one mail that which is open."""
        message = self.message
        return (
            -message.at,
            -message.seq,
            message.id,
            message.sent_id,
            self.owner,
            bool(self.archive),
            message.subject,
            message.body,
        )


def search_mail(workspace: Workspace, query: Query) -> list[FoundMail]:
    """The mails that are found, newest first, each once. What cannot be read is said by `caveat`."""
    files = list(mail_sources(workspace))
    try:
        with search_index.open_index(workspace, files, MAX_NEW_FILES) as (connection, troubles):
            found = rows(connection, query)
    except (sqlite3.Error, OSError, search_index.IndexBehind):
        return scan(workspace, query, files)
    for trouble in troubles:
        caveat(f"{trouble}; its mail is not searched")
    return found


def scan(workspace: Workspace, query: Query, files: Files | None = None) -> list[FoundMail]:
    """The same by reading every mail, which needs no index and writes nothing. `files`: as of `mail_sources`."""
    found: list[FoundMail] = []
    opened: set[tuple[str, str, str]] = set()
    phrases = query.phrases
    every = list(mail_sources(workspace)) if files is None else files
    total, done = sum(len(some) for _, some in every), 0
    for agent, some in every:
        for source, raws, trouble in read_mails(agent, some, may_hold(phrases)):
            done += 1
            step("reading mail", done, total)
            if trouble:
                caveat(f"{trouble}; its mail is not searched")
            for raw in raws or ():
                says = _says(raw, phrases)
                if source.name and not says:
                    continue
                one = _found(agent.address, raw, source.name)
                if not source.name:
                    opened.add(mail_identity(one))
                if says and _meets(one, query):
                    found.append(one)
    return _each_once(found, lambda one: mail_identity(one) in opened)


def _meets(one: FoundMail, query: Query) -> bool:
    parties = (one.owner, one.message.sender)
    return (
        (not query.agent or query.agent in parties)
        and (not query.viewer or query.viewer in parties)
        and one.message.at >= query.since
        and query.open in (None, one.open)
    )


def _says(raw: dict[str, Any], phrases: Sequence[str]) -> bool:
    """True if each phrase begins where a word of the mail begins."""
    text = f" {searchable_fields(raw)}" if phrases else ""
    return all(f" {phrase}" in text for phrase in phrases)


def _found(owner: str, raw: dict[str, Any], archive: str) -> FoundMail:
    message = Message.from_json(raw, owner)
    return FoundMail(owner, not archive and message.status != "closed", message, archive)


def mail_identity(one: FoundMail) -> tuple[str, str, str]:
    """What no other mail has, unless it has neither id nor sent id."""
    return one.owner, one.message.id, one.message.sent_id


def rows(connection: sqlite3.Connection, query: Query, most: int = 0) -> list[FoundMail]:
    """What an index that is up to date holds of it; with `most` no more than so many, the newest."""
    found = _rows(connection, query, newest_first=bool(most))
    once = _each_once(
        islice(found, most + SPARE) if most else found,
        lambda one: search_index.lies_open(connection, mail_identity(one)),
    )
    return once[:most] if most else once


def _rows(connection: sqlite3.Connection, query: Query, *, newest_first: bool) -> Iterator[FoundMail]:
    conditions = ["at >= ?"]
    values: list[Any] = [query.since]
    phrases = query.phrases
    if phrases:
        conditions.append("id IN (SELECT rowid FROM words WHERE words MATCH ?)")
        # A word holds letters, digits and `_` alone: it cannot end its quotes.
        wholes = [f'"{word}"' for phrase in phrases for word in phrase.split(" ")[:-1]]
        values.append(" ".join([*wholes, *(f'"{phrase.rpartition(" ")[2]}" *' for phrase in phrases)]))
    in_order = [phrase for phrase in phrases if " " in phrase]  # the index does not know which word follows which
    for one in filter(None, (query.agent, query.viewer)):
        conditions.append("(owner = ? OR sender = ?)")
        values += [one, one]
    if query.open is not None:
        conditions.append("open = ?")
        values.append(query.open)
    # By time SQLite can stop at the last that is wanted: of 12,000 that a short word finds it reads 200, in 4 ms of 45.
    table, order = ("mail INDEXED BY by_time", " ORDER BY at DESC") if newest_first else ("mail", "")
    for owner, archive, raw in connection.execute(
        f"SELECT owner, archive, raw FROM {table} WHERE {' AND '.join(conditions)}{order}", values
    ):
        mail = json_codec.loads(raw)
        if not in_order or _says(mail, in_order):
            yield _found(owner, mail, archive)


def _each_once(found: Iterable[FoundMail], lies_open: Callable[[FoundMail], bool]) -> list[FoundMail]:
    """A mail that a killed writer left in both places is open; of two files of one mail the newer one counts."""
    kept: list[FoundMail] = []
    seen: set[tuple[str, str, str]] = set()
    for one in sorted(found, key=lambda one: one.archive, reverse=True):
        names = mail_identity(one)
        if one.archive and any(names[1:]):
            if names in seen or lies_open(one):
                continue
            seen.add(names)
        kept.append(one)
    return sorted(kept, key=lambda one: one.order)
