"""What another host is shown of an agent's files: its mail, the journals of its runs, the ends of its logs. In pages.

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
from mailcore.logs.sources import log_sources
from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.model.link import HostRecord
from mailcore.system.safe_open import descriptor, read_bytes
from mailcore.workspace.find import Workspace

MAX_PAGE = 4 << 20
"""Bytes of all files of a page, before it is made small."""
MAX_PACKED = 900_000
"""The same after that: what one answer carries."""
MAX_SENT, MAX_RUNS, MAX_LOGS = 50, 20, 12
"""Files of a kind, the newest."""
LOG_TAIL = 256 << 10
"""Bytes of the end of a log that come first; after that what it grew by."""
JOURNAL = 256 << 10


class FilePage(msgspec.Struct, frozen=True):
    """A part of one file."""

    path: str
    """Below the agent's directory."""
    data: bytes
    begin: int = 0
    """Where in the file it begins."""
    name: int = 0
    """Tells this file from another of that path: a log that was rotated has another."""
    whole: bool = False
    """It is the file as it is; else a part that is shown instead of it, or what it grew by."""


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
    terms = question.get("terms")
    return packed(read(agent, terms if isinstance(terms, dict) else {}))


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


def _mailbox(agent: Agent, terms: Mapping[str, Any]) -> Iterator[FilePage]:
    """Open mail, the newest that fits, then what was sent last."""
    del terms
    with suppress(OSError):
        yield FilePage(_below(agent, agent.inbox), _newest_mail(read_bytes(agent.inbox, links=False)), whole=True)
    for path in _newest(agent.sent_dir, ".json", MAX_SENT):
        with suppress(OSError):
            yield FilePage(_below(agent, path), read_bytes(path, links=False, most=JOURNAL), whole=True)


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


def _runs(agent: Agent, terms: Mapping[str, Any]) -> Iterator[FilePage]:
    """The journals of the newest runs; of one that is named its output too."""
    named = str(terms.get("run", ""))
    for directory in _newest(agent.runs_dir, "", MAX_RUNS):
        if named in ("", directory.name):
            with suppress(OSError):
                yield _tail(agent, directory / RUN_JOURNAL, JOURNAL)
    if named:
        for source in log_sources(agent, run_id=named):
            with suppress(OSError):
                yield _tail(agent, Path(source.path), LOG_TAIL)


def _logs(agent: Agent, terms: Mapping[str, Any]) -> Iterator[FilePage]:
    """The ends of the logs that were written last; of those that the asker has a part of what they grew by."""
    held = terms.get("held")
    known: dict[str, Any] = held if isinstance(held, dict) else {}
    paths = [Path(one.path) for one in log_sources(agent, rotated=False) if Path(one.path).is_relative_to(agent.branch)]
    for path in sorted(paths, key=_written, reverse=True)[:MAX_LOGS]:
        with suppress(OSError, ValueError, TypeError):
            name, end = map(int, known.get(_below(agent, path), (0, 0)))
            yield _tail(agent, path, LOG_TAIL, name, end)


def _tail(agent: Agent, path: Path, most: int, name: int = 0, end: int = 0) -> FilePage:
    """The end of a file, or what comes after the byte `end` if it is still the file `name`. OSError."""
    opened, found = descriptor(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        grew = name == found.st_ino and end <= found.st_size <= end + 4 * most
        begin = end if grew else max(0, found.st_size - most)
        data = os.pread(opened, found.st_size - begin, begin)
    finally:
        os.close(opened)
    if not grew and begin:  # from a whole line on
        skipped = data.find(b"\n") + 1
        begin, data = begin + skipped, data[skipped:]
    return FilePage(_below(agent, path), data, begin, found.st_ino, whole=not begin)


def _newest(directory: Path, suffix: str, most: int) -> list[Path]:
    """Its newest entries by name, which begins with a time."""
    try:
        with os.scandir(directory) as entries:
            names = [entry.name for entry in entries if entry.name.endswith(suffix) and entry.name[:1] != "."]
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
    "runs": _runs,
    "logs": _logs,
}
"""A verb that shows something of an agent → the files that it reads."""
