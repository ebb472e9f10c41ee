"""The real AIPass 2.8.28 dispatches beside us, to a stand-in `claude`: each sees and respects the other's runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mailcore.dispatch.runs.run_list import read_run
from mailcore.formats import journal
from mailcore.model.agent import Agent
from mailcore.model.run import Phase
from mailcore.system.processes import alive, parent_of
from mailcore.workspace.lock_reader import read_lock
from tests.faults.aipass_lab import Lab, build, wanted
from tests.faults.conftest import archived_mail, open_mail

Wait = Callable[[Callable[[], object], float, str], None]
OUTSTANDING = """
import json
from aipass.ai_mail.apps.handlers.dispatch import register
from aipass.ai_mail.apps.handlers.notify import jsonl_records
feed = register.register_file().with_name("notifications.jsonl")
print(json.dumps({"outstanding": register.outstanding(), "feed": list(jsonl_records(feed))}))
"""
"""AIPass's own reading of its register and feed."""


def processes(lab: Lab) -> dict[int, str]:
    """Everything alive that has the lab's HOME: AIPass's, ours, and the stand-ins, by PID with the command line."""
    mark = f"HOME={lab.variables['HOME']}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if (
                entry.name.isdigit()
                and mark in (entry / "environ").read_bytes().split(b"\0")
                and alive(int(entry.name))
            ):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:120]
        except OSError:
            continue
    return found


@pytest.fixture
def lab(tmp_path: Path, wait_until: Wait) -> Iterator[Lab]:
    """A home of AIPass's; @alpha's stand-in ends at once. Afterwards nothing of it runs any more."""
    made = build(wanted(), tmp_path / "lab")
    (made.home.agent("@alpha").branch / "go").touch()
    yield made
    for agent in made.home.agents:
        if read_lock(agent.dispatch_lock) is not None:
            call(made, "mailcore.cli", "kill", agent.address, "--from", "@operator")  # it may end by itself meanwhile

    def rest() -> bool:
        for pid in processes(made):
            os.kill(pid, signal.SIGKILL)
        return not processes(made)

    wait_until(rest, 10, "nothing of the lab is left")


@pytest.fixture
def alpha(lab: Lab) -> Agent:
    return lab.home.agent("@alpha")


@pytest.fixture
def beta(lab: Lab) -> Agent:
    return lab.home.agent("@beta")


def call(lab: Lab, module: str, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command of ours, in the lab's world."""
    variables = {name: lab.variables[name] for name in ("PATH", "HOME")}
    command = [sys.executable, "-m", module, *words, "--json"]
    return subprocess.run(command, cwd=cwd or lab.home.root, env=variables, capture_output=True, text=True, timeout=60)


def mailcore(lab: Lab, *words: str, status: int = 0, cwd: Path | None = None) -> Any:
    done = call(lab, "mailcore.cli", *words, cwd=cwd)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout)


def shown(lab: Lab, agent: Agent) -> dict[str, Any]:
    """What `praxmonitor status` says of an agent."""
    done = call(lab, "praxmonitor", "status", str(lab.home.root))
    assert done.returncode == 0, done.stderr
    row: dict[str, Any] = next(row for row in json.loads(done.stdout)["agents"] if row["address"] == agent.address)
    return row


def theirs(lab: Lab) -> dict[str, Any]:
    """AIPass's own reading of its register and feed."""
    reader = lab.python(lab.home.root, OUTSTANDING)
    said, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0
    read: dict[str, Any] = json.loads(said.splitlines()[-1])
    return read


def started(agent: Agent) -> list[dict[str, Any]]:
    return journal.read_records(agent.branch / "started")


def dispatched(lab: Lab, alpha: Agent, beta: Agent, wait_until: Wait, subject: str = "Task one") -> int:
    """AIPass dispatches from @alpha to @beta; the PID of its monitor, once its agent is at work."""
    before = len(started(beta))
    assert "Agent responding" in lab.drone(alpha.branch, "dispatch", "@beta", subject, "please do")
    wait_until(lambda: len(started(beta)) > before, 20, "the stand-in is started")
    lock = read_lock(beta.dispatch_lock)
    assert lock is not None and not lock.run_id
    return lock.pid


