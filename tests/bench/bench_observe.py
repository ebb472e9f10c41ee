"""Prints the figures of the observe wing: first read, sweep, states, file → fleet. Run it as
`python -m tests.bench.bench_observe [--agents 30 1000] [--turns 30]`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mailcore.config import Alarms
from mailcore.formats import journal
from mailcore.model.fleet import Fleet
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.state import state
from mailcore.workspace import create, find
from praxmonitor.feed.file_feed import FileFeed
from tests.bench.asked import ask

MAILS = 10
AMOUNTS = argparse.Namespace(agents=[30, 1000], turns=30)


def build(root: Path, agents: int) -> find.Workspace:
    """A workspace where every agent has ten mails, a hooks log, a log and an ended run."""
    found = create.create_workspace(root, [(f"agent{n:04}", f"agents/agent{n:04}") for n in range(agents)])
    hooks = "".join(
        json.dumps(
            {"hook_event_name": name, "tool_name": "Bash", "tool_use_id": str(n), "tool_input": {"command": "ls"}}
        )
        + "\n"
        for n in range(20)
        for name in ("PreToolUse", "PostToolUse")
    )
    log = "".join(f"2026-11-22 01:00:{n:02} - captured_main - INFO - step {n}\n" for n in range(50))
    for agent in found.agents:
        messages = [
            {"id": f"{n:08x}", "timestamp": "2026-11-22 01:00:00", "from": "@x", "subject": "s", "message": "m" * 600}
            for n in range(MAILS)
        ]
        agent.inbox.write_text(json.dumps({"mailbox": "inbox", "messages": messages}))
        agent.hooks_log.write_text(hooks)
        (agent.logs_dir / "main.log").write_text(log)
        run = agent.runs_dir / "20261122T010000_000000-00000000"
        run.mkdir(parents=True)
        journal.append_record(run / "run.jsonl", {"event": "queued", "run_id": run.name, "target": agent.address})
        journal.append_record(run / "run.jsonl", {"event": "ended", "outcome": "completed"})
    return found


def timed(work: Callable[[], object], times: int) -> str:
    """Median and best, in ms: on a busy machine the best is the truer."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return f"{statistics.median(took):7.1f} ms (best {min(took):.1f})"


async def latency(root: Path, inbox: Path, times: int) -> tuple[float, list[float]]:
    """Seconds to the first fleet, and milliseconds from a written mailbox to the fleet that shows it."""
    document = json.loads(inbox.read_text())
    loop = asyncio.get_running_loop()
    took: list[float] = []
    written = 0.0

    def write() -> None:
        nonlocal written
        document["messages"].insert(0, {"id": f"new{len(took)}", "from": "@x", "subject": "s"})
        written = time.perf_counter()
        inbox.write_text(json.dumps(document))

    began = time.perf_counter()
    first = 0.0
    async for fleet in FileFeed(root).fleets():
        if not first:
            first = time.perf_counter() - began
            loop.call_later(3, write)  # the watches stand, the first sweep is over
        elif any(message.id == f"new{len(took)}" for message in fleet.agents[0].mailbox.messages):
            took.append((time.perf_counter() - written) * 1000)
            if len(took) == times:
                break
            loop.call_later(0.33, write)
    return first, took


def measure(agents: int, root: Path) -> None:
    """Print the figures of a workspace of so many agents."""
    found = build(root, agents)
    loader = WorkspaceReader(found)
    began = time.perf_counter()
    facts = loader.initial()
    middle = time.perf_counter()
    fleet = apply(Fleet(found.root), facts, time.time())
    inbox = found.agents[0].inbox
    print(f"{agents} agents, {len(loader.watch_paths())} directories")
    print(f"  find and read registry   {timed(lambda: find.find_workspace(found.root), 5)}")
    print(f"  initial()                {(middle - began) * 1000:7.1f} ms")
    print(f"  first apply()            {(time.perf_counter() - middle) * 1000:7.1f} ms")
    loader.sweep()
    print(f"  sweep(), nothing moved   {timed(loader.sweep, 20)}")
    print(f"  watch_paths()            {timed(loader.watch_paths, 20)}")
    print(f"  changed(one inbox)       {timed(lambda: loader.changed([inbox]), 20)}")
    print(f"  state() of all           {timed(lambda: [state(f, time.time(), Alarms()) for f in fleet.agents], 20)}")
    first, took = asyncio.run(latency(found.root, inbox, AMOUNTS.turns))
    took.sort()
    print(f"  feed: first fleet        {first * 1000:7.1f} ms")
    print(f"  feed: file to fleet      {statistics.median(took):7.1f} ms (p95 {took[int(len(took) * 0.95)]:.1f})")


def main() -> None:
    """Print the figures at each number of agents."""
    ask(AMOUNTS, __doc__)
    for agents in AMOUNTS.agents:
        with tempfile.TemporaryDirectory() as directory:
            measure(agents, Path(directory) / "ws")


if __name__ == "__main__":
    main()
