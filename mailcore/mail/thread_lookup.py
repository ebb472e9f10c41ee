"""The copies that one message is to be found among, with all that may be of its thread: by the index, or all of them.

The index only says which files to read. What is reported is read from them, and where they hold something else by now,
every mail is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from mailcore.exceptions import MailcoreError
from mailcore.formats import json_codec
from mailcore.mail import lookup, search_update
from mailcore.mail.lookup import Copy
from mailcore.mail.mail_files import BARE, LOOSE, link_word, plain_words
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.mail.message_names import MIN_PREFIX, choose_named
from mailcore.mail.threads import bare_subject
from mailcore.model.message import Message
from mailcore.system.safe_open import read_bytes
from mailcore.workspace.find import Workspace

WORDS_AT_ONCE = 200
"""Words that are sought at a time."""


class _Unsure(Exception):
    """The index cannot say, or says what the files do not."""


class _Row(NamedTuple):
    owner: str
    archive: str
    message: Message


def thread_copies(workspace: Workspace, wanted: str, records: Sequence[Message] = ()) -> list[Copy]:
    """All copies that `wanted` may name, and all that may be of the same thread, in the order of `lookup.all_copies`.

    There may be more among them. `records`: of sent mail, which may tie two of them together. Nothing is written into a
    workspace in which mailcore was not used yet.
    """
    if not workspace.state_dir.is_dir():
        return list(lookup.all_copies(workspace))
    try:
        with search_update.open_index(workspace) as (connection, _):
            found = _Search(connection, records).all(wanted)
        return list(_read(workspace, found))
    except (sqlite3.Error, OSError, ValueError, RecursionError, _Unsure):
        return list(lookup.all_copies(workspace))


def related_copies(workspace: Workspace, names: Collection[str]) -> list[Copy] | None:
    """The copies that bear one of these names, and the answers to them, in the order of `lookup.all_copies`. There may
    be more among them. None where the index cannot say."""
    if not workspace.state_dir.is_dir():
        return None
    try:
        with search_update.open_index(workspace) as (connection, _):
            found = _Search(connection, ()).related(names)
        return list(_read(workspace, found))
    except (sqlite3.Error, OSError, ValueError, RecursionError, _Unsure):
        return None


def find_among(workspace: Workspace, message_id: str, among: Iterable[Copy]) -> Copy:
    """As `lookup.find_copy`, among these. MailcoreError if it is none of them."""
    found = choose_named(message_id, among, lambda copy: copy.message)
    if found is None:
        raise MailcoreError(f"no message {message_id}, open or archived, in {workspace.root}", "no_message")
    return found


class _Search:
    """Follows what ties mails together, from those that are named so on."""

    def __init__(self, connection: sqlite3.Connection, records: Sequence[Message]) -> None:
        self._connection = connection
        self._records = list(records)
        self._found: dict[int, _Row] = {}
        self._asked: set[str] = set()
        self._names: set[str] = set()
        self._topics: set[tuple[str, frozenset[str]]] = set()

    def all(self, wanted: str) -> list[_Row]:
        """Those that are named so, and all that they are tied to."""
        if not wanted.isascii() or '"' in wanted or "\0" in wanted:
            raise _Unsure
        number = wanted.removeprefix("#")
        if number.isdecimal():
            self._take("SELECT id, owner, archive, raw FROM mail WHERE seq = ?", min(int(number), 1 << 62))
        begins = " *" if len(wanted) >= MIN_PREFIX else ""
        self._match([f"{_own(wanted)}{begins}"])
        named = [one for one in self._found.values() if _named(one.message, wanted)]
        mails = [one.message for one in named] + [one for one in self._records if _named(one, wanted)]
        followed: set[int] = set()
        while mails:
            followed.update(map(id, mails))
            self._match([query for message in mails for query in self._ties(message)])
            known = (*(one.message for one in self._found.values()), *self._records)
            mails = [message for message in known if id(message) not in followed and self._is_tied(message)]
        return [one for one in self._found.values() if id(one.message) in followed]

    def related(self, names: Collection[str]) -> list[_Row]:
        """Those that bear one of these names, and those that answer one of them."""
        self._match([query for name in names for query in (f'"{link_word(name)}"', _own(name))])
        known = frozenset(names)
        return [
            one for one in self._found.values()
            if not known.isdisjoint((one.message.id, one.message.sent_id, one.message.in_reply_to))
        ]  # fmt: skip

    def _match(self, queries: list[str]) -> None:
        """Let the mails of these queries be found."""
        fresh = [query for query in dict.fromkeys(queries) if query not in self._asked]
        self._asked.update(fresh)
        for start in range(0, len(fresh), WORDS_AT_ONCE):
            either = " OR ".join(f"({query})" for query in fresh[start : start + WORDS_AT_ONCE])
            statement = (
                "SELECT id, owner, archive, raw FROM mail WHERE id IN (SELECT rowid FROM words WHERE words MATCH ?)"
            )
            self._take(statement, either)

    def _take(self, query: str, value: object) -> None:
        for number, owner, archive, raw in self._connection.execute(query, [value]):
            if number not in self._found:
                self._found[number] = _Row(owner, archive, Message.from_json(json_codec.loads(raw), owner))

    def _ties(self, message: Message) -> Iterator[str]:
        """What finds the mails that this one is tied to: by name, or by subject and parties."""
        names = {message.id, message.sent_id, message.thread_id, message.in_reply_to} - {""}
        self._names |= names
        for name in names:
            yield f'"{link_word(name)}"'
            yield _own(name)
        topic = _topic(message)
        self._topics.add(topic)
        subject = plain_words(topic[0]).split() or [BARE]
        answers = not message.thread_id and topic[0] != message.subject
        yield " AND ".join(f'"{word}"' for word in [*subject, *([] if answers else [LOOSE])])

    def _is_tied(self, message: Message) -> bool:
        names = (message.id, message.sent_id, message.thread_id, message.in_reply_to)
        return not self._names.isdisjoint(filter(None, names)) or _topic(message) in self._topics


def _own(name: str) -> str:
    """The query for the mails that bear a name. _Unsure of one without a word."""
    parts = plain_words(name).split()
    if not parts:
        raise _Unsure
    return " AND ".join(f'"{part}"' for part in parts)


def _named(message: Message, wanted: str) -> bool:
    begins = len(wanted) >= MIN_PREFIX and (message.id.startswith(wanted) or message.sent_id.startswith(wanted))
    return begins or message.rank(wanted) > 0


def _topic(message: Message) -> tuple[str, frozenset[str]]:
    return bare_subject(message.subject), frozenset((message.sender, message.recipient))


def _read(workspace: Workspace, found: list[_Row]) -> Iterator[Copy]:
    """What the files say of these, in the order of `lookup.all_copies`. _Unsure where it is something else."""
    everyone = (*workspace.agents, workspace.operator, workspace.watcher, *workspace.former_agents())
    addresses = [agent.address for agent in everyone]
    if len(set(addresses)) < len(addresses):
        raise _Unsure
    seen: set[tuple[str, str, str]] = set()
    for agent in everyone:
        names = {_names(one.message) for one in found if one.owner == agent.address and not one.archive}
        if not names:
            continue
        for message in read_mailbox(agent.inbox).messages:
            if _names(message) in names:
                seen.add((agent.address, *_names(message)))
                yield Copy(agent, Message.from_json(message.raw, agent.address))
        if any((agent.address, *one) not in seen for one in names):
            raise _Unsure
    for agent in everyone:
        closed = sorted((one for one in found if one.owner == agent.address and one.archive), key=_file, reverse=True)
        twice: set[tuple[str, str]] = set()
        for one in closed:
            path = agent.archive_dir / one.archive
            raw = json_codec.loads(read_bytes(path))
            message = Message.from_json(raw, agent.address)
            if _names(message) != _names(one.message):
                raise _Unsure
            names_or_path = (message.id or str(path), message.sent_id)
            if names_or_path not in twice and (agent.address, *_names(message)) not in seen:
                yield Copy(agent, message, path)
            twice.add(names_or_path)


def _names(message: Message) -> tuple[str, str]:
    return message.id, message.sent_id


def _file(one: _Row) -> str:
    return one.archive
