"""What the operator does about a log that runs away."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from mailcore.config import Config
from mailcore.model.fleet import AgentFacts
from mailcore.text.units import date_and_time, size
from mailcore.workspace.find import Workspace
from praxmonitor.actions import requests
from praxmonitor.actions.asking import ask, unlocked
from praxmonitor.actions.context import Context, View
from praxmonitor.alarms.rules.runaway_logs import log_place
from praxmonitor.text import lines
from praxmonitor.text.lines import Line


async def cut_log(context: Context[View]) -> None:
    """Cut the agent's log that grows the fastest, if the operator says yes."""
    from praxmonitor.dialogs.confirm import ConfirmScreen

    facts, opened = context.facts, context.opened
    if facts is None or not facts.log_growth:
        return
    path = facts.log_growth[0].path
    question = ConfirmScreen(
        f"Cut {log_place(facts, path)} of {facts.address}?", "what it holds is gone, save its end",
        partial(growth_lines, facts), "Yes, cut", ends=True,
    )  # fmt: skip
    if await context.display.push_screen_wait(question) and await unlocked(context):
        await ask(context, empty_log, opened.workspace, opened.config, facts.address, path)


def empty_log(workspace: Workspace, config: Config, address: str, path: str) -> str:
    """In a thread: empty the log. Refused unless the operator sits here."""
    from mailcore.dispatch import cut_log as cutting

    requests.entitle(workspace, config)
    done = cutting.cut_log(workspace, requests.me(workspace), address, Path(path))
    return (
        f"{Path(path).name} cut: {size(done.size)}, of which the last {size(cutting.KEPT_BYTES)} stand in {done.kept}"
    )


def growth_lines(facts: AgentFacts, width: int) -> list[Line]:
    """How fast its logs grow, the fastest first."""
    return [
        (
            (lines.cut(log_place(facts, log.path), max(10, width - 40)), ""),
            (f"  {size(log.rate * 60)} a minute, since {date_and_time(log.since, seconds=False)}", "muted"),
        )
        for log in facts.log_growth
    ]
