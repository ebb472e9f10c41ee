"""Who is calling. Wrong identity is worse than silence: evidence is checked, conflicts refused, nothing invented.

The chain, in order: a declared `--from`; the run that the supervisor started, proved by its nonce; a name set by
AIPass's router (contract section 3); the passport found walking up from the working directory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mailcore.errors import Refused
from mailcore.model.agent import Agent
from mailcore.workspace import Workspace, branch_above

RUN_ID, NONCE, AGENT = "MAILCORE_RUN_ID", "MAILCORE_NONCE", "MAILCORE_AGENT"
"""Set by our supervisor for the agent's program and whatever it starts."""

SUPERVISES = "MAILCORE_SUPERVISES"
"""In a supervisor's own environment: the run it owns."""

ROUTER_NAMES = ("AIPASS_CALLER_BRANCH", "AIPASS_BRANCH_NAME")


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller, and what says so."""

    agent: Agent
    how: str
    """`declared`, `run`, `router` or `passport`."""
    evidence: tuple[str, ...]
    """Every step that was looked at, in words."""
    run_id: str = ""
    """The run that the caller belongs to, if its nonce proved it."""

    @property
    def address(self) -> str:
        """`@writer`."""
        return self.agent.address


def identify(
    workspace: Workspace, environment: Mapping[str, str], directory: Path, declared: str | None = None
) -> Identity:
    """The caller's identity. Refused (code `identity`), naming the evidence, when there is none or it conflicts."""
    evidence: list[str] = []
    try:
        run = _from_run(workspace, environment, evidence)
    except Refused as error:
        if declared is None:
            raise
        run = None
        evidence.append(str(error))
    if declared is not None:
        agent = workspace.agent(declared)
        evidence.append(f"--from declares {agent.address}")
        return Identity(agent, "declared", tuple(evidence), environment.get(RUN_ID, "") if run else "")
    if run is not None:
        return Identity(run, "run", tuple(evidence), environment[RUN_ID])
    router = _from_router(workspace, environment, evidence)
    passport = _from_passport(workspace, directory, evidence)
    if router and passport and router.address != passport.address:
        raise Refused(f"two identities: {'; '.join(evidence)}. Say which with --from.", "identity")
    agent_found = router or passport
    if agent_found is None:
        raise Refused(
            f"who is calling? {'; '.join(evidence)}. Run it inside an agent's directory, "
            "or say --from @agent (--from @operator for a person).",
            "identity",
        )
    return Identity(agent_found, "router" if router else "passport", tuple(evidence))


def person_or(
    workspace: Workspace, identity: Identity, environment: Mapping[str, str], directory: Path, entitled: str
) -> None:
    """Refused unless the caller is `entitled` and nothing says that it is another: for acts that no agent may fake.

    Declaring `--from` proves nothing here. Whoever runs inside another agent's run (by variable, or by any ancestor
    process, which clearing the environment does not change) or in another agent's branch is that agent.
    """
    if identity.address != entitled:
        raise Refused(f"only {entitled} can do this, and the caller is {identity.address}", "identity")
    evidence: list[str] = []
    actual = _from_run(workspace, environment, evidence) or _from_passport(workspace, directory, evidence)
    if actual is not None and actual.address != entitled:
        raise Refused(f"only {entitled} can do this, and {evidence[-1]}", "identity")
    for whose in _runs_above(workspace):
        if whose != entitled:
            raise Refused(f"only {entitled} can do this, and the caller was started by {whose}", "identity")


def outside(workspace: Workspace, environment: Mapping[str, str], directory: Path) -> bool:
    """True if nothing says that an agent is calling: a person's shell, outside every branch and every run."""
    if any(environment.get(name) for name in (RUN_ID, *ROUTER_NAMES)):
        return False
    return _from_passport(workspace, directory, []) is None and not any(_runs_above(workspace))


def _runs_above(workspace: Workspace) -> Iterator[str]:
    """Whose runs started this process, by its ancestors, which clearing the environment does not change.

    Nearest first: what a variable says, which anybody can set, up to the process that holds a branch's lock.
    """
    from mailcore.liveness import read_lock
    from mailcore.model.run import Holder

    locks = ((agent, read_lock(agent.dispatch_lock)) for agent in workspace.agents)
    holders = {lock.pid: agent.address for agent, lock in locks if lock is not None and lock.holder is Holder.ALIVE}
    marks = tuple(f"{name}=".encode() for name in (RUN_ID, SUPERVISES))
    for pid in _ancestors():
        if pid in holders:
            yield holders[pid]
            return
        for variable in _environ(pid):
            if variable.startswith(marks):
                run_id = variable.partition(b"=")[2].decode("utf-8", "replace")
                named = (a.address for a in workspace.agents if "/" not in run_id and (a.runs_dir / run_id).is_dir())
                yield next(named, f"run {run_id}")


def _ancestors() -> list[int]:
    """The processes above this one, nearest first. One that ends while we look hands its children up: look again."""
    before: list[int] | None = None
    while True:
        found: list[int] = []
        pid = os.getppid()
        try:
            while pid > 1:
                found.append(pid)
                stat = Path(f"/proc/{pid}/stat").read_bytes()
                pid = int(stat[stat.rfind(b")") + 2 :].split()[1])
        except OSError:  # gone, or another user's and hidden from us: then it is so the second time too
            if found != before:
                before = found
                continue
        return found


def _environ(pid: int) -> list[bytes]:
    """The variables of a process; none where they cannot be read."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _from_run(workspace: Workspace, environment: Mapping[str, str], evidence: list[str]) -> Agent | None:
    run_id, nonce, name = (environment.get(key, "") for key in (RUN_ID, NONCE, AGENT))
    if not run_id:
        evidence.append(f"{RUN_ID} is not set")
        return None
    from mailcore.liveness import read_lock  # 6 ms of a command that most are called without

    agent = workspace.agent(name) if name else None
    lock = read_lock(agent.dispatch_lock) if agent else None
    if agent is None or lock is None or not nonce or (lock.run_id, lock.nonce) != (run_id, nonce):
        raise Refused(
            f"{RUN_ID}={run_id} says {name or 'nobody'}, but {name or 'no'} run of that id and nonce holds a lock: "
            "the run is over, or the variable was inherited. Unset it or say --from.",
            "identity",
        )
    evidence.append(f"run {run_id} of {agent.address}, proved by its nonce")
    return agent


def _from_router(workspace: Workspace, environment: Mapping[str, str], evidence: list[str]) -> Agent | None:
    for key in ROUTER_NAMES:
        name = environment.get(key, "")
        if name:
            # The router says the registry's name, which need not be the address (contract 1).
            named = (agent for agent in workspace.agents if agent.name.lower() == name.lower())
            agent = next(named, None) or workspace.agent(name)
            evidence.append(f"{key}={name} says {agent.address}")
            return agent
    evidence.append("no router variable is set")
    return None


def _from_passport(workspace: Workspace, directory: Path, evidence: list[str]) -> Agent | None:
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
