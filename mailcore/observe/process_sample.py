"""CPU and memory of one agent's processes: of what is on the screen, never of all."""

from __future__ import annotations

import time
from dataclasses import dataclass

from mailcore.system.process_values import Process
from mailcore.system.processes import snapshot, started_at


@dataclass(frozen=True, slots=True)
class TreeSample:
    """A process and its descendants at one moment."""

    pid: int
    started_at: float
    """When the root started, seconds since the epoch: with the PID it distinguishes one process from the next."""
    cpu_percent: float
    """Of one core, since the last sample of the same tree; 0.0 at the first."""
    rss: int
    """Bytes; memory shared between them counts for each."""
    processes: int


class Sampler:
    """Samples process trees; keeps the CPU times of the last one to compute the share in between."""

    def __init__(self) -> None:
        self._root = (0, 0)
        self._at = 0.0
        self._cpu: dict[tuple[int, int], float] = {}

    def sample(self, pid: int) -> TreeSample | None:
        """The tree of `pid` now; None if there is no such process, or it is not ours to see."""
        table = snapshot()
        root = table.get(pid)
        if root is None:
            return None
        children: dict[int, list[Process]] = {}
        for process in table.values():
            children.setdefault(process.ppid, []).append(process)
        tree, waiting = [], [root]
        while waiting:
            tree.append(process := waiting.pop())
            waiting += children.get(process.pid, ())
        now = time.monotonic()
        cpu = {(process.pid, process.ticks): process.cpu for process in tree}
        percent = 0.0
        if self._root == (pid, root.ticks) and now > self._at:
            used = sum(seconds - self._cpu.get(key, 0.0) for key, seconds in cpu.items())
            percent = max(0.0, used / (now - self._at) * 100)
        self._root, self._at, self._cpu = (pid, root.ticks), now, cpu
        return TreeSample(pid, started_at(root), percent, sum(process.rss for process in tree), len(tree))
