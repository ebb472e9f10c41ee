"""`praxmonitor alarms`: what wants the operator, and why; once, or as it comes and goes; its history and load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mailcore.cli.since import parse_since
from mailcore.config import Config, read_config
from mailcore.exceptions import MailcoreError
from mailcore.programs.registry import checked_config
from mailcore.text import line
from mailcore.text.terminal import print_error, print_json, print_line
from mailcore.text.units import date_and_time, iso
from mailcore.workspace.find import Workspace, workspace_here
from praxmonitor.alarms.episode import Episode
from praxmonitor.alarms.explanation import explanation
from praxmonitor.alarms.groups import AlarmGroup, AlarmState, alarm_state, groups_of
from praxmonitor.alarms.history import AlarmHistory, HistoryEntry
from praxmonitor.alarms.mute_input import holding
from praxmonitor.alarms.outlets import episode_object, event_lines, event_objects
from praxmonitor.alarms.reports import entry_words, load_rows, title_of
from praxmonitor.alarms.standing import standing_now
from praxmonitor.alarms.statistics import DAY, AlarmLoad, load_of
from praxmonitor.alarms.store import AlarmStore
from praxmonitor.cli.alarm_answers import ANSWERS
from praxmonitor.cli.alarm_answers import main as answer
from praxmonitor.cli.arguments import Parser, say_refused
from praxmonitor.cli.mute import mute_object
from praxmonitor.sound.mutes import mutes_path

NO_ALARM, ALARM_ACTIVE = 0, 1
"""Exit status: no alarm wants the operator; at least one does. 2 and above as everywhere: the call makes no sense, or
the workspace cannot be read."""
MOST_NAMED = 12
"""Alarms of one group, and hidden ones, that are named; the rest is counted."""
SINCE = "24h"


def command_parser() -> Parser:
    """What it may be told, in words."""
    answers = "; ".join(f"{word}: {what}" for word, what in ANSWERS.items())
    parser = Parser(
        prog="praxmonitor alarms",
        description=__doc__,
        epilog="Exit status: 0 no alarm wants you; 1 at least one does: one that you acknowledged or snoozed, that "
        "another explains, that is muted or over, does not; 2 no workspace there, or a config that cannot be "
        f"followed. Answers: praxmonitor alarms ack|snooze|unack KEY|@agent|all ({answers}).",
    )
    parser.add_argument("path", nargs="?", type=Path, help="a directory in the workspace")
    parser.add_argument("--json", action="store_true", help="JSON; with --follow one object a line")
    parser.add_argument("--follow", action="store_true", help="go on: a line for each that comes, goes or is repeated")
    parser.add_argument("--history", action="store_true", help="what was raised, answered and over, the oldest first")
    parser.add_argument("--since", metavar="24h", help="of the history: an ISO time, or so long ago (default: a day)")
    parser.add_argument("--stats", action="store_true", help="how many there were, the worst sources, what is stale")
    return parser


def main(argv: Sequence[str]) -> int:
    """`praxmonitor alarms`. Exit status NO_ALARM, ALARM_ACTIVE, or 2 and above with the reason."""
    if argv and argv[0] in ANSWERS:
        return answer(argv)
    parser = command_parser()
    options = parser.parse_args(argv)
    if options.follow + options.history + options.stats > 1:
        parser.error("one of --follow, --history and --stats")
    if options.since is not None and not options.history:
        parser.error("--since is of --history")
    try:
        workspace = workspace_here(options.path)
        config = checked_config(read_config(workspace.config_file), workspace.config_file)
        if options.follow:
            return asyncio.run(_follow(workspace, config, as_lines=not options.json))
        history = AlarmHistory(mutes_path(workspace.root).parent)
        if options.history:
            return _tell_history(tuple(history.entries(parse_since(options.since or SINCE))), as_json=options.json)
    except MailcoreError as error:
        return say_refused(error, as_json=options.json)
    except KeyboardInterrupt:
        return 130
    now = time.time()
    standing = standing_now(workspace, config, now)
    groups = groups_of(standing, now)
    if options.stats:
        load = load_of(history.entries(now - DAY), [group.leader for group in groups], now)
        return _tell_load(load, as_json=options.json)
    if options.json:
        print_json(_as_json(workspace, groups, now))
    else:
        for group in groups:
            print_line("\n".join(_rows(group)))
        if groups:
            print_line(title_of(groups))
    return ALARM_ACTIVE if any(group.state is AlarmState.WANTS for group in groups) else NO_ALARM


def _as_json(workspace: Workspace, groups: Sequence[AlarmGroup], now: float) -> dict[str, Any]:
    store = AlarmStore(mutes_path(workspace.root).parent)
    listed = [(one, group) for group in groups for one in (*group.members, *group.hidden)]
    return {
        "workspace": str(workspace.root),
        "want": sum(group.state is AlarmState.WANTS for group in groups),
        "alarms": [_object(one, group, now) for one, group in listed],
        "mutes": [mute_object(mute) for mute in holding(store.mutes(), now)],
    }


def _object(episode: Episode, group: AlarmGroup, now: float) -> dict[str, Any]:
    """One alarm; `state` says in a word how it stands, `group` is the key of the alarm whose line it is on."""
    return {**episode_object(episode), "state": alarm_state(episode, now).name.lower(), "group": group.leader.alarm.key}


def _rows(group: AlarmGroup) -> Iterator[str]:
    leader, alarm = group.leader, group.leader.alarm
    said = [f"+{len(group.joined)} of one cause"] if group.joined else []
    said += [f"hides {len(group.hidden)}"] if group.hidden else []
    said += [] if group.state is AlarmState.WANTS else [str(group.state)]
    if group.state is AlarmState.MUTED:
        said[-1] += f" by {leader.muted_by}"
    beside = f" ({', '.join(said)})" if said else ""
    marks = "!" * group.urgency
    yield f"{date_and_time(alarm.since, never='standing')}  {marks:<3} {line(alarm.summary, 400)}{beside}"
    if group.state in (AlarmState.WANTS, AlarmState.SETTLING):
        for name, text in explanation(leader):
            yield f"    {name}: {line(text, 400)}"
    for name, found in (("with it", group.joined), ("it hides", group.hidden)):
        for one in found[:MOST_NAMED]:
            yield f"    {name}: {line(one.alarm.summary, 400)}"
        if len(found) > MOST_NAMED:
            yield f"    {name}: and {len(found) - MOST_NAMED} more"


def _tell_history(entries: Sequence[HistoryEntry], *, as_json: bool) -> int:
    if as_json:
        print_json([{**asdict(entry), "at": iso(entry.at)} for entry in entries])
    for entry in () if as_json else entries:
        print_line(f"{date_and_time(entry.at)} {line(entry_words(entry), 400)}")
    return NO_ALARM


def _tell_load(load: AlarmLoad, *, as_json: bool) -> int:
    if as_json:
        worst = [{"kind": kind, "address": address, "alarms": number} for kind, address, number in load.worst]
        plain = asdict(replace(load, urgencies=dict(load.urgencies)))
        print_json({**plain, "worst": worst, "warnings": load.warnings})
        return NO_ALARM
    for name, text in load_rows(load):
        print_line(f"{name:<14} {line(text, 1000)}")
    for warning in load.warnings:
        print_line(f"! {warning}")
    return NO_ALARM


async def _follow(workspace: Workspace, config: Config, *, as_lines: bool) -> int:
    from praxmonitor.alarms.headless import TICK, watch
    from praxmonitor.alarms.notifier import Notifier
    from praxmonitor.feed.base import SCREEN_INTERVAL
    from praxmonitor.feed.file_feed import FileFeed

    def trouble(text: str) -> None:
        print_error(f"praxmonitor: {text}")

    # It tells, and acts on nothing: it never goes on duty.
    notifier = Notifier(config, workspace.root, period=TICK, live=True)
    feed = FileFeed(workspace.root, config.observe.sweep, frame=SCREEN_INTERVAL)
    async with aclosing(watch(feed, notifier, lambda _: None, trouble)) as notifications:
        async for events, snapshot in notifications:
            for text in event_lines(events, snapshot.now) if as_lines else ():
                print_line(text, flush=True)
            for event in () if as_lines else event_objects(events, workspace.root, snapshot.now):
                print_json(event, indent=False, flush=True)
    return NO_ALARM
