"""From the command to the first paint, in a real terminal: `python -m tests.bench.bench_paint`.

Options: `--agents 30`, `--turns 7`. Prints the median of two times: until the first byte of the screen (the header),
and until the first agent's name.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pexpect

from mailcore.workspace.create import create_workspace
from tests.bench.asked import ask


def once(root: Path) -> tuple[float, float]:
    """Seconds until the header, and until the first agent."""
    began = time.perf_counter()
    child = pexpect.spawn(
        sys.executable, ["-m", "praxmonitor", str(root), "--mute"], dimensions=(50, 200), timeout=30, maxread=1 << 16
    )
    child.expect_exact(root.name.encode())
    header = time.perf_counter() - began
    child.expect_exact(b"agent-00")
    agents = time.perf_counter() - began
    child.send(b"q")
    child.expect(pexpect.EOF)
    child.close()
    return header, agents


def main() -> None:
    """Measure."""
    asked = argparse.Namespace(agents=30, turns=7)
    ask(asked, __doc__)
    count, times = asked.agents, asked.turns
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "paintbench"
        create_workspace(root, [(f"agent-{number:02}", f"agents/a{number}") for number in range(count)])
        once(root)  # warm the caches of files and byte code
        taken = [once(root) for _ in range(times)]
    header, agents = (statistics.median(column) * 1000 for column in zip(*taken, strict=True))
    print(f"{count} agents, median of {times}: header {header:.0f} ms, agents {agents:.0f} ms")


if __name__ == "__main__":
    main()
