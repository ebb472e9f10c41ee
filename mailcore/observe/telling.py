"""What this host tells the others of its agents: what changed, bounded, and no more than a screen shows. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import structs

from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.lock import Lock
from mailcore.model.log import GrowingLog
from mailcore.model.message import Mailbox, Message
from mailcore.model.run import Run
from mailcore.observe.facts import AgentTold, Roster
from mailcore.observe.told import TOLD_FIELDS
from mailcore.text.masks import masked

NEWEST_MAILS, OLDEST_MAILS = 12, 4
"""Of a mailbox, so many of the newest and of the oldest open mails are told; the others are counted."""
NEWEST_HELD = 30
"""Of so many of the newest more is held: that they came is told, too (`fold.MAX_ACTIVITIES`)."""
MAX_REQUESTS = 10
"""Requests for approval of one agent that are told, the oldest."""
MAX_TOLD_SUBJECT, MAX_TOLD_ANSWER, MAX_TOLD_REQUEST = 200, 400, 4_000
"""Characters of a subject, of a result, and of what is asked for."""
MAX_TOLD_ATTEMPTS = 50
"""Attempts of a run that are told, the newest."""
MAX_TOLD_NOTES = 3
KEPT_KEYS = ("approval", "upsert_key", "updates", "feedback", "project", "sender_proof")
"""What else is told of a mail."""
MAX_KEPT_TEXT = 300
"""Characters of each text among it."""


def roster(fleet: Fleet) -> Roster:
    """Who is here, without the places of this machine."""
    local = (facts.agent for facts in fleet.agents if not facts.agent.is_remote)
    agents = (Agent(one.address, one.name, Path(), one.role) for one in local)
    return Roster(tuple(agents), tuple(map(masked, fleet.notes[:MAX_TOLD_NOTES])))


def telling(old: AgentFacts | None, new: AgentFacts) -> AgentTold | None:
    """What is to be told of an agent of whom `old` was told, None: nothing; None if there is nothing new."""
    before = old if old is not None else AgentFacts(new.agent)
    found: dict[str, Any] = {}
    for name in TOLD_FIELDS:
        value, known = getattr(new, name), getattr(before, name)
        if value is known or value == known:
            continue
        bounded = _bounded(value, new.agent)
        if bounded != _bounded(known, new.agent):
            found[name] = bounded
    told = {id(activity) for activity in before.activities}
    if activities := tuple(activity for activity in new.activities if id(activity) not in told):
        found["activities"] = activities
    return AgentTold(new.address, whole=old is None, **found) if found or old is None else None


def without_untold(mailbox: Mailbox) -> Mailbox:
    """The mailbox without what is told to nobody: who only tells need not hold the text of all mail.

    Requests for approval are as they are; of the newest and oldest mails stays what stands in their heads, of the
    others that they are there.
    """
    waiting = [message for message in mailbox.messages if message.status != "closed"]
    shown = {id(message) for message in (*waiting[:NEWEST_HELD], *waiting[-OLDEST_MAILS:])}

    def light(message: Message) -> Message:
        if "approval" in message.raw:
            return message
        if id(message) in shown or "upsert_key" in message.raw or not message.id:
            raw = {key: message.raw[key] for key in KEPT_KEYS if key in message.raw}
            return dataclasses.replace(message, body="", reply_path="", raw=raw)
        return Message(message.id, "", message.at, "", "", "", message.status, unread=message.unread)

    return dataclasses.replace(mailbox, messages=tuple(map(light, mailbox.messages)))


def _bounded(value: Any, agent: Agent) -> Any:
    match value:
        case Mailbox():
            return _heads(value)
        case Run():
            return _short(value)
        case Lock():
            return dataclasses.replace(value, nonce="")
        case (GrowingLog(), *_):
            return tuple(structs.replace(one, path=_place(Path(one.path), agent.branch)) for one in value)
        case (Message(), *_):
            return tuple(_head(one, MAX_TOLD_REQUEST) for one in value[:MAX_REQUESTS])
    return value


def _place(path: Path, branch: Path) -> str:
    """A file as seen from its agent's directory; of one elsewhere its name."""
    return str(path.relative_to(branch)) if path.is_relative_to(branch) else path.name


def _heads(mailbox: Mailbox) -> Mailbox:
    waiting = [message for message in mailbox.messages if message.status != "closed"]
    told: Sequence[Message] = waiting
    if len(waiting) > NEWEST_MAILS + OLDEST_MAILS:
        told = [*waiting[:NEWEST_MAILS], *waiting[-OLDEST_MAILS:]]
    heads = tuple(_head(message, 0) for message in told)
    unread = sum(message.unread for message in waiting) - sum(message.unread for message in heads)
    return Mailbox(mailbox.status, heads, mailbox.reason, len(waiting) - len(heads), unread)


def _head(message: Message, body: int) -> Message:
    ack = message.ack
    if ack is not None:
        ack = dataclasses.replace(ack, result=ack.result[:MAX_TOLD_ANSWER])
    return dataclasses.replace(
        message,
        subject=message.subject[:MAX_TOLD_SUBJECT],
        body=masked(message.body)[:body] if body else "",
        reply_path="",
        ack=ack,
        raw={key: _kept(message.raw[key]) for key in KEPT_KEYS if key in message.raw},
    )


def _kept(value: Any) -> Any:
    """A value of a mail's further keys: a text, a number, or an object of such; nothing deeper."""
    if isinstance(value, str):
        return value[:MAX_KEPT_TEXT]
    if isinstance(value, Mapping):
        plain = {str(key)[:60]: one for key, one in value.items() if isinstance(one, str | int | float | None)}
        return {key: _kept(one) for key, one in list(plain.items())[:20]}
    return value if isinstance(value, int | float) else None


def _short(run: Run) -> Run:
    return dataclasses.replace(
        run,
        subject=run.subject[:MAX_TOLD_SUBJECT],
        attempts=run.attempts[-MAX_TOLD_ATTEMPTS:],
        result=masked(run.result)[:MAX_TOLD_ANSWER],
        answer=masked(run.answer)[:MAX_TOLD_ANSWER],
    )
