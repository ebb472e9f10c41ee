"""What the operator may ask of the alarms: the app answers it, actions and dialogs ask."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from praxmonitor.alarms.alarm_mutes import AlarmMute
from praxmonitor.alarms.episode import Episode
from praxmonitor.alarms.history import HistoryEntry


class AlarmDesk(Protocol):
    """The alarms that stand, and every answer to them. What cannot be done is said on the screen."""

    def unanswered(self) -> Sequence[Episode]:
        """Those that want the operator now, the most urgent first."""

    def listed(self) -> tuple[Sequence[Episode], float]:
        """All that stand, and the time now (seconds since the epoch); 0.0: nothing was read yet."""

    def mutes(self) -> Sequence[AlarmMute]:
        """Those that hold, the oldest first."""

    def history(self, since: float) -> Coroutine[Any, Any, Sequence[HistoryEntry]]:
        """What was raised, answered and over since then (seconds since the epoch), the oldest first."""

    def acknowledge(self, keys: Sequence[str]) -> Coroutine[Any, Any, None]:
        """Take note of these: they are heard no more."""

    def snooze(self, keys: Sequence[str]) -> Coroutine[Any, Any, None]:
        """Do not hear these for a while."""

    def ask_again(self, keys: Sequence[str]) -> Coroutine[Any, Any, None]:
        """Take an answer to these back."""

    def mute(self, wanted: AlarmMute) -> Coroutine[Any, Any, None]:
        """Mute what it matches. UsageError if it is no mute."""

    def end_mute(self, ended: AlarmMute) -> Coroutine[Any, Any, None]:
        """End a mute early."""
