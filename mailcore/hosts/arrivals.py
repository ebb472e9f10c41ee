"""What came from another host is taken in order, each once: one number for each epoch of each sender says how far.

`in/HOST.jsonl`, of which the last line of an epoch counts. First an envelope is carried out, then the number is
written: who is killed between finds it again, and is told that it may be a repetition. A number that is lost costs
nothing: the sender still holds what it did not see confirmed, and says from which number on.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from math import inf
from pathlib import Path

import msgspec

from mailcore.exceptions import Refused
from mailcore.hosts.channel import signed_bytes
from mailcore.hosts.directory import read_host
from mailcore.hosts.keys import verify
from mailcore.hosts.membership import link_directory, make_link_directory, member
from mailcore.hosts.names import HOST
from mailcore.model.link import Envelope, EnvelopeKind
from mailcore.system import writing
from mailcore.system.locks import locked
from mailcore.system.safe_open import read_bytes
from mailcore.workspace.find import Workspace

IN = "in"
MAX_RUN = 1024
"""Envelopes that are carried out before their number is written."""
TOGETHER = frozenset((EnvelopeKind.MAIL, EnvelopeKind.RECEIPT))
"""The kinds of which several are carried out at once."""
MAX_EPOCHS = 8
"""Epochs of one sender that are remembered, the latest: an older one's envelopes are long gone."""
MEASURED, UNMEASURED = 60.0, 86400.0
"""Seconds by which a host's clock may go before what is known of it: where it was measured, and where not."""

_MAX_JOURNAL = 64 * 1024
"""Bytes of a sender's file after which it is written anew."""

CarryOut = Callable[[Envelope, bool], None]
"""Does what an envelope says. The second value: it may have been done before, so look first."""
CarryOutAll = Callable[[Sequence[Envelope], bool], None]
"""Does what several of one kind say, in their order. Where it raises, all of them come again."""


class TakenState(StrEnum):
    """What became of an envelope that came."""

    DONE = "done"
    REPEATED = "repeated"
    """It was taken before: confirm again."""
    GAP = "gap"
    """One before it is missing: ask for what is wanted."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of it, and what can be confirmed to its sender now."""

    state: TakenState
    epoch: str
    last: int
    """All up to this number were taken."""
    last_id: str
    """The id of the envelope of that number; empty if none was taken yet."""
    wanted: int
    """The number that must come next."""


class _Place(msgspec.Struct, frozen=True):
    epoch: str
    unsure: float
    """What was written no later, by the sender's clock, may have been taken before: in another epoch, or before a
    number was lost."""
    newest: float = -inf
    """When the newest was written that was taken of this epoch."""
    last: int = 0
    id: str = ""

    @property
    def until(self) -> float:
        """What was written later was never taken, as far as this tells."""
        return max(self.newest, self.unsure)


_certain: Counter[tuple[Path, str]] = Counter()
"""How many of a sender's were taken by this process: of the first ones another process may have died."""


def take(workspace: Workspace, envelope: Envelope, carry_out: CarryOut) -> Taken:
    """Take one envelope: carried out if it is the next of its sender, and not else.

    What `carry_out` raises is raised, and the envelope is not taken. Refused (code `host`) if it is for another host.
    """
    return take_all(workspace, [envelope], lambda envelopes, repeated: carry_out(envelopes[0], repeated))


def take_all(workspace: Workspace, envelopes: Sequence[Envelope], carry_out: CarryOutAll) -> Taken:
    """The same of several of one sender and epoch, up to the first that leaves a gap; what became of the last.

    Those of one kind that follow each other are carried out at once if it is one of TOGETHER, MAX_RUN at most, and the
    disk is waited for once; of others each is.
    """
    sender, epoch = envelopes[0].sender, envelopes[0].epoch
    if any((each.sender, each.epoch) != (sender, epoch) for each in envelopes):
        raise ValueError("envelopes of several senders or epochs")
    here = member(workspace).host
    if wrong := next((each.to for each in envelopes if each.to != here), ""):
        raise Refused(f"an envelope from {sender} for {wrong!r} came here", "host")
    path = _file(workspace, sender)
    if not path.parent.is_dir():
        make_link_directory(workspace)
        writing.make_directory(path.parent, parents=True)
    with locked(path.with_suffix(".lock")):
        places = _places(path)
        place = places.get(epoch, _Place(epoch, inf))
        state, wanted, fresh = _sorted_out(envelopes, place)
        for run in _runs(fresh):
            mine = (workspace.root, sender)
            newest, unsure = max(place.newest, *(each.at for each in run)), place.unsure
            if not places or run[0].seq != place.last + 1:  # no number is known, or it was lost
                unsure = _sent_by_now(workspace, sender)
            elif not place.last:  # another epoch may begin with what was taken in one before
                unsure = max(each.until for each in places.values())
            if any(each.at <= unsure for each in run):
                _certain[mine] = -len(run)  # and those of one run more: another process may have died in it
            try:
                carry_out(run, _certain[mine] < MAX_RUN)
            except BaseException:
                _certain[mine] = 0
                raise
            _certain[mine] += len(run)
            place = _Place(epoch, unsure, newest, run[-1].seq, run[-1].id)
            _write(path, places, place)
    return Taken(state, epoch, place.last, place.id, wanted)


