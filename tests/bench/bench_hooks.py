"""Prints what one hook event costs an agent beside a naive `cat >>` hook and one that runs `/bin/true` alone: the
shell's whole life, median and p95.

Run it as `python -m tests.bench.bench_hooks [--turns 200]`. The contestants take turns, so that a busy moment hits
all of them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from mailcore.hooks import line
from mailcore.mail import post
from mailcore.model.agent import Agent
from mailcore.programs.claude.program import Claude
from mailcore.programs.codex.program import Codex
from mailcore.workspace import create
from mailcore.workspace.find import Workspace
from tests.bench.asked import ask

AMOUNTS = argparse.Namespace(turns=200)
BUDGET = 15.0
"""Milliseconds, p95, where there is no mail and nothing is asked."""
NOTHING = "/bin/true; exit 0"


def event(size: int) -> bytes:
    """A tool call of about so many bytes, as Claude Code writes it."""
    call = {
        "session_id": "00e66db2-05d6-45b4-98ae-6bf52c827f80",
        "transcript_path": "/home/op/.claude/projects/-home-op-project-agents-writer/00e66db2.jsonl",
        "cwd": "/home/op/project/agents/writer",
        "hook_event_name": "PostToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": "echo hello && ls", "description": "List files"},
        "tool_response": {"stdout": "a line of output\n" * (size // 18)},
        "tool_use_id": "toolu_01A",
    }
    return json.dumps(call, separators=(",", ":")).encode()


def timed(shell: str, command: str, stdin: bytes) -> float:
    """Milliseconds from the shell's start to its end."""
    began = time.perf_counter()
    subprocess.run([shell, "-c", command], input=stdin, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


def row(label: str, took: dict[str, list[float]]) -> None:
    """Median and 95th percentile of each, side by side."""
    cells = [
        f"{name} {statistics.median(times):6.1f} / {statistics.quantiles(times, n=20)[18]:6.1f} ms"
        for name, times in took.items()
    ]
    print(f"{label:<38}" + "   ".join(cells), flush=True)


def compare(label: str, shell: str, ours: str, twin: str, stdin: bytes, before: Callable[[], object]) -> None:
    """Time all, in turn."""
    took: dict[str, list[float]] = {"hook": [], "cat >>": [], "/bin/true": []}
    for _ in range(AMOUNTS.turns if len(stdin) < 500_000 else max(2, AMOUNTS.turns // 5)):
        before()
        took["hook"].append(timed(shell, ours, stdin))
        took["cat >>"].append(timed(shell, twin, stdin))
        took["/bin/true"].append(timed(shell, NOTHING, b""))
    row(label, took)


def known(workspace: Workspace, agent: Agent, ours: str) -> None:
    """Unread mail that was told, in a mailbox that has been quiet: what most steps of an agent meet."""
    post.send_mail(workspace, "@lead", [agent.address], "known", "b")
    stamp = agent.mail_dir / line.STAMPS["PostToolUse"]
    pause = threading.Event()
    while not stamp.exists():
        timed("sh", ours, event(1000))
        pause.wait(0.2)


def main() -> None:
    """All figures."""
    ask(AMOUNTS, __doc__)
    with tempfile.TemporaryDirectory() as directory:
        workspace = create.create_workspace(
            Path(directory) / "bench", [("writer", "agents/writer"), ("lead", "agents/lead")]
        )
        agent = workspace.agent("@writer")
        twin = f"cat >> {agent.logs_dir}/twin.jsonl"
        step, note = (
            line.command(agent, Claude.hooks, line.HookEntry(name), "file") for name in ("PostToolUse", "PreToolUse")
        )
        print(f"median / p95 of {AMOUNTS.turns} hooks; budget without mail {BUDGET:g} ms")
        for shell in filter(shutil.which, ("dash", "bash")):
            for size in (1_000, 30_000, 100_000, 1_000_000, 5_000_000):
                compare(f"{shell}, event of {size:,} bytes", shell, note, twin, event(size), lambda: None)
        for program in (Claude.hooks, Codex.hooks):
            asks = line.command(agent, program, line.HookEntry(line.PERMISSION_REQUEST), "file")
            label = f"dash, a request, {Path(program.settings).parent}"
            compare(label, "dash", asks, twin, event(1000), lambda: None)
        known(workspace, agent, step)
        compare("dash, mailbox known", "dash", step, twin, event(1000), lambda: None)
        compare(
            "dash, mail waits (tells it)",
            "dash",
            step,
            twin,
            event(1000),
            lambda: (
                post.send_mail(workspace, "@lead", ["@writer"], "urgent", "b", priority="high", key="k")
                and post.send_mail(
                    workspace, "@lead", ["@writer"], "urgent", str(time.time()), priority="high", key="k"
                )
            ),
        )


if __name__ == "__main__":
    main()
