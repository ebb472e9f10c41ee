"""The programs of sessions that persons began by hand: whether what is open in one can go on at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mailcore.dispatch.process.run_processes import own_sessions
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts
from mailcore.programs.registry import programs
from mailcore.programs.session_owner import Owners
from mailcore.system.processes import START_SLACK, started_at


def session_roots(suspects: Iterable[AgentFacts], agents: Iterable[Agent]) -> Mapping[str, int]:
    """Address → PID of the program of that agent's own session in which something is open.

    `suspects`: agents without a lock; `agents`: all, for one may lie within another. A program that began later than
    what is open is another session's. Who is not in the result has none here. One look at all processes.
    """
    begun = {facts.address: max((one.at for one in facts.open), default=0.0) for facts in suspects}
    if not begun:
        return {}
    owners, found = Owners(agents), dict[str, tuple[float, int]]()
    for process, directory in own_sessions(programs()):
        address, at = owners.address(str(directory)), started_at(process)
        if at <= begun.get(address, 0.0) + START_SLACK:
            found[address] = max(found.get(address, (0.0, 0)), (at, process.pid))
    return {address: pid for address, (_, pid) in found.items()}
