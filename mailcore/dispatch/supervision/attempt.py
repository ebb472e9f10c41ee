"""One start of the agent's program: from its spawning to the end of everything that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mailcore.accounts.account import account_of, account_variables, require_account, require_usable
from mailcore.config import Config
from mailcore.dispatch.process import run_processes
from mailcore.dispatch.process.environment import agent_environment
from mailcore.dispatch.process.leftover_processes import Leftover
from mailcore.dispatch.supervision import attempt_output
from mailcore.dispatch.supervision.run_directory import RunDirectory
from mailcore.dispatch.supervision.run_journal import OwnJournal
from mailcore.dispatch.supervision.supervisor_events import SupervisorEvents
from mailcore.exceptions import MailcoreError
from mailcore.formats import journal
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.account import Account
from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.model.message import FINAL
from mailcore.model.run import Attempt, Run, from_records
from mailcore.programs.base import Ending, Launch, Output, Program, ProgramFailed
from mailcore.programs.registry import program, used_programs
from mailcore.system import priority
from mailcore.system.process_values import Process
from mailcore.system.processes import births, start_ticks
from mailcore.system.writing import create_anew
from mailcore.text import counted
from mailcore.text.units import duration

OUTPUT_CHECK = (0.1, 5.0)
"""Period of the look at how large the output has become, three stat: the shortest after it was too large, then twice
as long each time, up to the longest."""

VANISHED_CHECK = (0.05, 1.0)
"""The same of the look for a directory that is gone, a stat: nothing tells that it is back."""

WARNING_BURST = 1.0
"""What comes on standard error within so many seconds is one warning."""

LINGER = 1.0
"""What a program leaves running at its exit has so long to end, before that counts as work cut off."""


class RunStopped(Exception):
    """Somebody asked the run to end."""


class RunDirectoryLost(Exception):
    """The run's directory is gone, and its journal with it."""


