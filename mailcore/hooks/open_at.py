"""By which processes a person has a session open, as far as that is seen."""

from __future__ import annotations

import os
from collections.abc import Iterator

from mailcore.programs.base import Interactive, ProgramFailed
from mailcore.programs.registry import programs
from mailcore.programs.session_processes import sessions_among
from mailcore.system.process_values import Process
from mailcore.system.processes import command_line, look, terminal_of


def open_at(settings: str, pid: int, place: str) -> list[Process]:
    """The program that runs the session's hooks; where that is a server in which several sessions go on, the programs
    at terminals in the session's directory, as which of them shows it is told nowhere. Empty: nobody has it open.

    `settings`: by which the program's hooks are known; `place`: where the session works.
    """
    process = look(pid)
    if process is None or terminal_of(pid):
        return [process] if process is not None else []
    for program in programs():
        if program.hooks is not None and program.hooks.settings == settings and (kind := program.interactive):
            if not _is_shared(kind, pid):
                break
            real = os.path.realpath(place)
            return [one.process for one in sessions_among([program], lambda _: True)
                    if real in _places(kind, one.process.pid, str(one.place))]  # fmt: skip
    return [process]


def _is_shared(kind: Interactive, pid: int) -> bool:
    try:
        return kind.shared is not None and kind.shared(_words(pid))
    except ProgramFailed:
        return False


def _places(kind: Interactive, pid: int, works: str) -> Iterator[str]:
    """The directories in which the sessions of a terminal's program are."""
    yield os.path.realpath(works)
    try:
        added = kind.added(_words(pid)) if kind.added is not None else []
    except ProgramFailed:
        return
    for one in added:
        yield os.path.realpath(os.path.join(works, one))  # noqa: PTH118 (of texts, for realpath)


def _words(pid: int) -> list[str]:
    return [word.decode("utf-8", "replace") for word in command_line(pid) or ()]
