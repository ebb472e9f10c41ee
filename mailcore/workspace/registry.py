"""A workspace's registry, `*_REGISTRY.json` (contract section 1): which file is one, the agents that its rows name, and
the copy that stands in for it while git has taken it away.
"""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mailcore.exceptions import UsageError
from mailcore.model.agent import OPERATOR, WATCHER, Agent
from mailcore.system import self_ignore
from mailcore.system.safe_open import read_bytes
from mailcore.system.writing import append, link_new, replace
from mailcore.workspace.worktree import counterpart, is_own_worktree

SUFFIX = "_REGISTRY.json"
COPY = ".copy"
"""After a registry's name: what its copy in `.praxmonitor` is called, which is no registry to who looks for one."""
WRITE_GRACE = 0.3
"""Seconds after its last change in which a registry that is no JSON may be one that is being written in place."""
WORKTREE = "worktree"
"""Our key of a row: true says that the agent's directory lies in a linked git worktree of the project's repository, and
may lie outside of the project's directory. Without it a row that leaves the project is refused."""
RESERVED = (OPERATOR, WATCHER, "@all")
ADDRESS = re.compile(r"@[a-z0-9][a-z0-9_.-]{0,63}")


def registry_in(directory: Path) -> tuple[Path | None, list[str]]:
    """The registry of a directory, None if it has none; and those files of another tool that bear such a name.

    The first by name if there are several, public ones first. One that cannot be read counts, unless another can: what
    a killed writer left of a registry must not lead into a workspace above. One that git took away is named as it was.
    """
    good, bad, foreign = [], [], []
    for path in _named(directory):
        try:
            data = json.loads(read_bytes(path))
        except (OSError, ValueError, RecursionError):
            bad.append(path)
            continue
        if is_registry(data):
            good.append(path)
        else:
            foreign.append(f"{path} is passed over: it lists no agents, so it is another tool's")
    copy = next(iter(_copies(directory)), None)
    taken = [directory / copy.name.removesuffix(COPY)] if copy is not None else []
    return next(iter(good or bad or taken), None), foreign


def _named(directory: Path) -> list[Path]:
    try:
        found = [path for path in directory.glob(f"*{SUFFIX}") if not path.is_dir()]
    except OSError:
        return []
    return sorted(found, key=lambda path: (not path.is_file(), path.name.startswith("PRIVATE_"), path))


def is_registry(data: object) -> bool:
    """True of what lists agents: `branches` with no row yet, or with one that has a place or an address."""
    branches = data.get("branches") if isinstance(data, dict) else None
    if not isinstance(branches, list | dict):
        return False
    rows = list(branches.values()) if isinstance(branches, dict) else branches
    return not rows or any(isinstance(row, dict) and ("path" in row or "email" in row) for row in rows)


def read_registry(path: Path, *, links: bool = True) -> tuple[bytes, str]:
    """A registry as it stands, or else its copy and a note that says so. OSError where there is neither.

    Without `links` a symlink in its place is one too.
    """
    try:
        return read_bytes(path, links=links), ""
    except FileNotFoundError:
        copy = copy_of(path)
        if not copy.is_file():
            raise
        return read_bytes(copy), (
            f"{path} is gone (git stash, checkout or clean?); {copy} is read instead. Bring it back as it went (git "
            "stash pop), or write it anew: mailcore repair"
        )


def is_being_written(path: Path) -> bool:
    """True if a registry changed so short a time ago that its writer, which does not replace it, may still be at it."""
    with suppress(OSError):
        return 0 <= time.time() - path.stat().st_mtime < WRITE_GRACE
    return False


def copy_of(path: Path) -> Path:
    """Where a registry's copy lies, which git leaves alone."""
    return path.parent / ".praxmonitor" / f"{path.name}{COPY}"


def update_copy(path: Path) -> None:
    """Copy a registry that changed since its last copy. Two looks if it did not; never an error."""
    copy = copy_of(path)
    with suppress(OSError, ValueError, RecursionError):
        changed = os.stat(path).st_mtime_ns  # noqa: PTH116 (at each act: half the time of a Path's)
        with suppress(FileNotFoundError):
            if os.stat(copy).st_mtime_ns == changed:  # noqa: PTH116
                return
        data = read_bytes(path)
        if not is_registry(json.loads(data)):
            return
        self_ignore.make_ignored(copy.parent)
        _record_removed(path, copy, data)
        replace(copy, data)
        os.utime(copy, ns=(changed, changed))
        for other in _copies(path.parent):
            if other != copy and not (path.parent / other.name.removesuffix(COPY)).exists():
                other.unlink(missing_ok=True)


FORMER = "former.jsonl"
"""In `.praxmonitor`: the rows that a registry had once, one a line: what those agents did can still be shown."""


def _record_removed(path: Path, copy: Path, data: bytes) -> None:
    """Write down the rows that stood in the copy and are in the registry (`data`) no more."""
    try:
        before = rows_of(json.loads(read_bytes(copy)))
    except (OSError, ValueError, TypeError, RecursionError):
        return
    places = {row.get("path") for _, row in rows_of(json.loads(data))}
    for name, row in before:
        if row.get("path") not in places:
            append(path.parent / ".praxmonitor" / FORMER, json.dumps({"name": name, "row": row}).encode())


def former_agents(path: Path) -> list[Agent]:
    """The agents that a registry listed once, each directory once, newest first; those there now may be among them."""
    try:
        lines = read_bytes(path.parent / ".praxmonitor" / FORMER, links=False).splitlines()
    except OSError:
        return []
    found: dict[Path, Agent] = {}
    for line in reversed(lines):
        with suppress(UsageError, ValueError, TypeError, KeyError, RecursionError):
            record = json.loads(line)
            agent = row_agent(path.parent.resolve(), str(record["name"]), dict(record["row"]))
            found.setdefault(agent.branch, agent)
    return list(found.values())


def restore_registry(path: Path) -> bool:
    """Write a registry again from its copy, if it is gone; True if that was done."""
    data, missing = read_registry(path)
    return bool(missing) and link_new(path, data)


def _copies(directory: Path) -> list[Path]:
    try:
        return sorted((directory / ".praxmonitor").glob(f"*{SUFFIX}{COPY}"))
    except OSError:  # it may be entered by its owner only
        return []


def rows_of(data: Any) -> list[tuple[str, dict[str, Any]]]:
    """Name and row of each agent. TypeError if it is no registry."""
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
    worktree = row.get(WORKTREE) is True
    if not branch.is_relative_to(root):
        if not worktree:
            raise UsageError(f"row {name!r} leaves the project: {path!r}")
        if branch.exists() and not is_own_worktree(branch, root):
            raise UsageError(
                f"row {name!r} says that {path!r} is a worktree, but git knows none of this project there: `git "
                "worktree list` names those there are, `git worktree repair` mends the record of one that was moved"
            )
    role = read_role(branch / ".trinity" / "passport.json")
    mirrors = counterpart(branch) if worktree else None
    return Agent(address, name, branch, role, root, worktree=worktree, mirrors=mirrors)


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


def normal_address(text: str) -> str:
    """`Writer`, `@writer` → `@writer`."""
    return "@" + text.strip().lstrip("@").lower()
