"""`init`, `agents`, `whoami`."""

from __future__ import annotations

from pathlib import Path

from mailcore import workspace
from mailcore.cli.call import Call, Parser, Result, sender_option
from mailcore.errors import UsageError
from mailcore.liveness import read_lock
from mailcore.mail.mailbox import read_mailbox
from mailcore.model.run import Holder
from mailcore.text import line


def arguments(verb: str, parser: Parser) -> None:
    """Positional forms, kept for good."""
    if verb == "init":
        parser.add_argument("directory", nargs="?", default=".", metavar="DIR")
        parser.add_argument("--agent", action="append", default=[], metavar="NAME=PATH")
    if verb == "whoami":
        parser.add_argument("--explain", action="store_true", help="print every step that was looked at")
        sender_option(parser)


def init(call: Call) -> Result:
    """Make a workspace; a file that exists is never overwritten."""
    agents = []
    for text in call.arguments.agent:
        name, equals, path = text.partition("=")
        if not equals or not name or not path:
            raise UsageError(f"--agent {text!r}: write NAME=PATH, like writer=agents/writer")
        agents.append((name, path))
    made = workspace.init(Path(call.arguments.directory), agents)
    rows = [{"address": a.address, "branch": str(a.branch)} for a in made.agents]
    text = "\n".join([f"{made.registry}", *(f"  {a.address:<16} {a.branch}" for a in made.agents)])
    return {"workspace": str(made.root), "registry": str(made.registry), "agents": rows}, text


def agents(call: Call) -> Result:
    """Everyone who can be written to, with unread mail and whether they work now."""
    rows, lines = [], []
    for agent in (*call.workspace.agents, call.workspace.operator):
        box = read_mailbox(agent.inbox)
        lock = read_lock(agent.dispatch_lock)
        busy = lock is not None and lock.holder is not Holder.DEAD
        rows.append(
            {
                "address": agent.address,
                "name": agent.name,
                "branch": str(agent.branch),
                "role": agent.role,
                "mailbox": str(box.status),
                "unread": box.unread,
                "open": box.open,
                "busy": busy,
                "task": lock.subject if lock is not None and busy else "",
            }
        )
        mail = f"{box.unread} unread of {box.open}" if not box.reason else "UNREADABLE"
        task = f"busy: {line(lock.subject, 40)}" if lock is not None and busy else "idle"
        lines.append(f"{agent.address:<16} {mail:<18} {task:<46} {line(agent.role, 60)}".rstrip())
    return rows, "\n".join([*lines, *call.workspace.refused])


def whoami(call: Call) -> Result:
    """The caller's address, and with --explain the evidence."""
    caller = call.caller
    value = {"address": caller.address, "how": caller.how, "run_id": caller.run_id, "evidence": list(caller.evidence)}
    text = "\n".join([caller.address, *(f"  {step}" for step in caller.evidence)])
    return value, text if call.arguments.explain else caller.address
