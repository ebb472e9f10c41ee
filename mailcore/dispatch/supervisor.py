"""`python -m mailcore.dispatch.supervisor RUN_DIR`: the detached process that owns one run, its attempts and its end.

It waits in the kernel for a child's death, a signal or, while an attempt is starting, a change of the files that show
its first sign of life; it wakes for nothing else. Killed from outside, it takes its run's processes with it.
"""

from __future__ import annotations

import ctypes
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from mailcore import journal
from mailcore.config import Config, read_config_or_defaults
from mailcore.dispatch import breaker, ending, lock, output, process, queue
from mailcore.dispatch.signs import Signs
from mailcore.dispatch.start import JOURNAL, clean_environment
from mailcore.evidence import AGENT, NONCE, RUN_ID
from mailcore.liveness import start_ticks
from mailcore.mail.store import locked
from mailcore.model.agent import Agent
from mailcore.model.run import Attempt, Run, from_records
from mailcore.programs.base import Ending, Launch, Output
from mailcore.programs.select import program
from mailcore.workspace import Workspace, find

PR_SET_CHILD_SUBREAPER = 36
OUTPUT_LOOK = (0.1, 5.0)
"""Period of the look at how large the output has become, two stat: the shortest after it was too large, then twice as
long each time, up to the longest."""

LINGER = 1.0
"""What a program leaves running at its exit has so long to end, before that counts as work cut off."""


class Stopped(Exception):
    """Somebody asked the run to end."""


