"""Which mails answer each other. Pure.

Ours say it (`thread_id`, `in_reply_to`); AIPass's lack both on the registry lane (contract 0.4), so there an answer is
known by its sender's id of the answered mail where it carries one, else by `RE:` and the two parties.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
        return bare_subject(self.messages[0].subject)

    @property
    def newest(self) -> float:
        """When somebody last wrote in it."""
        return self.messages[-1].at


def depths(messages: Sequence[Message]) -> list[int]:
    """How deep each mail of a thread stands below the first that it answers, by way of others; 0 for one that answers
    none of them."""
    places: dict[str, int] = {}
    found: list[int] = []
    for place, message in enumerate(messages):
        parent = places.get(message.in_reply_to)
        found.append(0 if parent is None else found[parent] + 1)
        for name in filter(None, (message.id, message.sent_id)):
            places.setdefault(name, place)
    return found


def bare_subject(subject: str) -> str:
    """The subject without its `RE:`."""
    while subject[:3].upper() == "RE:":
        subject = subject[3:].lstrip()
    return subject


def group_threads(messages: Iterable[Message]) -> tuple[Thread, ...]:
    """Group mails into threads, the one written in last first. Each mail stands in exactly one."""
    ordered = sorted(messages, key=_order)
    named: dict[str, int] = {}
    for place, message in enumerate(ordered):
        for name in filter(None, (message.id, message.sent_id)):
            named.setdefault(name, place)
    parents = _parents(ordered, named)
    keys: dict[int, str] = {}
    grouped: dict[str, list[Message]] = {}
    for place, message in enumerate(ordered):
        trail: list[int] = []
        step: int | None = place
        while step is not None and step not in keys and step not in trail:
            trail.append(step)
            step = parents[step]
        # Answers that answer each other in a circle: the oldest of them begins the thread.
        key = keys[step] if step in keys else _own_key(ordered[trail[0] if step is not None else trail[-1]])
        keys |= dict.fromkeys(trail, key)
        grouped.setdefault(key, []).append(message)
    found = [Thread(key, tuple(mails)) for key, mails in grouped.items()]
    return tuple(sorted(found, key=lambda thread: thread.newest, reverse=True))


def _parents(ordered: list[Message], named: dict[str, int]) -> list[int | None]:
    """For each mail the place of the one that it belongs to; None for one that begins a thread or names its own."""
    about: dict[tuple[str, frozenset[str]], int] = {}
    parents: list[int | None] = []
    for place, message in enumerate(ordered):
        subject = bare_subject(message.subject)
        topic = (subject, frozenset((message.sender, message.recipient)))
        parent = None
        if not message.thread_id:
            parent = named.get(message.in_reply_to)
            if parent is None and subject != message.subject:
                parent = about.get(topic)
        parents.append(None if parent == place else parent)
        about[topic] = place
    return parents


def _own_key(message: Message) -> str:
    return message.thread_id or message.sent_id or message.id or f"{message.at:.0f} {message.sender} {message.subject}"


def _order(message: Message) -> tuple[object, ...]:
    """By time, which AIPass keeps to the second: within one, an answer after what it answers, the rest by name."""
    answer = bool(message.in_reply_to) or bare_subject(message.subject) != message.subject
    names = (message.id, message.sent_id, message.thread_id, message.in_reply_to)
    return message.at, answer, message.seq, names, message.sender, message.recipient, message.subject, message.body
