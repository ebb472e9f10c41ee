"""What says who is calling: the run's nonce, the router's variables, the passport, the place.

Each source names what it looked at in `evidence`, whether it found something or not; `caller` weighs them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from mailcore.exceptions import Refused
from mailcore.formats.digest import digest
from mailcore.identity.ancestry import Ancestry
from mailcore.model.agent import Agent
from mailcore.system import PORTABLE
from mailcore.system.safe_open import read_bytes
from mailcore.workspace.find import Workspace, branch_above
from mailcore.workspace.registry import normal_address
from mailcore.workspace.variables import AGENT, ASSIGNED, CALLER, CALLER_CWD, NONCE, RUN_ID, SOURCE

KNOWN_SOURCES = ("assigned", "passport")
"""The router's own evidence that its caller is an agent; `project` is none."""
CONTACTS = Path("src/aipass/ai_mail/.ai_mail.local/contacts.json")
"""AIPass's one file of contacts, below its home (contract section 1)."""


def from_run(
    workspace: Workspace, environment: Mapping[str, str], evidence: list[str], ancestry: Ancestry
) -> tuple[Agent, str] | None:
    """The agent and the run that the caller belongs to. Refused if what the environment says of it cannot be.

    The supervisor above proves it. The nonce alone does where what is above cannot be seen, as from within a sandbox:
    who read it out of another's environment is not below that one's supervisor.
    """
    above = ancestry.run
    run_id, nonce, name = (environment.get(key, "") for key in (RUN_ID, NONCE, AGENT))
    if above is not None and above.agent is not None:
        evidence.append(
            f"its supervisor (PID {above.pid}) is above: run {above.run_id or 'by AIPass'} of {above.words}"
        )
        address = normal_address(name) if run_id and name else ""
        if address not in ("", above.agent.address) or (run_id and above.run_id not in ("", run_id)):
            raise Refused(f"two identities: {evidence[-1]}; {RUN_ID}={run_id} of {address or 'nobody'}", "identity")
        return above.agent, above.run_id
    if not run_id:
        evidence.append("no run")
        return None
    from mailcore.workspace.lock_reader import read_lock, sandboxed  # 6 ms of a command that most are called without

    agent = workspace.agent(name) if name else None
    lock = read_lock(agent.dispatch_lock) if agent else None
    if agent is None or lock is None or not nonce or (lock.run_id, lock.nonce) != (run_id, digest(nonce.encode())):
        raise Refused(
            f"{RUN_ID}={run_id} says {name or 'nobody'}, but no run of that id and nonce holds that lock: the run is "
            f"over, or the variables were inherited. Rid of them with `unset {RUN_ID} {NONCE} {AGENT}`.",
            "identity",
        )
    hidden = ancestry.doubt or ("the backend sees no adopted processes" if PORTABLE else "")
    if not sandboxed() and not hidden and not {lock.pid, lock.sentinel} & {os.getpid(), *ancestry.pids}:
        raise Refused(
            f"the nonce of run {run_id} of {agent.address} is right, but its supervisor (PID {lock.pid}) is not above "
            "this process: it was read out of another one.",
            "identity",
        )
    evidence.append(f"run {run_id} of {agent.address}, proved by its nonce")
    return agent, run_id


def from_router(workspace: Workspace, environment: Mapping[str, str], evidence: list[str]) -> Agent | None:
    """The agent that AIPass's router names. Refused if neither registry nor contacts know the name.

    Behind the router its caller counts, not the branch that it assigned to what it called. It names no person; one
    who calls from outside every branch, or whom only the project's name stands for, is nobody.
    """
    name, cwd, source = (environment.get(key, "") for key in (CALLER, CALLER_CWD, SOURCE))
    if (name or cwd) and source not in KNOWN_SOURCES and (source or (cwd and branch_above(Path(cwd)) is None)):
        raise Refused(
            f"AIPass's router knows no agent that calls: {SOURCE}={source or 'nothing'}, {CALLER_CWD}="
            f"{cwd or 'nothing'}",
            "identity",
        )
    if cwd and not name:
        return from_passport(workspace, Path(cwd), evidence)
    key = CALLER if name else ASSIGNED
    name = name or environment.get(ASSIGNED, "")
    if not name:
        evidence.append("no name from AIPass")
        return None
    # The router says the registry's name, which need not be the address (contract 1).
    named = (agent for agent in workspace.agents if agent.name.lower() == name.lower())
    agent = next(named, None) or _from_contacts(workspace, name) or workspace.agent(name)
    if agent.is_reserved:
        raise Refused(f"{key}={name}: no variable stands for a person", "identity")
    evidence.append(f"{key}={name} says {agent.address}")
    if cwd and key == CALLER and source != "assigned":
        there = from_passport(workspace, Path(cwd), evidence)
        if there is not None and there.address != agent.address:
            raise Refused(f"two identities: {'; '.join(evidence)}", "identity")
    return agent


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
