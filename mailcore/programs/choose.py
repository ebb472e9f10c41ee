"""Which program an agent is: as configured for it or for every agent, else the first built-in one on PATH."""

from __future__ import annotations

from mailcore.config import Config
from mailcore.exceptions import Refused
from mailcore.model.agent import Agent
from mailcore.programs.base import Program
from mailcore.programs.registry import BUILT_IN, UnknownProgram, find_program, program


def select(agent: Agent, config: Config, path: str | None = None, wanted: str = "") -> Program:
    """The program for `agent`; Refused, saying what to set, where there is none. `path` is a PATH to look in.

    `wanted` names another than the configured one; UnknownProgram if there is none of that name.
    """
    settings = config.agent(agent.address)
    name = wanted or settings.program
    if not name:
        return _first(agent, path)
    try:
        chosen = program(name)
    except UnknownProgram as error:
        if wanted:
            raise
        raise Refused(f"{agent.address} cannot be started: {error}", "no_program") from error
    if not chosen.executables and not settings.command:
        raise Refused(f"{_section(agent)} has no command, nor has [agents]", "no_program")
    if chosen.executables and not _on_path(chosen, path):
        missing = " or ".join(chosen.executables)
        raise Refused(f"{agent.address} is a {name} agent, and {missing} is not on PATH", "no_program")
    return chosen


def is_installed(name: str, path: str | None = None) -> bool:
    """True of a program whose command is on PATH (`path`: another one); one that is any command is not."""
    kind = find_program(name)
    return kind is not None and _on_path(kind, path)


def _first(agent: Agent, path: str | None) -> Program:
    missing: list[str] = []
    for one in map(program, BUILT_IN):
        if _on_path(one, path):
            return one
        missing += one.executables
    raise Refused(
        f"no program for {agent.address}: none of {', '.join(missing)} is on PATH. Set one in "
        ".praxmonitor/config.toml, for every agent under [agents], or for this one under its own name, like:\n"
        f'{_section(agent)}\nprogram = "command"\n'
        'command = ["python3", "agent.py", "{prompt}"]',
        "no_program",
    )


def _on_path(kind: Program, path: str | None) -> bool:
    import shutil

    return any(shutil.which(name, path=path) for name in kind.executables)


def _section(agent: Agent) -> str:
    """Its table in config.toml; a name with a dot has to be quoted there."""
    name = agent.address[1:]
    return f"[agents.{name}]" if "." not in name else f'[agents."{name}"]'
