"""What is read of the agent in view alone: its process tree, what waits for it, the end of its log. For a thread."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from mailcore.model.fleet import AgentFacts
from praxmonitor.state.agent_details import AgentDetails, WaitingStart

if TYPE_CHECKING:
    from mailcore.observe.process_sample import Sampler

LOG_LINES = 200
LOG_BYTES = 64 * 1024


class AgentReader:
    """Reads glances, one at a time, from any thread; keeps what the CPU share is reckoned from."""

    def __init__(self) -> None:
        self._sampler: Sampler | None = None
        self._lock = threading.Lock()

    def read(self, facts: AgentFacts) -> AgentDetails:
        """Sample the process, read its queue and the end of the log. What cannot be read is left out."""
        # Late: neither psutil nor the dispatch is needed for the first paint.
        from mailcore.dispatch.queueing.queue import waiting_starts
        from mailcore.observe.file_tail import last_lines
        from mailcore.observe.process_sample import Sampler

        pid = running_pid(facts)
        with self._lock:
            self._sampler = self._sampler or Sampler()
            tree = self._sampler.sample(pid) if pid else None
        log = newest_log(facts)
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
                WaitingStart(entry.id, entry.at, entry.subject, entry.reason) for entry in waiting_starts(facts.agent)
            ),
        )


def running_pid(facts: AgentFacts) -> int:
    """The agent's own process of an open attempt, else the holder of its lock; 0 for none."""
    run = facts.run
    if run is not None and not run.phase.ended and run.attempt is not None and not run.attempt.ended_at:
        return run.attempt.pid
    return facts.lock.pid if facts.lock is not None and (run is None or run.phase.ended) else 0


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
