"""The session that an agent's next run may go on in: the one that AIPass's pointer names, else one of our runs.

The pointer, `.ai_mail.local/session.json` (contract section 4), is read and written, so that either program goes on
where the other one stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailcore.accounts.account import accounts
from mailcore.config import Config
from mailcore.dispatch.runs.run_list import read_run, run_ids
from mailcore.exceptions import Refused, UsageError
from mailcore.formats import journal
from mailcore.formats.json_codec import dumps, loads
from mailcore.model.account import Account
from mailcore.model.agent import Agent
from mailcore.programs.base import Output, Program, is_session_id
from mailcore.programs.registry import find_program
from mailcore.system import safe_open, writing

POINTER = "session.json"
SESSION_MODES = ("resume", "fork", "fresh")
"""How a dispatch may ask for its session: go on in the newest, in a copy of it, or in a new one, as without a word."""
_LARGEST = 65536


@dataclass(frozen=True, slots=True)
class ResumableSession:
    """A session that a program keeps."""

    account: Account
    """In whose directory it is kept: nowhere else can it go on."""
    id: str
    words: tuple[str, ...]
    """The command line by which a person goes on in it."""


def check_request(config: Config, agent: Agent, kind: Program, account: Account, model: str, mode: str) -> None:
    """Refused, saying why, if the agent's program cannot do what a dispatch asks of it."""
    if model.startswith("-") or not model.isprintable() or model != model.strip():
        raise UsageError(f"--model {model!r}: a model's name, as the program calls it")
    for wanted in filter(None, ("model" if model else "", mode if mode != "fresh" else "")):
        if wanted not in kind.takes:
            can = ", ".join(f"--{one}" for one in sorted(kind.takes)) or "neither --model, --resume nor --fork"
            raise Refused(f"{agent.address} is a {kind.name} agent, which takes {can}; not --{wanted}", "no_option")
    if mode in ("resume", "fork") and not newest_session(config, agent, account):
        where = f" for the account {account.name}" if account.name else ""
        raise Refused(
            f"no session of {agent.address} is known that {kind.name} keeps{where}: leave --{mode} out", "no_session"
        )


def newest_session(config: Config, agent: Agent, account: Account) -> str:
    """The id of the newest session of an agent that is kept for this account; empty if none is."""
    return next((one.id for one in resumable_sessions(config, agent) if one.account.key == account.key), "")


def resumable_sessions(config: Config, agent: Agent) -> Iterator[ResumableSession]:
    """Each session that is kept, the newest first; for whichever account, that of its run before all others."""
    every = accounts(config)
    for name, given, run_account, output in _named(agent):
        if (kind := find_program(name)) is None:
            continue
        # A supervisor that was killed could not write down how its program named the session: the output tells.
        session_id = kind.session(given, output) if output is not None else given
        likely = sorted((one for one in every if one.program == name), key=lambda one: one.name != run_account)
        for account in likely:
            if words := kind.attach(agent, config.agent(agent.address), session_id, account.home):
                yield ResumableSession(account, session_id, tuple(words))
                break


def _named(agent: Agent) -> Iterator[tuple[str, str, str, Output | None]]:
    """Program, session, account and output of what went on in a session, the newest first."""
    pointer = _pointer(agent)
    if pointer and pointer.get("cwd") in (str(agent.branch), str(agent.branch.resolve())):
        yield str(pointer.get("provider")), str(pointer.get("session_id")), "", None
    for run_id in reversed(run_ids(agent)):
        run_dir = agent.runs_dir / run_id
        run = read_run(run_dir)
        if run is None:
            continue
        for attempt in reversed(run.attempts):
            name = f"attempt-{attempt.number}"
            output = Output(run_dir / f"{name}.stdout.log", run_dir / f"{name}.stderr.log")
            yield run.program, attempt.session_id, run.account, output


def _pointer(agent: Agent) -> dict[str, Any]:
    try:
        found = loads(safe_open.read_bytes(_path(agent), links=False, most=_LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def write_pointer(agent: Agent, program: str, session_id: str) -> None:
    """Name the session in which a run went on, for the next run, AIPass's too. OSError where the disk refuses."""
    if not is_session_id(session_id):
        return
    pointer = {"session_id": session_id, "set_at": journal.now(), "set_by": "mailcore"}
    data = dumps(pointer | {"cwd": str(agent.branch), "provider": program})
    if not writing.link_new(_path(agent), data, 0o600):
        writing.replace(_path(agent), data, root=agent.boundary)


def _path(agent: Agent) -> Path:
    return agent.mail_dir / POINTER
