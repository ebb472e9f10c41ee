"""Evaluates all rules: what is known of the fleet, and the time → the alarms that stand.

Pure, but for a memory of what did not change. There are three sorts of rules: by an agent's state, by what stands in
its files and falls due with time (`RULE_FAMILIES`), and by the machine. Each family has a module of its own beside this
one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mailcore.config import Config
from mailcore.model.error_group import ErrorGroups
from mailcore.model.fleet import AgentFacts, Fleet, State, Status
from mailcore.model.machine_status import MachineStatus, counted_from
from mailcore.observe.awaiting_answer import request_status
from mailcore.observe.file_writes import SharedFiles
from mailcore.observe.silence import NO_MACHINE_STATUS
from mailcore.observe.state import state
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.rules.agent_states import ALARM_OF_STATE, state_alarm
from praxmonitor.alarms.rules.daily_caps import agent_cap_alarms, fleet_cap_alarms
from praxmonitor.alarms.rules.deadlock import deadlock_alarms
from praxmonitor.alarms.rules.error_groups import error_group_alarms
from praxmonitor.alarms.rules.errors import error_alarms
from praxmonitor.alarms.rules.hooks import hook_alarms
from praxmonitor.alarms.rules.hosts import host_alarms
from praxmonitor.alarms.rules.limits import limit_alarms, near_limit_alarms
from praxmonitor.alarms.rules.machine import machine_alarms, missing_directory_alarms
from praxmonitor.alarms.rules.mail import mail_alarms
from praxmonitor.alarms.rules.network import Failure, network_alarms, newest_failure
from praxmonitor.alarms.rules.runaway_logs import runaway_log_alarms
from praxmonitor.alarms.rules.runs import run_alarms, wake_alarms
from praxmonitor.alarms.rules.shared_files import shared_file_alarms
from praxmonitor.alarms.rules.silence import spin_alarm
from praxmonitor.alarms.rules.timed_alarm import TimedAlarm
from praxmonitor.alarms.rules.your_move import your_move_alarms
from praxmonitor.state.moments import moments_of

RULE_FAMILIES: tuple[Callable[[AgentFacts, Config], Iterator[TimedAlarm]], ...] = (
    run_alarms, mail_alarms, error_alarms, agent_cap_alarms, hook_alarms, your_move_alarms,
    runaway_log_alarms,
)  # fmt: skip
"""Those that look at one agent's files alone: what they find holds until the files change."""


class AlarmRules:
    """The rules under one config."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._wakes = any(agent.wake_every for agent in (config.default_agent, *config.agents.values()))
        self._shared = SharedFiles()
        self._errors: tuple[ErrorGroups | None, tuple[TimedAlarm, ...]] = (None, ())
        """What is known of errors, and what that raises."""
        self._known: dict[str, tuple[AgentFacts, tuple[TimedAlarm, ...], Failure | None]] = {}

    def alarms(
        self,
        fleet: Fleet,
        now: float,
        statuses: Mapping[str, Status] | None = None,
        machine_status: MachineStatus = NO_MACHINE_STATUS,
    ) -> tuple[Alarm, ...]:
        """The alarms that stand at `now` (seconds since the epoch), the operator's own mailbox included, oldest first.

        `statuses`: the agents' states at `now`, where they are known already. 1,000 agents in 0.4 ms.
        """
        raised: list[Alarm] = []
        failures: list[Failure] = []
        known, policy = self._known, self.config.alarms
        working = machine_status.work or {}
        everyone = fleet.agents if fleet.operator is None else (*fleet.agents, fleet.operator)
        moments = moments_of(fleet, now, machine_status)
        passed_on = _passed_on(fleet)
        for facts in everyone:
            address = facts.agent.address
            status = statuses.get(address) if statuses is not None else None
            at, machine = moments.of(facts)
            if status is None:
                status = state(facts, at, policy, machine)
            # An open request for approval is raised by the alarm on the operator's mailbox, a limit by the account's.
            # One of another host is in the mailbox of the operator there.
            if status.state in ALARM_OF_STATE and (
                status.state is not State.WAITING or status != request_status(facts) or _asks_elsewhere(facts, fleet)
            ):
                raised.append(state_alarm(facts, status, at, policy, machine))
            elif address in working and (spinning := spin_alarm(facts, status, now, policy, machine_status)):
                raised.append(spinning)
            before = known.get(address)
            if before is None or before[0] is not facts:
                timed = tuple(alarm for family in RULE_FAMILIES for alarm in family(facts, self.config))
                before = known[address] = (facts, timed, newest_failure(facts))
            if before[2] is not None and not facts.agent.is_operator:
                failures.append(before[2])
            for one in before[1]:
                if one.alarm.kind is AlarmKind.OVERDUE and address in passed_on:
                    continue
                if _stands(one, now, machine_status):
                    raised.append(one.alarm)
        if len(known) > len(everyone):
            here = {facts.address for facts in everyone}
            self._known = {address: value for address, value in known.items() if address in here}
        if fleet.errors is not self._errors[0]:
            self._errors = fleet.errors, tuple(error_group_alarms(fleet, self.config))
        raised += [one.alarm for one in self._errors[1] if _stands(one, now, machine_status)]
        raised += shared_file_alarms(self._shared.look(fleet, now))
        raised += host_alarms(fleet, now)
        raised += limit_alarms(fleet, now)
        raised += deadlock_alarms(fleet, now)
        raised += network_alarms(fleet, failures, now)
        raised += near_limit_alarms(fleet, self.config.limits.warn, now)
        raised += missing_directory_alarms(fleet, machine_status)
        raised += machine_alarms(fleet, policy, machine_status)
        if self._wakes:
            raised += wake_alarms(fleet, self.config, now, machine_status)
        raised += fleet_cap_alarms(fleet, self.config.usage, now)
        return tuple(sorted(_once(raised), key=lambda alarm: alarm.since)) if raised else ()


def _stands(timed: TimedAlarm, now: float, machine_status: MachineStatus) -> bool:
    due = counted_from(timed.last, timed.limit, machine_status.gaps) + timed.limit
    return due <= now < timed.until


def _asks_elsewhere(facts: AgentFacts, fleet: Fleet) -> bool:
    """Whether what an agent of another host asks of its operator is in no mailbox of ours."""
    if not facts.agent.is_remote or fleet.operator is None:
        return facts.agent.is_remote
    ours = {message.id for message in fleet.operator.mailbox.messages}
    return not any(request.id in ours for request in facts.requests)


def _passed_on(fleet: Fleet) -> frozenset[str]:
    """Whose tasks others are at work for: what an agent has passed on is not overdue while that goes on."""
    runs = (facts.run for facts in fleet.agents if facts.run is not None and facts.lock is not None)
    return frozenset(run.sender for run in runs if not run.phase.ended)


def _once(alarms: list[Alarm]) -> Iterator[Alarm]:
    """Each alarm once; and of a run whose end could not be delivered that alarm alone, not that of its failure too."""
    undelivered = {(alarm.address, alarm.id) for alarm in alarms if alarm.kind is AlarmKind.UNDELIVERED}
    seen: set[str] = set()
    for alarm in alarms:
        ended = alarm.kind in (AlarmKind.BOUNCED, AlarmKind.FAILED) and (alarm.address, alarm.id) in undelivered
        if not ended and alarm.key not in seen:
            seen.add(alarm.key)
            yield alarm
