"""The starts that wait although nothing prevents them. There are none for longer than a moment; tests check it here."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.config import Config
from mailcore.dispatch.admission.hindrances import busy_hindrance, find_hindrance, is_limited, limit_hindrance, precheck
from mailcore.dispatch.queueing import queue
from mailcore.workspace.find import Workspace


def startable_entries(workspace: Workspace, config: Config) -> Iterator[queue.WaitingStart]:
    """The starts that could begin at this moment, the next of each agent."""
    for agent in workspace.agents:
        first, _ = queue.next_start(agent)
        if first is None or busy_hindrance(agent) is not None or not agent.branch.is_dir():
            continue
        found = find_hindrance(workspace, agent, first, precheck(workspace, config, agent, first))
        program = str(first.get("program", ""))
        if found is None and is_limited(config, program):
            found = limit_hindrance(workspace, config, program)
        if found is None or found.code in ("breaker", "unseen"):
            yield queue.waiting_starts(agent)[0]
