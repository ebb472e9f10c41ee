"""Let a start that waits begin before the others of its agent: at once, where nothing is in its way."""

from __future__ import annotations

from dataclasses import dataclass

from mailcore.config import Config
from mailcore.dispatch.lifecycle.after_run import start_next
from mailcore.dispatch.queueing.queue import WaitingStart
from mailcore.dispatch.queueing.queue_moves import move_start
from mailcore.workspace import trust
from mailcore.workspace.find import Workspace


@dataclass(frozen=True, slots=True)
class BegunStart:
    """What became of a start that was to begin."""

    entry: WaitingStart
    run_id: str
    """Empty where something is in its way: then it is the next of its agent."""
    waits: str
    """What it waits for; empty where it began."""


def begin_now(workspace: Workspace, config: Config, by: str, queue_id: str) -> BegunStart:
    """Put a start before the others of its agent, as `by` asks, and begin it, if nothing is in its way.

    MailcoreError if it waits no more; Refused in a workspace that is not trusted.
    """
    trust.require_trust(workspace)
    entry = move_start(workspace, by, queue_id, "first").entry
    begun = start_next(workspace, config, entry.agent)
    if isinstance(begun, str):
        return BegunStart(entry, begun, "")
    return BegunStart(entry, "", begun.reason if begun is not None else "it may not begin: `mailcore queue` says more")
