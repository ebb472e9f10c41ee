"""Everything begun ends in exactly one told end: real processes, in any order of starts, kills, crashes and moves.

`--rounds all` plays more of it; the counts are printed (`-s`).
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from mailcore.dispatch import control
from mailcore.dispatch.lifecycle.after_run import start_all_waiting
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.recovery import recover
from mailcore.dispatch.runs.branch_lock import current_lock
from mailcore.dispatch.runs.run_list import read_run
from mailcore.exceptions import MailcoreError
from mailcore.system import processes
from mailcore.workspace import create, find
from mailcore.workspace.lock_reader import read_lock
from tests.faults.ends import Ends, check, lines
from tests.mailcore import conftest as lab
from tests.mailcore.conftest import House, marked, wait_until

clean_room = lab.clean_room

AGENTS = ("writer", "editor")
"""Who may be removed, renamed and killed; `@lead` only sends, and is woken."""
SENDERS = ("@operator", "@lead")
SCRIPT = """
echo up
order=$ORDERS/$MAILCORE_AGENT
while :; do
  if [ -e $ORDERS/end ]; then exit 0; fi
  if mv $order.done $order.$$ 2>/dev/null; then
    id=$(echo "$MAILCORE_PROMPT" | sed -n 's/.*message \\([0-9a-f]*\\).*/\\1/p'); [ -z "$id" ] || mailcore done $id ok
    exit 0
  fi
  if mv $order.crash $order.$$ 2>/dev/null; then exit 3; fi
  if mv $order.leave $order.$$ 2>/dev/null; then env -i setsid -f sleep 300; fi
  sleep 0.05
