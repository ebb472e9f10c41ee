"""Sessions of agents' programs: how the newest turn of each stands, and which of them a person has at a terminal."""

from __future__ import annotations

import msgspec


class Turn(msgspec.Struct, frozen=True, gc=False):
    """The newest turn of a session."""

    session: str
    """Its id; empty where the source does not say."""
    began: float
    """Seconds since the epoch, like all times here."""
    ended: float = 0.0
    """When it was over; 0.0: it goes on."""
    words: str = ""
    """What its agent said last in it; untrusted text, one line."""
    said_at: float = 0.0
    """When that was."""

    @property
    def newest(self) -> float:
        """When something of it was seen last."""
        return max(self.began, self.ended, self.said_at)


class LiveSession(msgspec.Struct, frozen=True, gc=False):
    """A program that a person began, and that lives: at a terminal, or in the background."""

    pid: int
    began: float
    """Seconds since the epoch."""
    session: str = ""
    """The id of its session, where the program says it; empty: not known."""
    terminal: str = ""
    """The device that it is controlled by, as `/dev/pts/3`; empty: not known, or none."""
    focused: bool | None = None
    """Whether the person's keys go there; None: nothing says it."""
    typed_at: float = 0.0
    """When something was typed there last, to some 8 s; 0.0: not known."""
    job: str = ""
    """By which its program joins it in the background; empty: it is at a terminal, or that is not known."""
