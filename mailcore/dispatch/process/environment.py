"""What the processes that we start find in their environment: the user's own, without what belongs to a run or session.

A project's programs come before ours: of our `bin` directory an agent gets `mailcore` alone.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from mailcore.formats.digest import digest
from mailcore.programs.base import Program
from mailcore.system import VARIABLE, user_directories, writing
from mailcore.system.python_child import child
from mailcore.system.safe_open import read_bytes
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
    """This process's environment without what belongs to a run, nor to a surrounding session of one of the programs."""
    traces = INHERITED.union(*(one.variables for one in programs))
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == VARIABLE or (name not in traces and not name.startswith(INHERITED_PREFIXES))
    }
    return {**kept, "PATH": search_path()}
