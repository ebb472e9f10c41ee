"""Keys by which a client of the MCP server says whose it is: issued by the operator, shown once, kept as salted hashes.

Whoever has a key is the actor that it names, in what it was issued for and nothing else. The audit reports each one
that was issued or revoked: what was put into the file by hand opens nothing.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.formats import journal
from mailcore.formats.digest import digest
from mailcore.model.agent import OPERATOR, Agent
from mailcore.system import self_ignore
from mailcore.system.locks import locked
from mailcore.system.safe_open import read_bytes
from mailcore.system.writing import replace
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

FILE, LOCK = "keys.json", ".keys.lock"
VARIABLE, FILE_VARIABLE = "MAILCORE_KEY", "MAILCORE_KEY_FILE"
"""What a client's config sets: the key itself, or the file that holds it."""
NEW, REVOKED = "key new", "key revoke"
"""Verbs of the audit."""
DECISION_VERBS = frozenset({"approve", "deny"})
"""Verbs that a key is good for only where they were named when it was issued."""
_BEGINNING = "mck"


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A key as it is kept."""

    id: str
    agent: str
    """The address of the actor that it stands for."""
    may: tuple[str, ...]
    """The verbs that it is good for; none named: all of an agent's but the DECISION_VERBS."""
    at: str
    salt: str
    hash: str

    @property
    def name(self) -> str:
        """What the audit knows it by: another actor, other verbs or another secret have another."""
        return digest(json.dumps([self.id, self.agent, self.may, self.salt, self.hash]).encode())

    def allows(self, verb: str) -> bool:
        """True if it was issued for that verb; whom it stands for it always says."""
        return verb == "whoami" or (verb in self.may if self.may else verb not in DECISION_VERBS)


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """What a client says that its key is, or where it lies."""

    key: str = ""
    file: str = ""

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> PresentedKey | None:
        """What the variables say; None where they name no key."""
        key, file = variables.get(VARIABLE, ""), variables.get(FILE_VARIABLE, "")
        return cls(key, file) if key or file else None

    @property
    def where(self) -> str:
        """Where it is said, for a sentence."""
        return f"{FILE_VARIABLE}={self.file}" if self.file else VARIABLE

    def text(self) -> str:
        """The key. Refused where its file cannot be read, or others may read it."""
        if not self.file:
            return self.key.strip()
        path = Path(self.file)
        try:
            if path.stat().st_mode & 0o077:
                raise Refused(f"{self.where}: others may read it; chmod 600 it, and issue another key", "key")
            return read_bytes(path).decode("utf-8", "replace").strip()
        except OSError as error:
            raise Refused(f"{self.where}: {error.strerror}", "key") from error


