"""Recover runs whose supervisor and sentinel were both killed: the run is ended and reported, what waits is started.

A supervisor or sentinel that was stopped goes on. Called by `wait`, by commands that show or change agents, by screens
and guards. Whoever comes first acts, and nobody acts twice (`orphans.clearing`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

from mailcore.config import Config
from mailcore.dispatch.lapsed_approvals import lapse_due_approvals
from mailcore.dispatch.lifecycle.after_run import clean_up, start_all_waiting
from mailcore.dispatch.lifecycle.orphans import SENTINEL_SPARE
from mailcore.dispatch.process import run_processes
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.runs.branch_lock import current_lock, is_supervisor_of
from mailcore.exceptions import MailcoreError
from mailcore.model.agent import Agent
from mailcore.model.lock import Holder, Lock
from mailcore.system.process_values import ExitNotice
from mailcore.system.processes import exit_notice
from mailcore.workspace import trust
from mailcore.workspace.find import Workspace
from mailcore.workspace.lock_reader import sandboxed


def recover(workspace: Workspace, config: Config, agents: Iterable[Agent]) -> list[str]:
    """Act on what died or stands still at these agents; what could not be done, in words."""
    failed, found = [], False
    lapse_due_approvals(workspace, config)
    if why := trust.why_state_untrusted(workspace):
        return [why]
    for agent in agents if not sandboxed() else ():
        try:
            lock = current_lock(agent)
            if lock is not None and lock.holder is Holder.DEAD:
                clean_up(workspace, config, agent)
                found = True
            elif lock is not None:
                _go_on(lock)
        except (MailcoreError, OSError) as error:
            failed.append(f"{agent.address}: {error}")
    if found:
        try:
            start_all_waiting(workspace, config)
        except (MailcoreError, OSError) as error:
            failed.append(str(error))
    return failed


def _go_on(lock: Lock) -> None:
    """Let supervisor and sentinel go on, where a signal stopped both: the one alone lets the other go on."""
    if lock.holder is Holder.ALIVE and lock.run_id:
        for pid, ticks in ((lock.sentinel, lock.sentinel_ticks), (lock.pid, lock.start_ticks)):
            if pid and is_supervisor_of(pid, lock.run_id):
                run_processes.resume_stopped(pid, ticks)


class Recovery:
    """For one that waits for some agents: acts as `recover`, and tells by whose end something may be to be done."""

    def __init__(self, workspace: Workspace, config: Config) -> None:
        self._workspace, self._config = workspace, config
        self._since: dict[str, float] = {}
        """Run → since when its supervisor is seen to be dead, and its sentinel at work."""
        self._notices: dict[tuple[int, int], ExitNotice] = {}
        """PID and start → the notice of its end; kept, since each costs the portable backend a thread."""

    def check(self, agents: Iterable[Agent]) -> list[ExitNotice]:
        """Act where something is to be done; the notices of the ends to wait for, until the next look."""
        wanted: set[tuple[int, int]] = set()
        due = []
        lapse_due_approvals(self._workspace, self._config)
        for agent in agents if not sandboxed() else ():
            try:
                lock = current_lock(agent)
                if lock is None and queue.is_any_waiting(agent):
                    due.append(agent)  # it could start: whoever was to start it died
                    continue
            except OSError:
                continue
            if lock is None or not lock.run_id:
                continue
            if lock.holder is Holder.ALIVE:
                _go_on(lock)
                wanted.add((lock.pid, lock.start_ticks))
            elif lock.holder is Holder.DEAD and self._is_at_work(lock):
                wanted.add((lock.sentinel, lock.sentinel_ticks))
            elif lock.holder is Holder.DEAD:
                due.append(agent)
        if due and not trust.why_state_untrusted(self._workspace):
            recover(self._workspace, self._config, due)
            self._start(due)
        return self._waited_for(wanted)

    def _waited_for(self, wanted: set[tuple[int, int]]) -> list[ExitNotice]:
        for key in self._notices.keys() - wanted:
            self._notices.pop(key).close()
        for key in wanted - self._notices.keys():
            with suppress(OSError):  # it is over, or no descriptor is left: the next look sees it
                self._notices[key] = exit_notice(key[0])
        return list(self._notices.values())

    def _is_at_work(self, lock: Lock) -> bool:
        """True while the sentinel of a dead supervisor may be left to its work."""
        if not is_supervisor_of(lock.sentinel, lock.run_id):
            return False
        run_processes.resume_stopped(lock.sentinel, lock.sentinel_ticks)
        since = self._since.setdefault(lock.run_id, time.monotonic())
        return time.monotonic() - since < self._config.dispatch.stop_grace + SENTINEL_SPARE

    def _start(self, agents: list[Agent]) -> None:
        if any(queue.is_any_waiting(agent) and current_lock(agent) is None for agent in agents):
            try:
                start_all_waiting(self._workspace, self._config)
            except (MailcoreError, OSError):
                return  # held up: it goes on waiting, and is looked at again
