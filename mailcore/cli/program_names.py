"""How the programs of agents are known among a caller's ancestors, plug-ins among them."""

from __future__ import annotations

from mailcore.identity.operator import AgentSigns
from mailcore.programs.registry import programs


def agent_signs() -> AgentSigns:
    """Their variables, and what a process of theirs looks like."""
    known = list(programs())

    def is_agent(name: str, words: list[str]) -> bool:
        for one in known:
            kind = one.interactive
            if kind is not None and name in kind.names and (name in one.executables or kind.is_session(words)):
                return True
        return False

    return AgentSigns(frozenset().union(*(one.variables for one in known)), is_agent)
