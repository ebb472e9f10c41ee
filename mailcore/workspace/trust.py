"""Whether what a workspace's config.toml starts or permits may be followed: its owner is asked once, and on a change.

A workspace that this user made here, or that is this user's and in no repository, is theirs. One that came by git or
belongs to another user brings its config.toml along: its keys that start something or give a right are withheld until
`mailcore trust` allows them, by their digest. Looking needs none of them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mailcore.config import AgentConfig, Alarms, Config, Errors, Link, Mail, Operator, Permissions
from mailcore.config.reader import parse_toml, read_settings
from mailcore.config.toml_text import key_name, toml
from mailcore.exceptions import ConfigError, MailcoreError, Refused
from mailcore.formats.digest import digest
from mailcore.system.locks import locked
from mailcore.system.safe_open import read_bytes
from mailcore.system.user_directories import state_home
from mailcore.system.writing import replace as write
from mailcore.workspace.find import Workspace

OF_AGENTS = ("program", "command", "permission_mode", "model", "account")
KEYS: Mapping[str, tuple[str, ...]] = {
    "alarms": ("on_alarm", "on_heartbeat"),
    "errors": ("dispatch",),
    "mail": ("approver", "orchestrator"),
    "permissions": ("allow",),
    "link": ("listen", "advertise", "server", "certificate", "certificate_key", "ssh"),
    "operator": ("assume", "proof"),
}
"""Section → its keys that start something or give a right; those of agents are OF_AGENTS, and all of [accounts]."""


@dataclass(frozen=True, slots=True)
class TrustStatus:
    """What may be followed of a workspace's config.toml."""

    rights: Mapping[str, Any]
    """Its keys that start something or give a right: `alarms.on_alarm` → value."""
    why: str = ""
    """Why they are withheld; empty if they are followed."""

    @property
    def digest(self) -> str:
        """What is allowed, and no longer is when a key changes."""
        return digest(json.dumps(self.rights, sort_keys=True, default=str).encode())

    @property
    def lines(self) -> list[str]:
        """The keys for people, one a line."""
        return [f"{name} = {toml(value)}" for name, value in self.rights.items()]


def trust_status(workspace: Workspace, tables: Mapping[str, Any], *, remember: bool = False) -> TrustStatus:
    """Judge the tables of its config.toml. `remember`: note that a workspace of this user's own is in use."""
    found = TrustStatus(dict(_rights(tables)))
    if not found.rights:
        return found
    entry = _store().get(str(workspace.root), {})
    if found.digest in entry.get("allowed", ()):
        return found
    owner = _foreign_owner(workspace)
    made = entry.get("made") == _name(workspace) != ""
    if owner:
        return TrustStatus(found.rights, owner)
    from mailcore.system import git_repository  # it imports subprocess, which most are spared

    git = git_repository.git_state(workspace.config_file)
    if git.how is git_repository.Tracked.UNKNOWN:
        return TrustStatus(found.rights, "it lies in a repository, and git does not say whether it tracks the file")
    if git.how is git_repository.Tracked.YES:
        # In a workspace made here a hand may have written what git does not hold; the rest came with a pull.
        theirs = TrustStatus(_also_in(git.contents, found.rights) if made else found.rights)
        if theirs.rights and theirs.digest not in entry.get("allowed", ()):
            return TrustStatus(found.rights, "git tracks the file, so that others may have written it")
    if remember:
        _record(workspace, made=True, allow=found.digest)
    return found


def _also_in(contents: Iterable[bytes], rights: Mapping[str, Any]) -> dict[str, Any]:
    """Of the keys those that git holds with the same value: all of them, where what it holds cannot be read.

    Git may write a file otherwise than it keeps it, as it is told by what comes with the file: other line ends, its
    `$Id$`, the whole content by a filter.
    """
    theirs: set[str] = set()
    for content in contents:
        try:
            tables = parse_toml(content)
        except ValueError:
            return dict(rights)
        theirs |= {_plain(key, value) for key, value in _rights(tables)}
    return {key: value for key, value in rights.items() if _plain(key, value) in theirs}


