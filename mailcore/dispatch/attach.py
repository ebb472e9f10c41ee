"""Attach: a person goes on, at a terminal, in the session that an agent's runs left behind."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mailcore.accounts.account import account_variables, accounts
from mailcore.config import Config
from mailcore.dispatch.process import run_processes
from mailcore.dispatch.process.environment import clean_environment, given_account
from mailcore.dispatch.queueing.branch_gate import gate
from mailcore.dispatch.runs.branch_lock import current_lock
from mailcore.dispatch.runs.resumable_session import resumable_sessions
from mailcore.exceptions import Refused
from mailcore.model.account import Account
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.lock import Holder
from mailcore.model.session import LiveSession
from mailcore.programs.base import is_session_id
from mailcore.programs.registry import find_program, used_programs
from mailcore.workspace import audit
from mailcore.workspace.find import ROOT, Workspace


@dataclass(frozen=True, slots=True)
class Attachment:
    """What a person's terminal is to run."""

    address: str
    argv: tuple[str, ...]
    """The program's absolute path first."""
    directory: Path
    """The agent's branch."""
    environment: Mapping[str, str]
    """This process's own, cleaned as for a run, but without a run's identity; with the account's variables."""
    account: Account
    """With which the session was begun."""
    variables: Mapping[str, str]
    """By which the program is given that account."""


def attachment(workspace: Workspace, config: Config, by: str, target: str) -> Attachment:
    """How `by` goes on in `target`'s newest session.

    Refused while something works there (code `busy` or `occupied`), where no session is known (`no_session`) and where
    its program is not on PATH (`no_program`).
    """
    agent = workspace.agent(target)
    with gate(workspace, agent):
        lock = current_lock(agent)
        occupants = run_processes.occupants(agent.branch, used_programs(config))
    if lock is not None and lock.holder is not Holder.DEAD:
        work = f" on {lock.subject!r}" if lock.subject else ""
        raise Refused(
            f"{agent.address} works{work} (PID {lock.pid or '?'}): two in one session would overwrite each other. "
            f"Wait for its end, or `mailcore kill {agent.address}{f' --from {OPERATOR}' if by == OPERATOR else ''}`",
            "busy",
        )
    if occupants:
        who = " ".join(map(str, occupants))
        raise Refused(f"a person's own session works in {agent.branch} already (PID {who})", "occupied")
    session = next(resumable_sessions(config, agent), None)
    if session is None:
        raise Refused(
            f"no session of {agent.address} is known: none of its runs has left one that its program keeps",
            "no_session",
        )
    return _ready(workspace, config, by, agent, session.words, session.account)


def session_attachment(workspace: Workspace, config: Config, by: str, agent: Agent, job: str) -> Attachment:
    """How `by` goes on in a session of the project that is no agent's, `agent`; `job`: it goes on in the background.

    Refused where its program keeps it no more (`no_session`), cannot join it (`no_job`) or is not on PATH
    (`no_program`). Whether somebody has it open its caller saw.
    """
    kind = find_program(agent.program)
    mine = [account for account in accounts(config) if account.program == agent.program] if kind is not None else []
    for account in mine:
        if kind is None or not (words := kind.attach(agent, config.agent(agent.address), agent.session, account.home)):
            continue
        if job:
            join = kind.interactive.join if kind.interactive is not None else None
            if join is None or not is_session_id(job):
                raise Refused(f"{agent.address} goes on in the background, where {kind.name} joins none", "no_job")
            words = join(job)
        return _ready(workspace, config, by, agent, words, account)
    raise Refused(f"{agent.program} keeps no session of {agent.address} that could go on here", "no_session")


def job_attachment(workspace: Workspace, config: Config, by: str, agent: Agent, job: LiveSession) -> Attachment:
    """How `by` joins a session of an agent's that goes on in the background, in whatever program keeps it.

    Refused (code `no_job`) where none does that joins one.
    """
    for kind in used_programs(config):
        if kind.interactive is not None and kind.interactive.join is not None:
            with suppress(Refused):
                here = replace(agent, program=kind.name, session=job.session)
                return session_attachment(workspace, config, by, here, job.job)
    raise Refused(f"no program keeps the session of {agent.address} that goes on in the background", "no_job")


def _ready(
    workspace: Workspace, config: Config, by: str, agent: Agent, words: Sequence[str], account: Account
) -> Attachment:
    variables = account_variables(config, account)
    environment = given_account(clean_environment(used_programs(config)), variables) | {ROOT: str(workspace.root)}
    path = shutil.which(words[0], path=environment["PATH"])
    if path is None:
        raise Refused(f"{agent.address}'s session is {words[0]}'s, and {words[0]} is not on PATH", "no_program")
    audit.record(workspace, by, "attach", agent=agent.address)
    return Attachment(agent.address, (path, *words[1:]), agent.branch, environment, account, variables)
