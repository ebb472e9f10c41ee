"""The detached process that owns one run, its attempts and its end.

It waits in the kernel for a child's death, a signal or, while an attempt is starting, a change of the files that show
its first sign of life; it wakes for nothing else but a rare look at its own directory. Asked to end, it takes its run's
processes with it; killed, it leaves that to its sentinel (`supervision.sentinel`), whose child it is.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from select import select

from mailcore.config import Config, read_config_or_defaults
from mailcore.dispatch.admission import breakers
from mailcore.dispatch.lifecycle import after_run, supervisor_ready
from mailcore.dispatch.lifecycle.start import start_error_watch
from mailcore.dispatch.queueing.branch_gate import gate, wait_without_limit
from mailcore.dispatch.runs import branch_lock, run_end
from mailcore.dispatch.runs.resumable_session import SESSION_MODES, newest_session, write_pointer
from mailcore.dispatch.runs.run_list import journal_records, read_run
from mailcore.dispatch.supervision.attempt import Attempts, RunStopped
from mailcore.dispatch.supervision.limit_wait import GaveUp, LimitWait, met_limit
from mailcore.exceptions import MailcoreError, Refused
from mailcore.formats.timestamps import utc_time
from mailcore.mail import approvals
from mailcore.model.agent import Agent
from mailcore.programs.base import Ending, is_session_id
from mailcore.system.locks import locked
from mailcore.system.processes import adopt_orphans
from mailcore.workspace import audit, trust
from mailcore.workspace.find import Workspace, load_workspace, workspace_here
from mailcore.workspace.lock_reader import FLOCK
from mailcore.workspace.registry import normal_address

_ERRORS_FILE = "errors.json"
"""As `mailcore.errors.store` has it, which is imported where it is not there yet."""


class Supervisor:
    """One run."""

    def __init__(self, workspace: Workspace, config: Config, agent: Agent, run_dir: Path) -> None:
        self._workspace, self.config = workspace, config
        self.attempts = Attempts(config, agent, run_dir)
        self.attempts.approval_wait = self.approval_wait
        self.queued, self.record = self.attempts.queued, self.attempts.record
        self.limit_wait = LimitWait(config, self.attempts, self.attempts.account, workspace.root)

    @property
    def agent(self) -> Agent:
        """Whose run it is, where its directory lies now."""
        return self.attempts.agent

    @property
    def run_dir(self) -> Path:
        """Where the run's directory lies now."""
        return self.attempts.run_dir

    @property
    def workspace(self) -> Workspace:
        """The workspace, in which this agent is where its directory lies now, whatever its row says."""
        agents = (self.agent if one.address == self.agent.address else one for one in self._workspace.agents)
        return replace(self._workspace, agents=tuple(agents))

    def approval_wait(self, since: float) -> float:
        """Seconds since then in which the run waited for an approval, as far as that can be read."""
        if not self.attempts.run.wrote:
            return 0.0
        try:
            everyone = approvals.approvers(self.workspace, self.config)
            return approvals.seconds_undecided(everyone, self.attempts.run_id, since)
        except MailcoreError:
            return 0.0

    def supervise(self, trouble: str) -> None:
        """All attempts, and the end; none with a config that cannot be read, whose `trouble` is reported instead."""
        if trouble:
            self.end("bounced", Ending(False, trouble))
            return
        outcome, result = "bounced", Ending(False, "no attempt was made")
        try:
            if self.attempts.run.attempts or self.attempts.run.parked:
                self.limit_wait.go_on_waiting()
            else:
                self.delay(float(self.queued.get("delay") or 0.0))
                self.limit_wait.before_start()
            outcome, result = self.attempt_all()
        except GaveUp as error:
            result = Ending(False, str(error))
        except RunStopped:
            outcome = "killed"
        self.end(outcome, result)

    def attempt_all(self) -> tuple[str, Ending]:
        """All attempts that are left: the run's outcome, and how the last one ended. RunStopped, GaveUp.

        An attempt that met a limit does not count: the run waits for its end, and goes on in the same session.
        """
        allowed, run = self.config.dispatch.attempts, self.attempts.run
        number, counted = len(run.attempts), run.counted
        mode = str(self.queued.get("mode") or "start")
        forked = session = self.earlier_session(mode)
        if run.attempt is not None:  # begun under another supervisor
            mode, session = "resume", run.attempt.session_id
        while True:
            number += 1
            session = session if mode == "resume" and session else str(uuid.uuid4())
            began = time.time()
            result, session = self.attempts.attempt(number, mode, session, forked if mode == "fork" else "")
            with suppress(OSError, MailcoreError):
                write_pointer(self.agent, self.attempts.name, session)
            if result.success:
                self.limit_wait.worked(began)
                return "completed", result
            if result.limited and not result.final:
                limit = met_limit(result, self.attempts.name)
                self.limit_wait.note(limit)
                self.limit_wait.wait(limit)
                mode = "resume"
                continue
            counted += 1
            breakers.record_failure(self.workspace, self.agent.address, result.cause)
            if result.final or counted >= allowed:
                return "bounced", result
            if stopped := breakers.why_fleet_tripped(self.workspace, self.config.dispatch):
                return "bounced", Ending(False, f"{result.cause}; {stopped}", result=result.result)
            self.pause(result)
            self.limit_wait.before_start()
            mode = "resume" if counted == 1 else "fresh"

    def earlier_session(self, mode: str) -> str:
        """The session of the run that this one is a retry of, or that it was asked to go on in; empty where none is."""
        if mode in SESSION_MODES and not self.queued.get("retry_of"):
            return newest_session(self.config, self.agent, self.attempts.account)
        earlier = Path(str(self.queued.get("retry_of") or "")).name
        run = read_run(self.agent.runs_dir / earlier) if earlier else None
        session = run.attempt.session_id if run is not None and run.attempt is not None else ""
        return session if is_session_id(session) else ""

    def pause(self, failure: Ending) -> None:
        """Wait before the next attempt."""
        delay = self.config.dispatch.retry_wait
        self.record("waiting", until=utc_time(time.time() + delay), limited=False, why=failure.cause)
        self.attempts.sleep(delay)

    def delay(self, seconds: float) -> None:
        """Wait before the first attempt of a start by itself, after failed runs."""
        if seconds > 0:
            why = "the last runs failed; backing off"
            self.record("waiting", until=utc_time(time.time() + seconds), limited=False, why=why)
            self.attempts.sleep(seconds)

    def end(self, outcome: str, result: Ending) -> None:
        """Close the journal, notify whoever waits, free the branch, start what waited for it."""
        self.attempts.stop_tree()
        self.attempts.journal.records()  # mended, if need be, before it is closed
        by, why = "", result.cause
        if outcome == "killed":
            asked = [r for r in self.attempts.journal.records() if r.get("event") == "kill_asked"]
            by = str(asked[-1].get("by", "")) if asked else "a signal"
            why = ""
        run = run_end.close_run(self.agent, self.run_dir, outcome, reason=why, by=by, result=result.result)
        with suppress(MailcoreError, OSError):  # who is notified may have moved, or left, since the run began
            self._workspace = owner_of_run(load_workspace(self._workspace.registry), self.run_dir)[0]
        # Where not even the journal can be written, the lock stays: the next look finds an orphan, and tells.
        after_run.report_end(self.workspace, self.config, self.agent, run, self.queued, self.run_dir)
        run_id, nonce = self.attempts.run_id, self.attempts.nonce
        after_run.release_branch(
            self.workspace, self.config, self.agent, run_id, nonce, start_waiting=outcome != "killed"
        )
        start_error_watch(self.workspace, self.config)


