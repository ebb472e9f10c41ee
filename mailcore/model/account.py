"""An account: whose credentials a program works with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """One account of one program."""

    program: str
    """The program's name."""
    name: str
    """As `[accounts.NAME]` of config.toml names it; empty: the program's own choice, the default one."""
    home: Path
    """The directory in which the program keeps its credentials, its settings and its sessions."""
    key: str
    """The same for the program and that directory, whatever links lead there: a part of file names."""

    @property
    def label(self) -> str:
        """For people: its name, else the program's."""
        return self.name or self.program
