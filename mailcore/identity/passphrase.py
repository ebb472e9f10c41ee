"""The operator's passphrase: what an agent's tools do not have. Kept as a salted hash in the user's config directory.

It is typed at the terminal or comes by a file descriptor, never as a word or a variable, which others can read. Each
workspace's audit knows which passphrase it was: another HOME, with another passphrase, is found out.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.formats.digest import digest
from mailcore.model.agent import OPERATOR
from mailcore.system.safe_open import read_bytes
from mailcore.system.user_directories import config_home
from mailcore.system.writing import replace
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

SET, OFF, WRONG = "passphrase", "passphrase off", "passphrase wrong"
"""Verbs of the audit."""
MIN_LENGTH = 8
_COST = {"n": 1 << 15, "r": 8, "p": 1, "maxmem": 1 << 26}


def passphrase_file() -> Path:
    """The file that holds the hash."""
    return config_home() / "operator.json"


@dataclass(frozen=True, slots=True)
class StoredPassphrase:
    """The passphrase as it is kept."""

    salt: str
    hash: str
    former: tuple[str, ...] = ()
    """Names of the ones before it, which a workspace may still know."""

    @property
    def name(self) -> str:
        """What distinguishes it from another, and nothing of what it is."""
        return digest(f"{self.salt} {self.hash}".encode())

    def is_(self, phrase: str) -> bool:
        """True if the phrase is this one."""
        return hmac.compare_digest(_hashed(phrase, self.salt), self.hash)


def _hashed(phrase: str, salt: str) -> str:
    from hashlib import scrypt

    return scrypt(phrase.encode(), salt=salt.encode(), **_COST).hex()


def stored_passphrase() -> StoredPassphrase | None:
    """The passphrase that is set; None if none is. MailcoreError if the file cannot be read."""
    try:
        raw: dict[str, Any] = json.loads(read_bytes(passphrase_file()))
        return StoredPassphrase(str(raw["salt"]), str(raw["hash"]), tuple(map(str, raw.get("former", []))))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MailcoreError(f"{passphrase_file()}: {error}; remove it and set the passphrase anew", "proof") from error


def is_wanted(workspace: Workspace, configured: str) -> bool:
    """True if an act of the operator's asks for the passphrase: config says so, or it was set here and not put off.

    A hand in config.toml can ask for it, and not do without it.
    """
    return configured == "passphrase" or _last(workspace).get("verb") == SET


def _last(workspace: Workspace) -> dict[str, Any]:
    """What the audit said last of the passphrase here; empty if nothing. MailcoreError (code `proof`) where that cannot
    be read: what is not known is not done without."""
    last: dict[str, Any] = {}
    try:
        for act in audit.acts_called(workspace, SET):
            if act.get("by") == OPERATOR and act.get("verb") in (SET, OFF):
                last = act
    except OSError as error:
        path = workspace.state_dir / audit.FILE
        raise MailcoreError(
            f"{path}: {error.strerror}; whether a passphrase is asked for is not known", "proof"
        ) from error
    return last


def require_passphrase(workspace: Workspace, phrases: Iterator[str]) -> None:
    """Refused (code `proof`) unless the next of `phrases` is the operator's."""
    found = stored_passphrase()
    if found is None:
        raise Refused(f"{passphrase_file()}: no passphrase is set: `mailcore operator passphrase` sets it", "proof")
    last = _last(workspace)
    if last.get("verb") == SET and last.get("name") not in (found.name, *found.former):
        raise Refused(
            f"{passphrase_file()} holds another passphrase than the one that {workspace.root} knows "
            f"(its audit, {last.get('at')}): another HOME, or a hand in the file. Restore it.",
            "proof",
        )
    if not found.is_(next(phrases, "")):
        audit.record(workspace, OPERATOR, WRONG)
        raise Refused("that is not the operator's passphrase", "proof")
    if last.get("name") != found.name:
        audit.record(workspace, OPERATOR, SET, name=found.name)
    audit.current_proof.set("passphrase")


def set_passphrase(workspace: Workspace, phrases: Iterator[str]) -> None:
    """Set the passphrase: the next of `phrases` is the present one, if there is one, then come the new one twice."""
    before = stored_passphrase()
    if before is not None or _last(workspace).get("verb") == SET:
        require_passphrase(workspace, phrases)
    phrase = next(phrases, "")
    if len(phrase) < MIN_LENGTH:
        raise UsageError(f"a passphrase of {MIN_LENGTH} characters or more", "proof")
    if next(phrases, phrase) != phrase:
        raise UsageError("the two are not the same; nothing was set", "proof")
    salt = secrets.token_hex(16)
    former = (*before.former, before.name) if before is not None else ()
    chosen = StoredPassphrase(salt, _hashed(phrase, salt), former)
    try:
        passphrase_file().parent.mkdir(parents=True, exist_ok=True)
        replace(passphrase_file(), json.dumps({"salt": salt, "hash": chosen.hash, "former": former}).encode())
        passphrase_file().chmod(0o600)
    except OSError as error:
        raise MailcoreError(f"{passphrase_file()}: {error.strerror}; no passphrase is set", "proof") from error
    audit.record(workspace, OPERATOR, SET, name=chosen.name)


def stop_asking(workspace: Workspace, phrases: Iterator[str]) -> None:
    """Ask for it no more in this workspace, if the next of `phrases` is the operator's."""
    require_passphrase(workspace, phrases)
    audit.record(workspace, OPERATOR, OFF)


def read_phrases(descriptor: int | None, *prompts: str) -> Iterator[str]:
    """What is said: the lines of a file descriptor, or what is typed at the terminal after each of the prompts."""
    if descriptor is not None:
        yield from _lines(descriptor)
        return
    from mailcore.system import terminal

    for prompt in prompts:
        try:
            yield terminal.ask_hidden(prompt)
        except OSError as error:
            raise Refused(
                "this asks for the operator's passphrase: call it at a terminal, or with --proof-fd N", "proof"
            ) from error


def _lines(descriptor: int) -> Iterator[str]:
    try:
        text = b""
        while more := os.read(descriptor, 4096):
            text += more
    except OSError as error:
        raise UsageError(f"--proof-fd {descriptor}: {error.strerror}", "proof") from error
    yield from text.decode("utf-8", "replace").splitlines()
