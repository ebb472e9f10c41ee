"""Which logs an agent has: its own and what they were rotated to, the output of its runs, its hooks, its sessions."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, NamedTuple

from mailcore.exceptions import MailcoreError
from mailcore.model.agent import Agent
from mailcore.model.log import LogKind, LogSource
from mailcore.model.run import RUN_ID
from mailcore.observe.log_rotation import rotated_from
from mailcore.workspace.find import workspace_at

if TYPE_CHECKING:  # of sessions alone: it takes 20 ms to import
    from mailcore.model.account import Account
    from mailcore.programs.base import SessionFiles

MAX_ROTATED = 32
"""Files that one log was rotated to, at most, the newest."""
MAX_LOGGED_RUNS = 64
"""Runs whose output is among the logs of an agent, the newest."""
MAX_LOGGED_SESSIONS = 16
"""The same of its session files."""
SESSION_DAYS = 7.0
"""Days after which a session file that was not written since is no more among the logs."""

_AIPASS_COPY = "dispatch_stdout.attempt-"
"""AIPass renames the output of a failed attempt: the same lines under another name."""
_OUTPUT = re.compile(r"attempt-(?P<number>\d{1,6})\.(?P<stream>stdout|stderr)\.log")


class SourceSign(NamedTuple):
    """How a kind of log is told apart on the screen and in a list."""

    glyph: str
    """One cell wide."""
    twin: str
    """The same in ASCII."""
    words: str
    """For the legend."""


SIGNS = {
    LogKind.OWN: SourceSign("¶", "=", "a log of its own"),
    LogKind.STDOUT: SourceSign("›", ">", "standard output of a run"),
    LogKind.STDERR: SourceSign("!", "!", "standard error of a run"),
    LogKind.HOOKS: SourceSign("¬", "h", "its program's hooks"),
    LogKind.SESSION: SourceSign("§", "S", "its program's session"),
}


def source_sign(source: LogSource, *, ascii_only: bool = False) -> str:
    """The sign of a log, one cell wide."""
    sign = SIGNS[source.kind]
    return sign.twin if ascii_only else sign.glyph


def source_name(source: LogSource) -> str:
    """How a log is called beside its agent: `app.log`, `attempt 2 stderr`, `session 3f2a…`; untrusted."""
    name = source.path.rpartition("/")[2]
    if source.kind in (LogKind.STDOUT, LogKind.STDERR):
        return f"attempt {source.attempt} {source.kind}"
    return f"session {name.partition('.')[0]}" if source.kind is LogKind.SESSION else name


def log_sources(agent: Agent, *, run_id: str = "", rotated: bool = True) -> list[LogSource]:
    """The logs of an agent that are there, the live ones before what they were rotated to.

    With `run_id` only the output of that run. A link that leads out of the branch is none of its logs.
    """
    return logs_of([agent], run_id=run_id, rotated=rotated)


def logs_of(agents: Sequence[Agent], *, run_id: str = "", rotated: bool = True) -> list[LogSource]:
    """`log_sources` of several agents of one workspace, whose sessions are looked for once."""
    if run_id:
        return [source for agent in agents for source in _outputs(agent, run_id)]
    sessions = _sessions(agents)
    return [
        source
        for agent in agents
        for source in (*_own(agent, rotated=rotated), *_outputs(agent), *sessions.get(agent.address, ()))
    ]


def _own(agent: Agent, *, rotated: bool) -> Iterator[LogSource]:
    live: list[str] = []
    older: dict[str, list[tuple[float, str]]] = {}
    for entry, written in _files_in(agent.logs_dir, agent.branch):
        if entry.startswith(_AIPASS_COPY):
            continue
        if entry.endswith(".log") or entry == agent.hooks_log.name:
            live.append(entry)
        elif (name := rotated_from(entry)).endswith(".log") or name == agent.hooks_log.name:
            older.setdefault(name, []).append((written, entry))
    for name in sorted({*live, *older}):
        kind = LogKind.HOOKS if name == agent.hooks_log.name else LogKind.OWN
        names = [name] if name in live else []
        if rotated:
            names += [one for _, one in sorted(older.get(name, ()), reverse=True)[:MAX_ROTATED]]
        for one in names:
            yield LogSource(str(agent.logs_dir / one), agent.address, kind)


def _outputs(agent: Agent, run_id: str = "") -> list[LogSource]:
    if run_id:
        runs = [run_id] if RUN_ID.fullmatch(run_id) else []
    else:
        try:
            with os.scandir(agent.runs_dir) as entries:
                runs = sorted((one.name for one in entries if RUN_ID.fullmatch(one.name)), reverse=True)[
                    :MAX_LOGGED_RUNS
                ]
        except OSError:
            runs = []
    found = []
    for run in runs:
        for name, _ in sorted(_files_in(agent.runs_dir / run, agent.branch)):
            if form := _OUTPUT.fullmatch(name):
                kind = LogKind(form["stream"])
                path = str(agent.runs_dir / run / name)
                found.append(LogSource(path, agent.address, kind, run, int(form["number"])))
    return found


def _files_in(directory: Path, branch: Path) -> list[tuple[str, float]]:
    """The regular files of a directory and when each was written; none that a link leads out of the branch to."""
    found: list[tuple[str, float]] = []
    root = os.path.realpath(branch) + os.sep
    with suppress(OSError):
        if not os.path.realpath(directory).startswith(root):
            return found
        with os.scandir(directory) as entries:
            for entry in entries:
                with suppress(OSError):
                    stat = entry.stat()
                    inside = not entry.is_symlink() or os.path.realpath(entry.path).startswith(root)
                    if inside and S_ISREG(stat.st_mode):
                        found.append((entry.name, stat.st_mtime))
    return found


def _sessions(agents: Sequence[Agent]) -> dict[str, list[LogSource]]:
    """By address those whose lines are appended, the newest first: a document that is written again whole is no log."""
    from mailcore.observe.session_discovery import SessionDiscovery

    discovery = SessionDiscovery()
    discovery.look_in(_accounts_of(agents))
    discovery.enroll(_everyone(agents))
    found: dict[str, list[LogSource]] = {}
    with suppress(Exception):  # of anybody's plug-in: the other logs are there
        for session in discovery.written_since(time.time() - SESSION_DAYS * 86400):
            if not session.files.whole:
                source = LogSource(str(session.path), session.address, LogKind.SESSION)
                found.setdefault(session.address, []).insert(0, source)
    return {address: each[:MAX_LOGGED_SESSIONS] for address, each in found.items()}


def session_kind(source: LogSource, agent: Agent) -> SessionFiles | None:
    """What the program says of the files among which that session file is; None where none knows it."""
    from mailcore.programs.registry import program

    path = Path(source.path)
    for account in _accounts_of([agent]):
        with suppress(Exception):  # of anybody's plug-in
            files = program(account.program).sessions_at(account.home)
            if files is not None and path.is_relative_to(files.root) and files.is_session(path):
                return files
    return None


def _accounts_of(agents: Sequence[Agent]) -> tuple[Account, ...]:
    """Those in whose directories sessions of that workspace may lie: by its config, if that can be read.

    Of a program that config does not name, and that is not built in, none.
    """
    from mailcore.accounts.account import accounts
    from mailcore.config import Config
    from mailcore.programs.registry import used_programs
    from mailcore.workspace.trust import trusted_config

    config = Config()
    for agent in agents[:1]:
        with suppress(MailcoreError, OSError):
            config = trusted_config(workspace_at(agent.root))[0]
    return accounts(config, used_programs(config))


def _everyone(agents: Sequence[Agent]) -> Sequence[Agent]:
    """All of the workspace: a session begun in a branch within another is the inner one's."""
    for agent in agents[:1]:
        with suppress(MailcoreError, OSError):
            return workspace_at(agent.root).agents
    return agents