def _sent_by_now(workspace: Workspace, sender: str) -> float:
    """What a host writes from now on is newer than this, by its clock."""
    record = read_host(workspace, sender)
    skew = None if record is None else record.skew
    return time.time() + (UNMEASURED if skew is None else skew + MEASURED)


def _sorted_out(envelopes: Sequence[Envelope], place: _Place) -> tuple[TakenState, int, list[Envelope]]:
    """What becomes of the last of them, which number must come next, and which are to be carried out."""
    state, last, last_id = TakenState.REPEATED, place.last, place.id
    fresh: list[Envelope] = []
    for envelope in envelopes:
        # All before `first` was confirmed, so it was taken: a number that is lower than that was lost.
        wanted = max(last + 1, envelope.first)
        if envelope.seq > wanted:
            return TakenState.GAP, wanted, fresh
        state = TakenState.REPEATED
        if envelope.seq == wanted:
            if envelope.before and last_id and envelope.before != last_id and wanted == last + 1:
                # Another than the last one here was before it: its sender's store was brought back from a copy, and
                # gave numbers twice. It sees so by the id that is confirmed, and numbers anew.
                return TakenState.GAP, wanted, fresh
            fresh.append(envelope)
            state, last, last_id = TakenState.DONE, envelope.seq, envelope.id
    return state, last + 1, fresh


def _runs(envelopes: Sequence[Envelope]) -> Iterator[list[Envelope]]:
    for kind, of_kind in groupby(envelopes, key=lambda envelope: envelope.kind):
        run, most = list(of_kind), MAX_RUN if kind in TOGETHER else 1
        yield from (run[start : start + most] for start in range(0, len(run), most))


def verified(workspace: Workspace, envelope: Envelope) -> None:
    """Refused (code `unknown_host`, `revoked`, `forged`) unless its sender is a host of the link, and signed it."""
    record = read_host(workspace, envelope.sender) if HOST.fullmatch(envelope.sender) else None
    if record is None:
        raise Refused(f"an envelope from {envelope.sender!r}: no host of the link is called so", "unknown_host")
    if record.revoked:
        raise Refused(f"an envelope from {record.name}, which belongs to the link no more", "revoked")
    if not record.key or not verify(record.key, signed_bytes(envelope), envelope.signature):
        raise Refused(f"an envelope that says it is from {record.name}: not signed by {record.name}'s key", "forged")


def last_ids(workspace: Workspace, sender: str) -> dict[str, str]:
    """The id of the last envelope that was taken of each epoch of that sender's."""
    return {epoch: place.id for epoch, place in _places(_file(workspace, sender)).items()}


def taken_so_far(workspace: Workspace, sender: str) -> dict[str, int]:
    """How far each epoch of that sender was taken, the latest last."""
    return {epoch: place.last for epoch, place in _places(_file(workspace, sender)).items()}


def _places(path: Path) -> dict[str, _Place]:
    """How far each epoch was taken, the latest last. What cannot be read is as if it were lost."""
    try:
        lines = read_bytes(path, links=False).splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    places: dict[str, _Place] = {}
    for line in lines:
        with suppress(ValueError):
            place = msgspec.json.decode(line, type=_Place)
            places.pop(place.epoch, None)
            places[place.epoch] = place
    return places


def _write(path: Path, places: dict[str, _Place], place: _Place) -> None:
    places.pop(place.epoch, None)
    places[place.epoch] = place
    with suppress(FileNotFoundError):
        if path.stat().st_size > _MAX_JOURNAL or len(places) > MAX_EPOCHS:
            kept = [msgspec.json.encode(each) + b"\n" for each in list(places.values())[-MAX_EPOCHS:]]
            writing.replace(path, *kept)
            return
    writing.append(path, msgspec.json.encode(place), durable=True)


def _file(workspace: Workspace, sender: str) -> Path:
    if not HOST.fullmatch(sender):
        raise Refused(f"{sender!r} is no name of a host", "host")
    return link_directory(workspace) / IN / f"{sender}.jsonl"
