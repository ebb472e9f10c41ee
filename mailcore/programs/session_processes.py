"""The sessions that people began by hand, as the processes show them: programs of agents that no supervisor started."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from mailcore.programs.base import Program, ProgramFailed
from mailcore.system.process_values import Process
from mailcore.system.processes import command_line, environment, snapshot, working_directory

SUPERVISED = {b"AIPASS_SESSION_TYPE=dispatched", b"AIPASS_SESSION_TYPE=daemon"}


def session_processes(programs: Iterable[Program]) -> Iterator[tuple[Process, Path]]:
    """Each with the directory that it works in. AIPass's own rule (contract 4, occupancy)."""
    kinds = [one.interactive for one in programs if one.interactive is not None]
    by_name = {name: kind for kind in kinds for name in kind.names}
    for process in snapshot().values():
        if process.name not in by_name:
            continue
        words, variables = command_line(process.pid), environment(process.pid)
        place = working_directory(process.pid)
        if place is None or words is None or variables is None or SUPERVISED & set(variables):
            continue
        arguments = [word.decode("utf-8", "replace") for word in words]
        with suppress(ProgramFailed):  # it cannot tell: then it is none
            if by_name[process.name].is_session(arguments):
                yield process, place
