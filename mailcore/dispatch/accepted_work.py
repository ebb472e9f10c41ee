"""The work of a task whose end is accepted: how it stands, and how it is taken over, by whom the audit says."""

from __future__ import annotations

from dataclasses import dataclass

from mailcore.dispatch import landing
from mailcore.exceptions import MailcoreError, Refused
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.programs.registry import programs
from mailcore.text import line
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

MAX_COMMIT_TITLE = 72
"""Characters of the first line of a commit, or of a pull request's title."""


@dataclass(frozen=True, slots=True)
class TakeOver:
    """What is done with the work itself."""

    commit: bool = False
    """What is not committed in its agent's directory is."""
    merge: bool = False
    """The branch of its agent's worktree is merged."""
    pr: bool = False
    """It is pushed, and a pull request of it opened."""
    message: str = ""
    """Of the commit, merge or pull request; else the task's subject."""


def commit_title(notice: Message) -> str:
    """What a commit of the work says where nobody says it: the task's subject."""
    return line(_subject(notice), MAX_COMMIT_TITLE)


def work_of(workspace: Workspace, notice: Message) -> tuple[Agent, landing.WorkStanding]:
    """Whose work this end of a task is about, and how it stands. Refused where there is none in git."""
    agent = workspace.agent(notice.sender)
    if agent.is_reserved:
        raise Refused(f"{agent.address} has no work in git", "git")
    return agent, landing.work_standing(workspace, agent, _settings())


def take_work_over(workspace: Workspace, by: str, notice: Message, how: TakeOver) -> list[str]:
    """Do it, and say it: first the checks, then what was done. Refused where it cannot be; what was committed before
    stays committed, and that is said."""
    agent, found = work_of(workspace, notice)
    said, message = found.lines(), how.message.strip() or commit_title(notice)
    facts = {"agent": agent.address, "branch": found.branch, "id": notice.id}
    committed = how.commit and bool(found.uncommitted)
    if committed:
        said.append(landing.commit_work(agent, message, _settings()))
        audit.record(workspace, by, "commit", **facts)
        found = landing.work_standing(workspace, agent, _settings())
        said += found.lines()
    elif how.commit:
        said.append("nothing to commit")
    try:
        if how.merge and found.apart and not found.ahead and not found.uncommitted:
            said.append(f"nothing to merge: {line(found.into, 80)} has all of it")
        elif how.merge:
            said.append(landing.merge_work(workspace, found, message))
            audit.record(workspace, by, "merge", **facts, into=found.into)
        if how.pr:
            body = f"Task of {notice.sender}: {line(_subject(notice), 300)}"
            said.append(landing.open_pull_request(agent, found, message, body))
            audit.record(workspace, by, "pull request", **facts, into=found.into)
    except MailcoreError as error:
        if committed:
            raise Refused(f"committed, and no more than that: {error}", error.code) from error
        raise
    return said


def _subject(notice: Message) -> str:
    return notice.subject.partition(": ")[2] or notice.subject


def _settings() -> list[str]:
    return [one.hooks.settings for one in programs() if one.hooks is not None]
