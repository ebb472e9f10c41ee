"""What `agents` says of those on other hosts of the link."""

from __future__ import annotations

from typing import Any

from mailcore.model.fleet import AgentFacts
from mailcore.model.link import HostRecord
from mailcore.observe.remote_fleet import remote_fleet
from mailcore.text import counted, line
from mailcore.text.units import iso, moment
from mailcore.workspace.find import Workspace


def rows_elsewhere(workspace: Workspace, now: float) -> tuple[list[dict[str, Any]], list[str]]:
    """Them as values and as lines, each host's below a line of its own."""
    fleet = remote_fleet(workspace)
    rows: list[dict[str, Any]] = []
    lines: list[str] = []
    for host in fleet.hosts:
        agents = [facts for facts in fleet.agents if facts.agent.host == host.name]
        lines.append(f"{host.name}, {counted(len(agents), 'agent')}, {_standing(host, now)}")
        for facts in agents:
            rows.append(_row(facts, host))
            lines.append(_line(facts))
    return rows, [*lines, *fleet.notes]


def _standing(host: HostRecord, now: float) -> str:
    if host.away_since:
        return f"away since {moment(host.away_since, now)}: as it was then"
    return "there" if host.seen_at else "not heard yet"


def _row(facts: AgentFacts, host: HostRecord) -> dict[str, Any]:
    agent, box, lock = facts.agent, facts.mailbox, facts.lock
    busy = lock is not None and lock.runs
    return {
        "address": agent.address,
        "name": agent.name,
        "branch": None,
        "host": host.name,
        "away_since": iso(host.away_since),
        "role": agent.role,
        "mailbox": str(box.status),
        "unread": box.unread,
        "open": box.open,
        "busy": busy,
        "task": line(lock.subject) if lock is not None and busy else "",
        "last_active": iso(facts.last_active),
    }


def _line(facts: AgentFacts) -> str:
    agent, box, lock = facts.agent, facts.mailbox, facts.lock
    mail = "UNREADABLE" if box.reason else f"{box.unread} unread of {box.open}"
    task = f"busy: {line(lock.subject, 40)}" if lock is not None and lock.runs else ""
    return f"{agent.address:<16} {mail:<18} {task:<46} {line(agent.role, 60)}".rstrip()
