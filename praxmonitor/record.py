"""`praxmonitor record [PATH] FILE`: write down what the feed sees, until Ctrl-C, SIGTERM or the seconds given."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import replace
from math import inf
from pathlib import Path

from mailcore.config import read_config
from mailcore.errors import MailcoreError
from mailcore.observe.facts import Fact, Seen, Used
from mailcore.workspace import Workspace, find
from praxmonitor.feed import Feed, FileFeed, enduring
from praxmonitor.recording import Header, RecordingError, Writer

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


class Tape:
    """Writes what a feed tells, also after it broke and was begun anew."""

    def __init__(self, writer: Writer) -> None:
        self.breaks: list[str] = []
        """Why the watching stopped, each time that it did."""
        self._writer = writer
        self._at = self._since = -inf

    def write(self, at: float, facts: Sequence[Fact]) -> None:
        """One reading. After a break everything is read anew: what happened before it is recorded already."""
        self._at = at
        self._writer.write(at, facts if self._since == -inf else _later(facts, self._since))

    async def follow(self, feed: Feed) -> None:
        """Until the feed ends, which is to tell this tape's `write`. RecordingError if the file cannot be written."""
        async with aclosing(enduring(feed, self._told, fatal=RecordingError)) as fleets:
            async for _ in fleets:
                if sys.stderr.isatty():
                    _say(self._writer, end="\r")

    def _told(self, why: str) -> None:
        if why:
            self.breaks.append(why)
            self._since = self._at


def _later(facts: Iterable[Fact], since: float) -> Iterator[Fact]:
    for fact in facts:
        match fact:
            case Seen():
                activities = tuple(activity for activity in fact.activities if activity.at > since)
                spent = tuple(spent for spent in fact.spent if spent.at > since)
                if activities or spent:
                    yield replace(fact, activities=activities, spent=spent)
            case Used():
                yield replace(fact, spent=tuple(spent for spent in fact.spent if spent.at > since))
            case _:
                yield fact


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
            tape = Tape(writer)
            # Its threads are over when `run` returns: nothing is written to a closed file.
            asyncio.run(_record(FileFeed(workspace.root, sweep, on_facts=tape.write), tape, options.seconds))
    except MailcoreError as error:
        print(f"praxmonitor record: {error}", file=sys.stderr)
        return error.exit_status
    _say(writer, end="\n")
    if tape.breaks:
        print(f"the watching broke {len(tape.breaks)} times and went on; at last: {tape.breaks[-1]}", file=sys.stderr)
    return 0


async def _record(feed: Feed, tape: Tape, seconds: float | None) -> None:
    following = asyncio.create_task(tape.follow(feed))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, following.cancel)
    with suppress(TimeoutError, asyncio.CancelledError):
        await asyncio.wait_for(following, seconds)


def _say(writer: Writer, *, end: str) -> None:
    counts = f"{writer.facts} facts in {writer.readings} readings"
    print(f"recording to {writer.path}: {counts}", end=end, file=sys.stderr, flush=True)
