"""Opens what a view of logs shows: one log of an agent, or all of them. For a thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mailcore.logs.sources import log_sources
from mailcore.model.agent import Agent
from mailcore.model.log import LogSource
from praxmonitor.state.file_pages import FilePages
from praxmonitor.state.log_pages import LogPages
from praxmonitor.state.merged_pages import MergedPages


@dataclass(frozen=True, slots=True)
class ListedLog:
    """A log that can be shown."""

    source: LogSource
    size: int
    """Bytes."""
    written_at: float
    """Seconds since the epoch."""


def listed_logs(agent: Agent) -> tuple[ListedLog, ...]:
    """The logs of an agent that hold anything, the one that was written last first."""
    found = []
    for source in log_sources(agent):
        try:
            status = Path(source.path).stat()
        except OSError:
            continue
        if status.st_size:
            found.append(ListedLog(source, status.st_size, status.st_mtime))
    return tuple(sorted(found, key=lambda each: -each.written_at))


def open_log(sources: Sequence[LogSource], agent: Agent) -> LogPages:
    """The pages of one log, or of several as one. OSError where the one cannot be opened."""
    return FilePages(sources[0]) if len(sources) == 1 else MergedPages(sources, agent)
