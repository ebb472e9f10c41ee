"""Alarms of the daily caps, of an agent's and of the fleet's: one when a cap is near, one when it is reached. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mailcore.config import Config, UsageCaps
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.usage import Usage
from mailcore.observe.daily_caps import Cap, fullest
from mailcore.observe.usage_sum import local_date
from mailcore.text.units import date_and_time, end_of
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.rules.timed_alarm import TimedAlarm


def agent_cap_alarms(facts: AgentFacts, config: Config) -> Iterator[TimedAlarm]:
    """Of what one agent used in the newest day that it used anything in. Each host has its own caps, for its own."""
    spending, allowed = facts.spending, config.usage
    if not spending.day or facts.agent.is_remote:
        return
    cap = fullest(spending.today, allowed)
    if cap is not None:
        remedy = "it is held: release (H) it" if facts.held else "hold (H) it, or raise the cap"
        for alarm in _alarm(cap, allowed, facts.address, facts.last_active, spending.day, "daily cap", remedy):
            yield TimedAlarm(alarm, 0.0, until=end_of(spending.day))


def fleet_cap_alarms(fleet: Fleet, allowed: UsageCaps, now: float) -> Iterator[Alarm]:
    """Of what all agents of this host used together on the day of `now`."""
    if not allowed.of_fleet:
        return
    day = local_date(now)
    agents = fleet.local_agents
    today = [facts for facts in agents if facts.spending.day == day]
    cap = fullest(sum((facts.spending.today for facts in today), Usage()), allowed, fleet=True)
    if cap is not None:
        held = bool(agents) and all(facts.held for facts in agents)
        every = "every agent is held: `mailcore release --all`"
        remedy = every if held else "hold every agent (`mailcore hold --all`), or raise the cap"
        at = max(facts.last_active for facts in today)
        yield from _alarm(cap, allowed, "", at, f"fleet {day}", "daily cap of the fleet", remedy)


def _alarm(cap: Cap, allowed: UsageCaps, address: str, at: float, id: str, name: str, remedy: str) -> Iterator[Alarm]:
    seen = f"last used {date_and_time(at, seconds=False)}"
    if cap.reached:
        expected = f"no more than the cap ([usage] {cap.key})"
        yield Alarm(AlarmKind.CAP, address, at, f"{name} reached: {cap.used}", expected, seen, remedy, id)
    elif allowed.warn and cap.share >= allowed.warn:
        expected = f"less than {allowed.warn:.0%} of the cap ([usage] warn, {cap.key})"
        then = "at the cap nothing more starts" if allowed.hold else "at the cap there is an alarm"
        yield Alarm(AlarmKind.CAP_NEAR, address, at, f"{name} is near: {cap.used}", expected, seen, then, id)
