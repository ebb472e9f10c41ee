"""`praxmonitor status`: the fleet once, as plain text or JSON, for scripts and for who does not want a screen."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mailcore.config import Config, read_config
from mailcore.exceptions import MailcoreError
from mailcore.model.error_group import GroupState
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.machine_status import MachineStatus
from mailcore.model.message import MailboxStatus
from mailcore.observe.activities import neutral
from mailcore.observe.facts import ErrorsRead
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.silence import NO_MACHINE_STATUS
from mailcore.observe.state import state
from mailcore.programs.registry import checked_config
from mailcore.text import counted
from mailcore.text.names import safe_sender
from mailcore.text.terminal import print_error, print_json, print_line
from mailcore.text.units import date, iso
from mailcore.workspace.find import workspace_here
from praxmonitor.alarms import watchers
from praxmonitor.alarms.machine_check import check_machine
from praxmonitor.alarms.rules.evaluate import AlarmRules
from praxmonitor.cli.arguments import Parser
from praxmonitor.feed.error_reader import read_error_groups


def status(
    fleet: Fleet,
    config: Config,
    now: float,
    machine_status: MachineStatus = NO_MACHINE_STATUS,
    watched: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """The fleet as JSON values. Every key is always there; times are ISO 8601 with offset, or null if unknown. Of the
    agents of a host that is away it says what was told last, as it was then.

    `watched`: who watches, as `watching` tells. `unread` and `open` are null where the mailbox cannot be read; `run` is
    null unless a run is going on.
    """
    return {
        "workspace": str(fleet.root),
        "at": iso(now),
        "agents": [_agent(facts, config, _moment(facts, fleet, now), machine_status) for facts in fleet.agents],
        "elsewhere": [_session(facts, config, now) for facts in fleet.elsewhere],
        "hosts": [
            {
                "name": host.name,
                "seen_at": iso(host.seen_at),
                "away_since": iso(host.away_since),
                "clock_ahead": host.skew,
                "agents": sum(facts.agent.host == host.name for facts in fleet.agents),
            }
            for host in fleet.hosts
        ],
        "alarms": [
            {
                "kind": str(alarm.kind),
                "address": alarm.address,
                "since": iso(alarm.since),
                "text": neutral(alarm.text, 400),
            }
            for alarm in AlarmRules(config).alarms(fleet, now, machine_status=machine_status)
        ],
        "errors": _errors(fleet, now),
        "watchers": list(watched),
    }


def _errors(fleet: Fleet, now: float) -> dict[str, int] | None:
    """How many errors are in each state; null where nothing is known of them."""
    if fleet.errors is None:
        return None
    found = Counter(group.state_at(now) for group in fleet.errors.groups)
    return {str(each): found[each] for each in GroupState}


def watching(state_directory: Path) -> list[dict[str, Any]]:
    """Every screen and guard as JSON values, those that died among them; `on_duty`: it sounds the alarms. Reads files.

    `reach`: `sound`, `bell`, `shown` (a terminal shows it in silence) or `nobody`, and `says` in words.
    """
    found, holder = watchers.read_watchers(state_directory)
    now = time.time()
    return [
        {
            "what": each.what,
            "pid": each.pid,
            "on_duty": each is holder,
            "alive": each.alive and now - each.seen < watchers.STOPPED_AFTER,
            "reach": each.state.reach.name.lower(),
            "says": each.state.says,
            "since": iso(each.since),
            "last_sign": iso(each.seen),
        }
        for each in found
    ]


def watching_lines(watched: Sequence[dict[str, Any]], now: str) -> list[str]:
    """The same for a human; `now` as in JSON."""
    lines = []
    for each in watched:
        words = f"{each['what']} (PID {each['pid']})"
        if not each["alive"]:
            lines.append(f"! {words} shows no life since {_short(each['last_sign'], now)}")
            continue
        duty = "on duty" if each["on_duty"] else "watches"
        lines.append(", ".join(filter(None, (f"{duty}: {words}", each["says"]))))
    if not any(each["on_duty"] for each in watched):
        lines.append("! nobody is on duty: no alarm is heard (open the screen, or start `praxmonitor guard`)")
    return lines


def _moment(facts: AgentFacts, fleet: Fleet, now: float) -> float:
    """As of when it is said how an agent stands: of one whose host is away, when that was heard last."""
    host = fleet.host(facts.agent.host) if facts.agent.is_remote else None
    return min(now, host.away_since) if host is not None and host.away_since else now


def _agent(facts: AgentFacts, config: Config, now: float, machine_status: MachineStatus) -> dict[str, Any]:
    current = state(facts, now, config.alarms, machine_status)
    mailbox = facts.mailbox
    readable = mailbox.status is not MailboxStatus.UNREADABLE
    return {
        "address": facts.address,
        "branch": None if facts.agent.is_remote else str(facts.agent.branch),
        "host": facts.agent.host,
        "state": str(current.state),
        "reason": neutral(current.reason),
        "since": iso(current.since),
        "last_active": iso(facts.last_active),
        "unread": mailbox.unread if readable else None,
        "open": mailbox.open if readable else None,
        "mailbox": str(mailbox.status),
        "account": None if facts.agent.is_remote else config.agent(facts.address).account,
        "run": _run(facts),
    }


def _session(facts: AgentFacts, config: Config, now: float) -> dict[str, Any]:
    """A session in the project that is no agent's."""
    current = state(facts, now, config.alarms)
    live = facts.sessions[0] if facts.sessions else None
    return {
        "address": facts.address,
        "program": facts.agent.program,
        "session": neutral(facts.agent.session) or None,
        "directory": str(facts.agent.branch),
        "state": str(current.state),
        "reason": neutral(current.reason),
        "since": iso(current.since),
        "last_active": iso(facts.last_active),
        "pid": live.pid or None if live is not None else None,
        "terminal": live.terminal or None if live is not None else None,
        "background": bool(live is not None and live.job),
        "dollars_today": facts.spending.today.dollars if facts.spending.day == date(now) else None,
    }