done
"""
LIMITS: dict[str, object] = {
    "attempts": 2, "retry_wait": 0.05, "stop_grace": 0.3, "startup_timeout": 30.0, "hard_limit": 120.0,
    "no_progress": 10_000, "ping_pong": 10_000, "backoff": [], "fleet_failures": 0,
}  # fmt: skip

agents, senders = st.sampled_from(AGENTS), st.sampled_from(SENDERS)


class Fleet(RuleBasedStateMachine):
    """A workspace, and what may happen in it."""

    total = Ends()
    examples = 0

    @initialize()
    def begin(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="ends-"))
        self.mark = os.environ[lab.MARK] = uuid.uuid4().hex
        self.orders = self.directory / "orders"
        self.orders.mkdir()
        os.environ["ORDERS"] = str(self.orders)
        made = create.create_workspace(
            self.directory / "project", [(name, f"agents/{name}") for name in (*AGENTS, "lead")]
        )
        self.house = House(made, limits=dict(LIMITS))
        for name in AGENTS:
            self.house.commands[name] = ["sh", "-c", SCRIPT]
        self.house.commands["lead"] = ["sh", "-c", "echo up"]
        self.house.configure()
        self.registry = made.registry.read_bytes()
        self.branches = {name: made.agent(name).branch for name in AGENTS}

    def reload(self) -> None:
        self.house.workspace = find.load_workspace(self.house.workspace.registry)

    def is_there(self, name: str) -> bool:
        return any(agent.address == f"@{name}" for agent in self.house.workspace.agents)

    @rule(sender=senders, name=agents)
    def dispatch(self, sender: str, name: str) -> None:
        with suppress(MailcoreError):
            self.house.dispatch(sender, f"@{name}", f"of {sender}")

    @rule(name=agents)
    def retry(self, name: str) -> None:
        with suppress(MailcoreError):
            control.retry_run(self.house.workspace, self.house.config, "@operator", f"@{name}")

    @rule(name=agents, what=st.sampled_from(["done", "crash", "leave"]))
    def order(self, name: str, what: str) -> None:
        (self.orders / f"@{name}.{what}").touch()

    @rule(name=agents, victim=st.sampled_from(["program", "supervisor", "sentinel", "both", "stop", "stop both"]))
    def strike(self, name: str, victim: str) -> None:
        path = self.branches[name] / ".ai_mail.local" / ".dispatch.lock"
        if read_lock(path) is None:
            self.dispatch("@lead", name)  # what nothing runs at cannot be struck
            with suppress(AssertionError):  # a run that did not come to have one is struck another time
                wait_until(lambda: (lock := read_lock(path)) is None or lock.sentinel, 3, "its sentinel is named")
        lock = read_lock(path)
        if lock is None or not lock.sentinel:
            return
        run = read_run(self.branches[name] / ".ai_mail.local" / "runs" / lock.run_id)
        program = run.attempt.pid if run is not None and run.attempt is not None else 0
        number = signal.SIGSTOP if "stop" in victim else signal.SIGKILL
        pids = {
            "program": [program], "supervisor": [lock.pid], "sentinel": [lock.sentinel], "stop": [lock.pid],
        }.get(victim, [lock.sentinel, lock.pid])  # fmt: skip
        for pid in filter(None, pids):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if number == signal.SIGKILL:  # what is spoilt next may be mended by who lives
            wait_until(lambda: not any(processes.alive(pid) for pid in pids if pid), 10, "what was killed is dead")

    @rule(name=agents)
    def kill(self, name: str) -> None:
        with suppress(MailcoreError):
            self.house.kill("@operator", f"@{name}")

    @rule()
    def cancel(self) -> None:
        for entry in list(queue.all_waiting(self.house.workspace))[:1]:
            with suppress(MailcoreError):
                queue.cancel_start(self.house.workspace, "@operator", entry.id)
                # Who cancels it has told it: nothing more is owed.

    @rule(name=agents)
    def remove(self, name: str) -> None:
        if self.is_there(name):
            self.house.mailcore("agent", "remove", f"@{name}", "--from", "@operator")
            self.reload()

    @rule()
    def add_again(self) -> None:
        self.house.workspace.registry.write_bytes(self.registry)
        self.reload()

    @rule(name=agents)
    def move_away(self, name: str) -> None:
        if self.branches[name].is_dir():
            self.branches[name].rename(self.branches[name].with_name(f"{name}-away"))

    @rule(name=agents)
    def move_back(self, name: str) -> None:
        away = self.branches[name].with_name(f"{name}-away")
        if away.is_dir() and not self.branches[name].exists():
            away.rename(self.branches[name])

    @rule(name=agents, how=st.sampled_from(["lock gone", "lock garbage", "lock a directory", "journal gone", "cut"]))
    def spoil(self, name: str, how: str) -> None:
        mail = self.branches[name] / ".ai_mail.local"
        lock, journals = mail / ".dispatch.lock", sorted(mail.glob("runs/*/run.jsonl"))
        if how.startswith("lock") and lock.is_file():
            lock.unlink()
            if how == "lock garbage":
                lock.write_text('{"pid": 1')
                os.utime(lock, (1, 1))
            elif how == "lock a directory":
                lock.mkdir()
                os.utime(lock, (1, 1))
        elif journals and self._supervised(journals[-1]):
            if how == "journal gone":
                journals[-1].unlink()
            elif how == "cut":
                os.truncate(journals[-1], journals[-1].stat().st_size // 2)

    def _supervised(self, journal: Path) -> bool:
        """Its supervisor is there to mend it; without it a journal that is gone is gone."""
        run = read_run(journal.parent)
        return run is not None and not run.phase.ended and processes.alive(run.supervisor_pid)

    @rule()
    def look(self) -> None:
        recover(self.house.workspace, self.house.config, self.house.workspace.agents)

    def teardown(self) -> None:
        if not hasattr(self, "house"):
            return
        try:
            self.rest()
            found = check(self.house.root)
            Fleet.total, Fleet.examples = Fleet.total + found, Fleet.examples + 1
            assert not found.faults, "\n".join(found.faults)
            assert not marked(self.mark), "processes are left"
        finally:
            for pid in marked(self.mark):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            shutil.rmtree(self.directory, ignore_errors=True)

    def rest(self) -> None:
        """Bring everything back, let the agents end, and look until nothing works or waits."""
        (self.orders / "end").touch()
        for name in AGENTS:
            self.move_back(name)
        self.add_again()

        def quiet() -> bool:
            space, config = self.house.workspace, self.house.config
            recover(space, config, space.agents)
            with suppress(MailcoreError):
                start_all_waiting(space, config)
            at_work = any(current_lock(agent) is not None for agent in space.agents)
            lost = {line.get("run_id") for line in lines(space.state_dir / "lost.jsonl")}
            begun = (lines(path) for path in self.house.root.rglob("run.jsonl") if path.parent.name not in lost)
            at_work |= any("told" not in [record.get("event") for record in run] for run in begun)
            return (
                not at_work and not any(queue.is_any_waiting(agent) for agent in space.agents) and not marked(self.mark)
            )

        wait_until(quiet, 90, "the fleet comes to rest")


def test_everything_begun_ends_in_one_told_end(rounds: Callable[[int, int], int]) -> None:
    Fleet.total, Fleet.examples = Ends(), 0
    try:
        run_state_machine_as_test(
            Fleet,
            settings=settings(
                max_examples=rounds(8, 200), stateful_step_count=rounds(20, 30), deadline=None,
                suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.reuse, Phase.generate],
                database=None,
            ),
        )  # fmt: skip
    finally:
        print(f"\n{Fleet.examples} workspaces: {Fleet.total}")
