"""Dispatch a task, wake an agent, retry a run. Each raises MailcoreError with a message for people."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass, replace
from types import MappingProxyType
from typing import Any

from mailcore.accounts.account import accounts, require_account
from mailcore.config import Config
from mailcore.dispatch import remote_task
from mailcore.dispatch.admission import nesting, refused_wakes
from mailcore.dispatch.admission.hindrances import QUEUED_CODES, Hindrance
from mailcore.dispatch.aipass import monitor_runs
from mailcore.dispatch.go_on import ask_to_go_on
from mailcore.dispatch.kill import kill_run
from mailcore.dispatch.lifecycle.after_run import begin_run, clean_up, start_wake
from mailcore.dispatch.lifecycle.repeated_start import earlier_run, earlier_run_of_act
from mailcore.dispatch.process.environment import search_path
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.runs import resumable_session
from mailcore.dispatch.runs.run_list import find_run, first_record_of_run, journal_records, read_run
from mailcore.dispatch.texts import prompt
from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.formats import json_codec
from mailcore.hosts.directory import addressed_agent
from mailcore.mail import post, resumable_act
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.account import Account
from mailcore.model.agent import Agent
from mailcore.programs.base import Program
from mailcore.programs.choose import is_installed, select
from mailcore.system.writing import replace as replace_file
from mailcore.text.frames import quoted
from mailcore.text.masks import masked
from mailcore.workspace.find import Workspace

REPEATED_KEYS = (
    "sender", "subject", "message_id", "sent_id", "prompt", "text", "program", "account", "model", "depth", "root",
    "task", "priority",
)  # fmt: skip
"""What a run that is done again takes over of the former one's first record."""
MAX_TASK_TEXT = 4000
"""Characters of a task's text that the journal of its run keeps, for its story."""
MAX_PROMPT = 800
"""Characters that `wake_agent` hands over; what is longer is a task."""


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What became of one dispatch: the mail is delivered either way."""

    message_id: str
    sent_id: str
    to: str
    run_id: str | None
    busy: str = ""
    """Why the agent was not woken at once; empty if it was."""
    code: str = ""
    """The same as one word: `busy`, `held`, `occupied`, `limit`, `breaker`, `sandbox`."""
    queued: bool = False
    """It waits, and starts by itself when that is over."""


def dispatch_task(
    workspace: Workspace,
    config: Config,
    sender: str,
    target: str,
    subject: str,
    body: str,
    *,
    parent_run: str = "",
    expect: str = "",
    thread: Mapping[str, Any] = MappingProxyType({}),
    program: str = "",
    priority: str = "normal",
    account: str | None = None,
    model: str = "",
    mode: str = "",
    schema: str = "",
) -> Dispatched:
    """Mail a task and start its agent. Refused before anything is written if the agent has no program.

    `parent_run` is the run that the caller is proved to belong to: it sets how deep this one nests (`nesting`).
    `expect` says what counts as done; `schema` is the JSON Schema, as JSON, that the data of its result has to fit;
    `thread` are the keys that put the task into an earlier thread; `program` takes another than the configured one,
    `account` another account (empty: the default one), `model` is its model, and `mode` says in which session
    (`resumable_session.SESSION_MODES`). `priority` is that of the mail, and of the start where it waits among others. A
    busy agent has the mail at once; its run begins when the present one is over. One on another host is
    started by that.
    """
    words = {**thread, **({"expect": expect} if expect else {}), **schema_key(schema)}
    if (elsewhere := addressed_agent(workspace, target)).is_remote:
        sent = remote_task.send_task(
            workspace, config, sender, elsewhere, subject, body, words,
            parent_run=parent_run, priority=priority, account=account, program=program, model=model, mode=mode,
        )  # fmt: skip
        waits = f"it goes to {elsewhere.host}, which starts it{f'; {sent.waits}' if sent.waits else ''}"
        return Dispatched(sent.id, sent.sent_id, elsewhere.address, None, waits, queued=True)
    agent, chosen, credentials = check_target(workspace, config, sender, target, program, account)
    resumable_session.check_request(config, agent, chosen, credentials, model, mode)
    author = workspace.agent(sender)
    stands, task = nesting.chain_place(workspace, author, parent_run), nesting.task_mark(agent, subject, body)
    if stands.depth >= config.dispatch.wake_depth:
        refused_wakes.notify_nesting_limit(workspace, stands, agent, subject)
        raise Refused(f"this dispatch would nest {stands.depth + 1} deep; [dispatch] wake_depth is the limit", "limit")
    named = words if priority == "normal" else {**words, "priority": priority}
    # Repeated after it was interrupted, the mail is found, and what began of it: wherever the sender stands by now.
    with resumable_act.begin_act(author, "dispatch", agent.address, subject, body, named) as act:
        if not act.again:
            check_loop(config, stands, author, agent, task)
        facts = stands.facts if stands.root else {}
        sent = post.send_mail(
            workspace, sender, [target], subject, body, priority=priority, is_task=True, extra=words, facts=facts
        )[0]
        if not sent.delivered:
            raise MailcoreError(sent.error)
        mailed = Dispatched(sent.id, sent.sent_id, agent.address, None)
        if sent.again and (earlier := _earlier_dispatch(workspace, agent, mailed)) is not None:
            return earlier
        queued = {
            "sender": sender,
            "subject": subject,
            "message_id": sent.id,
            "sent_id": sent.sent_id,
            "prompt": prompt.task_prompt(agent, sent.id, sender, subject, expect, wants_data=bool(schema)),
            "text": masked(body)[:MAX_TASK_TEXT],
            "program": chosen.name,
            "account": credentials.name,
            "task": task,
            "priority": priority,
            **{key: value for key, value in (("model", model), ("mode", mode)) if value},
            **stands.facts,
        }
        try:
            nesting.record_given(stands, task, agent.address)
            started = begin_run(workspace, config, agent, queued, queueing=QUEUED_CODES)
        except (MailcoreError, OSError) as error:
            text = f"the task is delivered to {agent.address} as {sent.id} (#{sent.seq}), and is not started: {error}"
            rest = f"say the same again, which starts it and mails nothing twice, or `mailcore wake {agent.address}`"
            raise MailcoreError(f"{text}; {rest}", "not_started") from error
    if isinstance(started, str):
        return replace(mailed, run_id=started)
    return replace(mailed, busy=started.reason, code=started.code, queued=started.code in QUEUED_CODES)


def schema_key(schema: str) -> dict[str, Any]:
    """The key by which a task's mail says what the data of its result has to fit; nothing where it is text."""
    return {"schema": json_codec.loads(schema.encode())} if schema else {}


