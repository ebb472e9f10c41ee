"""`praxmonitor replay FILE`: the same screen on a recording, with a clock that runs through the recorded time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mailcore.config import Config
from mailcore.exceptions import MailcoreError
from mailcore.text.terminal import print_error
from mailcore.workspace.find import Workspace
from praxmonitor.cli.arguments import Parser, chosen_screen, screen_options
from praxmonitor.cli.screen_options import ScreenOptions
from praxmonitor.feed.playback import FASTEST, SLOWEST, Playback
from praxmonitor.feed.recording_reader import read_header
from praxmonitor.feed.replay import ReplayFeed


def command_parser() -> Parser:
    """What it may be told, in words."""
    parser = Parser(
        prog="praxmonitor replay",
        description="Show a recording on the screen. Space pauses, + and - change the speed; nothing can be acted on.",
    )
    parser.add_argument("file", type=Path, help="what `praxmonitor record` wrote")
    parser.add_argument("--speed", type=float, default=1.0, metavar="X", help="recorded seconds in one second")
    screen_options(parser)
    return parser


def main(argv: Sequence[str]) -> int:
    """`praxmonitor replay FILE`. Exit status 0, or 2 or 4 with the reason."""
    parser = command_parser()
    options = parser.parse_args(argv)
    if not SLOWEST <= options.speed <= FASTEST:
        parser.error(f"--speed: {SLOWEST:g} to {FASTEST:g}")
    try:
        return _show(options.file, options.speed, chosen_screen(options))
    except MailcoreError as error:
        print_error(f"praxmonitor replay: {error}")
        return error.exit_status


def _show(path: Path, speed: float, options: ScreenOptions) -> int:
    header = read_header(path)
    from praxmonitor.actions.open_workspace import OpenWorkspace
    from praxmonitor.app.app import PraxApp
    from praxmonitor.assets import themes_dir
    from praxmonitor.cli.screen import run_app
    from praxmonitor.preferences.preferences import Preferences
    from praxmonitor.sound.gate import gate_rules
    from praxmonitor.sound.mutes import FOREVER, Mutes
    from praxmonitor.sound.pack import find_pack
    from praxmonitor.sound.player import Player
    from praxmonitor.themes import load

    config = Config(alarms=replace(header.alarms, notify="none"), mail=header.mail)
    speaker = Player(find_pack(config.sound.pack), gate_rules(config.sound), backend=config.sound.backend)
    speaker.mutes = Mutes(until=FOREVER if options.muted else 0.0)
    playback = Playback(header.at, speed)
    # No registry is read: who takes part is told by the recording.
    opened = OpenWorkspace(Workspace(header.root, header.root, ()), config, playback=playback)
    feed = ReplayFeed(path, header, playback)
    app = PraxApp(opened, feed, speaker, load.load_themes([themes_dir()]), Preferences(theme=options.theme))
    status = run_app(app, options)
    if playback.left_out:
        print_error(f"praxmonitor replay: {path}: {playback.left_out}")
    return status