def known_keys(workspace: Workspace) -> list[ClientKey]:
    """The keys that are good here, the oldest first. MailcoreError if their file cannot be read."""
    path = workspace.state_dir / FILE
    try:
        rows = json.loads(read_bytes(path, links=False))["keys"]
        return [
            ClientKey(
                id=str(row["id"]),
                agent=str(row["agent"]),
                may=tuple(map(str, row["may"])),
                at=str(row["at"]),
                salt=str(row["salt"]),
                hash=str(row["hash"]),
            )
            for row in rows
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MailcoreError(f"{path}: {error}; remove it, and issue new keys", "key") from error


def issue_key(
    workspace: Workspace, agent: Agent, may: Collection[str], allowed: Collection[str]
) -> tuple[ClientKey, str]:
    """A new key for that actor, and what to hand over: it is kept nowhere. `allowed`: the verbs that there are."""
    if strange := [verb for verb in may if verb not in allowed]:
        raise UsageError(f"--may {strange[0]}: no verb of the MCP server")
    if agent.is_operator and not may:
        raise UsageError("a key of the person is good for what you name: --may inbox,read,send")
    number, secret, salt = secrets.token_hex(4), secrets.token_urlsafe(32), secrets.token_hex(16)
    key = ClientKey(number, agent.address, tuple(dict.fromkeys(may)), journal.now(), salt, _hashed(secret, salt))
    with locked(_lock(workspace)):
        kept = known_keys(workspace)
        audit.record(workspace, OPERATOR, NEW, agent=key.agent, key=key.id, may=list(key.may), name=key.name)
        _write_keys(workspace, [*kept, key])
    return key, f"{_BEGINNING}_{number}_{secret}"


def revoke_key(workspace: Workspace, which: str) -> ClientKey:
    """Let a key, named by its id, open nothing any more. MailcoreError (code `no_key`) if there is none."""
    with locked(_lock(workspace)):
        kept = known_keys(workspace)
        found = next((key for key in kept if key.id == which), None)
        if found is None:
            raise MailcoreError(f"no key {which}; mailcore mcp key list", "no_key")
        audit.record(workspace, OPERATOR, REVOKED, agent=found.agent, key=found.id, name=found.name)
        _write_keys(workspace, [key for key in kept if key.id != which])
    return found


def prove_key(workspace: Workspace, presented: PresentedKey) -> ClientKey:
    """The key that a client presents. Refused (code `key`) unless it is one that the operator issued here."""
    text = presented.text()
    _, _, rest = text.partition(f"{_BEGINNING}_")
    number, _, secret = rest.partition("_")
    found = next((key for key in known_keys(workspace) if key.id == number), None)
    if found is None or not hmac.compare_digest(_hashed(secret, found.salt), found.hash):
        raise Refused(f"{presented.where} holds no key of {workspace.root}: it was revoked, or is another's", "key")
    if found.name not in _vouched(workspace):
        raise Refused(f"key {number} was not issued here: no line of the audit tells of it", "key")
    return found


def unissued_keys(workspace: Workspace) -> list[ClientKey]:
    """The keys that somebody put into the file by hand: no line of the audit reports them."""
    vouched = _vouched(workspace)
    return [key for key in known_keys(workspace) if key.name not in vouched]


_seen: dict[Path, tuple[tuple[int, int, int], frozenset[str]]] = {}


def _vouched(workspace: Workspace) -> frozenset[str]:
    """The names of the keys that the audit says are good; looked for again whenever the file of keys is another."""
    path = workspace.state_dir / FILE
    try:
        stat = path.stat()
    except OSError:
        return frozenset()
    stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
    if path in _seen and _seen[path][0] == stamp:
        return _seen[path][1]
    good: set[str] = set()
    try:
        for act in audit.acts_called(workspace, "key "):
            if act.get("verb") == NEW and act.get("by") == OPERATOR:
                good.add(str(act.get("name")))
            elif act.get("verb") == REVOKED:
                good.discard(str(act.get("name")))
    except OSError as error:
        raise MailcoreError(f"{workspace.state_dir / audit.FILE}: {error.strerror}; no key is known", "key") from error
    _seen[path] = stamp, frozenset(good)
    return _seen[path][1]


def _hashed(secret: str, salt: str) -> str:
    """256 random bits need no slow hash."""
    from hashlib import sha256

    return sha256(f"{salt} {secret}".encode()).hexdigest()


def _lock(workspace: Workspace) -> Path:
    self_ignore.make_ignored(workspace.state_dir)
    return workspace.state_dir / LOCK


def _write_keys(workspace: Workspace, keys: list[ClientKey]) -> None:
    path = workspace.state_dir / FILE
    rows: list[dict[str, Any]] = [
        {"id": key.id, "agent": key.agent, "may": key.may, "at": key.at, "salt": key.salt, "hash": key.hash}
        for key in keys
    ]
    try:
        replace(path, json.dumps({"keys": rows}, indent=2).encode())
        os.chmod(path, 0o600)  # noqa: PTH101
    except OSError as error:
        raise MailcoreError(f"{path}: {error.strerror}", "key") from error
