"""`praxmonitor alarms`: what wants the operator, and why; once, or as it comes and goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

from mailcore.config import Config, read_config
from mailcore.exceptions import MailcoreError
from mailcore.model.fleet import Fleet
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.programs.registry import checked_config
from mailcore.text import line
from mailcore.text.terminal import print_error, print_json, print_line
from mailcore.text.units import date_and_time
from mailcore.workspace.find import Workspace, workspace_here
from praxmonitor.alarms.episode import Episode
from praxmonitor.alarms.episodes import Episodes, advance
from praxmonitor.alarms.machine_check import check_machine
from praxmonitor.alarms.outlets import episode_object, event_lines, event_objects
from praxmonitor.alarms.rules.evaluate import AlarmRules
from praxmonitor.alarms.store import AlarmStore, missing_before
from praxmonitor.cli.arguments import Parser
from praxmonitor.sound.mutes import mutes_path

NO_ALARM, ALARM_ACTIVE = 0, 1
"""Exit status: no alarm wants the operator; at least one does. Acknowledged and snoozed ones are listed and count not.
2 and above as everywhere: the call makes no sense, or the workspace cannot be read."""


def main(argv: Sequence[str]) -> int:
    """`praxmonitor alarms`. Exit status NO_ALARM, ALARM_ACTIVE, or 2 and above with the reason."""
    parser = Parser(
        prog="praxmonitor alarms",
        description=__doc__,
        epilog="Exit status: 0 no alarm wants you; 1 at least one does: one that you acknowledged or snoozed does not; "
        "2 no workspace there, or a config that cannot be followed.",
    )
    parser.add_argument("path", nargs="?", type=Path, help="a directory in the workspace")
    parser.add_argument("--json", action="store_true", help="JSON; with --follow one object a line")
    parser.add_argument("--follow", action="store_true", help="go on: a line for each that comes, goes or is repeated")
    options = parser.parse_args(argv)
    try:
        workspace = workspace_here(options.path)
        config = checked_config(read_config(workspace.config_file), workspace.config_file)
        if options.follow:
            return asyncio.run(_follow(workspace, config, as_lines=not options.json))
    except MailcoreError as error:
        if options.json:
            print_json({"error": {"code": error.code, "message": str(error)}}, indent=False)
        else:
            print_error(f"praxmonitor: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    now = time.time()
    standing = standing_now(workspace, config, now)
    if options.json:
        report = {"workspace": str(workspace.root), "alarms": [episode_object(episode) for episode in standing]}
        print_json(report)
    for episode in () if options.json else standing:
        print_line(_as_text(episode, now))
    return ALARM_ACTIVE if any(not episode.answered(now) for episode in standing) else NO_ALARM


def standing_now(workspace: Workspace, config: Config, now: float) -> tuple[Episode, ...]:
    """The alarms that stand at `now`, with what was reported of them and answered. Reads everything."""
    reader = WorkspaceReader(workspace)
    fleet = apply(Fleet(workspace.root), [*reader.initial(), *reader.live_sessions()], now)
    store = AlarmStore(mutes_path(workspace.root).parent)
    reported = store.reported()
    alarms = AlarmRules(config).alarms(
        fleet, now, machine_status=check_machine(fleet, config, now, missing_before(reported))
    )
    episodes, _ = advance(Episodes(reported_before=reported), alarms, store.answers(), now)
    return episodes.standing()


def _as_text(episode: Episode, now: float) -> str:
    alarm = episode.alarm
    answer = " (acknowledged)" if episode.acknowledged else " (snoozed)" if episode.answered(now) else ""
    rows = [f"{date_and_time(alarm.since, never='standing')}  {line(alarm.summary, 400)}{answer}"]
    for name, text in (("expected", alarm.expected), ("seen", alarm.seen), ("do", alarm.remedy)):
        if text and not episode.answered(now):
            rows.append(f"    {name}: {line(text, 400)}")
    return "\n".join(rows)


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
