"""Which mails answer each other. Pure.

Ours say it (`thread_id`, `in_reply_to`); AIPass's lack both on the registry lane (contract 0.4), so there an answer is
known by its sender's id of the answered mail where it carries one, else by `RE:` and the two parties.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mailcore.model.message import Message


@dataclass(frozen=True, slots=True)
class Thread:
    """Mails that belong together, oldest first."""

    key: str
    """Stable: the thread id, else the id of its first mail."""
    messages: tuple[Message, ...]

    @property
    def subject(self) -> str:
        """What it is about."""
        return bare(self.messages[0].subject)

    @property
    def newest(self) -> float:
        """When somebody last wrote in it."""
        return self.messages[-1].at


def bare(subject: str) -> str:
    """The subject without its `RE:`."""
    while subject[:3].upper() == "RE:":
        subject = subject[3:].lstrip()
    return subject


def threads(messages: Iterable[Message]) -> tuple[Thread, ...]:
    """Group mails into threads, the one written in last first. Each mail stands in exactly one."""
    ordered = sorted(messages, key=lambda message: message.at)
    keys: dict[str, str] = {}
    by_subject: dict[tuple[str, frozenset[str]], str] = {}
    grouped: dict[str, list[Message]] = {}
    for message in ordered:
        parties = frozenset((message.sender, message.recipient))
        about = (bare(message.subject), parties)
        key = (
            message.thread_id
            or keys.get(message.in_reply_to, "")
            or (by_subject.get(about, "") if bare(message.subject) != message.subject else "")
            or message.sent_id
            or message.id
        )
        for name in (message.id, message.sent_id):
            if name:
                keys.setdefault(name, key)
        by_subject[about] = key
        grouped.setdefault(key, []).append(message)
    found = [Thread(key, tuple(mails)) for key, mails in grouped.items()]
    return tuple(sorted(found, key=lambda thread: thread.newest, reverse=True))
