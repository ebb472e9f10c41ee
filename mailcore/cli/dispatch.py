"""`dispatch`, `wake`, `kill`, `retry`, `runs`, `run`, `hold`, `release`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.mail import WORDS_HELP, split
from mailcore.cli.options import proof_option, schema_options, sender_option
from mailcore.dispatch import control
from mailcore.dispatch.kill import kill_run
from mailcore.dispatch.runs.run_list import aipass_runs, find_run, read_run
from mailcore.dispatch.shared_task import TaskTerms, dispatch_to_all
from mailcore.exceptions import MailcoreError, UsageError
from mailcore.mail import route
from mailcore.mail.post import PRIORITIES
from mailcore.model.agent import Agent
from mailcore.model.run import Run
from mailcore.text import counted, line
from mailcore.text.units import date_and_time, iso, soon
from mailcore.workspace.lock_reader import sandboxed
from mailcore.workspace.registry import normal_address

SESSIONS = {
    "resume": "go on in its newest session",
    "fork": "in a copy of its newest session",
    "fresh": "in a new session, as without a word",
}
"""In which session a task is done, for `--help`."""


def arguments(verb: str, parser: Parser) -> None:
    """Positional forms, kept for good."""
    match verb:
        case "dispatch":
            parser.add_argument("words", nargs="+", metavar="@a… SUBJECT BODY", help=f"{WORDS_HELP}; @all is everyone")
            parser.add_argument("--expect", default="", help="what counts as done")
            schema_options(parser, "that the data of its result has to fit")
            parser.add_argument("--priority", choices=PRIORITIES, default="normal",
                                help="of its mail, and of its start among those that wait")  # fmt: skip
            _other_arguments(parser, "for this task, as the program calls it")
            how = parser.add_mutually_exclusive_group()
            for mode, explanation in SESSIONS.items():
                how.add_argument(
                    f"--{mode}", dest="mode", action="store_const", const=mode, default="", help=explanation
                )
            parser.add_argument("--queue", action="store_true", help="exit 0 where a busy agent starts it later")
        case "wake":
            parser.add_argument("target", metavar="@a", help="whom to start")
            parser.add_argument("prompt", nargs="?", default="", metavar="PROMPT", help="what it is to do; quote it")
            parser.add_argument("--if-mail", action="store_true", help="only where unread mail waits")
        case "hold" | "release":
            parser.add_argument("target", nargs="?", default="", metavar="@a", help="whom; or --all")
            parser.add_argument("why", nargs="?", default="", metavar="WHY", help="for who looks; quote it")
            parser.add_argument("--all", action="store_true", help="every agent of the workspace")
        case "run":
            parser.add_argument("target", metavar="RUN|@a", help="a run's id, or an agent: its last run")
        case "runs":
            parser.add_argument("target", nargs="?", metavar="@a", help="whose; without it everybody's")
            return
        case _:
            parser.add_argument("target", metavar="@a|RUN", help="an agent, or a run's id")
            if verb == "retry":
                parser.add_argument("--mode", choices=("start", "resume", "fresh"), default="start",
                                    help="resume: go on in its session; fresh: in a new one")  # fmt: skip
                _other_arguments(parser, "another one, as the program calls it")
    sender_option(parser)
    if verb in ("kill", "release"):
        proof_option(parser)


def _other_arguments(parser: Parser, of_model: str) -> None:
    """Another program, account or model than the one that would be taken."""
    parser.add_argument(
        "--with", "--program", dest="program", default="", metavar="PROGRAM", help="not the configured one"
    )
    parser.add_argument("--account", metavar="NAME", help="not the configured one; '' for the program's own choice")
    parser.add_argument("--model", default="", metavar="MODEL", help=of_model)


def dispatch(call: Call) -> VerbResult:
    """Mail the task to each agent and wake it; exit 3 if one is busy (its mail is delivered all the same)."""
    a, by = call.arguments, call.caller
    addresses, subject, body = split(a.words)
    route.refuse_ambiguous(call.workspace, addresses)
    targets = [agent.address for agent in route.resolve_addresses(call.workspace, call.caller.agent, addresses)]
    terms = TaskTerms(a.expect, a.program, a.priority, a.account, a.model, a.mode, _schema(a.schema, a.schema_text))
    shared = dispatch_to_all(call.workspace, call.config, by.address, targets, subject, body, terms, by.run_id)
    done = shared.done
    if done:
        call.note(call.caller, to=" ".join(one.to for one in done))
    text = "\n".join(
        f"{one.to}: message {one.message_id}, " + (f"run {one.run_id}" if one.run_id else _not_yet(one)) for one in done
    )
    if shared.failed:
        lines = [f"{address}: {why}" for address, why in shared.failed]
        stands = [text, "say the same again: nobody gets it twice"] if done else []
        raise MailcoreError("\n".join([*lines, *stands]), "not_started")
    rows: list[dict[str, Any]] = [asdict(one) | {"delivered": True} for one in done]
    later = {"held", "limit", "sandbox", *(["busy", "occupied"] if call.arguments.queue else [])}
    status = 3 if any(one.code and one.code not in later for one in done) else 0
    if len(rows) == 1:
        return rows[0] | {"exit": status}, text
    return {"dispatched": rows, "exit": status}, text


def _schema(file: str | None, text: str | None) -> str:
    """The JSON Schema of a file or a word, as JSON; empty where none is said."""
    from mailcore.schemas import check, document

    schema = document.read_schema(file, text)
    if schema is None:
        return ""
    from mailcore.formats import json_codec

    check.require_valid_schema(schema, "the schema")
    return json_codec.dumps_line(schema).decode()


def _not_yet(one: control.Dispatched) -> str:
    return f"not woken yet, starts when it can: {one.busy}" if one.queued else f"not woken: {one.busy}"


def wake(call: Call) -> VerbResult:
    """Start an idle agent; exit 3 with code `busy` if it works."""
    a = call.arguments
    by = call.caller.address
    run_id = control.wake_agent(call.workspace, call.config, by, a.target, if_mail=a.if_mail, words=a.prompt)
    return {"run_id": run_id}, f"run {run_id}"


def kill(call: Call) -> VerbResult:
    """End a run; success is said only when nothing of it is left."""
    _require_right_to_end(call, *find_run(call.workspace, call.arguments.target))
    killed = kill_run(call.workspace, call.config, call.caller.address, call.arguments.target)
    if killed.survivors:
        pids = " ".join(str(pid) for pid in killed.survivors)
        raise MailcoreError(
            f"even KILL did not end PID {pids}: they wait in the kernel; look at their disk", "survivors"
        )
    return asdict(killed), f"{killed.address}: ended, {counted(len(killed.ended), 'process', 'processes')}"


def _require_right_to_end(call: Call, agent: Agent, run: Run | None) -> None:
    """Whose run it is, and who asked for it, may end it; of all others only the operator."""
    own = not call.caller.agent.is_operator and call.caller.address in (agent.address, run.sender if run else "")
    if not own and not sandboxed():  # from within a sandbox a kill is refused, whoever calls
        call.require(outlived=False)


def retry(call: Call) -> VerbResult:
    """Run the last task once more; let a run that waits for a limit go on now, or end it and do its task elsewhere."""
    a = call.arguments
    how = control.Retry(a.mode, a.program, a.account, a.model)
    agent, found = find_run(call.workspace, a.target)
    if found is not None and found.parked and how != control.Retry():
        _require_right_to_end(call, agent, found)
    run_id = control.retry_run(call.workspace, call.config, call.caller.address, a.target, how)
    return {"run_id": run_id}, f"run {run_id}"


def runs(call: Call) -> VerbResult:
    """Every run of the workspace, or of one agent, newest first."""
    everyone = (*call.workspace.agents, *call.workspace.former_agents())
    wanted = normal_address(call.arguments.target) if call.arguments.target else ""
    agents = [agent for agent in everyone if wanted in ("", agent.address)]
    found: list[Run] = []
    if not agents:
        agents = [find_run(call.workspace, wanted)[0]]  # which says so where nobody was ever called so
    for agent in agents:
        directories = sorted(agent.runs_dir.iterdir()) if agent.runs_dir.is_dir() else []
        found += [run for run in map(read_run, directories) if run is not None]
        found += aipass_runs(call.workspace, agent)
    if wanted and agents[0].address != wanted:  # renamed: of its directory's runs those that bear its name
        found = [run for run in found if run.target == wanted]
    found.sort(key=lambda run: run.created_at, reverse=True)
    return [_row(run) for run in found], "\n".join(map(_line, found)) or _no_runs(agents)


def _no_runs(agents: Sequence[Agent]) -> str:
    missing = [agent for agent in agents if not agent.branch.is_dir()]
    return "\n".join(["no runs yet", *(f"but {agent.address}'s directory {agent.branch} is gone" for agent in missing)])


def _line(run: Run) -> str:
    why = f"by {run.by}" if run.by else f"until {soon(run.next_at)}: {run.reason}" if run.parked else run.reason
    return (
        f"{run.run_id}  {run.target:<16} {run.phase:<10} {_attempts(run)}  "
        f"{date_and_time(run.since, never='-')}  {line(run.subject, 50)}" + (f"  [{line(why, 60)}]" if why else "")
    )


def _attempts(run: Run) -> str:
    return (
        "---" if run.foreign else f"{run.place(run.attempt) if run.attempt is not None else 0}/{run.attempts_allowed}"
    )


def _row(run: Run) -> dict[str, Any]:
    row = asdict(run)
    for key in ("created_at", "since", "next_at", "resets_at", "last_act"):
        row[key] = iso(row[key])
    for attempt in row["attempts"]:
        for key in ("started_at", "running_at", "ended_at"):
            attempt[key] = iso(attempt[key])
    for one in (row, *row["attempts"]):
        one["cost"] = one["cost"] or None
    return row


def run(call: Call) -> VerbResult:
    """Task, attempts, exits, standard error, mail sent, files changed."""
    from mailcore.dispatch.runs.run_story import read_story
    from mailcore.text.masks import masked_all

    agent, found = find_run(call.workspace, call.arguments.target)
    if not call.sees(agent.address, found.target if found is not None else ""):
        call.visible(agent.address)
    if found is None:
        raise MailcoreError(f"{call.arguments.target} has had no run", "no_run")
    page = read_story(call.workspace, agent, found)
    return {**page.as_json(), "run": masked_all(_row(page.run))}, page.as_markdown()


def hold(call: Call) -> VerbResult:
    """Nothing starts, mail arrives."""
    from mailcore.dispatch.admission.hold import place_hold as place_hold

    a = call.arguments
    target, why = _whom(a.target, a.why, a.all)
    place_hold(call.workspace, call.caller.address, target, why)
    return {"held": target or "all"}, f"{target or 'every agent'} is held: mail arrives, nothing starts"


def release(call: Call) -> VerbResult:
    """Start again, with what waited."""
    from mailcore.dispatch.release import release_hold as release_hold
    from mailcore.dispatch.release import was_held_by

    target, _ = _whom(call.arguments.target, "", call.arguments.all)
    if call.caller.agent.is_operator or not was_held_by(call.workspace, target, call.caller.address):
        call.require()
    started = release_hold(call.workspace, call.config, call.caller.address, target)
    woken = {find_run(call.workspace, run_id)[0].address: run_id for run_id in started}
    lines = [f"released; {counted(len(started), 'run')} begun that had waited"]
    lines += [f"{address}: run {run_id}" for address, run_id in woken.items() if address != target]
    agents = [call.workspace.agent(target)] if target else call.workspace.agents
    later = {one.address: why for one in agents if one.address not in woken and (why := _what_waits(call, one))}
    lines += [f"{address}: not woken yet: {why}" for address, why in later.items()]
    value = {"released": target or "all", "started": started, "woken": woken, "not_woken": later}
    return value, "\n".join(lines)


def _what_waits(call: Call, agent: Agent) -> str:
    """Why what waits for an agent has not begun; empty where nothing waits."""
    from mailcore.dispatch.admission.hindrances import busy_hindrance, hold_reason
    from mailcore.dispatch.queueing.queue import waiting_starts

    waiting = waiting_starts(agent)
    if not waiting:
        return ""
    at_work = busy_hindrance(agent)
    return hold_reason(call.workspace, agent) or (at_work.reason if at_work is not None else waiting[0].reason)


def _whom(target: str, why: str, everyone: bool) -> tuple[str, str]:
    if everyone:
        return "", target or why
    if not target:
        raise UsageError("whom? @agent, or --all")
    return normal_address(target), why
