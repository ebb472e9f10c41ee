"""What another host says of its agents, as it is understood here: names with their host, times by our clock. Pure.

A part of the fold, and of what reads those files. Untrusted: a host can say what it likes, of its own agents alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, structs

from mailcore.formats.timestamps import utc_time
from mailcore.hosts.names import joined, split_address
from mailcore.model.activity import Activity
from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts
from mailcore.model.hooks_stopped import HooksStopped
from mailcore.model.lock import Holder, Lock
from mailcore.model.log import GrowingLog
from mailcore.model.message import Ack, Mailbox, Message, parse_time
from mailcore.model.run import Attempt, Await, Run
from mailcore.model.session import LiveSession, Turn
from mailcore.model.usage import Spending
from mailcore.observe.facts import AgentTold

T = TypeVar("T")

FIRST_MOMENT = 1.0
"""The earliest that a request can lapse: 0.0 is never."""
TOLD_FIELDS = tuple(
    field.name for field in structs.fields(AgentTold) if field.name not in ("address", "whole", "past", "activities")
)
"""What `AgentFacts` has under the same name, save the activities, of which the new ones are told."""
TIME_FIELDS: Mapping[type, tuple[str, ...]] = {
    Ack: ("at",),
    Activity: ("at",),
    Attempt: ("started_at", "running_at", "ended_at"),
    Await: ("at",),
    GrowingLog: ("at", "since"),
    HooksStopped: ("last", "at"),
    LiveSession: ("began", "typed_at"),
    Lock: ("at",),
    Message: ("at", "stored_at", "seen_at"),
    Run: ("created_at", "since", "next_at", "resets_at", "last_act"),
    Spending: ("at",),
    Turn: ("began", "ended", "said_at"),
}
"""Which values of these are moments; 0.0 is none."""
ADDRESS_FIELDS: Mapping[type, tuple[str, ...]] = {
    Activity: ("agent",),
    Await: ("on",),
    Message: ("sender", "recipient"),
    Run: ("target", "sender"),
}
"""Which of these are addresses, as that host writes them."""
HELD_FIELDS: Mapping[type, tuple[str, ...]] = {
    Mailbox: ("messages",),
    Message: ("ack",),
    Run: ("attempts", "awaits"),
}
"""Which of these hold others."""


def changes(old: AgentFacts, fact: AgentTold) -> dict[str, Any]:
    """What of an agent's facts, its activities aside, is another after it was told."""
    first = AgentFacts(old.agent) if fact.whole else None
    found: dict[str, Any] = {}
    for name in TOLD_FIELDS:
        value, before = getattr(fact, name), getattr(old, name)
        if value is UNSET:
            if first is None:
                continue
            value = getattr(first, name)
        if name == "requests":
            value = (*value, *(one for one in before if one.recipient == OPERATOR))
        if value != before:
            found[name] = value
    return found


def new_activities(old: AgentFacts, fact: AgentTold) -> Sequence[Activity]:
    """What it did that was not known, oldest first."""
    if fact.activities is UNSET or not fact.activities:
        return ()
    if (fact.whole and fact.past) or not old.activities or fact.activities[0].at > old.activities[-1].at:
        return fact.activities
    known = set(old.activities)
    return [activity for activity in fact.activities if activity not in known]


def told_here(fact: AgentTold, host: str, own: str, skew: float) -> AgentTold:
    """The fact as it reads on the host `own`. `skew`: how far the clock of `host` is ahead of ours, in seconds."""
    values: dict[str, Any] = {
        name: _here(value, host, own, skew)
        for name in (*TOLD_FIELDS, "activities")
        if (value := getattr(fact, name)) is not UNSET
    }
    if values.get("requests"):
        values["requests"] = tuple(dataclasses.replace(one, id=joined(one.id, host)) for one in values["requests"])
    for name in ("answered", "turn_ended", "last_active"):
        if values.get(name):
            values[name] -= skew
    if (lock := values.get("lock")) is not None and lock.holder is Holder.ALIVE:
        values["lock"] = dataclasses.replace(lock, holder=Holder.ELSEWHERE)  # its PIDs name nobody of ours
    return AgentTold(joined(fact.address, host), fact.whole, fact.past, **values)


def name_here(address: str, host: str, own: str) -> str:
    """How an address that `host` writes is written on the host `own`."""
    if not address.startswith("@"):
        return address
    name, named = split_address(address)
    return name if named == own and own else address if named else joined(address, host)


def _here(value: T, host: str, own: str, skew: float) -> T:
    if isinstance(value, tuple):
        return tuple(_here(one, host, own, skew) for one in value)  # type: ignore[return-value]
    kind = type(value)
    found: dict[str, Any] = {}
    if skew:
        found |= {name: at - skew for name in TIME_FIELDS.get(kind, ()) if (at := getattr(value, name))}
    for name in ADDRESS_FIELDS.get(kind, ()):
        found[name] = ", ".join(name_here(one, host, own) for one in getattr(value, name).split(", "))
    for name in HELD_FIELDS.get(kind, ()):
        found[name] = _here(getattr(value, name), host, own, skew)
    if skew and isinstance(value, Message):
        found["raw"] = _request_here(value.raw, skew)
    if not found:
        return value
    return structs.replace(value, **found) if isinstance(value, msgspec.Struct) else _replaced(value, found)


def _replaced(value: Any, found: dict[str, Any]) -> Any:
    return dataclasses.replace(value, **found)


def _request_here(raw: Mapping[str, Any], skew: float) -> Mapping[str, Any]:
    """The keys of a mail, its request for approval with the time when it lapses by our clock."""
    approval = raw.get("approval")
    if not isinstance(approval, Mapping) or not (at := parse_time(approval.get("expires_at"))):
        return raw
    here = utc_time(max(FIRST_MOMENT, at - skew))  # within the calendar, whatever that host says
    return {**raw, "approval": {**approval, "expires_at": here}}
