"""Holds an agent that has used what it may in a day, where the operator's config says so. Imports dispatch late."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from mailcore.errors import MailcoreError
from mailcore.model.agent import OPERATOR
from praxmonitor.alarms.alarm import Alarm, AlarmKind


def hold_at_cap(root: Path, alarm: Alarm, on_error: Callable[[str], None]) -> None:
    """Hold the agent of a CAP alarm, in a thread; of any other kind nothing. What is held already stays as it is.

    `on_error` is told in words why it could not be held, from that thread.
    """
    if alarm.kind is AlarmKind.CAP:
        threading.Thread(target=_hold, args=(root, alarm, on_error), name="cap", daemon=True).start()


def _hold(root: Path, alarm: Alarm, on_error: Callable[[str], None]) -> None:
    from mailcore.dispatch.hold import hold
    from mailcore.holds import hold_at
    from mailcore.workspace import at

    try:
        workspace = at(root)
        if not hold_at(workspace.agent(alarm.address).mail_dir, alarm.address):
            hold(workspace, OPERATOR, alarm.address, alarm.what)
    except (MailcoreError, OSError) as error:
        on_error(f"{alarm.address} could not be held at its daily cap: {error}")