def go(agent: Agent, code: int = 0) -> None:
    """Let the stand-in end."""
    (agent.branch / ".go").write_text(str(code))
    (agent.branch / ".go").rename(agent.branch / "go")


def free(agent: Agent) -> bool:
    return not agent.dispatch_lock.exists()


def mails(agent: Agent) -> list[str]:
    return [mail["subject"] for mail in open_mail(agent)]


def test_a_run_of_aipass_is_shown_while_it_goes_on_and_how_it_ended(
    lab: Lab, alpha: Agent, beta: Agent, wait_until: Wait
) -> None:
    monitor = dispatched(lab, alpha, beta, wait_until)
    row = shown(lab, beta)
    assert (row["state"], row["reason"]) == ("working", f"Task one, started by another program (PID {monitor})")
    (run,) = mailcore(lab, "runs", "@beta")
    assert (run["phase"], run["sender"], run["subject"], run["foreign"]) == ("running", "@alpha", "Task one", True)
    go(beta)
    wait_until(lambda: free(beta), 30, "AIPass's run is over")
    row = shown(lab, beta)
    assert (row["state"], row["reason"]) == ("done", "Task one")
    (run,) = mailcore(lab, "runs", "@beta")
    assert (run["phase"], run["reason"]) == ("completed", "")
    told = mailcore(lab, "run", run["run_id"])
    assert told["run"]["subject"] == "Task one"


def test_a_run_that_aipass_bounces_has_failed(lab: Lab, alpha: Agent, beta: Agent, wait_until: Wait) -> None:
    dispatched(lab, alpha, beta, wait_until)
    go(beta, 3)
    begun = time.monotonic()
    wait_until(lambda: free(beta), 90, "AIPass gives up")
    print(f"AIPass gave up after {time.monotonic() - begun:.0f} s and {len(started(beta))} attempts")
    row = shown(lab, beta)
    assert (row["state"], row["reason"]) == ("failed", "Task one: FAILED (code 3)")
    (run,) = mailcore(lab, "runs", "@beta")
    assert (run["phase"], run["reason"]) == ("bounced", "FAILED (code 3)")
    assert "BOUNCE: Dispatch to @beta failed" in mails(alpha)

    # And a retry of ours does what it was to do.
    go(beta)
    task = next(mail for mail in open_mail(beta) if mail["subject"] == "Task one")
    again = mailcore(lab, "retry", "@beta", "--from", "@operator")["run_id"]
    wait_until(lambda: free(beta), 30, "our run is over")
    run_again = read_run(beta.runs_dir / again)
    assert run_again is not None
    assert (run_again.phase, run_again.sender, run_again.subject, run_again.message_id) == (
        Phase.COMPLETED, "@alpha", "Task one", task["id"],
    )  # fmt: skip
    assert len(started(beta)) == 4 and task["id"] in started(beta)[-1]["prompt"]
    assert shown(lab, beta)["state"] == "done"


