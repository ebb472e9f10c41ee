"""Prints the figures of the feed under load: line written → fleet, its CPU, and a gigabyte of transcripts attached.

Run it as `python -m tests.bench.bench_feed [--agents 30] [--rate 100] [--seconds 10]`. The session files of thirty
agents grow by a hundred lines a second each, written by another process; a naive twin (a thread that looks at every
file each 50 ms and parses what came) reads the same lines in the same run. Then a gigabyte of transcripts is attached.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

from mailcore.model.activity import Activity
from mailcore.model.fleet import Fleet
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.programs.claude import places as claude_places
from mailcore.workspace import create
from praxmonitor.feed.file_feed import FileFeed

Look = tuple[float, list[tuple[Activity, ...]]]
"""When a fleet came, and what some of its agents were known to have done."""

WRITER = """
import json, sys, time
rate, seconds, paths = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
files = [open(path, "ab", buffering=0) for path in paths]
begin, turn = time.monotonic(), 0
while (now := time.monotonic()) < begin + seconds:
    for file in files:
        about = f"{time.monotonic():.6f}"
        if turn % 2:
            result = {"type": "tool_result", "tool_use_id": f"t{turn - 1}", "content": about}
            line = {"type": "user", "message": {"role": "user", "content": [result]}}
        else:
            call = {"type": "tool_use", "id": f"t{turn}", "name": "Bash", "input": {"description": about}}
            usage = {"input_tokens": 100, "output_tokens": 30, "cache_read_input_tokens": 5000}
            message = {"id": f"m{turn}", "model": "opus", "content": [call], "usage": usage}
            line = {"type": "assistant", "message": message}
        line |= {"sessionId": "s", "timestamp": "2026-01-01T00:00:00.000Z"}
        file.write(json.dumps(line).encode() + b"\\n")
    turn += 1
    time.sleep(max(0, begin + turn / rate - time.monotonic()))
