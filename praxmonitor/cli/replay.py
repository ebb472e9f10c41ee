"""`praxmonitor replay FILE`: the same screen on a recording, with a clock that runs through the recorded time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from msgspec import structs

from mailcore.config import Config
from mailcore.exceptions import MailcoreError
from mailcore.model.fleet import Fleet
from mailcore.observe.facts import Fact
from mailcore.observe.fold import apply
from mailcore.text import line
from mailcore.text.terminal import complain
from mailcore.workspace.find import Workspace
from praxmonitor.cli.arguments import Parser
from praxmonitor.feed.feed import DRAWN
from praxmonitor.feed.playback import FASTEST, SLOWEST, Playback
from praxmonitor.feed.recording import VERSION, Header, RecordingError
from praxmonitor.feed.recording_reader import LeftOut, opening, read

Reading: TypeAlias = tuple[float, tuple[Fact, ...]]
Readings: TypeAlias = Generator[Reading, None, None]


class ReplayFeed:
    """The fleets that a recording gives, each when `playback` has come to its time; the last one stays."""

    def __init__(self, path: Path, header: Header, playback: Playback) -> None:
        self._path = path
        self._header = header
        self._playback = playback
        self._left_out = LeftOut()
        self._fleet = Fleet(header.root)

    async def fleets(self) -> AsyncGenerator[Fleet, None]:
        """Fleets, at most ten a second. What cannot be read ends the recording: the last fleet's notes say why.

        What this version does not know is left out, and `playback` told so.
        """
        playback, at = self._playback, self._playback()
        with closing(read(self._path, self._left_out)) as readings:
            following = await asyncio.to_thread(self._next, readings)
            playback.begin()
            while following is not None:
                await playback.reach(following[0])
                shown = self._fleet
                at, following = await asyncio.to_thread(self._play, following, readings, playback())
                playback.left_out = self._told()
                if self._fleet is not shown:
                    yield self._fleet
                    await asyncio.sleep(DRAWN)
        playback.end(at)
        yield self._fleet

    def _told(self) -> str:
        recorder = line(self._header.praxmonitor, 40)
        versions = f"this is praxmonitor {VERSION}, {recorder} recorded it"
        return f"left out: {self._left_out}; {versions}" if self._left_out else ""

    def _play(self, reading: Reading, readings: Readings, until: float) -> tuple[float, Reading | None]:
        """Fold in all readings up to `until`, this one first. Returns the last one's time, and the one that follows."""
        following: Reading | None = reading
        while following is not None and following[0] <= until:
            at, facts = following
            self._fleet = apply(self._fleet, facts, at)
            following = self._next(readings)
        return at, following

    def _next(self, readings: Readings) -> Reading | None:
        try:
            return next(readings, None)
        except RecordingError as error:
            self._fleet = structs.replace(self._fleet, notes=(*self._fleet.notes, str(error)))
            return None


def main(argv: Sequence[str]) -> int:
    """`praxmonitor replay FILE`. Exit status 0, or 2 or 4 with the reason."""
    parser = Parser(
        prog="praxmonitor replay",
        description="Show a recording on the screen. Space pauses, + and - change the speed; nothing can be acted on.",
    )
    parser.add_argument("file", type=Path, help="what `praxmonitor record` wrote")
    parser.add_argument("--speed", type=float, default=1.0, metavar="X", help="recorded seconds in one second")
    parser.add_argument("--theme", default="", metavar="NAME")
    parser.add_argument("--mute", action="store_true", help="start muted")
    options = parser.parse_args(argv)
    if not SLOWEST <= options.speed <= FASTEST:
        parser.error(f"--speed: {SLOWEST:g} to {FASTEST:g}")
    try:
        return _show(options.file, options.speed, options.theme, muted=options.mute)
    except MailcoreError as error:
        complain(f"praxmonitor replay: {error}")
        return error.exit_status


def _show(path: Path, speed: float, theme: str, *, muted: bool) -> int:
    header = opening(path)
    from praxmonitor.actions.open_workspace import OpenWorkspace
    from praxmonitor.app.app import PraxApp
    from praxmonitor.assets import themes_dir
    from praxmonitor.cli.screen import run
    from praxmonitor.sound.gate import rules
    from praxmonitor.sound.mutes import FOREVER, Mutes
    from praxmonitor.sound.pack import find_pack
    from praxmonitor.sound.player import Player
    from praxmonitor.themes import load

    config = Config(alarms=replace(header.alarms, notify="none"), mail=header.mail)
    speaker = Player(find_pack(config.sound.pack), rules(config.sound), backend=config.sound.backend)
    speaker.mutes = Mutes(until=FOREVER if muted else 0.0)
    playback = Playback(header.at, speed)
    # No registry is read: who takes part is told by the recording.
    opened = OpenWorkspace(Workspace(header.root, header.root, ()), config, playback=playback)
    feed = ReplayFeed(path, header, playback)
    status = run(PraxApp(opened, feed, speaker, load.load([themes_dir()]), theme or load.DEFAULT), theme)
    if playback.left_out:
        complain(f"praxmonitor replay: {path}: {playback.left_out}")
    return status
