"""`init`, `agents`, `whoami`, `away`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import sender_option
from mailcore.exceptions import UsageError
from mailcore.hosts.membership import read_membership
from mailcore.mail.mailbox_reader import absent, read_mailbox
from mailcore.model.agent import OPERATOR
from mailcore.model.lock import Holder
from mailcore.text import line
from mailcore.text.units import clock_time, iso
from mailcore.workspace.lock_reader import read_lock
from mailcore.workspace.registry import normal_address

MAX_ROLE = 500
"""Characters of a role or a purpose."""


def arguments(verb: str, parser: Parser) -> None:
    """Positional forms, kept for good."""
    if verb == "init":
        parser.add_argument("directory", nargs="?", default=".", metavar="DIR", help="where; without it here")
        parser.add_argument(
            "--agent",
            action="append",
            default=[],
            metavar="NAME=PATH",
            help="an agent and its directory in DIR; once each",
        )
        who_options(parser)
    if verb == "away":
        parser.add_argument("until", nargs="?", default="", metavar="UNTIL", help="in words, like 15:00 or Monday")
        parser.add_argument("--back", action="store_true", help="here again")
        sender_option(parser)
    if verb == "whoami":
        parser.add_argument("--explain", action="store_true", help="print every step that was looked at")
        sender_option(parser)


def init(call: Call) -> VerbResult:
    """Make a workspace; a file that exists is never overwritten."""
    from shlex import quote

    from mailcore.workspace import create, trust

    a = call.arguments
    named = [name_and_path(text) for text in a.agent]
    addresses = [normal_address(name) for name, _ in named]
    roles, purposes = (texts_by_address(texts, addresses) for texts in (a.role, a.purpose))
    who = {address: (roles.get(address, ""), purposes.get(address, "")) for address in addresses}
    made = create.create_workspace(Path(a.place or ".", a.directory), named, who)
    trust.record_made_here(made)
    rows = [{"address": a.address, "branch": str(a.branch)} for a in made.agents]
    there = "" if made.root == Path.cwd() else f"cd {quote(str(made.root))} && "
    first = made.agents[0].address
    step = f'next: {there}mailcore dispatch {first} "SUBJECT" "BODY", and praxmonitor to look on'
    text = "\n".join([f"{made.registry}", *(f"  {a.address:<16} {a.branch}" for a in made.agents), step])
    return {"workspace": str(made.root), "registry": str(made.registry), "agents": rows}, text


def name_and_path(text: str) -> tuple[str, str]:
    """`NAME=PATH` → name and path. UsageError if it is not of that form."""
    name, _, path = text.partition("=")
    if not name or not path:
        raise UsageError(f"{text!r}: write NAME=PATH, like writer=agents/writer")
    return name, path


def who_options(parser: Parser) -> None:
    """`--role`, `--purpose`."""
    for word in ("role", "purpose"):
        parser.add_argument(
            f"--{word}", action="append", default=[], metavar="[NAME=]TEXT", help=f"its {word}, for its passport"
        )


def texts_by_address(texts: list[str], addresses: list[str]) -> dict[str, str]:
    """What is said of each address: `NAME=TEXT` of that one alone, other text of all. UsageError if too long."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        whose = normal_address(name) if equals and name.strip() else ""
        value = line(rest if whose in addresses else text)
        if len(value) > MAX_ROLE:
            raise UsageError(f"{value[:40]!r}… is longer than {MAX_ROLE} characters")
        found |= dict.fromkeys([whose] if whose in addresses else addresses, value)
    return found


