"""The alarms at the screen: which stand, what is heard of them, and the operator's answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mailcore.text.units import duration
from praxmonitor.actions.context import Display
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.alarms.episode import ACKNOWLEDGED, AlarmEvents, Episode
from praxmonitor.alarms.notifier import Notifier
from praxmonitor.app.sound import Sound
from praxmonitor.sound import Cue
from praxmonitor.state.snapshot import EMPTY, Snapshot


class Shown(Display, Protocol):
    """What is on the screen."""

    opened: OpenWorkspace
    snapshot: Snapshot
    standing: tuple[Episode, ...]


class Alarms:
    """What the one who tells of alarms found, and what the operator says to it."""

    def __init__(self, notifier: Notifier, sound: Sound, shown: Shown) -> None:
        self.notifier = notifier
        self._sound, self._shown = sound, shown

    def tick(self) -> tuple[AlarmEvents, list[Cue]]:
        """Let the alarms of the snapshot be shown; returns what is due, and what of it is to be heard here."""
        due, wanted = self.notifier.evaluate(self._shown.snapshot)
        self._shown.standing = self.notifier.episodes.standing()
        return due, wanted

    def unanswered(self) -> Sequence[Episode]:
        """The alarms that want the operator now."""
        return self.notifier.unanswered()

    def listed(self) -> tuple[Sequence[Episode], float]:
        """All that stand, and the time now (seconds since the epoch); 0.0: nothing was read yet."""
        return self._shown.standing, 0.0 if self._shown.snapshot is EMPTY else self._shown.opened.clock()

    async def answer(self, keys: Sequence[str], snooze: bool) -> None:
        """Acknowledge these alarms, or snooze them; it holds on every screen of this operator's."""
        opened = self._shown.opened
        for_ = opened.config.alarms.snooze
        try:
            await self.notifier.answer(keys, opened.clock() + for_ if snooze else ACKNOWLEDGED)
        except OSError as error:
            self._shown.notify(f"answered until you leave only: {error}", severity="warning")
        said = f"snoozed for {duration(for_)}" if snooze else "acknowledged"
        self._shown.notify(f"{said}: {len(keys)} alarm{'s' if len(keys) != 1 else ''}")
        self._sound.play(self.tick()[1])
