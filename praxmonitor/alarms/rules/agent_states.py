"""Alarms of an agent's state: silent, waiting for the operator, failed, orphaned, unreadable. Pure."""

from __future__ import annotations

from dataclasses import replace

from mailcore.config import Alarms
from mailcore.model.fleet import AgentFacts, State, Status
from mailcore.model.machine_status import MachineStatus
from mailcore.model.run import Phase
from mailcore.observe.awaiting_answer import ASKING
from mailcore.observe.causes import (
    AUTH,
    DISK,
    MISSING_PROGRAM,
    NETWORK,
    SERVICE,
    TURN_LIMIT,
    cause_of_run,
    sort_of_cause,
)
from mailcore.observe.silence import expected_work, last_sign
from mailcore.text import counted
from mailcore.text.units import moment
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.rules.silence import lock_id, silence_alarm

ALARM_OF_STATE = {
    State.SILENT: AlarmKind.SILENCE,
    State.WAITING: AlarmKind.WAITING,
    State.FAILED: AlarmKind.FAILED,
    State.ORPHANED: AlarmKind.ORPHANED,
    State.UNREADABLE: AlarmKind.UNREADABLE,
}

REMEDY_OF = {
    NETWORK: "mend the network, a VPN or proxy, then retry (r) it",
    SERVICE: "wait until the service answers again, then retry (r) it, or do its task elsewhere (P)",
    DISK: "make room on its disk, then retry (r) it",
    AUTH: "log in to its program (`mailcore attach`, or by its own command), then retry (r) it",
    TURN_LIMIT: "raise its max_turns in config.toml or give it less at a time, then retry (r) it",
    MISSING_PROGRAM: "install its program or change its `command` in config.toml, then retry (r) it",
}
"""What lifts a failure, by its cause; of any other a retry."""
FLEET_BREAKER = "([dispatch] fleet_failures)"
"""Stands in the reason of a run that the workspace's breaker kept from its next attempt."""
BREAKER_REMEDY = "mend what those failures share, then retry (r) it; the breaker lets go by itself within a minute"


def state_alarm(facts: AgentFacts, status: Status, now: float, policy: Alarms, machine_status: MachineStatus) -> Alarm:
    """The alarm of an agent whose state is one of `ALARM_OF_STATE`."""
    kind, run = ALARM_OF_STATE[status.state], facts.run
    run_id = run.run_id if run is not None else ""
    alarm = Alarm(kind, facts.address, status.since, f"{status.state}: {status.reason}", id=run_id)
    match kind:
        case AlarmKind.SILENCE:
            return silence_alarm(facts, status, now, policy, machine_status)
        case AlarmKind.WAITING:
            seen = f"asked {moment(status.since, now)}"
            here = "permission (Y) answers it here, `mailcore permission` from a shell; or answer in its session"
            return replace(
                alarm, what=f"waits for you: {status.reason.removeprefix(ASKING)}", expected="your answer", seen=seen,
                remedy=here if facts.permissions else "answer in its session, or by mail (m)", id=f"{status.since:.3f}",
            )  # fmt: skip
        case AlarmKind.FAILED:
            bounced = run is not None and run.phase is Phase.BOUNCED and run.message_id and not run.foreign
            kind = AlarmKind.BOUNCED if bounced else AlarmKind.FAILED
            remedy = BREAKER_REMEDY if FLEET_BREAKER in status.reason else "retry (r) it, or copy story (y) and look"
            cause = cause_of_run(run) if run is not None else ""
            tried = f", after {counted(len(run.attempts), 'attempt')}" if run is not None and run.attempts else ""
            told = f"; {run.sender} was told by mail" if run is not None and bounced and run.sender else ""
            return replace(
                alarm, kind=kind, what=f"{kind}: {status.reason}",
                seen=f"ended {moment(status.since, now)}{tried}{told}",
                remedy=REMEDY_OF.get(sort_of_cause(cause), remedy), cause=cause,
            )  # fmt: skip
        case AlarmKind.ORPHANED:
            what = status.reason.partition("; ")[0]  # the rest is what to do about it
            return replace(
                alarm, what=f"orphaned: {what}", expected=f"that {expected_work(facts) or 'its run'} goes on",
                seen=f"last sign of life {moment(last_sign(facts), now)}",
                remedy="retry (r) starts it anew, kill (D) cleans up",
                id=run_id or lock_id(facts),
            )  # fmt: skip
        case _:
            repair = f"`mailcore repair {facts.address}`, or " if facts.mailbox.reason else ""
            remedy = f"{repair}mend or remove the file: it is read again at once"
            return replace(
                alarm, what=f"cannot be read: {status.reason}", expected="a file that is whole", remedy=remedy, id=""
            )
