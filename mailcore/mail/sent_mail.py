"""What an agent sent, and what became of each mail: its own records, joined with the recipients' copies. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mailcore.exceptions import Refused
from mailcore.mail import lookup
from mailcore.mail.ladder import ladder, recipient_answer
from mailcore.mail.lookup import Copy
from mailcore.mail.message_names import choose_named
from mailcore.model.agent import Agent
from mailcore.model.message import FINAL, Message
from mailcore.workspace.find import Workspace


@dataclass(frozen=True, slots=True)
class SentMail:
    """One mail that an agent sent."""

    message: Message
    """The sender's own record; its `id` is what the recipient's copy has as `sent_id`."""
    copy: Copy | None = None
    """The recipient's; None where there is none: refused, of another project, removed since."""
    answer: str = ""
    """The id of the newest answer to it in the sender's mailbox."""

    @property
    def became(self) -> str:
        """One word for it: `done`, `answered`, `seen`, `closed`, `stored`, `refused`, `unknown`, …"""
        if self.message.status == "refused":
            return "refused"
        if self.copy is None:
            return "answered" if self.answer else "unknown"
        rung = ladder(self.copy.message).rung
        ack = recipient_answer(self.copy.message)
        if ack is not None:
            return ack.state if ack.state != "acknowledged" or not self.answer else "answered"
        return "answered" if self.answer else "closed" if self.copy.archived is not None else rung

    @property
    def result(self) -> str:
        """What was said of it: a task's result, or why it was not delivered; untrusted text."""
        if self.message.status == "refused":
            return str(self.message.raw.get("refused_reason") or "")
        ack = recipient_answer(self.copy.message) if self.copy is not None else None
        return ack.result if ack is not None and ack.state in (*FINAL, "approved", "denied") else ""


def own_records(agent: Agent) -> Iterator[Message]:
    """An agent's records of what it sent."""
    return (Message.from_json(raw) for _, raw in lookup.sent_records(agent))


def find_sent(agent: Agent, message_id: str) -> Message | None:
    """The agent's own record that is named so, by its id, its number, or the beginning of an id; None if none is."""
    return choose_named(message_id, own_records(agent), lambda message: message)


def sent_mails(workspace: Workspace, agent: Agent, most: int) -> list[SentMail]:
    """The newest mails of an agent, with what became of each."""
    newest = sorted(own_records(agent), key=lambda message: (message.at, message.seq), reverse=True)[:most]
    recipients: dict[str, Agent] = {}
    for message in newest:
        try:
            one = workspace.agent(message.recipient)
        except Refused:
            continue  # of another project, or removed
        recipients[one.address] = one
    copies: dict[Any, Copy] = {}
    for copy in lookup.copies_of(recipients.values()):
        for name in _names(copy.message, copy.message.sent_id):
            copies.setdefault((copy.agent.address, name), copy)
    answers: dict[str, str] = {}
    for copy in lookup.copies_of([agent]):
        answers.setdefault(copy.message.in_reply_to, copy.message.id)
    return [
        SentMail(message, _copy(copies, message), answers.get(message.id, "") if message.id else "")
        for message in newest
    ]


def _names(message: Message, sent_id: str) -> list[object]:
    """What record and copy have in common: the sent id; of mail that was rewritten later, sender and key."""
    key = message.raw.get("upsert_key")
    return [*([sent_id] if sent_id else []), *([(message.sender, key)] if isinstance(key, str) and key else [])]


def _copy(copies: dict[Any, Copy], record: Message) -> Copy | None:
    names = _names(record, record.id)
    return next((copies[(record.recipient, name)] for name in names if (record.recipient, name) in copies), None)
