"""`wait` and `watch`: block until something has come of mail; stream what happens to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from mailcore.cli import output
from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.history import concerns
from mailcore.cli.options import ID, sender_option
from mailcore.exceptions import MailcoreError, UsageError
from mailcore.model.agent import Agent
from mailcore.model.message import parse_time
from mailcore.system import self_ignore
from mailcore.system.writing import make_directory
from mailcore.text import line
from mailcore.text.frames import quoted
from mailcore.text.names import safe_sender
from mailcore.text.progress import step
from mailcore.text.units import clock_time
from mailcore.workspace.find import load_workspace
from mailcore.workspace.variables import RUN_ID

if TYPE_CHECKING:
    from mailcore.dispatch.wait import SettledMessage
    from mailcore.dispatch.wait_any import Arrivals
    from mailcore.mail.lookup import Copy

FAILED = 4
TIMED_OUT = 5
LOOK_PERIOD = 0.5
"""Seconds between two looks where the kernel reports no changes."""
GOOD = {
    "reply": ("reply", "done", "approved", "completed"),
    "done": ("done", "completed"),
    "approval": ("approved",),
    "any": ("mail", "reply", "acknowledged", "done", "approved", "completed"),
}
"""What is waited for → what it is good to come to: a run that ended well did its task, whatever its agent said."""


def arguments(verb: str, parser: Parser) -> None:
    """`wait ID… [--all] [--for reply|done|approval] [--timeout S]`; `watch [--jsonl]`."""
    if verb == "wait":
        from mailcore.dispatch.wait import WANTS

        parser.add_argument("ids", nargs="*", metavar="ID", help=f"{ID}; with --any also a run's id, or @a: its run")
        parser.add_argument(
            "--any",
            action="store_true",
            help="the next mail that comes to you, or the end of one of these, whichever is first; with none of them "
            "that of a run that you asked for",
        )
        parser.add_argument("--all", action="store_true", help="until every one is settled, not just one")
        parser.add_argument(
            "--for", dest="want", choices=WANTS, default="reply", help="any answer (reply), or only that"
        )
        parser.add_argument("--timeout", type=float, metavar="S", help=f"seconds, then exit {TIMED_OUT}")
        sender_option(parser)
    else:
        parser.add_argument("--jsonl", action="store_true", help="one JSON object a line")
        sender_option(parser)


def wait(call: Call) -> VerbResult:
    """Exit 0 at a good end, 4 if one came to another, 5 at the time limit; what is known is said either way."""
    from mailcore.dispatch.recovery import Recovery
    from mailcore.dispatch.runs.open_tasks import newest_run_of
    from mailcore.dispatch.wait import wait_for_messages as until
    from mailcore.mail.approvals import approver_of

    a = call.arguments
    if a.any and a.all:
        raise UsageError("--any ends with the first of them, --all with the last: one of the two")
    if not a.any and not a.ids:
        raise UsageError("for what? wait ID…, or wait --any")
    approver = partial(approver_of, call.config)
    arrivals = _arrivals(call) if a.any else None
    ids = [one for one in a.ids if arrivals is None or one not in arrivals.named]
    step(f"waiting for {a.want} of {' '.join(a.ids)}" if a.ids else "waiting for what comes")
    with _in_the_journal(call) as on_wait:
        settled = until(
            call.workspace, call.viewer, ids, a.want, approver, newest_run_of,
            every=a.all, timeout=a.timeout, on_wait=on_wait, attend=Recovery(call.workspace, call.config).check,
            beside=None if arrivals is None else arrivals.new_arrivals, at_work=arrivals.at_work() if arrivals else (),
            cancellation=call.served.cancellation if call.served is not None else None,
        )  # fmt: skip
    with suppress(MailcoreError, OSError):  # what it would be woken for stays in its queue, and is passed over there
        from mailcore.dispatch.queueing.queue import forget_notified

        forget_notified(call.workspace, call.viewer)
    open_ids = [one.id for one in settled if not one.state]
    over = bool(open_ids) if a.all else len(open_ids) == len(settled)
    good = GOOD["any" if a.any else a.want]
    bad = any(one.state and one.state not in good for one in settled)
    status = TIMED_OUT if over else FAILED if bad else 0
    text = "\n".join(map(_said, settled)) or "nothing came"
    return {"settled": [one.as_json() for one in settled], "timed_out": over, "exit": status}, text


def _arrivals(call: Call) -> Arrivals:
    """What else than the messages that are named may end it."""
    from mailcore.dispatch.wait_any import Arrivals, names_run
    from mailcore.formats.timestamps import unique_time

    run_id = "" if call.viewer.is_operator else call.caller.run_id
    since = run_id or unique_time(datetime.fromtimestamp(call.began, UTC))
    found = Arrivals(call.workspace, call.viewer, run_id, since, own=not call.arguments.ids)
    for name in filter(names_run, call.arguments.ids):
        found.name(name)
    return found


@contextmanager
def _in_the_journal(call: Call) -> Iterator[Callable[[Sequence[Copy]], None]]:
    """Let the journal of the run that waits say for whom, and when no more: its silence is none of its own."""
    from mailcore.system.processes import start_ticks
    from mailcore.workspace.lock_reader import sandboxed

    pid = 0 if sandboxed() else os.getpid()
    began = False

    def on_wait(copies: Sequence[Copy]) -> None:
        nonlocal began
        if os.environ.get(RUN_ID):
            on = ", ".join(dict.fromkeys(copy.agent.address for copy in copies)) or "mail"
            subject = copies[0].message.subject if copies else "whatever comes first"
            want = "any" if call.arguments.any else call.arguments.want
            facts = {"want": want, "pid": pid, "start_ticks": start_ticks(pid)}
            call.journal(call.caller, "awaits", on=on, subject=subject, **facts)
            began = True

    try:
        yield on_wait
    finally:
        if began:
            call.journal(call.caller, "awaited", pid=pid)


def _said(one: SettledMessage) -> str:
    if not one.state:
        return f"{one.id}: not yet"
    about = f" {quoted(one.subject, 80)}" if one.subject else ""
    text = f": {line(one.text, 200)}" if one.text.strip() else ""
    return f"{one.id}: {line(one.state)} by {safe_sender(one.by)}{about}{text}"


def watch(call: Call) -> VerbResult:
    """Print mail events as they come, until interrupted."""
    from mailcore.formats.json_codec import printed

    viewer = call.viewer.address  # whoever is refused does not learn that it watches
    whose = "all mail" if call.viewer.is_operator else f"{viewer}'s mail"
    output.print_note(f"mailcore watch: {whose} of {call.workspace.root}, until Ctrl-C")
    for event in _events(call):
        if not concerns(call, event):
            continue
        as_json = call.arguments.jsonl or call.arguments.json
        text = printed(event, indent=False) if as_json else event_line(event).encode("utf-8", "replace")
        if unsaid := output.print_stdout(text):
            if unsaid == output.READER_GONE:
                break
            raise MailcoreError(unsaid, "output")
    return None, ""


PAST = {
    "send": "sent", "feedback": "sent", "undelivered": "could not be delivered", "close": "closed",
    "restore": "restored", "escalate": "escalated", "accept": "accepted", "reopen": "reopened", "start": "started",
    "hold": "held", "release": "released", "kill": "killed", "cancel": "cancelled", "attach": "attached to",
    "away": "is away", "back": "is back", "prune": "pruned", "untold": "could not tell",
    "agent add": "added", "agent adopt": "adopted", "agent remove": "removed", "commit": "committed the work of",
    "merge": "merged the work of", "pull request": "opened a pull request of",
    "key new": "issued a key of", "key revoke": "revoked a key of",
}  # fmt: skip
"""Verbs of the audit as what somebody did; a verb that is not here stands as it is."""


def event_line(event: Mapping[str, Any]) -> str:
    """One act for people: `14:03:22 @operator → @worker  sent #20 "rec me"`."""
    verb, by = str(event.get("verb", "")), str(event.get("by") or "-")
    whom = event.get("to") or event.get("agent") or event.get("asked_by") or ""
    ids = event.get("ids") or [event.get("id") or event.get("sent_id") or ""]
    names = [f"#{event['seq']}"] if event.get("seq") else [str(name) for name in ids if name]
    quoted = [f'"{event[key]}"' for key in ("subject", "why", "until") if event.get(key)]
    reasons = [str(event[key]) for key in ("reason", "error") if event.get(key)]
    head = f"{safe_sender(by)} → {whom}" if whom and whom != by else safe_sender(by)
    at = clock_time(parse_time(event.get("at")), never="--:--:--")
    return f"{at} {line(head)}  {line(' '.join([PAST.get(verb, verb), *names, *quoted, *reasons]))}"


def _events(call: Call) -> Iterator[dict[str, Any]]:
    """Acts on mail by mailcore, from the audit; deliveries by other programs, from the mailboxes themselves."""
    from mailcore.formats import journal
    from mailcore.mail.mailbox_reader import read_mailbox
    from mailcore.observe.file_tail import FileTail
    from mailcore.system.open_files import OpenFiles
    from mailcore.system.watching import Watcher, inodes

    workspace = call.workspace
    self_ignore.make_ignored(workspace.state_dir)
    known: dict[Agent, set[str]] = {}
    with Watcher(LOOK_PERIOD) as watcher, closing(OpenFiles()) as open_files:

        def enroll() -> None:
            """Watch everyone's mail; the registry, which may name a new agent; and the audit."""
            there = [agent for agent in (*workspace.agents, workspace.operator) if agent.branch.is_dir()]
            for agent in there:
                self_ignore.make_ignored(agent.mail_dir, parents=True)
            places = [workspace.state_dir, workspace.registry.parent, *(agent.mail_dir for agent in there)]
            watcher.watch(inodes(places))
            for agent in there:
                if agent not in known:  # only now: what comes after this look wakes the watch
                    known[agent] = {message.id for message in read_mailbox(agent.inbox).messages}

        make_directory(workspace.operator.branch, parents=True)
        enroll()
        audit = FileTail(workspace.state_dir / "audit.jsonl", 0)
        audit.follow(open_files)  # what stands there already is no news
        while True:
            changes = watcher.wait()
            if str(workspace.registry) in changes.paths or changes.lost:
                with suppress(MailcoreError):  # broken for now: who was known is watched on
                    workspace = load_workspace(workspace.registry)
                    enroll()
            yield from journal.parse_records(audit.follow(open_files))
            while audit.behind:
                yield from journal.parse_records(audit.follow(open_files))
            for agent, seen in known.items():
                for message in reversed(read_mailbox(agent.inbox).messages):
                    if message.id in seen:
                        continue
                    seen.add(message.id)
                    if not message.stored_at:  # ours say when, and stand in the audit
                        facts = {"by": message.sender, "verb": "send", "to": agent.address, "id": message.id}
                        yield {"at": message.raw.get("timestamp"), **facts, "subject": message.subject}
