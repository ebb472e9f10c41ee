"""Links between projects on one machine: each of the two configs names the other, and says what may cross.

`@lead@docs` is @lead of the project that this config calls `docs`. What one config lets cross counts only where the
other one, which lies in the other project, says so too, at the moment at which it crosses.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mailcore.config import read_config
from mailcore.config.projects import ProjectConfig
from mailcore.exceptions import MailcoreError, Refused, did_you_mean
from mailcore.model.agent import Agent
from mailcore.workspace.find import Workspace, workspace_at
from mailcore.workspace.registry import normal_address

ACROSS = re.compile(r"(@[a-z0-9][a-z0-9_.-]{0,63})@([a-z][a-z0-9-]{0,30})")
"""An agent of another project, and what that is called here."""


class LinkedProject(NamedTuple):
    """Another project, with which something may be exchanged."""

    workspace: Workspace
    called: str
    """What it is called here."""
    calls_us: str
    """What this project is called there."""


def is_across(address: str) -> bool:
    """True of an address that names an agent of another project."""
    return ACROSS.fullmatch(normal_address(address)) is not None


def linked_project(workspace: Workspace, name: str, what: str) -> LinkedProject:
    """The project that is called `name` here. Refused (code `boundary`) unless each of the two configs names the other
    and lets `what` cross: `mail`, `topics` or `feedback`."""
    projects = read_config(workspace.config_file).projects
    if name not in projects:
        hint = did_you_mean(name, projects) or f"; known: {' '.join(projects) or 'none'}"
        raise Refused(f"{workspace.config_file} names no project {name}{hint}", "boundary")
    other = workspace_at(_place(projects[name]))
    if other.root == workspace.root:
        raise Refused(f"[projects.{name}] is this project", "boundary")
    back = _named_by(other, workspace.root)
    if back is None:
        raise Refused(
            f"nothing crosses to {name} until {other.config_file} names this project: "
            f'[projects.…] with root = "{workspace.root}"',
            "boundary",
        )
    for config, section, terms in ((workspace.config_file, name, projects[name]), (other.config_file, *back)):
        if not getattr(terms, what):
            raise Refused(f"it does not cross: {config} says [projects.{section}] {what} = false", "boundary")
    return LinkedProject(other, name, back[0])


def agent_across(workspace: Workspace, address: str, what: str) -> Agent:
    """The agent of another project of that address, which it keeps. Refused as of `linked_project`."""
    found = ACROSS.fullmatch(normal_address(address))
    if found is None:
        raise Refused(f"{address} is no address of another project: @lead@docs", "boundary")
    agent = linked_project(workspace, found[2], what).workspace.agent(found[1])
    if agent.is_reserved:
        raise Refused(f"{address}: only agents of another project are written to, not the person there", "boundary")
    return replace(agent, address=f"{agent.address}@{found[2]}")


def seen_from(project: LinkedProject, agent: Agent) -> Agent:
    """An agent of this project under the address that it has in that other one."""
    return replace(agent, address=f"{agent.address}@{project.calls_us}")


def check_feedback(workspace: Workspace, other: Workspace) -> None:
    """Refused (code `boundary`) where one of two projects names the other and lets no feedback cross."""
    for one, root in ((workspace, other.root), (other, workspace.root)):
        named = _named_by(one, root)
        if named is not None and not named[1].feedback:
            raise Refused(f"{one.config_file} says [projects.{named[0]}] feedback = false", "boundary")


def _named_by(workspace: Workspace, root: Path) -> tuple[str, ProjectConfig] | None:
    """What a project calls the one at `root`, and its terms; None where it does not name it."""
    for name, terms in read_config(workspace.config_file).projects.items():
        try:
            if _place(terms).resolve() == root:
                return name, terms
        except (OSError, RuntimeError, MailcoreError):
            continue
    return None


def _place(terms: ProjectConfig) -> Path:
    return Path(terms.root).expanduser()
