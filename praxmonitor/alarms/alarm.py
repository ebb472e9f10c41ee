"""A condition that wants the operator, and its wording."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from praxmonitor.sound import Sound


class AlarmKind(StrEnum):
    """Why the operator is wanted, most urgent first."""

    SILENCE = "silence"
    DEADLOCK = "deadlock"
    NETWORK = "network"
    HOST_AWAY = "host_away"
    WAITING = "waiting"
    APPROVAL = "approval"
    UNDELIVERED = "undelivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    ORPHANED = "orphaned"
    GONE = "gone"
    UNREADABLE = "unreadable"
    DISK = "disk"
    DISK_NEAR = "disk_near"
    SPINNING = "spinning"
    STORM = "storm"
    RUNAWAY_LOG = "runaway_log"
    SAME_FILE = "same_file"
    ERROR_BACK = "error_back"
    DEGRADED = "degraded"
    SLOW = "slow"
    STUCK = "stuck"
    OVERDUE = "overdue"
    YOUR_MOVE = "your_move"
    UNREAD = "unread"
    LIMIT = "limit"
    LIMIT_NEAR = "limit_near"
    HOOKS = "hooks"
    ERROR_UNTOLD = "error_untold"
    CAP = "cap"
    CAP_NEAR = "cap_near"

    @property
    def sound(self) -> Sound:
        """How it is heard."""
        return _SOUNDS.get(self, Sound.ERROR)

    @property
    def settle(self) -> float:
        """Seconds for which its condition must be gone until the alarm is over: some come and go within one episode."""
        return _SETTLE.get(self, 0.0)

    @property
    def latching(self) -> bool:
        """Whether it stays listed when its condition is over, unheard, until it is acknowledged: work was lost."""
        return self in (AlarmKind.FAILED, AlarmKind.BOUNCED, AlarmKind.ORPHANED)

    @property
    def chatters(self) -> bool:
        """Whether its condition may come and go again and again, where nothing new has happened."""
        return self in _CHATTERING

    @property
    def lasting(self) -> bool:
        """Whether it stands until it is acknowledged, even if the files tell of it no more: something was lost."""
        return self is AlarmKind.UNDELIVERED


_SOUNDS = {
    AlarmKind.SILENCE: Sound.SILENCE,
    AlarmKind.SPINNING: Sound.SILENCE,
    AlarmKind.DEADLOCK: Sound.SILENCE,
    AlarmKind.WAITING: Sound.WAITING,
    AlarmKind.YOUR_MOVE: Sound.WAITING,
    AlarmKind.UNREAD: Sound.STUCK,
    AlarmKind.APPROVAL: Sound.WAITING,
    AlarmKind.UNDELIVERED: Sound.FAILED,
    AlarmKind.BOUNCED: Sound.FAILED,
    AlarmKind.FAILED: Sound.FAILED,
    AlarmKind.ORPHANED: Sound.FAILED,
    AlarmKind.GONE: Sound.FAILED,
    AlarmKind.SAME_FILE: Sound.STUCK,
    AlarmKind.STUCK: Sound.STUCK,
    AlarmKind.OVERDUE: Sound.STUCK,
    AlarmKind.LIMIT: Sound.LIMIT,
    AlarmKind.CAP: Sound.LIMIT,
    AlarmKind.CAP_NEAR: Sound.LIMIT,
    AlarmKind.LIMIT_NEAR: Sound.LIMIT,
}
_CHATTERING = (
    AlarmKind.SILENCE, AlarmKind.STORM, AlarmKind.DISK, AlarmKind.DISK_NEAR, AlarmKind.SLOW, AlarmKind.DEGRADED,
    AlarmKind.LIMIT, AlarmKind.GONE, AlarmKind.UNREADABLE, AlarmKind.NETWORK, AlarmKind.HOST_AWAY,
    AlarmKind.RUNAWAY_LOG,
)  # fmt: skip
_SETTLE = {
    AlarmKind.LIMIT: 120.0, AlarmKind.STORM: 60.0, AlarmKind.DISK: 60.0, AlarmKind.DISK_NEAR: 60.0,
    AlarmKind.NETWORK: 60.0, AlarmKind.SLOW: 30.0, AlarmKind.RUNAWAY_LOG: 60.0, AlarmKind.HOST_AWAY: 20.0,
}  # fmt: skip

_MANY = {
    AlarmKind.SILENCE: "{} agents silent",
    AlarmKind.DEADLOCK: "{} circles of agents that wait for each other",
    AlarmKind.NETWORK: "{} networks lost",
    AlarmKind.HOST_AWAY: "{} hosts away",
    AlarmKind.WAITING: "{} agents wait for you",
    AlarmKind.APPROVAL: "{} requests want your approval",
    AlarmKind.UNDELIVERED: "{} runs whose senders have not heard of their end",
    AlarmKind.BOUNCED: "{} runs bounced",
    AlarmKind.FAILED: "{} runs failed",
    AlarmKind.ORPHANED: "{} runs orphaned",
    AlarmKind.GONE: "the directories of {} agents are gone",
    AlarmKind.UNREADABLE: "{} mailboxes unreadable",
    AlarmKind.DISK: "{} disks full",
    AlarmKind.DISK_NEAR: "{} disks nearly full",
    AlarmKind.SPINNING: "{} agents spin",
    AlarmKind.STORM: "{} error storms",
    AlarmKind.RUNAWAY_LOG: "{} logs run away",
    AlarmKind.ERROR_BACK: "{} errors back again",
    AlarmKind.DEGRADED: "{} things wrong with the watching",
    AlarmKind.SLOW: "PraxMonitor is {} times too slow",
    AlarmKind.SAME_FILE: "{} files that two agents change",
    AlarmKind.STUCK: "{} messages stuck",
    AlarmKind.OVERDUE: "{} tasks overdue",
    AlarmKind.YOUR_MOVE: "{} sessions wait for your next prompt",
    AlarmKind.UNREAD: "{} mailboxes with old unread mail",
    AlarmKind.LIMIT: "{} limits",
    AlarmKind.LIMIT_NEAR: "{} limits nearly reached",
    AlarmKind.HOOKS: "the hooks of {} agents stopped",
    AlarmKind.ERROR_UNTOLD: "{} errors that nobody was told of",
    AlarmKind.CAP: "{} daily caps reached",
    AlarmKind.CAP_NEAR: "{} daily caps nearly reached",
}
"""The wording of several alarms of a kind."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A condition that wants the operator. It explains itself; its texts hold untrusted words of agents."""

    kind: AlarmKind
    address: str
    """Of the agent; empty: the workspace as a whole."""
    since: float
    """Seconds since the epoch; 0.0 unknown."""
    what: str
    """What is wrong, in a few words, beginning with the kind: `silent: Report, attempt 1/3`."""
    expected: str = ""
    """Which sign was expected, of what."""
    seen: str = ""
    """What was last seen, and when."""
    remedy: str = ""
    """What to do, with the keys."""
    id: str = ""
    """Tells this episode from the next one of the same kind and agent: a run, a message, the time of a sign."""
    cause: str = ""
    """What it comes of, where several may have one cause: `network`. Alarms of a kind with one cause are one group."""
    settle: float = 0.0
    """Seconds for which its condition must be gone until it is over, if that is more than its kind asks for."""
    comes_again: float = math.inf
    """Seconds within which its condition comes again if it chatters: once gone for longer, it is over."""
    agents: tuple[str, ...] = ()
    """Addresses of the agents that it concerns, where that is not `address` alone."""

    @property
    def key(self) -> str:
        """Names the episode, across restarts: what an acknowledgement is stored by."""
        return f"{self.kind} {self.address} {self.id}".strip()

    @property
    def run_id(self) -> str:
        """The run that it tells the end of; empty for none, and for one that only its lock (`PID TIME`) names."""
        return self.id if (self.kind.latching or self.kind.lasting) and " " not in self.id else ""

    @property
    def fingerprint(self) -> str:
        """The group of errors that it is about; empty for none."""
        return self.id.partition(" ")[0] if self.kind in (AlarmKind.ERROR_BACK, AlarmKind.ERROR_UNTOLD) else ""

    @property
    def clause_of(self) -> tuple[AlarmKind, str]:
        """What those have in common that are said in one clause."""
        return self.kind, self.cause

    @property
    def text(self) -> str:
        """All of it in one line."""
        expected = f"expected: {self.expected}" if self.expected else ""
        return "; ".join(filter(None, (self.what, expected, self.seen, self.remedy)))

    @property
    def summary(self) -> str:
        """Who and what: `@writer silent: Report`."""
        return f"{self.address} {self.what}".strip()


def clauses(alarms: Sequence[Alarm]) -> list[str]:
    """What these say, in the order in which they are given: one as itself, many of a kind and cause as many.

    `["12 runs bounced: network (claude)", "@writer silent: Report"]`.
    """
    groups: dict[tuple[AlarmKind, str], list[Alarm]] = {}
    for alarm in alarms:
        groups.setdefault(alarm.clause_of, []).append(alarm)
    return [_clause(found) for found in groups.values()]


def _clause(alarms: Sequence[Alarm]) -> str:
    first = alarms[0]
    if len(alarms) == 1:
        return first.summary
    many = _MANY[first.kind].format(len(alarms))
    sort, _, whose = first.cause.partition(" ")
    return f"{many}: {sort} ({whose})" if whose else f"{many}: {sort}" if sort else many


def headline(alarms: Sequence[Alarm]) -> str:
    """All of them in a few words: their clauses, in one line."""
    return ", ".join(clauses(alarms))
