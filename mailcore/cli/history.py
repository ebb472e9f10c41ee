"""`trace`, `tasks`, `history`: where mail stands, what is not answered, what happened."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailcore.cli import output
from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import ID, sender_option
from mailcore.cli.since import parse_since
from mailcore.dispatch.runs.open_tasks import OpenTask, newest_run_of, open_tasks_of
from mailcore.exceptions import MailcoreError, Refused
from mailcore.formats import journal
from mailcore.hosts.membership import read_membership
from mailcore.mail import thread_lookup
from mailcore.mail.ladder import ladder
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.mail.message_names import choose_named
from mailcore.mail.threads import group_threads
from mailcore.model.agent import RUN_JOURNAL
from mailcore.model.message import FINAL, parse_time
from mailcore.text import line
from mailcore.text.names import safe_sender
from mailcore.text.units import age, date_and_time, iso

if TYPE_CHECKING:
    from mailcore.mail.remote_copies import RemoteCopy


def arguments(verb: str, parser: Parser) -> None:
    """`trace ID`; `tasks [@a]`; `history [--since 2h]`."""
    if verb == "trace":
        parser.add_argument("id", metavar="ID", help=ID)
    elif verb == "tasks":
        parser.add_argument("address", nargs="?", metavar="@a", help="whose; without it everybody's that you may see")
    else:
        parser.add_argument("--since", metavar="WHEN", help="an ISO time, or 30m, 2h, 7d")
    sender_option(parser)


def trace(call: Call) -> VerbResult:
    """The rungs of a message with their times, and its thread."""
    copies = thread_lookup.thread_copies(call.workspace, call.arguments.id)
    elsewhere: RemoteCopy | None = None
    try:
        copy = thread_lookup.find_among(call.workspace, call.arguments.id, copies)
    except MailcoreError as error:
        if error.code != "no_message":
            raise
        if read_membership(call.workspace) is not None:
            from mailcore.mail.remote_copies import find_remote

            elsewhere = find_remote(call.workspace, call.arguments.id)
        if elsewhere is not None:
            copy = elsewhere.copy
            copies = [copy, *thread_lookup.thread_copies(call.workspace, copy.message.sent_id)]
        elif (recorded := _recorded(call)) is not None:
            return recorded
        else:
            raise
    if not call.sees(copy.message.sender, copy.agent.address):
        raise Refused(f"{call.viewer.address} sees its own mail; {call.arguments.id} is between others", "visibility")
    run = newest_run_of(copy.agent, copy.message.id) if elsewhere is None else None
    steps = ladder(copy.message, run) if elsewhere is None else elsewhere.steps
    names = (copy.message.id, copy.message.sent_id)
    visible = [c.message for c in copies if call.sees(c.message.sender, c.agent.address)]
    found = (t.messages for t in group_threads(visible) if any((m.id, m.sent_id) == names for m in t.messages))
    thread = next(found, (copy.message,))
    ack = copy.message.ack
    delivered_at = str(copy.message.raw.get("told_where", ""))
    value = {
        "id": copy.message.id,
        "sent_id": copy.message.sent_id,
        "seq": copy.message.seq,
        "from": copy.message.sender,
        "to": copy.agent.address,
        "subject": copy.message.subject,
        "rung": steps.rung,
        "rungs": [{"rung": rung, "at": iso(at)} for rung, at in steps.rungs],
        "result": ack.result if ack else "",
        "told": delivered_at,
        "run": run.run_id if run else None,
        "thread": [{"id": m.id, "from": m.sender, "to": m.recipient, "subject": m.subject} for m in thread],
    }
    lines = [
        f"#{copy.message.seq} {line(copy.message.id)}  {safe_sender(copy.message.sender)} → {copy.agent.address}: "
        f"{line(copy.message.subject)}",
        *(f"  {rung:<13} {date_and_time(at, never='-')}" for rung, at in steps.rungs),
        *([f"  told by its hook at {line(delivered_at, 40)}"] if delivered_at else []),
        *([f"  result: {line(ack.result)}"] if ack and ack.result else []),
        *(["thread:"] if len(thread) > 1 else []),
        *(f"  {line(m.id)} {safe_sender(m.sender)}: {line(m.subject)}" for m in thread if len(thread) > 1),
    ]
    return value, "\n".join(lines)


def _recorded(call: Call) -> VerbResult | None:
    """What the audit says of a mail of which no copy is left, pruned or removed with its agent; None if nothing."""
    from mailcore.model.message import Message

    acts = _read(call.workspace.state_dir / "audit.jsonl")
    sends = [act for act in acts if act.get("verb") in ("send", "feedback") and act.get("to")]
    sent = choose_named(call.arguments.id, reversed(sends), Message.from_json)
    if sent is None:
        return None
    by, to = str(sent.get("by", "")), str(sent.get("to", ""))
    if not call.sees(by, to):
        raise Refused(f"{call.viewer.address} sees its own mail; {call.arguments.id} is between others", "visibility")
    names = {sent.get("id"), sent.get("sent_id")} - {"", None}
    rungs: list[tuple[str, float]] = [("stored", parse_time(sent.get("at")))]
    result = ""
    for act in acts:
        own = act.get("by") == to and (act.get("id") in names or names.intersection(_ids(act)))
        rung = {"read": "seen"}.get(str(act.get("verb")), str(act.get("verb")))
        if own and rung in ("seen", "acknowledged", *FINAL):
            rungs.append((rung, parse_time(act.get("at"))))
            result = str(act.get("result") or result)
    value = {
        **{key: sent.get(key) for key in ("id", "sent_id", "seq", "subject")}, "from": by, "to": to,
        "rung": rungs[-1][0], "rungs": [{"rung": rung, "at": iso(at)} for rung, at in rungs], "result": result,
        "told": "", "run": None, "thread": [], "gone": True,
    }  # fmt: skip
    number = f"#{seq} " if isinstance(seq := sent.get("seq"), int) and seq else ""
    lines = [
        f"{number}{line(str(sent.get('id') or sent.get('sent_id')))}  {safe_sender(by)} → {line(to, 80)}: "
        f"{line(str(sent.get('subject', '')))}",
        *(f"  {rung:<13} {date_and_time(at, never='-')}" for rung, at in rungs),
        *([f"  result: {line(result)}"] if result else []),
        "  no copy of it is left: this is what the audit recorded",
    ]
    return value, "\n".join(lines)


def _ids(act: dict[str, Any]) -> list[str]:
    found = act.get("ids")
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def tasks(call: Call) -> VerbResult:
    """Tasks, requests and urgent questions that nobody has answered yet, the oldest first."""
    everyone = (*call.workspace.agents, call.workspace.operator)
    agents = [call.workspace.agent(call.arguments.address)] if call.arguments.address else everyone
    found = sorted(
        (
            task
            for agent in agents
            for task in open_tasks_of(agent, call.config.mail, time.time())
            if call.sees(agent.address, task.message.sender)
        ),
        key=lambda task: task.message.at,
    )
    requests = _requests(call) if found else {}
    found = [replace(task, note=task.note or requests.get(task.run_id, "")) for task in found]
    rows = [
        {
            "id": task.message.id,
            "kind": task.kind,
            "seq": task.message.seq,
            "to": task.agent.address,
            "from": task.message.sender,
            "subject": task.message.subject,
            "age": round(task.age),
            "rung": task.rung,
            "overdue": task.overdue,
            "note": task.note,
        }
        for task in found
    ]
    text = "\n".join(
        f"{line(task.message.id, 40):<8} #{task.message.seq:<5} {task.agent.address:<14} "
        f"from {safe_sender(task.message.sender, 14):<14} {age(task.age):>5}  "
        f"{task.rung:<12} {line(task.message.subject, 50)}{_beside(task)}"
        for task in found
    )
    return rows, text or "no open tasks"


def _requests(call: Call) -> dict[str, str]:
    """Run → the approval that it waits for, in words."""
    from mailcore.mail.approvals import approvers
    from mailcore.mail.message_text import request_text

    return {
        request.run_id: f"waits for {agent.address}'s {request_text(request)}: {request.subject}"
        for agent in approvers(call.workspace, call.config)
        for request in read_mailbox(agent.inbox).messages
        if request.undecided and request.run_id
    }


def _beside(task: OpenTask) -> str:
    """What else is said of it in its line."""
    notes = ["overdue"] if task.overdue else []
    notes += [] if task.kind == "task" else [task.kind]
    return "".join(f"  [{line(note, 80)}]" for note in [*notes, *([task.note] if task.note else [])])


def history(call: Call) -> VerbResult:
    """Every send, transition, run and act, by whom and when: from the audit and the journals of the runs."""
    earliest = parse_since(call.arguments.since) if call.arguments.since else 0.0
    from mailcore.dispatch.aipass import recorder

    unwritten = recorder.record_acts(call.workspace, keep=True)
    timed = [(parse_time(event.get("at")), event) for event in (*_events(call), *unwritten)]
    timed = [(at, event) for at, event in timed if at >= earliest and concerns(call, event)]
    timed.sort(key=lambda one: one[0])
    events = [event for _, event in timed]
    lines: list[str] = []
    for moment, event in () if call.as_json else timed:
        facts = [f"{key}={line(str(value), 60)}" for key, value in event.items() if key not in ("at", "by", "verb")]
        at = date_and_time(moment, never="-")
        lines.append(
            f"{at}  {safe_sender(str(event.get('by') or '-')):<12} {line(event['verb']):<14} {' '.join(facts)}"
        )
    return events, "\n".join(lines) or "nothing has happened yet"


def concerns(call: Call, event: dict[str, Any]) -> bool:
    """True if the caller may see this act: its own, or on mail or a run of its own."""
    return call.sees(*(event.get(key) for key in ("by", "to", "agent", "target", "sender", "asked_by")))


def _events(call: Call) -> Iterator[dict[str, Any]]:
    for record in _read(call.workspace.state_dir / "audit.jsonl"):
        if isinstance(record.get("verb"), str):
            yield {key: value for key, value in record.items() if key != "chain"}
    for agent in (*call.workspace.agents, *call.workspace.former_agents()):
        for path in sorted(agent.runs_dir.glob(f"*/{RUN_JOURNAL}")):
            records = _read(path)
            # What it was called then: it may be renamed, or its directory another's by now.
            address = str(records[0].get("target") or agent.address) if records else ""
            for record in records:
                kept = {
                    k: v for k, v in record.items() if k not in ("at", "event", "nonce", "prompt", "text", "run_id")
                }
                head = {"at": record.get("at"), "by": record.get("by") or address, "agent": address}
                act = {"act": kept.pop("verb")} if "verb" in kept else {}
                yield {**kept, **act, **head, "verb": f"run {record.get('event')}", "run": path.parent.name}


def _read(path: Path) -> list[dict[str, Any]]:
    """A journal's records; what cannot be read is said, and keeps nobody from the rest."""
    try:
        return journal.read_records(path)
    except OSError as error:
        output.print_note(f"mailcore history: {path}: {error.strerror}")
        return []
