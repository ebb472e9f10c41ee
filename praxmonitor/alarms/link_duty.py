"""Of the hosts of a link, one sounds the alarms of all agents: the one on which they reach a person best.

Each host has its own watcher on duty (`duty`). It says in a file how far it reaches a person, the link tells that the
other hosts with its sign of life, and each reckons from the same figures which of them sounds. A host that is not
heard is left out: so another takes over within the seconds after which it counts as away, and two that do not hear each
other both sound. What no other host can know of, as a full disk here, is sounded here in any case; and so is what
stands for some minutes and nobody answered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from mailcore.exceptions import MailcoreError
from mailcore.model.agent import OPERATOR
from mailcore.model.link import HostRecord
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.inhibition import concerned_agents

LOOK_EVERY = 1.0
"""Seconds between two looks at the other hosts."""
SAID_AGAIN = 5.0
"""Seconds after which it is said anew how far this host reaches a person."""
SOUNDED_HERE_AFTER = 600.0
"""Seconds for which an alarm that is sounded elsewhere stands, and is not acknowledged here, until it sounds here too:
no host silences all others for ever by what it says of itself."""
HEARD_WITHIN = 100.0
"""Seconds within which a host must have been heard: the link notes it once a minute while it hears it."""


def sounding_host(own: str, reach: int, hosts: Iterable[HostRecord], *, sounds: bool) -> str:
    """Which host sounds for all: where a person is reached best; of several whoever does it already, then the first by
    name. `own`: this one, which reaches so far, and `sounds` so far. Where nobody is reached anywhere, each for itself:
    then it is this one."""
    others = [(host.reach, host.sounds, host.name) for host in hosts if host.reach > 0]
    best = max((each[:2] for each in others), default=(0, False))
    mine = (reach, sounds)
    if not others or mine > best:
        return own
    first = min(name for *figures, name in others if tuple(figures) == best)
    return first if mine < best else min(own, first)


def is_told_elsewhere(alarm: Alarm) -> bool:
    """Whether every host knows of this alarm: it is about agents. Of this machine, and of the operator's own mail
    here, no other knows."""
    concerned = concerned_agents(alarm)
    return bool(concerned) and (OPERATOR not in concerned or alarm.kind is AlarmKind.APPROVAL)


class LinkDuty:
    """Which host sounds, for one watcher. `look` from one thread; `elsewhere` may be asked from any."""

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.time) -> None:
        """`root`: the workspace's directory."""
        self.elsewhere = ""
        """The host that sounds the alarms of agents in our stead; empty: this one does."""
        self._root, self._clock = root, clock
        self._looked = self._said = float("-inf")
        self._report: tuple[int, bool] | None = None
        self._sounds = False
        """This host does, as far as it was decided last."""

    def look(self, reach: int, *, on_duty: bool) -> None:
        """Look who sounds, and say how far this host reaches a person, if this watcher is on duty on it. Reads and
        writes files."""
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY:
            return
        self._looked = now
        elsewhere = ""
        with suppress(MailcoreError, OSError):  # nobody who cannot be read sounds in our stead
            elsewhere = self._sounding(reach) if on_duty else ""
        self.elsewhere = elsewhere

    def _sounding(self, reach: int) -> str:
        from mailcore.hosts.directory import read_hosts
        from mailcore.hosts.link_status import read_link_status
        from mailcore.hosts.reach_report import write_reach
        from mailcore.workspace.find import Workspace

        workspace = Workspace(self._root, self._root, ())
        status = read_link_status(workspace)
        if status is None:
            return ""
        found, now = status.host, self._clock()
        if status.is_connected:
            heard = [
                host for host in read_hosts(workspace)
                if not host.revoked and not host.away_since and now - host.seen_at < HEARD_WITHIN
            ]  # fmt: skip
            found = sounding_host(status.host, reach, heard, sounds=self._sounds)
        self._sounds = found == status.host
        report, mono = (reach, self._sounds), time.monotonic()
        if report != self._report or mono - self._said >= SAID_AGAIN:
            write_reach(workspace, reach, sounds=self._sounds)
            self._report, self._said = report, mono
        return "" if self._sounds else found
