"""One agent's mailbox: read it, put a message in, change or remove one. Unknown keys and foreign order survive.

A file that a killed writer tore is repaired by the next locked write: whole messages stay, the file is set aside.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from mailcore import journal
from mailcore.errors import MailcoreError
from mailcore.mail import archive, repair, sequence, splice, store
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.message import Mailbox, MailboxStatus, Message, is_unread

TORN_READS = 20
"""Tries of an unlocked reader: AIPass rewrites in place, so a read beside a writer may be torn (contract 0.1)."""
PATIENCE = 1.0
"""Seconds that a torn file is looked at again while its lock is held."""


class Unreadable(MailcoreError):
    """The mailbox file cannot be read as a mailbox; nothing was written over it."""


def read_mailbox(path: Path) -> Mailbox:
    """The mailbox at `path` at this moment. Never raises, keeps nobody waiting, writes nothing."""
    deadline, looks, last_look = time.monotonic() + PATIENCE, 0, False
    while True:
        looks += 1
        try:
            messages = _messages(_parse(path, path.read_bytes()))
        except FileNotFoundError:
            return Mailbox(MailboxStatus.MISSING)
        except OSError as error:
            return Mailbox(MailboxStatus.UNREADABLE, reason=f"{path}: {error.strerror}")
        except Unreadable as error:
            # Torn by a writer at this moment, or for good: 20 looks over 40 ms tell, and whether somebody holds the
            # lock (a writer that a busy machine put aside in mid-write). When nobody does any more, one look is last.
            if last_look:
                return Mailbox(MailboxStatus.UNREADABLE, reason=str(error))
            if looks >= TORN_READS:
                writing = store.is_locked(path.with_name(".inbox.lock"))
                last_look = not writing or time.monotonic() > deadline
            time.sleep(0.002)
            continue
        return Mailbox(MailboxStatus.OK, tuple(Message.from_json(raw) for raw in messages))


def deliver(agent: Agent, raw: dict[str, Any]) -> str:
    """Put one message on top of the agent's open mail; returns the id it got. On disk before this returns.

    With an `upsert_key` an open message of the same key and sender is rewritten and counted up instead (contract 2);
    unlike AIPass's it is unread again if it says something else now.
    """
    with _held(agent, create=True):
        if not raw.get("upsert_key") and (message_id := _splice(agent, raw)):
            return message_id
        document = _load(agent)
        messages = _messages(document)
        former = _former(messages, raw) if raw.get("upsert_key") else None
        if former is None:
            message_id = raw.get("id") or new_id({str(message.get("id")) for message in messages})
            document["messages"].insert(0, {"id": message_id, **raw, "stored_at": journal.now()})
        else:
            message_id = former["id"]
            updates = former.get("updates")
            changes: dict[str, Any] = {key: raw[key] for key in ("subject", "message", "priority", "ack") if key in raw}
            if any(former.get(key) != changes.get(key) for key in ("subject", "message")):
                former["status"] = "new"
                for key in ("read", "seen_at", "seen_by"):
                    former.pop(key, None)
            former |= changes
            former |= {"updates": updates + 1 if isinstance(updates, int) else 2, "last_updated": raw.get("timestamp")}
            former["auto_execute"] = False
        _write(agent, document)
    return str(message_id)


def _splice(agent: Agent, raw: dict[str, Any]) -> str:
    """Deliver without parsing what lies there; empty, and nothing done, if that has to be parsed."""
    if not isinstance(raw.get("seq"), int) or raw.get("status") not in ("new", "opened"):
        return ""
    try:
        data = agent.inbox.read_bytes()
    except FileNotFoundError:
        return ""
    message_id = raw.get("id") or new_id()
    while "id" not in raw and splice.names(data, message_id):
        message_id = new_id()
    parts = splice.on_top(data, {"id": message_id, **raw, "stored_at": journal.now()})
    if parts is None:
        return ""
    store.replace(agent.inbox, *parts, alone=True)
    return str(message_id)


def _former(messages: list[dict[str, Any]], raw: dict[str, Any]) -> dict[str, Any] | None:
    same = ("from", "upsert_key")
    matching = (m for m in messages if all(m.get(key) == raw.get(key) for key in same) and m.get("status") != "closed")
    return next(matching, None)


def put_back(agent: Agent, raw: dict[str, Any]) -> None:
    """Put a message that was archived on top of the open mail as it is, unless it is there still."""
    with _open(agent, create=True) as (document, save):
        names = [(m.id, m.sent_id) for m in map(Message.from_json, _messages(document))]
        wanted = Message.from_json(raw)
        if (wanted.id, wanted.sent_id) not in names:
            document["messages"].insert(0, raw)
            save()


def mark_opened(agent: Agent, ids: Collection[str], seen: dict[str, Any]) -> list[Message]:
    """Mark the named open messages as read, adding `seen` where it is not said yet. Unknown ids raise."""
    opened = []
    with _open(agent) as (document, save):
        for raw in _pick(document, ids, agent):
            if is_unread(raw):
                raw["status"] = "opened"
                raw["read"] = True
                for key, value in seen.items():
                    raw.setdefault(key, value)
            opened.append(Message.from_json(raw))
        save()
    return opened


def update(agent: Agent, message_id: str, changes: dict[str, Any]) -> Message:
    """Set keys of one open message; it becomes at least `opened`."""
    with _open(agent) as (document, save):
        (raw,) = _pick(document, [message_id], agent)
        if raw.get("status", "new") == "new":
            raw |= {"status": "opened", "read": True}
            raw.setdefault("seen_at", journal.now())
        raw |= changes
        save()
    return Message.from_json(raw)


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


def provide(agent: Agent) -> None:
    """Make the agent's mailbox if it has none: AIPass answers only into a file that is there ("inbox not found")."""
    if not agent.inbox.exists():
        with _open(agent, create=True) as (_, save):
            save()


