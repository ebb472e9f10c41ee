"""The real Codex as an agent, in its own sandbox: done, resumed, limited."""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailcore.model.run import Phase
from tests.mailcore.conftest import wait_until
from tests.real.conftest import BYE, Lab
from tests.real.stub import Cut, Failure, Request, Tool, texts

DISPATCH = 'dispatch @writer "Release notes" "Write them from the changes."'


def shell(command: str) -> Callable[[Request], Tool]:
    """The model wants a shell command to be run; `{id}` is the message that its prompt names."""

    def step(request: Request) -> Tool:
        named = re.search(r"task, message (\w+)", texts(request))
        return Tool("exec_command", {"cmd": command.replace("{id}", named[1] if named else "unknown")})

    return step


READ, DONE = shell("mailcore read {id}"), shell("mailcore done {id} 'It is in NOTES.md'")


@pytest.fixture
def strict(lab: Lab) -> Iterator[Lab]:
    """The workspace outside of /tmp, which Codex's sandbox lets everybody write."""
    root = Path(tempfile.mkdtemp(prefix="praxmonitor-", dir="/var/tmp"))
    moved = replace(lab, root=root)
    moved.init('program = "codex"')
    yield moved
    shutil.rmtree(root)


def test_done_from_within_its_sandbox(strict: Lab) -> None:
    outside = strict.root.parent / f"{strict.root.name}-outside"
    strict.stub.plays(READ, shell(f"touch NOTES.md {outside}"), DONE, BYE)
    strict.mailcore(DISPATCH)
    run = strict.over()
    assert (run.phase, len(run.attempts), run.replied) == (Phase.COMPLETED, 1, True), run
    assert run.result == "Notes are written."
    assert "Write them from the changes." in texts(strict.stub.requests[1])  # what `mailcore read` showed
    assert (strict.branch / "NOTES.md").exists() and not outside.exists()


def test_an_attempt_that_dies_is_resumed_in_its_thread(strict: Lab) -> None:
    (strict.branch / "nap.py").write_text("import time\ntime.sleep(600)\n")
    strict.stub.plays(READ, shell("python3 nap.py"), DONE, BYE)
    strict.mailcore(DISPATCH)
    wait_until(lambda: any("nap.py" in command for command in strict.marked().values()), 60, "the tool is at work")
    first = strict.run().attempt
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    run = strict.over()
    assert (run.phase, run.replied) == (Phase.COMPLETED, True), run
    assert [attempt.mode for attempt in run.attempts] == ["start", "resume"]
    assert run.attempts[0].session_id == run.attempts[1].session_id != ""
    resumed = texts(next(r for r in strict.stub.requests[2:] if texts(r).count("You are @writer") == 2))
    assert "Write them from the changes." in resumed


def test_a_connection_that_was_lost_and_found_is_no_failure(strict: Lab) -> None:
    strict.stub.plays(Cut(), READ, DONE, BYE)
    strict.mailcore(DISPATCH)
    run = strict.over()
    assert (run.phase, len(run.attempts), run.replied) == (Phase.COMPLETED, 1, True), run


def test_a_rate_limit_is_waited_for(strict: Lab) -> None:
    strict.stub.plays(Failure(429, "rate_limit_error"), READ, DONE, BYE)
    strict.mailcore(DISPATCH)
    run = strict.over()
    assert (run.phase, run.replied) == (Phase.COMPLETED, True), run
    (waited,) = strict.told("waiting")
    assert waited["limited"] is True
