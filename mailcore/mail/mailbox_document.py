"""What a mailbox file says: its bytes as a document, and messages in it by their names. Pure."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from mailcore.exceptions import MailcoreError
from mailcore.formats import json_codec
from mailcore.mail.message_names import complete_name
from mailcore.model.agent import Agent


class Unreadable(MailcoreError):
    """The mailbox file cannot be read as a mailbox; nothing was written over it."""


def parse_mailbox(path: Path, data: bytes) -> dict[str, Any]:
    """A mailbox document in its present form; legacy forms are wrapped as AIPass wraps them (contract section 2)."""
    try:
        document = json_codec.loads(data)
    except (ValueError, RecursionError) as error:
        what = "is empty (torn by a writer that was killed?)" if not data.strip() else f"is not JSON: {error}"
        raise Unreadable(f"{path} {what}", "unreadable") from error
    if isinstance(document, list):
        document = {"mailbox": "inbox", "messages": document}
    if not isinstance(document, dict):
        raise Unreadable(f"{path} holds no mailbox but a {type(document).__name__}", "unreadable")
    if "messages" not in document and isinstance(document.get("inbox"), list):
        document["messages"] = document.pop("inbox")
    if "messages" not in document:
        astray = [key for key, value in document.items() if isinstance(value, list) and any(map(is_message, value))]
        if astray:  # a key that was spoilt: taken for an empty mailbox it would be written over
            raise Unreadable(f'{path} has no "messages", and mail under {astray[0]!r}', "unreadable")
    document.setdefault("messages", [])
    if not isinstance(document["messages"], list):
        raise Unreadable(f'{path}: "messages" is no list', "unreadable")
    return document


def is_message(value: object) -> bool:
    """True of what looks like a mail, as nothing inside one does."""
    return (
        isinstance(value, dict) and ("id" in value or "sent_id" in value) and ("subject" in value or "message" in value)
    )


def messages_in(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of a document; what is none is passed over, and kept."""
    return [raw for raw in document["messages"] if isinstance(raw, dict)]


def pick_messages(document: dict[str, Any], ids: Collection[str], agent: Agent) -> list[dict[str, Any]]:
    """The messages that `ids` name, each once; `id` wins over `sent_id` (contract 0.5), both over the number.

    What names none so may be the beginning of an id (`message_names.complete_name`).
    """
    found_in = messages_in(document)
    picked: dict[int, dict[str, Any]] = {}
    for wanted in ids:
        found = _find(found_in, wanted)
        if found is None:
            full = complete_name(wanted, (str(raw.get(key, "")) for raw in found_in for key in ("id", "sent_id")))
            found = _find(found_in, full)
        if found is None:
            raise MailcoreError(f"no open message {wanted} in {agent.address}'s mailbox", "no_message")
        picked[id(found)] = found
    return list(picked.values())


def _find(messages: list[dict[str, Any]], wanted: str) -> dict[str, Any] | None:
    names = (("id", wanted), ("sent_id", wanted), ("seq", wanted.removeprefix("#")))
    return next((raw for key, name in names for raw in messages if _named(raw.get(key), name)), None)


def _named(value: Any, name: str) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and bool(name) and str(value) == name