def mend(agent: Agent, *, dry_run: bool = False) -> repair.Repair | None:
    """Repair the mailbox if it has to be; None if it can be read. With `dry_run` nothing is written."""
    try:
        data = agent.inbox.read_bytes()
        _parse(agent.inbox, data)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MailcoreError(f"{agent.inbox}: {error.strerror}", "unreadable") from error
    except Unreadable as error:
        if dry_run:
            return repair.set_aside(agent.inbox, data, _cause(agent, error), dry_run=True)[1]
    else:
        return None
    with store.locked(agent.inbox.with_name(".inbox.lock")):
        data = agent.inbox.read_bytes()
        try:
            _parse(agent.inbox, data)
        except Unreadable as error:
            messages, done = repair.set_aside(agent.inbox, data, _cause(agent, error))
            _write(agent, {"mailbox": "inbox", "messages": messages})
            _tell(agent, done)
            return done
    return None  # it was torn only while another program wrote it


def _cause(agent: Agent, error: Unreadable) -> str:
    return str(error).removeprefix(str(agent.inbox)).lstrip(": ")


def new_id(taken: Collection[Any] = ()) -> str:
    """Eight lower-case hex digits, as AIPass mints them, and not one of `taken`."""
    while True:
        candidate = uuid.uuid4().hex[:8]
        if candidate not in taken:
            return candidate


@contextlib.contextmanager
def _open(agent: Agent, *, create: bool = False) -> Iterator[tuple[dict[str, Any], Callable[[], None]]]:
    """The mailbox under its lock, as a document to change, and the function that writes it back."""
    with _held(agent, create=create):
        document = _load(agent)
        yield document, lambda: _write(agent, document)


@contextlib.contextmanager
def _held(agent: Agent, *, create: bool = False) -> Iterator[None]:
    """The mailbox's lock, in its place; what the disk refuses becomes words."""
    path = agent.inbox
    try:
        store.inside(agent.root, path)
        if create and not path.exists():
            # Only the operator's place is made whole: a branch that vanished is not invented anew.
            agent.mail_dir.mkdir(parents=agent.is_operator, exist_ok=True)
            agent.sent_dir.mkdir(exist_ok=True)
        elif not agent.mail_dir.is_dir():
            raise MailcoreError(f"{agent.address} has no mailbox at {agent.mail_dir}", "no_mailbox")
        with store.locked(path.with_name(".inbox.lock")):
            yield
    except OSError as error:
        raise MailcoreError(f"{error.filename or path}: {error.strerror}; nothing was lost, nothing written") from error
    except RecursionError as error:
        raise Unreadable(f"{path}: nested too deep to be written back; nothing was written", "unreadable") from error


def _write(agent: Agent, document: dict[str, Any]) -> None:
    messages = _messages(document)
    _number(agent, messages)
    document["total_messages"] = len(messages)
    document["unread_count"] = sum(map(is_unread, messages))
    store.replace(agent.inbox, store.dumps(document), alone=True)


def _load(agent: Agent) -> dict[str, Any]:
    """The mailbox as it is, repaired if it has to be, empty if there is none. Call it under the lock."""
    try:
        data = agent.inbox.read_bytes()
    except FileNotFoundError:
        return {"mailbox": "inbox", "messages": []}
    try:
        return _parse(agent.inbox, data)
    except Unreadable as error:
        messages, done = repair.set_aside(agent.inbox, data, _cause(agent, error))
        document = {"mailbox": "inbox", "messages": messages}
        _tell(agent, done)
        return document


def _number(agent: Agent, messages: list[dict[str, Any]]) -> None:
    """Give a number to each message that another program delivered without one, the oldest first."""
    without = [raw for raw in reversed(messages) if not isinstance(raw.get("seq"), int)]
    if without:
        first = sequence.take(agent.root, len(without))
        for number, raw in enumerate(without, first):
            raw["seq"] = number


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


def _named(value: Any, name: str) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and bool(name) and str(value) == name


def _messages(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [raw for raw in document["messages"] if isinstance(raw, dict)]


def _pick(document: dict[str, Any], ids: Collection[str], agent: Agent) -> list[dict[str, Any]]:
    """The messages that `ids` name, each once; `id` wins over `sent_id` (contract 0.5), both over the number."""
    messages = _messages(document)
    picked: dict[int, dict[str, Any]] = {}
    for wanted in ids:
        names = (("id", wanted), ("sent_id", wanted), ("seq", wanted.removeprefix("#")))
        found = next((raw for key, name in names for raw in messages if _named(raw.get(key), name)), None)
        if found is None:
            raise MailcoreError(f"no open message {wanted} in {agent.address}'s mailbox", "no_message")
        picked[id(found)] = found
    return list(picked.values())


def _tell(agent: Agent, done: repair.Repair) -> None:
    """Tell the operator of a repair: in the audit, and by mail, save of the operator's own mailbox."""
    repair.tell(agent, done)
    if agent.is_operator:
        return
    now = journal.now()
    notice = {
        "timestamp": f"{datetime.now():%Y-%m-%d %H:%M:%S}",
        "from": agent.address,
        "from_name": agent.name,
        "subject": f"MAILBOX REPAIRED: {agent.address}",
        "message": f"{done}.\n\nWhat was in it and is not there now stands in the file that was set aside.",
        "priority": "high",
        "auto_execute": False,
        "status": "new",
        "sent_id": "",
        "thread_id": f"repair-{now}",
    }
    operator = Agent(OPERATOR, "OPERATOR", agent.root / ".praxmonitor" / "operator", root=agent.root)
    with contextlib.suppress(MailcoreError):  # the audit has it
        deliver(operator, notice)
