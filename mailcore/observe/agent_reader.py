"""Reads the files of one agent: what moved since the last look, as facts. Stateful, and writes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import Agent
from mailcore.model.hooks_stopped import HooksStopped
from mailcore.model.lock import Holder, Lock
from mailcore.model.run import Run
from mailcore.observe.dedupe import Deduplicator
from mailcore.observe.facts import Fact, HoldRead, HooksRead, LockRead, LogsGrew, Lost, MailboxRead, RunRead, Seen, Used
from mailcore.observe.file_stamps import FileStamps
from mailcore.observe.log_reader import LogReader
from mailcore.observe.permission_reader import PermissionReader
from mailcore.observe.run_reader import RunReader
from mailcore.observe.session_reader import SessionReader
from mailcore.observe.telling import without_untold
from mailcore.programs.prices import Prices
from mailcore.system.open_files import OpenFiles
from mailcore.system.processes import alive
from mailcore.workspace.holds import hold_text
from mailcore.workspace.lock_reader import read_lock


class AgentReader:
    """What was last seen of one agent's files."""

    def __init__(
        self, agent: Agent, open_files: OpenFiles, prices: Prices | None = None, *, to_tell: bool = False
    ) -> None:
        """`open_files`: where its busiest files stay open; `to_tell`: no more of its mail is held than may be told."""
        self.agent, self._to_tell = agent, to_tell
        # Kept: making a path costs more than its stat.
        self.mail, self.logs = agent.mail_dir, agent.logs_dir
        self._inbox, self._lock_file = agent.inbox, agent.dispatch_lock
        self.registered: Run | None = None
        """Its newest run in AIPass's register."""
        self.all_held = ""
        """Who holds every agent of the workspace."""
        self._own_hold = self._held = ""
        self._once = Deduplicator()
        self._hooks_stopped: HooksStopped | None = None
        self.sessions = SessionReader(agent.address, open_files, self._once, prices)
        self._lost = 0
        self._stamps = FileStamps()
        self._logs = LogReader(agent, open_files)
        self._permissions = PermissionReader(agent)
        self._lock: Lock | None = None
        self._runs = RunReader(agent.runs_dir)
        self._run: Run | None = None
        self.fresh = True
        """Not read yet."""
        self.first_look = True
        """Nothing was read yet."""
        self.stirred = True
        """Its directories came, went or changed since this was last set to False."""

    @property
    def run(self) -> Run | None:
        """Its current run, else its newest, as it was read last."""
        return self._run

    @property
    def waits(self) -> bool:
        """Something of it is to be looked at soon that no file tells: a process, or what the last look left."""
        awaits = self._run is not None and self._run.awaits is not None
        looked_at = self._lock is not None or awaits or self._permissions.any
        return self.fresh or looked_at or self.sessions.unread or self._logs.unread

    def distrust(self) -> None:
        """What the last look found is lost: let the next one look at everything, and report all of it."""
        self._stamps.clear()
        self._logs.distrust()
        self.sessions.distrust()
        self._permissions.distrust()
        self.fresh = True

    def refresh(self) -> list[Fact]:
        """The facts of every file that moved since the last call (a stat each); at the first call of all of them."""
        address, fresh = self.agent.address, self.fresh
        self.fresh = False
        facts: list[Fact] = []
        entered = self._stamps.moved(self.mail)
        self.stirred |= entered
        if self._stamps.moved(self._inbox) or fresh:
            mailbox = read_mailbox(self._inbox, self.agent.boundary)
            facts.append(MailboxRead(address, without_untold(mailbox) if self._to_tell else mailbox))
        # The lock before the journal: a run's end is written before its lock goes, so none looks open and abandoned.
        lock = self._read_lock(entered)
        if lock != self._lock or fresh:
            self._lock = lock
            facts.append(LockRead(address, lock))
        if entered or fresh:
            self._own_hold = hold_text(self.mail, address)
        if (hold := self._own_hold or self.all_held) != self._held:
            self._held = hold
            facts.append(HoldRead(address, hold))
        self._runs.read(lock)
        self.stirred |= self._runs.stirred
        self._runs.stirred = False
        run = self._runs.current(lock, self._run, self.registered)
        for_ = run.awaits if run is not None else None
        if run is not None and for_ is not None and for_.pid and not alive(for_.pid, for_.start_ticks):
            run = replace(run, awaits=None)  # its `mailcore wait` was killed, and could not say so
        told, spent = self.sessions.read()
        activities = self._once.each([*self._logs.read(run, first_look=self.first_look), *told])
        self.stirred |= self._logs.stirred
        self._logs.stirred = False
        spent += self.sessions.estimates.priced(self._logs.spent)
        self._logs.spent = []
        if run != self._run or fresh:
            self._run = run
            facts.append(RunRead(address, run))
            spent += self.sessions.estimates.reported_by(run) if run is not None else []
        if activities:
            # First of all: what an agent did before its run ended is not to look like something after it.
            facts.insert(0, Seen(address, tuple(activities)))
        if spent:
            facts.append(Used(address, tuple(spent)))
        if (asked := self._permissions.read(entered=entered or fresh)) is not None:
            facts.append(asked)
        if (stopped := self._once.hooks.stopped) != self._hooks_stopped:
            self._hooks_stopped = stopped
            facts.append(HooksRead(address, stopped))
        if (growth := self._logs.growth()) is not None:
            facts.append(LogsGrew(address, growth))
        lost = self.sessions.lost + self._logs.lost
        if lost > self._lost:
            self._lost = lost
            facts.append(Lost(address, lost))
        self.first_look = False
        return facts

    def directories(self) -> list[Path]:
        """The directories to watch, flat, whether they are there or not."""
        return [self.mail, self.logs, self._permissions.directory, *self._runs.directories()]

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
