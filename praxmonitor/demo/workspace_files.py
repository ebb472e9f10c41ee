"""The demo's twelve agents, and the files of the workspace that they work in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mailcore.exceptions import Refused
from mailcore.system.python_child import child
from mailcore.workspace import create, find

MARK = ".praxmonitor/demo.json"
"""Tells a directory that the demo made from one that holds something else."""

SILENCE = 8.0
"""Seconds without a sign of life before the alarm, in the demo's own config."""
DECISION_TIME = 240.0
"""Seconds for which the demo's requests for approval can be decided; so long the agent that asks waits."""


@dataclass(frozen=True, slots=True)
class DemoAgent:
    """One agent of the demo."""

    name: str
    role: str
    trait: str = ""
    """What goes wrong with it: `slow start`, `crashes`, `falls silent`, `asks first`, `repeats an error`."""


RESEARCHERS = ("history", "market", "papers", "patents", "users")

DEMO_AGENTS = (
    DemoAgent("editor", "editor: turns five pieces of research into one report"),
    DemoAgent("history", "researcher: what was tried before"),
    DemoAgent("market", "researcher: who sells what"),
    DemoAgent("papers", "researcher: what is known"),
    DemoAgent("patents", "researcher: what is claimed", "slow start"),
    DemoAgent("users", "researcher: what people ask for"),
    DemoAgent("planner", "planner: takes a plan through its three phases"),
    DemoAgent("builder", "worker: designs and builds"),
    DemoAgent("tester", "worker: tests", "repeats an error"),
    DemoAgent("importer", "worker: imports data", "crashes"),
    DemoAgent("indexer", "worker: keeps the search index", "falls silent"),
    DemoAgent("release", "worker: ships, and asks before it does", "asks first"),
)


def make_workspace(directory: Path, seed: int) -> find.Workspace:
    """Make the demo's workspace. Refused where the directory holds something that the demo did not make."""
    if directory.exists() and any(directory.iterdir()):
        if not (directory / MARK).is_file():
            raise Refused(f"{directory} holds something else; the demo wants an empty or a new directory", "not_empty")
        return find.find_workspace(directory)
    made = create.create_workspace(directory, [(part.name, f"agents/{part.name}") for part in DEMO_AGENTS])
    for part, agent in zip(DEMO_AGENTS, made.agents, strict=True):
        passport = json.loads(agent.passport.read_text(encoding="utf-8"))
        passport["identity"] |= {"role": part.role, "traits": [part.trait] if part.trait else []}
        agent.passport.write_text(json.dumps(passport, indent=2, ensure_ascii=False), encoding="utf-8")
    made.config_file.write_text(_config(seed), encoding="utf-8")
    (directory / MARK).write_text(json.dumps({"seed": seed}), encoding="utf-8")
    return find.find_workspace(directory)


def _config(seed: int) -> str:
    """Short times, so that all of it can be seen in a minute. Paths are JSON texts, which TOML reads too."""
    lines = [
        "[dispatch]",
        "startup_timeout = 4",
        "retry_wait = 3",
        "stop_grace = 1",
        "",
        "[alarms]",
        f"silence = {SILENCE:g}",
        "",
        "[approval.tiers.2]",
        f"expires = {DECISION_TIME:g}",
    ]
    for part in DEMO_AGENTS:
        command = child("praxmonitor.demo.agent", "--seed", str(seed), "{prompt}")
        lines += ["", f"[agents.{part.name}]", 'program = "command"', f"command = {json.dumps(command)}"]
    return "\n".join(lines) + "\n"
