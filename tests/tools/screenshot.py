"""Make docs/screen.svg: the real screen on a real workspace whose agents are real processes.

    python tests/tools/screenshot.py [WORKSPACE] [--seconds N] [--size 120x36] [--theme NAME] [--out docs/screen.svg]

Without WORKSPACE it makes one in a temporary directory, with three small programs as agents, and ends them afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from mailcore.config import read_config
from mailcore.dispatch import control
from mailcore.errors import MailcoreError
from mailcore.mail import post
from mailcore.make import init
from mailcore.model.agent import OPERATOR
from mailcore.workspace import Workspace, find
from praxmonitor import themes
from praxmonitor.app import PraxApp
from praxmonitor.assets import sounds_dir, themes_dir
from praxmonitor.feed import FileFeed
from praxmonitor.sound.player import Player

OUT = Path(__file__).parents[2] / "docs" / "screen.svg"
AGENTS = ("writer", "researcher", "editor", "checker", "builder", "planner")
CONFIG = """\
[dispatch]
attempts = 2
retry_wait = 60
stop_grace = 1
[alarms]
silence = 4
[agents.writer]
program = "command"
command = ["sh", "-c", "n=0; while :; do n=$((n+1)); echo section $n of chapter two written; sleep 1; done"]
[agents.researcher]
program = "command"
command = ["sh", "-c", "while :; do echo reading about Fresnel lenses; sleep 2; done"]
[agents.checker]
program = "command"
command = ["sh", "-c", "echo reading page 12 of 40; sleep 600"]
[agents.builder]
program = "command"
command = ["sh", "-c", "echo building; echo no space left on device >&2; exit 1"]
[agents.planner]
program = "command"
command = ["sh", "-c", "echo a plan of three phases; mailcore send @operator 'The plan' 'Three phases.'"]
"""
TASKS = {
    "writer": "Write chapter two",
    "researcher": "Sources on Fresnel lenses",
    "checker": "Check the dates",
    "builder": "Build the site",
    "planner": "Plan the report",
}


def workshop(root: Path) -> Workspace:
    """A workspace at work."""
    made = init(root, [(name, f"agents/{name}") for name in AGENTS])
    made.state_dir.mkdir(exist_ok=True)
    (made.state_dir / "config.toml").write_text(CONFIG, encoding="utf-8")
    config = read_config(made.state_dir / "config.toml")
    post.send(made, "@editor", ["@writer", OPERATOR], "Comments on the draft", "The second figure repeats the first.")
    for name, subject in TASKS.items():
        control.dispatch(made, config, OPERATOR, f"@{name}", subject, subject)
    return made


def stop(made: Workspace) -> None:
    """End every run."""
    config = read_config(made.state_dir / "config.toml")
    for agent in made.agents:
        try:
            control.kill(made, config, OPERATOR, agent.address)
        except MailcoreError:
            continue  # nothing runs there


async def picture(where: Workspace, seconds: float, size: tuple[int, int], theme: str) -> str:
    """The SVG of the screen after it has followed `where` for so long."""
    config = read_config(where.state_dir / "config.toml")
    speaker = Player(sounds_dir() / config.sound.pack)
    app = PraxApp(where, config, FileFeed(where.root), speaker, available=themes.load([themes_dir()]), theme=theme)
    async with app.run_test(size=size) as pilot:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            await pilot.pause(0.1)
        return app.export_screenshot(title=f"praxmonitor {where.root.name}")


def main() -> int:
    """Run one command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", nargs="?", type=Path)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--size", default="120x36")
    parser.add_argument("--theme", default=themes.DEFAULT)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    width, height = (int(part) for part in given.size.split("x"))
    with tempfile.TemporaryDirectory() as directory:
        where = find(given.workspace) if given.workspace else workshop(Path(directory) / "lighthouse")
        try:
            svg = asyncio.run(picture(where, given.seconds, (width, height), given.theme))
        finally:
            if not given.workspace:
                stop(where)
    given.out.parent.mkdir(exist_ok=True)
    given.out.write_text(svg, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
