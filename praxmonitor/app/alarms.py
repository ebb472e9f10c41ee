"""The alarms at the screen: which stand, what is heard of them, and what the operator says to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from mailcore.exceptions import MailcoreError
from mailcore.text import counted
from mailcore.text.units import duration
from praxmonitor.actions import requests
from praxmonitor.actions.app_parts import Notifying
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.alarms.alarm_mutes import AlarmMute
from praxmonitor.alarms.episode import ACKNOWLEDGED, AlarmEvents, Episode
from praxmonitor.alarms.history import AlarmHistory, HistoryEntry
from praxmonitor.alarms.mute_input import holding, mute_words, new_mute
from praxmonitor.alarms.notifier import Notifier
from praxmonitor.app.sound import Sound
from praxmonitor.sound import Cue
from praxmonitor.sound.mutes import mutes_path
from praxmonitor.state.snapshot import EMPTY, Snapshot


class Shown(Notifying, Protocol):
    """What is shown of one workspace."""

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
        """The alarms that want the operator now, the most urgent first."""
        return self.notifier.unanswered()

    def listed(self) -> tuple[Sequence[Episode], float]:
        """All that stand, and the time now (seconds since the epoch); 0.0: nothing was read yet."""
        return self._shown.standing, 0.0 if self._shown.snapshot is EMPTY else self._shown.opened.clock()

    def mutes(self) -> tuple[AlarmMute, ...]:
        """Those that hold, the oldest first."""
        return holding(self.notifier.mutes, self._shown.opened.clock())

    async def history(self, since: float) -> tuple[HistoryEntry, ...]:
        """What was raised, answered and over since then (seconds since the epoch), the oldest first."""
        opened = self._shown.opened
        if not opened.live:
            return ()
        kept = AlarmHistory(mutes_path(opened.workspace.root).parent)
        return await asyncio.to_thread(lambda: tuple(kept.entries(since)))

    async def acknowledge(self, keys: Sequence[str]) -> None:
        """Take note of these alarms: they are heard no more. It holds on every screen of this operator's."""
        await self._answer(keys, ACKNOWLEDGED, "acknowledged: {}")

    async def snooze(self, keys: Sequence[str]) -> None:
        """Do not hear these alarms for `[alarms] snooze`."""
        opened = self._shown.opened
        for_ = opened.config.alarms.snooze
        await self._answer(keys, opened.clock() + for_, f"snoozed for {duration(for_)}: {{}}")

    async def ask_again(self, keys: Sequence[str]) -> None:
        """Take an answer to these alarms back."""
        await self._answer(keys, 0.0, "the answer is taken back: {} asked again")

    async def _answer(self, keys: Sequence[str], until: float, said: str) -> None:
        if not keys or not await self._may():
            return
        try:
            await self.notifier.answer(keys, until)
        except OSError as error:
            self._shown.notify(f"answered until you leave only: {error}", severity="warning")
        self._shown.notify(said.format(counted(len(keys), "alarm")))
        self._sound.play(self.tick()[1])

    async def mute(self, wanted: AlarmMute) -> None:
        """Mute what it matches, on every screen and guard. UsageError if it is no mute."""
        made = new_mute(wanted, self.notifier.mutes)
        if await self._may() and await self._change_mutes(lambda mutes: (*mutes, made)):
            number = sum(episode.muted_by == made.id for episode in self._shown.standing)
            many = f"; {counted(number, 'alarm')} of it now" if number else ""
            self._shown.notify(f"muted: {mute_words(made, self._shown.opened.clock())}{many}; u ends it early")
            await self._note("mute", made)

    async def end_mute(self, ended: AlarmMute) -> None:
        """End a mute early, on every screen and guard."""
        if not await self._may():
            return
        muted = [episode.alarm.key for episode in self._shown.standing if episode.muted_by == ended.id]
        if await self._change_mutes(lambda mutes: tuple(mute for mute in mutes if mute.id != ended.id)):
            want = {episode.alarm.key for episode in self.unanswered()} & set(muted)
            again = f"; {counted(len(want), 'alarm')} of it want{'s' if len(want) == 1 else ''} you" if want else ""
            self._shown.notify(f"heard again: {ended.words}{again}")
            await self._note("unmute", ended)

    async def _change_mutes(self, change: Callable[[tuple[AlarmMute, ...]], tuple[AlarmMute, ...]]) -> bool:
        """Whether they are stored; then what follows from it is shown and heard."""
        try:
            await self.notifier.change_mutes(change)
        except OSError as error:
            self._shown.notify(f"the mutes cannot be stored: {error}", title="not done", severity="error")
            return False
        self._sound.play(self.tick()[1])
        return True

    async def _may(self) -> bool:
        """Whether who sits here answers in the operator's name; else it is said why not."""
        opened = self._shown.opened
        if not opened.live:
            return True
        try:
            await asyncio.to_thread(requests.me, opened.workspace)
        except MailcoreError as error:
            self._shown.notify(str(error), title="not done", severity="error", timeout=12)
            return False
        return True

    async def _note(self, verb: str, mute: AlarmMute) -> None:
        """Let the audit say who muted what: that hides what others do."""
        opened = self._shown.opened
        if not opened.live:
            return
        try:
            await asyncio.to_thread(partial(requests.note_mute, opened.workspace, verb, mute.words, mute.why))
        except MailcoreError as error:
            self._shown.notify(str(error), severity="warning")
