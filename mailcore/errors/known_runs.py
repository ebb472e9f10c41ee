"""The newest runs of an agent as its journals say: which was at work at a moment, and what came of those that ended."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from mailcore.errors.one_text import error_in_text
from mailcore.formats import journal
from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.model.error_group import ErrorEvent, ErrorOrigin
from mailcore.model.run import Phase, Run, from_records

LOOKED_AT = 8
"""Runs among which that of a moment is looked for, the newest."""


class KnownRuns:
    """The runs of one agent, each read once."""

    def __init__(self, agent: Agent, names: Iterable[str]) -> None:
        """`names`: the ids of its runs."""
        self._agent, self._names = agent, sorted(set(names), reverse=True)
        self._read: dict[str, Run | None] = {}

    def run(self, run_id: str) -> Run | None:
        """As its journal says now; None where that cannot be read."""
        if run_id not in self._read:
            self._read[run_id] = None
            with suppress(OSError):
                self._read[run_id] = from_records(journal.read_records(self.journal(run_id)))
        return self._read[run_id]

    def journal(self, run_id: str) -> Path:
        """Its file."""
        return self._agent.runs_dir / run_id / RUN_JOURNAL

    def has_ended(self, run_id: str) -> bool:
        """Nobody writes to its output any more."""
        run = self.run(run_id)
        return run is not None and run.phase.ended

    def at(self, moment: float) -> str:
        """The id of the run that was at work then; empty where none was."""
        for name in self._names[:LOOKED_AT]:
            run = self.run(name)
            # A line's time may be cut to whole seconds.
            if run is not None and run.created_at - 1 <= moment and (not run.phase.ended or moment <= run.since + 1):
                return name
        return ""


def result_event(agent: Agent, run: Run, path: Path) -> ErrorEvent | None:
    """The error that a run ended by, as its program said it last; None of one that did its work, or was killed."""
    if run.phase is not Phase.BOUNCED or not (run.result or run.reason):
        return None
    said = run.result.strip() or run.reason
    return error_in_text(said, run.since, agent.address, origin=ErrorOrigin.RESULT, path=str(path), run_id=run.run_id)
