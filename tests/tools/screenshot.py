"""Make docs/screen.svg: the real screen, on the demo's real processes.

    python tests/tools/screenshot.py [--seconds 22] [--size 132x46] [--theme NAME] [--out docs/screen.svg]

With a sound server (PULSE_SERVER) the header says so; without one it says that only the bell is heard.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from mailcore.config import read_config
from mailcore.workspace.find import Workspace
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.app.app import PraxApp
from praxmonitor.assets import sounds_dir, themes_dir
from praxmonitor.demo.session import demo_session
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.preferences.preferences import Preferences
from praxmonitor.sound.player import Player
from praxmonitor.themes import load

OUT = Path(__file__).parents[2] / "docs" / "screen.svg"


async def picture(workspace: Workspace, seconds: float, size: tuple[int, int], theme: str) -> str:
    """The screen after so many seconds, as SVG."""
    config = read_config(workspace.config_file)
    available = load.load_themes([themes_dir()])
    speaker = Player(sounds_dir() / config.sound.pack)
    app = PraxApp(
        OpenWorkspace(workspace, config), FileFeed(workspace.root), speaker, available, Preferences(theme=theme)
    )
    async with app.run_test(size=size) as pilot:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await pilot.pause(0.1)
        await pilot.press("n")
        await pilot.pause(0.5)
        return app.export_screenshot(title=f"praxmonitor {workspace.root.name}")


def main() -> None:
    """Parse, play, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=22.0)
    parser.add_argument("--size", default="132x46")
    parser.add_argument("--theme", default=load.DEFAULT)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    with tempfile.TemporaryDirectory() as root, demo_session(Path(root) / "lighthouse", 1) as (workspace, _):
        svg = asyncio.run(picture(workspace, arguments.seconds, (width, height), arguments.theme))
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(svg, encoding="utf-8")
    print(arguments.out)


if __name__ == "__main__":
    main()
