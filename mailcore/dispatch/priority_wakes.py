"""Wakes for mail of high priority: who is started, who waits for its turn, who needs none, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailcore.config import Config
from mailcore.dispatch.admission import nesting, refused_wakes
from mailcore.dispatch.admission.hindrances import QUEUED_CODES, Hindrance, busy_hindrance
from mailcore.dispatch.lifecycle.after_run import start_wake
from mailcore.dispatch.lifecycle.repeated_start import earlier_run
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.runs.run_list import first_record_of_run
from mailcore.exceptions import MailcoreError, Refused, UsageError, caveat
from mailcore.formats.timestamps import utc_time
from mailcore.mail import active_waits, resumable_act
from mailcore.mail.outbox import Sent
from mailcore.model.agent import OPERATOR, WATCHER, Agent
from mailcore.text.frames import quoted
from mailcore.workspace import trust
from mailcore.workspace.find import Workspace

DEFAULT_REASON = "sent mail of high priority"
TURN_TEXTS = {
    "held": "it is started when it is released",
    "limit": "it is started when a place is free",
    "sandbox": "it is started from outside, when this run is over",
}
"""When a wake that waits has its turn; where nothing is said here, when what is in the way is over."""


@dataclass(frozen=True, slots=True)
class WakeOutcome:
    """What became of the wake of one recipient."""

    run_id: str = ""
    """Of the run that began; empty where none did."""
    why: str = ""
    """Why not at once."""
    code: str = ""
    """The same as one word: `busy`, `held`, `limit`, `breaker`, …; `hears`: it sits in a `wait` for that mail."""
    queued: bool = False
    """It waits, and starts by itself when that is over."""

    def as_json(self) -> dict[str, Any]:
        """The value that a script reads."""
        if self.run_id:
            return {"woken": self.run_id}
        return {"not_woken": self.why, "code": self.code, "queued": self.queued}

    @property
    def short_text(self) -> str:
        """The same in a word or two, for one line."""
        if self.run_id:
            return "woken"
        return f"{'waits' if self.queued else 'not woken'}: {self.code}"

    @property
    def text(self) -> str:
        """The text for people."""
        if self.run_id:
            return f"woken: run {self.run_id}"
        later = TURN_TEXTS.get(self.code, "it is started when that is over")
        return f"not woken yet: {self.why}; {later}" if self.queued else f"not woken: {self.why}"


def wake_recipients(
    workspace: Workspace,
    config: Config,
    by: str,
    sent: Sequence[Sent],
    subject: str,
    parent_run: str = "",
    what: str = DEFAULT_REASON,
    since: float = 0.0,
    automatic: bool | None = None,
) -> dict[str, WakeOutcome]:
    """Start the idle recipients of high-priority mail at once; a busy one is woken again when its run is over.

    The mail is delivered already, so what hinders a wake is no error: it is returned, by address. Nothing is said of
    the operator, whom nobody starts. `what`: what `by` did, in words for the one who is woken. Who sits in a `wait` for
    this mail hears it there, or has heard it `since` the act began. Sent from within `parent_run` the wake nests one
    deeper, so that two agents cannot wake each other for ever. `automatic`: breakers may refuse it; by default, where
    no person sent it.
    """
    woken: dict[str, WakeOutcome] = {}
    for one in sent:
        if not one.delivered or one.to in (OPERATOR, WATCHER):
            continue
        try:
            trust.require_trust(workspace)
            woken[one.to] = _wake(
                workspace,
                config,
                by,
                one,
                subject,
                parent_run,
                what,
                since,
                by != OPERATOR if automatic is None else automatic,
            )
        except (MailcoreError, OSError) as error:
            woken[one.to] = WakeOutcome(why=str(error), code=getattr(error, "code", "failed"))
            if not isinstance(error, Refused | UsageError):
                resumable_act.leave_open()
                text = f"{one.to} has it in its mail, and is not woken: {error}"
                caveat(f"{text}; say the same again, which wakes it and mails nothing twice")
    return woken


def wake_other_project(
    own: Workspace, author: Agent, parent_run: str, other: Workspace, sent: Sent
) -> WakeOutcome | None:
    """Start another project's orchestrator for feedback that was delivered there; None where nobody can be started.

    By that project's config, which must be trusted, and as a start by itself: its breakers, its holds and the depth of
    nesting count, so that two projects cannot keep each other awake.
    """
    try:
        agent = other.agent(sent.to)
        if agent.is_operator:
            return None
        trust.require_trust(other)
        config, _ = trust.trusted_config(other)
        stands = nesting.chain_place(own, author, parent_run)
        if stands.depth >= config.dispatch.wake_depth:
            why = f"it would nest {stands.depth + 1} deep; [dispatch] wake_depth is the limit"
            return WakeOutcome(why=why, code="limit")
        # No address of theirs: an agent of that name here may be there too, and would be taken for the one who asked.
        why = f"{author.address} of the project {quoted(own.root.name, 60)} gave feedback: {quoted(sent.subject)}."
        wake = queue.Wake(why, "", stands.depth + 1, facts={"news": [sent.id, sent.sent_id], "since": utc_time(0.0)})
        started = start_wake(other, config, agent, wake)
    except (MailcoreError, OSError) as error:
        return WakeOutcome(why=str(error), code=getattr(error, "code", "failed"))
    if isinstance(started, Hindrance):
        return WakeOutcome(why=started.reason, code=started.code, queued=started.code in QUEUED_CODES)
    return WakeOutcome(started)


def _wake(
    workspace: Workspace,
    config: Config,
    by: str,
    one: Sent,
    subject: str,
    parent_run: str,
    what: str,
    since: float,
    automatic: bool,
) -> WakeOutcome:
    agent, author = workspace.agent(one.to), workspace.agent(by)
    names = [name for name in (one.id, one.sent_id, one.answers) if name]
    hears = active_waits.is_waiting_for(agent, names, ("approval", "reply") if one.answers else ())
    here = WakeOutcome(why="it hears this in its own `mailcore wait`", code="hears")
    if active_waits.was_notified(active_waits.notified_names(agent), names, since):
        return here
    if hears and busy_hindrance(agent) is None:
        return here
    if not hears and parent_run and one.answers and _is_task_of(workspace, parent_run, one.answers):
        return WakeOutcome(why="it is woken when this run is over", code="run")
    if one.again and (run_id := earlier_run(workspace, agent, lambda first: one.id in _causes(first))):
        return WakeOutcome(run_id)
    stands = nesting.chain_place(workspace, author, parent_run)
    if stands.depth >= config.dispatch.wake_depth:
        if hears:
            return here
        refused_wakes.notify_nesting_limit(workspace, stands, agent, subject)
        raise Refused(f"it would nest {stands.depth + 1} deep; [dispatch] wake_depth is the limit", "limit")
    why = f"{by} {what}, message {one.id}: {quoted(subject)}."
    # A person's own is asked for by a person, and no breaker's business.
    facts = {**stands.facts, "news": names, "since": utc_time(since)}
    started = start_wake(workspace, config, agent, queue.Wake(why, by, stands.depth + 1, automatic, "high", facts))
    if hears:
        # Its place in the queue is for the case that its wait ends before it has heard: what was heard leaves it.
        return here
    if isinstance(started, Hindrance):
        return WakeOutcome(why=started.reason, code=started.code, queued=started.code in QUEUED_CODES)
    return WakeOutcome(started)


def _causes(first: Mapping[str, Any]) -> list[Any]:
    """What a run was begun for, by its first record."""
    causes = first.get("news")
    return causes if isinstance(causes, list) else []


def _is_task_of(workspace: Workspace, run_id: str, sent_id: str) -> bool:
    """True if a run is about the task of that name."""
    for agent in workspace.agents:
        first = first_record_of_run(agent.runs_dir / run_id)
        if first:
            return bool(first.get("message_id")) and sent_id in (first.get("sent_id"), first.get("message_id"))
    return False
