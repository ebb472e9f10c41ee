"""What another host is shown of an agent's files: its mail, and the ends of its logs. In pages.

It asks for what a verb shows and never for a path: which files those are is known here.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import Any

import msgspec

from mailcore.exceptions import Refused
from mailcore.formats import json_codec
from mailcore.hosts.act_proof import act_of, prove_act
from mailcore.hosts.mirrored import may_be_copied
from mailcore.logs.sources import log_sources
from mailcore.model.agent import Agent
from mailcore.model.link import HostRecord
from mailcore.system.safe_open import MAX_WHOLE_FILE, descriptor, read_whole
from mailcore.workspace.find import Workspace

MAX_PAGE = 4 << 20
"""Bytes of all files of a page, before it is made small."""
MAX_PACKED = 900_000
"""The same after that: what one answer carries."""
MAX_SENT, MAX_LOGS = 50, 12
"""Files of a kind, the newest."""
LOG_TAIL = 256 << 10
"""Bytes of the end of a log that come first; after that what it grew by."""
MAX_RECORD = 256 << 10
"""Bytes of what is kept of a mail that was sent."""
_NAMES = (1 << 63) - 1


class FilePage(msgspec.Struct, frozen=True):
    """A part of one file."""

    path: str
    """Below the agent's directory."""
    data: bytes
    begin: int = 0
    """Where in the file it begins."""
    name: int = 0
    """Tells this file from another of that path: a log that was rotated has another, a mail that was changed too."""


class AgentPage(msgspec.Struct, frozen=True):
    """What was asked for."""

    files: tuple[FilePage, ...]


def answer_files(workspace: Workspace, asker: HostRecord, question: Mapping[str, Any]) -> bytes:
    """A page of an agent's files, packed. Who asks signs the verb that shows the same, as an act of the operator's.

    Refused for what is not shown, or not to other hosts, or not asked for by the person there.
    """
    act = act_of(question.get("act"), asker.name)
    read = SHOWN_FILES.get(act.verb)
    if read is None:
        raise Refused(f"{act.verb[:40]} shows no files of an agent", "question")
    prove_act(workspace, act)
    agent = workspace.agent(act.target)
    held = question.get("held")
    return packed(read(agent, held if isinstance(held, dict) else {}))


def answer_where(workspace: Workspace, asker: HostRecord, question: Mapping[str, Any]) -> bytes:
    """Where the workspace lies on this host, for who comes by ssh."""
    del asker, question
    return json.dumps({"root": str(workspace.root)}).encode()


def packed(files: Iterator[FilePage]) -> bytes:
    """As many of the files as fit into one answer, the first first."""
    taken: list[FilePage] = []
    left = MAX_PAGE
    for file in files:
        if len(file.data) > left:
            break
        left -= len(file.data)
        taken.append(file)
    while True:
        data = zlib.compress(msgspec.msgpack.encode(AgentPage(tuple(taken))), 1)
        if len(data) <= MAX_PACKED or not taken:
            return data
        taken = taken[: len(taken) // 2]


def unpacked(data: bytes) -> AgentPage:
    """The page again. ValueError of what is none, or is larger than one can be."""
    unpacking = zlib.decompressobj()
    try:
        whole = unpacking.decompress(data, MAX_PAGE + (1 << 20))
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not unpacking.eof:
        raise ValueError("a page that is too large")
    return msgspec.msgpack.decode(whole, type=AgentPage)


def _mailbox(agent: Agent, held: Mapping[str, Any]) -> Iterator[FilePage]:
    """Open mail, the newest that fits, then what was sent last; of that what the asker has not, or has otherwise."""
    yield from _whole(agent, agent.inbox, held, MAX_WHOLE_FILE)
    for path in _newest(agent, agent.sent_dir, ".json", MAX_SENT):
        yield from _whole(agent, path, held, MAX_RECORD)


def _whole(agent: Agent, path: Path, held: Mapping[str, Any], most: int) -> Iterator[FilePage]:
    """A file of mail, unless the asker has it as it is."""
    with suppress(OSError):
        opened, found = descriptor(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(opened, "rb") as file:
            # The hash of numbers is the same in each process. A file that is replaced is another, or has another time.
            name = hash((found.st_ino, found.st_mtime_ns, found.st_size)) & _NAMES
            if _held(held, _below(agent, path))[0] == name:
                return
            data = read_whole(file, found.st_size, path, most)
        yield FilePage(_below(agent, path), _newest_mail(data), name=name)


def _held(held: Mapping[str, Any], path: str) -> tuple[int, int]:
    """What the asker says that it has of a file: its name, and how far; (0, 0) if that is nothing."""
    match held.get(path):
        case [int(name), int(end)] if end >= 0:
            return name, end
    return 0, 0


def _newest_mail(data: bytes) -> bytes:
    """A mailbox without its oldest mails, where it is too large to be sent."""
    if len(data) <= MAX_PACKED:
        return data
    with suppress(ValueError, KeyError, TypeError):
        document = json_codec.loads(data)
        kept, left = [], MAX_PACKED
        for message in document["messages"]:  # the newest comes first
            left -= len(json_codec.dumps_line(message))
            if left < 0:
                break
            kept.append(message)
        return json_codec.dumps({**document, "messages": kept})
    return data[:MAX_PACKED]


def _logs(agent: Agent, held: Mapping[str, Any]) -> Iterator[FilePage]:
    """The ends of the logs that were written last; of those that the asker has a part of what they grew by."""
    found = (Path(one.path) for one in log_sources(agent, rotated=False))
    paths = [one for one in found if one.is_relative_to(agent.branch) and may_be_copied(_below(agent, one))]
    for path in sorted(paths, key=_written, reverse=True)[:MAX_LOGS]:
        with suppress(OSError):
            name, end = _held(held, _below(agent, path))
            if (page := _tail(agent, path, LOG_TAIL, name, end)) is not None:
                yield page


def _tail(agent: Agent, path: Path, most: int, name: int, end: int) -> FilePage | None:
    """The end of a file, or what comes after the byte `end` if it is still the file `name`; None of nothing.

    OSError where it cannot be read.
    """
    opened, found = descriptor(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        grew = name == found.st_ino and end <= found.st_size <= end + 4 * most
        if grew and end == found.st_size:
            return None
        begin = end if grew else max(0, found.st_size - most)
        data = os.pread(opened, found.st_size - begin, begin)
    finally:
        os.close(opened)
    if not grew and begin:  # from a whole line on
        skipped = data.find(b"\n") + 1
        begin, data = begin + skipped, data[skipped:]
    return FilePage(_below(agent, path), data, begin, found.st_ino)


def _newest(agent: Agent, directory: Path, suffix: str, most: int) -> list[Path]:
    """Its newest entries by name, which begins with a time; of those that a copy has a place for."""
    try:
        with os.scandir(directory) as entries:
            names = [
                entry.name
                for entry in entries
                if entry.name.endswith(suffix) and may_be_copied(_below(agent, directory / entry.name))
            ]
    except OSError:
        return []
    return [directory / name for name in sorted(names, reverse=True)[:most]]


def _written(path: Path) -> float:
    try:
        found = path.stat()
    except OSError:
        return 0.0
    return found.st_mtime if S_ISREG(found.st_mode) else 0.0


def _below(agent: Agent, path: Path) -> str:
    return str(path.relative_to(agent.branch))


SHOWN_FILES: Mapping[str, Callable[[Agent, Mapping[str, Any]], Iterator[FilePage]]] = {
    "inbox": _mailbox,
    "logs": _logs,
}
"""A verb that shows something of an agent → the files that it reads."""