def _earlier_dispatch(workspace: Workspace, agent: Agent, mailed: Dispatched) -> Dispatched | None:
    """What an earlier call had begun of a task before it was interrupted: its run, or its place in the queue."""
    if run_id := earlier_run(workspace, agent, lambda first: first.get("message_id") == mailed.message_id):
        return replace(mailed, run_id=run_id)
    waits = queue.wait_reason(agent, mailed.message_id)
    return replace(mailed, busy=waits, code="busy", queued=True) if waits else None


def check_target(
    workspace: Workspace, config: Config, sender: str, target: str, program: str = "", account: str | None = None
) -> tuple[Agent, Program, Account]:
    """The agent that `target` names, its program and account; Refused, with the reason, if `sender` cannot dispatch it.

    `program` and `account` name others than the configured ones.
    """
    agent = workspace.agent(target)
    if agent.is_reserved:
        who = "the operator" if agent.is_operator else agent.address
        raise UsageError(f"{who} cannot be dispatched; send a mail instead")
    if agent.address == sender:
        raise Refused(f"{sender} cannot dispatch itself", "self")
    if not agent.branch.is_dir():
        raise Refused(f"{agent.address}'s branch {agent.branch} is gone; restore it, or mend the registry", "no_branch")
    chosen = select(agent, config, search_path(), program)
    return agent, chosen, require_account(config, agent.address, chosen.name, account)


def check_loop(config: Config, stands: nesting.ChainPlace, author: Agent, agent: Agent, task: str) -> None:
    """Refused (code `loop`) where this task was given to this agent too often in the same chain."""
    if why := nesting.why_loop(stands, author, agent, task, config.dispatch.same_tasks):
        raise Refused(why, "loop")


def check_free(workspace: Workspace, config: Config, agent: Agent, program: str) -> None:
    """Refused, with the reason, where a start of this agent would have to wait, as far as looking tells."""
    from mailcore.dispatch.admission import hindrances

    if reason := hindrances.hold_reason(workspace, agent):
        raise Refused(reason, "held")
    if found := hindrances.busy_hindrance(agent) or hindrances.limit_hindrance(workspace, config, program):
        raise Refused(found.reason, found.code)
    if waiting := queue.waiting_starts(agent):
        raise Refused(f"{agent.address} has {len(waiting)} starts that wait already", "busy")


def wake_agent(
    workspace: Workspace, config: Config, by: str, target: str, *, if_mail: bool = False, words: str = ""
) -> str:
    """Start an idle agent without a task of its own; returns the run's id. Refused if something is in the way.

    With `if_mail` it is refused (code `no_mail`) where nothing unread waits: for cron and timers. `words`: what it is
    told besides, quoted, for nothing proves who says it.
    """
    if len(words) > MAX_PROMPT:
        raise UsageError(f"a prompt of a wake has at most {MAX_PROMPT} characters: dispatch a task, or send a mail")
    agent = workspace.agent(target)
    box = read_mailbox(agent.inbox)
    if if_mail and not box.unread and not box.reason:
        with suppress(OSError):  # a wake is no worse for it
            replace_file(agent.wake_mark, b"", durable=False)
        raise Refused(f"{agent.address} has no unread mail", "no_mail")
    waiting = "1 unread mail waits." if box.unread == 1 else f"{box.unread} unread mails wait."
    why = waiting if box.unread else "There is no new mail: continue your worklog."
    if words.strip():
        why = f"{by} woke you, and says: {quoted(words, MAX_PROMPT)}. {waiting if box.unread else 'No new mail.'}"
    quotation = quoted(words, MAX_PROMPT) if words.strip() else ""

    def is_this(first: Mapping[str, object]) -> bool:
        subject = str(first.get("subject", ""))
        return (
            first.get("sender") == by
            and not first.get("message_id")
            and not first.get("news")  # of a mail or a decision of the same sender's: a wake of its own
            and ((quotation or f"{by} woke you") in subject) == bool(quotation)
        )

    with resumable_act.begin_act(workspace.agent(by), "wake", agent.address, words) as act:
        if run_id := earlier_run_of_act(workspace, agent, act, is_this):
            return run_id
        return _run_id_or_raise(start_wake(workspace, config, agent, queue.Wake(why, by, automatic=False), queueing=()))


