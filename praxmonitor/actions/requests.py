"""What the operator asks of mailcore, save what `kills` ends: each act for a worker thread. Returns what was asked, in
words; raises MailcoreError with mailcore's own.

Imports mailcore's wings late: none of them is needed for the first paint.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from mailcore.config import Config
from mailcore.exceptions import MailcoreError, UsageError
from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts
from mailcore.model.run import Run
from mailcore.text.units import duration
from mailcore.workspace.find import Workspace
from praxmonitor.actions.entitlement import entitle as entitle
from praxmonitor.actions.entitlement import is_locked as is_locked
from praxmonitor.actions.entitlement import me as me
from praxmonitor.actions.entitlement import prove as prove
from praxmonitor.actions.remote_requests import ask_there, host_of, refuse_elsewhere, story_there

if TYPE_CHECKING:
    from mailcore.dispatch.attach import Attachment
    from mailcore.dispatch.control import Retry
    from mailcore.dispatch.queueing.queue import WaitingStart
    from mailcore.mail.outbox import Sent
    from mailcore.model.message import Message
    from mailcore.model.session import LiveSession


VERB_OF = {"approved": "approve", "denied": "deny"}
"""A decision → the verb of it."""


def note_mute(workspace: Workspace, verb: str, what: str, why: str) -> None:
    """Let the audit say that alarms were muted (`mute`) or are heard again (`unmute`), and which."""
    from mailcore.workspace import audit

    audit.record(workspace, me(workspace), verb, alarms=what, why=why)


def reply(workspace: Workspace, config: Config, message_id: str, body: str) -> str:
    """Answer a mail of the operator's; mailcore closes it then, and wakes who had asked with high priority. Any other
    waits first, and can be taken back."""
    from mailcore.mail import post

    original = post.find_message(workspace.operator, message_id)
    from mailcore.mail.outgoing import LONGEST_BODY

    if config.mail.undo and original.priority != "high" and len(body) <= LONGEST_BODY:
        return _reply_later(workspace, config.mail.undo, original, body)
    began = time.time()
    sent = post.reply_to(workspace, me(workspace), message_id, body)
    if not sent.delivered:
        raise MailcoreError(sent.error)
    return f"reply to {sent.to}{woken(workspace, config, sent, 'answered you', began)}"


def _reply_later(workspace: Workspace, wait: float, original: Message, body: str) -> str:
    from mailcore.mail import outgoing, post, route
    from mailcore.workspace import audit

    sender = me(workspace)
    if not body.strip():
        raise UsageError("a reply needs a text")
    post.refuse_undecided(workspace.operator, original)
    to = route.reply_recipient(workspace, original).address
    subject = original.subject if original.subject.startswith("RE: ") else f"RE: {original.subject}"
    terms = {"answers": original.id or original.sent_id}
    proof = audit.current_proof.get()
    mail = outgoing.Outgoing(sender, (to,), subject, body, "reply", original.priority, terms, proof)
    outgoing.put(workspace, mail, wait)
    return f"reply to {to}, in {duration(wait)}"


def woken(workspace: Workspace, config: Config, sent: Sent, what: str, began: float) -> str:
    """Wake for an answer of high priority, given since `began`; whom it woke, or why not, to be put after it."""
    if not sent.urgent:
        return ""
    from mailcore.dispatch.priority_wakes import wake_recipients

    woken = wake_recipients(workspace, config, OPERATOR, [sent], sent.subject, what=what, since=began)
    return "".join(f" ({one.short_text})" for one in woken.values())


def mark_opened(workspace: Workspace, message_id: str) -> str:
    """The operator has read a mail of theirs."""
    from mailcore.mail import post

    post.read_messages(workspace, me(workspace), [message_id])
    return "opened"


def close(workspace: Workspace, message_ids: Collection[str]) -> str:
    """Archive these mails of the operator's, and no other; all of them stay open if one waits for a decision."""
    from mailcore.mail import post

    closed = post.close_messages(workspace, me(workspace), message_ids)
    return f"close {len(closed)} mails" if len(message_ids) > 1 else "close"


def decide(
    workspace: Workspace, config: Config, message_id: str, decision: str, why: str, approver: str = OPERATOR
) -> str:
    """Say `approved` or `denied` to a request in the operator's mailbox, as `mailcore approve|deny` does: refused to an
    agent that sits at this screen. `approver`: whose mailbox that is, be it that of another host's operator."""
    from mailcore.dispatch import conflict_choice
    from mailcore.mail import approvals

    if host_of(workspace, approver):
        return ask_there(workspace, approver, VERB_OF[decision], why, target=message_id)
    request = approvals.find_request(workspace, config, message_id)
    tier = request.tier if request is not None else 0
    secret = config.tiers[tier].proof if tier in config.tiers else "none"
    entitle(workspace, config, workspace.agent(config.approver(tier)).address, secret=secret)
    began = time.time()
    sent, became = conflict_choice.decide_request(workspace, config, OPERATOR, request, message_id, decision, why)
    if not sent.delivered:
        return f"{decision}; {sent.to} is not told: {sent.error}"
    if became:
        return f"{decision}; {', '.join(f'{name} {what}' for name, what in became.items())}"
    return f"{decision}, told to {sent.to}{woken(workspace, config, sent, f'{decision} what you asked for', began)}"


def wake(workspace: Workspace, config: Config, address: str) -> str:
    """Start an idle agent without a task of its own."""
    from mailcore.dispatch import control
    from mailcore.workspace import trust

    if host_of(workspace, address):
        return ask_there(workspace, address, "wake")
    trust.require_trust(workspace)
    control.wake_agent(workspace, config, me(workspace), address)
    return f"wake {address}; D ends it"


