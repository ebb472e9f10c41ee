"""`lease`."""

from __future__ import annotations

import os

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import sender_option
from mailcore.exceptions import UsageError
from mailcore.system.safe_open import own_directory
from mailcore.text import line
from mailcore.text.units import duration, iso, seconds_in, soon
from mailcore.workspace.leases import PathLease

LONGEST_LEASE = 7 * 86400.0
"""Seconds of a lease at most."""
MAX_WHY = 300


def arguments(verb: str, parser: Parser) -> None:
    """`lease PATH… [--for 1h] [--why TEXT]`, `lease`, `lease --end [PATH…]`."""
    del verb
    parser.add_argument("paths", nargs="*", metavar="PATH", help="a file or directory of the project; none: list all")
    parser.add_argument("--for", dest="time", default="1h", metavar="TIME", help="how long, like 30m or 2h (1h)")
    parser.add_argument("--why", default="", help="what for; whoever is warned reads it")
    parser.add_argument("--end", action="store_true", help="end yours on these paths, or all of yours")
    sender_option(parser)


def lease(call: Call) -> VerbResult:
    """Say which files you change, for how long: others are warned before they do. Without a path: who has what."""
    from mailcore.workspace import audit, leases

    a, workspace = call.arguments, call.workspace
    if not a.paths and not a.end:
        found = leases.read_leases(workspace)
        return [_value(one) for one in found], "\n".join(one.told() for one in found) or "nothing is leased"
    by = call.caller
    paths = [_project_name(call, path) for path in a.paths]
    if a.end:
        ended = leases.end_leases(workspace, "" if by.agent.is_operator else by.address, paths)
        if ended:
            audit.record(workspace, by.address, "lease end", paths=" ".join(paths) or "all")
        return {"ended": ended}, "ended" if ended else "there was none to end"
    seconds = seconds_in(a.time)
    if seconds is None or not 0 < seconds <= LONGEST_LEASE:
        raise UsageError(f"--for {a.time}: a length of time, like 30m or 2h, at most {duration(LONGEST_LEASE)}")
    taken = leases.take_lease(workspace, by.address, paths, seconds, line(a.why, MAX_WHY))
    audit.record(workspace, by.address, "lease", paths=" ".join(paths), until=iso(taken.until))
    return _value(taken), f"leased until {soon(taken.until)}: {' '.join(line(one, 120) for one in taken.paths)}"


def _project_name(call: Call, name: str) -> str:
    """The path as seen from the project's directory, whichever worktree it is meant in, the caller's or another."""
    from mailcore.workspace.project_path import project_path
    from mailcore.workspace.worktree import counterpart

    agent, here = call.caller.agent, own_directory()
    path = project_path(agent, name, str(here)) or project_path(agent, str(counterpart(here / name) or ""), "/")
    if not path:
        raise UsageError(f"{name!r} is no path of the project in {call.workspace.root}")
    return os.path.relpath(path, call.workspace.root)


def _value(one: PathLease) -> dict[str, object]:
    return {"by": one.by, "paths": list(one.paths), "until": iso(one.until), "why": one.why}
