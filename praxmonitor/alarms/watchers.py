"""Who watches a workspace: each screen and guard says so in a file of its own, whose time is its last sign of life.

The files lie in `.praxmonitor/duty/`. What stands in them is written by whoever can write there: it is read as
untrusted, and no lock hangs on it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from mailcore.system import safe_open, self_ignore, writing
from mailcore.system.processes import alive, pid_namespace, start_ticks
from mailcore.text import line
from mailcore.workspace import presence

DIRECTORY, ENDING = presence.WATCHERS, presence.WATCHER_ENDING
MOST_WATCHERS = 100
"""Watchers of one workspace that are read."""
LONGEST_RECORD = 4096
"""Bytes of one of their files that are read."""
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
STOPPED_AFTER = 8.0
"""Seconds without a sign after which one who looks once calls a watcher stopped; who is alone shows one in five."""


class Reach(IntEnum):
    """How well an alarm reaches a person by this watcher; more is better."""

    NOBODY = 0
    """No sound comes out, and nobody looks."""
    SHOWN = 1
    """A terminal shows it, in silence."""
    BELL = 2
    """A terminal's bell rings for what is urgent."""
    SOUND = 3
    """It sounds."""


@dataclass(frozen=True, slots=True)
class WatcherState:
    """What a watcher says of itself."""

    reach: Reach = Reach.NOBODY
    says: str = ""
    """In words why it is heard or not: `sounds on miniaudio/pulse`, `muted until 12:30`, `no sound device`."""
    fit: bool = True
    """Its loop moves, and its terminal takes output."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """One watcher as its file says, read at one moment."""

    id: str
    what: str
    """`screen` or `guard`."""
    pid: int
    here: bool
    """Its PID is one of this namespace's."""
    alive: bool
    """Its process lives; of one elsewhere, unknown and taken for alive."""
    since: float
    """When it began, seconds since the epoch."""
    sign: int
    """Its last sign of life, in nanoseconds since the epoch."""
    term: int
    """The term of duty that it holds; 0: none."""
    state: WatcherState

    @property
    def name(self) -> str:
        """`guard (PID 4711)`."""
        return f"{self.what} (PID {self.pid})"

    @property
    def seen(self) -> float:
        """Its last sign of life, in seconds since the epoch."""
        return self.sign / 1e9


@contextmanager
def open_directory(state_directory: Path, *, make: bool = False) -> Iterator[int]:
    """A descriptor of the directory of the watchers' files. OSError if there is none, or it is a symlink."""
    path = state_directory / DIRECTORY
    try:
        descriptor = os.open(path, _DIRECTORY)
    except FileNotFoundError:
        if not make:
            raise
        self_ignore.make_ignored(state_directory)
        writing.make_directory(path)
        descriptor = os.open(path, _DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write_record(directory: int, id: str, what: str, since: float, term: int, state: WatcherState) -> None:
    """Say of this process that it watches. OSError where that cannot be written."""
    record = {
        "what": what,
        "pid": os.getpid(),
        "start_ticks": start_ticks(os.getpid()),
        "pid_namespace": pid_namespace(),
        "since": since,
        "term": term,
        "reach": int(state.reach),
        "says": state.says,
        "fit": state.fit,
    }
    writing.replace_in(directory, id + ENDING, json.dumps(record).encode(), durable=False)


def touch_record(directory: int, id: str) -> None:
    """Give the file of this watcher the present time. OSError where it is not there."""
    os.utime(id + ENDING, dir_fd=directory, follow_symlinks=False)


def remove_record(directory: int, id: str) -> None:
    """This one watches no more."""
    with suppress(OSError):
        os.unlink(id + ENDING, dir_fd=directory)


def read_records(directory: int, but: str = "") -> list[Watcher]:
    """All whose files can be read, the oldest first, save the one of this id."""
    names = [name for name in os.listdir(directory) if name.endswith(ENDING) and name != but + ENDING][:MOST_WATCHERS]
    found = []
    for name in names:
        with suppress(OSError, ValueError, TypeError, KeyError, RecursionError, OverflowError):
            text, sign = beginning(name, directory)
            found.append(_watcher(name.removesuffix(ENDING), sign, json.loads(text)))
    return sorted(found, key=lambda each: (each.since, each.id))


def is_alone(directory: int, id: str, others: Collection[Watcher]) -> bool:
    """Whether of all files there only that of this id can be one's who lives; the `others` were just read."""
    dead = {each.id + ENDING for each in others if not each.alive}
    return all(name in dead for name in os.listdir(directory) if name.endswith(ENDING) and name != id + ENDING)


def beginning(name: str, directory: int) -> tuple[bytes, int]:
    """The first LONGEST_RECORD bytes of a file, and its time in nanoseconds since the epoch. OSError if it is none."""
    descriptor, found = safe_open.descriptor(name, os.O_RDONLY | os.O_NOFOLLOW, directory=directory)
    try:
        return os.read(descriptor, LONGEST_RECORD), found.st_mtime_ns
    finally:
        os.close(descriptor)


def read_watchers(state_directory: Path) -> tuple[list[Watcher], Watcher | None]:
    """For one look: all watchers, and who of them is on duty. None: nobody is. Reads files."""
    try:
        with open_directory(state_directory) as directory:
            found = read_records(directory)
    except OSError:
        return [], None
    now = time.time()
    on_duty = [
        each for each in found if each.term and each.alive and each.state.fit and now - each.seen < STOPPED_AFTER
    ]
    return found, max(on_duty, key=lambda each: each.term, default=None)


def _watcher(id: str, sign: int, record: Mapping[str, Any]) -> Watcher:
    pid, term = int(record["pid"]), int(record["term"])
    here = record.get("pid_namespace") in (None, pid_namespace())
    state = WatcherState(Reach(record["reach"]), line(str(record["says"]), 80), record["fit"] is True)
    return Watcher(
        id, line(str(record["what"]), 20), pid, here, alive(pid, int(record["start_ticks"])) if here else True,
        float(record["since"]), sign, term, state,
    )  # fmt: skip
