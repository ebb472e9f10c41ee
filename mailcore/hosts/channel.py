"""What waits here for another host: one ordered channel each, on disk until that host has confirmed it.

`out/HOST/state.json` says the epoch and what was confirmed; the envelopes lie beside it in segments. All is read and
written under the channel's lock, and fsynced before it is handed out: a number that another host has seen is never
given again. Where that cannot be known (the store was lost, damaged, or brought back from a copy), what is there is
numbered anew, in another epoch.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from mailcore.exceptions import Refused
from mailcore.formats.json_codec import is_nested_deeper
from mailcore.hosts.keys import HOST_KEY, Key, load_key
from mailcore.hosts.membership import link_directory, make_link_directory, member
from mailcore.hosts.names import HOST
from mailcore.hosts.segments import Segment, append_envelopes, cut_off, encoded, list_segments, read_all
from mailcore.model.link import Envelope, EnvelopeKind
from mailcore.system import writing
from mailcore.system.locks import locked
from mailcore.system.safe_open import read_bytes
from mailcore.workspace.find import Workspace

OUT, STATE, LOCK = "out", "state.json", ".lock"
MAX_ENVELOPE = 4 << 20
"""Bytes of one envelope: what is larger is refused here, where it can be said to whom it concerns."""
MOST_NESTED = 200
"""Lists and objects within each other in one envelope: more than any that is honest has, far less than overflows the
stack of who reads it, wherever that is."""
MAX_WAITING = 200_000
"""Envelopes that wait for one host: beyond, nothing more is taken for it."""


class Content(NamedTuple):
    """What is to be put into a channel."""

    kind: EnvelopeKind
    body: dict[str, Any]
    id: str = ""
    """32 hexadecimal digits; empty: new ones."""
    until: float = 0.0
    fresh: bool = False
    """Nothing of this id was ever put: it is not looked for."""


class ChannelState(msgspec.Struct, frozen=True):
    """What is kept of a channel beside its envelopes."""

    epoch: str
    confirmed: int = 0
    """The last number that the other host has confirmed."""
    id: str = ""
    """The id of the envelope of that number."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one host."""

    count: int = 0
    since: float = 0.0
    """When the oldest of it was written; 0.0 where nothing waits."""


def put(
    workspace: Workspace,
    to: str,
    kind: EnvelopeKind,
    body: dict[str, Any],
    *,
    id: str = "",
    until: float = 0.0,
    fresh: bool = False,
    meanwhile: Callable[[Envelope], None] = lambda _: None,
) -> Envelope:
    """Put one thing into the channel to that host; it is on disk when this returns.

    With an `id` that still waits there it is that envelope, and nothing is put; not looked for if it is `fresh`.
    Refused (code `too_large`, `format`, `full`, `no_link`). It is signed when it is handed to the link. `meanwhile`
    writes what belongs to it, before the disk is waited for: who waits for that then waits little.
    """
    return put_all(workspace, to, [Content(kind, body, id, until, fresh)], meanwhile)[0]


def put_all(
    workspace: Workspace,
    to: str,
    contents: Sequence[Content],
    meanwhile: Callable[[Envelope], None] = lambda _: None,
) -> list[Envelope]:
    """The same of several, in order: all or none, and one wait for the disk."""
    sender = member(workspace).host
    if to == sender:
        raise Refused(f"{to} is this host: no channel leads here", "host")
    now = time.time()
    with _channel(workspace, to) as directory:
        state, segments = _opened(directory)
        last = _last(state, segments)
        if last - state.confirmed + len(contents) > MAX_WAITING:
            waits = f"{last - state.confirmed:,} envelopes wait for {to}"
            raise Refused(f"{waits}: no more are taken until it has taken some", "full")
        before = segments[-1].last_id if segments and segments[-1].lines else state.id
        known = _held(segments, [content.id for content in contents if content.id and not content.fresh])
        envelopes: list[Envelope] = []
        fresh: list[Envelope] = []
        for content in contents:
            if content.id in known:
                envelopes.append(known[content.id])
                continue
            envelope = Envelope(
                content.kind, content.id or secrets.token_hex(16), sender, to, state.epoch, last + len(fresh) + 1,
                state.confirmed + 1, now, content.body, content.until, before,
            )  # fmt: skip
            before = envelope.id
            if is_nested_deeper(content.body, MOST_NESTED):
                raise Refused(f"it is nested deeper than {MOST_NESTED} levels: a link carries no such thing", "format")
            if (size := len(encoded(envelope))) > MAX_ENVELOPE:
                raise Refused(f"{size:,} bytes for {to}: a link carries {MAX_ENVELOPE:,} at once", "too_large")
            envelopes.append(envelope)
            fresh.append(envelope)
        appended = append_envelopes(directory, segments, fresh)
    try:
        for envelope in envelopes:
            meanwhile(envelope)
        for segment in segments if known else ():  # who put it there may have been killed before the disk had it
            segment.flush()
        for each in appended:
            writing.flush(each.path)
    except BaseException:
        with _channel(workspace, to):
            cut_off(appended)
        raise
    return envelopes


