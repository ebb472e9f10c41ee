"""One agent's mailbox under its lock: put a message in, change or remove one. Unknown keys and foreign order survive.

A file that a killed writer tore is repaired by the next locked write: whole messages stay, the file is set aside.
"""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mailcore.exceptions import MailcoreError
from mailcore.formats import journal
from mailcore.formats.timestamps import aipass_time
from mailcore.mail import archive, splice
from mailcore.mail.bell import ring_bells
from mailcore.mail.link_keys import LINK
from mailcore.mail.mailbox_document import Unreadable, messages_in, parse_mailbox, pick_messages
from mailcore.mail.store import LockedMailbox, damage_cause, lock_mailbox
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.message import Message, is_unread
from mailcore.system import safe_open

if TYPE_CHECKING:
    from mailcore.mail.repair import Repair

Picks = Callable[[Message], bool]
TOLD_KEYS = ("told_at", "told_where", "told_session", "proved_at")
"""Keys that say when and where an agent's program was given a message, and that it arrived."""
_ENVELOPE = re.compile(rb'"envelope": ?"([0-9a-f]{32})"')
_REWRITTEN = ("subject", "message", "priority", "ack", "sender_proof", "data", "link")
"""Keys that a message of the same upsert key takes from the later one."""


def deliver(agent: Agent, raw: dict[str, Any]) -> str:
    """Put one message on top of the agent's open mail; returns the id it got. On disk before this returns.

    With an `upsert_key` an open message of the same key and sender is rewritten and counted up instead (contract 2);
    unlike AIPass's it is unread again if it says something else now.
    """
    if not raw.get("upsert_key"):
        with lock_mailbox(agent, create=True) as place:
            message_id = _splice(place, raw)
        if message_id:
            ring_bells(agent)
            return message_id
    with _open(agent, create=True) as (document, save):
        message_id = _insert(document, raw)
        save()
    ring_bells(agent)
    return message_id


def deliver_all(agent: Agent, raws: Sequence[dict[str, Any]], is_archived: Callable[[str], bool]) -> list[str]:
    """Put several messages that came over a link on top of the open mail, in their order, at one stroke; their ids.

    One whose envelope (our key `link`) is there already, or of which `is_archived` says so, is not put there again. It
    is asked while the mailbox is locked: so none can be archived meanwhile. On disk before this returns.
    """
    with lock_mailbox(agent, create=True) as place:
        data = b""
        with contextlib.suppress(FileNotFoundError):
            data = place.read()
        known = {name.decode() for name in _ENVELOPE.findall(data)}
        fresh = [raw for raw in raws if (name := raw[LINK]["envelope"]) not in known and not is_archived(name)]
        plain = not any(raw.get("upsert_key") for raw in fresh)
        taken = splice.ids_in(data)
        for raw in fresh:
            raw["id"] = new_id(taken) if raw["id"] in taken else raw["id"]
            taken.add(raw["id"])
        parts = splice.insert_on_top(data, *({**raw, "stored_at": journal.now()} for raw in reversed(fresh)))
        if fresh and plain and parts is not None:
            place.write(*parts)
            fresh = []
    if fresh:
        with _open(agent, create=True) as (document, save):
            here = {name for raw in messages_in(document) if (name := _envelope_of(raw))}
            for raw in fresh:
                if raw[LINK]["envelope"] not in here and not _is_past(document, raw):
                    raw["id"] = _insert(document, raw)
            save()
    ring_bells(agent)
    return [str(raw["id"]) for raw in raws]


def _is_past(document: dict[str, Any], raw: dict[str, Any]) -> bool:
    """True if what it would rewrite was rewritten by it, or by a later one, before."""
    earlier = _open_with_key(messages_in(document), raw) if raw.get("upsert_key") else None
    was = earlier.get(LINK) if earlier is not None else None
    if not isinstance(was, Mapping):
        return False
    place = "seq" if was.get("epoch") == raw[LINK]["epoch"] else "at"
    return isinstance(was.get(place), int | float) and was[place] >= raw[LINK][place]


def _envelope_of(raw: Mapping[str, Any]) -> str:
    link = raw.get(LINK)
    return str(link.get("envelope", "")) if isinstance(link, Mapping) else ""


