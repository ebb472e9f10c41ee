"""What the link's process says of itself, on disk: whether it runs, and whether the server is reached."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from mailcore.hosts.membership import link_directory, read_membership
from mailcore.system import writing
from mailcore.system.locks import is_locked
from mailcore.system.processes import alive
from mailcore.system.safe_open import read_bytes
from mailcore.workspace.find import Workspace

STATUS, LOCK = "status.json", "lock"


class LinkReport(msgspec.Struct, frozen=True):
    """What the process wrote last."""

    pid: int
    start_ticks: int
    since: float
    """When it started, seconds since the epoch."""
    connected: bool = False
    changed_at: float = 0.0
    """When it was last connected, or lost the connection."""
    server: str = ""
    """Where the server is."""
    server_pid: int = 0
    """Of the server, where it runs here; 0: elsewhere, or not at all."""
    trouble: str = ""
    """What went wrong last; empty: nothing since it is connected."""
    version: str = ""
    max_payload: int = 0
    """Bytes of a message that the server takes, at most; 0: it is not known."""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """How it stands with this workspace's link, as far as its files say."""

    host: str
    project: str
    role: str
    server: tuple[str, ...]
    report: LinkReport | None = None
    """None: its process does not run."""

    @property
    def is_connected(self) -> bool:
        """Whether the server is reached."""
        return self.report is not None and self.report.connected


def read_link_status(workspace: Workspace) -> LinkStatus | None:
    """How it stands with the link; None where this workspace belongs to none."""
    membership = read_membership(workspace)
    if membership is None:
        return None
    return LinkStatus(membership.host, membership.project, membership.role, membership.server, _report(workspace))


def write_link_report(workspace: Workspace, report: LinkReport) -> None:
    """Say how it stands."""
    writing.replace(link_directory(workspace) / STATUS, msgspec.json.encode(report), durable=False)


def link_runs(workspace: Workspace) -> bool:
    """Whether a process of the link's runs here."""
    return is_locked(link_directory(workspace) / LOCK, own=True)


def _report(workspace: Workspace) -> LinkReport | None:
    try:
        report = msgspec.json.decode(read_bytes(link_directory(workspace) / STATUS, links=False), type=LinkReport)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return report if alive(report.pid, report.start_ticks) else None
