"""Holds an agent, or all, at a daily cap, where the operator's config says so. Imports dispatch late."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from mailcore.exceptions import MailcoreError
from praxmonitor.alarms.alarm import Alarm, AlarmKind


def hold_at_cap(root: Path, alarm: Alarm, on_error: Callable[[str], None]) -> None:
    """Hold the agent of a CAP alarm, every agent of one without an address, in a thread; of any other kind nothing.

    What is held already stays as it is, and so does what was released today. `on_error` is told in words why it could
    not be held, from that thread.
    """
    if alarm.kind is AlarmKind.CAP:
        threading.Thread(target=_hold, args=(root, alarm, on_error), name="cap", daemon=True).start()


def _hold(root: Path, alarm: Alarm, on_error: Callable[[str], None]) -> None:
    from mailcore.dispatch.admission.daily_cap_holds import hold_at_cap
    from mailcore.workspace.find import workspace_at

    try:
        hold_at_cap(workspace_at(root), alarm.address, alarm.what, time.time())
    except (MailcoreError, OSError) as error:
        on_error(f"{alarm.address or 'the fleet'} could not be held at its daily cap: {error}")
