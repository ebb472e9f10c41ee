"""`doctor`'s look at what connects an agent's sessions with its mail: hooks, plugin, MCP server, what waits beside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mailcore.cli.doctor_checks import Check
from mailcore.hooks.install import hook_state, settings_file
from mailcore.mail.bell import LOCK_SUFFIX, WAITING
from mailcore.model.agent import Agent
from mailcore.programs.base import Hooks, ProgramParts
from mailcore.system.locks import is_locked
from mailcore.text import counted, line
from mailcore.text.units import date_and_time


def part_checks(agent: Agent, place: Hooks | None, home: Path | None) -> Iterator[Check]:
    """Which parts are there, and where that is said. `home`: the directory of its account; None: not known."""
    if place is None:
        yield Check(agent.address, True, "hooks none: its program runs none")
        return
    found = place.parts(home, agent.branch) if place.parts is not None and home is not None else ProgramParts()
    yield _hooks(agent, place, found)
    servers = [*found.servers, *(["the plugin"] if found.plugin else [])]
    named = f"named by {', '.join(servers)}" if servers else "named by no settings that are known"
    yield Check(agent.address, True, f"MCP server {named}")
    if sessions := waiting_sessions(agent):
        names = ", ".join(line(one, 40) for one in sessions)
        yield Check(
            agent.address, True, f"{counted(len(sessions), 'session')} wait for mail, and can be woken: {names}"
        )


def waiting_sessions(agent: Agent) -> list[str]:
    """The idle sessions beside which something sleeps until mail comes."""
    return sorted(
        path.name.removesuffix(LOCK_SUFFIX)
        for path in (agent.mail_dir / WAITING).glob(f"*{LOCK_SUFFIX}")
        if is_locked(path)
    )


def _hooks(agent: Agent, place: Hooks, parts: ProgramParts) -> Check:
    hooks = hook_state(agent, place)
    events = f"no events yet ({agent.hooks_log})"
    if agent.hooks_log.exists():
        events = f"events are written, the last {date_and_time(agent.hooks_log.stat().st_mtime)}"
    if hooks.state == "none" and parts.plugin:
        return Check(agent.address, True, f"hooks by the plugin ({parts.plugin}): {events}")
    where = f" ({settings_file(agent, place)})" if hooks.state == "installed" else ""
    beside = "; the plugin is there too, and leaves it to them" if parts.plugin and hooks.at_work else ""
    found = f"hooks {hooks.state}{where}: {hooks.why or events}{beside}"
    if hooks.state == "broken":
        return Check(agent.address, False, found, "mend that file; the agent's program cannot read it either")
    if hooks.state == "outdated":
        return Check(agent.address, False, found, f"mailcore hooks install {agent.address}")
    return Check(agent.address, True, found)
