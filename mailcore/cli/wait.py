"""`wait` and `watch`: block until something has come of mail; stream what happens to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from mailcore.cli.call import Call, Parser, Result, sender_option
from mailcore.cli.look import concerns
from mailcore.errors import MailcoreError
from mailcore.model.agent import Agent
from mailcore.text import line
from mailcore.workspace import load, normal_address

TIMED_OUT = 5


def arguments(verb: str, parser: Parser) -> None:
    """`wait ID… [--all] [--for reply|done|approval] [--timeout S]`; `watch [--jsonl]`."""
    if verb == "wait":
        from mailcore.mail.wait import WANTS

        parser.add_argument("ids", nargs="+", metavar="ID")
        parser.add_argument("--all", action="store_true", help="until every one is settled, not just one")
        parser.add_argument("--for", dest="want", choices=WANTS, default="reply")
        parser.add_argument("--timeout", type=float, metavar="S", help=f"seconds, then exit {TIMED_OUT}")
        sender_option(parser)
    else:
        parser.add_argument("--jsonl", action="store_true", help="one JSON object a line")
        sender_option(parser)


def wait(call: Call) -> Result:
    """Exit 0 when settled, 5 at the time limit; what is known is said either way."""
    from mailcore.dispatch.tasks import run_of
    from mailcore.mail.wait import wait as until

    a = call.arguments
    approver = normal_address(call.config.mail.approver)
    settled = until(call.workspace, call.caller.agent, a.ids, a.want, approver, run_of, every=a.all, timeout=a.timeout)
    open_ids = [one.id for one in settled if not one.state]
    over = bool(open_ids) if a.all else len(open_ids) == len(settled)
    text = "\n".join(
        f"{one.id}: {line(one.state)} by {line(one.by)}: {line(one.text, 200)}" if one.state else f"{one.id}: not yet"
        for one in settled
    )
    return {"settled": [asdict(one) for one in settled], "timed_out": over, "exit": TIMED_OUT if over else 0}, text


def watch(call: Call) -> Result:
    """Print mail events as they come, until interrupted."""
    from mailcore.mail.store import dumps_line

    try:
        for event in _events(call):
            if not concerns(call, event):
                continue
            if call.arguments.jsonl or call.arguments.json:
                sys.stdout.buffer.write(dumps_line(event) + b"\n")
                sys.stdout.buffer.flush()
            else:
                print(line(" ".join(str(v) for v in event.values() if v not in ("", None))), flush=True)
    except KeyboardInterrupt:
        pass
    return None, ""


def _events(call: Call) -> Iterator[dict[str, Any]]:
    """Acts on mail by mailcore, from the audit; deliveries by other programs, from the mailboxes themselves."""
    from inotify_simple import INotify, flags

    from mailcore.mail.mailbox import read_mailbox
    from mailcore.mail.tail import Records

    workspace = call.workspace
    workspace.state_dir.mkdir(exist_ok=True)
    known: dict[Agent, set[str]] = {}
    with INotify() as inotify:
        inotify.add_watch(workspace.state_dir, flags.MODIFY | flags.CREATE | flags.MOVED_TO)
        # The registry, which may name a new agent: its directory, since it is replaced, not written.
        inotify.add_watch(workspace.registry.parent, flags.MOVED_TO | flags.CLOSE_WRITE)

        def enroll() -> None:
            for agent in (*workspace.agents, workspace.operator):
                if agent not in known and agent.branch.is_dir():
                    agent.mail_dir.mkdir(parents=True, exist_ok=True)
                    inotify.add_watch(agent.mail_dir, flags.MODIFY | flags.MOVED_TO | flags.CLOSE_WRITE)
                    # Only now: what comes after this look wakes the watch.
                    known[agent] = {message.id for message in read_mailbox(agent.inbox).messages}

        workspace.operator.branch.mkdir(parents=True, exist_ok=True)
        enroll()
        audit = Records(workspace.state_dir / "audit.jsonl")
        while True:
            names = {event.name for event in inotify.read(read_delay=20)}
            if workspace.registry.name in names:
                with suppress(MailcoreError):  # broken for now: who was known is watched on
                    workspace = load(workspace.registry)
                    enroll()
            yield from audit.read()
            for agent, told in known.items():
                for message in reversed(read_mailbox(agent.inbox).messages):
                    if message.id in told:
                        continue
                    told.add(message.id)
                    if not message.stored_at:  # ours say when, and stand in the audit
                        facts = {"by": message.sender, "verb": "send", "to": agent.address, "id": message.id}
                        yield {"at": message.raw.get("timestamp"), **facts, "subject": message.subject}
