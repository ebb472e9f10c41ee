"""Keeps on disk what other hosts tell of their agents, for the screens and commands here to read. Bounded, each host's.

What is told is not looked into: its reader takes of it what it may say, and no more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mailcore.hosts.directory import host_directory
from mailcore.link.sight_message import SightMessage, decoded_message
from mailcore.observe.file_tail import last_lines
from mailcore.observe.host_reader import SIGHT_FILE
from mailcore.system import writing
from mailcore.text.units import size
from mailcore.workspace.find import Workspace

LONG_FILE, LONGEST_FILE = 1 << 20, 64 << 20
"""Bytes of a host's file from which it is to tell all anew, at least thrice what all takes; and at which nothing is
added before it did: whoever opens a screen reads all of it, 13 MB in 0.4 s."""
MAX_PARTS = 1_000
MAX_WHOLE_TELLING = 16 << 20
"""Bytes of all that one host may tell at once."""
SIGHT_RATE, SIGHT_BURST = 2 << 20, 48 << 20
"""Bytes a second of one host that are kept, on an average, and at once: what is more is not."""


class SightStore:
    """What each host told, and whom to ask to tell all anew. For one thread."""

    def __init__(self, workspace: Workspace, on_trouble: Callable[[str], None]) -> None:
        """`on_trouble` is called with what a host does that is not taken, in words."""
        self._workspace, self._on_trouble = workspace, on_trouble
        self._hosts: dict[str, _Told] = {}

    def take(self, host: str, data: bytes) -> SightMessage | None:
        """Keep a message of that host; None, and nothing is kept, of what is none or too much."""
        told = self._told(host)
        if not told.admits(len(data)):
            told.missing = True
            self._on_trouble(f"{host} tells more of its agents than {size(SIGHT_RATE)} a second: not all is shown")
            return None
        try:
            message = decoded_message(data)
            told.take(message, data)
        except ValueError as error:
            self._on_trouble(f"what {host} tells of its agents is not taken: {error}")
            return None
        except OSError as error:
            told.missing = True
            self._on_trouble(f"what {host} tells of its agents is not kept: {error.strerror or error}")
            return None
        return message

    def wants(self) -> tuple[str, ...]:
        """The hosts that are to tell all anew."""
        return tuple(name for name, told in self._hosts.items() if told.wants)

    def _told(self, host: str) -> _Told:
        if host not in self._hosts:
            self._hosts[host] = told = _Told(host_directory(self._workspace, host) / SIGHT_FILE)
            told.resume()
        return self._hosts[host]


@dataclass
class _Told:
    """What one host told."""

    path: Path
    missing: bool = True
    """Something was lost, or nothing was told yet."""
    life: str = ""
    number: int = 0
    """Of the last reading."""
    size: int = 0
    """Of the file."""
    whole: int = 0
    """Of what was told at once."""
    parts: list[bytes] = field(default_factory=list)
    """Of a telling of all that is under way."""
    _left: float = SIGHT_BURST
    _looked: float = field(default_factory=time.monotonic)

    @property
    def wants(self) -> bool:
        """Whether all is to be told anew."""
        return self.missing or self.size > max(LONG_FILE, 3 * self.whole)

    def admits(self, length: int) -> bool:
        """Whether so much more may come now."""
        now = time.monotonic()
        self._left = min(SIGHT_BURST, self._left + (now - self._looked) * SIGHT_RATE)
        self._looked = now
        if length > self._left:
            return False
        self._left -= length
        return True

    def resume(self) -> None:
        """Go on where an earlier process stopped: nothing is missing if nothing was told since."""
        with suppress(OSError, ValueError, IndexError):
            length = self.path.stat().st_size
            last = decoded_message(last_lines(self.path, 1)[0].encode())
            if not last.parts or last.part == last.parts - 1:
                self.life, self.number, self.size, self.missing = last.life, last.number, length, False

    def take(self, message: SightMessage, data: bytes) -> None:
        """Keep it, if it is a reading, and see what is missing. OSError where the disk does not take it."""
        if not message.is_reading:
            self.missing = self.missing or message.life != self.life or message.number > self.number
            return
        follows = message.life == self.life and message.number == self.number + 1
        self.life, self.number = message.life, message.number
        if message.parts:
            self._take_part(message, data, follows)
            return
        self.parts = []
        self.missing = self.missing or not follows
        if self.size and self.size + len(data) < LONGEST_FILE:
            writing.append(self.path, data)
            self.size += len(data) + 1

    def _take_part(self, message: SightMessage, data: bytes, follows: bool) -> None:
        if message.part == 0:
            self.parts = []
        elif not follows or len(self.parts) != message.part:
            self.parts, self.missing = [], True
            return
        self.parts.append(data)
        length = sum(map(len, self.parts)) + len(self.parts)
        if message.parts > MAX_PARTS or length > MAX_WHOLE_TELLING:
            self.parts = []
            raise ValueError(f"it tells more than {size(MAX_WHOLE_TELLING)} at once")
        if message.part == message.parts - 1:
            lines, self.parts = self.parts, []
            writing.replace(self.path, b"\n".join(lines), b"\n", durable=False)
            self.size = self.whole = length
            self.missing = False