def unconfirmed(workspace: Workspace, to: str, after: int = 0, epoch: str = "") -> Iterator[Envelope]:
    """What that host has not confirmed, in order, each signed by this host's key if it has one.

    `after`: only what has a higher number; of `epoch`, where one is given: of another epoch everything is told.
    """
    key = host_key(workspace)
    return (signed(envelope, key) for envelope in _waiting(workspace, to, after, epoch))


def confirmed(workspace: Workspace, to: str, epoch: str, last: int, id: str = "") -> bool:
    """That host has all of the epoch up to the number `last`, whose envelope it knows as `id`: what was kept for it so
    far is removed. True if that was something.

    What it confirms and was never sent from here was sent before this store was brought back from a copy: then all that
    waits is numbered anew. So it is if that host has all before the first that waits, and is offered one that says it
    follows another: that host will never take it.
    """
    if not _directory(workspace, to).is_dir():
        return False
    with _channel(workspace, to) as directory:
        state, segments = _opened(directory)
        if epoch != state.epoch:
            return False
        known = state.id if last == state.confirmed else _part_at(segments, last, "id")
        before = _part_at(segments, last + 1, "before") if last == state.confirmed else ""
        another = (id and known and id != known) or (before and (known or id) not in ("", before))
        if last > _last(state, segments) or another:
            _number_anew(directory, state, segments)
            return True
        if last <= state.confirmed:
            return False
        over = [segment for segment in segments if segment.last <= last]
        # A power cut that takes the word back costs nothing while what it is about is still there.
        _write_state(directory, ChannelState(state.epoch, last, known or id), durable=bool(over))
        for segment in over:
            segment.path.unlink(missing_ok=True)
    return True


def waiting(workspace: Workspace, to: str) -> Waiting:
    """How much waits for that host, and since when."""
    first = next(_waiting(workspace, to), None)
    if first is None:
        return Waiting()
    with _channel(workspace, to) as directory:
        state, segments = _opened(directory)
    return Waiting(max(1, _last(state, segments) - state.confirmed), first.at)


