"""What the processes that we start find in their environment: the user's own, without what belongs to a run or session.

A project's programs come before ours: of our `bin` directory an agent gets `mailcore` alone.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mailcore.formats.digest import digest
from mailcore.programs.base import USUAL, Launch, Program
from mailcore.system import VARIABLE, user_directories, writing
from mailcore.system.processes import pid_namespace
from mailcore.system.python_child import child
from mailcore.system.safe_open import read_bytes
from mailcore.text import line
from mailcore.workspace.find import ROOT
from mailcore.workspace.lock_reader import PID_NAMESPACE
from mailcore.workspace.variables import AGENT, NONCE, ROUTER_NAMES, RUN_ID

INHERITED = {RUN_ID, NONCE, AGENT, *ROUTER_NAMES, "AIPASS_DISPATCH_ID"}
INHERITED_PREFIXES = ("MAILCORE_", "AIPASS_CALLER_")
"""What one run must never hand to another: its identity."""

MAILCORE_COMMAND = "mailcore"


def search_path() -> str:
    """The PATH that agents' programs are looked for on, and get: this process's, and first of all `mailcore` alone.

    After it come the places of programs that cron leaves out, where AIPass looks too (contract section 4).
    """
    path = os.environ.get("PATH") or os.defpath
    known = path.split(os.pathsep)
    usual = [str(user_directories.home() / ".local" / "bin"), "/usr/local/bin", "/usr/bin"]
    known += [place for place in usual if place not in known and os.path.isdir(place)]  # noqa: PTH112
    alone = _mailcore_directory()
    if alone is not None:
        known = [str(alone), *(place for place in known if place != str(alone))]
    elif (scripts := str(Path(sys.executable).parent)) not in known:
        known.append(scripts)
    return os.pathsep.join(known)


def _mailcore_directory() -> Path | None:
    """A directory that holds `mailcore` of this installation and nothing else; None where there can be none.

    Unlike the one that pip made it starts whatever PYTHONPATH and the like say.
    """
    text = f'#!/bin/sh\nexec {shlex.join(child("mailcore.cli"))} "$@"\n'.encode()
    command = user_directories.state_home() / "bin" / digest(text, 8) / MAILCORE_COMMAND
    with suppress(OSError):
        if not command.exists():
            command.parent.mkdir(parents=True, exist_ok=True)
            writing.link_new(command, text, 0o755)
        if read_bytes(command, links=False) == text and os.access(command, os.X_OK):
            return command.parent
    return None


def clean_environment(programs: Iterable[Program] = ()) -> dict[str, str]:
    """This process's environment without what belongs to a run, nor to a surrounding session of one of the programs.

    Where an account was given to this process, the variables are as they were before.
    """
    traces = INHERITED.union(*(one.variables for one in programs))
    variables = {
        name: value
        for name, value in os.environ.items()
        if name == VARIABLE or (name not in traces and not name.startswith(INHERITED_PREFIXES))
    }
    for name, value in os.environ.items():
        if name.startswith(USUAL) and value:
            variables[name.removeprefix(USUAL)] = value
        elif name.startswith(USUAL):
            variables.pop(name.removeprefix(USUAL), None)
    return {**variables, "PATH": search_path()}


def given_account(environment: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """The environment with an account's variables, and what was there before: for whom another starts from within."""
    before = {f"{USUAL}{name}": environment.get(name, "") for name in variables}
    return {**environment, **before, **variables}


def agent_environment(
    programs: Iterable[Program],
    run_id: str,
    secret: str,
    queued: Mapping[str, Any],
    launch: Launch,
    attempt: int,
    account: Mapping[str, str],
) -> dict[str, str]:
    """The environment of an agent's program in one attempt of a run; `queued` is the first record of the run.

    `account`: the variables by which it is given its account.
    """
    environment = given_account(clean_environment(programs), account) | {
        RUN_ID: run_id,
        ROOT: str(launch.agent.root),
        PID_NAMESPACE: pid_namespace(),
        NONCE: secret,
        AGENT: launch.agent.address,
        # Others' words, for scripts that do not read their mail: on one line, and of a bounded length.
        "MAILCORE_TASK": line(str(queued.get("message_id") or ""), 80),
        "MAILCORE_SENDER": line(str(queued.get("sender") or ""), 80),
        "MAILCORE_SUBJECT": line(str(queued.get("subject") or ""), 300),
        "MAILCORE_PROMPT": launch.prompt,
        "MAILCORE_MODE": launch.mode,
        "MAILCORE_ATTEMPT": str(attempt),
        # AIPass's own names, for hooks and tools of its that the agent runs (contract section 4).
        "AIPASS_BRANCH_NAME": launch.agent.name,
        "AIPASS_DISPATCH_ID": run_id,
        "AIPASS_SPAWNED": "1",
        "AIPASS_SESSION_TYPE": "dispatched",
    }
    environment.setdefault("PYTHONUNBUFFERED", "1")  # else what it prints is seen at its end: no sign of life
    return environment
