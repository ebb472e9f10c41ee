"""Which process trees use the CPU: one look at all processes for any number of agents. For worker threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from mailcore.system.process_values import Process
from mailcore.system.processes import snapshot

WORK_SHARE = 0.05
"""Share of one core, from one look to the next, that counts as work; a program that wakes ten times a second: 0.002."""


class CpuActivity:
    """Reports when the process tree of each agent last worked; keeps the CPU times of the look before."""

    def __init__(self, table: Callable[[], Mapping[int, Process]] = snapshot) -> None:
        """`table`: gives every live process by its PID."""
        self._table = table
        self._at = 0.0
        self._used: dict[str, tuple[int, float]] = {}
        self._seen: dict[str, float] = {}

    def measure(self, pids: Mapping[str, int], now: float) -> Mapping[str, float]:
        """Address → when its tree was last seen at work (`now` if it worked since the look before); 0.0: never.

        `pids`: address → the root of its tree. An agent is in the result from its second look on: one look alone
        says nothing. A tree counts with all its descendants, those that ended and were waited for included.
        """
        at, used = time.monotonic(), {}
        if pids:
            table = self._table()
            children: dict[int, list[int]] = {}
            for process in table.values():
                children.setdefault(process.ppid, []).append(process.pid)
            used = {address: (pid, _tree(pid, table, children)) for address, pid in pids.items() if pid in table}
        passed, seen = at - self._at, {}
        for address, (pid, seconds) in used.items():
            before = self._used.get(address)
            if before is None or before[0] != pid:
                continue
            worked = passed > 0 and (seconds - before[1]) / passed >= WORK_SHARE
            seen[address] = now if worked else self._seen.get(address, 0.0)
        # A process that is gone works no more.
        seen |= {address: self._seen.get(address, 0.0) for address in pids if address not in used}
        self._at, self._used, self._seen = at, used, seen
        return dict(seen)


def _tree(root: int, table: Mapping[int, Process], children: Mapping[int, list[int]]) -> float:
    """Seconds of CPU that a process and all below it used, and those of its children that ended."""
    seconds, waiting = 0.0, [root]
    while waiting:
        process = table[waiting.pop()]
        seconds += process.cpu + process.cpu_of_children
        waiting += children.get(process.pid, ())
    return seconds
