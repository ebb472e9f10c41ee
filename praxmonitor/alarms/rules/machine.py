"""Alarms of the machine and of the watching itself: a full disk, a missing directory, a watcher that is late. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.config import Alarms
from mailcore.model.fleet import Fleet
from mailcore.model.machine_status import MachineStatus
from mailcore.observe.causes import DISK, cause_of
from mailcore.observe.format_drift import SHARE
from mailcore.text import line
from mailcore.text.units import date_and_time, duration, size
from praxmonitor.alarms.alarm import Alarm, AlarmKind

FULL = 20_000_000
"""Bytes free below which a disk counts as full: journals and mailboxes cannot be written any more."""


def machine_alarms(fleet: Fleet, policy: Alarms, machine_status: MachineStatus) -> Iterator[Alarm]:
    """Of what is wrong with the watching, of a disk nearly full, of a PraxMonitor that is too slow."""
    for note in (*fleet.notes, *machine_status.trouble.values()):
        yield Alarm(
            AlarmKind.DEGRADED, "", 0.0, f"watching is degraded: {note}",
            remedy="see to that; `mailcore doctor` looks for the cause and says the fix",
            id=note.partition(SHARE)[0][:200], cause=cause_of(note),
        )  # fmt: skip
    if 0 <= machine_status.disk_free < policy.disk_free:
        # No figure that changes while it stands: each change would be kept on that very disk.
        full = machine_status.disk_free < min(FULL, policy.disk_free)
        kind, word, least = (
            (AlarmKind.DISK, "full", min(FULL, policy.disk_free))
            if full
            else (AlarmKind.DISK_NEAR, "nearly full", policy.disk_free)
        )
        yield Alarm(
            kind, "", 0.0, f"disk {word}: less than {size(least)} free where {fleet.root} lies",
            expected=f"at least {size(policy.disk_free)} ([alarms] disk_free)",
            remedy="make room: mail and journals need the disk", cause=DISK,
        )  # fmt: skip
    if policy.lag and machine_status.lag > policy.lag:
        what = f"PraxMonitor is too slow: late by more than {duration(policy.lag)} again and again"
        yield Alarm(
            AlarmKind.SLOW, "", 0.0, what, expected="less than that ([alarms] lag)",
            remedy="see what takes the processors; what is shown may be old",
        )  # fmt: skip


def missing_directory_alarms(fleet: Fleet, machine_status: MachineStatus) -> Iterator[Alarm]:
    """Of agents whose directory was there and is missing."""
    for address, since in machine_status.missing_since.items():
        if (facts := fleet.find(address)) is not None:
            yield Alarm(
                AlarmKind.GONE, address, since, f"gone: its directory {facts.agent.branch} is missing or empty",
                "its passport and its mailbox in there",
                f"missing since {date_and_time(since, seconds=False)}" if since else "",
                "mount or restore it; if it was moved, change its path in the registry; else take it out of there",
                cause=f"mount {line(str(facts.agent.branch.parent), 120)}",
            )  # fmt: skip