class Attempts:
    """The starts of one run's program: they share its journal, its signs and the children to reap."""

    def __init__(self, config: Config, agent: Agent, run_dir: Path) -> None:
        self.config = config
        self._directory = RunDirectory(agent, run_dir)
        self.journal = OwnJournal(run_dir / RUN_JOURNAL)
        self.queued = self.journal.queued
        self.run_id, self.nonce = run_dir.name, str(self.queued["nonce"])
        self.secret = ""
        """The nonce itself, of which lock and journal hold the digest: for what the run starts, and in no file."""
        self.name = str(self.queued["program"])
        self.events = SupervisorEvents()
        self.approval_wait: Callable[[float], float] = lambda _: 0.0
        """Seconds since a moment in which the run waited for an approval: the hard limit stands still meanwhile."""
        self.lock_descriptors: tuple[int, ...] = ()
        """Descriptor of the run's flock, which the program holds too."""
        self._warned: dict[int, tuple[float, int]] = {}
        """Attempt → when something was first seen on its standard error, and how much of it came at once."""
        self.exits: dict[int, int] = {}
        """Exit codes of children that were reaped, our own and adopted ones, by PID."""

    @property
    def agent(self) -> Agent:
        """Whose run it is, and where that agent's directory lies now."""
        return self._directory.agent

    @property
    def run_dir(self) -> Path:
        """Where the run's directory lies now."""
        return self._directory.run_dir

    @property
    def run(self) -> Run:
        """What the journal says so far."""
        try:
            self._await_directory()
            run = from_records(self.journal.records())
        except FileNotFoundError:
            run = None
        if run is None:
            raise RunDirectoryLost(f"{self.run_dir / RUN_JOURNAL} is gone")
        return run

    def record(self, event: str, **facts: Any) -> None:
        """Write one line of the run's journal."""
        while True:
            self._await_directory()
            with suppress(FileNotFoundError):  # taken away at this moment
                self.journal.record(event, **facts)
                return

    def attempt(self, number: int, mode: str, session: str, forked: str = "") -> tuple[Ending, str]:
        """One start of the program; how it came out, and the session that it had. `forked`: as of `Launch`."""
        files = self.output(number)
        config = self.config.agent(self.agent.address).in_program(self.name)
        if model := str(self.queued.get("model") or ""):
            config = replace(config, model=model)
        began = journal.now()  # before the program can have done anything: what it changes counts from here
        try:
            kind = program(self.name)
            bypass = kind.bypasses(config)
            account = require_account(self.config, self.agent.address, self.name, self.account.name)
            require_usable(account)
            prompt = str(self.queued.get("prompt", ""))
            launch = Launch(self.agent, config, prompt, mode, session, account.home, forked)
            child = self.spawn(kind.argv(launch), launch, account, files, number)
        except (OSError, ValueError, MailcoreError) as error:  # ValueError: a word with a NUL
            self.record("attempt", at=began, n=number, mode=mode, pid=0)
            why = f"{error.strerror} ({error.filename})" if isinstance(error, OSError) else str(error)
            failure = Ending(False, f"cannot start {self.name}: {why}", final=isinstance(error, MailcoreError))
            self.record("attempt_ended", n=number, exit=None, cause=failure.cause)
            return failure, session
        cause, named = self.session_named(kind, session, files)
        facts = {"pid": child, "start_ticks": start_ticks(child), "session": named, "bypass": bypass}
        self.record("attempt", at=began, n=number, mode=mode, **facts)
        cause = cause or self.watch(kind, child, launch, number)
        left = Leftover() if not cause and self.nothing_is_left() else self.stop_tree()
        self.limit_output(number)
        code = self.exits.pop(child, -signal.SIGKILL)
        result = self.ending(kind, code, number)
        if (
            code > 0
            and not result.success
            and ":" not in result.cause
            and (last := attempt_output.last_line(files.stderr))
        ):
            result = replace(result, cause=f"{result.cause}: {last}")
        answered = self.answered()
        if result.success and not cause and not answered and left.work:
            # Contract, claude-code: exit 0 with background tasks cut off is not success.
            cause = f"ended with {counted(left.work, 'process', 'processes')} still at work and stopped"
        failed, had = self.session_named(kind, session, self.output(number))
        if cause := cause or failed:
            # What was done may be all of the work: it is not done again where only the session is not known.
            final = result.final or bool(failed)
            result = replace(result, success=False, cause=cause, limited=False, limit=None, final=final)
        if answered and not result.success:  # its work is done and reported: it would be done twice
            result = replace(result, success=True, cause=f"{result.cause}, after it had answered")
            result = replace(result, limited=False, limit=None)
        names = [f"{name} (PID {pid})" for pid, name in left.names.items()]
        facts = {**({"left": names} if names else {}), **({"limited": True} if result.limited else {})}
        self.record("attempt_ended", n=number, exit=code, cause=result.cause, session=had, cost=result.cost, **facts)
        return result, had

    @cached_property
    def account(self) -> Account:
        """The account that the run was begun for; config.toml may not name it any more."""
        given = self.queued.get("account")
        return account_of(self.config, self.agent.address, self.name, given if isinstance(given, str) else None)

    def answered(self) -> bool:
        """True if the agent has answered the task of this run, and not only written to its sender."""
        run = self.run
        if not run.message_id or not run.replied:
            return False
        box = read_mailbox(self.agent.inbox)
        task = next((mail for mail in box.messages if mail.id == run.message_id), None)
        return not box.reason and (task is None or (task.ack is not None and task.ack.state in FINAL))

    def session_named(self, kind: Program, session: str, files: Output) -> tuple[str, str]:
        """How the program names the session that an attempt has; before it what went wrong in asking, if anything."""
        try:
            return "", kind.session(session, files)
        except ProgramFailed as error:
            return str(error), ""

    def ending(self, kind: Program, code: int, number: int) -> Ending:
        """How the program says that an attempt came out."""
        try:
            return kind.ending(code, self.output(number))
        except ProgramFailed as error:
            return Ending(False, str(error), final=True)

    def spawn(self, words: list[str], launch: Launch, account: Account, files: Output, number: int) -> int:
        """Start the program in its branch, in a session of its own; returns its PID."""
        variables = account_variables(self.config, account)
        environment = agent_environment(
            used_programs(self.config), self.run_id, self.secret, self.queued, launch, number, variables
        )
        with create_anew(files.stdout) as out, create_anew(files.stderr) as err:
            child = subprocess.Popen(
                words,
                cwd=self.agent.branch,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                pass_fds=self.lock_descriptors,
            )
        priority.lower(child.pid, self.config.dispatch.nice)
        self.exits.pop(child.pid, None)  # of an adopted child that had this PID before
        child.returncode = 0  # this process reaps by itself: Popen must not wait for what is gone
        return child.pid

    def watch(self, kind: Program, child: int, launch: Launch, number: int) -> str:
        """Wait for the child to end. Returns why it has to be ended instead, or nothing."""
        started, began_at, pondered = time.monotonic(), time.time(), 0.0
        limits = self.config.dispatch
        try:
            self.events.watch_paths(self.run_dir, *kind.traces(launch))
            while not kind.shows_life(launch, self.output(number)):
                if self.ended(child):
                    break
                self.limit_output(number)
                left = started + limits.startup_timeout - time.monotonic()
                if left <= 0:
                    return f"no sign of life in {duration(limits.startup_timeout)}"
                self.events.wait(left)
            else:
                self.record("running", n=number)
        except ProgramFailed as error:
            return str(error)
        finally:
            self.events.unwatch()
        look, longest = OUTPUT_CHECK
        while not self.ended(child):
            left = started + limits.hard_limit + pondered - time.monotonic()
            if left <= 0 and (longer := self.approval_wait(began_at)) > pondered:
                pondered, left = longer, look
            if left <= 0:
                return f"still running after {duration(limits.hard_limit)}"
            self.events.wait(min(left, look))
            look = OUTPUT_CHECK[0] if self.limit_output(number) else min(look * 2, longest)
            self.ensure_directory()
        return ""

    def ensure_directory(self) -> None:
        """Wait for the run's directory if it is away, and repair its journal. RunDirectoryLost if it stays away."""
        self._await_directory()
        self.journal.records()  # mended, where somebody removed or changed it

    def _await_directory(self) -> None:
        deadline = time.monotonic() + self.config.dispatch.vanished_grace
        look, longest = VANISHED_CHECK
        while not self._directory.is_there():
            left = deadline - time.monotonic()
            if left <= 0 or self.events.stop_asked:
                raise RunDirectoryLost(f"{self.run_dir} is gone")
            self.events.wait(min(left, look))
            self.reap()
            look = min(look * 2, longest)
        self.journal.path = self.run_dir / RUN_JOURNAL

    def limit_output(self, number: int) -> bool:
        """Bound what the attempt's output takes on disk; True where it was too much."""
        limit = self.config.dispatch.output_limit
        out, err = (
            attempt_output.limit_size(self.run_dir / f"attempt-{number}.{name}.log", limit)
            for name in ("stdout", "stderr")
        )
        return out or err

    def nothing_is_left(self) -> bool:
        """Let what the child left end by itself, as helpers do that see its pipes closed; at most LINGER.

        True if nothing is left for sure: what `run_processes.stop_processes` would find by a further look.
        """
        deadline = time.monotonic() + LINGER
        while (left := deadline - time.monotonic()) > 0:
            before = births()
            if not run_processes.run_members(self.run_id, [os.getpid()]):
                return before == births()
            self.events.wait(left)
            self.reap()
            self.raise_if_stopped()
        return False

    def sleep(self, seconds: float) -> None:
        """Wait in the kernel; RunStopped if somebody asks for the run's end."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.sleep_until_event(left)

    def sleep_until_event(self, seconds: float) -> None:
        """Wait in the kernel for so long, or until something happens; RunStopped as of `sleep`."""
        self.reap()
        self.raise_if_stopped()
        self.events.wait(seconds)

    def ended(self, child: int) -> bool:
        """Reap, and say whether the child is gone. RunStopped if somebody asked for the run's end."""
        self.reap()
        self.raise_if_stopped()
        return child in self.exits

    def raise_if_stopped(self) -> None:
        """RunStopped if a signal asked for the run's end."""
        if self.events.stop_asked:
            raise RunStopped

    def reap(self) -> None:
        """Collect every dead child, adopted ones too, so that none stays a zombie."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                self.exits[pid] = os.waitstatus_to_exitcode(status)

    def stop_tree(self) -> Leftover:
        """End whatever of the run is left; what that was."""
        left = Leftover()

        def find() -> list[Process]:
            found = run_processes.run_members(self.run_id, [os.getpid()])
            left.see(found)
            return found

        _, survivors = run_processes.stop_processes(find, self.config.dispatch.stop_grace, self.reap)
        if survivors:
            self.record("survivors", pids=sorted(survivors))
        return left

    def output(self, number: int) -> Output:
        """The files of one attempt, and whether its agent ran a mailcore command."""
        latest: Attempt | None = self.run.attempt
        acted = latest is not None and latest.number == number and self.run.last_act >= latest.started_at
        stdout, stderr = (self.run_dir / f"attempt-{number}.{name}.log" for name in ("stdout", "stderr"))
        return Output(stdout, stderr, acted, self._warned_only(number, stderr), self.account.home)

    def _warned_only(self, number: int, stderr: Path) -> bool:
        """True while nothing came on standard error after its first word, which may be a warning."""
        size = stderr.stat().st_size if stderr.exists() else 0
        now = time.monotonic()
        began, at_once = self._warned.setdefault(number, (now, size)) if size else (now, 0)
        if size and now - began < WARNING_BURST:
            self._warned[number] = (began, size)
        return now - began < WARNING_BURST or size <= at_once
