"""Reads the files of one agent: what moved since the last look, as facts. Stateful, and writes nothing."""

from __future__ import annotations

import errno
import os
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from operator import attrgetter
from pathlib import Path

from mailcore.holds import hold_at
from mailcore.liveness import read_lock
from mailcore.mail.reader import read_mailbox
from mailcore.model.activity import Activity
from mailcore.model.agent import Agent
from mailcore.model.run import Holder, Lock, Run
from mailcore.model.usage import Spent
from mailcore.observe.activity import from_hook, from_log, harmless
from mailcore.observe.facts import Fact, HoldRead, LockRead, Lost, MailboxRead, RunRead, Seen, Used
from mailcore.observe.once import Once
from mailcore.observe.runs import Runs
from mailcore.observe.sessions import Sessions
from mailcore.observe.stamps import Stamps
from mailcore.observe.tail import Tail
from mailcore.programs.hooks import parse_hook
from mailcore.programs.registry import find
from mailcore.programs.transcript import OutputReader
from mailcore.system.open_files import OpenFiles
from mailcore.system.processes import alive

HOOKS_START = 65536
LOG_START = 8192
"""Bytes of the end of a file that are read when it is first seen."""
FIRST = 10
"""Of what stood in a file when it was first seen, the newest this many lines are kept: they tell all that is open."""
BURST = 500
"""Of what a file grew by between two looks, the newest this many lines are kept."""
STDOUT = ".stdout.log"
"""The end of the name of what an attempt writes to its standard output."""
CHUNKS = 64
"""Reads of one file in one look (16 MB); the next look goes on from there."""


