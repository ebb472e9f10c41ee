"""What `accept` does with the work itself: `--commit`, `--merge`, `--pr`, `--checks`."""

from __future__ import annotations

from argparse import Namespace

from mailcore.cli.call import Call, Parser
from mailcore.exceptions import UsageError
from mailcore.model.message import Message


def land_options(parser: Parser) -> None:
    """Of `accept`."""
    parser.add_argument("--commit", action="store_true", help="commit what is in its agent's directory")
    parser.add_argument("--merge", action="store_true", help="merge the branch of its agent's worktree")
    parser.add_argument("--pr", action="store_true", help="push that branch, and open a pull request with gh")
    parser.add_argument("--message", default="", help="of the commit, merge or pull request; else the task's subject")
    parser.add_argument("--checks", action="store_true", help="only say how the work stands: nothing is done")


def lands(arguments: Namespace) -> bool:
    """True if the work itself is meant, too."""
    if arguments.merge and arguments.pr:
        raise UsageError("--merge or --pr: one of them")
    if arguments.checks and (arguments.commit or arguments.merge or arguments.pr):
        raise UsageError("--checks does nothing: without --commit, --merge and --pr")
    return bool(arguments.commit or arguments.merge or arguments.pr or arguments.checks)


def land(call: Call, notice: Message) -> list[str]:
    """Do it, and say it: first the checks, then what was done. Refused where it cannot be; the notice stays open."""
    from mailcore.dispatch.accepted_work import TakeOver, take_work_over, work_of

    a = call.arguments
    if a.checks:
        return work_of(call.workspace, notice)[1].lines()
    return take_work_over(call.workspace, call.caller.address, notice, TakeOver(a.commit, a.merge, a.pr, a.message))