def test_ours_waits_for_aipass_and_starts_when_its_run_is_over(
    lab: Lab, alpha: Agent, beta: Agent, wait_until: Wait
) -> None:
    monitor = dispatched(lab, alpha, beta, wait_until)
    for subject in ("Ours one", "Ours two"):
        said = mailcore(lab, "dispatch", "@beta", subject, "the body", "--from", "@operator", status=3)
        assert (said["run_id"], said["code"], said["queued"]) == (None, "busy", True)
        assert str(monitor) in said["busy"]
    assert {"Ours one", "Ours two"} <= set(mails(beta)) and len(started(beta)) == 1
    assert [entry["subject"] for entry in mailcore(lab, "queue")] == ["Ours one", "Ours two"]
    waiters = [pid for pid, command in processes(lab).items() if "supervision.queue_waiter" in command]
    assert len(waiters) == 1, "one process waits, whatever the number of starts"
    memory = next(line for line in Path(f"/proc/{waiters[0]}/status").read_text().splitlines() if "VmRSS" in line)
    go(beta)
    wait_until(lambda: not alive(monitor), 30, "AIPass's run is over")
    over = time.monotonic()
    wait_until(lambda: len(started(beta)) >= 2, 20, "the first of ours is started")
    print(f"{time.monotonic() - over:.2f} s from the end of AIPass's monitor to our agent's start; waiter {memory}")

    def all_over() -> bool:
        runs = [read_run(directory) for directory in sorted(beta.runs_dir.iterdir())]
        return [run.phase for run in runs if run is not None] == [Phase.COMPLETED] * 2 and free(beta)

    wait_until(all_over, 30, "both of ours are done")
    assert len(started(beta)) == 3 and mailcore(lab, "queue") == []
    wait_until(lambda: not any("waiter" in c or "supervisor" in c for c in processes(lab).values()), 5, "all are gone")


def test_aipass_respects_our_run_and_tells_it(lab: Lab, alpha: Agent, beta: Agent, wait_until: Wait) -> None:
    run_id = mailcore(lab, "dispatch", "@beta", "Ours", "the body", "--from", "@alpha")["run_id"]
    wait_until(lambda: started(beta), 20, "our agent is started")
    refused = lab.ran(alpha.branch, "@ai_mail", "dispatch", "@beta", "Theirs", "please do")
    lock = read_lock(beta.dispatch_lock)
    assert lock is not None and lock.run_id == run_id
    assert refused.returncode == 2 and f"busy (PID {lock.pid}" in refused.stdout, refused.stdout
    assert "Theirs" in mails(beta) and len(started(beta)) == 1
    (row,) = theirs(lab)["outstanding"]
    assert (row["dispatch_id"], row["sender"], row["target"], row["subject"], row["provider"]) == (
        run_id, "@alpha", "@beta", "Ours", "claude",
    )  # fmt: skip
    # AIPass looks whether a monitor lives: our sentinel, which stands by the supervisor that the lock names.
    assert (row["monitor_pid"], row["monitor_alive"], row["overdue"]) == (parent_of(lock.pid), True, False)
    listed = lab.drone(alpha.branch, "dispatch", "register")
    assert "@beta" in listed and "Ours" in listed and "GONE" not in listed, listed
    go(beta)
    wait_until(lambda: free(beta), 30, "our run is over")

    read = theirs(lab)
    assert run_id not in {row["dispatch_id"] for row in read["outstanding"]}
    closing = next(row for row in read["feed"] if row.get("dispatch_id") == run_id)
    assert (closing["kind"], closing["title"], closing["sender"]) == ("dispatch", "@beta completed", "@alpha")
    assert any(row["kind"] == "wake" and row["title"] == "@beta waking" for row in read["feed"])
    report = json.loads(Path(closing["report_path"]).read_bytes())
    assert (report["dispatch_id"], report["status"], report["exit_code"]) == (run_id, "completed", 0)
    assert (report["sender"], report["target"], report["result_excerpt"]) == ("@alpha", "@beta", "did the work")
    # The branch is free for AIPass again.
    assert "Agent responding" in lab.drone(alpha.branch, "dispatch", "wake", "@beta")
    wait_until(lambda: len(started(beta)) == 2, 20, "AIPass's agent is started")


