"""How the app follows its feed: a fleet becomes the snapshot that is shown, alarms are told, sounds are heard."""

from __future__ import annotations

from collections.abc import Callable

from mailcore.exceptions import MailcoreError
from mailcore.model.fleet import Fleet
from praxmonitor.app.alarms import Alarms, Shown
from praxmonitor.app.sound import Sound
from praxmonitor.feed.base import Feed
from praxmonitor.feed.restarting import restarted_fleets
from praxmonitor.sound import Cue
from praxmonitor.sound.cues import event_cues, heartbeat_cue
from praxmonitor.state.snapshot import EMPTY, Snapshot, next_snapshot


class Follower:
    """Shows each fleet of a feed, and the same one again when time has passed."""

    def __init__(self, feed: Feed, alarms: Alarms, sound: Sound, shown: Shown) -> None:
        self._feed, self._alarms, self._sound, self._shown = feed, alarms, sound, shown
        self._began = shown.opened.clock()

    async def follow(self, stopped: Callable[[str], None], over: Callable[[MailcoreError | None], None]) -> None:
        """Until the feed is over. `stopped` is told why the watching stopped, and an empty text when it goes on; `over`
        that it is over, and why where there is nothing to watch."""
        try:
            async for fleet in restarted_fleets(self._feed, stopped):
                self.show(fleet)
        except MailcoreError as error:
            over(error)
        else:
            over(None)

    def look_again(self) -> None:
        """Time has passed, or the duty came: states change by that, and alarms are due."""
        if self._shown.snapshot is not EMPTY:
            self.show(self._shown.snapshot.fleet)

    def show(self, fleet: Fleet) -> None:
        """Let this fleet be shown, and heard."""
        shown, opened = self._shown, self._shown.opened
        old, machine = shown.snapshot, self._alarms.notifier.machine_status
        snapshot = shown.snapshot = next_snapshot(old, fleet, opened.clock(), opened.config.alarms, machine)
        if snapshot is old and not self._alarms.notifier.needs_evaluation:
            return
        due, wanted = self._alarms.tick()
        if old is EMPTY or snapshot is old:
            self._sound.play(wanted)
            return
        if [facts.agent for facts in fleet.agents] != [facts.agent for facts in old.fleet.agents]:
            opened.enroll()
        # What happens is told by each screen to the person who has it open; alarms by whoever is on duty alone.
        told = {(each.alarm.kind.sound, each.alarm.address) for each in (*due.raised, *due.repeated)}
        happened = [cue for cue in self._happened(old, snapshot) if (cue.sound, cue.agent) not in told]
        self._sound.play([*wanted, *happened])

    def _happened(self, old: Snapshot, snapshot: Snapshot) -> list[Cue]:
        """What is heard of the agents since the `old` snapshot; where nothing is, the sign that work goes on."""
        settings = self._shown.opened.config.sound
        happened = event_cues(old, snapshot, self._began, settings.subagents)
        beat = None if happened else heartbeat_cue(snapshot, self._sound.sounded, settings.heartbeat)
        return happened if beat is None else [beat]
