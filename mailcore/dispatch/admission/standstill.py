"""What waits though nothing hinders it: there is never any for longer than a moment, and this says whether it is so."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.config import Config
from mailcore.dispatch.admission.hindrances import busy, hindrance, limit, limited, outlook
from mailcore.dispatch.queueing import queue
from mailcore.workspace.find import Workspace


def standing_still(workspace: Workspace, config: Config) -> Iterator[queue.Waiting]:
    """The starts that could begin at this moment, the next of each agent."""
    for agent in workspace.agents:
        first, _ = queue.peek(agent)
        if first is None or busy(agent) is not None or not agent.branch.is_dir():
            continue
        found = hindrance(workspace, agent, first, outlook(workspace, config, agent, first))
        program = str(first.get("program", ""))
        if found is None and limited(config, program):
            found = limit(workspace, config, program)
        if found is None or found.code in ("breaker", "unseen"):
            yield queue.waiting_for(agent)[0]