def _plain(key: str, value: Any) -> str:
    return _IDENT.sub("$Id$", json.dumps([key, value], sort_keys=True, default=str))


_IDENT = re.compile(r"\$Id:[^$]*\$")
"""What git's `ident` makes of `$Id$`."""


def _rights(tables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section, keys in KEYS.items():
        table = tables.get(section, {})
        yield from ((f"{section}.{key}", table[key]) for key in keys if isinstance(table, dict) and key in table)
    approval = tables.get("approval")
    tiers = approval.get("tiers") if isinstance(approval, dict) else None
    for number, tier in tiers.items() if isinstance(tiers, dict) else ():
        if isinstance(tier, dict) and "approver" in tier:
            yield f"approval.tiers.{key_name(number)}.approver", tier["approver"]
    accounts = tables.get("accounts")
    for name, homes in accounts.items() if isinstance(accounts, dict) else ():
        yield from ((f"accounts.{key_name(name)}.{key_name(key)}", value) for key, value in _items(homes))
    agents = tables.get("agents", {})
    for key, value in agents.items() if isinstance(agents, dict) else ():
        if isinstance(value, dict):
            yield from ((f"agents.{key_name(key)}.{inner}", value[inner]) for inner in OF_AGENTS if inner in value)
        elif key in OF_AGENTS:
            yield f"agents.{key}", value


def _items(table: Any) -> Iterator[tuple[str, Any]]:
    yield from table.items() if isinstance(table, dict) else ()


def _foreign_owner(workspace: Workspace) -> str:
    """Whose the workspace is, if not this user's; as with git, what a user's sudo does is that user's too."""
    mine = {os.geteuid()}
    if os.geteuid() == 0 and os.environ.get("SUDO_UID", "").isdecimal():
        mine.add(int(os.environ["SUDO_UID"]))
    for path in (workspace.root, workspace.registry, workspace.state_dir, workspace.config_file):
        for look in (os.lstat, os.stat):
            try:
                owner = look(path).st_uid
            except OSError:
                continue
            if owner not in mine:
                return f"{path} belongs to another user (uid {owner})"
    return ""


def trusted_config(workspace: Workspace, *, remember: bool = False) -> tuple[Config, TrustStatus]:
    """The config with what is withheld as if it were not there. ConfigError as of `read_config`."""
    tables, config, faults = read_settings(workspace.config_file)
    if faults:
        from mailcore.config import read_config

        read_config(workspace.config_file)
    found = trust_status(workspace, tables, remember=remember)
    return (without_withheld(config) if found.why else config), found


def without_withheld(config: Config) -> Config:
    """The config without the keys that start something or give a right."""

    def plain(agent: AgentConfig) -> AgentConfig:
        return replace(agent, program="", command=(), permission_mode="", model="", account="")

    return replace(
        config,
        alarms=replace(config.alarms, on_alarm=Alarms().on_alarm, on_heartbeat=Alarms().on_heartbeat),
        errors=replace(config.errors, dispatch=Errors().dispatch),
        permissions=replace(config.permissions, allow=Permissions().allow),
        mail=replace(config.mail, approver=Mail().approver, orchestrator=Mail().orchestrator),
        link=replace(Link(), acts=config.link.acts),  # it can only narrow what is allowed
        operator=Operator(),
        tiers={number: replace(tier, approver="") for number, tier in config.tiers.items()},
        agents={name: plain(agent) for name, agent in config.agents.items()},
        default_agent=plain(config.default_agent),
        accounts={},
    )


def require_trust(workspace: Workspace) -> None:
    """Refused (code `trust`) if what the config says of agents is withheld; a config that cannot be read is not judged.

    For what starts an agent's program.
    """
    try:
        tables = read_settings(workspace.config_file)[0]
    except ConfigError:
        return
    found = trust_status(workspace, tables, remember=True)
    if found.why and any(name.startswith(("agents.", "accounts.")) for name in found.rights):
        raise Refused(refusal_text(workspace, found), "trust")


STATE = (".queue.jsonl", ".dispatch.lock", "/run.jsonl", "/waiting.jsonl", "/dispatch_register.jsonl")
"""Ends of the names of our files from which a start comes, and those of `.praxmonitor/expiring`."""


def why_state_untrusted(workspace: Workspace, ends: tuple[str, ...] = STATE) -> str:
    """Why nothing happens by itself by what stands in its files of state (`ends` of their names): they came by git.
    Empty where it may.

    A waiting start, a run whose end nobody reported or a request past its time is no wish of this user's then. Where no
    such file is tracked, or the workspace was made or allowed here, that was not asked for.
    """
    try:
        entry = _store().get(str(workspace.root), {})
        if entry.get("made") == _name(workspace) != "" or entry.get("state"):
            return ""
        from mailcore.system import git_repository

        places = (workspace.state_dir, workspace.aipass_dir, *(agent.mail_dir for agent in workspace.agents))
        names = [os.path.relpath(place, workspace.root) for place in places]
        tracked = git_repository.git_entries(workspace.root, "ls-files", "-z", "--", *names)
    except OSError:
        return ""
    ours = [name for name in tracked if name.endswith(ends) or "/expiring/" in name]
    if not ours:
        return ""
    return f"git tracks {ours[0]}, so that others may have written it: nothing starts by that until `mailcore trust`"


def refusal_text(workspace: Workspace, found: TrustStatus) -> str:
    """That keys are withheld, why, and what to do."""
    names = ", ".join(found.rights)
    return (
        f"{workspace.config_file} starts or permits something ({names}), and {found.why}: look at it with "
        "`mailcore trust --show`, allow it with `mailcore trust`"
    )


def record_made_here(workspace: Workspace) -> None:
    """Note that this user made the workspace here."""
    _record(workspace, made=True)


def allow_keys(workspace: Workspace, found: TrustStatus) -> None:
    """Follow these keys, until one changes, and what waits here. MailcoreError if that cannot be kept."""
    if not _record(workspace, allow=found.digest if found.rights else "", state=True):
        raise MailcoreError(f"{_file()}: cannot be written; nothing is allowed", "trust")


def revoke_trust(workspace: Workspace) -> bool:
    """Follow nothing any more of what was allowed here, nor take it for made here; False if nothing was kept."""
    known = str(workspace.root) in _store()
    return known and _record(workspace, forget=True)


def _file() -> Path:
    return state_home() / "trust.json"


def _store() -> dict[str, Any]:
    """Root → what is kept of it; empty where nothing can be read."""
    try:
        found = json.loads(read_bytes(_file()))
    except (OSError, ValueError, RecursionError):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}


def _record(
    workspace: Workspace, *, made: bool = False, allow: str = "", state: bool = False, forget: bool = False
) -> bool:
    """Write what is to be remembered; False where the user's state directory takes nothing."""
    path = _file()
    if not path.is_absolute():  # nobody's home is known
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_suffix(".lock")):
            store = _store()
            entry = {} if forget else dict(store.get(str(workspace.root), {}))
            if made:
                entry["made"] = _name(workspace)
            if state:
                entry["state"] = True
            if allow:
                entry["allowed"] = [*[one for one in entry.get("allowed", ()) if one != allow], allow][-MAX_DIGESTS:]
            if entry:
                store[str(workspace.root)] = entry
            else:
                store.pop(str(workspace.root), None)
            write(path, json.dumps(store, indent=1).encode())
    except (OSError, MailcoreError):
        return False
    return True


MAX_DIGESTS = 20
"""Digests kept of one workspace: a config that goes back and forth is not asked for each time."""


def _name(workspace: Workspace) -> str:
    """What distinguishes this workspace from another that takes its place on disk."""
    try:
        return str(json.loads(read_bytes(workspace.registry))["metadata"]["id"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
