"""A mailbox file that is torn, corrupt or no mailbox: recover what is whole, set the file aside, say so."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mailcore.exceptions import tolerated
from mailcore.formats.timestamps import unique_time
from mailcore.mail.mailbox_document import is_message
from mailcore.model.agent import Agent
from mailcore.system import safe_open, writing
from mailcore.text import counted
from mailcore.workspace import audit

MAX_DAMAGES = 1_000
"""More in one file are not passed over: it is no mailbox that something was spoilt in."""

MAX_COMPARED = 5
"""So many of the newest files that were set aside are compared with one that is to be: most tears come again."""

_DECODER = json.JSONDecoder(strict=False)
_SEPARATOR = re.compile(r"[\s,]*")
_SEPARATOR_OR_END = re.compile(r"\s*(?:[,\]]|$)")
_END = re.compile(r"\s*\Z")
_KEY = re.compile(r'[\s,{]*"((?:[^"\\]|\\.)*)"\s*:\s*')


@dataclass(frozen=True, slots=True)
class Repair:
    """What was, or with a dry run would be, done to one mailbox file."""

    path: Path
    cause: str
    recovered: int
    """Whole messages that were found in it."""
    set_aside: Path | None = None
    """Where the file as it was is kept; None for an empty one and for a dry run."""
    archived: int = 0
    """Closed messages that lay among the open ones, and belong into the archive."""

    def __str__(self) -> str:
        """One sentence for the operator."""
        if self.archived:
            return f"{self.path} {self.cause}: {counted(self.archived, 'closed message')} for the archive"
        kept = f"; the file as it was is {self.set_aside}" if self.set_aside else ""
        return f"{self.path} {self.cause}: {counted(self.recovered, 'whole message')} recovered{kept}"


def recover_messages(data: bytes) -> list[dict[str, Any]]:
    """The messages in `data` that can be read, in order; what is damaged is passed over. Nothing is invented.

    A raw newline or tab in a text is read as what it is. After what cannot be read it goes on at the next brace; from
    there on it takes only what looks like a message, which nothing inside one does.
    """
    # Two bytes that were spoilt may look like the mark of an encoding.
    return _recover(_decode(data)) or _recover(data.decode("utf-8", "replace"))


def _recover(text: str) -> list[dict[str, Any]]:
    first = _first(text)
    position = max(first, 0)
    messages: list[dict[str, Any]] = []
    damaged = int(first < 0)
    while damaged < MAX_DAMAGES:
        separator = _SEPARATOR.match(text, position)
        begin = separator.end() if separator else position
        value, position = _value(text, begin)
        swallowed = isinstance(value, dict) and _END.match(text, position) and any(map(_holds_mail, value.values()))
        if isinstance(value, dict) and not swallowed and (not damaged or is_message(value)):
            messages.append(value)
            continue
        if value is not None and not isinstance(value, dict) and _SEPARATOR_OR_END.match(text, position):
            continue  # no message, and whole
        damaged += 1
        position = text.find("{", begin + 1)
        if position < 0:
            break
    return messages


def _holds_mail(value: object) -> bool:
    """True of a list of mails: at the end of a file, a list of the last message that has lost its end to them."""
    return isinstance(value, list) and any(map(is_message, value))


def _value(text: str, position: int) -> tuple[Any, int]:
    """The JSON value at a place, and where it ends; None, and the place, where there is none."""
    try:
        return _DECODER.raw_decode(text, position)
    except (ValueError, RecursionError):
        return None, position


def _first(text: str) -> int:
    """Where the list of messages begins; -1 if it does not.

    Key after key from the top, so that a list of that name inside another key is not taken for it; where the top
    itself is damaged, the first list of that name is.
    """
    position = len(text) - len(text.lstrip())
    if text[position : position + 1] == "[":
        return position + 1
    if _KEY.match(text, position) is None:
        anywhere = re.search(r'"(?:messages|inbox)"\s*:\s*\[', text)
        return anywhere.end() if anywhere else -1
    while found := _KEY.match(text, position):
        if found[1] in ("messages", "inbox") and text[found.end() : found.end() + 1] == "[":
            return found.end() + 1
        try:
            position = _DECODER.raw_decode(text, found.end())[1]
        except (ValueError, RecursionError):
            break
    return -1


def _decode(data: bytes) -> str:
    """Text of whatever encoding; what is no text stays visible as replacement characters."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    return data.decode("utf-8", "replace")


def set_aside_mailbox(
    path: Path, data: bytes, cause: str, directory: int | None = None
) -> tuple[list[dict[str, Any]], Repair]:
    """Recover from `data`, the content of the unreadable mailbox `path`, and keep a copy. Call it under its lock.

    `directory`: a descriptor of the one that it lies in; without it nothing is written, a dry run. The copy is on disk
    before this returns; the mailbox itself is for the caller to write.
    """
    messages = recover_messages(data)
    if directory is None or not data.strip(b"\0 \t\r\n"):
        return messages, Repair(path, cause, len(messages))
    for earlier in sorted(path.parent.glob(f"{path.name}.corrupt-*"))[-MAX_COMPARED:]:
        with suppress(OSError):
            kept = safe_open.read_bytes(earlier, links=False)
            if kept.startswith(data):  # the same tear again, or an earlier end of it
                return messages, Repair(path, cause, len(messages), earlier)
            if data.startswith(kept):  # a later end: it holds all of the former
                writing.replace_in(directory, earlier.name, data)
                return messages, Repair(path, cause, len(messages), earlier)
    copy = path.with_name(f"{path.name}.corrupt-{unique_time(datetime.now())}")
    writing.replace_in(directory, copy.name, data)
    return messages, Repair(path, cause, len(messages), copy)


def record_repair(agent: Agent, done: Repair) -> None:
    """Say it where the operator looks: the audit, which the screen's notes are read from."""
    aside = str(done.set_aside) if done.set_aside else None
    record = {"by": agent.address, "verb": "repair", "cause": str(done), "recovered": done.recovered, "aside": aside}
    with tolerated():
        audit.append_line(agent.root / ".praxmonitor", record)