def _insert(document: dict[str, Any], raw: dict[str, Any]) -> str:
    """Put a message on top, or into the open one of its upsert key; its id."""
    found = messages_in(document)
    earlier = _open_with_key(found, raw) if raw.get("upsert_key") else None
    if earlier is None:
        message_id = raw.get("id") or new_id({str(message.get("id")) for message in found})
        document["messages"].insert(0, {"id": message_id, **raw, "stored_at": journal.now()})
        return str(message_id)
    updates = earlier.get("updates")
    changes: dict[str, Any] = {key: raw[key] for key in _REWRITTEN if key in raw}
    if any(earlier.get(key) != changes.get(key) for key in ("subject", "message")):
        earlier["status"] = "new"
        for key in ("read", "seen_at", "seen_by", *TOLD_KEYS, "unseen"):
            earlier.pop(key, None)
    earlier.pop("data", None)
    earlier |= changes
    earlier |= {"updates": updates + 1 if isinstance(updates, int) else 2, "last_updated": raw.get("timestamp")}
    earlier["auto_execute"] = False
    return str(earlier["id"])


def _splice(place: LockedMailbox, raw: dict[str, Any]) -> str:
    """Deliver without parsing what lies there; empty, and nothing done, if that has to be parsed."""
    if not isinstance(raw.get("seq"), int) or raw.get("status") not in ("new", "opened"):
        return ""
    try:
        data = place.read()
    except FileNotFoundError:
        return ""
    message_id = raw.get("id") or new_id()
    while "id" not in raw and splice.may_contain_id(data, message_id):
        message_id = new_id()
    parts = splice.insert_on_top(data, {"id": message_id, **raw, "stored_at": journal.now()})
    if parts is None:
        return ""
    place.write(*parts)
    return str(message_id)


def _open_with_key(found: list[dict[str, Any]], raw: dict[str, Any]) -> dict[str, Any] | None:
    same = ("from", "upsert_key")
    matching = (m for m in found if all(m.get(key) == raw.get(key) for key in same) and m.get("status") != "closed")
    return next(matching, None)


def put_back(agent: Agent, raw: dict[str, Any]) -> None:
    """Put a message that was archived on top of the open mail as it is, unless it is there still."""
    with _open(agent, create=True) as (document, save):
        names = [(m.id, m.sent_id) for m in map(Message.from_json, messages_in(document))]
        wanted = Message.from_json(raw)
        if (wanted.id, wanted.sent_id) not in names:
            document["messages"].insert(0, raw)
            save()


def mark_as_opened(agent: Agent, ids: Collection[str], seen: dict[str, Any]) -> list[Message]:
    """Mark the named open messages as read, adding `seen` where it is not said yet. Unknown ids raise."""
    opened = []
    with _open(agent) as (document, save), _telling(agent, pick_messages(document, ids, agent)) as picked:
        for raw in picked:
            if is_unread(raw) or raw.get("unseen"):
                raw.pop("unseen", None)
                raw["status"] = "opened"
                raw["read"] = True
                for key, value in seen.items():
                    raw.setdefault(key, value)
            opened.append(Message.from_json(raw))
        save()
    return opened


def update(agent: Agent, message_id: str, changes: dict[str, Any]) -> Message:
    """Set keys of one open message; it becomes at least `opened`."""
    with _open(agent) as (document, save), _telling(agent, pick_messages(document, [message_id], agent)) as (raw,):
        if raw.get("status", "new") == "new":
            raw |= {"status": "opened", "read": True, **_unseen(raw)}
        raw |= changes
        save()
    return Message.from_json(raw)


def amend(agent: Agent, which: Picks, changes: dict[str, Any]) -> list[Message]:
    """Set keys of the open messages that `which` picks, read or not; returns them as they are now."""
    with _open(agent) as (document, save):
        picked = [raw for raw in messages_in(document) if which(Message.from_json(raw))]
        with _telling(agent, picked):
            for raw in picked:
                raw |= changes
            if picked:
                save()
    return [Message.from_json(raw) for raw in picked]


def archive_messages(
    agent: Agent, ids: Collection[str], changes: Mapping[str, Any] = MappingProxyType({})
) -> list[Message]:
    """Archive the named messages with `changes`, then remove them: in this order, each durable (contract section 2)."""
    closed = []
    with _open(agent) as (document, save), _telling(agent, pick_messages(document, ids, agent)) as picked:
        for raw in picked:
            raw |= changes
            closed.append(_archive(agent, document, raw))
        save()
    return closed


def archive_matching(agent: Agent, which: Picks) -> list[Message]:
    """Archive the open messages that `which` picks; it is asked of each once."""
    with _open(agent) as (document, save):
        picked = [raw for raw in messages_in(document) if which(Message.from_json(raw))]
        with _telling(agent, picked):
            closed = [_archive(agent, document, raw) for raw in picked]
            if closed:
                save()
    return closed


