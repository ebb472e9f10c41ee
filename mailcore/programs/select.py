"""Which program an agent is: as configured for it or for every agent, else the first of claude and codex on PATH."""

from __future__ import annotations

import shutil

from mailcore.config import Config
from mailcore.errors import Refused, UsageError, did_you_mean
from mailcore.model.agent import Agent
from mailcore.programs.base import Program

PROGRAMS = ("claude", "codex", "command")


def select(agent: Agent, config: Config, path: str | None = None, wanted: str = "") -> Program:
    """The program for `agent`; Refused, saying what to set, where there is none. `path` is a PATH to look in.

    `wanted` names another than the configured one.
    """
    if wanted not in ("", *PROGRAMS):
        raise UsageError(f"no program {wanted!r}; there are {', '.join(PROGRAMS)}")
    chosen = wanted or config.agent(agent.address).program
    if chosen not in ("", *PROGRAMS):
        there = f"; there are {', '.join(PROGRAMS)}{did_you_mean(chosen, PROGRAMS)}"
        raise Refused(f"{agent.address} is a {chosen} agent, and mailcore knows no such program{there}", "no_program")
    if chosen == "command" and not config.agent(agent.address).command:
        raise Refused(f"{_section(agent)} has no command, nor has [agents]", "no_program")
    if not chosen:
        chosen = next((name for name in ("claude", "codex") if shutil.which(name, path=path)), "")
    elif chosen != "command" and not shutil.which(chosen, path=path):
        raise Refused(f"{agent.address} is a {chosen} agent, and {chosen} is not on PATH", "no_program")
    if not chosen:
        raise Refused(
            f"no program for {agent.address}: neither claude nor codex is on PATH. Set one in "
            ".praxmonitor/config.toml, for every agent under [agents], or for this one under its own name, like:\n"
            f'{_section(agent)}\nprogram = "command"\n'
            'command = ["python3", "agent.py", "{prompt}"]',
            "no_program",
        )
    return program(chosen)


def _section(agent: Agent) -> str:
    """Its table in config.toml; a name with a dot has to be quoted there."""
    name = agent.address[1:]
    return f"[agents.{name}]" if "." not in name else f'[agents."{name}"]'


def program(name: str) -> Program:
    """The program of that name."""
    if name == "claude":
        from mailcore.programs.claude import Claude

        return Claude()
    if name == "codex":
        from mailcore.programs.codex import Codex

        return Codex()
    from mailcore.programs.command import Command

    return Command()
