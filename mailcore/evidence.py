"""What says who is calling: the router's variables, the run's nonce, the passport, the place, the ancestors.

Each source names what it looked at in `evidence`, whether it found something or not; `identity` weighs them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from mailcore.errors import Refused
from mailcore.model.agent import Agent
from mailcore.system.files import read_bytes
from mailcore.workspace import Workspace, branch_above

RUN_ID, NONCE, AGENT = "MAILCORE_RUN_ID", "MAILCORE_NONCE", "MAILCORE_AGENT"
"""Set by our supervisor for the agent's program and whatever it starts."""

ROUTER_NAMES = ("AIPASS_CALLER_BRANCH", "AIPASS_BRANCH_NAME")
CONTACTS = Path("src/aipass/ai_mail/.ai_mail.local/contacts.json")
"""AIPass's one file of contacts, below its home (contract section 1)."""


def runs_above(workspace: Workspace) -> Iterator[str]:
    """Whose runs started this process, by its ancestors, which clearing the environment does not change.

    Nearest first: what a variable says, which anybody can set, up to the process that holds a branch's lock.
    """
    from mailcore.liveness import SUPERVISES, read_lock
    from mailcore.model.run import Holder
    from mailcore.system.processes import ancestors, environment

    locks = ((agent, read_lock(agent.dispatch_lock)) for agent in workspace.agents)
    holders = {lock.pid: agent.address for agent, lock in locks if lock is not None and lock.holder is Holder.ALIVE}
    marks = tuple(f"{name}=".encode() for name in (RUN_ID, SUPERVISES))
    for pid in ancestors(os.getppid()):
        if pid in holders:
            yield holders[pid]
            return
        for variable in environment(pid) or ():
            if variable.startswith(marks):
                run_id = variable.partition(b"=")[2].decode("utf-8", "replace")
                named = (a.address for a in workspace.agents if "/" not in run_id and (a.runs_dir / run_id).is_dir())
                yield next(named, f"run {run_id}")


def from_run(workspace: Workspace, environment: Mapping[str, str], evidence: list[str]) -> Agent | None:
    """The agent whose lock carries the run id and nonce of the environment. Refused if they are stale or guessed."""
    run_id, nonce, name = (environment.get(key, "") for key in (RUN_ID, NONCE, AGENT))
    if not run_id:
        evidence.append("no run")
        return None
    from mailcore.liveness import read_lock  # 6 ms of a command that most are called without

    agent = workspace.agent(name) if name else None
    lock = read_lock(agent.dispatch_lock) if agent else None
    if agent is None or lock is None or not nonce or (lock.run_id, lock.nonce) != (run_id, nonce):
        raise Refused(
            f"{RUN_ID}={run_id} says {name or 'nobody'}, but no run of that id and nonce holds that lock: the run "
            f"is over, or the variable was inherited. `unset {RUN_ID} {NONCE} {AGENT}`, or say who calls: --from "
            "@operator for a person, --from @agent for an agent.",
            "identity",
        )
    evidence.append(f"run {run_id} of {agent.address}, proved by its nonce")
    return agent


def from_router(workspace: Workspace, environment: Mapping[str, str], evidence: list[str]) -> Agent | None:
    """The agent that AIPass's router names. Refused if neither registry nor contacts know the name."""
    for key in ROUTER_NAMES:
        name = environment.get(key, "")
        if name:
            # The router says the registry's name, which need not be the address (contract 1).
            named = (agent for agent in workspace.agents if agent.name.lower() == name.lower())
            agent = next(named, None) or _from_contacts(workspace, name) or workspace.agent(name)
            evidence.append(f"{key}={name} says {agent.address}")
            return agent
    evidence.append("no name from AIPass")
    return None


def from_passport(workspace: Workspace, directory: Path, evidence: list[str]) -> Agent | None:
    """The agent whose passport is the nearest at or above the directory; None if that is nobody's of this registry."""
    branch = branch_above(directory.resolve())
    if branch is None:
        evidence.append(f"no passport at or above {directory}")
        return None
    for agent in workspace.agents:
        if agent.branch == branch:
            evidence.append(f"the passport in {branch} is {agent.address}'s")
            return agent
    evidence.append(f"the passport in {branch} is in no row of {workspace.registry.name}")
    return None


def _from_contacts(workspace: Workspace, name: str) -> Agent | None:
    """The agent whose mailbox AIPass's contacts give for a name: a cache, that loses to the registry."""
    try:
        contact = json.loads(read_bytes(workspace.root / CONTACTS))["contacts"][name.lstrip("@").lower()]
        inbox = Path(contact["inbox"]).resolve()
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None
    return next((agent for agent in workspace.agents if agent.inbox.resolve() == inbox), None)


def from_path(workspace: Workspace, directory: Path, evidence: list[str]) -> Agent | None:
    """The agent in whose registered branch the directory lies, the innermost if branches nest."""
    place = directory.resolve()
    inside = [agent for agent in workspace.agents if place.is_relative_to(agent.branch)]
    if not inside:
        evidence.append(f"in no branch of {workspace.registry.name}")
        return None
    agent = max(inside, key=lambda found: len(found.branch.parts))
    evidence.append(f"{place} lies in {agent.address}'s branch")
    return agent
