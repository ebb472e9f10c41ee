"""The data that goes with a mail, or that answered it: what the next step of a piece of work takes."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.mail import lookup
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.schemas.document import Data


def data_of(agent: Agent, message: Message) -> Data | None:
    """A message's own data; of a task that `agent` gave the data of its result. None where there is none."""
    if "data" in message.raw:
        return Data(message.raw["data"])
    if message.sender != agent.address:
        return None
    names = {name for name in (message.id, message.sent_id) if name}
    found = (one for one in _mail(agent) if one.in_reply_to in names and "data" in one.raw)
    answer = max(found, key=lambda one: (one.came_at, one.seq), default=None)
    return None if answer is None else Data(answer.raw["data"])


def _mail(agent: Agent) -> Iterator[Message]:
    yield from read_mailbox(agent.inbox).messages
    yield from (Message.from_json(raw) for _, raw in lookup.archived_messages(agent))