def _run_id_or_raise(started: str | Hindrance) -> str:
    if isinstance(started, Hindrance):
        raise Refused(started.reason, started.code)
    return started


@dataclass(frozen=True, slots=True)
class Retry:
    """How a run is done again: as before, where nothing is said."""

    mode: str = "start"
    """`start`, `resume` or `fresh`."""
    program: str = ""
    account: str | None = None
    """Empty: the default one."""
    model: str = ""


def retry_run(workspace: Workspace, config: Config, by: str, target: str, how: Retry = Retry()) -> str:
    """Run the last task of an agent (`@a`) or of a run once more, be the run ours or AIPass's; the new run's id.

    In another program, or for another account, it begins a new session: none can go on there. A run that waits for a
    limit goes on at once instead, where nothing else is said: its own id. Else its waiting is ended.
    """
    with resumable_act.begin_act(workspace.agent(by), "retry", target, *astuple(how)) as act:
        return _retry_run(workspace, config, by, target, how, act)


def _retry_run(workspace: Workspace, config: Config, by: str, target: str, how: Retry, act: resumable_act.Act) -> str:
    agent, run = find_run(workspace, target)
    if run is None:
        raise Refused(f"{agent.address} has had no run that could be retried", "no_run")
    if run_id := earlier_run_of_act(
        workspace, agent, act, lambda first: first.get("by") == by and first.get("retry_of")
    ):
        return run_id
    workspace.agent(agent.address)  # Refused, of one that was removed
    if run.parked and how == Retry():
        clean_up(workspace, config, agent)  # if its supervisor died, it goes on under a new one
        if ask_to_go_on(workspace, agent, run, by):
            return run.run_id
        run = read_run(agent.runs_dir / run.run_id) or run
    if run.foreign:
        chosen = select(agent, config, search_path())
        fields = {**monitor_runs.record_to_repeat(agent, run), "program": chosen.name, "depth": 0}
    else:
        first = journal_records(agent.runs_dir / run.run_id)[0]
        fields = {k: first[k] for k in REPEATED_KEYS if k in first}
    fields |= _elsewhere(config, agent, fields, how)
    if run.parked:  # nothing of it is at work: it does not wait for one limit while its task is done elsewhere
        kill_run(workspace, config, by, run.run_id)
    return _run_id_or_raise(begin_run(workspace, config, agent, {**fields, "by": by, "retry_of": run.run_id}))


def other_places(workspace: Workspace, config: Config, target: str) -> list[tuple[str, Retry]]:
    """Where the last task of an agent could be done otherwise than its run did, each in words for people."""
    agent, run = find_run(workspace, target)
    name = run.program if run is not None else ""
    first = first_record_of_run(agent.runs_dir / run.run_id) if run is not None else {}
    had = str(first.get("account", config.agent(agent.address).account))
    found = []
    for account in accounts(config):
        same = (account.program, account.name) == (name, had)
        if not same and is_installed(account.program, search_path()):
            label = f"{account.program}, {f'account {account.name}' if account.name else 'its usual account'}"
            found.append((label, Retry("start", account.program, account.name)))
    return found


def _elsewhere(config: Config, agent: Agent, before: Mapping[str, Any], how: Retry) -> dict[str, Any]:
    """What a retry does otherwise than the run that it repeats, whose first record is `before`."""
    was, had = str(before.get("program", "")), before.get("account", config.agent(agent.address).account)
    if not (how.program or how.model or how.account is not None):
        return {"mode": how.mode}
    chosen = select(agent, config, search_path(), how.program or was)
    kept = None if chosen.name != was else str(had)
    account = require_account(config, agent.address, chosen.name, kept if how.account is None else how.account)
    resumable_session.check_request(config, agent, chosen, account, how.model, "")
    moved = chosen.name != was or account.name != had
    if moved and how.mode == "resume":
        raise Refused(
            "a session cannot go on in another program, or for another account: leave the mode out", "no_session"
        )
    model = how.model or ("" if chosen.name != was else str(before.get("model") or ""))
    return {"program": chosen.name, "account": account.name, "model": model, "mode": "fresh" if moved else how.mode}