def test_a_kill_ends_the_whole_session_of_aipass(lab: Lab, alpha: Agent, beta: Agent, wait_until: Wait) -> None:
    (beta.branch / "daemonise").touch()
    dispatched(lab, alpha, beta, wait_until)
    assert mailcore(lab, "dispatch", "@beta", "Ours", "b", "--from", "@operator", status=3)["queued"]
    at_work = {pid: command for pid, command in processes(lab).items() if "waiter" not in command}
    assert len(at_work) == 3 and any("sleep 600" in command for command in at_work.values()), at_work
    begun = time.monotonic()
    killed = mailcore(lab, "kill", "@beta", "--from", "@operator")
    print(f"{len(killed['ended'])} processes of AIPass's run ended in {time.monotonic() - begun:.2f} s")
    assert set(killed["ended"]) == set(at_work) and killed["survivors"] == []
    assert processes(lab) == {} and free(beta)
    assert theirs(lab)["outstanding"] == []
    (run,) = mailcore(lab, "runs", "@beta")
    assert (run["phase"], run["by"], run["run_id"]) == ("killed", "@operator", killed["run_id"])
    row = shown(lab, beta)
    assert (row["state"], row["reason"]) == ("killed", "Task one, killed by @operator")
    (told,) = [mail for mail in open_mail(alpha) if mail["subject"] == "KILLED: Dispatch to @beta"]
    task = next(mail for mail in open_mail(beta) if mail["subject"] == "Task one")
    assert told["in_reply_to"] == task["sent_id"] and "@operator" in told["message"]
    # After a kill nothing starts by itself; a person's own retry does.
    assert [entry["subject"] for entry in mailcore(lab, "queue")] == ["Ours"] and len(started(beta)) == 1
    (beta.branch / "daemonise").unlink()
    go(beta)
    mailcore(lab, "retry", "@beta", "--from", "@operator")
    wait_until(lambda: len(started(beta)) == 3 and free(beta), 30, "the retry, and then what waited, are done")
    assert task["id"] in started(beta)[1]["prompt"]


def test_what_a_dead_monitor_left_is_ended_and_told(lab: Lab, alpha: Agent, beta: Agent, wait_until: Wait) -> None:
    (beta.branch / "daemonise").touch()
    monitor = dispatched(lab, alpha, beta, wait_until)
    os.kill(monitor, signal.SIGKILL)
    wait_until(lambda: not alive(monitor), 5, "the monitor is gone")
    left = set(processes(lab))
    assert len(left) == 2 and shown(lab, beta)["state"] == "orphaned"
    (beta.branch / "daemonise").unlink()
    run_id = mailcore(lab, "dispatch", "@beta", "Ours", "b", "--from", "@operator")["run_id"]
    assert run_id and not any(alive(pid) for pid in left), "no second program beside the orphaned one"
    assert [row["dispatch_id"] for row in theirs(lab)["outstanding"]] == [run_id]
    assert "BOUNCE: Dispatch to @beta failed" in mails(alpha)
    old = next(run for run in mailcore(lab, "runs", "@beta") if run["foreign"])
    assert (old["phase"], old["reason"]) == ("bounced", f"FAILED (its monitor (PID {monitor}) died)")


def test_a_retry_does_an_answered_task_again_and_a_wake_without_one(
    lab: Lab, alpha: Agent, beta: Agent, wait_until: Wait
) -> None:
    """The mail of the last run lies in `deleted/` if it was closed; a wake of AIPass's had none."""
    dispatched(lab, alpha, beta, wait_until)
    task = next(mail for mail in open_mail(beta) if mail["subject"] == "Task one")
    lab.drone(beta.branch, "reply", task["id"], "done")
    go(beta)
    wait_until(lambda: free(beta), 30, "AIPass's run is over")
    assert [mail["id"] for mail in archived_mail(beta)] == [task["id"]]
    again = mailcore(lab, "retry", "@beta", "--from", "@operator")["run_id"]
    wait_until(lambda: free(beta), 30, "the retry is over")
    run = read_run(beta.runs_dir / again)
    assert run is not None and (run.message_id, run.phase) == (task["id"], Phase.COMPLETED)
    lab.drone(alpha.branch, "dispatch", "wake", "@beta", "Look around.")
    wait_until(lambda: free(beta), 30, "AIPass's wake is over")
    again = mailcore(lab, "retry", "@beta", "--from", "@operator")["run_id"]
    wait_until(lambda: free(beta), 30, "the retry is over")
    run = read_run(beta.runs_dir / again)
    assert run is not None and (run.message_id, run.phase) == ("", Phase.COMPLETED)
    assert "to be done again" in started(beta)[-1]["prompt"]
