"""What is read of the agent in view alone: its processes, what waits for it, its log and memories. For a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mailcore.model.fleet import AgentFacts
from praxmonitor.state.agent_details import AgentDetails, ProcessRow, Section, WaitingStart
from praxmonitor.text.agents import running_pid

if TYPE_CHECKING:
    from mailcore.observe.process_sample import Sampler
    from mailcore.system.process_values import Process

LOG_LINES = 200
LOG_BYTES = 64 * 1024


class AgentReader:
    """Reads glances, one at a time, from any thread; keeps what the CPU share is reckoned from."""

    def __init__(self) -> None:
        self._sampler: Sampler | None = None
        self._lock = threading.Lock()
        self._used: dict[tuple[int, int], tuple[float, float]] = {}
        """(PID, start) of a process → when it was looked at, and the seconds of CPU that it had used by then."""

    def read(self, facts: AgentFacts, wanted: Collection[Section] = ()) -> AgentDetails:
        """Sample the process, read its queue and the end of the log; of `wanted` sections what they alone show. What
        cannot be read is left out."""
        # Late: neither psutil nor the dispatch is needed for the first paint.
        from mailcore.dispatch.queueing.queue import waiting_starts
        from mailcore.observe.file_tail import last_lines
        from mailcore.observe.process_sample import Sampler
        from praxmonitor.state.memory_reader import read_memories

        pid = running_pid(facts)
        with self._lock:
            self._sampler = self._sampler or Sampler()
            tree = self._sampler.sample(pid) if pid else None
            processes = self._processes(facts, pid) if Section.PROCESSES in wanted else None
        log = newest_log(facts) if not facts.agent.is_session else None  # it has neither log nor queue of its own
        lines = last_lines(log, LOG_LINES, LOG_BYTES) if log is not None else []
        return AgentDetails(
            address=facts.address,
            pid=pid,
            alive=tree is not None,
            started_at=tree.started_at if tree else 0.0,
            processes=tree.processes if tree else 0,
            cpu_percent=tree.cpu_percent if tree else None,
            rss=tree.rss if tree else 0,
            log_name=log.name if log is not None else "",
            log=tuple(lines),
            starts=tuple(
                WaitingStart(entry.id, entry.at, entry.subject, entry.reason, entry.message_id)
                for entry in (() if facts.agent.is_session else waiting_starts(facts.agent))
            ),
            tree=processes,
            memories=read_memories(facts.agent.branch) if Section.MEMORIES in wanted else None,
        )

    def _processes(self, facts: AgentFacts, pid: int) -> tuple[ProcessRow, ...]:
        """Every process of the run, and what each used since the look before; else the tree of what runs."""
        from mailcore.dispatch.process.run_processes import run_members
        from mailcore.system.processes import command_of, snapshot, started_at

        run = facts.run
        own = run is not None and not run.foreign and not run.phase.ended
        members = run_members(run.run_id, (run.supervisor_pid,)) if run is not None and own else _below(pid, snapshot())
        now, before = time.monotonic(), self._used
        self._used = {(one.pid, one.ticks): (now, one.cpu) for one in members}
        rows = []
        for one in members:
            at, used = before.get((one.pid, one.ticks), (now, one.cpu))
            share = max(0.0, one.cpu - used) / (now - at) * 100 if now > at else None
            command = command_of(one.pid) or one.name
            rows.append(ProcessRow(one.pid, one.depth, command, started_at(one), share, one.rss))
        return tuple(rows)


def _below(pid: int, table: Mapping[int, Process]) -> list[Process]:
    """A process and its descendants, parents before children; none if it is gone."""
    children: dict[int, list[int]] = {}
    for process in table.values():
        children.setdefault(process.ppid, []).append(process.pid)
    found, stack = [], [(pid, 0)] if pid in table else []
    while stack:
        place, depth = stack.pop()
        found.append(table[place]._replace(depth=depth))
        stack += [(child, depth + 1) for child in sorted(children.get(place, ()), reverse=True)]
    return found


def newest_log(facts: AgentFacts) -> Path | None:
    """The log written last: the newest attempt's stdout or stderr, or one of the agent's own."""
    agent, run = facts.agent, facts.run
    found = list(_logs(agent.logs_dir, "*.log"))
    if run is not None and run.attempt is not None and run.run_id and "/" not in run.run_id:
        found += _logs(agent.runs_dir / run.run_id, f"attempt-{run.attempt.number}.*.log")
    return max(found, default=(0.0, None), key=lambda pair: pair[0])[1]


def _logs(directory: Path, pattern: str) -> list[tuple[float, Path]]:
    logs = []
    for path in directory.glob(pattern):
        try:
            status = path.stat()
        except OSError:
            continue
        if status.st_size:
            logs.append((status.st_mtime, path))
    return logs
