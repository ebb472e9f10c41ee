"""`praxmonitor status`: the fleet once, as plain text or JSON, for scripts and for who does not want a screen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mailcore.config import Config, read_config
from mailcore.errors import MailcoreError
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.message import MailboxStatus
from mailcore.model.senses import Senses
from mailcore.observe.activity import neutral
from mailcore.observe.expectation import NOTHING
from mailcore.observe.fold import apply
from mailcore.observe.load import Loader
from mailcore.observe.state import state
from mailcore.programs.registry import checked
from mailcore.text import counted
from mailcore.text.names import shown
from mailcore.text.terminal import complain, say, say_json
from mailcore.units import iso
from mailcore.workspace import here
from praxmonitor.alarms.once import look
from praxmonitor.alarms.rules import Rules
from praxmonitor.arguments import Parser


def status(fleet: Fleet, config: Config, now: float, senses: Senses = NOTHING) -> dict[str, Any]:
    """The fleet as JSON values. Every key is always there; times are ISO 8601 with offset, or null if unknown.

    `unread` and `open` are null where the mailbox cannot be read; `run` is null unless a run is going on.
    """
    return {
        "workspace": str(fleet.root),
        "at": iso(now),
        "agents": [_agent(facts, config, now, senses) for facts in fleet.agents],
        "alarms": [
            {
                "kind": str(alarm.kind),
                "address": alarm.address,
                "since": iso(alarm.since),
                "text": neutral(alarm.text, 400),
            }
            for alarm in Rules(config).alarms(fleet, now, senses=senses)
        ],
    }


def _agent(facts: AgentFacts, config: Config, now: float, senses: Senses) -> dict[str, Any]:
    current = state(facts, now, config.alarms, senses)
    mailbox = facts.mailbox
    readable = mailbox.status is not MailboxStatus.UNREADABLE
    return {
        "address": facts.address,
        "branch": str(facts.agent.branch),
        "state": str(current.state),
        "reason": neutral(current.reason),
        "since": iso(current.since),
        "last_active": iso(facts.last_active),
        "unread": mailbox.unread if readable else None,
        "open": mailbox.open if readable else None,
        "mailbox": str(mailbox.status),
        "run": _run(facts),
    }


def _run(facts: AgentFacts) -> dict[str, Any] | None:
    run = facts.run
    if run is None or run.phase.ended:
        return None
    return {
        "run_id": run.run_id,
        "subject": neutral(run.subject),
        "sender": neutral(shown(run.sender)),
        "attempt": run.attempt.number if run.attempt is not None else None,
        "pid": (run.attempt.pid if run.attempt is not None else run.supervisor_pid) or None,
        "started_at": iso(run.started_at),
    }


def render(status: dict[str, Any]) -> str:
    """The same for a human: one aligned line an agent, then the alarms. No colour, no trailing newline."""
    rows = [("AGENT", "STATE", "SINCE", "LAST SIGN", "UNREAD", "OPEN", "WHY")]
    for agent in status["agents"]:
        counts = ["?" if agent[key] is None else str(agent[key]) for key in ("unread", "open")]
        times = [_short(agent[key], status["at"]) for key in ("since", "last_active")]
        rows.append((agent["address"], agent["state"], *times, *counts, agent["reason"]))
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = [f"{status['workspace']}, {counted(len(status['agents']), 'agent')}"]
    for row in rows:
        cells = [text.ljust(width) for text, width in zip(row, widths, strict=False)]
        lines.append("  ".join((*cells, row[6])).rstrip())
    if status["alarms"]:
        lines.append("")
        lines += [f"! {alarm['address']} {alarm['text']}" for alarm in status["alarms"]]
    return "\n".join(lines)


def _short(stamp: str | None, now: str) -> str:
    """The time of day, before today with its date."""
    if stamp is None:
        return "-"
    return stamp[11:19] if stamp[:10] == now[:10] else f"{stamp[:10]} {stamp[11:16]}"


def main(argv: Sequence[str] | None = None) -> int:
    """`praxmonitor status [PATH] [--json]`. Returns the exit status: 0, or 2 with the reason where there is none."""
    parser = Parser(prog="praxmonitor status", description="Print the state of every agent, once.")
    parser.add_argument("path", nargs="?", type=Path, help="a directory in the workspace")
    parser.add_argument("--json", action="store_true", help="as JSON, for scripts")
    options = parser.parse_args(argv)
    try:
        workspace = here(options.path)
        config = checked(read_config(workspace.config_file), workspace.config_file)
    except MailcoreError as error:
        if options.json:
            say_json({"error": {"code": error.code, "message": str(error)}}, indent=False)
        else:
            complain(f"praxmonitor: {error}")
        return error.exit_status
    fleet = apply(Fleet(workspace.root), Loader(workspace).initial(), time.time())
    report = status(fleet, config, time.time(), look(fleet, config, time.time()))
    if options.json:
        say_json(report)
        return 0
    say(render(report))
    for note in fleet.notes:
        complain(f"praxmonitor: {neutral(note)}")
    return 0
