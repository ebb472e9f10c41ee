"""`queue`: the starts that wait, and their order."""

from __future__ import annotations

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import sender_option
from mailcore.dispatch.queueing import queue as waiting
from mailcore.exceptions import UsageError
from mailcore.text import line
from mailcore.text.units import date_and_time, iso


def arguments(verb: str, parser: Parser) -> None:
    """`queue [list|cancel ID|move ID PLACE|now ID]`."""
    del verb
    acts = ("list", "cancel", "move", "now")
    parser.add_argument("what", nargs="?", choices=acts, default="list", help="list if not said")
    parser.add_argument("id", nargs="?", default="", metavar="ID", help="of a start that waits, as listed")
    parser.add_argument("position", nargs="?", default="", metavar="PLACE",
                        help="where to: up, down, first, last, or a number from 1")  # fmt: skip
    sender_option(parser)


def queue(call: Call) -> VerbResult:
    """What waits, and for what; cancel takes one out, move gives it another place, now begins it if it can begin."""
    match call.arguments.what:
        case "cancel":
            return _cancel(call)
        case "move":
            return _move(call)
        case "now":
            return _begin(call)
    return _listed(list(waiting.all_waiting(call.workspace)))


def _entitled(call: Call, *, sender: bool) -> None:
    """Refused to whom the start does not concern: its agent and the operator may; its sender only what is its own."""
    found = next((one for one in waiting.all_waiting(call.workspace) if one.id == call.arguments.id), None)
    own = found is None or call.caller.address in (found.agent.address, *((found.sender,) if sender else ()))
    if not own and not call.caller.agent.is_operator:
        call.require()


def _cancel(call: Call) -> VerbResult:
    _entitled(call, sender=True)
    entry = waiting.cancel_start(call.workspace, call.caller.address, call.arguments.id)
    return {"cancelled": entry.id}, f"cancelled: {line(entry.subject)}"


def _move(call: Call) -> VerbResult:
    from mailcore.dispatch.queueing.queue_moves import move_start

    if not call.arguments.position:
        raise UsageError("where to? mailcore queue move ID up|down|first|last|NUMBER")
    _entitled(call, sender=False)
    moved = move_start(call.workspace, call.caller.address, call.arguments.id, call.arguments.position)
    value = {"moved": moved.entry.id, "before": moved.before, "place": moved.place, "count": moved.count}
    text = f"{line(moved.entry.subject)}: {moved.place} of {moved.count}, was {moved.before}"
    return value, f"{text}; back: mailcore queue move {moved.entry.id} {moved.before}"


def _begin(call: Call) -> VerbResult:
    from mailcore.dispatch.begin_now import begin_now

    _entitled(call, sender=False)
    begun = begin_now(call.workspace, call.config, call.caller.address, call.arguments.id)
    value = {
        "id": begun.entry.id,
        "run_id": begun.run_id or None,
        "busy": begun.waits,
        "exit": 0 if begun.run_id else 3,
    }
    said = f"run {begun.run_id}" if begun.run_id else f"it is the next, and waits: {line(begun.waits)}"
    return value | {"exit": 0 if begun.run_id else 3}, f"{line(begun.entry.subject)}: {said}"


def _listed(entries: list[waiting.WaitingStart]) -> VerbResult:
    rows = [
        {
            "id": entry.id,
            "agent": entry.agent.address,
            "since": iso(entry.at),
            "subject": entry.subject,
            "sender": entry.sender,
            "reason": entry.reason,
        }
        for entry in entries
    ]
    text = "\n".join(
        f"{e.id}  {e.agent.address:<16} {date_and_time(e.at, never='-')}  {line(e.subject, 50)}  [{line(e.reason, 80)}]"
        for e in entries
    )
    return rows, text or "nothing waits"
