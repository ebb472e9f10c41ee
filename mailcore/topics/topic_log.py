"""A topic on disk: `.praxmonitor/topics/NAME/topic.json` says what it is and who has what of it; beside it, in
`published/`, lies each publication that is still wanted, named by its number.

All is read and written under the topic's lock. Of each who gets what is published, agent or host, one number is kept:
the last publication that it was given. So nothing is forgotten and nothing is given twice, whoever dies when.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from mailcore.exceptions import MailcoreError, Refused, did_you_mean
from mailcore.model.topic import Publication, Subscription, Topic
from mailcore.system import safe_open, self_ignore, writing
from mailcore.system.locks import locked
from mailcore.topics.names import TOPIC, topic_name
from mailcore.workspace.find import Workspace

TOPICS, FILE, PUBLISHED, LOCK, DUE = "topics", "topic.json", "published", ".lock", ".due"
MAX_TOPICS = 1_000
"""Topics of one workspace: another host's may not fill the disk with theirs."""
MAX_WAITING_PUBLICATIONS = 10_000
"""Publications that are kept for who cannot be given them: beyond, the oldest are lost to it, and that is told."""


class Came(msgspec.Struct, frozen=True):
    """How far another host's publications of a topic were taken."""

    epoch: str
    number: int


class TopicRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of a topic."""

    topic: Topic
    epoch: str
    """16 hexadecimal digits: the life of this record. The numbers of publications are its own."""
    last: int = 0
    """The number of the newest publication."""
    subscribers: dict[str, Subscription] = {}
    """By address; agents of this workspace."""
    elsewhere: dict[str, tuple[str, ...]] = {}
    """Host → who subscribes there, as that host told."""
    hosts: dict[str, int] = {}
    """Host → the last number that was put into the channel to it; it knows the topic itself."""
    came: dict[str, Came] = {}
    """Host → how far its publications were taken."""
    own: tuple[int, ...] = ()
    """The numbers of the last publications of this host, as many as it retains: a host that joins later gets those."""
    minute: dict[str, tuple[float, ...]] = {}
    """Host, empty for this one → the times of its publications in the last minute."""


class TopicLog:
    """One topic while its lock is held. Made by `open_topic`."""

    def __init__(self, workspace: Workspace, directory: Path, record: TopicRecord) -> None:
        self.workspace, self.record = workspace, record
        self._directory = directory
        self._kept = record

    @property
    def topic(self) -> Topic:
        """What it is."""
        return self.record.topic

    def change(self, **values: object) -> None:
        """Let the record say something else; `save` writes it."""
        self.record = msgspec.structs.replace(self.record, **values)

    def save(self) -> None:
        """Write the record, if it changed, and remove what nobody wants any more."""
        if self.record is not self._kept:
            _write(self.workspace, self._directory, self.record)
            self._kept = self.record
        self._prune()

    def append(self, publication: Publication) -> int:
        """Add a publication, on disk before this returns; its number. What was changed before is written with it."""
        number = self.record.last + 1
        path = self._directory / PUBLISHED / f"{number:012d}.json"
        writing.replace(path, msgspec.json.encode(publication), root=self.workspace.root)
        own = () if publication.host else (*self.record.own, number)[-self.topic.retain :]
        self.change(last=number, own=own or self.record.own)
        self.save()
        return number

    def numbers(self, after: int = 0) -> list[int]:
        """The numbers of the publications that are there, and are higher, in order."""
        return [number for number in _numbers(self._directory) if after < number <= self.record.last]

    def read(self, number: int) -> Publication | None:
        """A publication; None where it is not there, or is none."""
        return _read_publication(self._directory, number)

    def find(self, id: str) -> int:
        """The number of the publication of that id; 0 where it is not there."""
        found = (number for number in reversed(self.numbers()) if (one := self.read(number)) and one.id == id)
        return next(found, 0)

    def _prune(self) -> None:
        given = [one.last for one in self.record.subscribers.values()]
        wanted = min([*given, *self.record.hosts.values(), self.record.last])
        wanted = max(wanted, self.record.last - MAX_WAITING_PUBLICATIONS)
        first = min(wanted, self.record.last - self.topic.retain) + 1
        for number in _numbers(self._directory):
            if number < first and number not in self.record.own:
                with suppress(OSError):  # it is looked at by nobody, and removed the next time
                    (self._directory / PUBLISHED / f"{number:012d}.json").unlink()


def read_topics(workspace: Workspace) -> list[TopicRecord]:
    """All topics, by name; what is no record of one is passed over."""
    try:
        names = sorted(name for name in os.listdir(workspace.state_dir / TOPICS) if TOPIC.fullmatch(name))  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = []
    for name in names:
        with suppress(MailcoreError):
            if (record := _read(_directory(workspace, name))) is not None:
                found.append(record)
    return found


def read_topic(workspace: Workspace, name: str) -> TopicRecord:
    """One topic. Refused (code `unknown_topic`), naming those that are near, where there is none."""
    wanted = topic_name(name)
    record = _read(_directory(workspace, wanted))
    if record is None:
        known = [one.topic.name for one in read_topics(workspace)]
        hint = did_you_mean(wanted, known) or f"; known: {' '.join(f'#{one}' for one in known[:20]) or 'none'}"
        raise Refused(f"no topic #{wanted}{hint}", "unknown_topic")
    return record


def retained(workspace: Workspace, record: TopicRecord, most: int) -> list[tuple[int, Publication]]:
    """The newest publications of a topic with their numbers, the oldest first."""
    directory = _directory(workspace, record.topic.name)
    numbers = [number for number in _numbers(directory) if number <= record.last][-most:]
    return [(number, one) for number in numbers if (one := _read_publication(directory, number)) is not None]


@contextmanager
def open_topic(workspace: Workspace, name: str) -> Iterator[TopicLog]:
    """A topic under its lock; what was changed of it is written at the end, also where that is an error.

    Refused (code `unknown_topic`) where there is none. MailcoreError where the disk refuses.
    """
    directory = _directory(workspace, read_topic(workspace, name).topic.name)
    with _words(directory), locked(directory / LOCK):
        record = _read(directory)
        if record is None:
            raise Refused(f"no topic #{directory.name} any more", "unknown_topic")
        log = TopicLog(workspace, directory, record)
        try:
            yield log
        finally:
            log.save()


def make_topic(workspace: Workspace, topic: Topic) -> bool:
    """Make a topic; False, and nothing is done, if there is one of that name. Refused (code `limit`) beyond MAX_TOPICS.

    MailcoreError where the disk refuses.
    """
    above = workspace.state_dir / TOPICS
    directory = _directory(workspace, topic.name)
    with _words(directory):
        self_ignore.make_ignored(workspace.state_dir)
        writing.make_directory(above)
        safe_open.inside(workspace.root, above)
        with locked(above / LOCK):
            if _read(directory) is not None:
                return False
            if len(read_topics(workspace)) >= MAX_TOPICS:
                raise Refused(f"there are {MAX_TOPICS:,} topics already: no more are made", "limit")
            writing.make_directory(directory)
            writing.make_directory(directory / PUBLISHED)
            _write(workspace, directory, TopicRecord(topic, secrets.token_hex(8)))
    return True


def note_waiting(workspace: Workspace, due: bool) -> None:
    """Note that something published may not have been given yet to all who get it; or, once it was, that none is."""
    path = workspace.state_dir / TOPICS / DUE
    if due:
        writing.replace(path, b"", root=workspace.root)
    else:
        with suppress(FileNotFoundError):
            writing.remove_file(path, workspace.root)


def waiting_noted(workspace: Workspace) -> bool:
    """Whether that was noted: one look."""
    return os.path.lexists(f"{workspace.state_dir}/{TOPICS}/{DUE}")


def _directory(workspace: Workspace, name: str) -> Path:
    return workspace.state_dir / TOPICS / name


@contextmanager
def _words(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MailcoreError(f"{error.filename or directory}: {error.strerror}; topic #{directory.name}") from error


def _read(directory: Path) -> TopicRecord | None:
    """What is kept; None where there is nothing. MailcoreError (code `unreadable`) where it is no record."""
    path = directory / FILE
    try:
        record = msgspec.json.decode(safe_open.read_bytes(path, links=False), type=TopicRecord)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise MailcoreError(f"{path}: {error}; mend it, or remove {directory}", "unreadable") from error
    if record.topic.name != directory.name:
        raise MailcoreError(f"{path} is of a topic #{record.topic.name}; remove {directory}", "unreadable")
    return record


def _write(workspace: Workspace, directory: Path, record: TopicRecord) -> None:
    writing.replace(directory / FILE, msgspec.json.encode(record), root=workspace.root)


def _numbers(directory: Path) -> list[int]:
    try:
        names = os.listdir(directory / PUBLISHED)  # noqa: PTH208 (a Path for each of thousands)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(
        int(name[:12]) for name in names if len(name) == 17 and name[:12].isdecimal() and name[12:] == ".json"
    )


def _read_publication(directory: Path, number: int) -> Publication | None:
    path = directory / PUBLISHED / f"{number:012d}.json"
    with suppress(OSError, ValueError, RecursionError):
        return msgspec.json.decode(safe_open.read_bytes(path, links=False), type=Publication)
    return None
