"""The sessions that people began by hand, as the processes show them: programs of agents that no supervisor started."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mailcore.programs.base import Program, ProgramFailed
from mailcore.system.process_values import Process
from mailcore.system.processes import command_line, environment, snapshot, working_directory

SUPERVISED = {b"AIPASS_SESSION_TYPE=dispatched", b"AIPASS_SESSION_TYPE=daemon"}


class SessionProcess(NamedTuple):
    """A program that a person began."""

    program: str
    process: Process
    place: Path
    """The directory that it works in."""


def session_processes(programs: Iterable[Program]) -> Iterator[tuple[Process, Path]]:
    """Each with the directory that it works in. AIPass's own rule (contract 4, occupancy)."""
    return ((one.process, one.place) for one in sessions_among(programs, lambda _: True))


def sessions_among(programs: Iterable[Program], concerns: Callable[[Path], bool]) -> Iterator[SessionProcess]:
    """The same of those alone that work where it concerns us: of the others no more than that is read."""
    kinds = {one.name: one.interactive for one in programs if one.interactive is not None}
    by_name = {name: (program, kind) for program, kind in kinds.items() for name in kind.names}
    for process in snapshot().values():
        if process.name not in by_name:
            continue
        place = working_directory(process.pid)
        if place is None or not concerns(place):
            continue
        words, variables = command_line(process.pid), environment(process.pid)
        if words is None or variables is None or SUPERVISED & set(variables):
            continue
        arguments = [word.decode("utf-8", "replace") for word in words]
        program, kind = by_name[process.name]
        with suppress(ProgramFailed):  # it cannot tell: then it is none
            if kind.is_session(arguments):
                yield SessionProcess(program, process, place)
