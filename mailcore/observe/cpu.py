"""Which process trees use the CPU, or would: one look at all processes for any number of agents. For worker threads."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from mailcore.system.process_values import Process
from mailcore.system.processes import snapshot, waited_for_cpu

WORK_SHARE = 0.05
"""Share of one core, from one look to the next, that counts as work; a program that wakes ten times a second: 0.002."""
STARVED_SHARE = 0.5
"""Share of one core that was used or waited for, and counts as work too: on a machine that is too busy a build has
little of the CPU and is ready to run all the time, while a program that only wakes up waits at each wake alone."""


@dataclass(frozen=True, slots=True)
class _Used:
    """What a process tree had of the CPU, in seconds since its processes began."""

    root: int
    used: float
    waited: float | None
    """How long it was ready to run and had none; None where the system does not say."""


class CpuActivity:
    """Reports when the process tree of each agent last worked; keeps the CPU times of the look before."""

    def __init__(
        self,
        table: Callable[[], Mapping[int, Process]] = snapshot,
        waited: Callable[[int], float | None] = waited_for_cpu,
        load: Callable[[], float] = lambda: os.getloadavg()[0] / (os.cpu_count() or 1),
    ) -> None:
        """`table`: gives every live process by its PID; `waited`: as `waited_for_cpu`.

        `load`: processes that want to run, for each core; asked only where `waited` does not say.
        """
        self._table, self._waited, self._load = table, waited, load
        self._at = 0.0
        self._used: dict[str, _Used] = {}
        self._seen: dict[str, float] = {}

    def measure(self, pids: Mapping[str, int], now: float, screens: Collection[str] = ()) -> Mapping[str, float]:
        """Address → when its tree was last seen at work (`now` if it worked since the look before); 0.0: never.

        `pids`: address → the root of its tree. An agent is in the result from its second look on: one look alone
        says nothing. A tree counts with all its descendants, those that ended and were waited for included.
        `screens`: addresses whose root is a program at a person's terminal: what it uses itself, it draws with.
        """
        at, used = time.monotonic(), {}
        if pids:
            table = self._table()
            children: dict[int, list[int]] = {}
            for process in table.values():
                children.setdefault(process.ppid, []).append(process.pid)
            used = {
                address: self._tree(pid, table, children, root_works=address not in screens)
                for address, pid in pids.items()
                if pid in table
            }
        passed, seen = at - self._at, {}
        for address, tree in used.items():
            before = self._used.get(address)
            if before is None or before.root != tree.root:
                continue
            worked = passed > 0 and self._worked(before, tree, passed)
            seen[address] = now if worked else self._seen.get(address, 0.0)
        # A process that is gone works no more.
        seen |= {address: self._seen.get(address, 0.0) for address in pids if address not in used}
        self._at, self._used, self._seen = at, used, seen
        return dict(seen)

    def _worked(self, before: _Used, after: _Used, passed: float) -> bool:
        share = (after.used - before.used) / passed
        if share >= WORK_SHARE:
            return True
        if before.waited is None or after.waited is None:
            return share >= WORK_SHARE / max(1.0, self._load())
        # A process that ended takes with it what it waited.
        return share + max(0.0, after.waited - before.waited) / passed >= STARVED_SHARE

    def _tree(
        self, root: int, table: Mapping[int, Process], children: Mapping[int, list[int]], *, root_works: bool
    ) -> _Used:
        """What a process and all below it had, and those of its children that ended."""
        used, waited, known = 0.0, 0.0, True
        left = [root]
        while left:
            process = table[left.pop()]
            used += process.cpu_of_children
            left += children.get(process.pid, ())
            if process.pid == root and not root_works:
                continue
            used += process.cpu
            delay = self._waited(process.pid)
            known = known and delay is not None
            waited += delay or 0.0
        return _Used(root, used, waited if known else None)
