"""What `accept` does with the work itself: `--commit`, `--merge`, `--pr`, `--checks`."""

from __future__ import annotations

from argparse import Namespace

from mailcore.cli.call import Call, Parser
from mailcore.exceptions import Refused, UsageError
from mailcore.model.message import Message
from mailcore.text import line

MAX_COMMIT_TITLE = 72
"""Characters of the first line of a commit, or of a pull request's title."""


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
    from mailcore.dispatch import landing
    from mailcore.programs.registry import programs
    from mailcore.workspace import audit

    a, workspace = call.arguments, call.workspace
    agent = workspace.agent(notice.sender)
    if agent.is_reserved:
        raise Refused(f"{agent.address} has no work in git", "git")
    settings = [one.hooks.settings for one in programs() if one.hooks is not None]
    found = landing.work_standing(workspace, agent, settings)
    said = found.lines()
    if a.checks:
        return said
    subject = notice.subject.partition(": ")[2] or notice.subject
    message = a.message.strip() or line(subject, MAX_COMMIT_TITLE)
    by, facts = call.caller.address, {"agent": agent.address, "branch": found.branch, "id": notice.id}
    if a.commit and found.uncommitted:
        said.append(landing.commit_work(agent, message, settings))
        audit.record(workspace, by, "commit", **facts)
        found = landing.work_standing(workspace, agent, settings)
        said += found.lines()
    elif a.commit:
        said.append("nothing to commit")
    if a.merge and found.apart and not found.ahead and not found.uncommitted:
        said.append(f"nothing to merge: {line(found.into, 80)} has all of it")
    elif a.merge:
        said.append(landing.merge_work(workspace, found, message))
        audit.record(workspace, by, "merge", **facts, into=found.into)
    if a.pr:
        said.append(landing.open_pull_request(agent, found, message, f"Task of {notice.sender}: {line(subject, 300)}"))
        audit.record(workspace, by, "pull request", **facts, into=found.into)
    return said
