"""Find a message by any of its names, wherever in the workspace its copies lie. Reads only."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mailcore.exceptions import MailcoreError
from mailcore.formats import json_codec
from mailcore.formats.timestamps import name_time
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.mail.message_names import choose_named
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.system.safe_open import read_bytes
from mailcore.workspace.find import Workspace

_TIMED = re.compile("[0-9]{8}_[0-9]{6}_")


@dataclass(frozen=True, slots=True)
class Copy:
    """The recipient's copy of a message."""

    agent: Agent
    message: Message
    archived: Path | None = None
    """Its file, if it is closed; None while it is open."""


def all_copies(workspace: Workspace) -> Iterator[Copy]:
    """Every message of the workspace, each once: open mail first, then the archives, newest first.

    Those of agents that were removed come last of either.
    """
    return copies_of((*workspace.agents, workspace.operator, workspace.watcher, *workspace.former_agents()))


def copies_of(agents: Iterable[Agent]) -> Iterator[Copy]:
    """The same of these agents' mailboxes alone."""
    everyone = list(agents)
    seen: set[tuple[str, str, str]] = set()
    for agent in everyone:
        for message in read_mailbox(agent.inbox).messages:
            seen.add((agent.address, message.id, message.sent_id))
            yield Copy(agent, Message.from_json(message.raw, agent.address))
    for agent in everyone:
        for path, raw in archived_messages(agent):
            closed = Message.from_json(raw, agent.address)
            # A writer killed in mid-close leaves the mail in both places: it is open.
            if (agent.address, closed.id, closed.sent_id) not in seen:
                yield Copy(agent, closed, path)


def archived_messages(agent: Agent) -> Iterator[tuple[Path, dict[str, Any]]]:
    """An agent's closed mail, newest first, each once; files that cannot be read are passed over."""
    seen: set[tuple[str, str]] = set()
    for path, raw in _records(agent.archive_dir):
        names = (str(raw.get("id") or path), str(raw.get("sent_id") or ""))
        if names not in seen:
            seen.add(names)
            yield path, raw


def sent_records(agent: Agent) -> Iterator[tuple[Path, dict[str, Any]]]:
    """An agent's records of what it sent, newest first."""
    yield from _records(agent.sent_dir)


@dataclass(frozen=True, slots=True)
class Page:
    """Some files of mail, newest first."""

    records: tuple[tuple[Path, dict[str, Any]], ...] = ()
    following: str = ""
    """Where the next page begins: to be handed on as `after`; empty where this one is the last."""


def archive_page(agent: Agent, most: int, after: str = "") -> Page:
    """So many of an agent's closed mails, newest first; only their files are read."""
    return _page(agent.archive_dir, most, after)


def sent_page(agent: Agent, most: int, after: str = "") -> Page:
    """So many of an agent's records of what it sent, and those of the same second; only their files are read."""
    return _page(agent.sent_dir, most, after, whole_seconds=True)


def find_copy(workspace: Workspace, message_id: str) -> Copy:
    """The recipient's copy of the message that is named so (`choose_named`). MailcoreError if there is none."""
    found = choose_named(message_id, all_copies(workspace), lambda copy: copy.message)
    if found is None:
        raise MailcoreError(f"no message {message_id}, open or archived, in {workspace.root}", "no_message")
    return found


def _records(directory: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    # Names begin with their time, save AIPass's replies, which are <id>.json (contract 2).
    for path in sorted(directory.glob("*.json"), reverse=True):
        try:
            raw = json_codec.loads(read_bytes(path))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(raw, dict):
            yield path, raw


def _page(directory: Path, most: int, after: str, *, whole_seconds: bool = False) -> Page:
    try:
        with os.scandir(directory) as entries:
            named = sorted((_file_time(one), one.name) for one in entries if one.name.endswith(".json"))
    except OSError:
        return Page()
    found: list[tuple[Path, dict[str, Any]]] = []
    place = second = ""
    for at, name in reversed(named):
        here = f"{at} {name}"
        if after and here >= after:
            continue
        # Names tell seconds, and within one only the mails themselves say which is the newer.
        if len(found) >= most and not (whole_seconds and at == second):
            return Page(tuple(found), place)
        place, second = here, at
        try:
            raw = json_codec.loads(read_bytes(directory / name))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(raw, dict):
            found.append((directory / name, raw))
    return Page(tuple(found))


def _file_time(entry: os.DirEntry[str]) -> str:
    """When a file of mail was written: its name begins with it, save AIPass's replies', which are <id>.json."""
    if _TIMED.match(entry.name):
        return entry.name[:15]
    try:
        return name_time(datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime))
    except (OSError, ValueError, OverflowError):
        return ""
