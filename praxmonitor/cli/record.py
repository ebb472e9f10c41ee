"""`praxmonitor record [PATH] FILE`: write down what the feed sees, until Ctrl-C, SIGTERM or the seconds given."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import replace
from math import inf
from pathlib import Path

from mailcore.config import read_config
from mailcore.exceptions import MailcoreError
from mailcore.model.activity import Activity
from mailcore.model.usage import Spent
from mailcore.observe.facts import Fact, Seen, Used
from mailcore.programs.registry import checked_config
from mailcore.text import counted
from mailcore.text.terminal import print_error
from mailcore.workspace.find import Workspace, workspace_here
from praxmonitor.cli.arguments import Parser
from praxmonitor.feed.feed import Feed, FileFeed, enduring
from praxmonitor.feed.recording import Header, RecordingError, Writer
from praxmonitor.state.catch_up import untold

PROGRESS = 1.0
"""Seconds between two lines of progress on a terminal."""
KNOWN = 100
"""Activities of an agent that are known again after a break: more than its files' ends tell at a first look."""


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
        self._anew = False
        """The next reading is the first after a break."""
        self._written: defaultdict[str, deque[Activity]] = defaultdict(lambda: deque(maxlen=KNOWN))
        """By address, the newest that were written."""
        self._spent: set[int] = set()
        """What was spent, each as a number: what was used today is read bit by bit, long after a break."""

    def write(self, at: float, facts: Sequence[Fact]) -> None:
        """One reading. After a break everything is read anew: what is recorded already is left out."""
        anew, self._anew = self._anew, False
        self._writer.write(at, tuple(self._new(facts, anew)))

    async def follow(self, feed: Feed) -> None:
        """Until the feed ends, which is to tell this tape's `write`. RecordingError if the file cannot be written."""
        async with aclosing(enduring(feed, self._told, fatal=RecordingError)) as fleets:
            async for _ in fleets:
                if sys.stderr.isatty():
                    _say(self._writer, end="\r")

    def _told(self, why: str) -> None:
        if why:
            self.breaks.append(why)
            self._anew = True

    def _new(self, facts: Iterable[Fact], anew: bool) -> Iterator[Fact]:
        for fact in facts:
            match fact:
                case Seen(activities=activities):
                    written = self._written[fact.address]
                    if anew:
                        since = min(activity.at for activity in written) if len(written) == KNOWN else -inf
                        activities = tuple(untold(written, activities, since))
                    written.extend(activities)
                    spent = self._unpaid(fact.spent)
                    if activities or spent:
                        yield replace(fact, activities=activities, spent=spent)
                case Used():
                    yield replace(fact, spent=self._unpaid(fact.spent))
                case _:
                    yield fact

    def _unpaid(self, spent: tuple[Spent, ...]) -> tuple[Spent, ...]:
        """What of it was not written; from the first break on that is asked."""
        by_number = [(hash((one.agent, one.session, one.model, one.at)), one) for one in spent]
        new = tuple(one for number, one in by_number if number not in self._spent) if self.breaks else spent
        self._spent.update(number for number, _ in by_number)
        return new


def main(argv: Sequence[str]) -> int:
    """`praxmonitor record [PATH] FILE`. Exit status 0, or 2 or 4 with the reason."""
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
    options = parser.parse_args(argv)
    if options.seconds is not None and options.seconds <= 0:
        parser.error("--seconds: more than 0")
    try:
        workspace = workspace_here(options.path)
        sweep = checked_config(read_config(workspace.config_file), workspace.config_file).observe.sweep
        with recorder(options.file, workspace, bodies=options.bodies) as writer:
            tape = Tape(writer)
            # Its threads are over when `run` returns: nothing is written to a closed file.
            asyncio.run(_record(FileFeed(workspace.root, sweep, on_facts=tape.write), tape, options.seconds))
    except MailcoreError as error:
        print_error(f"praxmonitor record: {error}")
        return error.exit_status
    _say(writer, end="\n")
    if tape.breaks:
        print_error(f"the watching broke {counted(len(tape.breaks), 'time')} and went on; at last: {tape.breaks[-1]}")
    return 0


async def _record(feed: Feed, tape: Tape, seconds: float | None) -> None:
    following = asyncio.create_task(tape.follow(feed))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, following.cancel)
    with suppress(TimeoutError, asyncio.CancelledError):
        await asyncio.wait_for(following, seconds)


def _say(writer: Writer, *, end: str) -> None:
    counts = f"{counted(writer.facts, 'fact')} in {counted(writer.readings, 'reading')}"
    print_error(f"recording to {writer.path}: {counts}", end=end)
