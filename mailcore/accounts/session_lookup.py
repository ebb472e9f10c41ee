"""Where a session of an agent's program was begun, by its id: among all accounts, whosever it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mailcore.accounts.account import accounts, why_unusable
from mailcore.config import Config
from mailcore.exceptions import Refused
from mailcore.model.account import Account
from mailcore.programs.base import ProgramFailed, is_session_id
from mailcore.programs.registry import program
from mailcore.text import line

SHORTEST = 8
"""Characters of an id that are enough to find it by."""


def session_directory(config: Config, name: str) -> str:
    """The directory that the session of that id, or beginning of one, was begun in; empty if none is known.

    Refused if there are several. A session that goes on is asked first: its program says so in a file of few bytes.
    """
    if not is_session_id(name) or len(name) < SHORTEST:
        return ""
    usable = [one for one in accounts(config) if not why_unusable(one)]
    for look in (_living, _written):
        found = {cwd for account in usable for cwd in look(account, name)} - {""}
        if len(found) > 1:
            places = " ".join(line(one, 200) for one in sorted(found))
            raise Refused(f"{name} is the beginning of several sessions, begun in {places}", "ambiguous")
        if found:
            return found.pop()
    return ""


def _living(account: Account, name: str) -> Iterator[str]:
    with suppress(ProgramFailed, OSError):
        if (statuses := program(account.program).statuses_at(account.home)) is not None:
            for path in statuses.root.iterdir():
                status = statuses.read(path)
                if status is not None and status.session.startswith(name):
                    yield status.cwd


def _written(account: Account, name: str) -> Iterator[str]:
    with suppress(ProgramFailed, OSError):
        if (files := program(account.program).sessions_at(account.home)) is not None:
            for path in _named(files.root, name):
                if files.is_session(path):
                    yield files.cwd_of(path, ())


def _named(root: Path, name: str) -> Iterator[Path]:
    """The files below a directory that bear the id in their names, a subagent's not among them."""
    return (path for path in root.rglob(f"*{name}*") if "subagents" not in path.parts)
