"""Which directories of a workspace are watched: those of the agents, looked up again only where one came or went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from mailcore.model.agent import Agent
from mailcore.observe.file_stamps import inode


class Watchable(Protocol):
    """The reader of one agent, or of one session."""

    agent: Agent
    stirred: bool
    """Its directories came, went or changed since this was last set to False."""

    def directories(self) -> Sequence[Path]:
        """The directories to watch, flat, whether they are there or not."""


class WatchedDirectories:
    """Where the directories of each agent were found last."""

    def __init__(self, root: Path) -> None:
        """`root`: the workspace's; nothing is watched above it."""
        self._root = root
        self._found: dict[str, dict[str, int]] = {}

    def of(self, readers: Mapping[str, Watchable]) -> dict[str, int]:
        """Those of all of these, by address, with their inodes."""
        found: dict[str, int] = {}
        for address, reader in readers.items():
            if reader.stirred or address not in self._found:
                reader.stirred = False
                self._found[address] = self.existing(reader.directories(), reader.agent.boundary)
            found |= self._found[address]
        return found

    def existing(self, directories: Iterable[Path], boundary: Path | None = None) -> dict[str, int]:
        """Those that are there, with their inodes; for a missing one the nearest above it within that boundary, by
        itself the workspace."""
        root = boundary or self._root
        found: dict[str, int] = {}
        for path in directories:
            while (number := inode(path)) == 0 and path.is_relative_to(root) and path != root:
                path = path.parent
            if number:
                found[str(path)] = number
        return found