@contextlib.contextmanager
def _telling(agent: Agent, picked: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Of the messages that change within this, tell the hosts that some came from where they stand when it ends."""
    linked = [raw for raw in picked if LINK in raw]
    if not linked:
        yield picked
        return
    from mailcore.mail import receipts

    before = [receipts.standing(raw) for raw in linked]
    yield picked
    receipts.tell(agent, [raw for raw, stood in zip(linked, before, strict=True) if receipts.standing(raw) != stood])


def _archive(agent: Agent, document: dict[str, Any], raw: dict[str, Any]) -> Message:
    raw |= {"status": "closed", "read": True, **_unseen(raw)}
    archive.write_archived(agent, raw)
    document["messages"].remove(raw)
    return Message.from_json(raw)


def _unseen(raw: dict[str, Any]) -> dict[str, Any]:
    """What is to be said of a message that counts as read from now on, though nobody read it."""
    return {"unseen": True} if is_unread(raw) and not raw.get("seen_at") else {}


def ensure_mailbox(agent: Agent) -> None:
    """Make the agent's mailbox if it has none: AIPass answers only into a file that is there ("inbox not found")."""
    if not agent.inbox.exists():
        with _open(agent, create=True) as (_, save):
            save()


def repair_mailbox(agent: Agent, *, dry_run: bool = False) -> Repair | None:
    """Repair the mailbox if it has to be; None if nothing is amiss. With `dry_run` nothing is written."""
    from mailcore.mail import repair

    try:
        data = safe_open.read_bytes(agent.inbox)
        closed = [raw for raw in messages_in(parse_mailbox(agent.inbox, data)) if raw.get("status") == "closed"]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MailcoreError(f"{agent.inbox}: {error.strerror}", "unreadable") from error
    except Unreadable as error:
        if dry_run:
            return repair.set_aside_mailbox(agent.inbox, data, damage_cause(agent, error))[1]
    else:
        if not closed and not archive.legacy_archive(agent).exists():
            return None
        found = len(closed)
        if not dry_run:
            with _reporting_repair(agent) as place:
                document = place.load()
                found = archive.archive_closed(agent, document)
                place.save(document)
        return repair.Repair(agent.inbox, "and what lies beside it", 0, archived=found) if found else None
    with _reporting_repair(agent) as place:
        data = place.read()
        try:
            parse_mailbox(agent.inbox, data)
        except Unreadable as error:
            place.save(place.repair(data, error))
    return place.repaired  # None: it was torn only while another program wrote it


def new_id(taken: Collection[Any] = ()) -> str:
    """Eight lower-case hex digits, as AIPass mints them, and not one of `taken`."""
    while True:
        candidate = uuid.uuid4().hex[:8]
        if candidate not in taken:
            return candidate


@contextlib.contextmanager
def _open(agent: Agent, *, create: bool = False) -> Iterator[tuple[dict[str, Any], Callable[[], None]]]:
    """The mailbox under its lock, as a document to change, and the function that writes it back."""
    with _reporting_repair(agent, create=create) as place:
        document = place.load()
        archive.archive_closed(agent, document)
        yield document, lambda: place.save(document)


@contextlib.contextmanager
def _reporting_repair(agent: Agent, *, create: bool = False) -> Iterator[LockedMailbox]:
    """The mailbox under its lock; when that is free again, a repair is reported."""
    place = None
    try:
        with lock_mailbox(agent, create=create) as place:
            yield place
    finally:
        if place is not None and place.repaired is not None:
            _notify_operator(agent, place.repaired)


def _notify_operator(agent: Agent, done: Repair) -> None:
    """Notify the operator of a repair by mail, save of the operator's own mailbox."""
    if agent.is_operator:
        return
    now = journal.now()
    notice = {
        "timestamp": aipass_time(datetime.now()),
        "from": agent.address,
        "from_name": agent.name,
        "subject": f"MAILBOX REPAIRED: {agent.address}",
        "message": f"{done}.\n\nWhat was in it and is not there now stands in the file that was set aside.",
        "priority": "high",
        "auto_execute": False,
        "status": "new",
        "sent_id": "",
        "thread_id": f"repair-{now}",
        "upsert_key": "repair",
    }
    operator = Agent(OPERATOR, "OPERATOR", agent.root / ".praxmonitor" / "operator", root=agent.root)
    with contextlib.suppress(MailcoreError):  # the audit has it
        deliver(operator, notice)