def _run(facts: AgentFacts) -> dict[str, Any] | None:
    run = facts.run
    if run is None or run.phase.ended:
        return None
    return {
        "run_id": run.run_id,
        "subject": neutral(run.subject),
        "sender": neutral(safe_sender(run.sender)),
        "account": neutral(run.account),
        "attempt": run.attempt.number if run.attempt is not None else None,
        "pid": (run.attempt.pid if run.attempt is not None else run.supervisor_pid) or None,
        "started_at": iso(run.started_at),
    }


def render(status: dict[str, Any], watched: Sequence[str] = ()) -> str:
    """The same for a human: one aligned line an agent, who watches (`watched`), then the alarms. No colour, no trailing
    newline."""
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
    lines += _sessions_told(status["elsewhere"], status["at"])
    away = [f"! {host['name']} is away since {_short(host['away_since'], status['at'])}: its agents as they were then"
            for host in status["hosts"] if host["away_since"]]  # fmt: skip
    if away:
        lines += ["", *away]
    if watched:
        lines += ["", *watched]
    if told := _errors_told(status["errors"]):
        lines += ["", told]
    if status["alarms"]:
        lines.append("")
        lines += [f"! {alarm['address']} {alarm['text']}" for alarm in status["alarms"]]
    return "\n".join(lines)


def _sessions_told(sessions: Sequence[dict[str, Any]], at: str) -> list[str]:
    """The sessions elsewhere in the project, one aligned line each, below a line that says so; nothing for none."""
    if not sessions:
        return []
    widths = [max(len(one[key]) for one in sessions) for key in ("address", "state")]
    told = (
        f"{one['address'].ljust(widths[0])}  {one['state'].ljust(widths[1])}  {_short(one['last_active'], at)}  "
        f"{neutral(one['directory'])}{f': {why}' if (why := one['reason']) else ''}"
        for one in sessions
    )
    return ["", f"elsewhere in this project, {counted(len(sessions), 'session')}", *told]


def _errors_told(errors: dict[str, int] | None) -> str:
    """`errors: 1 back again, 2 new (praxmonitor errors lists them)`; empty where nobody has to look."""
    words = {GroupState.BACK: "back again", GroupState.NEW: "new"}
    told = ", ".join(f"{errors[each]:,} {word}" for each, word in words.items() if errors[each]) if errors else ""
    return f"errors: {told} (praxmonitor errors lists them)" if told else ""


def _short(stamp: str | None, now: str) -> str:
    """The time of day, before today with its date."""
    if stamp is None:
        return "-"
    return stamp[11:19] if stamp[:10] == now[:10] else f"{stamp[:10]} {stamp[11:16]}"


def command_parser() -> Parser:
    """What it may be told, in words."""
    parser = Parser(prog="praxmonitor status", description="Print the state of every agent, once.")
    parser.add_argument("path", nargs="?", type=Path, help="a directory in the workspace")
    parser.add_argument("--json", action="store_true", help="as JSON, for scripts")
    parser.add_argument(
        "--watched", action="store_true", help="only who watches; exit status 1 if nobody does whom one can hear"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """`praxmonitor status [PATH] [--json] [--watched]`. Returns the exit status: 0, or 2 with the reason where there is
    none; with `--watched` 1 if nobody watches whom one can hear."""
    parser = command_parser()
    options = parser.parse_args(argv)
    try:
        workspace = workspace_here(options.path)
        config = checked_config(read_config(workspace.config_file), workspace.config_file)
    except MailcoreError as error:
        if options.json:
            print_json({"error": {"code": error.code, "message": str(error)}}, indent=False)
        else:
            print_error(f"praxmonitor: {error}")
        return error.exit_status
    watched = watching(workspace.state_dir)
    if options.watched:
        heard = any(each["on_duty"] and each["reach"] in ("sound", "bell") for each in watched)
        if options.json:
            print_json({"watchers": watched})
        else:
            print_line("\n".join(watching_lines(watched, iso(time.time()) or "")))
        return 0 if heard else 1
    reader = WorkspaceReader(workspace, patience=0.0)
    facts = [*reader.initial(), *reader.live_sessions(), ErrorsRead(read_error_groups(workspace))]
    fleet = apply(Fleet(workspace.root), facts, time.time())
    report = status(fleet, config, time.time(), check_machine(fleet, config, time.time()), watched)
    if options.json:
        print_json(report)
        return 0
    print_line(render(report, watching_lines(watched, report["at"])))
    for note in fleet.notes:
        print_error(f"praxmonitor: {neutral(note)}")
    return 0
