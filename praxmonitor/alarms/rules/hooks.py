"""Alarms of hooks that tell nothing more of a session that goes on. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.config import Config
from mailcore.model.fleet import AgentFacts
from mailcore.text import counted
from mailcore.text.units import date_and_time
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.rules.timed_alarm import TimedAlarm

GOES_ON = 3600.0
"""Seconds after an agent's last sign of life in which a session of its may still go on."""


def hook_alarms(facts: AgentFacts, config: Config) -> Iterator[TimedAlarm]:
    """One for each session whose hooks stopped."""
    del config
    stopped = facts.hooks_stopped
    if stopped is None:
        return
    alarm = Alarm(
        AlarmKind.HOOKS, facts.address, stopped.at, "hooks stopped: its session goes on without them",
        "a hook event at each tool call, as before",
        f"the last {date_and_time(stopped.last)}, {counted(stopped.calls, 'call')} since by its session file",
        f"see `mailcore hooks status {facts.address}`; `mailcore hooks install {facts.address}` sets them anew",
        stopped.session,
    )  # fmt: skip
    yield TimedAlarm(alarm, stopped.at - 0.001, until=facts.last_active + GOES_ON)
