"""The lighthouse with real directories, and logs of its agents in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from msgspec import structs
from textual.pilot import Pilot

from mailcore.model.fleet import Fleet
from praxmonitor.app.app import PraxApp
from praxmonitor.views.log import LogScreen
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, text_of, until, workspace

RUN = "20270115T115601_000001-5b22c81f"
"""A run of @writer's, whose output is among its logs."""


def on_disk(root: Path) -> Fleet:
    """The lighthouse, each agent's branch a directory in `root`."""
    fleet = lighthouse()
    agents = []
    for facts in fleet.agents:
        agent = replace(facts.agent, branch=root / facts.agent.name.lower(), root=root)
        agent.logs_dir.mkdir(parents=True)
        agents.append(structs.replace(facts, agent=agent))
    return structs.replace(fleet, root=root, agents=tuple(agents))


def stamped(second: int, text: str) -> str:
    """A line of a log, so many seconds after 11:00 of the lighthouse's day."""
    return f"2027-01-15 11:{second // 60 % 60:02}:{second % 60:02} {text}"


def write_log(fleet: Fleet, lines: Iterable[str | bytes], name: str = "app.log", agent: str = "@writer") -> Path:
    """Lines at the end of a log of an agent's, each with its end."""
    facts = fleet.find(agent)
    assert facts is not None
    path = facts.agent.logs_dir / name
    with path.open("ab") as log:
        for line in lines:
            log.write(line if isinstance(line, bytes) else line.encode() + b"\n")
    return path


def write_output(fleet: Fleet, stream: str, lines: Iterable[str]) -> Path:
    """The output of an attempt of @writer's: `stdout` or `stderr`."""
    facts = fleet.find("@writer")
    assert facts is not None
    path = facts.agent.runs_dir / RUN / f"attempt-1.{stream}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as log:
        log.writelines(f"{line}\n" for line in lines)
    return path


def log_screen(app: PraxApp) -> LogScreen:
    """The view of logs, which is in front."""
    assert isinstance(app.screen, LogScreen)
    return app.screen


def shown_rows(app: PraxApp) -> list[str]:
    """The lines of the log that are in view, without the blanks at their ends."""
    return [line.rstrip() for line in log_screen(app).pane.lines.text.splitlines()]


@asynccontextmanager
async def at_logs(fleet: Fleet, width: int = 120, height: int = 20) -> AsyncIterator[tuple[PraxApp, Pilot[None]]]:
    """The screen, after `L` on @writer: its logs are in view."""
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(width, height)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("L")
        await until(pilot, lambda: log_screen(app).log_shown.row, "its end is shown")
        yield app, pilot


async def said(app: PraxApp, pilot: Pilot[None], *words: str) -> None:
    """The line above the log says this."""
    line = log_screen(app).said
    await until(pilot, lambda: all(word in line.text for word in words), f"{words} in {line.text!r}")


def under_cursor(app: PraxApp) -> str:
    """The line that the cursor is on."""
    row = log_screen(app).log_shown.row
    return row.text if row is not None else ""


def notices(app: PraxApp) -> str:
    """What the bottom line said."""
    return "\n".join(notice.text for notice in app.notices)


def on(app: PraxApp, text: str) -> Callable[[], bool]:
    """Whether the cursor is on a line with this text."""
    return lambda: text in under_cursor(app)
