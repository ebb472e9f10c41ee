"""What is read of the agent in view alone, as soon as the cursor rests: its processes, queue, log and changes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING

from textual.screen import Screen
from textual.timer import Timer

from mailcore.model.fleet import AgentFacts
from praxmonitor.state.agent_details import AgentDetails, CopyState, Section
from praxmonitor.state.agent_reader import AgentReader
from praxmonitor.state.remote_files import COPIED_KINDS, RemoteFiles, read_copies
from praxmonitor.text.agents import running_pid

if TYPE_CHECKING:
    from mailcore.model.changes import ChangedFile, ChangeSet, FileDiff

SETTLE = 0.08
"""Seconds that a selection stands before its process and log are read: a key held down reads nothing."""
PERIOD = 0.5
"""Seconds between two readings at least."""
REST_PERIODS = 5
"""Periods between two readings of an agent of which no process runs."""
CHANGES_PERIOD = 2.0
"""Seconds between two looks of git at what an agent changed, at least: a look takes tens of milliseconds of a core."""


class Reading:
    """The last reading of the agent in view; reads in a thread, and has it drawn."""

    def __init__(
        self,
        screen: Screen[None],
        agent: Callable[[], AgentFacts | None],
        draw: Callable[[], None],
        wanted: Callable[[], Collection[Section]] = tuple,
        remote: RemoteFiles | None = None,
    ) -> None:
        """`agent`: who is in view; None for nobody, or one who cannot be read. `wanted`: the sections in view.
        `remote`: brings copies of what other hosts keep; None: none are asked for."""
        self._screen, self._agent, self._draw, self._wanted = screen, agent, draw, wanted
        self._remote = remote
        self.details: AgentDetails | None = None
        """What was read last."""
        self._reader = AgentReader()
        self._settle: Timer | None = None
        self._read_of: AgentFacts | None = None
        self._unread = 0
        """Periods since the last reading."""

    def begin(self, period: float) -> None:
        """Read again every so many seconds, from now on."""
        self._screen.set_interval(max(PERIOD, period), self._read_again)

    def _read_again(self) -> None:
        """Where no process runs and no section is in view that is read beside, only at times: its files are told of."""
        facts = self._agent()
        self._unread += 1
        if facts is not None and (running_pid(facts) or self._wanted() or self._unread >= REST_PERIODS):
            self.read()

    def follow(self, facts: AgentFacts | None) -> None:
        """Read anew if this is another agent, or more is known of it."""
        if facts is not self._read_of:
            self.settle_on(facts)

    def settle_on(self, facts: AgentFacts | None) -> None:
        """Read this agent as soon as the cursor rests."""
        self._read_of = facts
        if self._settle is not None:
            self._settle.stop()
        self._settle = self._screen.set_timer(SETTLE, self.read)

    def read(self) -> None:
        """Read the agent in view now."""
        facts = self._agent()
        if facts is not None and self._screen.is_current:
            self._unread = 0
            self._screen.run_worker(
                partial(self._read, facts, self._wanted()), thread=True, exclusive=True, group="details"
            )

    def _read(self, facts: AgentFacts, wanted: Collection[Section]) -> None:
        if facts.agent.is_remote:
            kinds = {kind for section in wanted if (kind := COPIED_KINDS.get(section))}
            copy = self._remote.bring(facts.agent, kinds) if self._remote is not None else CopyState(facts.agent.host)
            details = read_copies(facts, wanted, copy)
        else:
            details = self._reader.read(facts, wanted)
        self._screen.app.call_from_thread(self._take, details)

    def _take(self, details: AgentDetails) -> None:
        facts = self._agent()
        if facts is not None and details.address == facts.address and self._screen.is_mounted:
            self.show(details)

    def show(self, details: AgentDetails) -> None:
        """Show this reading."""
        self.details = details
        self._draw()

    def of(self, address: str) -> AgentDetails | None:
        """The last reading if it is this agent's."""
        return self.details if self.details is not None and self.details.address == address else None


