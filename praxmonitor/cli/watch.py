"""`praxmonitor watch`: what happens in a workspace as plain lines, for pipes, logs and screen readers."""

from __future__ import annotations

import asyncio
import select
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any, TypeAlias

from mailcore.config import Config, read_config
from mailcore.exceptions import MailcoreError
from mailcore.model.activity import Activity
from mailcore.observe.activities import neutral
from mailcore.observe.cpu import CpuActivity
from mailcore.observe.fold import MAX_STREAM
from mailcore.programs.registry import checked_config
from mailcore.text.terminal import print_error, print_json, print_line
from mailcore.text.units import UNKNOWN_TIME, date, iso
from mailcore.workspace.find import workspace_here
from praxmonitor.alarms.alarm import Alarm
from praxmonitor.alarms.engine import AlarmEngine
from praxmonitor.alarms.rules.evaluate import AlarmRules
from praxmonitor.cli.arguments import Parser
from praxmonitor.feed.base import Feed
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.feed.restarting import restarted_fleets
from praxmonitor.state.catch_up import unreported
from praxmonitor.state.snapshot import EMPTY, Snapshot, next_snapshot

TICK = 1.0
"""Seconds between two looks at what time alone changes: silence, alarms; and at whether anybody reads."""
LIMIT = 400
"""Characters of a text."""

Event: TypeAlias = dict[str, Any]
"""One line, as JSON values. Every one has `at` (ISO 8601, null if unknown), `type`, `agent`, `kind` and `text`.

`type` is `activity` (`kind` as in the model; `tool`, `source`, `session` and `subagent` besides), `state` (`kind` is
the new state, `text` why), `alarm` and `alarm_over` (`kind` of the alarm), or `note`, which tells of the telling.
"""


def happened(old: Snapshot, new: Snapshot, *, after_break: bool = False) -> Iterator[Event]:
    """What the new snapshot has that the old one had not: activities, then states.

    `after_break`: everything was read again in between; what the old one had of it was printed then.
    """
    known = set(map(id, old.fleet.stream))
    fresh = [activity for activity in new.fleet.stream if id(activity) not in known]
    if after_break:
        oldest = old.fleet.stream[0].at if len(known) >= MAX_STREAM else -inf
        fresh = list(unreported(old.fleet.stream, fresh, oldest))
    elif known and len(fresh) == len(new.fleet.stream):
        yield _event(new.now, "note", text="more happened at once than is kept: the oldest of it is not printed")
    yield from map(_activity, fresh)
    for address, current in new.statuses.items():
        before = old.statuses.get(address)
        if before is None or before.state is not current.state:
            yield _event(new.now, "state", address, current.state, current.reason)


def raised(old: Mapping[str, Alarm], new: Mapping[str, Alarm], now: float) -> Iterator[Event]:
    """Alarms that came, then those that are over; both by their keys."""
    for key, alarm in new.items():
        if key not in old:
            yield _event(now, "alarm", alarm.address, alarm.kind, alarm.text)
    for key, alarm in old.items():
        if key not in new:
            yield _event(now, "alarm_over", alarm.address, alarm.kind, alarm.what)


def _activity(activity: Activity) -> Event:
    return _event(activity.at, "activity", activity.agent, activity.kind, activity.text) | {
        "tool": neutral(activity.tool),
        "source": neutral(activity.source),
        "session": neutral(activity.session),
        "subagent": neutral(activity.subagent),
        "before": activity.before,
    }


def _event(at: float, type: str, agent: str = "", kind: str = "", text: str = "") -> Event:
    return {
        "at": iso(at, milliseconds=True),
        "type": type,
        "agent": neutral(agent),
        "kind": str(kind),
        "text": neutral(text, LIMIT),
    }


def line(event: Event, today: str) -> str:
    """An event in words: time (with its date, if that is not `today`), agent, what, and its text."""
    day, _, clock = (event["at"] or "").partition("T")
    kind = event["kind"].replace("_", " ")
    what = {
        "activity": kind,
        "state": f"is {kind}",
        "alarm": f"ALARM {kind}",
        "alarm_over": f"alarm over {kind}",
        "note": "note",
    }[event["type"]]
    when = ("before" if event.get("before") else "", "" if day == today else day, clock[:8] or UNKNOWN_TIME)
    words = " ".join(filter(None, (*when, event["agent"], what)))
    return f"{words}: {event['text']}" if event["text"] else words


