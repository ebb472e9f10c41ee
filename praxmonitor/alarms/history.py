"""What was raised, answered and over, one JSON object a line, kept in the user's state directory across restarts.

Who is on duty writes what happened, whoever answers writes the answer. When the file has grown to `MOST_BYTES`, its
older half goes. A line that is broken counts as not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mailcore.system import safe_open, writing
from mailcore.system.locks import locked
from mailcore.text import line
from mailcore.text.masks import masked
from praxmonitor.alarms.episode import ACKNOWLEDGED, AlarmEvents, Episode

FILE = "history.jsonl"
MOST_BYTES = 2_000_000
"""Some 8,000 lines: days of a busy project."""
LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line: something happened to an alarm."""

    at: float
    """Seconds since the epoch."""
    event: str
    """`raised`, `joined` or `over`; of an answer `acknowledged`, `snoozed` or `asked again`."""
    key: str = ""
    """Of the alarm: `Alarm.key`."""
    kind: str = ""
    address: str = ""
    urgency: str = ""
    what: str = ""
    by: str = ""
    """Who answered; empty of what happened by itself."""


class AlarmHistory:
    """The history of one workspace. Every call reads or writes a disk: not for the screen's own thread."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def add(self, entries: Iterable[HistoryEntry]) -> None:
        """Add lines, in one piece. OSError if they cannot be written."""
        lines = b"\n".join(map(msgspec.json.encode, entries))
        if not lines:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / FILE
        with locked(self._directory / "history.lock", own=True):
            writing.append(path, lines)
            if path.stat().st_size > MOST_BYTES:
                kept = safe_open.read_bytes(path, links=False).splitlines(keepends=True)
                writing.replace(path, *kept[len(kept) // 2 :], durable=False)

    def entries(self, since: float = 0.0) -> Iterator[HistoryEntry]:
        """What happened since then (seconds since the epoch), the oldest first."""
        try:
            lines = safe_open.read_bytes(self._directory / FILE, links=False).splitlines()
        except OSError:
            return
        for raw in lines:
            with suppress(msgspec.DecodeError, UnicodeDecodeError):
                entry = msgspec.json.decode(raw, type=HistoryEntry)
                if entry.at >= since:
                    yield entry


def event_entries(events: AlarmEvents, at: float) -> Iterator[HistoryEntry]:
    """The events as lines; repetitions are none."""
    for event, episodes in (("raised", events.raised), ("joined", events.joined), ("over", events.over)):
        for episode in episodes:
            yield entry_of(event, episode, at)


def answered_entries(episodes: Iterable[Episode], until: float, at: float, by: str) -> Iterator[HistoryEntry]:
    """An answer to these alarms as lines; `until` as in `Answers`, 0.0 where it was taken back."""
    event = "acknowledged" if until == ACKNOWLEDGED else "snoozed" if until else "asked again"
    return (entry_of(event, episode, at, by) for episode in episodes)


def entry_of(event: str, episode: Episode, at: float, by: str = "") -> HistoryEntry:
    """A line about one alarm."""
    alarm = episode.alarm
    what = line(masked(alarm.what), LONGEST_TEXT)
    return HistoryEntry(at, event, alarm.key, str(alarm.kind), alarm.address, episode.urgency.word, what, by)
