"""Who is calling. Wrong identity is worse than silence: evidence is checked, conflicts refused, nothing invented.

The chain, in order: a declared `--from`, recorded as such; the run that the supervisor started, proved by its nonce; a
name set by AIPass's router (contract section 3), which the registry or else the contacts must know; the passport found
walking up from the working directory; the registered branch that the directory lies in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailcore.errors import Refused
from mailcore.evidence import ROUTER_NAMES, RUN_ID, from_passport, from_path, from_router, from_run, runs_above
from mailcore.model.agent import OPERATOR, Agent
from mailcore.workspace import Workspace, branch_above

LONGEST_WORD = 80
"""Characters of a word that the advice repeats: a whole body is not worth it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller, and what says so."""

    agent: Agent
    how: str
    """`declared`, `run`, `router`, `passport` or `path`."""
    evidence: tuple[str, ...]
    """Every step that was looked at, in words."""
    run_id: str = ""
    """The run that the caller belongs to, if its nonce proved it."""

    @property
    def address(self) -> str:
        """`@writer`."""
        return self.agent.address


def identify(
    workspace: Workspace,
    environment: Mapping[str, str],
    directory: Path,
    declared: str | None = None,
    command: Sequence[str] = ("VERB",),
) -> Identity:
    """The caller's identity. Refused (code `identity`), naming the evidence, when there is none or it conflicts.

    `command`: the words after `mailcore`, the verb first, for the advice.
    """
    evidence: list[str] = []
    try:
        run = from_run(workspace, environment, evidence)
    except Refused as error:
        if declared is None:
            raise
        run = None
        evidence.append(str(error))
    if declared is not None:
        agent = workspace.agent(declared)
        evidence.append(f"--from declares {agent.address}")
        return Identity(agent, "declared", tuple(evidence), environment.get(RUN_ID, "") if run else "")
    router = from_router(workspace, environment, evidence)
    if run is not None:
        _same(evidence, run, router)
        return Identity(run, "run", tuple(evidence), environment[RUN_ID])
    passport = from_passport(workspace, directory, evidence)
    # A passport that no row knows is somebody else's: the place around it proves nothing then.
    stranger = passport is None and branch_above(directory.resolve()) is not None
    path = None if stranger else from_path(workspace, directory, evidence)
    _same(evidence, router, passport, path)
    for found, how in ((router, "router"), (passport, "passport"), (path, "path")):
        if found is not None:
            return Identity(found, how, tuple(evidence))
    raise Refused(
        f"say who you are: {_declaring(command)}\n"
        f"(an agent calls from its own directory, or says --from and its address; here: {'; '.join(evidence)})",
        "identity",
    )


def _declaring(command: Sequence[str]) -> str:
    """The command with `--from @operator`, to be typed; what is long or has several lines stands as `…`."""
    from shlex import join

    verb, *words = (word if len(word) <= LONGEST_WORD and word.isprintable() else "…" for word in command)
    return join(["mailcore", verb, "--from", OPERATOR, *words])


def _same(evidence: list[str], *found: Agent | None) -> None:
    """Refused, naming both sides, if the evidence speaks of more than one agent."""
    if len({agent.address for agent in found if agent is not None}) > 1:
        raise Refused(f"two identities: {'; '.join(evidence)}. Say which with --from @agent.", "identity")


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
    actual = from_run(workspace, environment, evidence) or from_passport(workspace, directory, evidence)
    if actual is not None and actual.address != entitled:
        raise Refused(f"only {entitled} can do this, and {evidence[-1]}", "identity")
    for whose in runs_above(workspace):
        if whose != entitled:
            raise Refused(f"only {entitled} can do this, and the caller was started by {whose}", "identity")


def outside(workspace: Workspace, environment: Mapping[str, str], directory: Path) -> bool:
    """True if nothing says that an agent is calling: a person's shell, outside every branch and every run."""
    if any(environment.get(name) for name in (RUN_ID, *ROUTER_NAMES)):
        return False
    place = from_passport(workspace, directory, []) or from_path(workspace, directory, [])
    return place is None and not any(runs_above(workspace))
