"""`praxmonitor guard`: the alarms without a screen, for systemd or tmux. Lines, sounds, notifications, your command."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import aclosing, suppress
from pathlib import Path

from mailcore.accounts.seen_limits import note_seen
from mailcore.config import Config
from mailcore.exceptions import MailcoreError
from mailcore.programs.registry import checked_config
from mailcore.text.terminal import Lines, print_error
from mailcore.workspace import trust
from mailcore.workspace.find import Workspace, workspace_here
from praxmonitor.alarms.headless import TICK, watch
from praxmonitor.alarms.notifier import Notifier
from praxmonitor.alarms.outlets import event_lines
from praxmonitor.alarms.reach import ReachProbe, reach_words
from praxmonitor.cli.arguments import Parser
from praxmonitor.feed.base import SCREEN_INTERVAL
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.sound import Cue


async def guard(workspace: Workspace, config: Config, *, muted: bool) -> int:
    """Watch until told to end. Returns the exit status."""
    from praxmonitor.sound.player import configured_player

    player = configured_player(config.sound, workspace.root, muted=muted)
    terminal = sys.stdout is not None and sys.stdout.isatty()
    log = Lines()

    def write(sequence: str) -> None:
        if terminal and sequence:
            with suppress(OSError):
                print(sequence, end="", flush=True)

    def trouble(text: str) -> None:
        print_error(f"praxmonitor guard: {text}")

    def play(cues: list[Cue]) -> None:
        if [cue for cue in cues if not player.play(cue) and cue.urgent]:
            write("\a")

    def duty() -> None:
        holder = notifier.holder
        if notifier.on_duty:
            log.say("on duty")
        elif holder is not None:
            log.say(f"another is on duty and acts: {holder.name}, {holder.state.says or 'heard or not'}")
        else:
            log.say("another is on duty and acts")

    async def log_reach() -> None:
        """Log whether this one can be heard, each time that changes."""
        logged = ""
        while True:
            words = reach_words(player, time.time(), terminal=terminal)
            if words and words != logged:
                logged = words
                log.say(words)
            await asyncio.sleep(2 * TICK)

    out = sys.stdout.fileno() if sys.stdout is not None else None
    notifier = Notifier(
        config,
        workspace.root,
        period=TICK,
        live=True,
        what="guard",
        probe=ReachProbe(player, terminal=terminal, output=out),
        write=write,
        on_error=trouble,
        on_duty=duty,
        on_config=lambda config: player.adopt(config.sound),
    )
    player.start()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    log.say(f"praxmonitor guard: watching {workspace.root}")

    async def tell() -> None:
        feed = FileFeed(workspace.root, config.observe.sweep, on_limits=note_seen, frame=SCREEN_INTERVAL)
        async with aclosing(watch(feed, notifier, play, trouble)) as notifications:
            async for events, snapshot in notifications:
                for line in event_lines(events, snapshot.now):
                    log.say(line)

    task = asyncio.create_task(tell())
    waiting, saying = asyncio.create_task(ended.wait()), asyncio.create_task(log_reach())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        return 0
    finally:
        for each in (task, waiting, saying):
            each.cancel()
        await asyncio.gather(task, waiting, saying, return_exceptions=True)
        notifier.close()
        player.close()


def command_parser() -> Parser:
    """What it may be told, in words."""
    parser = Parser(prog="praxmonitor guard", description=__doc__)
    parser.add_argument("path", nargs="?", type=Path, help="a directory in the workspace")
    parser.add_argument("--mute", action="store_true", help="no sound: lines, notifications and your command only")
    return parser


def main(argv: Sequence[str]) -> int:
    """`praxmonitor guard [PATH] [--mute]`. Ends in order at SIGTERM, SIGHUP and Ctrl-C: 0; else 2 with the reason."""
    parser = command_parser()
    options = parser.parse_args(argv)
    try:
        workspace = workspace_here(options.path)
        config, standing = trust.trusted_config(workspace, remember=True)
        checked_config(config, workspace.config_file)
        if standing.why:
            print_error(f"praxmonitor guard: {trust.refusal_text(workspace, standing)}")
        return asyncio.run(guard(workspace, config, muted=options.mute))
    except MailcoreError as error:
        print_error(f"praxmonitor guard: {error}")
        return error.exit_status