class ChangesReading:
    """What the agent in view changed since its run began, and the lines of one file; reads both in a thread."""

    def __init__(self, screen: Screen[None], agent: Callable[[], AgentFacts | None], draw: Callable[[], None]) -> None:
        """`agent`: who is in view, if its changes are; None else."""
        self._screen, self._agent, self._draw = screen, agent, draw
        self._address = ""
        self._compared: AgentFacts | None = None
        """The agent while the run went on whose changes are shown: it stays that run's, whichever begins meanwhile."""
        self._changes: ChangeSet | None = None
        self._diff: FileDiff | None = None
        self._read_of: AgentFacts | None = None
        self._pause: Timer | None = None

    def of(self, address: str) -> ChangeSet | None:
        """What was read last, if it is this agent's."""
        return self._changes if address == self._address else None

    @property
    def newer_began(self) -> float:
        """When a newer run than the one that is shown began, seconds since the epoch; 0.0: none did."""
        facts, shown = self._read_of, self._compared
        if facts is None or shown is None or facts.run is None or _same_run(facts, shown):
            return 0.0
        return facts.run.created_at

    def let_go(self) -> None:
        """Look again when the changes are in view again, at the newest run."""
        self._compared = self._read_of = None

    def diff_of(self, file: ChangedFile | None) -> FileDiff | None:
        """The lines of this file, if they were read."""
        return self._diff if file is not None and self._diff is not None and self._diff.path == file.path else None

    def follow(self) -> None:
        """Read anew if more is known of the agent than at the last look, and that is long enough ago."""
        facts = self._agent()
        if facts is None or facts is self._read_of or (self._pause is not None and facts.address == self._address):
            return
        self.read()

    def read(self) -> None:
        """Read them now."""
        facts = self._agent()
        if facts is None:
            return
        if facts.address != self._address:
            self._address, self._changes, self._diff, self._compared = facts.address, None, None, None
        self._read_of = facts
        if self._compared is None or _same_run(facts, self._compared):
            self._compared = facts
        if self._pause is not None:
            self._pause.stop()
        self._pause = self._screen.set_timer(CHANGES_PERIOD, self._paused)
        self._screen.run_worker(partial(self._read, self._compared), thread=True, exclusive=True, group="changes")

    def _paused(self) -> None:
        self._pause = None
        self.follow()

    def _read(self, facts: AgentFacts) -> None:
        from mailcore.dispatch.runs.changes import read_changes

        changes = read_changes(facts.agent, facts.run)
        self._screen.app.call_from_thread(self._take, facts, changes)

    def _take(self, facts: AgentFacts, changes: ChangeSet) -> None:
        shown = self._compared is not None and _same_run(facts, self._compared)
        if facts.address == self._address and shown and self._screen.is_mounted:
            self._changes = changes
            if self._diff is not None:
                self.read_lines(next((file for file in changes.files if file.path == self._diff.path), None))
            self._draw()

    def read_lines(self, file: ChangedFile | None) -> None:
        """Read the lines of this file; they are drawn when they are there."""
        facts, changes = self._agent(), self._changes
        if facts is None or changes is None or file is None:
            self._diff = None
        else:
            work = partial(self._read_diff, facts, changes, file)
            self._screen.run_worker(work, thread=True, exclusive=True, group="diff")

    def _read_diff(self, facts: AgentFacts, changes: ChangeSet, file: ChangedFile) -> None:
        from mailcore.dispatch.runs.changes import read_diff

        diff = read_diff(facts.agent, changes, file)
        self._screen.app.call_from_thread(self._take_lines, facts.address, diff)

    def _take_lines(self, address: str, diff: FileDiff) -> None:
        if address == self._address and self._screen.is_mounted:
            self._diff = diff
            self._draw()


def _same_run(one: AgentFacts, other: AgentFacts) -> bool:
    """Whether an agent's newest run is the same in both."""
    names = [(run.run_id, run.created_at) if (run := facts.run) is not None else None for facts in (one, other)]
    return names[0] == names[1]