def away(call: Call) -> VerbResult:
    """Tell the agents that the operator is away, or back."""
    from mailcore.dispatch.runs import away_summary
    from mailcore.workspace import audit, presence

    call.require(prove=False)
    until = "" if call.arguments.back else call.arguments.until or "further notice"
    since = 0.0 if until else presence.away_since(call.workspace)
    found = away_summary.summarize(call.workspace, since) if since else away_summary.AwaySummary(0.0)
    presence.set_away(call.workspace, until)
    audit.record(call.workspace, OPERATOR, "away" if until else "back", until=until)
    missed = found.unanswered
    rows = [{"agent": run.target, "run": run.run_id, "subject": run.subject, "at": iso(run.since)} for run in missed]
    told = [away_summary.headline(found, time.time()), *(f"  {one.text}" for one in away_summary.summary_lines(found))]
    text = f"away until {until}" if until else "\n".join(["here again", *(told if since else [])])
    return {"away": until, **({"done_without_reply": rows} if rows else {})}, text


def agents(call: Call) -> VerbResult:
    """Everyone who can be written to, with unread mail and whether they work now; those on other hosts as they were
    told last."""
    from mailcore.hooks.install import hook_state
    from mailcore.programs.registry import hooks_of as hooks_of
    from mailcore.workspace import presence

    rows: list[dict[str, Any]] = []
    lines: list[str] = []
    done = presence.last_acts(call.workspace)
    notes = [*call.workspace.refused, *call.workspace.notes]
    for agent in (*call.workspace.agents, call.workspace.operator):
        box = read_mailbox(agent.inbox)
        lock = read_lock(agent.dispatch_lock)
        busy = lock is not None and lock.holder is not Holder.DEAD
        due = presence.next_wake(call.config, agent)
        place = hooks_of(call.config.agent(agent.address).program)
        hooks = hook_state(agent, place).state if place is not None else "none"
        rows.append(
            {
                "address": agent.address,
                "name": agent.name,
                "branch": str(agent.branch),
                "host": "",
                "role": agent.role,
                "mailbox": str(box.status),
                "unread": box.unread,
                "open": box.open,
                "busy": busy,
                "task": lock.subject if lock is not None and busy else "",
                "present": presence.presence_of(call.workspace, agent, done),
                "hooks": hooks,
                "account": call.config.agent(agent.address).account,
                "next_wake": iso(due),
                "wake_late": bool(due) and not busy and due < time.time(),
            }
        )
        lacks = absent(agent)
        if lacks:
            notes.append(lacks)
        mail = "UNREADABLE" if box.reason else "GONE" if lacks else f"{box.unread} unread of {box.open}"
        task = f"busy: {line(lock.subject, 40)}" if lock is not None and busy else line(rows[-1]["present"], 46)
        if due:
            wake = "LATE since" if rows[-1]["wake_late"] else "next wake"
            task = f"{task[:24]}, {wake} {clock_time(due, seconds=False)}"
        lines.append(f"{agent.address:<16} {mail:<18} {task:<46} {line(agent.role, 60)}".rstrip())
        lines[-1] += "  [hooks]" if hooks == "installed" else ""
        lines[-1] += f"  [account {rows[-1]['account']}]" if rows[-1]["account"] else ""
    if read_membership(call.workspace) is not None:
        from mailcore.cli.elsewhere import rows_elsewhere

        others, told = rows_elsewhere(call.workspace, time.time())
        rows += others
        lines += ["", *told] if told else []
    return rows, "\n".join([*lines, *notes])


def whoami(call: Call) -> VerbResult:
    """The caller's address, and with --explain the evidence."""
    caller = call.caller
    account = _account(call)
    value = {
        "address": caller.address,
        "how": caller.how,
        "run_id": caller.run_id,
        "account": account,
        "evidence": list(caller.evidence),
    }
    steps = [*caller.evidence, *([f"its program works with the account {account}"] if account else [])]
    text = "\n".join([caller.address, *(f"  {step}" for step in steps)])
    return value, text if call.arguments.explain else caller.address


def _account(call: Call) -> str:
    """The account that the caller's run was begun with, else the one that config names for it; empty: the default."""
    from mailcore.dispatch.runs.run_list import first_record_of_run

    caller = call.caller
    first = first_record_of_run(caller.agent.runs_dir / caller.run_id) if caller.run_id else {}
    return str(first.get("account", call.config.agent(caller.address).account))
