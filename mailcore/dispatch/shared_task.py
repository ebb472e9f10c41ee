"""One task to several agents: to all of them, or to none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from mailcore.config import Config
from mailcore.dispatch import control, remote_task
from mailcore.dispatch.admission import nesting
from mailcore.dispatch.control import Dispatched
from mailcore.dispatch.runs import resumable_session
from mailcore.exceptions import MailcoreError
from mailcore.hosts.directory import addressed_agent
from mailcore.mail import reachable, resumable_act
from mailcore.model.agent import Agent
from mailcore.workspace.find import Workspace


@dataclass(frozen=True, slots=True)
class TaskTerms:
    """How a task is to be done, where it is said; each as of `control.dispatch_task`."""

    expect: str = ""
    program: str = ""
    priority: str = "normal"
    account: str | None = None
    model: str = ""
    mode: str = ""
    schema: str = ""
    """A JSON Schema, as JSON, that the data of its result has to fit; empty: its result is text."""
    waits: bool = True
    """A busy agent begins it later; False: refused for all where one of them could not begin now."""


@dataclass(frozen=True, slots=True)
class SharedTask:
    """What became of it."""

    done: tuple[Dispatched, ...]
    failed: tuple[tuple[str, str], ...]
    """Address and reason of each that failed though nothing had spoken against it: a disk that became full."""

    def failure(self) -> str:
        """Who has not got it and why, who has; empty if nothing failed."""
        if not self.failed:
            return ""
        lines = [f"{address}: {why}" for address, why in self.failed]
        lines += [f"{' '.join(one.to for one in self.done)}: has it"] if self.done else []
        return "\n".join([*lines, *(["say the same again: nobody gets it twice"] if self.done else [])])


def dispatch_to_all(
    workspace: Workspace,
    config: Config,
    sender: str,
    targets: Sequence[str],
    subject: str,
    body: str,
    terms: TaskTerms,
    parent_run: str = "",
) -> SharedTask:
    """Mail a task to each agent and start it. What speaks against one refuses all, before a mail is written."""
    author, failed = workspace.agent(sender), []
    done: list[Dispatched] = []
    with resumable_act.begin_act(author, "dispatch", list(targets), subject, body, *astuple(terms)[:-1]) as act:
        check_all(workspace, config, author, targets, (subject, body), terms, parent_run, again=act.again)
        for target in targets:
            try:
                one = control.dispatch_task(
                    workspace, config, sender, target, subject, body, parent_run=parent_run, expect=terms.expect,
                    program=terms.program, account=terms.account, priority=terms.priority, model=terms.model,
                    mode=terms.mode, schema=terms.schema,
                )  # fmt: skip
            except MailcoreError as error:
                if len(targets) == 1:
                    raise
                failed.append((target, str(error)))
            else:
                done.append(one)
        if failed:
            act.leave_open()
    return SharedTask(tuple(done), tuple(failed))


def check_all(
    workspace: Workspace,
    config: Config,
    author: Agent,
    targets: Sequence[str],
    words: tuple[str, str],
    terms: TaskTerms,
    parent_run: str = "",
    *,
    again: bool = False,
) -> None:
    """Refused, naming each agent that speaks against it and why. `words`: subject and body; `again`: some may have it
    already, from a call that was interrupted."""
    subject, body = words
    stands = nesting.chain_place(workspace, author, parent_run)
    agents: list[Agent] = []
    wrong: list[MailcoreError] = []
    for target in targets:
        try:
            if (elsewhere := addressed_agent(workspace, target)).is_remote:
                remote_task.check_remote_target(elsewhere)
                agents.append(elsewhere)
                continue
            agent, chosen, account = control.check_target(
                workspace, config, author.address, target, terms.program, terms.account
            )
            resumable_session.check_request(config, agent, chosen, account, terms.model, terms.mode)
            if not again:
                control.check_loop(config, stands, author, agent, nesting.task_mark(agent, subject, body))
                if not terms.waits:
                    control.check_free(workspace, config, agent, chosen.name)
            agents.append(agent)
        except MailcoreError as error:
            wrong.append(error)
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise type(wrong[0])("\n".join(dict.fromkeys(map(str, wrong))), wrong[0].code)
    if not again and len(agents) > 1:
        fields = {"subject": subject, "message": body, **control.schema_key(terms.schema)}
        reachable.check_recipients(workspace, author, agents, fields)
