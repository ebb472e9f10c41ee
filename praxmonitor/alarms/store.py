"""What outlives a restart, in the user's state directory: the operator's answers, and what was reported of episodes.

Two files for each workspace, because two may write: `answers.json` any screen at any time, under a flock;
`told.json` who is on duty alone. Both are replaced at one stroke. What is broken in them counts as not there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mailcore.system.locks import locked
from mailcore.system.writing import replace
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.episodes import ACKNOWLEDGED, NO_ANSWERS, Answers, Episode, ReportedEpisode

ACKNOWLEDGED_WORD = "acknowledged"
LATEST = 1e12
"""No time is later: a file may hold any number."""


class AlarmStore:
    """The two files of one workspace. Every call reads or writes a disk: not for the screen's own thread."""

    def __init__(self, directory: Path) -> None:
        self._answers_file, self._reports_file = directory / "answers.json", directory / "told.json"
        self._stamp: tuple[int, int, int] | None = None
        self._known: Answers = NO_ANSWERS

    def answers(self) -> Answers:
        """What the operator answered, on any screen. The same object if nothing changed."""
        try:
            stat = self._answers_file.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except OSError:
            stamp = None
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

    def reported(self) -> Mapping[str, ReportedEpisode]:
        """What the last watcher on duty had reported when it left."""
        found = {}
        for key, value in _read(self._reports_file).items():
            try:
                next_at = math.inf if value[2] is None else float(value[2])
                lasting = _alarm(value[3]) if value[3:] and value[3] is not None else None
                heard = (
                    value[4] is True if value[4:] else True
                )  # earlier versions did not write it, and took it for granted
                found[key] = ReportedEpisode(float(value[0]), int(value[1]), next_at, lasting, heard)
            except (TypeError, ValueError, LookupError, OverflowError):
                continue
        return MappingProxyType(found)

    def save_reported(self, episodes: Mapping[str, Episode]) -> None:
        """Store what was reported of each. OSError if it cannot be written."""
        self._reports_file.parent.mkdir(parents=True, exist_ok=True)
        record = {key: list(_plain(episode.report())) for key, episode in episodes.items()}
        replace(self._reports_file, json.dumps(record).encode())


def _plain(report: ReportedEpisode) -> Iterator[object]:
    yield from (report.raised_at, report.times_notified, None if math.isinf(report.next_at) else report.next_at)
    yield from (asdict(report.alarm) if report.alarm is not None else None, report.heard)


def _alarm(value: dict[str, Any]) -> Alarm:
    texts = {name: str(value[name]) for name in ("address", "what", "expected", "seen", "remedy", "id")}
    return Alarm(AlarmKind(value["kind"]), since=float(value["since"]), **texts)


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
