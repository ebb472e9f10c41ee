"""Find a message by any of its names, wherever in the workspace its copies lie. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailcore.errors import MailcoreError
from mailcore.mail import mailbox, store
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Copy:
    """The recipient's copy of a message."""

    agent: Agent
    message: Message
    archived: Path | None = None
    """Its file, if it is closed; None while it is open."""


def copies(workspace: Workspace) -> Iterator[Copy]:
    """Every message of the workspace, each once: open mail first, then the archives, newest first."""
    everyone = (*workspace.agents, workspace.operator)
    for agent in everyone:
        for message in mailbox.read_mailbox(agent.inbox).messages:
            yield Copy(agent, Message.from_json(message.raw, agent.address))
    for agent in everyone:
        for path, raw in archived(agent):
            yield Copy(agent, Message.from_json(raw, agent.address), path)


def archived(agent: Agent) -> Iterator[tuple[Path, dict[str, Any]]]:
    """An agent's closed mail, newest first; files that cannot be read are passed over."""
    yield from _records(agent.archive_dir)


def sent(agent: Agent) -> Iterator[tuple[Path, dict[str, Any]]]:
    """An agent's records of what it sent, newest first."""
    yield from _records(agent.sent_dir)


def find(workspace: Workspace, message_id: str) -> Copy:
    """The recipient's copy of the message of that id, sent id or number. MailcoreError if there is none."""
    named = [copy for copy in copies(workspace) if copy.message.answers_to(message_id)]
    for copy in named:
        if copy.message.id == message_id:
            return copy
    if named:
        return named[0]
    raise MailcoreError(f"no message {message_id}, open or archived, in {workspace.root}", "no_message")


def _records(directory: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    # Names begin with their time, save AIPass's replies, which are <id>.json (contract 2).
    for path in sorted(directory.glob("*.json"), reverse=True):
        try:
            raw = store.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(raw, dict):
            yield path, raw
