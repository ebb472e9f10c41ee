"""An alarm that falls due with time, unless the files change."""

from __future__ import annotations

import math
from dataclasses import dataclass

from praxmonitor.alarms.alarm import Alarm


@dataclass(frozen=True, slots=True)
class TimedAlarm:
    """An alarm that stands from `limit` seconds after `last` on, unless the files change; times as in time.time()."""

    alarm: Alarm
    last: float
    limit: float = 0.0
    until: float = math.inf
