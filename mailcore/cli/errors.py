"""`errors`: what agents' logs, tools and results report again and again, and what is done about it."""

from __future__ import annotations

from typing import Any

import msgspec

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import sender_option
from mailcore.errors.store import ErrorBook, read_errors
from mailcore.exceptions import UsageError, tolerated
from mailcore.model.error_group import ErrorGroup, GroupState
from mailcore.text import counted, line
from mailcore.text.frames import indented
from mailcore.text.masks import masked, masked_all
from mailcore.text.units import date_and_time

ACTS = ("list", "show", "resolve", "reopen", "mute", "unmute", "investigate")
SETTLED = (GroupState.RESOLVED, GroupState.MUTED)


def arguments(verb: str, parser: Parser) -> None:
    """`errors [list|show|resolve|reopen|mute|unmute|investigate] [ID] [WORDS]`."""
    del verb
    parser.add_argument("what", nargs="?", choices=ACTS, default="list", help="list if not said")
    parser.add_argument("id", nargs="?", default="", metavar="ID", help="of an error, as listed, or how it begins")
    parser.add_argument("how", nargs="?", default="", metavar="WORDS", help="of resolve: what was done")
    parser.add_argument("--all", action="store_true", help="list what is muted or resolved too")
    parser.add_argument("--minutes", type=float, default=0.0, metavar="N", help="how long it is muted; else for good")
    parser.add_argument("--mail", action="store_true", help="of investigate: ask by mail alone, and start nobody")
    parser.add_argument("--no-look", action="store_true", help="say what is known, and do not read the logs first")
    sender_option(parser)


def errors(call: Call) -> VerbResult:
    """Errors by group; `show` tells all of one, `resolve` that it is over, `investigate` asks its agent now."""
    from mailcore.dispatch import error_acts

    a = call.arguments
    if a.what not in ("list",) and not a.id:
        raise UsageError(f"which? mailcore errors {a.what} ID, as `mailcore errors` lists it")
    if a.what in ("list", "show"):
        if not a.no_look:
            _look(call)
        book = read_errors(call.workspace)
        return _whole(error_acts.find_error(book, a.id)) if a.what == "show" else _listed(book, everything=a.all)
    group = error_acts.find_error(read_errors(call.workspace), a.id)
    # Its agent may say that it is over; what silences it, or starts somebody, is the operator's.
    if not (a.what == "resolve" and call.caller.address == group.owner) and not call.caller.agent.is_operator:
        call.require()
    by, name = call.caller.address, group.fingerprint
    match a.what:
        case "resolve":
            group = error_acts.resolve_error(call.workspace, by, name, a.how)
        case "reopen":
            group = error_acts.reopen_error(call.workspace, by, name)
        case "mute":
            group = error_acts.mute_error(call.workspace, by, name, a.minutes)
        case "unmute":
            group = error_acts.unmute_error(call.workspace, by, name)
        case _:
            group = error_acts.investigate_error(call.workspace, call.config, by, name, dispatch=not a.mail)
    last = group.history[-1].what if group.history else str(group.state)
    told = last if last.startswith(str(group.state)) else f"{group.state}: {last}"
    return _row(group), f"{group.fingerprint} is {line(masked(told), 200)}"


def _look(call: Call) -> None:
    """What came since; what hinders the look is said beside what is known."""
    from mailcore.dispatch.error_watch import watch_errors

    with tolerated("what came since is not read"):
        watch_errors(call.workspace, call.config)


def _row(group: ErrorGroup) -> dict[str, Any]:
    row: dict[str, Any] = masked_all(msgspec.to_builtins(group))
    return {"id": group.fingerprint} | row


def _listed(book: ErrorBook, *, everything: bool) -> VerbResult:
    found = sorted(book.groups.values(), key=lambda group: -group.last_at)
    shown = [group for group in found if everything or group.state not in SETTLED]
    lines = [
        f"{group.fingerprint}  {group.state:<13} {group.count:>7,}  {date_and_time(group.last_at)}  "
        f"{line(group.owner, 20):<12} {line(masked(group.title), 100)}"
        for group in shown
    ]
    rest = len(found) - len(shown)
    if rest:
        lines.append(f"{counted(rest, 'more group')} muted or resolved: --all")
    if warnings := sum(book.warnings.values()):
        lines.append(f"{counted(warnings, 'warning')} in the logs")
    if book.breaker_at:
        lines.append(f"no agent is asked for now, [errors] breaker: since {date_and_time(book.breaker_at)}")
    if book.reason:
        lines.append(book.reason)
    value = {
        "errors": [_row(group) for group in shown],
        "hidden": rest,
        "warnings": dict(book.warnings),
        "breaker_at": book.breaker_at or None,
        "trouble": book.reason,
    }
    return value, "\n".join(lines) or "no errors"


def _whole(group: ErrorGroup) -> VerbResult:
    runs = ", ".join(group.runs[-5:])
    sample = group.sample
    lines = [
        f"{group.fingerprint} is {group.state}: {line(masked(group.title), 300)}",
        f"{counted(group.count, 'time')} since {date_and_time(group.first_at)}, last at {date_and_time(group.last_at)}",
        f"of {line(group.owner)}: {group.owner_why}",
        f"reported by {', '.join(f'{line(who)} ({number})' for who, number in group.agents)}",
        *([f"in the runs {line(runs)}"] if runs else []),
        *([f"in {line(sample.path)} at byte {sample.offset:,}"] if sample is not None and sample.path else []),
    ]
    if sample is not None and sample.sample:
        lines += ["", indented(masked("\n".join(sample.sample)), 120)]
    if group.history:
        lines += ["", "what was done:"]
        lines += [
            f"  {date_and_time(one.at)}  {line(one.by) or 'the watcher'}: {line(masked(one.what), 300)}"
            for one in group.history
        ]
    return _row(group), "\n".join(lines)