async def follow(
    feed: Feed,
    root: Path,
    config: Config,
    show: Callable[[Event], None],
    trouble: Callable[[str], None],
    *,
    from_start: bool,
) -> None:
    """Show each event until the fleets end, or nobody reads standard output any more.

    `root`: the workspace's directory. `trouble` is told why the watching stopped, and that it goes on. `from_start`:
    also what was known when the watching began. Alarms that stand then are shown in any case.
    """
    after_break = False

    def on_break(why: str) -> None:
        nonlocal after_break
        after_break = after_break or not why
        trouble(why or "watching goes on")

    fleets = restarted_fleets(feed, on_break)
    rules, snapshot, looked = AlarmRules(config), EMPTY, 0.0
    alarms: dict[str, Alarm] = {}
    # As on the screen, who computes is not silent.
    engine = AlarmEngine(config, root, None, period=TICK, work=CpuActivity().measure)
    looking = asyncio.create_task(engine.run_checks(lambda: snapshot))
    coming = asyncio.ensure_future(anext(fleets))
    try:
        while not _unread():
            await asyncio.wait({coming}, timeout=TICK)
            if looking.done():
                looking.result()
            fleet = snapshot.fleet
            if coming.done():
                fleet = coming.result()
                coming = asyncio.ensure_future(anext(fleets))
            elif snapshot is EMPTY:
                continue
            now, before = time.time(), snapshot
            snapshot = next_snapshot(before, fleet, now, config.alarms, engine.machine_status)
            if before is not EMPTY or from_start:
                for event in happened(before, snapshot, after_break=after_break):
                    show(event)
            after_break = False
            if now - looked >= TICK:
                standing = {
                    alarm.key: alarm for alarm in rules.alarms(fleet, now, snapshot.statuses, engine.machine_status)
                }
                for event in raised(alarms, standing, now):
                    show(event)
                alarms, looked = standing, now
    except StopAsyncIteration:
        pass
    finally:
        for task in (coming, looking):
            task.cancel()
        await asyncio.gather(coming, looking, return_exceptions=True)
        await fleets.aclose()


def _unread() -> bool:
    """Whether standard output is a pipe whose reader has gone: with nothing to write, nothing else would tell."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(flags & select.POLLERR for _, flags in poll.poll(0))


def command_parser() -> Parser:
    """What it may be told, in words."""
    parser = Parser(prog="praxmonitor watch", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="PATH | @AGENT", help="a directory in the workspace; whom to watch")
    parser.add_argument("--jsonl", action="store_true", help="one JSON object a line")
    parser.add_argument("--from-start", action="store_true", help="begin with what is known already")
    return parser


def main(argv: Sequence[str]) -> int:
    """`praxmonitor watch`. Exit status 0 when the reader goes, 130 after Ctrl-C, else 2 or 3 with the reason."""
    parser = command_parser()
    options = parser.parse_args(argv)
    paths = [word for word in options.words if not word.startswith("@")]
    if len(paths) > 1:
        parser.error(f"one path, not {len(paths)}: {' '.join(paths)}")
    try:
        workspace = workspace_here(*paths)
        wanted = {workspace.agent(word).address for word in options.words if word.startswith("@")}
        config = checked_config(read_config(workspace.config_file), workspace.config_file)

        def trouble(text: str) -> None:
            print_error(f"praxmonitor watch: {text}")

        def show(event: Event) -> None:
            if wanted and event["agent"] and event["agent"] not in wanted:
                return
            if options.jsonl:
                print_json(event, indent=False, flush=True)
            else:
                print_line(line(event, date(time.time())), flush=True)

        feed = FileFeed(workspace.root, config.observe.sweep)
        asyncio.run(follow(feed, workspace.root, config, show, trouble, from_start=options.from_start))
    except MailcoreError as error:
        print_error(f"praxmonitor watch: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    return 0
