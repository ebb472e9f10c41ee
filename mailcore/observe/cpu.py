"""Which process trees use the CPU: one look at /proc for any number of agents. Reads only; for worker threads."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

BUSY = 0.05
"""Share of one core, from one look to the next, that counts as work; a program that wakes ten times a second: 0.002."""
_TICKS = os.sysconf("SC_CLK_TCK")


class Work:
    """Tells when the process tree of each agent last worked; keeps the CPU times of the look before."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._at = 0.0
        self._used: dict[str, tuple[int, int]] = {}
        self._seen: dict[str, float] = {}

    def look(self, pids: Mapping[str, int], now: float) -> Mapping[str, float]:
        """Address → when its tree was last seen at work (`now` if it worked since the look before); 0.0: never.

        `pids`: address → the root of its tree. An agent is in the result from its second look on: one look alone tells
        nothing. A tree counts with all its descendants, those that ended and were waited for included.
        """
        at, used = time.monotonic(), {}
        if pids:
            table = _table(self._proc)
            children: dict[int, list[int]] = {}
            for pid, (parent, _) in table.items():
                children.setdefault(parent, []).append(pid)
            used = {address: (pid, _tree(pid, table, children)) for address, pid in pids.items() if pid in table}
        passed, seen = (at - self._at) * _TICKS, {}
        for address, (pid, ticks) in used.items():
            before = self._used.get(address)
            if before is None or before[0] != pid:
                continue
            worked = passed > 0 and (ticks - before[1]) / passed >= BUSY
            seen[address] = now if worked else self._seen.get(address, 0.0)
        # A process that is gone works no more.
        seen |= {address: self._seen.get(address, 0.0) for address in pids if address not in used}
        self._at, self._used, self._seen = at, used, seen
        return dict(seen)


def _table(proc: Path) -> dict[int, tuple[int, int]]:
    """PID → parent, and clock ticks of CPU used, by its children that it waited for too."""
    table = {}
    with os.scandir(proc) as entries:
        pids = [entry.name for entry in entries if entry.name.isdecimal()]
    for pid in pids:
        try:
            with open(f"{proc}/{pid}/stat", "rb") as file:
                stat = file.read()
        except OSError:  # it ended in the meantime
            continue
        # The command, in parentheses, may itself hold spaces and parentheses: count from the last one.
        fields = stat[stat.rfind(b")") + 2 :].split()
        if len(fields) > 14:
            table[int(pid)] = int(fields[1]), sum(map(int, fields[11:15]))
    return table


def _tree(root: int, table: Mapping[int, tuple[int, int]], children: Mapping[int, list[int]]) -> int:
    ticks, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        ticks += table[pid][1]
        waiting += children.get(pid, ())
    return ticks