def waiting(workspace: Workspace, address: str) -> list[WaitingStart]:
    """The starts that wait for this agent, the oldest first."""
    from mailcore.dispatch.queueing import queue

    refuse_elsewhere(workspace, address, "its queue is changed with mailcore queue --host HOST")
    return queue.waiting_starts(workspace.agent(address))


def cancel(workspace: Workspace, queue_id: str) -> str:
    """Take one waiting start out of its agent's queue; its mail stays. MailcoreError if it waits no more."""
    from mailcore.dispatch.queueing import queue

    gone = queue.cancel_start(workspace, me(workspace), queue_id)
    return f"cancel {gone.agent.address}: {gone.subject}"


def hold(workspace: Workspace, address: str) -> str:
    """Let nobody start this agent; what runs goes on."""
    from mailcore.dispatch.admission.hold import place_hold

    if host_of(workspace, address):
        return ask_there(workspace, address, "hold")
    place_hold(workspace, me(workspace), address, "")
    return f"hold {address}"


def release(workspace: Workspace, config: Config, address: str) -> str:
    """Let it start again, with what waited for it. MailcoreError says how, if it is held with all others."""
    from mailcore.dispatch.release import release_hold
    from mailcore.workspace.holds import hold_text

    if host_of(workspace, address):
        return ask_there(workspace, address, "release")
    everyone = hold_text(workspace.state_dir, "every agent")
    if everyone and not hold_text(workspace.agent(address).mail_dir, address):
        raise MailcoreError(f"{everyone}; `mailcore release --all` lets them start again", "held")
    entitle(workspace, config)
    release_hold(workspace, config, me(workspace), address)
    return f"release {address}" + (f"; {everyone}" if everyone else "")


def story(workspace: Workspace, address: str) -> str:
    """The agent's newest run on one page of Markdown. Reads only."""
    from mailcore.dispatch.runs.run_list import find_run
    from mailcore.dispatch.runs.run_story import read_story

    if host_of(workspace, address):
        return story_there(workspace, address)
    agent, run = find_run(workspace, address)
    if run is None:
        raise MailcoreError(f"{address} has had no run that could be told", "no_run")
    return read_story(workspace, agent, run).as_markdown()


def stray_attachment(workspace: Workspace, config: Config, facts: AgentFacts) -> Attachment:
    """The same of a session in the project that is no agent's."""
    from mailcore.dispatch.attach import session_attachment
    from mailcore.workspace import trust

    trust.require_trust(workspace)
    job = next((one.job for one in facts.sessions if one.job), "")
    return session_attachment(workspace, config, me(workspace), facts.agent, job)


def join_attachment(workspace: Workspace, config: Config, address: str, job: LiveSession) -> Attachment:
    """The same of a session of an agent's that goes on in the background."""
    from mailcore.dispatch.attach import job_attachment
    from mailcore.workspace import trust

    trust.require_trust(workspace)
    return job_attachment(workspace, config, me(workspace), workspace.agent(address), job)


def attachment(workspace: Workspace, config: Config, address: str) -> Attachment:
    """What the terminal is to run so that the operator goes on in the agent's own session."""
    from mailcore.dispatch.attach import attachment
    from mailcore.workspace import trust

    if host_of(workspace, address):
        from mailcore.dispatch.remote_attach import remote_attachment
        from mailcore.hosts.directory import find_agent

        me(workspace)
        return remote_attachment(workspace, config, find_agent(workspace, address))
    trust.require_trust(workspace)
    return attachment(workspace, config, me(workspace), address)


def elsewhere(workspace: Workspace, config: Config, address: str) -> list[tuple[str, Retry]]:
    """Where the last task of an agent could be done otherwise, for people: other programs, other accounts."""
    from mailcore.dispatch import control

    refuse_elsewhere(workspace, address, "mailcore retry --with or --account names where its task is to be done")
    return control.other_places(workspace, config, address)


def retry_elsewhere(workspace: Workspace, config: Config, address: str, shown: Run | None, how: Retry) -> str:
    """Do the last task of an agent otherwise; a run of it that waits for a limit is ended before."""
    from mailcore.dispatch import control
    from mailcore.workspace import trust

    trust.require_trust(workspace)
    control.retry_run(workspace, config, me(workspace), shown.run_id if shown is not None else address, how)
    return f"the task of {address} begins there; D ends it"


def retry_earlier(workspace: Workspace, config: Config, run: Run) -> str:
    """Start a run again that is not its agent's last."""
    from mailcore.dispatch import control
    from mailcore.workspace import trust

    if host_of(workspace, run.target):
        return ask_there(workspace, run.target, "retry", target=run.run_id)
    trust.require_trust(workspace)
    control.retry_run(workspace, config, me(workspace), run.run_id)
    return f"retry an earlier run of {run.target}; D ends it"


def run_of(workspace: Workspace, run_id: str) -> Run:
    """A run, be it its agent's last or not. MailcoreError if nothing is known of it any more."""
    from mailcore.dispatch.runs.run_list import find_run

    run = find_run(workspace, run_id)[1]
    if run is None:
        raise MailcoreError(f"nothing is known any more of the run {run_id}", "no_run")
    return run


def retry(workspace: Workspace, config: Config, address: str, shown: Run | None) -> str:
    """Start the run of an agent that was `shown` again, and no later one; another program's: its last one.

    One that waits for a limit goes on.
    """
    from mailcore.dispatch import control
    from mailcore.workspace import trust

    if host_of(workspace, address):
        named = "" if shown is None or shown.foreign else shown.run_id
        return ask_there(workspace, address, "retry", target=named)
    trust.require_trust(workspace)
    target = address if shown is None or shown.foreign else shown.run_id
    control.retry_run(workspace, config, me(workspace), target)
    parked = shown is not None and shown.parked
    return f"{address} goes on now" if parked else f"retry {address}; D ends it"
