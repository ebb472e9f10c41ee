"""`praxmonitor record [PATH] FILE`: write down what the feed sees, until Ctrl-C, SIGTERM or the seconds given."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from mailcore.config import read_config
from mailcore.errors import MailcoreError
from mailcore.workspace import Workspace, find
from praxmonitor.feed import FileFeed
from praxmonitor.recording import Header, Writer

PROGRESS = 1.0
"""Seconds between two lines of progress on a terminal."""


@contextmanager
def recorder(path: Path, workspace: Workspace, *, bodies: bool = False) -> Iterator[Writer]:
    """A new recording of this workspace at `path`; complete on disk when the block is left."""
    config = read_config(workspace.config_file)
    writer = Writer(path, Header(workspace.root, time.time(), config.alarms, config.mail, bodies))
    try:
        yield writer
    finally:
        writer.close(time.time())


def main(argv: Sequence[str]) -> int:
    """`praxmonitor record [PATH] FILE`. Exit status 0, or 2 or 4 with the reason."""
    parser = argparse.ArgumentParser(
        prog="praxmonitor record",
        description="Write down what happens in a workspace, for `praxmonitor replay`: for a bug report, or a test. "
        "What mails say is left out, but names, subjects, paths, log lines and tool calls are in it as the screen "
        "shows them: look through it before you give it away.",
    )
    parser.add_argument("path", nargs="?", type=Path, default=Path(), help="a directory in the workspace")
    parser.add_argument("file", type=Path, help="a file that is not there yet; compressed if its name ends in .gz")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after so long; else at Ctrl-C")
    parser.add_argument("--bodies", action="store_true", help="record what mails say too, else only how long it is")
    options = parser.parse_args(argv)
    if options.seconds is not None and options.seconds <= 0:
        parser.error("--seconds: more than 0")
    try:
        workspace = find(options.path)
        sweep = read_config(workspace.config_file).observe.sweep
        with recorder(options.file, workspace, bodies=options.bodies) as writer:
            # Its threads are over when `run` returns: nothing is written to a closed file.
            asyncio.run(_record(FileFeed(workspace.root, sweep, on_facts=writer.write), writer, options.seconds))
    except MailcoreError as error:
        print(f"praxmonitor record: {error}", file=sys.stderr)
        return error.exit_status
    _say(writer, end="\n")
    return 0


async def _record(feed: FileFeed, writer: Writer, seconds: float | None) -> None:
    async def follow() -> None:
        async for _ in feed.fleets():
            if sys.stderr.isatty():
                _say(writer, end="\r")

    following = asyncio.create_task(follow())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, following.cancel)
    with suppress(TimeoutError, asyncio.CancelledError):
        await asyncio.wait_for(following, seconds)


def _say(writer: Writer, *, end: str) -> None:
    counts = f"{writer.facts} facts in {writer.readings} readings"
    print(f"recording to {writer.path}: {counts}", end=end, file=sys.stderr, flush=True)
