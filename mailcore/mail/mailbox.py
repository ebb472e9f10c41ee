"""One agent's mailbox: read it, put a message in, change or remove one. Unknown keys and foreign order survive."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from mailcore.errors import MailcoreError
from mailcore.mail import archive, store
from mailcore.model.agent import Agent
from mailcore.model.message import Mailbox, MailboxStatus, Message

TORN_READS = 20
"""Tries of an unlocked reader: AIPass rewrites in place, so a read beside a writer may be torn (contract 0.1)."""


class Unreadable(MailcoreError):
    """The mailbox file cannot be read as a mailbox; nothing was written over it."""


def read_mailbox(path: Path) -> Mailbox:
    """The mailbox at `path` at this moment. Never raises, takes no lock, writes nothing."""
    reason = ""
    for attempt in range(TORN_READS):
        try:
            messages = _messages(_parse(path, path.read_bytes()))
        except FileNotFoundError:
            return Mailbox(MailboxStatus.MISSING)
        except OSError as error:
            return Mailbox(MailboxStatus.UNREADABLE, reason=f"{path}: {error.strerror}")
        except Unreadable as error:
            reason = str(error)
            # Torn by a writer at this moment, or for good: 20 looks over 40 ms tell.
            if attempt < TORN_READS - 1:
                time.sleep(0.002)
            continue
        return Mailbox(MailboxStatus.OK, tuple(Message.from_json(raw) for raw in messages))
    return Mailbox(MailboxStatus.UNREADABLE, reason=reason)


def deliver(agent: Agent, raw: dict[str, Any]) -> str:
    """Put one message on top of the agent's open mail; returns the id it got. On disk before this returns."""
    with _open(agent, create=True) as (document, save):
        taken = {message.get("id") for message in _messages(document)}
        message_id = raw.get("id") or new_id(taken)
        document["messages"].insert(0, {"id": message_id, **raw})
        save()
    return str(message_id)


def mark_opened(agent: Agent, ids: Collection[str], seen: dict[str, Any]) -> list[Message]:
    """Mark the named open messages as read, adding `seen` where it is not said yet. Unknown ids raise."""
    opened = []
    with _open(agent) as (document, save):
        for raw in _pick(document, ids, agent):
            if raw.get("status", "new") == "new":
                raw["status"] = "opened"
                raw["read"] = True
                for key, value in seen.items():
                    raw.setdefault(key, value)
            opened.append(Message.from_json(raw))
        save()
    return opened


def close(agent: Agent, ids: Collection[str]) -> list[Message]:
    """Archive the named messages, then remove them: in this order, each durable (contract section 2)."""
    closed = []
    with _open(agent) as (document, save):
        for raw in _pick(document, ids, agent):
            raw["status"] = "closed"
            raw["read"] = True
            archive.keep(agent, raw)
            document["messages"].remove(raw)
            closed.append(Message.from_json(raw))
        save()
    return closed


def new_id(taken: Collection[Any] = ()) -> str:
    """Eight lower-case hex digits, as AIPass mints them, and not one of `taken`."""
    while True:
        candidate = uuid.uuid4().hex[:8]
        if candidate not in taken:
            return candidate


@contextlib.contextmanager
def _open(agent: Agent, *, create: bool = False) -> Iterator[tuple[dict[str, Any], Callable[[], None]]]:
    """The mailbox under its lock, as a document to change, and the function that writes it back."""
    path = agent.inbox
    try:
        if create:
            agent.sent_dir.mkdir(parents=True, exist_ok=True)
        elif not agent.mail_dir.is_dir():
            raise MailcoreError(f"{agent.address} has no mailbox at {agent.mail_dir}", "no_mailbox")
        with store.locked(path.with_name(".inbox.lock")):
            try:
                document = _parse(path, path.read_bytes())
            except FileNotFoundError:
                document = {"mailbox": "inbox", "messages": []}

            def save() -> None:
                messages = _messages(document)
                document["total_messages"] = len(messages)
                document["unread_count"] = sum(Message.from_json(raw).unread for raw in messages)
                store.replace(path, store.dumps(document))

            yield document, save
    except OSError as error:
        raise MailcoreError(f"{error.filename or path}: {error.strerror}; nothing was lost, nothing written") from error


def _parse(path: Path, data: bytes) -> dict[str, Any]:
    """A mailbox document in its present form; legacy forms are wrapped as AIPass wraps them (contract section 2)."""
    try:
        document = store.loads(data)
    except (ValueError, RecursionError) as error:
        what = "is empty (torn by a writer that was killed?)" if not data.strip() else f"is not JSON: {error}"
        raise Unreadable(f"{path} {what}", "unreadable") from error
    if isinstance(document, list):
        document = {"mailbox": "inbox", "messages": document}
    if not isinstance(document, dict):
        raise Unreadable(f"{path} holds no mailbox but a {type(document).__name__}", "unreadable")
    if "messages" not in document and isinstance(document.get("inbox"), list):
        document["messages"] = document.pop("inbox")
    document.setdefault("messages", [])
    if not isinstance(document["messages"], list):
        raise Unreadable(f'{path}: "messages" is no list', "unreadable")
    return document


def _messages(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [raw for raw in document["messages"] if isinstance(raw, dict)]


def _pick(document: dict[str, Any], ids: Collection[str], agent: Agent) -> list[dict[str, Any]]:
    """The messages that `ids` name, each once; `id` wins over `sent_id` (contract 0.5)."""
    messages = _messages(document)
    picked: dict[int, dict[str, Any]] = {}
    for wanted in ids:
        found = next((m for key in ("id", "sent_id") for m in messages if m.get(key) == wanted), None)
        if found is None:
            raise MailcoreError(f"no open message {wanted} in {agent.address}'s mailbox", "no_message")
        picked[id(found)] = found
    return list(picked.values())
