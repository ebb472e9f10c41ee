"""What is sought in all mail, and what is found: a mail, of several copies of it one.

A mail is found if each word that is sought begins a word of its subject, body, parties or names; letters' case and
accents do not count. A word of several parts (`notes.md`) is sought as these, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mailcore.mail.mail_files import plain_words, searchable_fields
from mailcore.model.message import Message


@dataclass(frozen=True, slots=True)
class Query:
    """What is sought; everything that is said has to be so."""

    words: tuple[str, ...] = ()
    agent: str = ""
    """Whose mail: from it or to it."""
    viewer: str = ""
    """Who looks: only its own mail is found; empty for all mail."""
    since: float = 0.0
    """Sent then or later, seconds since the epoch."""
    open: bool | None = None
    """Still open, or closed; None for both."""

    @property
    def phrases(self) -> list[str]:
        """The words as they stand in a text; those without a letter or digit are none."""
        return [phrase for word in self.words if (phrase := plain_words(word))]

    def meets(self, one: FoundMail) -> bool:
        """True if everything but the words is as it has to be."""
        parties = (one.owner, one.message.sender)
        return (
            (not self.agent or self.agent in parties)
            and (not self.viewer or self.viewer in parties)
            and one.message.at >= self.since
            and self.open in (None, one.open)
        )


@dataclass(frozen=True, slots=True)
class FoundMail:
    """One mail: its recipient's copy."""

    owner: str
    """Whose mailbox it lies in."""
    open: bool
    message: Message
    archive: str = ""
    """The name of its file, if it is archived."""

    @property
    def order(self) -> tuple[Any, ...]:
        """The newest first; of copies of one mail that which is open."""
        message = self.message
        return (
            -message.at,
            -message.seq,
            message.id,
            message.sent_id,
            self.owner,
            bool(self.archive),
            message.subject,
            message.body,
        )

    @property
    def names(self) -> tuple[str, str, str]:
        """What no other mail has, unless it has neither id nor sent id."""
        return self.owner, self.message.id, self.message.sent_id

    @property
    def may_be_twice(self) -> bool:
        """Whether another copy would be known: of closed mail that has a name."""
        return bool(self.archive and any(self.names[1:]))


def found_mail(owner: str, raw: dict[str, Any], archive: str) -> FoundMail:
    """A mail as it lies in `owner`'s mailbox, or in that file of the archive."""
    message = Message.from_json(raw, owner)
    return FoundMail(owner, not archive and message.status != "closed", message, archive)


def says(raw: dict[str, Any], phrases: Sequence[str]) -> bool:
    """True if each phrase begins where a word of the mail begins."""
    text = f" {searchable_fields(raw)}" if phrases else ""
    return all(f" {phrase}" in text for phrase in phrases)


def each_once(found: Iterable[FoundMail], lies_open: Callable[[FoundMail], bool]) -> list[FoundMail]:
    """A mail that a killed writer left in both places is open; of two files of one mail the newer one counts."""
    kept: list[FoundMail] = []
    seen: set[tuple[str, str, str]] = set()
    for one in sorted(found, key=_newer, reverse=True):
        if one.may_be_twice:
            if one.names in seen or lies_open(one):
                continue
            seen.add(one.names)
        kept.append(one)
    return sorted(kept, key=lambda one: one.order)


def _newer(one: FoundMail) -> tuple[float, str]:
    return one.message.at, one.archive
