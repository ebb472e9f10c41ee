"""What the operator asks about errors that repeat: each act for a worker thread. Returns what was asked, in words;
raises MailcoreError with mailcore's own.
"""

from __future__ import annotations

from mailcore.config import Config
from mailcore.model.error_group import ErrorGroup
from mailcore.text import line
from mailcore.workspace.find import Workspace
from praxmonitor.actions.requests import me

TITLE_LENGTH = 36
"""Characters of a title in what is said of an act: the key that undoes it has room behind that."""


def _said(what: str, group: ErrorGroup) -> str:
    return f"{what}: {line(group.title, TITLE_LENGTH)}"


def ask_to_resolve(workspace: Workspace, fingerprint: str, how: str) -> str:
    """It is over; `how` says what was done."""
    from mailcore.dispatch.error_acts import resolve_error

    return _said("resolved", resolve_error(workspace, me(workspace), fingerprint, how))


def ask_to_reopen(workspace: Workspace, fingerprint: str) -> str:
    """It is not over after all."""
    from mailcore.dispatch.error_acts import reopen_error

    return _said("not over after all", reopen_error(workspace, me(workspace), fingerprint))


def ask_to_mute(workspace: Workspace, fingerprint: str, minutes: float) -> str:
    """It is counted on, and nobody is asked: for so many minutes; 0: until it is unmuted."""
    from mailcore.dispatch.error_acts import mute_error

    return _said("muted", mute_error(workspace, me(workspace), fingerprint, minutes))


def ask_to_unmute(workspace: Workspace, fingerprint: str) -> str:
    """It stands as it would, had it not been muted."""
    from mailcore.dispatch.error_acts import unmute_error

    return _said("unmuted", unmute_error(workspace, me(workspace), fingerprint))


def ask_to_investigate(workspace: Workspace, config: Config, fingerprint: str) -> str:
    """Start its owner to look at it now."""
    from mailcore.dispatch.error_acts import investigate_error

    group = investigate_error(workspace, config, me(workspace), fingerprint)
    return _said(f"{line(group.owner)} looks at it", group)
