"""The messages of an agent whose money may be reported yet, 25 bytes each: there is one every few seconds, all day."""

from __future__ import annotations

import math
from struct import Struct

import msgspec

from mailcore.model.usage import Usage

_RECORD = Struct("<ddqB")
"""When, dollars (not a number: unknown), tokens, and the model's place among the names."""


class OpenMessage(msgspec.Struct, frozen=True, gc=False):
    """The money of one message, estimated or unknown, that may be reported yet."""

    at: float
    session: str
    model: str
    """Named where its money is unknown."""
    tokens: int
    dollars: float | None

    @property
    def money(self) -> Usage:
        """What it counts for until then."""
        if self.dollars is None:
            return Usage(unpriced=((self.model, self.tokens),))
        return Usage(estimated=self.dollars)

    def reported(self, cost: float) -> Usage:
        """What is to be added when it cost that."""
        if self.dollars is None:
            return Usage(cost=cost, unpriced=((self.model, -self.tokens),))
        return Usage(cost=cost, estimated=-self.dollars)


class OpenMessages:
    """Them, by session. Of more than `most` the oldest of the session that began first go."""

    def __init__(self, most: int) -> None:
        """Of at most 256 models."""
        self._most, self._count = most, 0
        self._sessions: dict[str, bytearray] = {}
        self._models: list[str] = []

    def __len__(self) -> int:
        return self._count

    def add(self, message: OpenMessage) -> None:
        """Keep it."""
        if message.model not in self._models:
            self._models.append(message.model)
        dollars = math.nan if message.dollars is None else message.dollars
        record = _RECORD.pack(message.at, dollars, message.tokens, self._models.index(message.model))
        self._sessions.setdefault(message.session, bytearray()).extend(record)
        self._count += 1
        if self._count > self._most:
            first = next(iter(self._sessions))
            del self._sessions[first][: _RECORD.size]
            self._drop_empty(first)
            self._count -= 1

    def take(self, begin: float, end: float, session: str | None) -> list[OpenMessage]:
        """Those of that time, of all sessions or one, which are kept no more."""
        taken: list[OpenMessage] = []
        for name in list(self._sessions) if session is None else [session]:
            left = bytearray()
            for record in _RECORD.iter_unpack(self._sessions.get(name, b"")):
                at, dollars, tokens, model = record
                if begin <= at <= end:
                    money = None if math.isnan(dollars) else dollars
                    taken.append(OpenMessage(at, name, self._models[model], tokens, money))
                else:
                    left += _RECORD.pack(*record)
            self._sessions[name] = left
            self._drop_empty(name)
        self._count -= len(taken)
        return taken

    def _drop_empty(self, session: str) -> None:
        if not self._sessions[session]:
            del self._sessions[session]
