"""Leases on paths of the project: who means to change what, until when. They warn others, and keep nobody out.

All of them stand in one file, which is gone when there are none: so a hook sees without starting anything that nothing
is leased.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from mailcore.exceptions import MailcoreError, Refused
from mailcore.formats.json_codec import dumps, loads
from mailcore.system import safe_open, self_ignore, writing
from mailcore.system.locks import locked
from mailcore.text import line
from mailcore.text.units import soon
from mailcore.workspace.find import Workspace

LEASES = "leases.json"
"""In `.praxmonitor`."""
MAX_LEASES_FILE = 1024 * 1024
MOST_LEASES = 200
"""Leases of a workspace."""
MOST_WARNED = 50
"""Sessions of which it is kept that they were warned of one lease, the last."""
MAX_SESSION = 100
"""Characters of a session's id that are kept."""


@dataclass(frozen=True, slots=True)
class PathLease:
    """One agent's word that it changes these files."""

    by: str
    """Its address."""
    paths: tuple[str, ...]
    """Files and directories, as seen from the project's directory; `.` is all of it. Untrusted text."""
    since: float
    until: float
    """Seconds since the epoch; then it is over."""
    why: str = ""
    """In its own words."""
    warned: tuple[str, ...] = ()
    """Sessions that were warned of it: once each."""

    def covers(self, path: str) -> bool:
        """True if a path of the project is leased by it."""
        return any(_within(path, one) for one in self.paths)

    def meets(self, paths: Sequence[str]) -> bool:
        """True if any of these is leased by it, or holds what is."""
        return any(self.covers(path) or any(_within(one, path) for one in self.paths) for path in paths)

    def told(self) -> str:
        """`src/web, by @editor until 15:04, "the login"`, in one line."""
        why = f', "{line(self.why, 120)}"' if self.why else ""
        return f"{' '.join(line(one, 120) for one in self.paths[:5])}, by {self.by} until {soon(self.until)}{why}"


@dataclass
class _AtHand:
    leases: list[PathLease] = field(default_factory=list)


def read_leases(workspace: Workspace) -> tuple[PathLease, ...]:
    """Those that are not over, the next to end first. MailcoreError where the file cannot be read."""
    now = time.time()
    return tuple(sorted((one for one in _read(workspace) if one.until > now), key=lambda one: one.until))


def take_lease(workspace: Workspace, by: str, paths: Sequence[str], seconds: float, why: str = "") -> PathLease:
    """Lease paths; what `by` has of them is renewed. Refused (code `leased`) where another has any of them."""
    now = time.time()
    with _changing(workspace) as at_hand:
        for one in at_hand.leases:
            if one.by != by and one.meets(paths):
                raise Refused(f"leased already: {one.told()}; write to {one.by}, or wait", "leased")
        if len(at_hand.leases) >= MOST_LEASES:
            raise Refused(f"there are {MOST_LEASES} leases: let some end first (mailcore lease --end)", "limit")
        lease = PathLease(by, tuple(dict.fromkeys(paths)), now, now + seconds, why)
        kept = [_without(one, paths) if one.by == by else one for one in at_hand.leases]
        at_hand.leases = [*(one for one in kept if one.paths), lease]
    return lease


def end_leases(workspace: Workspace, by: str, paths: Sequence[str] = ()) -> int:
    """End leases on these paths, or all: of one agent, or, of the empty address, of everybody. How many changed."""
    with _changing(workspace) as at_hand:
        before = at_hand.leases
        changed = [_without(one, paths) if by in ("", one.by) else one for one in before]
        at_hand.leases = [one for one in changed if one.paths]
    return sum(1 for old, new in zip(before, changed, strict=True) if old != new)


def warn_once(workspace: Workspace, by: str, session: str, paths: Sequence[str]) -> PathLease | None:
    """A lease of another agent's on any of these that the session of `by` was not warned of; now it counts as that."""
    session = session[:MAX_SESSION]
    found = [one for one in read_leases(workspace) if one.by != by and session not in one.warned]
    if not any(one.covers(path) for one in found for path in paths):
        return None
    with _changing(workspace) as at_hand:
        for at, one in enumerate(at_hand.leases):
            if one.by != by and session not in one.warned and any(map(one.covers, paths)):
                at_hand.leases[at] = replace(one, warned=(*one.warned, session)[-MOST_WARNED:])
                return one
    return None


def remove_if_over(workspace: Workspace) -> None:
    """Take the file away where every lease in it is over: while it is there, it is looked into at each change."""
    if not read_leases(workspace):
        with _changing(workspace):
            pass


def _without(lease: PathLease, paths: Sequence[str]) -> PathLease:
    left = tuple(one for one in lease.paths if paths and not any(_within(one, path) for path in paths))
    return replace(lease, paths=left) if left != lease.paths else lease


def _within(path: str, directory: str) -> bool:
    return directory == "." or path == directory or path.startswith(f"{directory}/")


@contextmanager
def _changing(workspace: Workspace) -> Iterator[_AtHand]:
    """What stands there, without what is over; written again at the end, or removed if nothing is left.

    Refused (code `limit`), and nothing written, where it would be more than is read.
    """
    self_ignore.make_ignored(workspace.state_dir)
    path = workspace.state_dir / LEASES
    with locked(workspace.state_dir / f".{LEASES}.lock"):
        at_hand = _AtHand(list(read_leases(workspace)))
        yield at_hand
        if at_hand.leases:
            text = dumps({"leases": [_row(one) for one in at_hand.leases]})
            if len(text) > MAX_LEASES_FILE:  # nobody could read it any more
                raise Refused("that is more than the list of leases holds: lease directories, not each file", "limit")
            writing.replace(path, text, root=workspace.root)
        elif os.path.lexists(path):
            writing.remove_file(path, workspace.root)


def _row(lease: PathLease) -> dict[str, Any]:
    return {
        "by": lease.by, "paths": list(lease.paths), "since": lease.since, "until": lease.until, "why": lease.why,
        "warned": list(lease.warned),
    }  # fmt: skip


def _read(workspace: Workspace) -> list[PathLease]:
    path = workspace.state_dir / LEASES
    try:
        rows = loads(safe_open.read_bytes(path, links=False, most=MAX_LEASES_FILE))["leases"]
        return [
            PathLease(
                str(row["by"]), tuple(map(str, row["paths"])), float(row["since"]), float(row["until"]),
                str(row.get("why", "")), tuple(map(str, row.get("warned", ()))),
            )
            for row in rows
        ]  # fmt: skip
    except FileNotFoundError:
        return []
    except OSError as error:
        raise MailcoreError(f"{path}: {error.strerror}; leases cannot be read") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MailcoreError(f"{path} is no list of leases ({error}); remove it, which ends all") from error
