"""What the processes that we start find in their environment: the user's own, without what belongs to a run or session.

A project's programs come before ours: of our `bin` directory an agent gets `mailcore` alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from mailcore.evidence import AGENT, NONCE, ROUTER_NAMES, RUN_ID
from mailcore.programs.base import Program
from mailcore.system import VARIABLE, user

INHERITED = {RUN_ID, NONCE, AGENT, *ROUTER_NAMES, "AIPASS_DISPATCH_ID"}
INHERITED_PREFIXES = ("MAILCORE_", "AIPASS_CALLER_")
"""What one run must never hand to another: its identity."""

COMMAND = "mailcore"


def search_path() -> str:
    """The PATH that agents' programs are looked for on, and get: this process's, and `mailcore` of this installation.

    After it come the places of programs that cron leaves out, where AIPass looks too (contract section 4).
    """
    path = os.environ.get("PATH") or os.defpath
    known = path.split(os.pathsep)
    usual = [str(user.home() / ".local" / "bin"), "/usr/local/bin", "/usr/bin"]
    known += [place for place in usual if place not in known and os.path.isdir(place)]  # noqa: PTH112
    ours = Path(sys.executable).parent / COMMAND
    found = shutil.which(COMMAND, path=path)
    if ours.exists() and not (found and os.path.realpath(found) == os.path.realpath(ours)):
        alone = _alone(ours)
        known = [str(alone), *known] if alone is not None else [*known, str(ours.parent)]
    return os.pathsep.join(known)


def _alone(ours: Path) -> Path | None:
    """A directory that holds a link to our command and nothing else; None where there can be none."""
    link = user.state() / "bin" / hashlib.sha256(os.fsencode(ours)).hexdigest()[:16] / COMMAND
    with suppress(OSError):
        if not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):  # another start was faster
                link.symlink_to(ours)
        if link.readlink() == ours:
            return link.parent
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
