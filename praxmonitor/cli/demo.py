"""`praxmonitor demo`: the screen on a workspace that plays a story; `--headless` without a terminal."""

from __future__ import annotations

import asyncio
import shlex
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mailcore.config import Config, read_config
from mailcore.exceptions import MailcoreError
from mailcore.model.fleet import Fleet, State
from mailcore.text.terminal import print_error, print_json, print_line
from mailcore.workspace.find import Workspace
from praxmonitor.cli.arguments import Parser, chosen_screen, screen_options
from praxmonitor.demo.session import demo_session

if TYPE_CHECKING:
    from praxmonitor.feed.file_feed import OnFacts


def command_parser() -> Parser:
    """What it may be told, in words."""
    parser = Parser(prog="praxmonitor demo", description=__doc__)
    parser.add_argument("--dir", type=Path, help="where to put the workspace and leave it; else a temporary one")
    parser.add_argument("--seed", type=int, default=1, help="another number, another story")
    parser.add_argument("--headless", action="store_true", help="no screen: run, then print the status")
    parser.add_argument("--seconds", type=float, default=45, help="how long, with --headless (default 45)")
    parser.add_argument("--json", action="store_true", help="with --headless: one JSON value")
    parser.add_argument("--record", type=Path, metavar="FILE", help="record it too, for `praxmonitor replay`")
    screen_options(parser)
    return parser


def main(argv: Sequence[str]) -> int:
    """Exit 0, or 2 or 3 with the reason."""
    parser = command_parser()
    arguments = parser.parse_args(argv)
    if arguments.seconds <= 0:
        parser.error("--seconds: more than 0")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        with (
            demo_session(arguments.dir.absolute() if arguments.dir else None, arguments.seed) as (workspace, operator),
            _recorded(arguments.record, workspace) as on_facts,
        ):
            if arguments.headless:
                _headless(workspace, arguments.seconds, arguments.json, on_facts)
                if operator.trouble:
                    print_error(f"praxmonitor demo: {operator.trouble}")
                return 0
            from praxmonitor.cli.screen import open_screen

            status = open_screen(
                workspace.root,
                options=chosen_screen(arguments),
                on_facts=on_facts,
                played=lambda: operator.trouble,
            )
        print_line(_farewell(arguments.dir))
        return status
    except MailcoreError as error:
        print_error(f"praxmonitor demo: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        return 130


def _farewell(directory: Path | None) -> str:
    if directory is None:
        return "The demo's agents were ended, its workspace is gone; `praxmonitor demo --dir PATH` keeps one."
    words = shlex.quote(str(directory))
    return (
        f"The demo's agents were ended, its workspace is kept: `praxmonitor demo --dir {words}` goes on, "
        f"`praxmonitor {words}` looks at it."
    )


def _leave(number: int, frame: object) -> NoReturn:
    """A closed terminal or a `kill` ends the demo in order."""
    del frame
    raise SystemExit(128 + number)


@contextmanager
def _recorded(path: Path | None, workspace: Workspace) -> Iterator[OnFacts | None]:
    """Record at `path` what the feed tells; nothing at None. The demo's mails are nobody's: they are in it."""
    if path is None:
        yield None
        return
    from praxmonitor.feed.recorder import new_recording

    with new_recording(path, workspace, bodies=True) as writer:
        yield writer.write


def _headless(workspace: Workspace, seconds: float, as_json: bool, on_facts: OnFacts | None) -> None:
    from praxmonitor.cli.status import render, status

    config = read_config(workspace.config_file)
    fleet, seen = asyncio.run(_observe(workspace, config, seconds, on_facts))
    value: dict[str, Any] = status(fleet, config, time.time())
    if as_json:
        print_json({**value, "seen": seen})
        return
    counts = ", ".join(f"{state} {count}" for state, count in seen.items())
    print_line(f"{render(value)}\nseen: {counts}")


async def _observe(
    workspace: Workspace, config: Config, seconds: float, on_facts: OnFacts | None
) -> tuple[Fleet, dict[str, int]]:
    """Follow the files for a while; count how often an agent entered each state."""
    from mailcore.observe.state import state
    from praxmonitor.feed.file_feed import FileFeed

    newest = Fleet(workspace.root)

    async def follow() -> None:
        nonlocal newest
        async for fleet in FileFeed(workspace.root, config.observe.sweep, on_facts=on_facts).fleets():
            newest = fleet

    seen: Counter[State] = Counter()
    last: dict[str, State] = {}
    task = asyncio.create_task(follow())
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not task.done():
        for facts in newest.agents:
            now = state(facts, time.time(), config.alarms).state
            if last.get(facts.address) != now:
                seen[now] += 1
                last[facts.address] = now
        await asyncio.sleep(0.1)
    if task.done():
        task.result()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return newest, {str(state): count for state, count in seen.most_common()}