class Branch:
    """What was last seen of one agent's files."""

    def __init__(self, agent: Agent, held: OpenFiles) -> None:
        """`held`: where its busiest files stay open."""
        self.agent = agent
        # Kept: making a path costs more than its stat.
        self.mail, self.logs = agent.mail_dir, agent.logs_dir
        self._inbox, self._lock_file, self._hooks = agent.inbox, agent.dispatch_lock, agent.hooks_log
        self.registered: Run | None = None
        """Its newest run in AIPass's register."""
        self.all_held = ""
        """Who holds every agent of the workspace."""
        self._own_hold = self._held = ""
        self.sessions = Sessions(agent.address, held)
        self._once = Once()
        self._lost = self._torn = 0
        self._stamps = Stamps()
        self._tails: dict[Path, Tail] = {}
        """Of the logs and the hooks."""
        self._outputs: dict[Path, Tail] = {}
        """Of the current attempt."""
        self._reader: OutputReader | None = None
        """What reads the standard output of its program."""
        self._spent: list[Spent] = []
        """What that told was used, and is not passed on yet."""
        self._lock: Lock | None = None
        self._runs = Runs(agent.runs_dir)
        self._run: Run | None = None
        self.fresh = True
        """Not read yet."""
        self.first_look = True
        """Nothing was read yet."""
        self.stirred = True
        """Its directories came, went or changed since this was last set to False."""

    def distrust(self) -> None:
        """What the last look found is lost: let the next one look at everything, and tell all of it."""
        self._stamps.clear()
        self.sessions.distrust()
        self.fresh = True

    def refresh(self) -> list[Fact]:
        """The facts of every file that moved since the last call (a stat each); at the first call of all of them."""
        address, fresh = self.agent.address, self.fresh
        self.fresh = False
        facts: list[Fact] = []
        entered = self._stamps.moved(self.mail)
        self.stirred |= entered
        if self._stamps.moved(self._inbox) or fresh:
            facts.append(MailboxRead(address, read_mailbox(self._inbox, self.agent.root)))
        # The lock before the journal: a run's end is written before its lock goes, so none looks open and abandoned.
        lock = self._read_lock(entered)
        if lock != self._lock or fresh:
            self._lock = lock
            facts.append(LockRead(address, lock))
        if entered or fresh:
            self._own_hold = hold_at(self.mail, address)
        if (held := self._own_hold or self.all_held) != self._held:
            self._held = held
            facts.append(HoldRead(address, held))
        self._runs.read(lock)
        self.stirred |= self._runs.stirred
        self._runs.stirred = False
        run = self._runs.current(lock, self._run, self.registered)
        for_ = run.awaits if run is not None else None
        if run is not None and for_ is not None and for_.pid and not alive(for_.pid, for_.start_ticks):
            run = replace(run, awaits=None)  # its `mailcore wait` was killed, and could not say so
        told, spent = self.sessions.read()
        activities = self._once_each([*self._read_tails(run), *told])
        spent, self._spent = [*spent, *self._spent], []
        if run != self._run or fresh:
            self._run = run
            facts.append(RunRead(address, run))
        if activities:
            # First of all: what an agent did before its run ended is not to look like something after it.
            facts.insert(0, Seen(address, tuple(activities)))
        if spent:
            facts.append(Used(address, tuple(spent)))
        lost = self.sessions.lost + self._torn + sum(tail.skipped for tail in self._tails.values())
        if lost > self._lost:
            self._lost = lost
            facts.append(Lost(address, lost))
        self.first_look = False
        return facts

    def directories(self) -> list[Path]:
        """The directories to watch, flat, whether they are there or not."""
        return [self.mail, self.logs, *self._runs.directories()]

    def _read_lock(self, entered: bool) -> Lock | None:
        known = self._lock
        if known is None and not entered:
            return None
        if self._stamps.moved(self._lock_file) or known is None or known.holder is Holder.UNKNOWN:
            return read_lock(self._lock_file)
        if known.holder is Holder.ALIVE and known.start_ticks:  # judged once: now only its end is of interest
            living = alive(known.pid, known.start_ticks, known.boot_id)
            return known if living else replace(known, holder=Holder.DEAD)
        return read_lock(self._lock_file)

    def glimpse(self, moved: Iterable[str]) -> list[Fact]:
        """The facts of some of its session files alone: they move a hundred times as often as all else."""
        told, spent = self.sessions.read(moved)
        return [Seen(self.agent.address, tuple(self._once_each(told)), tuple(spent))] if told or spent else []

    def _once_each(self, activities: list[Activity]) -> list[Activity]:
        """In order of time, each event once, whichever of its traces told it first."""
        activities.sort(key=attrgetter("at"))
        return [activity for activity in activities if not self._once.told(activity)]

    def _read_tails(self, run: Run | None) -> list[Activity]:
        if self._stamps.moved(self.logs):
            self._list_logs()
            self.stirred = True
        outputs = self._output_files(run)
        if run is not None and outputs and outputs[0] not in self._outputs:
            kind = find(run.program)
            self._reader = kind.output_reader(self.agent.address) if kind is not None else None
        for path in outputs:
            self._outputs.setdefault(path, Tail(path, LOG_START))
        # A copied workspace has the copy's mtimes: what is found at the first look is not later than the run's end.
        latest = run.since if self.first_look and run is not None and run.phase.ended else float("inf")
        found = [self._lines(tail, latest) for tail in self._tails.values() if self._stamps.moved(tail.path)]
        found += [self._lines(tail, latest) for tail in self._outputs.values() if self._stamps.moved(tail.path)]
        for path in self._outputs.keys() - set(outputs):  # a former attempt's, now read to its end
            del self._outputs[path]
            self._stamps.forget(path)
        return list(chain.from_iterable(found))

    def _output_files(self, run: Run | None) -> tuple[Path, ...]:
        if run is None or run.foreign or run.attempt is None or (run.phase.ended and not self.first_look):
            return ()  # what an ended run has said is read once, at the first look
        directory, name = self.agent.runs_dir / run.run_id, f"attempt-{run.attempt.number}"
        return directory / f"{name}{STDOUT}", directory / f"{name}.stderr.log"

    def _list_logs(self) -> None:
        try:
            with os.scandir(self.logs) as entries:
                names = [entry.name for entry in entries]
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                self._stamps.distrust(self.logs)
                return
            names = []
        # AIPass renames the output of a failed attempt: the same lines under a new name.
        wanted = {self.logs / n for n in names if n.endswith(".log") and not n.startswith("dispatch_stdout.attempt-")}
        if self._hooks.name in names:
            wanted.add(self._hooks)
        for path in self._tails.keys() - wanted:
            del self._tails[path]
            self._stamps.forget(path)
        for path in sorted(wanted):
            start = HOOKS_START if path == self._hooks else LOG_START
            self._tails.setdefault(path, Tail(path, start))

    def _lines(self, tail: Tail, latest: float) -> list[Activity]:
        read = from_hook if tail.path == self._hooks else from_log
        reader = self._reader if tail.path.name.endswith(STDOUT) and tail.path in self._outputs else None
        burst = FIRST if self.first_look else BURST
        found: deque[Activity] = deque(maxlen=burst)
        for _ in range(CHUNKS):
            lines = [line for line in tail.read() if line.strip()]
            # Where a line tells no time, the file does: exact for its last line, and never after its writer's death.
            at = min(tail.modified, time.time(), latest)
            if reader is not None:
                lines = self._told(reader, lines, at, found)
            for line in lines[-burst:]:
                if (activity := read(line, self.agent.address, at)) is not None:
                    found.append(activity)
                elif read is from_hook and parse_hook(line) is None:
                    self._torn += 1
            if not tail.behind:
                return list(found)
        self._stamps.distrust(tail.path)
        return list(found)

    def _told(self, reader: OutputReader, lines: list[bytes], at: float, found: deque[Activity]) -> list[bytes]:
        """Add what the program's reader finds told in lines of its output; returns those that are lines of a log."""
        others = []
        for line in lines:
            try:
                told = reader.read(line, at)
            except Exception:  # the reader may be anybody's plug-in: then the line is shown as it stands
                told = None
            if told is None:
                others.append(line)
                continue
            for one in told:
                if isinstance(one, Spent):
                    self._spent.append(one)
                else:
                    found.append(harmless(one, at))
        return others