def channels(workspace: Workspace) -> list[str]:
    """The hosts for which something was ever put into a channel."""
    try:
        found = sorted(path.name for path in (link_directory(workspace) / OUT).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [name for name in found if HOST.fullmatch(name)]


def number_anew(workspace: Workspace, to: str) -> None:
    """Begin another epoch with what waits for that host: what cannot be read of it is left out."""
    with _channel(workspace, to) as directory:
        _number_anew(directory, *_opened(directory))


def host_key(workspace: Workspace) -> Key | None:
    """This host's key; None where none was made."""
    path = link_directory(workspace) / HOST_KEY
    return load_key(path) if path.exists() else None


def signed(envelope: Envelope, key: Key | None) -> Envelope:
    """The envelope with its signature; as it is where there is no key."""
    return msgspec.structs.replace(envelope, signature=key.sign(signed_bytes(envelope))) if key else envelope


def signed_bytes(envelope: Envelope) -> bytes:
    """What an envelope's signature is of."""
    return encoded(msgspec.structs.replace(envelope, signature=""))


def _waiting(workspace: Workspace, to: str, after: int = 0, epoch: str = "") -> Iterator[Envelope]:
    if not _directory(workspace, to).is_dir():
        return
    with _channel(workspace, to) as directory:
        state, segments = _opened(directory)
    start = max(state.confirmed, after if epoch in ("", state.epoch) else 0)
    for segment in segments:
        if segment.last <= start:
            continue
        try:
            segment.flush()
            lines = segment.read()
            for number in range(max(start + 1, segment.first), segment.last + 1):
                envelope = segment.envelope(lines[number - segment.first], number)
                yield msgspec.structs.replace(envelope, first=state.confirmed + 1)
        except FileNotFoundError:  # confirmed meanwhile
            continue
        except (ValueError, IndexError):  # it is damaged: another epoch begins with what can be read of it
            number_anew(workspace, to)
            return


def _directory(workspace: Workspace, to: str) -> Path:
    if not HOST.fullmatch(to):
        raise Refused(f"{to!r} is no name of a host", "host")
    return link_directory(workspace) / OUT / to


@contextmanager
def _channel(workspace: Workspace, to: str) -> Iterator[Path]:
    """The directory of a channel, made if need be, and its lock."""
    directory = _directory(workspace, to)
    if not directory.is_dir():
        above = make_link_directory(workspace)
        writing.make_directory(directory, parents=True)
        for path in (above.parent, above, directory.parent):
            writing.sync_directory(path)
    with locked(directory / LOCK):
        yield directory


def _opened(directory: Path) -> tuple[ChannelState, list[Segment]]:
    """State and segments of a channel, whose lock is held."""
    try:
        state = msgspec.json.decode(read_bytes(directory / STATE, links=False), type=ChannelState)
    except (FileNotFoundError, ValueError):  # what is no state is a ValueError
        return _number_anew(directory, ChannelState(""), list_segments(directory))
    segments = list_segments(directory, state.epoch)
    if any(each.is_too_large for each in segments) or (segments and segments[0].first > state.confirmed + 1):
        return _number_anew(directory, state, segments)
    return state, segments


def _last(state: ChannelState, segments: list[Segment]) -> int:
    return max(state.confirmed, segments[-1].last if segments else 0)


def _number_anew(directory: Path, state: ChannelState, segments: list[Segment]) -> tuple[ChannelState, list[Segment]]:
    """Another epoch, that begins with what waits. Its state is written last; what it stands for is removed then."""
    anew = ChannelState(secrets.token_hex(8))
    for appended in append_envelopes(directory, [], _renumbered(state, segments, anew.epoch)):
        writing.flush(appended.path)
    _write_state(directory, anew)
    for segment in list_segments(directory):
        if segment.epoch != anew.epoch:
            segment.path.unlink(missing_ok=True)
    return anew, list_segments(directory, anew.epoch)


def _renumbered(state: ChannelState, segments: list[Segment], epoch: str) -> Iterator[Envelope]:
    """What waits, each once, as it is numbered in that epoch."""
    before, number = "", 0
    seen: set[str] = set()
    """Who was killed while he numbered anew left some of them twice."""
    for envelope in read_all(segments):
        if envelope.id in seen or (envelope.epoch == state.epoch and envelope.seq <= state.confirmed):
            continue
        seen.add(envelope.id)
        number += 1
        yield msgspec.structs.replace(envelope, epoch=epoch, seq=number, first=1, before=before)
        before = envelope.id


def _part_at(segments: list[Segment], number: int, part: Literal["id", "before"]) -> str:
    """What the envelope of that number says there; empty where it is gone, or damaged."""
    for segment in segments:
        if segment.first <= number <= segment.last:
            with suppress(ValueError, IndexError):
                return str(getattr(segment.envelope(segment.read()[number - segment.first], number), part))
    return ""


def _held(segments: list[Segment], ids: Sequence[str]) -> dict[str, Envelope]:
    """The envelopes of these ids that wait here."""
    if not ids:
        return {}
    looked_for = {f'"id":"{id}"'.encode() for id in ids}
    found = (
        msgspec.json.decode(line, type=Envelope)
        for segment in segments
        for line in segment.read()
        if any(id in line for id in looked_for)
    )
    return {envelope.id: envelope for envelope in found if envelope.id in ids}


def _write_state(directory: Path, state: ChannelState, *, durable: bool = True) -> None:
    writing.replace(directory / STATE, msgspec.json.encode(state), durable=durable)
