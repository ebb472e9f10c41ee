"""Mail that went to another host, as far as is known here what became of it there. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mailcore.hosts.directory import remote_agent
from mailcore.hosts.names import split_address
from mailcore.mail import lookup, receipts
from mailcore.mail.ladder import Ladder, ladder
from mailcore.mail.link_keys import BECAME, LINK
from mailcore.mail.lookup import Copy
from mailcore.mail.message_names import choose_named
from mailcore.model.message import Message
from mailcore.workspace.find import Workspace

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


def remote_copy(workspace: Workspace, record: Message) -> RemoteCopy:
    """The copy that a sender's record of a mail to another host is of."""
    host = str(record.raw[LINK]["host"])
    agent = remote_agent(workspace, split_address(record.recipient)[0], host)
    there = receipts.copy_there(record)
    message = there or receipts.as_there(record, {"status": "new"})
    refused = record.raw.get(BECAME, {}).get(receipts.REFUSED, {}) if record.status == receipts.REFUSED else {}
    at = Message.from_json({"stored_at": refused.get("at")}).stored_at if refused else 0.0
    closed = agent.archive_dir if message.status == receipts.CLOSED else None
    return RemoteCopy(Copy(agent, message, closed), there is not None, at)


def find_remote(workspace: Workspace, message_id: str) -> RemoteCopy | None:
    """The copy of the mail to another host that is named so, by its names here or there; None if none is."""
    return choose_named(message_id, _all(workspace), lambda one: one.copy.message)


def _all(workspace: Workspace) -> Iterator[RemoteCopy]:
    for agent in (*workspace.agents, workspace.operator, workspace.watcher):
        for _, raw in lookup.sent_records(agent):
            link = raw.get(LINK)
            if isinstance(link, dict) and isinstance(link.get("host"), str) and isinstance(link.get("envelope"), str):
                yield remote_copy(workspace, Message.from_json(raw))