class Supervisor:
    """One run."""

    def __init__(self, workspace: Workspace, config: Config, agent: Agent, run_dir: Path) -> None:
        self.workspace, self.config, self.agent, self.run_dir = workspace, config, agent, run_dir
        self.queued = journal.read(run_dir / JOURNAL)[0]
        self.run_id, self.nonce = run_dir.name, str(self.queued["nonce"])
        self.program = program(str(self.queued["program"]))
        self.signs = Signs()
        self.exits: dict[int, int] = {}
        """Exit codes of children that were reaped, our own and adopted ones, by PID."""

    @property
    def run(self) -> Run:
        """What the journal says so far."""
        run = from_records(journal.read(self.run_dir / JOURNAL))
        if run is None:
            raise RuntimeError(f"{self.run_dir / JOURNAL} was emptied under its supervisor")
        return run

    def note(self, event: str, **facts: Any) -> None:
        """Write one line of the run's journal."""
        journal.append(self.run_dir / JOURNAL, {"event": event, **facts})

    def supervise(self, trouble: str) -> None:
        """All attempts, and the end; none with a config that cannot be read, whose `trouble` is told instead."""
        self.note("supervised", pid=os.getpid())
        if trouble:
            self.end("bounced", Ending(False, trouble))
            return
        limits = self.config.dispatch
        outcome, result = "bounced", Ending(False, "no attempt was made")
        try:
            self.delay(float(self.queued.get("delay") or 0.0))
            session = ""
            for number in range(1, limits.attempts + 1):
                mode = str(self.queued.get("mode") or "start") if number == 1 else ("fresh", "resume")[number == 2]
                session = session if mode == "resume" and session else str(uuid.uuid4())
                result = self.attempt(number, mode, session)
                if result.success:
                    outcome = "completed"
                    break
                breaker.failed(self.workspace, self.agent.address, result.cause)
                if number < limits.attempts:
                    if stopped := breaker.fleet_tripped(self.workspace, limits):
                        result = Ending(False, f"{result.cause}; {stopped}", result=result.result)
                        break
                    self.pause(result)
        except Stopped:
            outcome = "killed"
        self.end(outcome, result)

    def attempt(self, number: int, mode: str, session: str) -> Ending:
        """One start of the program, to its end and the end of everything that it started."""
        files = self.output(number)
        launch = Launch(
            self.agent, self.config.agent(self.agent.address), str(self.queued.get("prompt", "")), mode, session
        )
        began = journal.now()  # before the program can have done anything: what it changes counts from here
        try:
            child = self.spawn(launch, files, number)
        except OSError as error:
            self.note("attempt", at=began, n=number, mode=mode, pid=0)
            failure = Ending(False, f"cannot start {self.program.name}: {error.strerror} ({error.filename})")
            self.note("attempt_ended", n=number, exit=None, cause=failure.cause)
            return failure
        ticks = start_ticks(child)
        self.note("attempt", at=began, n=number, mode=mode, pid=child, start_ticks=ticks, session=session)
        cause = self.watch(child, launch, number)
        if not cause:
            self.linger()
        left = self.stop_tree()
        self.bound(number)
        code = self.exits.pop(child, -signal.SIGKILL)
        result = self.program.ending(code, self.output(number))
        if cause:
            result = Ending(False, cause, result=result.result, cost=result.cost)
        elif result.success and left:
            # Contract, claude-code: exit 0 with background tasks cut off is not success.
            result = Ending(False, f"ended with {len(left)} processes still at work; they were stopped")
        self.note("attempt_ended", n=number, exit=code, cause=result.cause)
        return result

    def spawn(self, launch: Launch, files: Output, number: int) -> int:
        """Start the program in its branch, in a session of its own; returns its PID."""
        environment = clean_environment()
        environment |= {
            RUN_ID: self.run_id,
            NONCE: self.nonce,
            AGENT: self.agent.address,
            "MAILCORE_PROMPT": launch.prompt,
            "MAILCORE_MODE": launch.mode,
            "MAILCORE_ATTEMPT": str(number),
            # AIPass's own names, for hooks and tools of its that the agent runs (contract section 4).
            "AIPASS_BRANCH_NAME": self.agent.name,
            "AIPASS_DISPATCH_ID": self.run_id,
            "AIPASS_SPAWNED": "1",
            "AIPASS_SESSION_TYPE": "dispatched",
        }
        with files.stdout.open("wb") as out, files.stderr.open("wb") as err:
            child = subprocess.Popen(
                self.program.argv(launch),
                cwd=self.agent.branch,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self.exits.pop(child.pid, None)  # of an adopted child that had this PID before
        child.returncode = 0  # this process reaps by itself: Popen must not wait for what is gone
        return child.pid

    def watch(self, child: int, launch: Launch, number: int) -> str:
        """Wait for the child to end. Returns why it has to be ended instead, or nothing."""
        begun = time.monotonic()
        limits = self.config.dispatch
        self.signs.look_at(self.run_dir, *self.program.traces(launch))
        try:
            while not self.program.shows_life(launch, self.output(number)):
                if self.ended(child):
                    break
                self.bound(number)
                left = begun + limits.startup_timeout - time.monotonic()
                if left <= 0:
                    return f"no sign of life in {limits.startup_timeout:g} s"
                self.signs.wait(left)
            else:
                self.note("running", n=number)
        finally:
            self.signs.look_away()
        look, longest = OUTPUT_LOOK
        while not self.ended(child):
            left = begun + limits.hard_limit - time.monotonic()
            if left <= 0:
                return f"still running after {limits.hard_limit:g} s"
            self.signs.wait(min(left, look))
            look = OUTPUT_LOOK[0] if self.bound(number) else min(look * 2, longest)
        return ""

    def bound(self, number: int) -> bool:
        """Bound what the attempt's output takes on disk; True where it was too much."""
        limit = self.config.dispatch.output_limit
        out, err = (output.bound(self.run_dir / f"attempt-{number}.{name}.log", limit) for name in ("stdout", "stderr"))
        return out or err

    def linger(self) -> None:
        """Let what the child left end by itself, as helpers do that see its pipes closed; at most LINGER."""
        deadline = time.monotonic() + LINGER
        while (left := deadline - time.monotonic()) > 0 and process.members(self.run_id, [os.getpid()]):
            self.signs.wait(left)
            self.reap()
            self.check()

    def pause(self, failure: Ending) -> None:
        """Wait before the next attempt; longer, with jitter, where the service is limited."""
        limits = self.config.dispatch
        delay = limits.limit_wait * random.uniform(1.0, 1.5) if failure.limited else limits.retry_wait
        self.note("waiting", until=ending.clock_time(time.time() + delay), limited=failure.limited, why=failure.cause)
        self.sleep(delay)

    def delay(self, seconds: float) -> None:
        """Wait before the first attempt of a start by itself, after failed runs."""
        if seconds > 0:
            why = "the last runs failed; backing off"
            self.note("waiting", until=ending.clock_time(time.time() + seconds), limited=False, why=why)
            self.sleep(seconds)

    def sleep(self, seconds: float) -> None:
        """Wait in the kernel; Stopped if somebody asks for the run's end."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.reap()
            self.check()
            self.signs.wait(left)

    def ended(self, child: int) -> bool:
        """Reap, and say whether the child is gone. Stopped if somebody asked for the run's end."""
        self.reap()
        self.check()
        return child in self.exits

    def check(self) -> None:
        """Stopped, if a signal asked for the run's end."""
        if self.signs.stop_asked:
            raise Stopped

    def reap(self) -> None:
        """Collect every dead child, adopted ones too, so that none stays a zombie."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                self.exits[pid] = os.waitstatus_to_exitcode(status)

    def stop_tree(self) -> set[int]:
        """End whatever of the run is left; returns the PIDs that were."""
        found, survivors = process.stop(
            lambda: process.members(self.run_id, [os.getpid()]), self.config.dispatch.stop_grace, self.reap
        )
        if survivors:
            self.note("survivors", pids=sorted(survivors))
        return found

    def output(self, number: int) -> Output:
        """The files of one attempt, and whether its agent ran a mailcore command."""
        latest: Attempt | None = self.run.attempt
        acted = latest is not None and latest.number == number and self.run.last_act >= latest.started_at
        return Output(
            self.run_dir / f"attempt-{number}.stdout.log", self.run_dir / f"attempt-{number}.stderr.log", acted
        )

    def end(self, outcome: str, result: Ending) -> None:
        """Close the journal, tell whoever waits, free the branch, start what waited for it."""
        self.stop_tree()
        by, why = "", result.cause
        if outcome == "killed":
            asked = [r for r in journal.read(self.run_dir / JOURNAL) if r.get("event") == "kill_asked"]
            by = str(asked[-1].get("by", "")) if asked else "a signal"
            why = ""
        run = self.run
        changed = breaker.changed_files(self.agent.branch, run.started_at)
        progress = "files" if changed else "mail" if run.replied or run.delegated or run.wrote else ""
        self.note(
            "ended", outcome=outcome, reason=why, by=by, result=result.result[:2000], cost=result.cost,
            progress=progress, changed=changed,
        )  # fmt: skip
        # Where not even the journal can be written, the lock stays: the next look finds an orphan, and tells.
        ending.tell(self.workspace, self.config, self.agent, self.run, self.queued, self.run_dir)
        ending.free(self.workspace, self.config, self.agent, self.run_id, self.nonce, start_waiting=outcome != "killed")


def main(run_dir: Path) -> int:
    """Supervise the run whose journal lies in `run_dir`."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    branch = run_dir.parents[2]
    workspace = find(branch)
    agent = next((a for a in workspace.agents if a.branch == branch), None)
    if agent is None:
        print(f"{branch} is in no row of {workspace.registry}", file=sys.stderr)
        return 3
    config, trouble = read_config_or_defaults(workspace.config_file)
    supervisor = Supervisor(workspace, config, agent, run_dir)
    with locked(queue.gate(workspace)):
        subject = str(supervisor.queued.get("subject", ""))
        ours = lock.hand_over(agent, supervisor.run_id, supervisor.nonce, os.getpid(), subject)
    if not ours:
        supervisor.note("ended", outcome="bounced", reason="the branch's lock went to another run")
        ending.tell(workspace, config, agent, supervisor.run, supervisor.queued, run_dir)
        return 3
    try:
        supervisor.supervise(trouble)
    except BaseException:
        supervisor.stop_tree()  # its files are gone or the disk is full: still no process outlives its supervisor
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
