"""How urgent an alarm is: fixed by the kind of its condition, and by how long that has stood. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.sound import Urgency

MINUTE, HOUR = 60.0, 3600.0
Steps = tuple[tuple[float, Urgency], ...]
"""(seconds that the condition has stood, the urgency from then on), the shortest first."""

URGENCY_OF: Mapping[AlarmKind, Steps] = MappingProxyType({
    AlarmKind.SILENCE: ((0, Urgency.HIGH),),
    AlarmKind.DEADLOCK: ((0, Urgency.HIGH),),
    AlarmKind.NETWORK: ((0, Urgency.HIGH),),
    AlarmKind.ORPHANED: ((0, Urgency.HIGH),),
    AlarmKind.GONE: ((0, Urgency.HIGH),),
    AlarmKind.DISK: ((0, Urgency.HIGH),),
    AlarmKind.HOST_AWAY: ((0, Urgency.MEDIUM),),
    AlarmKind.WAITING: ((0, Urgency.MEDIUM), (15 * MINUTE, Urgency.HIGH)),
    AlarmKind.APPROVAL: ((0, Urgency.MEDIUM), (15 * MINUTE, Urgency.HIGH)),
    AlarmKind.UNDELIVERED: ((0, Urgency.MEDIUM),),
    AlarmKind.BOUNCED: ((0, Urgency.MEDIUM),),
    AlarmKind.FAILED: ((0, Urgency.MEDIUM),),
    AlarmKind.UNREADABLE: ((0, Urgency.MEDIUM),),
    AlarmKind.SPINNING: ((0, Urgency.MEDIUM),),
    AlarmKind.STORM: ((0, Urgency.MEDIUM),),
    AlarmKind.SAME_FILE: ((0, Urgency.MEDIUM),),
    AlarmKind.RUNAWAY_LOG: ((0, Urgency.MEDIUM),),
    AlarmKind.ERROR_BACK: ((0, Urgency.MEDIUM),),
    AlarmKind.DEGRADED: ((0, Urgency.MEDIUM),),
    AlarmKind.DISK_NEAR: ((0, Urgency.MEDIUM),),
    AlarmKind.CAP: ((0, Urgency.MEDIUM),),
    AlarmKind.SLOW: ((0, Urgency.LOW), (10 * MINUTE, Urgency.MEDIUM)),
    AlarmKind.STUCK: ((0, Urgency.LOW), (2 * HOUR, Urgency.MEDIUM)),
    AlarmKind.OVERDUE: ((0, Urgency.LOW), (2 * HOUR, Urgency.MEDIUM)),
    AlarmKind.YOUR_MOVE: ((0, Urgency.LOW), (30 * MINUTE, Urgency.MEDIUM)),
    AlarmKind.UNREAD: ((0, Urgency.LOW),),
    AlarmKind.LIMIT: ((0, Urgency.LOW),),
    AlarmKind.LIMIT_NEAR: ((0, Urgency.LOW),),
    AlarmKind.CAP_NEAR: ((0, Urgency.LOW),),
    AlarmKind.HOOKS: ((0, Urgency.LOW),),
    AlarmKind.ERROR_UNTOLD: ((0, Urgency.LOW),),
})  # fmt: skip


def urgency_of(alarm: Alarm, now: float, raised_at: float) -> Urgency:
    """The urgency of an alarm at `now`, which was raised at `raised_at` (both seconds since the epoch)."""
    stood = now - (alarm.since or raised_at)
    return max((urgency for seconds, urgency in URGENCY_OF[alarm.kind] if stood >= seconds), default=Urgency.LOW)
