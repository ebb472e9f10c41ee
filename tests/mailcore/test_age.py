"""A workspace after a hundred hours: looking at what is new costs what it cost on the first day."""

from __future__ import annotations

import cProfile
import json
import pstats
from collections.abc import Callable
from pathlib import Path

from mailcore.mail import post
from mailcore.observe.reader import WorkspaceReader
from mailcore.workspace import create
from mailcore.workspace.find import Workspace

LONG = 800
"""Runs of each agent: what a fleet does in days, and twelve agents of the demo in hours."""


def aged(root: Path, runs: int) -> Workspace:
    """A workspace in which two agents have had so many runs, each with a mail and its rows in AIPass's register."""
    space = create.create_workspace(root, [("a", "agents/a"), ("b", "agents/b")])
    rows = []
    for number in range(runs):
        stamp = f"202611{1 + number // 100:02d}T{number % 24:02d}{number % 60:02d}00_{number:06d}-{number:08x}"
        for agent in space.agents:
            directory = agent.runs_dir / stamp
            directory.mkdir(parents=True)
            at = "2026-11-01T10:00:00+00:00"
            queued = {"event": "queued", "at": at, "run_id": stamp, "target": agent.address, "subject": "s"}
            events = [queued, {"event": "ended", "at": at, "outcome": "completed"}, {"event": "told", "at": at}]
            (directory / "run.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
            rows += [{"dispatch_id": stamp, "target": agent.address, "ts": at}, {"dispatch_id": stamp, "ts": at}]
            agent.archive_dir.mkdir(exist_ok=True)
            (agent.archive_dir / f"{number:08x}.json").write_text(json.dumps({"id": f"{number:08x}", "subject": "s"}))
            with agent.hooks_log.open("a") as file:
                file.write(json.dumps({"hook_event_name": "Stop", "ts": number}) + "\n")
    space.aipass_dir.mkdir(exist_ok=True)
    (space.aipass_dir / "dispatch_register.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return space


def happens(space: Workspace, number: int) -> list[Path]:
    """A run begins, a mail arrives, a hook fires; the paths that changed."""
    agent = space.agents[0]
    run = agent.runs_dir / f"20261129T1000{number:02d}_000000-{number:08x}"
    run.mkdir(parents=True)
    begun = {"event": "queued", "at": "2026-11-29T10:00:00+00:00", "run_id": run.name, "target": "@a", "subject": "s"}
    (run / "run.jsonl").write_text(json.dumps(begun) + "\n")
    register = space.aipass_dir / "dispatch_register.jsonl"
    with register.open("a") as file:
        file.write(json.dumps({"dispatch_id": run.name, "target": "@a", "ts": "2026-11-29T10:00:00+00:00"}) + "\n")
    with agent.hooks_log.open("a") as file:
        file.write(json.dumps({"hook_event_name": "UserPromptSubmit", "prompt": "go", "ts": 1_795_309_400}) + "\n")
    post.send_mail(space, "@b", ["@a"], f"mail {number}", "body")
    return [run, run / "run.jsonl", register, agent.hooks_log, agent.inbox]


def calls(do: Callable[[], object]) -> int:
    """How many functions are called: the measure that no other work on the machine changes."""
    profile = cProfile.Profile()
    profile.runcall(do)
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


def test_what_is_new_costs_no_more_with_age(tmp_path: Path) -> None:
    cost: dict[int, tuple[int, int, int]] = {}
    for runs in (4, LONG):
        space = aged(tmp_path / str(runs), runs)
        loader = WorkspaceReader(space)
        loader.initial()
        happens(space, 1)
        loader.sweep()
        changed = happens(space, 2)
        cost[runs] = (
            calls(lambda paths=changed, one=loader: one.changed(paths)),  # type: ignore[misc]
            calls(loader.sweep),
            calls(loader.watch_paths),
        )
        loader.close()
    young, old = cost[4], cost[LONG]
    print(f"functions called for news, a sweep, the directories to watch: {young} young, {old} after {LONG} runs each")
    assert all(after < before * 1.25 + 50 for before, after in zip(young, old, strict=True)), cost
