"""The real Codex as an agent, in its own sandbox: done, resumed, limited."""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailcore.model.activity import Kind
from mailcore.model.limit import SERVICE, Certainty, Limit
from mailcore.model.message import parse_time
from mailcore.model.run import Phase
from mailcore.programs.codex.rollout import CodexRollout
from mailcore.programs.registry import program
from tests.mailcore.conftest import wait_until
from tests.real.conftest import BYE, Lab
from tests.real.recorder import end, nap, recording, running, spin
from tests.real.stub import Cut, Failure, Request, Tool, codex_limit, texts

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
    assert run.result == "It is in NOTES.md"
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
    run = strict.asked_to_go_on()
    assert (run.phase, run.replied) == (Phase.COMPLETED, True), run
    waited = strict.told("waiting")[0]
    assert (waited["limited"], waited["scope"], waited["resets"]) == (True, "", "")


def test_a_usage_limit_is_waited_for_until_its_reset(strict: Lab) -> None:
    resets_at = int(time.time()) + 15
    strict.stub.plays(codex_limit(resets_at), READ, DONE, BYE)
    strict.mailcore(DISPATCH)
    run = strict.over()
    assert (run.phase, run.replied, len(run.attempts)) == (Phase.COMPLETED, True, 2), run
    assert run.attempts[0].ended_at < resets_at <= run.attempts[1].started_at
    waited = strict.told("waiting")[0]
    assert (parse_time(waited["resets"]), waited["certainty"], waited["scope"]) == (resets_at, "reported", "5 h")


def test_a_usage_limit_is_known_with_its_reset(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.init()
    resets_at = int(time.time()) + 7200
    lab.stub.plays(codex_limit(resets_at))
    code, files = lab.printed("codex exec --json --skip-git-repo-check hello", ".codex")
    monkeypatch.setenv("CODEX_HOME", str(lab.home / ".codex"))
    for name in ("codex", "command"):
        ended = program(name).ending(code, files)
        assert ended.limited and ended.limit is not None
        found = (ended.limit.scope, ended.limit.certainty, ended.limit.resets_at, ended.limit.used)
        assert found == ("5 h", Certainty.REPORTED, resets_at, 1.0)
    (session,) = lab.home.glob(".codex/sessions/*/*/*/*.jsonl")
    reader = CodexRollout("@writer", session)
    lines = session.read_bytes().splitlines()
    (told,) = (one for line in lines for one in reader.read(line, time.time()) if isinstance(one, Limit))
    assert (told.scope, told.reached, told.resets_at) == ("5 h", True, resets_at)
    session.unlink()  # its events have no more than words, as exact as the minute, of the machine's own time
    alone = program("codex").ending(code, files).limit
    assert alone is not None and (alone.scope, alone.certainty) == ("", Certainty.READ)
    assert 0 <= resets_at - alone.resets_at < 60


def test_how_much_is_used_is_known_before_a_limit_is_reached(lab: Lab) -> None:
    lab.init()
    resets_at = int(time.time()) + 7200
    lab.stub.headers = codex_limit(resets_at, used=42.5).headers
    code, files = lab.printed("codex exec --json --skip-git-repo-check hello")
    assert program("codex").ending(code, files).success
    (session,) = lab.home.glob(".codex/sessions/*/*/*/*.jsonl")
    reader = CodexRollout("@writer", session)
    told = [one for line in session.read_bytes().splitlines() for one in reader.read(line, time.time())]
    limits = {(one.scope, one.reached, one.used, one.resets_at) for one in told if isinstance(one, Limit)}
    assert limits == {("5 h", False, 0.425, resets_at)}


def test_a_busy_service_is_no_limit_of_the_account(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(Failure(503, "server_error", about={"code": "server_is_overloaded"}))
    limit = program("codex").ending(*lab.printed("codex exec --json --skip-git-repo-check hello")).limit
    assert limit is not None and (limit.scope, limit.resets_at) == (SERVICE, 0.0)


def napping(lab: Lab, **given: object) -> Tool:
    return Tool("exec_command", {"cmd": nap(lab), **given})


def test_a_command_that_does_not_end_gives_its_word_back(strict: Lab) -> None:
    """It runs on beside its agent, after the time that the call gave itself."""
    strict.stub.plays(READ, napping(strict, yield_time_ms=3000), DONE, BYE)
    with recording(strict, "codex-yields") as seen:
        strict.mailcore(DISPATCH)
        strict.over()
        end(running(strict, "nap.py"))
        seen.goes_on(3)
    calls = [one for one in seen.facts().activities if one.kind is Kind.TOOL]
    assert [one.timeout for one in calls] == [0.0, 3.0, 0.0]


def test_a_command_that_hangs_is_waited_for(strict: Lab) -> None:
    strict.stub.plays(READ, napping(strict, yield_time_ms=30_000), DONE, BYE)
    with recording(strict, "codex-hangs") as seen:
        strict.mailcore(DISPATCH)
        wait_until(lambda: running(strict, "nap.py"), 60, "the tool is at work")
        seen.goes_on(20)
        strict.mailcore("kill @writer")
        strict.over()
        seen.goes_on(3)
    facts = seen.facts()
    assert facts.run is not None and facts.run.phase.ended


def test_a_service_that_does_not_answer(strict: Lab) -> None:
    strict.stub.plays(READ, DONE, BYE)
    with recording(strict, "codex-no-answer") as seen:
        strict.mailcore(DISPATCH)
        wait_until(lambda: strict.stub.requests, 60, "it works")
        strict.stub.hold.clear()
        seen.goes_on(20)
        strict.stub.hold.set()
        strict.over()
        seen.goes_on(3)
    facts = seen.facts()
    assert facts.run is not None and facts.run.replied


def test_a_command_that_spins(strict: Lab) -> None:
    command = Tool("exec_command", {"cmd": spin(strict, 25.0), "yield_time_ms": 30_000})
    strict.stub.plays(READ, command, DONE, BYE)
    with recording(strict, "codex-spins") as seen:
        strict.mailcore(DISPATCH)
        strict.over()
        seen.goes_on(3)
    assert any(works for *_, works in seen.machine)
