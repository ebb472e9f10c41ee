"""What an agent keeps of itself, read for the screen: passport, memories, instructions. For a thread.

An agent can put anything there: only regular files of its own branch are read, no symlink is followed, and no more than
a part of each.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from mailcore.exceptions import Refused
from mailcore.system import safe_open
from praxmonitor.state.agent_details import MemoryFile

MEMORIES = ".trinity"
INSTRUCTIONS = re.compile(r"[A-Z][A-Z0-9_-]*\.md")
"""Names of files that tell an agent what it is to do, as the programs have them: in capitals."""
MOST_FILES = 30
MEMORY_BYTES = 64 * 1024
"""Of each file."""


def read_memories(branch: Path) -> tuple[MemoryFile, ...]:
    """Passport first, then the other memories, then the instructions at the top of the branch."""
    return (*_in(branch, MEMORIES, _memories), *_in(branch, "", _instructions))


def _memories(directory: int) -> list[str]:
    names = [name for name in os.listdir(directory) if name.endswith((".json", ".md"))]
    return sorted(names, key=lambda name: (name != "passport.json", name))


def _instructions(directory: int) -> list[str]:
    return sorted(name for name in os.listdir(directory) if INSTRUCTIONS.fullmatch(name))


def _in(branch: Path, place: str, names: Callable[[int], list[str]]) -> Iterator[MemoryFile]:
    path = branch / place
    try:
        with safe_open.open_directory(path) as directory:
            safe_open.inside(branch, path, directory)
            found = names(directory)
            for name in found[:MOST_FILES]:
                yield _read(f"{place}/{name}" if place else name, name, directory)
    except FileNotFoundError:
        return
    except (OSError, Refused) as error:
        yield MemoryFile(place or ".", trouble=getattr(error, "strerror", None) or str(error))


def _read(shown: str, name: str, directory: int) -> MemoryFile:
    try:
        opened, found = safe_open.descriptor(name, os.O_RDONLY | os.O_NOFOLLOW, directory=directory)
    except OSError as error:
        return MemoryFile(shown, trouble=error.strerror or str(error))
    with os.fdopen(opened, "rb") as file:
        data = file.read(MEMORY_BYTES)
    lines = tuple(data.decode("utf-8", "replace").splitlines())
    return MemoryFile(shown, found.st_size, found.st_mtime, lines, cut=found.st_size > len(data))
