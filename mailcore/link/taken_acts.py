"""Acts that other hosts asked for, as they are kept here: each taken once, begun once, and told of until it is known.

Below `.praxmonitor/link/acts/from/HOST/` an act is `ID.json`; what happened to it is said by the files beside it, each
of which is made once: `ID.cancel`, `ID.begun` (locked by who carries it out), `ID.done` (the outcome), `ID.told`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from mailcore.exceptions import Refused
from mailcore.hosts.acts import ActOutcome, RemoteAct
from mailcore.hosts.membership import link_directory, make_link_directory
from mailcore.system import writing
from mailcore.system.locks import take_flock
from mailcore.system.safe_open import descriptor, read_bytes
from mailcore.workspace.find import Workspace

TOLD_KEPT_FOR = 86400.0
"""Seconds after which an act that was told of is forgotten: by then it is too late for it anyhow."""
_SUFFIXES = (".json", ".cancel", ".begun", ".done", ".told")


class TakenAct(msgspec.Struct, frozen=True):
    """An act of another host's."""

    act: RemoteAct
    seq: int
    """Of its envelope: in that order they are carried out."""
    directory: Path

    def file(self, suffix: str) -> Path:
        """One of its files."""
        return self.directory / f"{self.act.id}{suffix}"

    def has(self, suffix: str) -> bool:
        """True if that was said of it."""
        return self.file(suffix).exists()

    def say(self, suffix: str, data: bytes = b"") -> bool:
        """Say that of it, durably; False if it was said before."""
        return writing.link_new(self.file(suffix), data, 0o600, durable=True)

    @property
    def outcome(self) -> ActOutcome | None:
        """What became of it, once that is known."""
        with suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(read_bytes(self.file(".done"), links=False), type=ActOutcome)
        return None

    @contextmanager
    def begin(self) -> Iterator[None]:
        """Begin it, and hold it until this ends. Refused (code `repeated`) if it was begun before."""
        try:
            opened = os.open(self.file(".begun"), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise Refused("it was begun before: an act is carried out once", "repeated") from None
        try:
            take_flock(opened)
            writing.sync(opened)
            writing.sync_directory(self.directory)
            yield
        finally:
            os.close(opened)

    def is_at_work(self) -> bool:
        """True while somebody carries it out."""
        try:
            opened, _ = descriptor(self.file(".begun"), os.O_RDWR | os.O_NOFOLLOW)
        except FileNotFoundError:
            return False
        try:
            return not take_flock(opened)
        finally:
            os.close(opened)


def acts_directory(workspace: Workspace, sender: str) -> Path:
    """Where what a host asks for is kept."""
    return link_directory(workspace) / "acts" / "from" / sender


def keep_act(workspace: Workspace, act: RemoteAct, seq: int) -> TakenAct:
    """Keep an act, durably, if it is not kept yet."""
    make_link_directory(workspace)
    directory = acts_directory(workspace, act.sender)
    writing.make_directory(directory, parents=True, durable=True)
    writing.link_new(directory / f"{act.id}.json", msgspec.json.encode({"act": act, "seq": seq}), 0o600, durable=True)
    return TakenAct(act, seq, directory)


def find_taken(workspace: Workspace, sender: str, act_id: str) -> TakenAct | None:
    """The act of that id that a host asked for; None if it is not kept here."""
    return _read(acts_directory(workspace, sender) / f"{act_id}.json")


def untold_acts(workspace: Workspace, sender: str) -> list[TakenAct]:
    """The acts of a host of which it is not told yet what became of them, in its order; forgets those of long ago."""
    found = []
    names = {path.name for path in acts_directory(workspace, sender).glob("*.*")}
    for name in names:
        stem, _, kind = name.partition(".")
        if kind == "json" and (taken := _read(acts_directory(workspace, sender) / name)) is not None:
            if f"{stem}.told" not in names:
                found.append(taken)
            elif taken.act.until + TOLD_KEPT_FOR < time.time():
                for suffix in _SUFFIXES:
                    taken.file(suffix).unlink(missing_ok=True)
    return sorted(found, key=lambda taken: taken.seq)


def _read(path: Path) -> TakenAct | None:
    with suppress(OSError, msgspec.MsgspecError, KeyError):
        raw = msgspec.json.decode(read_bytes(path, links=False))
        return TakenAct(msgspec.convert(raw["act"], RemoteAct), int(raw["seq"]), path.parent)
    return None
