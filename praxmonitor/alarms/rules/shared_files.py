"""Alarms of files that two agents change. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mailcore.model.file_write import SharedFile
from mailcore.text import line
from praxmonitor.alarms.alarm import Alarm, AlarmKind


def shared_file_alarms(shared: Iterable[SharedFile]) -> Iterator[Alarm]:
    """One for each file and pair of agents."""
    for one in shared:
        path = line(one.path, 200)
        seen = "in two worktrees: both changes stand, and will have to be merged" if one.apart else "in one directory"
        yield Alarm(
            AlarmKind.SAME_FILE, one.second, one.since, f"same file: {path}, as {one.first}",
            "one agent at a time in a file",
            f"{one.first} and {one.second} changed it, {seen}",
            f"both are told by mail; hold one (`mailcore hold {one.second}`); `mailcore lease PATH` warns others",
            f"{one.path} {one.first}",
        )  # fmt: skip
