"""Make and change a workspace: registry rows, and a branch's passport, memories and mailbox directories.

A file that exists is never overwritten. The registry is written under AIPass's own lock (contract section 1).
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mailcore.config.template import template
from mailcore.exceptions import Refused, UsageError
from mailcore.formats.json_codec import dumps, loads
from mailcore.formats.timestamps import registry_date
from mailcore.model.agent import Agent
from mailcore.model.lock import Holder
from mailcore.system import self_ignore
from mailcore.system.locks import locked
from mailcore.system.writing import link_new, make_directory, replace
from mailcore.workspace.find import Workspace, load_workspace
from mailcore.workspace.lock_reader import read_lock
from mailcore.workspace.registry import (
    ADDRESS,
    SUFFIX,
    WORKTREE,
    normal_address,
    read_registry,
    registry_in,
    row_agent,
    update_copy,
)


def add_agent(
    workspace: Workspace, name: str, path: str, role: str = "", purpose: str = "", *, worktree: bool = False
) -> Workspace:
    """Register one more agent and make its branch; its passport says its role and its purpose.

    `worktree`: its directory lies in a linked git worktree of the project's repository.
    """
    now = datetime.now()
    row = _row(name, path, now) | ({WORKTREE: True} if worktree else {})
    agent = row_agent(workspace.root, row["name"], row)
    if "." in agent.address:
        raise Refused(f"{agent.address}: a dot separates an agent's name from its host's; take a `-` instead", "dotted")
    with locked(_lock(workspace.registry)):
        document = _document(workspace.registry)
        for known in load_workspace(workspace.registry).agents:
            if agent.address == known.address:
                raise Refused(f"{agent.address} is in {workspace.registry.name} already", "exists")
            if agent.branch == known.branch:
                raise Refused(f"{agent.branch} is {known.address}'s branch: who would be calling from there?", "exists")
        metadata = document.get("metadata")
        registry_id = str(metadata.get("id", "")) if isinstance(metadata, dict) else ""
        who = (role, purpose)
        if worktree and not (agent.branch / ".trinity").is_dir():
            self_ignore.make_ignored(agent.branch / ".trinity")  # in each worktree another's: no merge is to mix them
        _write_branch(workspace.root / row["path"], row, registry_id, workspace.registry.name, now, who)
        branches = document["branches"]
        if isinstance(branches, dict):
            branches[row["name"]] = row
        else:
            branches.append(row)
        _save(workspace.registry, document, now)
    return load_workspace(workspace.registry)


def check_new_agent(workspace: Workspace, name: str) -> None:
    """Refused, UsageError of a name that no further agent can have."""
    address = str(_row(name, ".", datetime.now())["email"])
    if any(known.address == address for known in workspace.agents):
        raise Refused(f"{address} is in {workspace.registry.name} already", "exists")


def remove_agent(workspace: Workspace, address: str) -> Workspace:
    """Take an agent's row out of the registry. Its directory, mail and memories stay."""
    agent = workspace.agent(address)
    if agent.is_operator:
        raise Refused("the operator is in no registry", "reserved")
    refuse_at_work(agent)
    with locked(_lock(workspace.registry)):
        document = _document(workspace.registry)
        branches = document["branches"]
        if isinstance(branches, dict):
            document["branches"] = {k: v for k, v in branches.items() if not _is(workspace, str(k), v, agent.address)}
        else:
            document["branches"] = [r for r in branches if not _is(workspace, "", r, agent.address)]
        _save(workspace.registry, document, datetime.now())
    return load_workspace(workspace.registry)


def refuse_at_work(agent: Agent) -> None:
    """Refused (code `busy`) of an agent that is in a run."""
    lock = read_lock(agent.dispatch_lock)
    if lock is not None and lock.holder is not Holder.DEAD:
        raise Refused(f"{agent.address} is at work (PID {lock.pid or '?'}); kill it or wait for its end", "busy")


def _is(workspace: Workspace, name: str, row: Any, address: str) -> bool:
    if not isinstance(row, dict):
        return False
    try:
        return row_agent(workspace.root, name or str(row.get("name", "")), row).address == address
    except UsageError:
        return False


def _lock(registry: Path) -> Path:
    return registry.with_name(f".{registry.stem}.lock")


def _document(registry: Path) -> dict[str, Any]:
    """The registry as it stands, to be changed and written again. UsageError if it is none, or a link to one."""
    try:
        document: dict[str, Any] = loads(read_registry(registry, links=False)[0])
    except OSError as error:
        raise UsageError(f"{registry}: {error.strerror}; the registry cannot be changed", "registry") from error
    except ValueError as error:
        raise UsageError(f"{registry}: {error}; mend it or restore it, nothing was changed", "registry") from error
    return document


def _save(registry: Path, document: dict[str, Any], now: datetime) -> None:
    metadata = document.get("metadata")
    if isinstance(metadata, dict):
        metadata |= {"total_branches": len(document["branches"]), "last_updated": registry_date(now)}
    replace(registry, dumps(document))
    update_copy(registry)


