"""What comes from other hosts of acts: one that is asked for, one that is taken back, an answer, a question.

None of it is carried out by the process of the link: that only keeps it and starts who does (`act_runner`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts.act_proof import act_of, prove_act, refusal, require_bounded
from mailcore.hosts.act_rules import rule_of
from mailcore.hosts.acts import ActOutcome, ActState
from mailcore.hosts.asked_acts import ACT_ID, MAX_QUEUED
from mailcore.hosts.asked_acts import take_answer as take_answer  # the handler of ANSWER
from mailcore.hosts.directory import read_host
from mailcore.link.act_runner import carried_out, start_runner, tell_outcome
from mailcore.link.taken_acts import find_taken, keep_act, untold_acts
from mailcore.model.link import Envelope, HostRecord
from mailcore.workspace.find import Workspace

LONGEST_LOOK = 20.0
"""Seconds that a question may take."""


def take_act(workspace: Workspace, envelope: Envelope, repeated: bool = False) -> None:
    """Keep an act that another host asks for, or that it is taken back; it is carried out in its turn, once."""
    del repeated
    if "cancels" in envelope.body:
        taken = find_taken(workspace, envelope.sender, _id(envelope.body["cancels"]))
        if taken is not None:
            taken.say(".cancel")
        return
    act = act_of(envelope.body.get("act"), envelope.sender)
    if (host := read_host(workspace, envelope.sender)) is not None:
        require_bounded(act, host)
    waiting = untold_acts(workspace, envelope.sender)
    if len(waiting) >= MAX_QUEUED and all(one.act.id != act.id for one in waiting):
        why = f"{len(waiting)} acts of {envelope.sender} wait already"
        outcome = ActOutcome(act.id, ActState.REFUSED, 3, code="flood", why=why)
        tell_outcome(workspace, envelope.sender, outcome)
        return
    keep_act(workspace, act, envelope.seq)
    start_runner(workspace, envelope.sender)


def refuse_act(workspace: Workspace, envelope: Envelope, error: MailcoreError) -> None:
    """Tell who asked that an act was not even taken, and why."""
    outcome = ActOutcome(envelope.id, ActState.REFUSED, error.exit_status, code=error.code, why=str(error))
    tell_outcome(workspace, envelope.sender, outcome)


def answer_question(workspace: Workspace, asker: HostRecord, question: Mapping[str, Any]) -> bytes:
    """The outcome of a verb that only looks, as JSON. Refused for what would change something.

    Who proves nothing has no process started here.
    """
    act = act_of(question.get("act"), asker.name)
    if not rule_of(act.argv).shows:
        raise Refused(f"{act.verb} changes something: it is asked for as an act", "act")
    try:
        prove_act(workspace, act)
    except Refused as error:
        return msgspec.json.encode(refusal(act, error))
    return msgspec.json.encode(carried_out(workspace, act, LONGEST_LOOK))


def _id(text: object) -> str:
    if not isinstance(text, str) or not ACT_ID.fullmatch(text):
        raise Refused("an act without an id", "act")
    return text
