"""What an agent sent, and what became of each mail: its own records, joined with the recipients' copies. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mailcore.exceptions import Refused
from mailcore.mail import lookup, thread_lookup
from mailcore.mail.ladder import ladder, recipient_answer
from mailcore.mail.link_keys import LINK
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
        """One word for it: `done`, `answered`, `seen`, `closed`, `stored`, `refused`, `unknown`, …, and `waiting` of
        what is on its way to another host."""
        if self.message.status == "refused":
            return "refused"
        if self.copy is None:
            if self.answer:
                return "answered"
            published = isinstance(self.message.raw.get("topic"), str)
            return "published" if published else "waiting" if LINK in self.message.raw else "unknown"
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


def sent_mails(workspace: Workspace, agent: Agent, most: int, after: str = "") -> list[SentMail]:
    """The newest mails of an agent, with what became of each; from `Page.following` on with `after`."""
    return read_sent(workspace, agent, most, after)[0][:most]


def read_sent(workspace: Workspace, agent: Agent, most: int, after: str = "") -> tuple[list[SentMail], str]:
    """The same, and where the next page begins, which is empty after the last one."""
    page = lookup.sent_page(agent, most, after)
    records = [Message.from_json(raw) for _, raw in page.records]
    records.sort(key=lambda message: (message.at, message.seq), reverse=True)
    return with_copies(workspace, agent, records), page.following


def with_copies(workspace: Workspace, agent: Agent, records: Sequence[Message]) -> list[SentMail]:
    """What became of each mail that `agent` has these records of."""
    recipients: dict[str, Agent] = {}
    for message in records:
        try:
            one = workspace.agent(message.recipient)
        except Refused:
            continue  # of another project or host, or removed
        recipients[one.address] = one
    names = {message.id for message in records if message.id}
    related = thread_lookup.related_copies(workspace, names) if names else []
    if related is None:
        related = [*lookup.copies_of(recipients.values()), *lookup.copies_of([agent])]
    copies: dict[Any, Copy] = {}
    answers: dict[str, str] = {}
    _keep(related, copies)
    for copy in related:
        if copy.agent.address == agent.address:
            answers.setdefault(copy.message.in_reply_to, copy.message.id)
    # A copy that was rewritten has the names of the first of its mails: it is found by its key.
    rewritten = {
        message.recipient: recipients[message.recipient] for message in records
        if message.raw.get("upsert_key") and message.recipient in recipients and _copy(copies, message) is None
    }  # fmt: skip
    _keep(lookup.copies_of(rewritten.values()) if rewritten else (), copies)
    return [
        SentMail(
            message,
            _copy(copies, message) or _copy_there(workspace, message),
            answers.get(message.id, "") if message.id else "",
        )
        for message in records
    ]


def _copy_there(workspace: Workspace, record: Message) -> Copy | None:
    """The copy that lies on another host, so far as that has told of it."""
    if LINK not in record.raw:
        return None
    from mailcore.mail.remote_copies import remote_copy

    found = remote_copy(workspace, record)
    return found.copy if found is not None and found.told else None


def _keep(found: Iterable[Copy], copies: dict[Any, Copy]) -> None:
    for copy in found:
        for name in _names(copy.message, copy.message.sent_id):
            copies.setdefault((copy.agent.address, name), copy)


def _names(message: Message, sent_id: str) -> list[object]:
    """What record and copy have in common: the sent id; of mail that was rewritten later, sender and key."""
    key = message.raw.get("upsert_key")
    return [*([sent_id] if sent_id else []), *([(message.sender, key)] if isinstance(key, str) and key else [])]


def _copy(copies: dict[Any, Copy], record: Message) -> Copy | None:
    names = _names(record, record.id)
    return next((copies[(record.recipient, name)] for name in names if (record.recipient, name) in copies), None)
