"""Mail that went to another host, as far as is known here what became of it there. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mailcore.hosts.directory import remote_agent
from mailcore.hosts.names import split_address
from mailcore.mail import lookup, receipts
from mailcore.mail.ladder import Ladder, ladder
from mailcore.mail.link_keys import BECAME, carried_by
from mailcore.mail.lookup import Copy
from mailcore.mail.message_names import choose_named
from mailcore.model.message import Message, parse_time
from mailcore.workspace.find import Workspace
from mailcore.workspace.registry import ADDRESS

ON_ITS_WAY = "waiting"
"""Where a mail stands that is on its way: on disk here, not told to be there."""


@dataclass(frozen=True, slots=True)
class RemoteCopy:
    """The copy of a mail that its recipient on another host has, or is to have."""

    copy: Copy
    told: bool
    """The other host has told that it is there."""
    refused: float = 0.0
    """When that host refused it; 0.0: it did not."""

    @property
    def steps(self) -> Ladder:
        """The rungs that it has reached."""
        message = self.copy.message
        if self.told:
            return ladder(message)
        last = (receipts.REFUSED, self.refused) if self.refused else (ON_ITS_WAY, message.at)
        return Ladder((last,))


def remote_copy(workspace: Workspace, record: Message) -> RemoteCopy | None:
    """The copy that a sender's record of a mail to another host is of; None where it is no such record."""
    name, _ = split_address(record.recipient)
    link = carried_by(record.raw)
    if link is None or not ADDRESS.fullmatch(name):
        return None
    agent = remote_agent(workspace, name, link[0])
    there = receipts.copy_there(record)
    message = there or receipts.as_there(record, {"status": "new"})
    became = record.raw.get(BECAME)
    refused = became.get(receipts.REFUSED) if isinstance(became, Mapping) else None
    at = 0.0
    if record.status == receipts.REFUSED and isinstance(refused, Mapping):
        at = parse_time(refused.get("at"))
    closed = agent.archive_dir if message.status == receipts.CLOSED else None
    return RemoteCopy(Copy(agent, message, closed), there is not None, at)


def find_remote(workspace: Workspace, message_id: str) -> RemoteCopy | None:
    """The copy of the mail to another host that is named so, by its names here or there; None if none is."""
    return choose_named(message_id, _all(workspace), lambda one: one.copy.message)


def _all(workspace: Workspace) -> Iterator[RemoteCopy]:
    for agent in (*workspace.agents, workspace.operator, workspace.watcher):
        for _, raw in lookup.sent_records(agent):
            if (found := remote_copy(workspace, Message.from_json(raw))) is not None:
                yield found
