"""Which programs there are: those built in, and those that installed packages offer as entry points of `GROUP`.

A program's module is imported when the program is asked for. Entry points are looked up (25 ms) only for a name that is
not built in, and where every program is wanted.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mailcore.config import AgentConfig, Config
from mailcore.exceptions import ConfigError, UsageError, did_you_mean
from mailcore.programs.base import Hooks, Program, ProgramFailed
from mailcore.programs.guarded import CheckedProgram

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "mailcore.programs"
"""The group of entry points: name = class or function, which called without arguments gives the `Program`."""

BUILT_IN = {
    "claude": "mailcore.programs.claude.program:Claude",
    "codex": "mailcore.programs.codex.program:Codex",
    "gemini": "mailcore.programs.gemini.program:Gemini",
    "command": "mailcore.programs.command:Command",
}
"""Where no program is configured the first of them that is on PATH is taken."""


class UnknownProgram(UsageError):
    """There is no program of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no program {name!r}; {_known(name)}", "no_program")


@cache
def program(name: str) -> Program:
    """The program of that name. UnknownProgram if there is none, ProgramFailed if it cannot be loaded."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return CheckedProgram(name, getattr(import_module(module), attribute)())
    point = _entry_points().get(name)
    if point is None:
        raise UnknownProgram(name)
    try:
        made: Program = point.load()()
    except (Exception, SystemExit) as error:
        raise ProgramFailed(
            f"program {name} ({point.value}) cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    return CheckedProgram(name, made)


def find_program(name: str) -> Program | None:
    """The program of that name; None if there is none that can be loaded."""
    try:
        return program(name)
    except (UnknownProgram, ProgramFailed):
        return None


def program_names() -> tuple[str, ...]:
    """The names of every program, the built-in ones first."""
    return (*BUILT_IN, *sorted(_entry_points().keys() - BUILT_IN.keys()))


def built_in() -> tuple[Program, ...]:
    """The built-in programs, in their order."""
    return tuple(map(program, BUILT_IN))


def programs() -> tuple[Program, ...]:
    """Every program that can be loaded."""
    return tuple(found for name in program_names() if (found := find_program(name)) is not None)


def used_programs(config: Config) -> tuple[Program, ...]:
    """The built-in programs, and those besides that the config names."""
    settings = (config.default_agent, *config.agents.values())
    others = sorted({one.program for one in settings} - BUILT_IN.keys() - {""})
    return (*built_in(), *(found for name in others if (found := find_program(name)) is not None))


def bypasses(settings: AgentConfig) -> bool:
    """True if an agent of this config asks for no permissions; without a program, if one that it may be does not."""
    kinds = [find_program(settings.program)] if settings.program else built_in()
    try:
        return any(kind is not None and kind.bypasses(settings) for kind in kinds)
    except ProgramFailed:
        return False


def hooks_of(name: str) -> Hooks | None:
    """Where the program of that name reads its hooks; None if it has none.

    A command may start any program, and what is no known program may be any: they are taken for the first that has
    hooks.
    """
    found = find_program(name) if name else None
    if found is not None and found.executables:
        return found.hooks
    return next(one.hooks for one in map(program, BUILT_IN) if one.hooks is not None)


def checked_config(config: Config, path: Path) -> Config:
    """The config, as read from `path`. ConfigError if it names a program that there is not, or that has no accounts."""
    if found := config_faults(config):
        raise ConfigError(f"{path}: {found[0]}")
    return config


def config_faults(config: Config) -> list[str]:
    """Where a config names a program that there is not, each in words: section, key, value, and what there is.

    So it does where an account names one that has no directory for each account, and where an agent's account has none
    of its program.
    """
    agents = {"agents": config.default_agent, **{f"agents.{name}": one for name, one in config.agents.items()}}
    return [
        *(
            f"[{section}] program = {one.program!r} is no program; {_known(one.program)}"
            for section, one in agents.items()
            if one.program and not _is_program(one.program)
        ),
        *(
            f"[accounts.{account}] {name} is no program; {_known(name)}"
            if not _is_program(name)
            else f"[accounts.{account}] {name} has no directory for each account: take it out"
            for account, homes in config.accounts.items()
            for name in homes
            if not has_home(name)
        ),
        *(
            f"[{section}] account = {one.account!r} has no directory of {one.program}; "
            f'add one to [accounts.{one.account}], or say account = ""'
            for section, one in agents.items()
            if one.account and has_home(one.program) and one.program not in config.accounts[one.account]
        ),
    ]


def has_home(name: str) -> bool:
    """True of a program that has a directory for each account."""
    found = find_program(name) if name else None
    return found is not None and found.home is not None


def keeps_sessions(name: str) -> bool:
    """False of a program that is known to write no session files, in which its use would stand."""
    return not name or find_program(name) is None or has_home(name)


def _is_program(name: str) -> bool:
    return name in BUILT_IN or name in _entry_points()


def _known(name: str) -> str:
    *most, last = program_names()
    return f"there are {', '.join(most)} and {last}{did_you_mean(name, program_names())}"


@cache
def _entry_points() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=GROUP)}
