"""Acts on another host: what is asked for, who proves to have asked, and what became of it.

An act is a command line that the other host carries out under its own locks and rules. The person who asks signs it
with the operator's key of this host; so neither the network nor a host between can make one, send it to another host
or let it live longer.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.text.units import clock_time

KEEP = 600.0
"""Seconds for which an act waits for a host that is away, where nothing else is said."""
LONGEST_KEEP = 86400.0
OUTCOME_TIMEOUT = 30.0
"""Seconds that a person waits for what becomes of an act, where the host is there and nothing else is said."""
LEEWAY = 30.0
"""Seconds by which a clock may be wrong that was not measured."""
MOST_ACT_SKEW = 43200.0
"""Seconds by which another host's clock is believed to differ, at most. What is remembered of an act is kept longer
after it was good: so a host that lies about its clock has none done twice."""


class RemoteAct(msgspec.Struct, frozen=True):
    """One command line for another host."""

    id: str
    """32 hexadecimal digits; also of its envelope."""
    sender: str
    """The host where it is asked for."""
    to: str
    """The host that is to carry it out."""
    argv: tuple[str, ...]
    """In the form of `act_rules`."""
    at: float
    """When it was asked for, by the sender's clock."""
    until: float
    """After this it shall not begin any more, by the sender's clock."""
    proof: str = ""
    """How the person was known there: `terminal`, `passphrase`, `screen`, …"""
    signature: str = ""
    """Of all else, by the operator's key of the sender; hexadecimal."""

    @property
    def verb(self) -> str:
        """`kill`."""
        return self.argv[0] if self.argv else ""

    @property
    def target(self) -> str:
        """The first word that is no option: whom or what it is about; empty where there is none."""
        after = self.argv.index("--") + 1 if "--" in self.argv else len(self.argv)
        return self.argv[after] if after < len(self.argv) else ""

    @property
    def words(self) -> str:
        """What is asked for, without texts: `kill @writer`."""
        return f"{self.verb} {self.target}".strip()

    @property
    def signed(self) -> bytes:
        """The bytes that the signature is of."""
        return msgspec.json.encode(msgspec.structs.replace(self, signature=""))


class ActState(StrEnum):
    """What became of an act."""

    ASKED = "asked"
    """Nothing is known yet."""
    DONE = "done"
    """It was carried out; what the verb came to stands in the outcome."""
    REFUSED = "refused"
    """It was not carried out, by the rules of the link."""
    LATE = "late"
    """It came too late, and was not carried out."""
    CANCELLED = "cancelled"
    """It was taken back before it began."""
    UNKNOWN = "unknown"
    """It began, and how it ended is not known."""


class ActOutcome(msgspec.Struct, frozen=True):
    """What the other host says that became of an act. Untrusted text."""

    act: str
    """Its id."""
    state: ActState
    status: int = 0
    """The verb's exit status; of what was not carried out 3."""
    text: str = ""
    """What it prints for people."""
    value: Any = None
    """Its JSON value."""
    code: str = ""
    """Where it failed: a short word for scripts."""
    why: str = ""
    """Where it failed, or was not carried out: the reason, in words."""
    notes: tuple[str, ...] = ()
    """What was said beside."""
    began: float = 0.0
    """By that host's clock; 0.0: never."""
    ended: float = 0.0

    def raise_failure(self) -> None:
        """Raise what went wrong, as the verb itself would have; nothing where it did not."""
        if self.state is ActState.DONE and not self.why:
            return
        kinds: dict[int, type[MailcoreError]] = {2: UsageError, 3: Refused}
        raise kinds.get(self.status, MailcoreError)(self.why or f"it is {self.state}", self.code or self.state.value)


class AskedAct(msgspec.Struct, frozen=True):
    """An act as it is kept where it was asked for."""

    act: RemoteAct
    outcome: ActOutcome | None = None
    cancelled_at: float = 0.0
    """When it was asked to be cancelled; 0.0: it was not."""

    def is_open(self, now: float) -> bool:
        """True while it waits for its host."""
        return self.outcome is None and now <= self.act.until

    def state(self, now: float) -> str:
        """Where it stands, in words."""
        if self.outcome is not None:
            failed = self.outcome.state is ActState.DONE and bool(self.outcome.why)
            return f"failed: {self.outcome.why}" if failed else self.outcome.state.value
        if now > self.act.until:
            return "no answer, and too late by now"
        return f"queued until {clock_time(self.act.until)}"
