"""Prints what it takes to read back what the agents did in the last hours: all of it, and what matches a word.

Run it as `python -m tests.bench.bench_history [--agents 30] [--hours 3]`. Each agent called a tool every ten seconds
for twice as long; its session file and its hooks both tell of each call. Pages of ten minutes, as the screen reads
them; seconds of wall and CPU, and the most memory that the process had, its writing of the files included.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mailcore.config import Config
from mailcore.model.activity import Activity
from mailcore.model.agent import Agent
from mailcore.observe.stream_history import StreamHistory
from mailcore.programs.claude.places import ACCOUNT_HOME, directory
from mailcore.workspace import create
from mailcore.workspace.find import Workspace
from tests.bench.asked import ask
from tests.mailcore.session_lines import CWD, SESSION, call, iso, result, said, text

AMOUNTS = argparse.Namespace(agents=30, hours=3.0)
EVERY, PAGE = 10.0, 600.0
WORDS = "I looked at the module and it seems fine; " * 7


def fill(agent: Agent, since: float, now: float) -> int:
    """The traces of an agent that worked from then until now; their bytes."""
    lines: list[bytes] = []
    hooks: list[str] = []
    at, number = since, 0
    while at < now - EVERY:
        call_id, path = f"t{number}", f"src/module_{number}.py"
        lines.append(said(at, f"m{number}", call(call_id, "Read", file_path=path), text(WORDS)))
        lines.append(result(at + 3, call_id, "a line of the file\n" * 80))
        given = {"session_id": SESSION, "tool_name": "Read", "tool_use_id": call_id, "tool_input": {"file_path": path}}
        for event, moment in (("PreToolUse", at), ("PostToolUse", at + 3)):
            hooks.append(json.dumps({"hook_event_name": event, "timestamp": iso(moment), **given}) + "\n")
        at, number = at + EVERY, number + 1
    place = directory(agent.branch, ACCOUNT_HOME.usual())
    place.mkdir(parents=True)
    own = str(agent.branch).encode()
    session = b"".join(line.replace(CWD.encode(), own) + b"\n" for line in lines)
    (place / f"{SESSION}.jsonl").write_bytes(session)
    agent.logs_dir.mkdir(parents=True, exist_ok=True)
    agent.hooks_log.write_text("".join(hooks))
    return len(session) + agent.hooks_log.stat().st_size


def read(workspace: Workspace, begin: float, now: float, keep: Callable[[Activity], bool]) -> str:
    """Page by page back to `begin`; what that took, in words."""
    wall, cpu, end, found, pages, first = time.perf_counter(), time.process_time(), now, 0, 0, 0.0
    while end > begin:
        page = StreamHistory(workspace, Config()).page(max(begin, end - PAGE), end, keep)
        found, pages, end = found + len(page.activities), pages + 1, page.begin
        first = first or time.perf_counter() - wall
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return f"{found} activities, {pages} pages, the first {first:.2f} s; {wall:.1f} s, CPU {cpu:.1f} s"


def main() -> None:
    """Print the figures."""
    ask(AMOUNTS, __doc__)
    with tempfile.TemporaryDirectory() as place:
        os.environ |= {"HOME": f"{place}/home", "XDG_STATE_HOME": f"{place}/state"}
        names = [(f"a{number}", f"agents/a{number}") for number in range(AMOUNTS.agents)]
        workspace = create.create_workspace(Path(place) / "project", names)
        now, begin = time.time(), time.time() - AMOUNTS.hours * 3600
        size = sum(fill(agent, now - 2 * AMOUNTS.hours * 3600, now) for agent in workspace.agents)
        print(f"{AMOUNTS.agents} agents, {size / 1e6:.0f} MB of session files and hooks; back {AMOUNTS.hours:g} h")
        print("all:   ", read(workspace, begin, now, lambda _: True))
        print("a word:", read(workspace, begin, now, lambda activity: "module_15" in activity.text))
        print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


if __name__ == "__main__":
    main()
