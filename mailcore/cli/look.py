"""`trace`, `tasks`, `history`: where mail stands, what is not answered, what happened."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from mailcore import journal
from mailcore.cli.call import Call, Parser, Result, iso_time, local_time, sender_option
from mailcore.dispatch.tasks import run_of, tasks_of
from mailcore.errors import UsageError
from mailcore.mail import lookup
from mailcore.mail.ladder import ladder
from mailcore.mail.threads import threads
from mailcore.model.message import parse_time
from mailcore.text import line


def arguments(verb: str, parser: Parser) -> None:
    """`trace ID`; `tasks [@a]`; `history [--since 2h]`."""
    if verb == "trace":
        parser.add_argument("id", metavar="ID")
    elif verb == "tasks":
        parser.add_argument("address", nargs="?", metavar="@a")
    else:
        parser.add_argument("--since", metavar="WHEN", help="an ISO time, or 30m, 2h, 7d")
        sender_option(parser)


def trace(call: Call) -> Result:
    """The rungs of a message with their times, and its thread."""
    copy = lookup.find(call.workspace, call.arguments.id)
    run = run_of(copy.agent, copy.message.id)
    steps = ladder(copy.message, run)
    thread = next(t for t in threads(c.message for c in lookup.copies(call.workspace)) if _holds(t.messages, copy))
    ack = copy.message.ack
    value = {
        "id": copy.message.id,
        "sent_id": copy.message.sent_id,
        "seq": copy.message.seq,
        "from": copy.message.sender,
        "to": copy.agent.address,
        "subject": copy.message.subject,
        "rung": steps.rung,
        "rungs": [{"rung": rung, "at": iso_time(at)} for rung, at in steps.rungs],
        "result": ack.result if ack else "",
        "run": run.run_id if run else None,
        "thread": [{"id": m.id, "from": m.sender, "to": m.recipient, "subject": m.subject} for m in thread.messages],
    }
    lines = [
        f"#{copy.message.seq} {copy.message.id}  {line(copy.message.sender)} → {copy.agent.address}: "
        f"{line(copy.message.subject)}",
        *(f"  {rung:<13} {local_time(at)}" for rung, at in steps.rungs),
        *([f"  result: {line(ack.result)}"] if ack and ack.result else []),
        *(["thread:"] if len(thread.messages) > 1 else []),
        *(f"  {m.id} {line(m.sender)}: {line(m.subject)}" for m in thread.messages if len(thread.messages) > 1),
    ]
    return value, "\n".join(lines)


def _holds(messages: tuple[Any, ...], copy: lookup.Copy) -> bool:
    return any(m.id == copy.message.id and m.sent_id == copy.message.sent_id for m in messages)


def tasks(call: Call) -> Result:
    """Tasks that nobody has answered yet, the oldest first."""
    agents = [call.workspace.agent(call.arguments.address)] if call.arguments.address else call.workspace.agents
    found = sorted(
        (task for agent in agents for task in tasks_of(agent, call.config.dispatch.hard_limit, time.time())),
        key=lambda task: task.message.at,
    )
    rows = [
        {
            "id": task.message.id,
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
        f"#{task.message.seq:<5} {task.agent.address:<14} from {line(task.message.sender, 14):<14} "
        f"{timedelta(seconds=round(task.age))!s:>9}  {task.rung:<12} {line(task.message.subject, 50)}"
        + (f"  [{task.note}]" if task.note else "")
        for task in found
    )
    return rows, text or "no open tasks"


def history(call: Call) -> Result:
    """Every send, transition, run and act, by whom and when: from the audit and the journals of the runs."""
    since = _since(call.arguments.since) if call.arguments.since else 0.0
    events = [event for event in _events(call) if parse_time(event.get("at")) >= since]
    events.sort(key=lambda event: parse_time(event.get("at")))
    lines = []
    for event in events:
        facts = [f"{key}={line(str(value), 60)}" for key, value in event.items() if key not in ("at", "by", "verb")]
        at = local_time(parse_time(event.get("at")))
        lines.append(f"{at}  {event.get('by') or '-'!s:<12} {event['verb']:<14} {' '.join(facts)}")
    return events, "\n".join(lines) or "nothing has happened yet"


def _events(call: Call) -> Iterator[dict[str, Any]]:
    for record in journal.read(call.workspace.state_dir / "audit.jsonl"):
        if isinstance(record.get("verb"), str):
            yield record
    for agent in call.workspace.agents:
        for path in sorted(agent.runs_dir.glob("*/run.jsonl")):
            for record in journal.read(path):
                kept = {k: v for k, v in record.items() if k not in ("at", "event", "nonce", "prompt", "run_id")}
                head = {"at": record.get("at"), "by": record.get("by") or agent.address}
                yield {**head, "verb": f"run {record.get('event')}", "run": path.parent.name, **kept}


def _since(text: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    if text[-1:] in units and text[:-1].isdigit():
        return time.time() - int(text[:-1]) * units[text[-1]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise UsageError(f"--since {text!r}: an ISO time, or 30m, 2h, 7d") from error
