"""Alarms of an agent of which nothing is heard: its processes do nothing, or they spin. Pure."""

from __future__ import annotations

import math

from mailcore.config import Alarms
from mailcore.model.fleet import AgentFacts, State, Status
from mailcore.model.machine_status import MachineStatus
from mailcore.observe.silence import (
    WORKS_STILL,
    expectation,
    expected_signs,
    expected_work,
    last_sign,
    spin_limit,
    spins,
)
from mailcore.observe.state import stated
from mailcore.text.units import duration, moment
from praxmonitor.alarms.alarm import Alarm, AlarmKind

SILENCE_SETTLE = 10.0
"""Seconds for which an agent must show life until its silence is over, or twice the limit where that is less: one that
speaks every five seconds at a limit of three is silent, not silent again and again."""
OF_A_RUN = "open (Enter) it and look, kill (D), then retry (r) it"
OF_A_SESSION = "go to its terminal: Esc ends the tool; or end its program there"


def silence_alarm(
    facts: AgentFacts, status: Status, now: float, policy: Alarms, machine_status: MachineStatus
) -> Alarm:
    """The alarm of an agent that is silent."""
    last, before = last_sign(facts), stated(facts, now, policy)
    due = expectation(facts, before, now, policy, machine_status)
    tool, own = _tool(facts), due.timeout if due is not None else 0.0
    what = f"silent: {expected_work(facts) or 'a run'}"
    if own:
        what = f"{what}, past its own timeout of {duration(own)} in {tool}"
    elif facts.lock is None and tool:
        what = f"{what}, in {tool}"
    work = (machine_status.work or {}).get(facts.address)
    worked = f", its processes {_worked(work, now)}" if work is not None else ""
    return Alarm(
        AlarmKind.SILENCE, facts.address, status.since, what,
        expected_signs(facts, before) if not own else f"the end of {tool}",
        f"last sign of life {moment(last, now)}{f' in {tool}' if tool and tool not in what else ''}{worked}",
        _remedy(facts), _episode(facts), settle=min(2 * policy.silence, SILENCE_SETTLE),
        comes_again=2 * due.limit if due is not None else math.inf,
    )  # fmt: skip


def spin_alarm(
    facts: AgentFacts, status: Status, now: float, policy: Alarms, machine_status: MachineStatus
) -> Alarm | None:
    """The alarm of an agent whose processes use the CPU, and that says nothing; None if it is none such."""
    since = spins(facts, status, now, policy, machine_status)
    if not since:
        return None
    last, tool = last_sign(facts), _tool(facts) if status.state is State.IN_TOOL else ""
    limit = spin_limit(facts, policy)
    key = {policy.spin: "spin", policy.spin_tool: "spin_tool"}.get(limit)
    within = f"within {duration(limit)} ([alarms] {key})" if key else "within the tool's own timeout"
    return Alarm(
        AlarmKind.SPINNING, facts.address, since,
        f"spinning: {expected_work(facts) or 'a run'}, on the CPU without one line{f' in {tool}' if tool else ''}",
        f"a hook event, or a line of its session or output, {within}", f"last heard {moment(last, now)}",
        f"{_remedy(facts)}; if it only takes long, let it print, or raise the limit",
        _episode(facts), settle=SILENCE_SETTLE,
    )  # fmt: skip


def _worked(work: float, now: float) -> str:
    """What its processes do, in words that stay while they do it."""
    if not work:
        return "idle"
    return "use the CPU" if now - work <= WORKS_STILL else f"worked {moment(work, now)}"


def _tool(facts: AgentFacts) -> str:
    return facts.tool.text or facts.tool.tool if facts.tool is not None else ""


def _remedy(facts: AgentFacts) -> str:
    return OF_A_RUN if facts.lock is not None else OF_A_SESSION


def lock_id(facts: AgentFacts) -> str:
    """What tells a run of another program from its next one."""
    return f"{facts.lock.pid} {facts.lock.at:.0f}" if facts.lock is not None else ""


def _episode(facts: AgentFacts) -> str:
    """What tells it from the next one: the run, another program's run, or what is open in a person's own session."""
    if facts.lock is None:
        return " ".join(filter(None, (one.session or one.tool_id for one in facts.open[-1:])))
    return (facts.run.run_id if facts.run is not None else "") or lock_id(facts)
