"""CPU and memory of one agent's processes: of what is on the screen, never of all."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TreeSample:
    """A process and its descendants at one moment."""

    pid: int
    started_at: float
    """When the root started, seconds since the epoch: with the PID it tells one process from the next."""
    cpu_percent: float
    """Of one core, since the last sample of the same tree; 0.0 at the first."""
    rss: int
    """Bytes; memory shared between them counts for each."""
    processes: int


class Sampler:
    """Samples process trees; keeps the CPU times of the last one to tell the share in between."""

    def __init__(self) -> None:
        self._root = (0, 0.0)
        self._at = 0.0
        self._cpu: dict[tuple[int, float], float] = {}

    def sample(self, pid: int) -> TreeSample | None:
        """The tree of `pid` now; None if there is no such process, or it is not ours to see. Reads /proc."""
        import psutil

        try:
            root = psutil.Process(pid)
            if root.status() == psutil.STATUS_ZOMBIE:
                return None
            processes = [root, *root.children(recursive=True)]
            started_at = root.create_time()
        except (psutil.Error, ValueError):
            return None
        now, rss = time.monotonic(), 0
        cpu: dict[tuple[int, float], float] = {}
        for process in processes:
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    cpu[process.pid, process.create_time()] = times.user + times.system
                    rss += process.memory_info().rss
            except psutil.Error:  # it ended in the meantime
                continue
        percent = 0.0
        if self._root == (pid, started_at) and now > self._at:
            used = sum(seconds - self._cpu.get(key, 0.0) for key, seconds in cpu.items())
            percent = max(0.0, used / (now - self._at) * 100)
        self._root, self._at, self._cpu = (pid, started_at), now, cpu
        return TreeSample(pid, started_at, percent, rss, len(cpu))