"""
"""Writes `rate` lines a second into each file; each line tells the moment at which it was written."""


def place(home: Path, branch: Path) -> Path:
    """A session file of an agent, with its first line."""
    path = claude_places.directory(branch, claude_places.ACCOUNT_HOME.usual()) / f"s-{branch.name}.jsonl"
    path.parent.mkdir(parents=True)
    first = {"type": "user", "cwd": str(branch), "sessionId": "s", "message": {"role": "user", "content": "go"}}
    path.write_text(json.dumps(first) + "\n")
    assert path.is_relative_to(home)
    return path


class Twin(threading.Thread):
    """What one writes in ten minutes: look at every file each 50 ms, parse what came, note it by agent."""

    def __init__(self, paths: list[Path]) -> None:
        super().__init__(daemon=True)
        self.paths = paths
        self.took: list[float] = []
        self.cpu = 0.0
        self.ended = threading.Event()

    def run(self) -> None:
        files = [path.open("rb") for path in self.paths]
        for file in files:
            file.seek(0, os.SEEK_END)
        while not self.ended.wait(0.05):
            for file in files:
                for line in file.readlines():
                    if not line.endswith(b"\n"):
                        file.seek(-len(line), os.SEEK_CUR)  # it is being written
                        break
                    block = json.loads(line)["message"]["content"][0]
                    written = block.get("content") or block["input"]["description"]
                    self.took.append((time.monotonic() - float(written)) * 1000)
        self.cpu = time.thread_time()
        for file in files:
            file.close()


async def follow(root: Path, paths: list[Path], rate: float, seconds: float) -> None:
    """Print latency and CPU of our feed, and of the twin beside it."""
    seen: list[Look] = []
    twin = Twin(paths)
    async with aclosing(FileFeed(root).fleets()) as feed:
        await anext(feed)
        await asyncio.sleep(3)  # the watches stand
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(rate), str(seconds), *map(str, paths)])
        twin.start()
        began, cpu = time.monotonic(), time.process_time()
        async for fleet in feed:
            # A tenth of the agents, looked at afterwards: that costs CPU too, and fleets kept cost memory.
            seen.append((time.monotonic(), [facts.activities for facts in fleet.agents[::10]]))
            if seen[-1][0] > began + seconds - 0.5:
                break
        spent, wall = time.process_time() - cpu, time.monotonic() - began
    twin.ended.set()
    twin.join()
    writer.wait()
    took = latencies(seen)
    for name, times, cpu in (("ours", took, spent - twin.cpu), ("twin, polling", twin.took, twin.cpu)):
        times.sort()
        print(
            f"  {name:<14} median {statistics.median(times):6.1f} ms   p95 {times[int(len(times) * 0.95)]:6.1f} ms   "
            f"CPU {cpu / wall * 100:5.1f} % of a core   {len(times):,} lines seen"
        )
    print(f"  {len(seen) / wall:.0f} fleets a second; memory {_memory():.0f} MB")


def latencies(seen: list[Look]) -> list[float]:
    """Milliseconds from the writing of each line to the first fleet that knows of it."""
    took = []
    newest: dict[int, float] = {}
    for at, agents in seen:
        for number, activities in enumerate(agents):
            last = newest.get(number, 0.0)
            stamps = [float(a.text.split()[-1]) for a in activities if a.text[:6] == "Bash: "]
            took += [(at - stamp) * 1000 for stamp in stamps if stamp > last]
            newest[number] = max(stamps, default=last)
    return took


def attach(root: Path, home: Path, size: int) -> None:
    """Print what it takes to attach so many bytes of transcripts, in ten files of one agent and five of another."""
    workspace = create.create_workspace(root / "large", [("one", "agents/one"), ("two", "agents/two")])
    usage = {"input_tokens": 100, "output_tokens": 30}
    filler = {
        "type": "user",
        "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}Z",
        "message": {"content": "x" * 3000},
    }
    spoke = {**filler, "type": "assistant", "message": {"id": "m", "content": [], "usage": usage}}
    lines = [json.dumps(line).encode() + b"\n" for line in (filler, spoke)]
    block = b"".join(lines) * (1024 * 1024 // sum(map(len, lines)) + 1)
    for agent, files in zip(workspace.agents, (10, 5), strict=True):
        directory = claude_places.directory(agent.branch, claude_places.ACCOUNT_HOME.usual())
        directory.mkdir(parents=True)
        for n in range(files):
            with (directory / f"s{n}.jsonl").open("wb") as file:
                file.write(json.dumps({**filler, "cwd": str(agent.branch)}).encode() + b"\n")
                for _ in range(size // 15 // len(block)):
                    file.write(block)
    assert home.is_dir()
    before = _memory()
    began = time.perf_counter()
    loader = WorkspaceReader(workspace)
    fleet = apply(Fleet(workspace.root), loader.initial(), time.time())
    took = time.perf_counter() - began
    began = time.perf_counter()
    loader.sweep()
    sweep = time.perf_counter() - began
    grown = _memory() - before
    total = sum(path.stat().st_size for path in (home / ".claude").rglob("*.jsonl"))
    seen = sum(len(facts.activities) for facts in fleet.agents)
    print(
        f"  {total / 1e9:.2f} GB attached in {took * 1000:.0f} ms; {seen} activities known, {grown:.1f} MB more memory"
    )
    print(f"  the sweep that catches up a piece of it: {sweep * 1000:.0f} ms")


def _memory() -> float:
    """The most that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--agents", type=int, default=30)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--gigabytes", type=float, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        home, root = Path(directory) / "home", Path(directory) / "ws"
        os.environ |= {"HOME": str(home)}
        os.environ.pop("CLAUDE_CONFIG_DIR", None)
        workspace = create.create_workspace(
            root, [(f"agent{n:02}", f"agents/agent{n:02}") for n in range(options.agents)]
        )
        paths = [place(home, agent.branch) for agent in workspace.agents]
        print(f"{options.agents} agents, {options.rate:g} lines a second each, {options.seconds:g} s")
        asyncio.run(follow(root, paths, options.rate, options.seconds))
        attach(Path(directory), home, int(options.gigabytes * 1e9))


if __name__ == "__main__":
    main()
