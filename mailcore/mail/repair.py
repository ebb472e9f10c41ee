"""A mailbox file that is torn, corrupt or no mailbox: recover what is whole, set the file aside, say so."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mailcore import audit
from mailcore.model.agent import Agent
from mailcore.system import writing
from mailcore.text import counted
from mailcore.timestamps import unique_time

_DECODER = json.JSONDecoder()
_SEPARATOR = re.compile(r"[\s,]*")
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

    def __str__(self) -> str:
        """One sentence for the operator."""
        kept = f"; the file as it was is {self.set_aside}" if self.set_aside else ""
        return f"{self.path} {self.cause}: {counted(self.recovered, 'whole message')} recovered{kept}"


def recover(data: bytes) -> list[dict[str, Any]]:
    """The complete messages in `data`, in order, up to the first that is torn. Nothing is invented."""
    text = _decode(data)
    position = _first(text)
    messages: list[dict[str, Any]] = []
    while position >= 0:
        separator = _SEPARATOR.match(text, position)
        position = separator.end() if separator else position
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            break
        if isinstance(value, dict):
            messages.append(value)
    return messages


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


def set_aside(path: Path, data: bytes, cause: str, directory: int | None = None) -> tuple[list[dict[str, Any]], Repair]:
    """Recover from `data`, the content of the unreadable mailbox `path`, and keep a copy. Call it under its lock.

    `directory`: a descriptor of the one that it lies in; without it nothing is written, a dry run. The copy is on disk
    before this returns; the mailbox itself is for the caller to write.
    """
    messages = recover(data)
    if directory is None or not data.strip(b"\0 \t\r\n"):
        return messages, Repair(path, cause, len(messages))
    copy = path.with_name(f"{path.name}.corrupt-{unique_time(datetime.now())}")
    writing.replace_in(directory, copy.name, data)
    return messages, Repair(path, cause, len(messages), copy)


def tell(agent: Agent, done: Repair) -> None:
    """Say it where the operator looks: the audit, which the screen's notes are read from."""
    aside = str(done.set_aside) if done.set_aside else None
    record = {"by": agent.address, "verb": "repair", "cause": str(done), "recovered": done.recovered, "aside": aside}
    audit.append(agent.root / ".praxmonitor", record)
