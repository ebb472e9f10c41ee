"""How it stands with the link of a workspace: what its files say of this host, of the others, of what waits here."""

from __future__ import annotations

from dataclasses import dataclass

from mailcore.hosts.link_status import LinkStatus
from mailcore.model.link import HostRecord
from mailcore.workspace.find import Workspace


@dataclass(frozen=True, slots=True)
class HostView:
    """Another host, and what waits here for it."""

    record: HostRecord
    waiting: int = 0
    """Envelopes that it has not confirmed."""
    waiting_since: float = 0.0
    """When the oldest of those was written, seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class LinkView:
    """The link."""

    status: LinkStatus
    hosts: tuple[HostView, ...] = ()
    """By name; those that were revoked are among them."""


def read_link_view(workspace: Workspace) -> LinkView | None:
    """What the files say; None where the workspace belongs to no link. MailcoreError, OSError where they cannot be
    read. For a thread."""
    from mailcore.hosts.channel import waiting
    from mailcore.hosts.directory import read_hosts
    from mailcore.hosts.link_status import read_link_status

    status = read_link_status(workspace)
    if status is None:
        return None
    views = []
    for record in read_hosts(workspace):
        left = waiting(workspace, record.name)
        views.append(HostView(record, left.count, left.since))
    return LinkView(status, tuple(views))
