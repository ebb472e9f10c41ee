"""Find a workspace: a directory with a registry, which lists its agents.

Where a command looks: in the directory that it is given, else in the workspace that `MAILCORE_ROOT` names, which a
run hands to its program, else at and above the working directory. So neither `cd` nor a nested registry leads a run's
agent elsewhere.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mailcore.exceptions import NoWorkspace, Refused, UsageError, did_you_mean
from mailcore.model.agent import OPERATOR, WATCHER, Agent
from mailcore.system.safe_open import own_directory
from mailcore.text.known import learn_addresses
from mailcore.workspace import registry as registries
from mailcore.workspace.registry import normal_address
from mailcore.workspace.worktree import counterpart

ROOT = "MAILCORE_ROOT"
"""The variable that names a workspace's root: whatever the working directory, that workspace is meant."""

MEMBERSHIP = ".praxmonitor/link/membership.json"
"""Below the root: the workspace belongs to a link."""
BETWEEN_READS = 0.02
"""Seconds between two readings of a registry that another program writes at this moment."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project directory and the agents that its registry lists."""

    root: Path
    registry: Path
    agents: tuple[Agent, ...]
    """In registry order, the operator not among them."""
    refused: tuple[str, ...] = ()
    """Rows that were not taken, each with its reason."""
    notes: tuple[str, ...] = ()
    """What else is to be said of its registry: it is gone and its copy is read; another tool's was passed over."""

    @property
    def state_dir(self) -> Path:
        """What PraxMonitor keeps for itself in this workspace."""
        return self.root / ".praxmonitor"

    @property
    def config_file(self) -> Path:
        """Its settings; may be missing."""
        return self.state_dir / "config.toml"

    @property
    def aipass_dir(self) -> Path:
        """AIPass's register, reports and feed."""
        return self.root / ".aipass"

    @property
    def operator(self) -> Agent:
        """The reserved entry for the person at the screen."""
        return Agent(OPERATOR, "OPERATOR", self.state_dir / "operator", "the person at the screen", self.root)

    @property
    def watcher(self) -> Agent:
        """The reserved entry for what mails agents about repeated errors."""
        return Agent(WATCHER, "ERROR WATCHER", self.state_dir / "error-watcher", "watches errors", self.root)

    def agent(self, address: str) -> Agent:
        """The agent of that address (`@Writer`, `writer`: `@writer`); Refused, naming the known ones, if none."""
        wanted = normal_address(address)
        if wanted in (OPERATOR, WATCHER):
            return self.operator if wanted == OPERATOR else self.watcher
        for agent in self.agents:
            if agent.address == wanted:
                return agent
        known = [agent.address for agent in self.agents]
        hint = did_you_mean(wanted, known) or f"; known: {' '.join(known) or 'none'}"
        raise Refused(f"no agent {wanted} in {self.registry.name}{hint}", "unknown_agent")

    def place_of(self, directory: Path) -> Path:
        """Where somebody who stands in a directory stands, as to who it is.

        In a linked git worktree that is an agent's, it is that agent's directory, whatever passports git copied there;
        in another worktree of the workspace, the same place in the workspace itself.
        """
        around = [agent for agent in self.agents if directory.is_relative_to(agent.branch)]
        nearest = max(around, key=lambda agent: len(agent.branch.parts), default=None)
        if nearest is not None and nearest.worktree:
            return nearest.branch
        same = counterpart(directory)
        return same if same is not None and same.resolve().is_relative_to(self.root) else directory

    def former_agents(self) -> tuple[Agent, ...]:
        """Agents that were taken out of the registry, whose directories are no present agent's: to be read alone."""
        present = {agent.branch for agent in self.agents}
        return tuple(agent for agent in registries.former_agents(self.registry) if agent.branch not in present)

    def unknown_sections(self, sections: Iterable[str]) -> list[str]:
        """What to say of each `[agents.NAME]` of config.toml (`sections`: the names) that no agent has."""
        known = [agent.address[1:] for agent in self.agents]
        return [
            f"[agents.{name}] is no agent of {self.registry.name}{did_you_mean(name, known)}"
            for name in sections
            if name not in known
        ]


