"""What a program leaves running at its exit: work that is cut off, or only what a tool keeps ready for the next one.

A server waits to be asked: an agent of keys, a build's daemon, the shared connection of ssh, a development server. It
is ended and named, and nobody's work is lost in it. So is git's own housekeeping, which a fetch or commit may leave.
"""

from __future__ import annotations

from collections.abc import Iterable

from mailcore.system.listening import listens
from mailcore.system.process_values import Process
from mailcore.system.processes import command_line

HELPERS = frozenset({"ssh-agent", "gpg-agent", "dirmngr", "scdaemon", "keyboxd", "dbus-daemon"})
"""Servers by their names, where what they listen at cannot be seen."""

OF_GIT = frozenset(
    "git " + name
    for name in (
        "credential-cache--daemon", "fsmonitor--daemon", "gc", "maintenance", "repack", "pack-objects", "pack-refs",
        "prune", "prune-packed", "reflog", "rerere", "commit-graph", "multi-pack-index", "worktree",
    )
)  # fmt: skip
"""What git does by itself when the command that was given is over, and its parts."""


class Leftover:
    """The processes that were left, as they were when they were first seen: then they are ended."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        """PID → what it is called."""
        self._parents: dict[int, int] = {}
        self._idle: set[int] = set()

    def see(self, found: Iterable[Process]) -> None:
        """Note those that were not seen before."""
        for one in found:
            if one.pid not in self.names:
                self.names[one.pid] = name = _name(one)
                self._parents[one.pid] = one.ppid
                if name in HELPERS or name in OF_GIT or listens(one.pid):
                    self._idle.add(one.pid)

    @property
    def work(self) -> int:
        """How many of them may have been at work.

        None are a server, what it started, and what did nothing but start it, as the shell of `npm run dev`.
        """
        idle = {pid for pid in self.names if self._is_below_server(pid)}
        while starters := {
            pid for pid in self.names.keys() - idle
            if (below := [child for child, parent in self._parents.items() if parent == pid]) and idle.issuperset(below)
        }:  # fmt: skip
            idle |= starters
        return len(self.names) - len(idle)

    def _is_below_server(self, pid: int) -> bool:
        seen: set[int] = set()
        while pid in self.names and pid not in seen:
            if pid in self._idle:
                # A name says what the process is, and not what it starts.
                return not seen or self.names[pid] not in HELPERS
            seen.add(pid)
            pid = self._parents[pid]
        return False


def _name(process: Process) -> str:
    """What a process is called; of git with what it does: `git gc`."""
    if process.name.startswith("git"):
        words = [word.decode("utf-8", "replace") for word in command_line(process.pid) or ()]
        if len(words) > 1 and not words[1].startswith("-"):
            return f"git {words[1]}"
    return process.name
