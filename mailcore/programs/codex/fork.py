"""What in a Codex session file is a copy: a thread that was forked begins with its parent's history, with new
timestamps.

Newer releases name the turn of what they write, and the thread of each record of use; of what older ones wrote the
parent's own file reports what was copied. Pure, but for the reading of that file, at most once for each fork.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mailcore.model.message import parse_time
from mailcore.programs.transcript_reader import MAX_TRANSCRIPT_LINE, count_of, parse_line, table_of, text_of
from mailcore.system import safe_open

COPY_SECONDS = 60.0
"""Seconds in which a history has been copied, however long it is: what is stamped later is the fork's own."""
COPY_BURST = 2.0
"""The same where nothing but the time shows a copy."""
MAX_PARENT = 512 * 1024 * 1024
"""Bytes of a parent's file that are read."""

UsageCount = tuple[int, ...]
"""Tokens of a thread and of its last message: by both a count is known again."""
_V7 = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_USED = ("input_tokens", "output_tokens", "cached_input_tokens")


@dataclass(frozen=True, slots=True)
class History:
    """What a thread had reported up to a moment."""

    counts: frozenset[UsageCount]
    turns: frozenset[str]


class Fork:
    """Reports what a forked thread copied from what it did itself. Ask in the order of the lines."""

    def __init__(self, thread: str, began: float, parent: Callable[[], History | None]) -> None:
        """`began`: when its file begins, in seconds since the epoch; `parent`: what its parent reported until then."""
        self._thread, self._began, self._ask = thread, began, parent
        self._turning = False
        """A turn was seen that is the parent's: the fork's own work begins with a turn of its own."""
        self.over = False
        """The copies are over: all that follows is its own."""

    @cached_property
    def _parent(self) -> History | None:
        return self._ask()

    def turn(self, turn_id: str, at: float) -> None:
        """A turn of that id begins or goes on."""
        if self._past(at) or not turn_id:
            return
        if self._parent is not None and self._parent.turns:
            own = turn_id not in self._parent.turns
        else:
            minted, began = _minted(turn_id), _minted(self._thread)
            if not minted or not began:
                return
            own = minted >= began
        self.over, self._turning = own, not own

    def copied(self, at: float) -> bool:
        """Whether a line of that time that says no more is a copy."""
        return not self._past(at) and (self._turning or at <= self._began + COPY_BURST)

    def counted(self, count: UsageCount, thread: str, at: float) -> bool:
        """Whether this count, of a thread if it names one, stands in the parent's file already."""
        if self._past(at):
            return False
        if thread:
            self.over = thread == self._thread
        elif self._parent is not None and self._parent.counts:
            self.over = count not in self._parent.counts
        else:
            self.over = not self.copied(at)
        return not self.over

    def _past(self, at: float) -> bool:
        self.over = self.over or at > self._began + COPY_SECONDS
        return self.over


def parent_thread(meta: Mapping[str, Any]) -> str:
    """The thread whose history that of this `session_meta` begins with; empty if it is no fork."""
    spawned = table_of(table_of(table_of(meta, "source"), "subagent"), "thread_spawn")
    return text_of(meta, "forked_from_id") or text_of(spawned, "parent_thread_id")


def count_in(usage: Mapping[str, Any], total: Mapping[str, Any]) -> UsageCount:
    """By what a count of use is known again."""
    return tuple(count_of(one, key) for one in (total, usage) for key in _USED)


def parent_history(path: Path, until: float) -> History | None:
    """What the thread of that file had reported by `until`; None if it cannot be read."""
    counts, turns = set[UsageCount](), set[str]()
    try:
        with safe_open.open_regular(path) as file:
            while file.tell() < MAX_PARENT and (line := file.readline(MAX_TRANSCRIPT_LINE)):
                if b"token_" not in line and b'"task_started"' not in line and b'"turn_context"' not in line:
                    continue
                event = parse_line(line) or {}
                if parse_time(event.get("timestamp")) > until:
                    continue
                payload = table_of(event, "payload")
                if event.get("type") == "token_usage_record":
                    counts.add(count_in(table_of(payload, "usage"), table_of(payload, "thread_token_usage")))
                elif payload.get("type") == "token_count":
                    info = table_of(payload, "info")
                    counts.add(count_in(table_of(info, "last_token_usage"), table_of(info, "total_token_usage")))
                elif turn := text_of(payload, "turn_id"):
                    turns.add(turn)
    except OSError:
        return None
    return History(frozenset(counts), frozenset(turns))


def _minted(uuid: str) -> int:
    """When a UUID of version 7 was made, in milliseconds; 0 of any other text."""
    found = _V7.fullmatch(uuid)
    return int(found[1] + found[2], 16) if found else 0
