"""An account of an agent program: whose usage limits, credentials and session files its agents share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """One account of one program."""

    program: str
    """Name of the program, `claude`."""
    name: str = ""
    """As config.toml calls it; empty: the one that the program has without a word."""
    home: Path | None = None
    """The directory in which the program keeps it; None where the program has none."""

    @property
    def key(self) -> str:
        """Names it in every workspace of this user, and as a file: `claude-1a2b3c4d`."""
        import hashlib
        import os

        if self.home is None:
            return self.program
        place = os.fsencode(os.path.realpath(self.home))
        return f"{self.program}-{hashlib.sha256(place).hexdigest()[:8]}"

    @property
    def label(self) -> str:
        """Its name for people."""
        return self.name or self.program