def create_workspace(
    root: Path, agents: Sequence[tuple[str, str]], who: Mapping[str, tuple[str, str]] = MappingProxyType({})
) -> Workspace:
    """Make a workspace: registry, config.toml, and passport, memories and mailbox directories for each (name, path).

    `who`: the role and the purpose of an agent, by its address, for its passport. A file that exists is never
    overwritten; an agent that is already registered is refused.
    """
    root = root.absolute()
    if (there := registry_in(root)[0]) is not None:
        step = (
            "one more agent: mailcore agent add NAME=PATH" if there.exists() else f"{there.name} anew: mailcore repair"
        )
        raise Refused(f"{root} is already a workspace ({there}); {step}", "exists")
    if not agents:
        raise UsageError("name at least one agent: --agent writer=agents/writer")
    now = datetime.now()
    project = re.sub(r"[^A-Za-z0-9]+", "_", root.name).strip("_") or "project"
    registry = root / f"{project.upper()}{SUFFIX}"
    registry_id = str(uuid.uuid4())
    rows = [_row(name, path, now) for name, path in agents]
    for row in rows:
        row_agent(root.resolve(), row["name"], row)  # refuses what load would refuse, before anything is written
    if len({row["email"] for row in rows}) < len(rows):
        raise UsageError("two agents of the same name")
    if len({(root / row["path"]).resolve() for row in rows}) < len(rows):
        raise UsageError("two agents with the same branch: who would be calling from there?")
    make_directory(root, parents=True)
    for row in rows:
        own = who.get(row["email"], ("", ""))
        _write_branch(root / row["path"], row, registry_id, registry.name, now, own)
    document = {
        "metadata": {
            "id": registry_id,
            "version": "1.0.0",
            "name": project.lower(),
            "total_branches": len(rows),
            "last_updated": registry_date(now),
        },
        "branches": rows,
    }
    _write_new(registry, document)
    made = load_workspace(registry)
    self_ignore.make_ignored(made.state_dir)
    update_copy(registry)
    _write_new(made.config_file, template())
    return made


def _row(name: str, path: str, now: datetime) -> dict[str, Any]:
    address = normal_address(name)
    if not ADDRESS.fullmatch(address):
        raise UsageError(
            f"{name!r} is no name for an agent: letters, digits, `_`, `.` and `-`, beginning with a letter or a digit, "
            "64 at most, like writer"
        )
    return {
        "name": address[1:].upper(),
        "path": path,
        "profile": "PraxMonitor",
        "description": "",
        "email": address,
        "status": "active",
        "created": registry_date(now),
        "last_active": registry_date(now),
        "registry_id": str(uuid.uuid4()),
    }


def _write_branch(
    branch: Path, row: dict[str, Any], registry_id: str, registry: str, now: datetime, who: tuple[str, str]
) -> None:
    for path, document in _documents(branch, row, registry_id, registry, registry_date(now), who):
        make_directory(path.parent, parents=True)
        _write_new(path, document)
    self_ignore.make_ignored(branch / ".ai_mail.local")
    make_directory(branch / ".ai_mail.local" / "sent")
    if not (branch / "logs").is_dir():  # what stands there already is the project's
        self_ignore.make_ignored(branch / "logs")
    empty = {"mailbox": "inbox", "total_messages": 0, "unread_count": 0, "messages": []}
    _write_new(branch / ".ai_mail.local" / "inbox.json", empty)


def _write_new(path: Path, document: dict[str, Any] | str) -> None:
    """Write a file where there is nothing; what is there stays, be it a link that leads nowhere."""
    text = document if isinstance(document, str) else json.dumps(document, indent=2, ensure_ascii=False)
    link_new(path, text.encode())


def _documents(
    branch: Path, row: dict[str, Any], registry_id: str, registry: str, today: str, who: tuple[str, str]
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Passport (schema 2.0.0) and memories as AIPass's spawn writes them (contract section 1)."""
    name = row["email"][1:]
    trinity = branch / ".trinity"

    def metadata(kind: str, suffix: str) -> dict[str, Any]:
        return {
            "document_type": kind,
            "document_name": f"{name}.{suffix}",
            "version": "1.0.0",
            "schema_version": "2.0.0",
            "created": today,
            "last_updated": today,
            "managed_by": name,
            "tags": [],
        }

    yield (
        trinity / "passport.json",
        {
            "document_metadata": metadata("branch_identity", "PASSPORT"),
            "branch_info": {
                "branch_name": name,
                "alias": "",
                "path": row["path"],
                "module": name,
                "email": row["email"],
                "created": today,
                "git_branch": "",
            },
            "citizenship": {
                "registered": True,
                "residency": "external",
                "registry_id": registry_id,
                "citizen_id": row["registry_id"],
                "registry_path": registry,
                "communications": True,
                "memory": True,
            },
            "identity": {
                "citizen_class": "specialist",
                "role": who[0],
                "purpose": who[1],
                "what_i_do": [],
                "what_i_dont_do": [],
                "traits": [],
                "principles": [],
            },
        },
    )
    yield (
        trinity / "local.json",
        {
            "document_metadata": metadata("local_memory", "LOCAL"),
            "todos": [],
            "key_learnings": [],
            "sessions": [],
        },
    )
    yield (
        trinity / "observations.json",
        {"document_metadata": metadata("observations", "OBSERVATIONS"), "guidelines": [], "observations": []},
    )
