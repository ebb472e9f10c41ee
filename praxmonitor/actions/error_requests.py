"""What the operator asks of the watcher of errors: each act for a worker thread. Returns what was asked, in words;
raises MailcoreError with mailcore's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from mailcore.config import Config
from mailcore.exceptions import UsageError
from mailcore.model.error_group import ErrorGroup
from mailcore.text import line
from mailcore.workspace.find import Workspace
from praxmonitor.actions.requests import me

TITLE = 80
"""Characters of a title in what is said of an act."""


def resolve(workspace: Workspace, fingerprint: str, how: str) -> str:
    """It is over; what was done."""
    from mailcore.errors import groups

    by, at = me(workspace), time.time()
    changed = _change(workspace, fingerprint, lambda group: groups.resolved(group, at, by, how))
    return f"resolved: {line(changed.title, TITLE)}"


def reopen(workspace: Workspace, fingerprint: str) -> str:
    """It is not over after all."""
    from mailcore.errors import groups

    by, at = me(workspace), time.time()
    changed = _change(workspace, fingerprint, lambda group: groups.reopened(group, at, by))
    return f"open again: {line(changed.title, TITLE)}"


def mute(workspace: Workspace, fingerprint: str, minutes: float) -> str:
    """It is counted on, and nobody is asked: for so many minutes; 0: until it is unmuted."""
    from mailcore.errors import groups

    by, at = me(workspace), time.time()
    changed = _change(workspace, fingerprint, lambda group: groups.muted(group, at, by, minutes))
    return f"muted: {line(changed.title, TITLE)}"


def unmute(workspace: Workspace, fingerprint: str) -> str:
    """It stands as it would, had it not been muted."""
    from mailcore.errors import groups

    by, at = me(workspace), time.time()
    changed = _change(workspace, fingerprint, lambda group: groups.unmuted(group, at, by))
    return f"unmuted: {line(changed.title, TITLE)}"


def _change(workspace: Workspace, fingerprint: str, change: Callable[[ErrorGroup], ErrorGroup]) -> ErrorGroup:
    from mailcore.errors.store import changing_errors

    with changing_errors(workspace) as at_hand:
        group = at_hand.book.groups.get(fingerprint)
        if group is None:
            raise UsageError("that error is known no more")
        changed = change(group)
        at_hand.book = at_hand.book.with_group(changed)
    return changed


def who_is_asked(workspace: Workspace, config: Config, group: ErrorGroup) -> tuple[str, str]:
    """Whom an investigation would start, and why."""
    del workspace, config
    return group.owner or group.agents[0][0], group.owner_why


def investigate(workspace: Workspace, config: Config, fingerprint: str) -> str:
    """Start its owner to look at it now."""
    raise NotImplementedError
