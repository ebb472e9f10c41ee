"""One failure that a run tells twice: with its frames, and in the same words without, in a log or as its result."""

from __future__ import annotations

from typing import TypeAlias

from mailcore.errors.normalise import normalise
from mailcore.errors.store import ErrorBook
from mailcore.model.error_group import ErrorEvent, ErrorGroup, GroupState

_Telling: TypeAlias = tuple[str, str, str]
"""(agent, run, title without values)."""


class Tellings:
    """What runs told so far with frames and what without; made from a book, and kept beside it as that grows."""

    def __init__(self, book: ErrorBook) -> None:
        self._names: tuple[dict[_Telling, str], dict[_Telling, str]] = {}, {}
        """Without frames and with: telling → fingerprint."""
        for name, group in book.groups.items():
            if group.sample is not None:
                title, framed = normalise(group.title), bool(group.sample.frames)
                tellings = ((agent, run, title) for agent, _ in group.agents for run in group.runs)
                self._names[framed].update(dict.fromkeys(tellings, name))

    def other(self, event: ErrorEvent) -> str:
        """The fingerprint of what its run told in the same words, with frames if it has none; empty for none."""
        return self._names[not event.frames].get(_telling(event), "") if event.run_id else ""

    def add(self, event: ErrorEvent, name: str) -> None:
        """It was counted in the group of that fingerprint."""
        if event.run_id:
            self._names[bool(event.frames)][_telling(event)] = name


def is_run_alone(book: ErrorBook, group: ErrorGroup, run_id: str) -> bool:
    """All of it is of that run, and nobody was told of it, or did anything about it."""
    pending = any(inquiry.key == group.fingerprint for inquiry in book.inquiries.values())
    return group.runs == (run_id,) and group.state is GroupState.NEW and not (group.asks or group.history or pending)


def _telling(event: ErrorEvent) -> _Telling:
    return event.agent, event.run_id, normalise(event.title)