def workspace_here(directory: Path | str | None = None, start: Path | None = None) -> Workspace:
    """The workspace that a command means: that of the directory `directory`, of MAILCORE_ROOT, or that `start` is in.

    `start` is the working directory by default.
    """
    if directory is not None:
        return find_workspace(Path(directory))
    root = os.environ.get(ROOT, "")
    if not root:
        return find_workspace(start or own_directory())
    try:
        return workspace_at(Path(root))
    except NoWorkspace as error:
        raise NoWorkspace(f"{error} Set {ROOT} to one that is, or unset it.", "no_workspace") from error


def workspace_at(root: Path) -> Workspace:
    """The workspace whose root is this very directory. NoWorkspace if it is none."""
    found, passed = registries.registry_in(root.absolute())
    if found is None:
        text = f"{root} is no workspace's root: no *{registries.SUFFIX} there."
        raise NoWorkspace(" ".join([text, *passed]), "no_workspace")
    return load_workspace(found, passed)


def find_workspace(start: Path) -> Workspace:
    """The workspace that `start` is in: the nearest registry at or above it. NoWorkspace if there is none.

    In a linked git worktree it is that of the same place in the main worktree, whether git copied the registry or not:
    there the agents are registered and their mail lies, which git does not copy.
    """
    start = start.absolute()
    passed: list[str] = []
    for directory in (start, *start.parents):
        found, foreign = registries.registry_in(directory)
        passed += foreign
        if found is not None:
            mine = load_workspace(found, passed)
            main = counterpart(directory)
            other = registries.registry_in(main)[0] if main is not None else None
            return load_workspace(other) if other is not None and _same(found, other) else mine
        if os.path.lexists(directory / ".git") and (main := counterpart(start)) is not None:
            with suppress(NoWorkspace):
                return find_workspace(main)
    text = (
        f"{start} is in no workspace: no *{registries.SUFFIX} there or above. Make one with "
        f"`mailcore init {start} --agent writer=agents/writer`, or see `praxmonitor demo`."
    )
    raise NoWorkspace(" ".join([text, *passed]), "no_workspace")


def _same(one: Path, other: Path) -> bool:
    """True if two registries are the same project's."""
    ids = []
    for path in (one, other):
        try:
            metadata = json.loads(registries.read_registry(path)[0]).get("metadata")
        except (OSError, ValueError, RecursionError):
            return False
        ids.append(metadata.get("id") if isinstance(metadata, dict) else None)
    return one.name == other.name and ids[0] == ids[1]


def load_workspace(registry: Path, notes: Iterable[str] = ()) -> Workspace:
    """Read a registry and the passports it points to. UsageError, naming file and cause, if it is no registry.

    While it is gone its copy is read, and a note says so. One that is written in place at this moment is waited for.
    """
    try:
        data, taken = registries.read_registry(registry)
        while True:
            try:
                rows = registries.rows_of(json.loads(data))
                break
            except ValueError:
                if not registries.is_being_written(registry):
                    raise
            time.sleep(BETWEEN_READS)
            data, taken = registries.read_registry(registry)
    except OSError as error:
        raise UsageError(f"{registry}: {error.strerror}; the registry cannot be read", "registry") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"{registry}: {error}; mend it or restore it, nothing was changed", "registry") from error
    agents: dict[str, Agent] = {}
    refused: list[str] = []
    root = registry.parent.resolve()
    for name, row in rows:
        try:
            agent = registries.row_agent(root, name, row)
        except UsageError as error:
            refused.append(f"{registry.name}: {error}")
            continue
        if agent.address in agents:
            refused.append(f"{registry.name}: {agent.address} is listed twice; the first counts")
        elif "." in agent.address and (root / MEMBERSHIP).exists():
            refused.append(
                f"{registry.name}: {agent.address} is passed over: in a link a dot separates an agent's name from its "
                "host's; give it another name"
            )
        else:
            agents[agent.address] = agent
    learn_addresses(str(registry), agents)
    all_notes = (*notes, *filter(None, [taken]))
    return Workspace(root, registry.resolve(), tuple(agents.values()), tuple(refused), all_notes)


def branch_above(start: Path) -> Path | None:
    """The nearest directory at or above `start` that holds a passport (contract 1: at most ten levels)."""
    for directory in (start, *start.parents)[:10]:
        if (directory / ".trinity" / "passport.json").is_file():
            return directory
    return None
