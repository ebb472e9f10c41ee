"""Envelopes of one sender and epoch that follow each other travel as one message: the server's disk is waited for once.

A message is a JSON list of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from mailcore.exceptions import Refused
from mailcore.formats.json_codec import is_nested_deeper
from mailcore.hosts import arrivals
from mailcore.hosts.channel import MOST_NESTED
from mailcore.model.link import Envelope
from mailcore.workspace.find import Workspace

PARCEL_BYTES = 128 << 10
"""A message holds no more envelopes than this many bytes; one that is larger travels alone."""
PARCEL_COUNT = 128
_ID, _EPOCH = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")
_HIGHEST = 10**12
"""No number of an envelope is as high."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Some envelopes, as they travel."""

    epoch: str
    first: int
    last: int
    data: bytes


def parcels(envelopes: Iterable[Envelope]) -> Iterator[Parcel]:
    """The envelopes, in order, in as few parcels as are allowed."""
    together: list[Envelope] = []
    parts: list[bytes] = []
    size = 0
    for envelope in envelopes:
        part = msgspec.json.encode(envelope)
        full = size + len(part) > PARCEL_BYTES or len(parts) == PARCEL_COUNT
        if parts and (full or envelope.epoch != together[0].epoch):
            yield _parcel(together, parts)
            together, parts, size = [], [], 0
        together.append(envelope)
        parts.append(part)
        size += len(part)
    if parts:
        yield _parcel(together, parts)


def opened(workspace: Workspace, data: bytes, sender: str, me: str) -> list[Envelope]:
    """The envelopes of a message that came by the sender's subject, each of them signed by it.

    Refused (code `forged`, `unknown_host`, `revoked`) where one is not, or it is no parcel.
    """
    try:
        envelopes = msgspec.json.decode(data, type=list[Envelope])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"what {sender} sent are no envelopes: {str(error)[:200]}", "forged") from error
    for number, one in enumerate(envelopes):
        if one.sender != sender or one.to != me:
            says = f"it is from {one.sender[:40]!r} for {one.to[:40]!r}"
            raise Refused(f"{sender} sent what says {says}: not taken", "forged")
        if not _is_formed(one):
            raise Refused(f"{sender} sent an id, epoch or number that no envelope has: not taken", "forged")
        if is_nested_deeper(one.body, MOST_NESTED):
            raise Refused(f"{sender} sent what is nested deeper than {MOST_NESTED} levels: not taken", "forged")
        if (one.epoch, one.seq) != (envelopes[0].epoch, envelopes[0].seq + number):
            raise Refused(f"{sender} sent envelopes that do not follow each other: not taken", "forged")
        arrivals.verified(workspace, one)
    return envelopes


def _is_formed(one: Envelope) -> bool:
    """True if its names and numbers are what they are said to be: they are kept, and compared with what was kept."""
    names = _ID.fullmatch(one.id) and _EPOCH.fullmatch(one.epoch) and (not one.before or _ID.fullmatch(one.before))
    return bool(names) and 0 < one.seq < _HIGHEST and 0 < one.first < _HIGHEST


def last_of(data: bytes) -> tuple[str, int]:
    """Epoch and number of the last envelope of a message of ours; ("", 0) if it is none."""
    try:
        found = msgspec.json.decode(data, type=list[Envelope])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", 0
    return (found[-1].epoch, found[-1].seq) if found else ("", 0)


def _parcel(together: Sequence[Envelope], parts: Sequence[bytes]) -> Parcel:
    return Parcel(together[0].epoch, together[0].seq, together[-1].seq, b"[" + b",".join(parts) + b"]")
