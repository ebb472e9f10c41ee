"""What came from another host is taken in order, each once: one number for each epoch of each sender says how far.

`in/HOST.json`. First an envelope is carried out, then the number is written: who is killed between finds it again, and
is told that it may be a repetition. A number that is lost costs nothing: the sender still holds what it did not see
confirmed, and says from which number on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from mailcore.exceptions import Refused
from mailcore.hosts.channel import signed_bytes
from mailcore.hosts.directory import read_host
from mailcore.hosts.keys import verify
from mailcore.hosts.membership import link_directory, make_link_directory, member
from mailcore.hosts.names import HOST
from mailcore.model.link import Envelope
from mailcore.system import writing
from mailcore.system.locks import locked
from mailcore.system.safe_open import read_bytes
from mailcore.workspace.find import Workspace

IN = "in"
BATCH = 256
"""Envelopes that are carried out before their number is written."""
MAX_EPOCHS = 8
"""Epochs of one sender that are remembered, the latest: an older one's envelopes are long gone."""

CarryOut = Callable[[Envelope, bool], None]
"""Does what an envelope says. The second value: it may have been done before, so look first."""


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
    last: int = 0
    id: str = ""


_certain: Counter[tuple[Path, str]] = Counter()
"""How many of a sender's were taken by this process: of the first ones another process may have died."""


def take(workspace: Workspace, envelope: Envelope, carry_out: CarryOut) -> Taken:
    """Take one envelope: carried out if it is the next of its sender, and not else.

    What `carry_out` raises is raised, and the envelope is not taken. Refused (code `host`) if it is for another host.
    """
    return take_all(workspace, [envelope], carry_out)


def take_all(workspace: Workspace, envelopes: Sequence[Envelope], carry_out: CarryOut) -> Taken:
    """The same of several of one sender and epoch, up to the first that leaves a gap; what became of the last.

    The disk is waited for once for each BATCH of them.
    """
    taken = None
    for start in range(0, len(envelopes), BATCH):
        taken = _take_batch(workspace, envelopes[start : start + BATCH], carry_out)
        if taken.state is TakenState.GAP:
            break
    if taken is None:
        raise ValueError("nothing to take")
    return taken


def verified(workspace: Workspace, envelope: Envelope) -> None:
    """Refused (code `unknown_host`, `revoked`, `forged`) unless its sender is a host of the link, and signed it."""
    record = read_host(workspace, envelope.sender) if HOST.fullmatch(envelope.sender) else None
    if record is None:
        raise Refused(f"an envelope from {envelope.sender!r}: no host of the link is called so", "unknown_host")
    if record.revoked:
        raise Refused(f"an envelope from {record.name}, which belongs to the link no more", "revoked")
    if not record.key or not verify(record.key, signed_bytes(envelope), envelope.signature):
        raise Refused(f"an envelope that says it is from {record.name}: not signed by {record.name}'s key", "forged")


def taken_so_far(workspace: Workspace, sender: str) -> dict[str, int]:
    """How far each epoch of that sender was taken, the latest last."""
    return {epoch: place.last for epoch, place in _places(_file(workspace, sender)).items()}


def _take_batch(workspace: Workspace, envelopes: Sequence[Envelope], carry_out: CarryOut) -> Taken:
    sender, epoch = envelopes[0].sender, envelopes[0].epoch
    if any((each.sender, each.epoch) != (sender, epoch) for each in envelopes):
        raise ValueError("envelopes of several senders or epochs")
    if wrong := next((each.to for each in envelopes if each.to != member(workspace).host), ""):
        raise Refused(f"an envelope from {sender} for {wrong!r} came here", "host")
    path = _file(workspace, sender)
    if not path.parent.is_dir():
        make_link_directory(workspace)
        writing.make_directory(path.parent, parents=True)
    mine = (workspace.root, sender)
    with locked(path.with_suffix(".lock")):
        places = _places(path)
        before = place = places.pop(epoch, _Place())
        state, wanted = TakenState.REPEATED, place.last + 1
        try:
            for envelope in envelopes:
                if envelope.seq <= place.last:
                    state = TakenState.REPEATED
                    continue
                # All before `first` was confirmed, so it was taken: a number that is lower than that was lost.
                wanted = max(place.last + 1, envelope.first)
                if envelope.seq > wanted:
                    state = TakenState.GAP
                    break
                if not place.last or envelope.seq != place.last + 1:
                    _certain[mine] = 0  # how far it was taken is not known here
                # Another epoch may begin with what was taken in the one before.
                carry_out(envelope, bool(places) or _certain[mine] < BATCH)
                _certain[mine] += 1
                place, state = _Place(envelope.seq, envelope.id), TakenState.DONE
                wanted = envelope.seq + 1
        except BaseException:
            _certain[mine] = 0
            raise
        finally:
            if place != before:
                kept = dict([*places.items(), (epoch, place)][-MAX_EPOCHS:])
                writing.replace(path, msgspec.json.encode(kept))
    return Taken(state, epoch, place.last, place.id, wanted)


def _places(path: Path) -> dict[str, _Place]:
    try:
        return msgspec.json.decode(read_bytes(path, links=False), type=dict[str, _Place])
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (msgspec.DecodeError, UnicodeDecodeError):  # as if it were lost: the senders say from where on
        return {}


def _file(workspace: Workspace, sender: str) -> Path:
    if not HOST.fullmatch(sender):
        raise Refused(f"{sender!r} is no name of a host", "host")
    return link_directory(workspace) / IN / f"{sender}.json"
