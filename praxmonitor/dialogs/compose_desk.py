"""What the form begins with, and what it asks of who opened it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from praxmonitor.text.letters import BLANK, Letter, Template


class Desk(Protocol):
    """What the form asks of who opened it. All but `sent` and `edit` is called in a thread, may raise MailcoreError or
    OSError."""

    @property
    def addresses(self) -> Sequence[str]:
        """Of every agent, and `@all`."""

    @property
    def addressees(self) -> str:
        """Whom the form was opened for; empty: nobody yet."""

    @property
    def keeps(self) -> bool:
        """Whether drafts are kept."""

    def submit(self, letter: Letter) -> str:
        """Send it; what was asked, in words."""

    def sent(self) -> None:
        """It was sent. From the loop."""

    def foresee(self, letter: Letter) -> str:
        """What it would come to, in a sentence."""

    def keep(self, letter: Letter) -> None:
        """Keep it as a draft; the one that it began with is discarded."""

    def discard(self) -> None:
        """Forget the draft."""

    def templates(self) -> tuple[list[Template], list[str]]:
        """Letters to begin with, and what is wrong with those that are none."""

    def attachable(self, words: Sequence[str]) -> tuple[str, ...]:
        """These files as paths from the project's root. UsageError of one that cannot be attached."""

    def complete_path(self, text: str) -> str:
        """The same with its last path, of the project, as far as it can be completed."""

    async def edit(self, body: str) -> str:
        """The text as the operator's own editor left it."""


@dataclass(frozen=True)
class Opening:
    """How the form begins."""

    title: str
    letter: Letter = BLANK
    fixed: bool = False
    """Addressee and subject are not the operator's to change."""
    restored: bool = False
    """The letter is a draft that was kept."""
    answered: str = ""
    """The mail that is answered, as text; stays in view."""
