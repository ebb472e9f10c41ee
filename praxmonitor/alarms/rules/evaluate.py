"""Evaluates all rules: what is known of the fleet, and the time → the alarms that stand.

Pure, but for a memory of what did not change. There are three sorts of rules: by an agent's state, by what stands in
its files and falls due with time (`FAMILIES`), and by the machine. Each family has a module of its own beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mailcore.config import Config
from mailcore.model.fleet import AgentFacts, Fleet, State, Status
from mailcore.model.senses import Senses, through
from mailcore.observe.awaiting_answer import asked
from mailcore.observe.expectation import NOTHING
from mailcore.observe.state import state
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.rules.agent_states import OF_STATE, state_alarm
from praxmonitor.alarms.rules.daily_caps import agent_cap_alarms, fleet_cap_alarms
from praxmonitor.alarms.rules.errors import error_alarms
from praxmonitor.alarms.rules.machine import machine_alarms, missing_directory_alarms
from praxmonitor.alarms.rules.mail import mail_alarms
from praxmonitor.alarms.rules.runs import run_alarms
from praxmonitor.alarms.rules.timed_alarm import TimedAlarm

FAMILIES: tuple[Callable[[AgentFacts, Config], Iterator[TimedAlarm]], ...] = (
    run_alarms, mail_alarms, error_alarms, agent_cap_alarms,
)  # fmt: skip
"""Those that look at one agent's files alone: what they find holds until the files change."""


class AlarmRules:
    """The rules under one config."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._known: dict[str, tuple[AgentFacts, tuple[TimedAlarm, ...]]] = {}

    def alarms(
        self, fleet: Fleet, now: float, statuses: Mapping[str, Status] | None = None, senses: Senses = NOTHING
    ) -> tuple[Alarm, ...]:
        """The alarms that stand at `now` (seconds since the epoch), the operator's own mailbox included, oldest first.

        `statuses`: the agents' states at `now`, where they are known already. 1,000 agents in 0.4 ms.
        """
        raised: list[Alarm] = []
        known, policy = self._known, self.config.alarms
        everyone = fleet.agents if fleet.operator is None else (*fleet.agents, fleet.operator)
        for facts in everyone:
            address = facts.agent.address
            status = statuses.get(address) if statuses is not None else None
            if status is None:
                status = state(facts, now, policy, senses)
            # An open request for approval is told by the alarm on the operator's mailbox.
            if status.state in OF_STATE and (status.state is not State.WAITING or status != asked(facts)):
                raised.append(state_alarm(facts, status, now, policy, senses))
            before = known.get(address)
            if before is None or before[0] is not facts:
                timed = tuple(alarm for family in FAMILIES for alarm in family(facts, self.config))
                before = known[address] = (facts, timed)
            for one in before[1]:
                if through(one.last, one.limit, senses.gaps) + one.limit <= now < one.until:
                    raised.append(one.alarm)
        if len(known) > len(everyone):
            here = {facts.address for facts in everyone}
            self._known = {address: value for address, value in known.items() if address in here}
        raised += missing_directory_alarms(fleet, senses)
        raised += machine_alarms(fleet, policy, senses)
        raised += fleet_cap_alarms(fleet, self.config.usage, now)
        return tuple(sorted(_once(raised), key=lambda alarm: alarm.since)) if raised else ()


def _once(alarms: list[Alarm]) -> Iterator[Alarm]:
    """Each alarm once; and of a run whose end could not be delivered that alarm alone, not that of its failure too."""
    undelivered = {(alarm.address, alarm.id) for alarm in alarms if alarm.kind is AlarmKind.UNDELIVERED}
    seen: set[str] = set()
    for alarm in alarms:
        ended = alarm.kind in (AlarmKind.BOUNCED, AlarmKind.FAILED) and (alarm.address, alarm.id) in undelivered
        if not ended and alarm.key not in seen:
            seen.add(alarm.key)
            yield alarm
