"""Find a workspace and read its registry.

A workspace is a directory with a `*_REGISTRY.json` (contract section 1). Row paths are relative to the directory of the
registry that lists them; one that leaves the project is refused, with the reason kept for the screen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailcore.errors import NoWorkspace, Refused, UsageError, did_you_mean
from mailcore.model.agent import OPERATOR, Agent
from mailcore.system.files import read_bytes
from mailcore.text.known import know

REGISTRY_SUFFIX = "_REGISTRY.json"
RESERVED = (OPERATOR, "@all")
ADDRESS = re.compile(r"@[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project directory and the agents that its registry lists."""

    root: Path
    registry: Path
    agents: tuple[Agent, ...]
    """In registry order, the operator not among them."""
    refused: tuple[str, ...] = ()
    """Rows that were not taken, each with its reason."""

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

    def agent(self, address: str) -> Agent:
        """The agent of that address (`@Writer`, `writer`: `@writer`); Refused, naming the known ones, if none."""
        wanted = normal_address(address)
        if wanted == OPERATOR:
            return self.operator
        for agent in self.agents:
            if agent.address == wanted:
                return agent
        known = [agent.address for agent in self.agents]
        hint = did_you_mean(wanted, known) or f"; known: {' '.join(known) or 'none'}"
        raise Refused(f"no agent {wanted} in {self.registry.name}{hint}", "unknown_agent")

    def strangers(self, sections: Iterable[str]) -> list[str]:
        """What to say of each `[agents.NAME]` of config.toml (`sections`: the names) that no agent has."""
        known = [agent.address[1:] for agent in self.agents]
        return [
            f"[agents.{name}] is no agent of {self.registry.name}{did_you_mean(name, known)}"
            for name in sections
            if name not in known
        ]


def normal_address(text: str) -> str:
    """`Writer`, `@writer` → `@writer`."""
    return "@" + text.strip().lstrip("@").lower()


def find(start: Path) -> Workspace:
    """The workspace that `start` is in: the nearest registry at or above it. NoWorkspace if there is none."""
    start = start.absolute()
    for directory in (start, *start.parents):
        registry = registry_in(directory)
        if registry is not None:
            return load(registry)
    raise NoWorkspace(
        f"{start} is in no workspace: no *{REGISTRY_SUFFIX} there or above. Make one with "
        f"`mailcore init {start} --agent writer=agents/writer`, or see `praxmonitor demo`.",
        "no_workspace",
    )


def registry_in(directory: Path) -> Path | None:
    """The registry in a directory, the first by name if there are several, public ones first; None if none.

    Where there is no file but something else of that name, that: it is refused when it is read.
    """
    try:
        found = sorted(path for path in directory.glob(f"*{REGISTRY_SUFFIX}") if not path.is_dir())
    except OSError:
        return None
    found = [path for path in found if path.is_file()] or found
    public = [path for path in found if not path.name.startswith("PRIVATE_")]
    return next(iter(public or found), None)


def load(registry: Path) -> Workspace:
    """Read a registry and the passports it points to. UsageError, naming file and cause, if it is no registry."""
    try:
        rows = _rows(json.loads(read_bytes(registry)))
    except OSError as error:
        raise UsageError(f"{registry}: {error.strerror}; the registry cannot be read", "registry") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"{registry}: {error}; mend it or restore it, nothing was changed", "registry") from error
    agents: dict[str, Agent] = {}
    refused: list[str] = []
    root = registry.parent.resolve()
    for name, row in rows:
        try:
            agent = row_agent(root, name, row)
        except UsageError as error:
            refused.append(f"{registry.name}: {error}")
            continue
        if agent.address in agents:
            refused.append(f"{registry.name}: {agent.address} is listed twice; the first counts")
        else:
            agents[agent.address] = agent
    know(str(registry), agents)
    return Workspace(root, registry.resolve(), tuple(agents.values()), tuple(refused))


def _rows(data: Any) -> list[tuple[str, dict[str, Any]]]:
    branches = data.get("branches") if isinstance(data, dict) else None
    if isinstance(branches, dict):
        return [(str(name), row) for name, row in branches.items() if isinstance(row, dict)]
    if isinstance(branches, list):
        return [(str(row.get("name", "")), row) for row in branches if isinstance(row, dict)]
    raise TypeError('"branches" is neither a list nor an object')


def row_agent(root: Path, name: str, row: dict[str, Any]) -> Agent:
    """The agent that a registry row names. UsageError, with the reason, if the row cannot be taken."""
    email = row.get("email")
    address = normal_address(email) if isinstance(email, str) and email.strip() else _derived_address(name)
    if not ADDRESS.fullmatch(address):
        raise UsageError(
            f"row {name!r} has no usable address ({address!r}): letters, digits, `_`, `.` and `-`, beginning with a "
            "letter or a digit, 64 at most"
        )
    if address in RESERVED:
        raise UsageError(f"row {name!r} takes the reserved address {address}")
    path = row.get("path")
    if not isinstance(path, str) or not path or "\0" in path:
        raise UsageError(f"row {name!r} has no path")
    try:
        branch = (root / path).resolve()
        circle = branch.is_symlink()  # from Python 3.13 on resolve() gives back what it cannot follow
        str(branch).encode()
    except UnicodeEncodeError:
        raise UsageError(f"row {name!r} has a path that no file can have: {path!r}") from None
    except (OSError, RuntimeError):
        circle = True
    if circle:
        raise UsageError(f"row {name!r} leads in a circle: {path!r}")
    if not branch.is_relative_to(root):
        raise UsageError(f"row {name!r} leaves the project: {path!r}")
    return Agent(address, name, branch, read_role(branch / ".trinity" / "passport.json"), root)


def _derived_address(name: str) -> str:
    # Contract 1, "Row email": after the last dot, first word, after AIPASS-, before the next dash.
    words = name.rsplit(".", 1)[-1].split()
    word = words[0] if words else ""
    return normal_address(word.removeprefix("AIPASS-").split("-")[0])


def read_role(passport: Path) -> str:
    """`identity.role` of a passport; empty where there is none or it cannot be read."""
    try:
        identity = json.loads(read_bytes(passport))["identity"]
        return str(identity.get("role") or identity.get("purpose") or "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


def branch_above(start: Path) -> Path | None:
    """The nearest directory at or above `start` that holds a passport (contract 1: at most ten levels)."""
    for directory in (start, *start.parents)[:10]:
        if (directory / ".trinity" / "passport.json").is_file():
            return directory
    return None
