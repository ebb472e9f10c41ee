"""What is asked of git before a task's end is accepted: how its work stands, and what can be done with it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from mailcore.dispatch.accepted_work import TakeOver, commit_title, work_of
from mailcore.dispatch.landing import WorkStanding, hindrance, in_git
from mailcore.exceptions import MailcoreError
from mailcore.model.message import Message
from mailcore.text import counted
from mailcore.workspace import trust
from mailcore.workspace.find import Workspace


@dataclass(frozen=True, slots=True)
class AcceptChoice:
    """One way to accept."""

    label: str
    means: str
    """What will happen."""
    how: TakeOver = TakeOver()  # noqa: RUF009
    hindered: str = ""
    """Why it cannot be done now."""


ALONE = AcceptChoice("accept it", "the mail is closed; git is not touched")


@dataclass(frozen=True, slots=True)
class WorkToAccept:
    """What there is to take over."""

    checks: tuple[str, ...]
    choices: tuple[AcceptChoice, ...]
    """The first of them leaves the work as it is."""

    @property
    def asks(self) -> bool:
        """There is something to be chosen, or to be told before."""
        return len(self.choices) > 1 or bool(self.checks)

    @classmethod
    def of_standing(cls, found: WorkStanding, title: str) -> WorkToAccept:
        """What can be done with work that stands so; `title`: of a commit of it."""
        if not found.uncommitted and not (found.apart and found.ahead):
            return cls((), (ALONE,))
        return cls(tuple(found.lines()), (ALONE, *_choices(found, title)))


def work_to_accept(workspace: Workspace, message: Message) -> WorkToAccept:
    """How the work stands that this mail tells the end of, and what can be done with it. Git is asked."""
    try:
        agent = workspace.agent(message.sender)
        if agent.is_reserved or not in_git(agent):
            return WorkToAccept((), (ALONE,))
    except MailcoreError:  # it is no agent's of this host
        return WorkToAccept((), (ALONE,))
    try:
        trust.require_trust(workspace)
        found = work_of(workspace, message)[1]
    except MailcoreError as error:
        return WorkToAccept((f"✗ {error}",), (ALONE,))
    return WorkToAccept.of_standing(found, commit_title(message))


def _choices(found: WorkStanding, title: str) -> Iterator[AcceptChoice]:
    files = counted(len(found.uncommitted), "file")
    first = f"{files} committed as {title!r}; " if found.uncommitted else ""
    if found.uncommitted:
        yield AcceptChoice("accept and commit", f"{first}the mail is closed", TakeOver(commit=True))
    if not found.apart:
        return
    why = hindrance(found, committed=True)[0]
    both = "commit, " if found.uncommitted else ""
    means = f"{first}{found.branch} merged into {found.into}; the mail is closed"
    yield AcceptChoice(f"accept, {both}merge", means, TakeOver(commit=bool(found.uncommitted), merge=True), why)
    means = f"{first}{found.branch} pushed to origin, a pull request into {found.into} opened; the mail is closed"
    why = why or ("" if shutil.which("gh") else "gh is not there, which opens it")
    yield AcceptChoice(f"accept, {both}pull request", means, TakeOver(commit=bool(found.uncommitted), pr=True), why)
