"""What hosts publish of their agents: readings in numbered messages, and now and then where they are.

Each reading says how things are, so one that is lost costs until the next whole telling, and none is kept anywhere on
its way. Who misses one says so, and its host tells all anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from mailcore.observe.fact_codec import encoded_line, tagged
from mailcore.observe.facts import Fact

MAX_MESSAGE = 768 << 10
"""Bytes of a message, at most: a line of a file that its reader takes as one."""
WANTED_BYTES = 96 << 10
"""Bytes of a message that is made, unless one agent alone takes more."""


class SightMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of them. A reading has `facts`; one without says how far its host is, and whom it wants to tell all anew."""

    life: str
    """Which run of the host's link it is of; each counts from 1."""
    number: int
    """Of this reading, or of the last one."""
    at: float = 0.0
    """When it was made, by its host's clock."""
    part: int = 0
    parts: int = 0
    """It is part 0, 1, … of so many that tell all there is; 0: it tells what changed."""
    wants: tuple[str, ...] = ()
    """Hosts of which readings are missing."""
    facts: msgspec.Raw = msgspec.Raw()
    """As in a recording."""

    @property
    def is_reading(self) -> bool:
        """Whether it says something of agents."""
        return bool(bytes(self.facts))


def encoded_facts(facts: Iterable[Fact]) -> Iterator[bytes]:
    """The facts as JSON lists of bounded length, in their order, secrets masked. What is too long alone is left out."""
    held: list[bytes] = []
    size = 0
    for fact in facts:
        one = encoded_line(tagged([fact]))[1:-1]
        if len(one) > MAX_MESSAGE - 1024:
            continue
        if held and size + len(one) > WANTED_BYTES:
            yield b"[" + b",".join(held) + b"]"
            held, size = [], 0
        held.append(one)
        size += len(one) + 1
    if held:
        yield b"[" + b",".join(held) + b"]"


def encoded_message(message: SightMessage) -> bytes:
    """The message as it is published: one line without its end."""
    return msgspec.json.encode(message)


def decoded_message(data: bytes) -> SightMessage:
    """The message. ValueError where it is none, or more than one line."""
    if len(data) > MAX_MESSAGE:
        raise ValueError(f"{len(data):,} bytes are more than a reading can have ({MAX_MESSAGE:,})")
    if b"\n" in data or b"\r" in data:
        raise ValueError("more than one line")
    return msgspec.json.decode(data, type=SightMessage)