def main(run_dir: Path, sentinel: int) -> int:
    """Supervise the run whose journal lies in `run_dir`; 0 if its end is recorded, and reported as far as it can be."""
    adopt_orphans()
    wait_without_limit()
    audit.current_proof.set("supervisor")
    workspace, agent = owner_of_run(workspace_here(start=run_dir.parents[2]), run_dir)
    config, trouble = read_config_or_defaults(workspace.config_file)
    try:
        trust.require_trust(workspace)
    except Refused as error:  # it came since the run was asked for
        config, trouble = trust.without_withheld(config), str(error)
    supervisor = Supervisor(workspace, config, agent, run_dir)
    attempts, queued = supervisor.attempts, supervisor.queued
    if select([0], [], [], 0)[0] and not os.isatty(0):  # who began the run has put its nonce there
        attempts.secret = os.read(0, 64).decode("ascii", "replace")
    # Before it waits for anything: by this it is found whatever becomes of its lock and its sentinel.
    supervisor.record("supervised", **branch_lock.process_facts(os.getpid(), sentinel))
    supervisor_ready.report_ready()  # before the gate, which who started it may hold
    with gate(workspace, agent):
        run = read_run(run_dir)
        over = run is not None and run.phase.ended  # whoever began it died, and another has cleared it away
        subject = str(queued.get("subject", ""))
        ours = not over and branch_lock.hand_over(
            agent, attempts.run_id, attempts.nonce, os.getpid(), subject, sentinel
        )
    if not ours:
        after_run.end_run_without_lock(workspace, config, agent, run_dir)
        return 0
    begin_error_watch(workspace)
    try:
        with run_lock(run_dir, attempts):
            supervisor.supervise(trouble)
    except BaseException:
        attempts.stop_tree()  # its files are gone or the disk is full: still no process outlives its supervisor
        if supervisor.run_dir.is_dir():
            raise
        stands = agent.mail_dir.is_dir()
        with suppress(MailcoreError, OSError):
            reason = f"its directory {run_dir} is gone" if stands else ""
            after_run.report_lost(workspace, config, agent, queued, reason)
        with suppress(MailcoreError, OSError):
            if stands:
                with gate(workspace, agent):
                    branch_lock.release_lock(agent, attempts.run_id, attempts.nonce)
            after_run.start_all_waiting(workspace, config, but=None if stands else agent)
    return 0


def begin_error_watch(workspace: Workspace) -> None:
    """Note where all logs end, before the first run of a workspace adds to them: what they hold is history."""
    if not (workspace.state_dir / _ERRORS_FILE).exists():
        with suppress(Exception):  # whatever hinders it, the run goes on
            from mailcore.errors.scan import begin_watch

            begin_watch(workspace)


@contextmanager
def run_lock(run_dir: Path, attempts: Attempts) -> Iterator[None]:
    """Hold the run's flock, its program too: by that it is seen to live from where its PIDs are not."""
    with ExitStack() as stack:
        with suppress(MailcoreError, OSError):  # without it the run is taken to go on there
            attempts.lock_descriptors = (stack.enter_context(locked(run_dir / FLOCK, 2.0)),)
        yield


def owner_of_run(workspace: Workspace, run_dir: Path) -> tuple[Workspace, Agent]:
    """Whose run it is, by its directory, and the workspace with it: one whose row went meanwhile still ends its run."""
    branch = run_dir.parents[2]
    enrolled = next((agent for agent in workspace.agents if agent.branch == branch), None)
    if enrolled is not None:
        return workspace, enrolled
    address = normal_address(next((str(r.get("target", "")) for r in journal_records(run_dir)), "") or branch.name)
    agent = Agent(address, address[1:].upper(), branch, root=workspace.root)
    others = tuple(other for other in workspace.agents if other.address != address)
    return replace(workspace, agents=(*others, agent)), agent
