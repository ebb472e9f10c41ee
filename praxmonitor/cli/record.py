"""`praxmonitor record [PATH] FILE`: write down what the feed sees, until Ctrl-C, SIGTERM or the seconds given."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from mailcore.config import read_config
from mailcore.exceptions import MailcoreError
from mailcore.programs.registry import checked_config
from mailcore.text import counted
from mailcore.text.terminal import print_error
from mailcore.workspace.find import workspace_here
from praxmonitor.cli.arguments import Parser
from praxmonitor.feed.base import Feed
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.feed.recorder import Recorder, new_recording
from praxmonitor.feed.recording import RecordingWriter


def command_parser() -> Parser:
    """What it may be told, in words."""
    parser = Parser(
        prog="praxmonitor record",
        description="Write down what happens in a workspace, for `praxmonitor replay`: for a bug report, or a test. "
        "What mails say is left out, but names, subjects, paths, log lines and tool calls are in it as the screen "
        "shows them: look through it before you give it away.",
    )
    parser.add_argument("path", nargs="?", type=Path, help="a directory in the workspace")
    parser.add_argument("file", type=Path, help="a file that is not there yet; compressed if its name ends in .gz")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after so long; else at Ctrl-C")
    parser.add_argument("--bodies", action="store_true", help="record what mails say too, else only how long it is")
    return parser


def main(argv: Sequence[str]) -> int:
    """`praxmonitor record [PATH] FILE`. Exit status 0, or 2 or 4 with the reason."""
    parser = command_parser()
    options = parser.parse_args(argv)
    if options.seconds is not None and options.seconds <= 0:
        parser.error("--seconds: more than 0")
    try:
        workspace = workspace_here(options.path)
        sweep = checked_config(read_config(workspace.config_file), workspace.config_file).observe.sweep
        with new_recording(options.file, workspace, bodies=options.bodies) as writer:
            recorder = Recorder(writer)
            # Its threads are over when `run` returns: nothing is written to a closed file.
            feed = FileFeed(workspace.root, sweep, on_facts=recorder.write)
            asyncio.run(_record(feed, recorder, options.seconds, lambda: _show_progress(writer)))
    except MailcoreError as error:
        print_error(f"praxmonitor record: {error}")
        return error.exit_status
    _say(writer, end="\n")
    if recorder.breaks:
        print_error(
            f"the watching broke {counted(len(recorder.breaks), 'time')} and went on; at last: {recorder.breaks[-1]}"
        )
    return 0


async def _record(feed: Feed, recorder: Recorder, seconds: float | None, on_fleet: Callable[[], None]) -> None:
    following = asyncio.create_task(recorder.follow(feed, on_fleet))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, following.cancel)
    with suppress(TimeoutError, asyncio.CancelledError):
        await asyncio.wait_for(following, seconds)


def _show_progress(writer: RecordingWriter) -> None:
    if sys.stderr.isatty():
        _say(writer, end="\r")


def _say(writer: RecordingWriter, *, end: str) -> None:
    counts = f"{counted(writer.facts, 'fact')} in {counted(writer.readings, 'reading')}"
    print_error(f"recording to {writer.path}: {counts}", end=end)
