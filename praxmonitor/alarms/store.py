"""What outlives a restart, in the user's state directory: the operator's answers, and what was reported of episodes.

Three files for each workspace, because several may write: `answers.json` and `alarm_mutes.json` any screen or command
at any time, under a flock; `told.json` who is on duty alone. Each is replaced at one stroke. What is broken in them
counts as not there.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from mailcore.system.locks import locked
from mailcore.system.writing import replace
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.alarm_mutes import NO_MUTES, AlarmMute
from praxmonitor.alarms.episode import ACKNOWLEDGED, NO_ANSWERS, Answers, Episode, ReportedEpisode
from praxmonitor.alarms.history import AlarmHistory

ACKNOWLEDGED_WORD = "acknowledged"
LATEST = 1e12
"""No time is later: a file may hold any number."""
KEEP_MUTES = 86_400.0
"""Seconds for which a mute that is over is listed still."""


class AlarmStore:
    """The files of one workspace. Every call reads or writes a disk: not for the screen's own thread."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._answers_file, self._reports_file = directory / "answers.json", directory / "told.json"
        self.history = AlarmHistory(directory)
        self._mutes_file = directory / "alarm_mutes.json"
        self._stamp: tuple[int, int, int] | None = None
        self._known: Answers = NO_ANSWERS
        self._mutes_stamp: tuple[int, int, int] | None = None
        self._mutes: tuple[AlarmMute, ...] = NO_MUTES

    def answers(self) -> Answers:
        """What the operator answered, on any screen. The same object if nothing changed."""
        stamp = _stamp(self._answers_file)
        if stamp != self._stamp:
            self._stamp = stamp
            self._known = MappingProxyType(_answers(self._answers_file))
        return self._known

    def answer(self, keys: Iterable[str], until: float) -> Answers:
        """Store an answer to these alarms; ACKNOWLEDGED, the end of a snooze, or 0.0 to take it back.

        OSError if it cannot be written.
        """
        self._answers_file.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._answers_file.with_suffix(".lock"), own=True):
            known = _answers(self._answers_file)
            for key in keys:
                known.pop(key, None)
                if until:
                    known[key] = until
            record = {key: ACKNOWLEDGED_WORD if math.isinf(until) else until for key, until in known.items()}
            replace(self._answers_file, json.dumps(record).encode())
        return self.answers()

    def mutes(self) -> tuple[AlarmMute, ...]:
        """Those that were made and not ended, the oldest first. The same object if nothing changed."""
        stamp = _stamp(self._mutes_file)
        if stamp != self._mutes_stamp:
            self._mutes_stamp = stamp
            self._mutes = tuple(_mutes(self._mutes_file))
        return self._mutes

    def stored(self) -> tuple[Answers, tuple[AlarmMute, ...]]:
        """What was answered and muted."""
        return self.answers(), self.mutes()

    def change_mutes(self, change: Callable[[tuple[AlarmMute, ...]], tuple[AlarmMute, ...]]) -> tuple[AlarmMute, ...]:
        """Store what `change` makes of the mutes; those that were over a day ago are dropped.

        OSError if it cannot be written.
        """
        self._mutes_file.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._mutes_file.with_suffix(".lock"), own=True):
            kept = [mute for mute in change(tuple(_mutes(self._mutes_file))) if mute.until > time.time() - KEEP_MUTES]
            replace(self._mutes_file, json.dumps({"mutes": [asdict(mute) for mute in kept]}).encode())
        return self.mutes()

    def reported(self) -> Mapping[str, ReportedEpisode]:
        """What the last watcher on duty had reported when it left."""
        found = {}
        for key, value in _read(self._reports_file).items():
            try:
                next_at = math.inf if value[2] is None else float(value[2])
                kept = msgspec.convert(value[3], Alarm) if value[3:] and value[3] is not None else None
                heard = (
                    value[4] is True if value[4:] else True
                )  # earlier versions did not write it, and took it for granted
                hidden_by = str(value[5]) if value[5:] else ""
                found[key] = ReportedEpisode(float(value[0]), int(value[1]), next_at, kept, heard, hidden_by)
            except (msgspec.ValidationError, TypeError, ValueError, LookupError, OverflowError):
                continue
        return MappingProxyType(found)

    def save_reported(self, episodes: Mapping[str, Episode]) -> None:
        """Store what was reported of each. OSError if it cannot be written."""
        self._reports_file.parent.mkdir(parents=True, exist_ok=True)
        record = {key: list(_plain(episode.report())) for key, episode in episodes.items()}
        replace(self._reports_file, json.dumps(record).encode())


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _mutes(path: Path) -> Iterator[AlarmMute]:
    rows = _read(path).get("mutes", [])
    for row in rows if isinstance(rows, list) else []:
        with suppress(msgspec.ValidationError):
            yield msgspec.convert(row, AlarmMute)


def _plain(report: ReportedEpisode) -> Iterator[object]:
    yield from (report.raised_at, report.times_notified, None if math.isinf(report.next_at) else report.next_at)
    yield from (asdict(report.alarm) if report.alarm is not None else None, report.heard, report.hidden_by)


def missing_before(reported: Mapping[str, ReportedEpisode]) -> dict[str, float]:
    """Address → since when its directory was reported missing."""
    mark = f"{AlarmKind.GONE} "
    return {key.removeprefix(mark): report.raised_at for key, report in reported.items() if key.startswith(mark)}


def _answers(path: Path) -> dict[str, float]:
    found = {}
    for key, value in _read(path).items():
        if value == ACKNOWLEDGED_WORD:
            found[key] = ACKNOWLEDGED
        elif isinstance(value, int | float) and abs(value) < LATEST:
            found[key] = float(value)
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
