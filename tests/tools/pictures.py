"""Make docs/pictures: every view of the real screen by its number key, on the demo's real processes.

    python -m tests.tools.pictures [VIEW…] [--seconds 22] [--size 132x46] [--theme NAME] [--out docs/pictures]

With a sound server (PULSE_SERVER) the header says so; without one it says that only the bell is heard.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from mailcore.config import read_config
from mailcore.workspace.find import Workspace
from praxmonitor.actions.action import Action
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.actions.table import ACTIONS
from praxmonitor.app.app import PraxApp
from praxmonitor.assets import sounds_dir, themes_dir
from praxmonitor.demo.session import demo_session
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.preferences.preferences import Preferences
from praxmonitor.sound.player import Player
from praxmonitor.themes import load

OUT = Path(__file__).parents[2] / "docs" / "pictures"
MORE = {"errors": "settled_errors"}
"""Name of a view → the action that shows more in it: the demo's agents mend their errors soon."""
VIEW = "view_"
"""How the actions begin that bring a view to the front."""


def views() -> dict[str, Action]:
    """Name of a view → the action that shows it."""
    return {action.id.removeprefix(VIEW): action for action in ACTIONS if action.id.startswith(VIEW)}


async def pictures(
    workspace: Workspace, names: Sequence[str], seconds: float, size: tuple[int, int], theme: str
) -> dict[str, str]:
    """These views, after so many seconds of the demo: name → SVG. What needs somebody first is selected."""
    config = read_config(workspace.config_file)
    available = load.load_themes([themes_dir()])
    speaker = Player(sounds_dir() / config.sound.pack)
    app = PraxApp(
        OpenWorkspace(workspace, config), FileFeed(workspace.root), speaker, available, Preferences(theme=theme)
    )
    found = {}
    async with app.run_test(size=size) as pilot:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await pilot.pause(0.1)
        await pilot.press("n")
        for name in names:
            await pilot.press(views()[name].key.split(",")[0])
            if name in MORE:
                app.action_do(MORE[name])
            await pilot.pause(0.5)
            found[name] = spaced(app.export_screenshot(title=f"praxmonitor {workspace.root.name}"))
    return found


def spaced(svg: str) -> str:
    """The same for renderers that cut the blanks off at the ends of a text, as librsvg does: `working 5s`."""
    return svg.replace("<svg ", '<svg xml:space="preserve" ', 1)


def main() -> None:
    """Parse, play, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="VIEW", help=f"of {', '.join(views())}; without: all")
    parser.add_argument("--seconds", type=float, default=22.0)
    parser.add_argument("--size", default="132x46")
    parser.add_argument("--theme", default=load.DEFAULT)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    if strange := set(arguments.names) - views().keys():
        parser.error(f"no view {', '.join(sorted(strange))}: there are {', '.join(views())}")
    width, height = map(int, arguments.size.split("x"))
    names = arguments.names or [*views()]
    with tempfile.TemporaryDirectory() as root, demo_session(Path(root) / "lighthouse", 1) as (workspace, _):
        made = asyncio.run(pictures(workspace, names, arguments.seconds, (width, height), arguments.theme))
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, svg in made.items():
        path = arguments.out / f"{name}.svg"
        path.write_text(svg, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
