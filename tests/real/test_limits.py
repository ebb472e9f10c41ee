"""The real Claude Code in a run that waits for the limit of its plan: whoever dies or asks, its work is done once."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from mailcore.model.run import Phase, Run
from mailcore.workspace.lock_reader import read_lock
from tests.mailcore.conftest import wait_until
from tests.real import test_codex
from tests.real.conftest import BYE, DONE, READ, Lab, bash
from tests.real.stub import claude_limit, texts
from tests.real.test_claude import DISPATCH

WORK = bash("python3 work.py")


@pytest.fixture
def waiting(plan: Lab) -> Lab:
    """@writer has done half of its work, and waits an hour for the reset."""
    plan.init()
    (plan.branch / "work.py").write_text("open('count', 'a').write('x')\n")
    plan.stub.plays(READ, WORK, claude_limit("five_hour", int(time.time()) + 3600), DONE, BYE)
    plan.mailcore(DISPATCH)
    wait_until(lambda: plan.run().parked, 60, f"the run waits: {plan.run()}")
    return plan


def once_in_one_session(lab: Lab, run: Run) -> None:
    """It went on where it was, and began nothing anew."""
    assert (run.phase, run.replied, [one.mode for one in run.attempts]) == (Phase.COMPLETED, True, ["start", "resume"])
    assert run.attempts[0].session_id == run.attempts[1].session_id
    resumed = texts(lab.stub.requests[3])
    assert "Write them from the changes." in resumed and "work.py" in resumed  # the former turns
    assert (lab.branch / "count").read_text() == "x"
    assert len(list((lab.branch / ".ai_mail.local/runs").iterdir())) == 1


@pytest.mark.parametrize("dead", ["nobody", "supervisor", "supervisor and sentinel"])
def test_asked_it_goes_on_at_once_whoever_died(waiting: Lab, dead: str) -> None:
    lock = read_lock(waiting.branch / ".ai_mail.local/.dispatch.lock")
    assert lock is not None
    for pid in {"nobody": (), "supervisor": (lock.pid,)}.get(dead, (lock.sentinel, lock.pid)):
        os.kill(pid, signal.SIGKILL)
    assert waiting.mailcore("retry @writer")["run_id"] == waiting.run().run_id
    once_in_one_session(waiting, waiting.over())
    (account,) = waiting.mailcore("limits")
    assert (account["limits"][0]["reached"], account["waiting"]) == (False, [])


def test_its_task_is_done_in_another_program(waiting: Lab, programs: dict[str, Path]) -> None:
    if "codex" not in programs:
        pytest.skip("it is done in Codex: --real-codex npm")
    waited = waiting.run()
    waiting.stub.plays(test_codex.READ, test_codex.DONE, BYE)
    waiting.mailcore("retry @writer --program codex")
    run = waiting.over()
    assert (run.phase, run.program, run.message_id) == (Phase.COMPLETED, "codex", waited.message_id)
    assert waiting.mailcore(f"run {waited.run_id}")["run"]["phase"] == "killed"
    (account,) = waiting.mailcore("limits")
    assert (account["limits"][0]["reached"], account["waiting"]) == (True, [])
