"""`praxmonitor mute`: what the operator does not want to hear of for a while: made, listed, ended early."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mailcore.cli.call import Call
from mailcore.exceptions import MailcoreError, UsageError, did_you_mean
from mailcore.text import counted
from mailcore.text.terminal import print_json, print_line
from mailcore.text.units import iso, since
from mailcore.workspace import audit
from mailcore.workspace.find import workspace_here
from praxmonitor.alarms.alarm import AlarmKind
from praxmonitor.alarms.alarm_mutes import AlarmMute
from praxmonitor.alarms.inhibition import CAUSES
from praxmonitor.alarms.mute_input import holding, mute_words, new_mute, parse_end, parse_length
from praxmonitor.alarms.store import AlarmStore
from praxmonitor.cli.arguments import Parser, operator_options, say_refused
from praxmonitor.sound.mutes import mutes_path

_KINDS = ", ".join(AlarmKind)
_OTHERS = f"never hidden unless named by --kind, for others come of them: {', '.join(sorted(CAUSES))}"
_EPILOG = (
    "Exit status: 0 done; 2 a call that makes no sense: nothing to match, no such kind or mute, no end; 3 no such "
    "agent, or the caller is not the operator: an agent mutes none of your alarms."
)


def command_parser() -> Parser:
    """What it may be told, in words."""
    parser = Parser(prog="praxmonitor mute", description=__doc__, epilog=_EPILOG)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|list|end")
    _arguments_of_add(verbs.add_parser("add", help="mute what all of this matches", epilog=_EPILOG))
    listing = verbs.add_parser("list", help="those that hold: which, by whom, until when, why", epilog=_EPILOG)
    listing.add_argument("-C", dest="place", metavar="DIR", help="the workspace that DIR is in; else MAILCORE_ROOT's")
    listing.add_argument("--json", action="store_true", help="as JSON")
    ending = verbs.add_parser("end", help="end one early", epilog=_EPILOG)
    ending.add_argument("id", nargs="*", metavar="ID", help="as `praxmonitor mute list` has it")
    ending.add_argument("--all", action="store_true", help="all that hold")
    operator_options(ending)
    return parser


def main(argv: Sequence[str]) -> int:
    """`praxmonitor mute add|list|end`. Exit status 0, or 2 and above with the reason."""
    parser = command_parser()
    options = parser.parse_args(argv)
    act = {"add": _add, "list": _list, "end": _end}[options.verb]
    try:
        return act(options, time.time())
    except (MailcoreError, OSError) as error:
        failed = error if isinstance(error, MailcoreError) else MailcoreError(f"the mutes cannot be stored: {error}")
        return say_refused(failed, as_json=options.json)


def _arguments_of_add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--agent", metavar="@x", help="alarms of this agent, and of no other beside it")
    parser.add_argument("--kind", metavar="K", help=f"of a kind: {_KINDS}; {_OTHERS}")
    parser.add_argument("--task", metavar="T", help="of a task: a part of its subject, or a run's or message's id")
    parser.add_argument("--cause", metavar="C", help="of a cause, as `praxmonitor alarms --json` has it: network, disk")
    parser.add_argument("--text", metavar="T", help="whose text holds this")
    end = parser.add_mutually_exclusive_group(required=True)
    end.add_argument("--for", dest="length", metavar="2h", help="for so long: 30m, 2h, 1d")
    end.add_argument("--until", metavar="18:00", help="until then, or until a date with a time")
    parser.add_argument("--why", default="", metavar="W", help="for whoever wonders why it is so quiet")
    operator_options(parser)


def mute_object(mute: AlarmMute) -> dict[str, Any]:
    """One mute as JSON values; times are ISO 8601 with offset."""
    return {**asdict(mute), "until": iso(mute.until), "at": iso(mute.at), "words": mute.words}


def _add(options: argparse.Namespace, now: float) -> int:
    call = Call("mute", options)
    caller = call.require(prove=False)
    workspace = call.workspace
    agent = workspace.agent(options.agent).address if options.agent else ""
    until = now + parse_length(options.length) if options.length is not None else parse_end(options.until, now)
    given = {name: getattr(options, name) or "" for name in ("kind", "task", "cause", "text", "why")}
    store = AlarmStore(mutes_path(workspace.root).parent)
    mute = new_mute(AlarmMute("", until, agent, by=caller.address, at=now, **given), store.mutes())
    store.change_mutes(lambda mutes: (*mutes, mute))
    audit.record(workspace, caller.address, "mute", alarms=mute.words, why=mute.why)
    if options.json:
        print_json(mute_object(mute))
        return 0
    print_line(f"muted {mute.id}: {mute_words(mute, now)}; `praxmonitor mute end {mute.id}` ends it early")
    if not mute.kind:
        print_line(f"note: {_OTHERS}")
    return 0


def _list(options: argparse.Namespace, now: float) -> int:
    workspace = workspace_here(options.place)
    mutes = holding(AlarmStore(mutes_path(workspace.root).parent).mutes(), now)
    if options.json:
        print_json([mute_object(mute) for mute in mutes])
        return 0
    for mute in mutes:
        by = f"by {mute.by or 'nobody knows'} {since(mute.at, now)} ago"
        print_line(f"{mute.id}  {mute_words(mute, now)}, {by}{f': {mute.why}' if mute.why else ''}")
    return 0


def _end(options: argparse.Namespace, now: float) -> int:
    call = Call("mute", options)
    caller = call.require(prove=False)
    store = AlarmStore(mutes_path(call.workspace.root).parent)
    known = {mute.id: mute for mute in holding(store.mutes(), now)}
    if bool(options.id) == options.all:
        raise UsageError(f"which one? an ID or --all; muted: {' '.join(known) or 'nothing'}")
    for id in options.id:
        if id not in known:
            raise UsageError(f"no mute {id!r}{did_you_mean(id, known)}; muted: {' '.join(known) or 'nothing'}")
    ended = [known[id] for id in (known if options.all else dict.fromkeys(options.id))]
    gone = {mute.id for mute in ended}
    if ended:
        store.change_mutes(lambda mutes: tuple(mute for mute in mutes if mute.id not in gone))
    for mute in ended:
        audit.record(call.workspace, caller.address, "unmute", alarms=mute.words, why="")
    if options.json:
        print_json([mute_object(mute) for mute in ended])
    else:
        print_line("\n".join([f"heard again: {counted(len(ended), 'mute')}", *(f"  {mute.words}" for mute in ended)]))
    return 0
