"""`dispatch`, `wake`, `kill`, `retry`, `runs`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mailcore.cli.call import Call, Parser, Result, iso_time, local_time, sender_option
from mailcore.cli.mail import split
from mailcore.dispatch import control
from mailcore.errors import MailcoreError
from mailcore.model.run import Run
from mailcore.text import line


def arguments(verb: str, parser: Parser) -> None:
    """Positional forms, kept for good."""
    match verb:
        case "dispatch":
            parser.add_argument("words", nargs="+", metavar="@a… SUBJECT BODY")
            parser.add_argument("--expect", default="", help="what counts as done")
        case "wake":
            parser.add_argument("target", metavar="@a")
        case "runs":
            parser.add_argument("target", nargs="?", metavar="@a")
            return
        case _:
            parser.add_argument("target", metavar="@a|RUN")
            if verb == "retry":
                parser.add_argument("--mode", choices=("start", "resume", "fresh"), default="start")
    sender_option(parser)


def dispatch(call: Call) -> Result:
    """Mail the task to each agent and wake it; exit 3 if one is busy (its mail is delivered all the same)."""
    addresses, subject, body = split(call.arguments.words)
    targets = list(dict.fromkeys(call.workspace.agent(address).address for address in addresses))
    for target in targets:  # what is refused is refused for all, before a mail is written
        control.check(call.workspace, call.config, call.caller.address, target)
    done = [
        control.dispatch(
            call.workspace,
            call.config,
            call.caller.address,
            address,
            subject,
            body,
            parent_run=call.caller.run_id,
            expect=call.arguments.expect,
        )
        for address in targets
    ]
    text = "\n".join(
        f"{one.to}: message {one.message_id}, " + (f"not woken: {one.busy}" if one.busy else f"run {one.run_id}")
        for one in done
    )
    rows: list[dict[str, Any]] = [asdict(one) | {"delivered": True} for one in done]
    status = 3 if any(one.busy for one in done) else 0
    if len(rows) == 1:
        return rows[0] | {"exit": status}, text
    return {"dispatched": rows, "exit": status}, text


def wake(call: Call) -> Result:
    """Start an idle agent; exit 3 with code `busy` if it works."""
    run_id = control.wake(call.workspace, call.config, call.caller.address, call.arguments.target)
    return {"run_id": run_id}, f"run {run_id}"


def kill(call: Call) -> Result:
    """End a run; success is said only when nothing of it is left."""
    killed = control.kill(call.workspace, call.config, call.caller.address, call.arguments.target)
    if killed.survivors:
        pids = " ".join(str(pid) for pid in killed.survivors)
        raise MailcoreError(
            f"even KILL did not end PID {pids}: they wait in the kernel; look at their disk", "survivors"
        )
    return asdict(killed), f"{killed.address}: ended, {len(killed.ended)} processes"


def retry(call: Call) -> Result:
    """Run the last task once more."""
    run_id = control.retry(call.workspace, call.config, call.caller.address, call.arguments.target, call.arguments.mode)
    return {"run_id": run_id}, f"run {run_id}"


def runs(call: Call) -> Result:
    """Every run of the workspace, or of one agent, newest first."""
    agents = [call.workspace.agent(call.arguments.target)] if call.arguments.target else call.workspace.agents
    found: list[Run] = []
    for agent in agents:
        directories = sorted(agent.runs_dir.iterdir()) if agent.runs_dir.is_dir() else []
        found += [run for run in map(control.read_run, directories) if run is not None]
    found.sort(key=lambda run: run.run_id, reverse=True)
    return [_row(run) for run in found], "\n".join(map(_line, found)) or "no runs yet"


def _line(run: Run) -> str:
    why = f"by {run.by}" if run.by else run.reason
    return (
        f"{run.run_id}  {run.target:<16} {run.phase:<10} {len(run.attempts)}/{run.attempts_allowed}  "
        f"{local_time(run.since)}  {line(run.subject, 50)}" + (f"  [{line(why, 60)}]" if why else "")
    )


def _row(run: Run) -> dict[str, Any]:
    row = asdict(run)
    for key in ("created_at", "since", "next_at", "last_act"):
        row[key] = iso_time(row[key])
    for attempt in row["attempts"]:
        for key in ("started_at", "running_at", "ended_at"):
            attempt[key] = iso_time(attempt[key])
    return row
