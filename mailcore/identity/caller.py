"""Who is calling. Wrong identity is worse than silence: evidence is checked, conflicts refused, nothing invented.

The chain, in order: the run whose supervisor is above, beside which no other name is taken; the key that a client of
the MCP server presents; a declared `--from`, recorded as such; a name set by AIPass's router (contract section 3),
which the registry or else the contacts must know; the passport found walking up from the working directory; the
registered branch that the directory lies in; a person's own terminal with no sign of an agent about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mailcore.exceptions import Refused
from mailcore.identity.ancestry import Ancestry, walk_ancestors
from mailcore.identity.evidence import from_passport, from_path, from_router, from_run
from mailcore.model.agent import WATCHER, Agent
from mailcore.workspace.find import Workspace, branch_above
from mailcore.workspace.registry import normal_address
from mailcore.workspace.variables import ROUTER_NAMES, RUN_ID

if TYPE_CHECKING:
    from mailcore.identity.client_keys import ClientKey


class Identity(NamedTuple):
    """The caller, and what says so."""

    agent: Agent
    how: str
    """`declared`, `run`, `key`, `router`, `passport`, `path`, `terminal` or `host NAME`."""
    evidence: tuple[str, ...]
    """Every step that was looked at, in words."""
    run_id: str = ""
    """The run that the caller belongs to."""
    ancestry: Ancestry = Ancestry()

    @property
    def address(self) -> str:
        """`@writer`."""
        return self.agent.address


def identify(
    workspace: Workspace,
    environment: Mapping[str, str],
    directory: Path,
    declared: str | None = None,
    no_person: Callable[[Ancestry], str] | None = None,
    key: ClientKey | None = None,
) -> Identity:
    """The caller's identity. Refused (code `identity`), naming the evidence, when there is none or it conflicts.

    `no_person` says why no person can be assumed here, or nothing if one can; without it none is. `key`: the one that
    the caller presents, proved.
    """
    evidence: list[str] = []
    ancestry = walk_ancestors(workspace)
    try:
        run = from_run(workspace, environment, evidence, ancestry)
    except Refused as error:
        # Variables of a run that is over keep no person from saying who calls.
        if declared is None or ancestry.run is not None:
            raise
        run = None
        evidence.append(str(error))
    if run is not None:
        return _of_a_run(workspace, environment, declared or (key.agent if key else None), evidence, ancestry, run)
    if key is not None:
        owner = workspace.agent(key.agent)
        evidence.append(f"key {key.id}, which the operator issued for {owner.address}")
        named = any(environment.get(name) for name in ROUTER_NAMES)
        _same(evidence, owner, from_router(workspace, environment, evidence) if named else None)
        return Identity(owner, "key", tuple(evidence), ancestry=ancestry)
    if declared is not None:
        agent = workspace.agent(declared)
        if agent.address == WATCHER:
            raise Refused(f"{WATCHER} is nobody who calls: it is PraxMonitor's own", "identity")
        evidence.append(f"--from declares {agent.address}")
        return Identity(agent, "declared", tuple(evidence), ancestry=ancestry)
    router = from_router(workspace, environment, evidence)
    passport = from_passport(workspace, directory, evidence)
    # A passport that no row knows is somebody else's: the place around it proves nothing then.
    foreign = passport is None and branch_above(directory.resolve()) is not None
    path = None if foreign else from_path(workspace, directory, evidence)
    _same(evidence, router, passport, path)
    for found, how in ((router, "router"), (passport, "passport"), (path, "path")):
        if found is not None:
            return Identity(found, how, tuple(evidence), ancestry=ancestry)
    why = "an agent's directory is no place to take a person for granted"
    if no_person is not None and not foreign and not (why := no_person(ancestry)):
        evidence.append("a terminal, and no sign of an agent in environment, ancestors or session")
        return Identity(workspace.operator, "terminal", tuple(evidence), ancestry=ancestry)
    evidence += [why] if no_person is not None else []
    raise Refused(
        f"nothing says who calls: {'; '.join(evidence)}. An agent calls from its own directory, a person at a terminal "
        "of their own outside of the agents' directories.",
        "identity",
    )


def _of_a_run(
    workspace: Workspace,
    environment: Mapping[str, str],
    declared: str | None,
    evidence: list[str],
    ancestry: Ancestry,
    run: tuple[Agent, str],
) -> Identity:
    """The agent of that run, and nobody else."""
    agent, run_id = run
    if declared is not None and normal_address(declared) != agent.address:
        workspace.agent(declared)
        raise Refused(
            f"{evidence[-1]}: within it the caller is {agent.address}, and no other name is taken", "identity"
        )
    _same(evidence, agent, from_router(workspace, environment, evidence))
    return Identity(agent, "run", tuple(evidence), run_id, ancestry)


def _same(evidence: list[str], *found: Agent | None) -> None:
    """Refused, naming both sides, if the evidence speaks of more than one agent."""
    if len({agent.address for agent in found if agent is not None}) > 1:
        raise Refused(f"two identities: {'; '.join(evidence)}", "identity")


def operator_of(workspace: Workspace, host: str) -> Identity:
    """The operator of another host, as this one's: whoever calls this has the proof."""
    return Identity(workspace.operator, f"host {host}", (f"signed by the operator of the linked host {host}",))


def is_outside(workspace: Workspace, environment: Mapping[str, str], directory: Path) -> bool:
    """True if nothing says that an agent is calling: a person's shell, outside every branch and every run."""
    if any(environment.get(name) for name in (RUN_ID, *ROUTER_NAMES)):
        return False
    if (from_passport(workspace, directory, []) or from_path(workspace, directory, [])) is not None:
        return False
    ancestry = walk_ancestors(workspace)
    return not ancestry.runs and not ancestry.doubt
