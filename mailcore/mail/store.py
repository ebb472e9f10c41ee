"""A mailbox file under its lock, in the one directory that was opened for it: read, repaired if it has to be, written.

Every name is looked up in that open directory, so that no symlink put there meanwhile leads a write elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mailcore.exceptions import MailcoreError
from mailcore.formats import json_codec
from mailcore.mail import aipass_feed, numbers
from mailcore.mail.mailbox_document import Unreadable, messages_in, parse_mailbox
from mailcore.model.agent import Agent
from mailcore.model.message import is_unread
from mailcore.system import locks, safe_open, self_ignore, writing
from mailcore.system.writing import make_directory

if TYPE_CHECKING:
    from mailcore.mail.repair import Repair

MAX_MAILBOX = 256 * 1024 * 1024
"""Bytes; a larger mailbox is not read: a hundred thousand messages need less, and a sparse file has no end."""

LOCK = ".inbox.lock"
"""AIPass's lock of a mailbox, beside it (contract section 2)."""


class LockedMailbox:
    """One agent's mailbox file while its lock is held. Made by `lock_mailbox`."""

    def __init__(self, agent: Agent, directory: int) -> None:
        self.agent = agent
        self.directory = directory
        """A descriptor of the directory that the file lies in."""
        self.repaired: Repair | None = None
        """What was done to the file that `load` found broken; the audit has it."""
        self.written = False
        """Whether `write` was called."""
        self._large = False

    def read(self) -> bytes:
        """The file's bytes; FileNotFoundError if there is none, Refused if it is a link out of the project."""
        try:
            return safe_open.read_in(self.agent.inbox.name, self.directory, MAX_MAILBOX)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
        safe_open.inside(self.agent.boundary, self.agent.inbox)
        return safe_open.read_bytes(self.agent.inbox, most=MAX_MAILBOX)

    def load(self) -> dict[str, Any]:
        """The mailbox as it is, repaired if it has to be, empty if there is none."""
        try:
            data = self.read()
        except FileNotFoundError:
            return {"mailbox": "inbox", "messages": []}
        self._large = len(data) >= json_codec.FRUGAL
        try:
            return parse_mailbox(self.agent.inbox, data)
        except Unreadable as error:
            return self.repair(data, error)

    def repair(self, data: bytes, error: Unreadable) -> dict[str, Any]:
        """What can be recovered of a broken file, as a document; the file as it was is set aside."""
        from mailcore.mail import repair

        whole, self.repaired = repair.set_aside_mailbox(
            self.agent.inbox, data, damage_cause(self.agent, error), self.directory
        )
        repair.record_repair(self.agent, self.repaired)
        return {"mailbox": "inbox", "messages": whole}

    def save(self, document: dict[str, Any]) -> None:
        """Write the document, with a number for each message and the counts as they are."""
        found = messages_in(document)
        self._number(found)
        document["total_messages"] = len(found)
        document["unread_count"] = sum(map(is_unread, found))
        self.write(*(json_codec.dumps_parts(document, "messages") if self._large else [json_codec.dumps(document)]))

    def write(self, *parts: bytes | memoryview) -> None:
        """Put the parts in the file's place, whole or not at all, and durable."""
        writing.replace_in(self.directory, self.agent.inbox.name, *parts)
        self.written = True

    def _number(self, found: list[dict[str, Any]]) -> None:
        """Give a number to each message that another program delivered without one, the oldest first."""
        without = [raw for raw in reversed(found) if not isinstance(raw.get("seq"), int)]
        if without:
            first = numbers.reserve_numbers(self.agent.root, len(without))
            for number, raw in enumerate(without, first):
                raw["seq"] = number


def damage_cause(agent: Agent, error: Unreadable) -> str:
    """Why the file is broken, without its name."""
    return str(error).removeprefix(str(agent.inbox)).lstrip(": ")


@contextlib.contextmanager
def lock_mailbox(agent: Agent, *, create: bool = False) -> Iterator[LockedMailbox]:
    """The agent's mailbox under its lock; what the disk refuses becomes words. With `create` it is made if missing."""
    path = agent.inbox
    try:
        with _directory(agent, create) as directory:
            safe_open.inside(agent.boundary, agent.mail_dir, directory)
            self_ignore.ignore_directory(directory, agent.mail_dir.name)
            if create and not safe_open.exists_in(path.name, directory):
                make_directory(agent.sent_dir)
            # AIPass knows the lock's file alone; among ourselves the directory keeps order, should that be removed.
            locks.lock_directory(directory, agent.mail_dir)
            with locks.locked(path.with_name(LOCK), directory=directory):
                place = LockedMailbox(agent, directory)
                yield place
        if place.written:
            aipass_feed.update_counts(agent.root)
    except OSError as error:
        where = error.filename if error.filename and "/" in str(error.filename) else path
        raise MailcoreError(f"{where}: {error.strerror}; nothing was lost, no message changed") from error
    except RecursionError as error:
        raise Unreadable(f"{path}: nested too deep to be written back; nothing was written", "unreadable") from error


def _directory(agent: Agent, create: bool) -> contextlib.AbstractContextManager[int]:
    """The open directory of the agent's mail. Only the operator's is made whole: a branch that vanished is not."""
    if not agent.mail_dir.is_dir():
        if not create:
            raise MailcoreError(f"{agent.address} has no mailbox at {agent.mail_dir}", "no_mailbox")
        safe_open.inside(agent.boundary, agent.mail_dir)
        make_directory(agent.mail_dir, parents=agent.is_reserved)
    return safe_open.open_directory(agent.mail_dir)
